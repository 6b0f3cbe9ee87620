//! Who calls, found out before any handler runs: the API key is read from the database each time, must be in
//! force, and must have the permission that the table of routes asks for.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use flows::{Actor, api_keys};
use store::api_keys::ApiKey;

use crate::api::sender;
use crate::problem::Problem;
use crate::router::Site;
use crate::routes::Who;

/// Lets a request through to its handler, with the key that was found, or refuses it; either is noted in the
/// audit log.
pub async fn check(
    State((site, who)): State<(Site, Who)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let by = sender(request.extensions());
    if let Err(problem) = admit(&site, who, &mut request).await {
        // Who shows no key at all is told so, and that is all.
        if let Some(secret) = bearer(request.headers()).filter(|_| problem.is_about_the_caller()) {
            site.door.refused(&site.app, &by, secret, problem.code()).await;
        }
        return Err(problem);
    }
    if let Some(key) = request.extensions().get::<ApiKey>().cloned() {
        let by = by.known_as(Actor::TenantKey(key.id.clone()));
        site.door.used(&site.app, &key.scope, &by).await;
    }
    Ok(next.run(request).await)
}

async fn admit(site: &Site, who: Who, request: &mut Request) -> Result<(), Problem> {
    match who {
        Who::Key(permission) => {
            let key = key_of(site, request.headers()).await?;
            key.permissions.need(permission)?;
            request.extensions_mut().insert(key);
        }
        Who::KeyItselfOr(permission) => {
            let key = key_of(site, request.headers()).await?;
            if !names(request, &key) {
                key.permissions.need(permission)?;
            }
            request.extensions_mut().insert(key);
        }
        Who::Payer | Who::Returning | Who::Stripe | Who::Anybody => {}
    }
    Ok(())
}

/// Whether the address ends with the key's own id.
fn names(request: &Request, key: &ApiKey) -> bool {
    request.uri().path().rsplit('/').next() == Some(key.id.as_str())
}

async fn key_of(site: &Site, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let secret = bearer(headers).ok_or_else(Problem::unauthorized)?;
    let found = api_keys::authenticate(&site.app, secret).await?;
    let key = found.ok_or_else(Problem::unauthorized)?;
    if api_keys::is_touch_due(&site.app, &key) {
        // Beside the request, which neither waits for it nor fails with it.
        let (app, key) = (site.app.clone(), key.clone());
        tokio::spawn(async move {
            if let Err(failure) = api_keys::touch(&app, &key).await {
                tracing::warn!(key = key.id.as_str(), %failure, "the key's use was not written down");
            }
        });
    }
    Ok(key)
}

/// The key of `Bearer KEY`; the scheme's name is written in any case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
