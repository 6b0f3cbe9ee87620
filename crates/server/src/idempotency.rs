//! `Idempotency-Key`: the same request sent again has one effect and one answer.
//!
//! The key is kept for thirty days for each tenant, mode and route. The same verb, address and body get the
//! same status and body again, with `Idempotent-Replayed: true`; anything else under the key is refused. What
//! the caller must not find in a database is never stored: a client secret is read again from Stripe, a pay
//! link is derived again, an API key is shown once only, and its replay says so.
//!
//! A request that went down with its instance is carried out again once its lease has run out. That does no
//! harm, whichever route it is:
//! - What is made (clients, invoices, API keys, tenants) gets its id from the moment of the first try, which
//!   is stored with the key; the second try finds the row of the first.
//! - A refund gets its id in the same way, and that id is its key at Stripe: the second try finds the refund
//!   of the first, wherever that stands.
//! - A file of evidence gets its id in the same way, and that id is in its key at Stripe.
//! - A payment intent is the invoice's one live intent, which the second try gets again.
//! - Finalizing or voiding twice, and an edit that names a version, are refused the second time; an edit that
//!   names none writes the same again.
//! - What an invoice is mailed with gets its key from the moment of the first try: nobody gets it twice.
//! - A pay link is rotated again: nobody has seen the address of the first try.
//! - Revoking, suspending, resuming and closing change nothing the second time.

pub mod forms;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRef, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{LinkId, PaymentId, Scope, idempotency};
use flows::requests::{self, Begun, Start};
use flows::{Failure, Moment, collect, pay_links};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::requests::{Answer, Place};

use crate::api::read_body;
use crate::problem::Problem;
use crate::router::Site;

/// The header that carries the key.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key, as Stripe's.
const KEY_MAX: usize = 255;
/// Fields of answers that are never stored, whatever answer they stand in.
const SECRET_FIELDS: [&str; 3] = ["client_secret", "secret", "url"];
/// What a replay says in the place of an API key.
pub const SHOWN_ONCE: &str =
    "The secret was shown once and is not stored. If it was lost, revoke this key and make another.";

/// What an answer leaves out when it is stored, so that it is found out again for a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The client secret of this payment's intent.
    ClientSecret(PaymentId),
    /// The address of a pay link in one of its generations.
    PayUrl(LinkId, i64),
}

impl Withheld {
    fn stored(&self) -> String {
        match self {
            Withheld::ClientSecret(payment) => format!("client_secret:{payment}"),
            Withheld::PayUrl(link, generation) => format!("url:{link}:{generation}"),
        }
    }

    fn read(text: &str) -> Option<Withheld> {
        let mut parts = text.split(':');
        let kind = (parts.next()?, parts.next()?, parts.next());
        match kind {
            ("client_secret", payment, None) => {
                Some(Withheld::ClientSecret(PaymentId::stored(payment.to_owned())))
            }
            ("url", link, Some(generation)) => Some(Withheld::PayUrl(
                LinkId::stored(link.to_owned()),
                generation.parse().ok()?,
            )),
            _ => None,
        }
    }
}

/// The moment of a request, from which what it makes gets its id: the same at each try under one key.
pub struct Once(pub Moment);

/// The moment of the first try, as [`around`] found it.
#[derive(Clone, Copy)]
struct FirstTry(Moment);

impl<S> FromRequestParts<S> for Once
where
    S: Send + Sync,
    Site: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Once, Self::Rejection> {
        let first = parts.extensions.get::<FirstTry>();
        Ok(Once(first.map_or_else(
            || Site::from_ref(state).app.moment(),
            |first| first.0,
        )))
    }
}

/// Carries a request out, or answers it as before. `route` is the verb and the address of the table.
pub async fn around(
    site: &Site,
    scope: Scope,
    route: String,
    is_required: bool,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key_of(request.headers(), is_required)? else {
        return Ok(next.run(request).await);
    };
    let (mut parts, body) = request.into_parts();
    let bytes = read_body(Request::from_parts(parts.clone(), body)).await?;
    let hash = hash(&parts, &bytes);
    let place = Place {
        scope: scope.clone(),
        route,
        key,
    };
    match requests::begin(&site.app, place, hash).await? {
        Start::Answered(answer) => replay(site, &scope, answer).await,
        Start::Begun(begun) => {
            parts.extensions.insert(FirstTry(begun.moment));
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            keep(site, *begun, response).await
        }
    }
}

/// The key of a request, if it has one.
fn key_of(headers: &HeaderMap, is_required: bool) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(HEADER).iter();
    let refused = |code, detail: &str| Err(Problem::new(StatusCode::BAD_REQUEST, code, detail));
    match (given.next(), given.next()) {
        (None, _) if is_required => refused(
            "idempotency_key_required",
            "Send an Idempotency-Key: a text of your own, the same whenever you repeat this request.",
        ),
        (None, _) => Ok(None),
        (Some(key), None) if is_well_formed(key) => Ok(key.to_str().ok().map(str::to_owned)),
        (Some(_), _) => refused(
            "idempotency_key_invalid",
            "Idempotency-Key must be one header of 1 to 255 visible ASCII characters.",
        ),
    }
}

