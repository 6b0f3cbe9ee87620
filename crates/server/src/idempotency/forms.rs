//! Forms that make or move something carry a key that was drawn with their page: however often somebody
//! presses, it is done once, and each press leads to the same page. A form that comes back with an error
//! keeps its key.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::{Refusal, Scope};
use flows::Failure;
use flows::requests::{self, Begun, Start};
use maud::{Markup, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::requests::{Answer, Place};

use super::{FirstTry, KEY_MAX};
use crate::access::people::{AGAIN, KEPT_FOR};
use crate::html::{self as parts, CSRF_FIELD};
use crate::people::{Filled, html_page, see_other};
use crate::router::Site;

/// The field that carries the key.
pub const FIELD: &str = "form_key";

/// The hidden field of a form, with a new key, or with the one that it was sent with.
pub fn field(site: &Site, sent: &str) -> Markup {
    let key = match is_well_formed(sent) {
        true => sent.to_owned(),
        false => format!("{:032x}", site.app.clock.random()),
    };
    html! { input type="hidden" name=(FIELD) value=(key); }
}

/// The key of a form, if it has one.
pub fn key_of(filled: &Filled) -> Option<&str> {
    Some(filled.get(FIELD)).filter(|key| is_well_formed(key))
}

fn is_well_formed(key: &str) -> bool {
    (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Carries a form out, or leads to where it led before.
///
/// # Errors
/// When the database fails.
pub async fn around(
    site: &Site,
    scope: Scope,
    filled: &Filled,
    (mut parts, bytes): (Parts, Bytes),
    next: Next,
) -> Result<Response, Failure> {
    let Some(key) = key_of(filled) else {
        return Ok(next.run(Request::from_parts(parts, Body::from(bytes))).await);
    };
    let place = Place {
        scope,
        route: format!("{} {}", parts.method, parts.uri.path()),
        key: format!("form:{key}"),
    };
    match begin(site, place, hash(filled)).await {
        Ok(Start::Answered(answer)) => Ok(replay(&answer)),
        Ok(Start::Begun(begun)) => {
            parts.extensions.insert(FirstTry(begun.moment));
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            let location = response.headers().get(header::LOCATION);
            let location = location
                .and_then(|location| location.to_str().ok())
                .map(str::to_owned);
            keep(site, *begun, response.status(), location).await;
            Ok(response)
        }
        Err(Failure::Refused(Refusal::IdempotencyKeyReused)) => Ok(sent_before(
            "This form was sent already",
            "It was sent with something else in it, and that was done. Nothing was done now: open the page \
             again to begin anew.",
        )),
        Err(Failure::Refused(Refusal::IdempotencyKeyInFlight)) => Ok(sent_before(
            "This is being done",
            "The form was sent a moment ago, and that is still being carried out. Look again in a moment.",
        )),
        Err(failure) => Err(failure),
    }
}

/// How often, and after how long, a press looks whether another one under its key is through.
const LOOKS: u32 = 100;
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// Begins to carry a form out. A second press while the first one is carried out waits for where that leads.
async fn begin(site: &Site, place: Place, hash: String) -> Result<Start, Failure> {
    let mut looks = 0;
    loop {
        match requests::begin(&site.app, place.clone(), hash.clone()).await {
            Err(Failure::Refused(Refusal::IdempotencyKeyInFlight)) if looks < LOOKS => {
                looks += 1;
                tokio::time::sleep(LOOK_AFTER).await;
            }
            begun => return begun,
        }
    }
}

/// What makes two forms the same: every field but those that say who sends it.
fn hash(filled: &Filled) -> String {
    let mut digest = Sha256::new();
    for (name, value) in filled.fields() {
        if name == CSRF_FIELD || name == KEPT_FOR || AGAIN.contains(&name) {
            continue;
        }
        digest.update(json!([name, value]).to_string());
    }
    hex::encode(digest.finalize())
}

/// Only what was done leads to another page; everything else may be corrected and sent again.
async fn keep(site: &Site, begun: Begun, status: StatusCode, location: Option<String>) {
    let kept = match location {
        Some(location) if status == StatusCode::SEE_OTHER => {
            let answer = Answer {
                http_status: i64::from(StatusCode::SEE_OTHER.as_u16()),
                body: json!({ "location": location }).to_string(),
                withheld: None,
            };
            requests::keep(&site.app, begun, answer).await
        }
        _ if status.is_server_error() => requests::give_back(&site.app, begun).await,
        _ => requests::forget(&site.app, begun).await,
    };
    if let Err(failure) = kept {
        tracing::warn!(%failure, "where a form led was not kept");
    }
}

fn replay(answer: &Answer) -> Response {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    see_other(body["location"].as_str().unwrap_or("/"))
}

fn sent_before(title: &str, text: &str) -> Response {
    let content = html! {
        h1 { (title) }
        p { (text) }
        div .actions { (parts::link_button("Go to the start", "/", "primary")) }
    };
    html_page(StatusCode::CONFLICT, parts::visitors(title, None, &content))
}
