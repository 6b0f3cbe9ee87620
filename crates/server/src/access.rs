//! Who calls, found out before any handler runs: the API key is read from the database each time, must be in
//! force, and must have the permission that the table of routes asks for.

pub mod people;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::{Mode, Refusal, Scope, TenantId};
use flows::{Actor, Failure, api_keys, platform_keys};
use store::api_keys::ApiKey;
use store::platform_keys::PlatformKey;
use subtle::ConstantTimeEq;

use crate::api::sender;
use crate::idempotency;
use crate::problem::Problem;
use crate::router::{EVIDENCE_FILES, Site};
use crate::routes::{Route, Who};

/// What a route asks of a request.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    path: &'static str,
    who: Who,
    moves_money: bool,
    stepped_up: bool,
}

impl Gate {
    /// The gate of a route.
    pub fn of(route: &Route) -> Gate {
        Gate {
            path: route.path,
            who: route.who,
            moves_money: route.moves_money,
            stepped_up: route.stepped_up,
        }
    }
}

/// Lets a request through to its handler, with the key that was found, or refuses it; either is noted in the
/// audit log. What changes something and carries an idempotency key is carried out once.
pub async fn check(
    State((site, gate)): State<(Site, Gate)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if gate.who.is_of_people() {
        return Ok(people::check(&site, gate, request, next).await);
    }
    let by = sender(request.extensions());
    let scope = match admit(&site, gate.who, &mut request).await {
        Ok(scope) => scope,
        Err(problem) => {
            // Who shows no key at all is told so, and that is all.
            if let Some(secret) = bearer(request.headers()).filter(|_| problem.is_about_the_caller()) {
                site.door.refused(&site.app, &by, secret, problem.code()).await;
            }
            return Err(problem);
        }
    };
    if let Some(key) = request.extensions().get::<ApiKey>().cloned() {
        let by = by.known_as(Actor::TenantKey(key.id.clone()));
        site.door.used(&site.app, Some(&key.scope), &by).await;
    }
    if let Some(key) = request.extensions().get::<PlatformKey>().cloned() {
        let by = by.known_as(Actor::PlatformKey(key.id));
        site.door.used(&site.app, None, &by).await;
    }
    if let Some(query) = request.uri().query().filter(|query| !query.is_empty())
        && !request.method().is_safe()
        && matches!(gate.who, Who::Key(_) | Who::KeyItselfOr(_) | Who::Platform)
        // Its body is a file, so that its name stands beside it.
        && gate.path != EVIDENCE_FILES
    {
        let name = query.split(['=', '&']).next().unwrap_or_default();
        return Err(Problem::no_query(name));
    }
    match scope {
        Some(scope) if !request.method().is_safe() => {
            let route = format!("{} {}", request.method(), gate.path);
            idempotency::around(&site, scope, route, gate.moves_money, request, next).await
        }
        Some(_) | None => Ok(next.run(request).await),
    }
}

/// Finds out who calls. Answers whose idempotency keys count, where there is a key of ours.
async fn admit(site: &Site, who: Who, request: &mut Request) -> Result<Option<Scope>, Problem> {
    match who {
        Who::Key(permission) => {
            let key = key_of(site, request.headers()).await?;
            key.permissions.need(permission)?;
            let scope = key.scope.clone();
            request.extensions_mut().insert(key);
            Ok(Some(scope))
        }
        Who::KeyItselfOr(permission) => {
            let key = key_of(site, request.headers()).await?;
            if !names(request, &key) {
                key.permissions.need(permission)?;
            }
            let scope = key.scope.clone();
            request.extensions_mut().insert(key);
            Ok(Some(scope))
        }
        Who::Platform => {
            let key = platform_key_of(site, request.headers()).await?;
            request.extensions_mut().insert(key);
            Ok(Some(Scope {
                tenant: TenantId::platform(),
                mode: Mode::Test,
            }))
        }
        Who::Metrics => match &site.config.metrics_token {
            None => Err(Refusal::NotFound.into()),
            Some(token) => {
                let shown = bearer(request.headers()).unwrap_or_default().as_bytes();
                match bool::from(shown.ct_eq(token.expose().as_bytes())) {
                    true => Ok(None),
                    false => Err(Problem::metrics_token_needed()),
                }
            }
        },
        // Pages of people have a gate of their own, before this one.
        Who::Person(_) | Who::Operator | Who::AnyPerson | Who::Entering | Who::Visitor => {
            Err(Problem::unauthorized())
        }
        Who::Payer | Who::Returning | Who::Stripe | Who::Anybody => Ok(None),
    }
}

/// Whether the address ends with the key's own id.
fn names(request: &Request, key: &ApiKey) -> bool {
    request.uri().path().rsplit('/').next() == Some(key.id.as_str())
}

async fn key_of(site: &Site, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let secret = bearer(headers).ok_or_else(Problem::unauthorized)?;
    let Some(key) = api_keys::authenticate(&site.app, secret).await? else {
        return Err(match platform_keys::authenticate(&site.app, secret).await? {
            Some(_) => Refusal::TenantKeyNeeded.into(),
            None => Problem::unauthorized(),
        });
    };
    if api_keys::is_touch_due(&site.app, &key) {
        let (app, used) = (site.app.clone(), key.clone());
        beside(async move { api_keys::touch(&app, &used).await });
    }
    Ok(key)
}

async fn platform_key_of(site: &Site, headers: &HeaderMap) -> Result<PlatformKey, Problem> {
    let secret = bearer(headers).ok_or_else(Problem::platform_key_needed)?;
    let Some(key) = platform_keys::authenticate(&site.app, secret).await? else {
        return Err(match api_keys::authenticate(&site.app, secret).await? {
            Some(_) => Refusal::PlatformKeyNeeded.into(),
            None => Problem::platform_key_needed(),
        });
    };
    if platform_keys::is_touch_due(&site.app, &key) {
        let (app, used) = (site.app.clone(), key.clone());
        beside(async move { platform_keys::touch(&app, &used).await });
    }
    Ok(key)
}

/// Writes down the use of a key beside the request, which neither waits for it nor fails with it.
fn beside(touch: impl Future<Output = Result<(), Failure>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(failure) = touch.await {
            tracing::warn!(%failure, "the use of a key was not written down");
        }
    });
}

/// The key of `Bearer KEY`; the scheme's name is written in any case.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