fn is_well_formed(key: &HeaderValue) -> bool {
    let key = key.as_bytes();
    (1..=KEY_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic)
}

/// What makes a request the same: its verb, its address and its body, byte by byte.
fn hash(parts: &Parts, body: &Bytes) -> String {
    let address = parts.uri.path_and_query().map_or("", |address| address.as_str());
    let digest = Sha256::new()
        .chain_update(parts.method.as_str())
        .chain_update([b'\n'])
        .chain_update(address)
        .chain_update([b'\n'])
        .chain_update(body)
        .finalize();
    hex::encode(digest)
}

/// Keeps an answer, without its secrets, or gives the key free. The caller is answered either way: where the
/// database fails now, the request counts as lost after its lease.
async fn keep(site: &Site, begun: Begun, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| Failure::Bug(format!("an answer that cannot be read: {error}")))?;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let status = parts.status.as_u16();
    let kept = if idempotency::is_kept(status, body["code"].as_str(), begun.is_first_try()) {
        let answer = Answer {
            http_status: i64::from(status),
            body: without_secrets(body).to_string(),
            withheld: parts.extensions.get::<Withheld>().map(Withheld::stored),
        };
        requests::keep(&site.app, begun, answer).await
    } else if parts.status.is_server_error() {
        requests::give_back(&site.app, begun).await
    } else {
        requests::forget(&site.app, begun).await
    };
    if let Err(failure) = kept {
        tracing::warn!(%failure, "the answer of a request with an idempotency key was not kept");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The same answer with nothing in the place of each secret.
fn without_secrets(mut body: Value) -> Value {
    match &mut body {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let is_secret = SECRET_FIELDS.contains(&name.as_str()) && !value.is_null();
                *value = if is_secret {
                    Value::Null
                } else {
                    without_secrets(value.take())
                };
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_secrets(item.take());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    body
}

async fn replay(site: &Site, scope: &Scope, answer: Answer) -> Result<Response, Problem> {
    let unreadable = |what: &str| Failure::Bug(format!("a stored answer with an unreadable {what}"));
    let status = u16::try_from(answer.http_status).ok();
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| unreadable("status"))?;
    let mut body: Value = serde_json::from_str(&answer.body).map_err(|_| unreadable("body"))?;
    if let Some(withheld) = &answer.withheld {
        let withheld = Withheld::read(withheld).ok_or_else(|| unreadable("note of what was withheld"))?;
        match withheld {
            Withheld::ClientSecret(payment) => {
                let secret = collect::client_secret(&site.app, scope, &payment).await?;
                body["client_secret"] = secret.map_or(Value::Null, |secret| secret.expose().into());
            }
            Withheld::PayUrl(link, generation) => {
                let token = pay_links::token_of(&site.app.link_key, &link, generation)?;
                body["url"] = site.pay_url(&token).into();
            }
        }
    }
    say_shown_once(&mut body);
    let content_type = match status.is_success() {
        true => "application/json",
        false => "application/problem+json",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    Ok((status, headers, body.to_string()).into_response())
}

/// An API key's replay says why it has no secret: also of the keys within a tenant.
fn say_shown_once(body: &mut Value) {
    if let Some(keys) = body.get_mut("api_keys").and_then(Value::as_array_mut) {
        keys.iter_mut().for_each(say_shown_once);
    }
    if body["object"] == "api_key" && body.get("secret").is_some_and(Value::is_null) {
        body["notice"] = SHOWN_ONCE.into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stored_answer_has_no_secret_at_any_depth() {
        let body = json!({"id": "x", "client_secret": "pi_1_secret_2", "url": "https://pay.example/pay/abc",
            "api_keys": [{"object": "api_key", "secret": "ppk_test_1"}], "secret": null});
        let mut stored = without_secrets(body);
        assert_eq!(
            stored,
            json!({"id": "x", "client_secret": null, "url": null,
                "api_keys": [{"object": "api_key", "secret": null}], "secret": null})
        );
        say_shown_once(&mut stored);
        assert_eq!(stored["api_keys"][0]["notice"], SHOWN_ONCE);
    }

    #[test]
    fn what_is_withheld_is_read_back() {
        for withheld in [
            Withheld::ClientSecret(PaymentId::stored("pay_1".to_owned())),
            Withheld::PayUrl(LinkId::stored("lnk_1".to_owned()), 7),
        ] {
            assert_eq!(Withheld::read(&withheld.stored()), Some(withheld));
        }
        for text in [
            "",
            "client_secret",
            "client_secret:a:b",
            "url:lnk_1",
            "url:lnk_1:x",
            "x:y",
        ] {
            assert_eq!(Withheld::read(text), None, "{text}");
        }
    }
}
