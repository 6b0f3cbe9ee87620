//! `GET /connect/oauth/callback`: where Stripe sends the owner of an existing account back, agreed or not.
//! Nothing that stands in the address is shown, and no page says whose state it was but to who brought it.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::{Held, Refusal};
use flows::Failure;
use flows::disconnect::Access;
use flows::oauth::{self, Arrival};
use maud::Markup;
use serde::Deserialize;

use super::page::{self, notice};
use super::{Asked, html, looking_on, unreadable};
use crate::api::{Query, Visitor};
use crate::problem::Problem;
use crate::router::Site;

/// The longest code that is sent on to Stripe; its own have 35 characters.
const CODE_CHARS_MAX: usize = 255;

/// The query of the address.
#[derive(Debug, Deserialize)]
pub struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// Takes the state, exchanges the code, and sends the browser on to where the account stands.
pub async fn callback(
    State(site): State<Site>,
    Visitor(by): Visitor,
    headers: HeaderMap,
    back: Asked<Back>,
) -> Response {
    let Ok(Query(back)) = back else {
        return unreadable();
    };
    let state = back.state.unwrap_or_default();
    let code = back
        .code
        .filter(|code| code.len() <= CODE_CHARS_MAX && code.bytes().all(|byte| byte.is_ascii_graphic()));
    let (Some(code), None) = (code, &back.error) else {
        return match oauth::declined(&site.app, &by, &state).await {
            Ok(_) => html(StatusCode::OK, not_agreed(back.error.as_deref())),
            Err(failure) => trouble(failure),
        };
    };
    match oauth::arrive(&site.app, &by, &state, &code).await {
        Ok(Arrival::Connected(arrived)) => looking_on(&site, &headers, &arrived).await,
        Ok(Arrival::TurnedAway { refusal, access }) => turned_away(refusal, access),
        Err(failure) => trouble(failure),
    }
}

/// Why the account was not connected, and what became of the permission that its owner gave.
fn turned_away(refusal: Refusal, access: Option<Access>) -> Response {
    let markup = refused(&refusal, access);
    let status = Problem::from(refusal).into_response().status();
    html(status, markup)
}

fn not_agreed(error: Option<&str>) -> Markup {
    if error == Some("access_denied") {
        notice(
            "You did not connect your account",
            "Nothing was changed. If you change your mind, start again from your Stripe settings.",
        )
    } else {
        notice(
            "Stripe did not connect your account",
            "Stripe gave no permission. Nothing was changed: start again from your Stripe settings, and ask \
             your provider if it happens again.",
        )
    }
}

fn trouble(failure: Failure) -> Response {
    let markup = match &failure {
        Failure::Refused(refusal) => refused(refusal, None),
        // The code is used up, so that this address never works again.
        Failure::Unknown(_) => notice(
            "Stripe did not answer",
            "Nothing is connected here, though your account may name us among its connected applications by \
             now. Start again from your Stripe settings and choose the same account: that does no harm, and \
             completes it.",
        ),
        Failure::AccountGone => notice(
            "Stripe gives us no access to this account",
            "The permission was taken back. Start again from your Stripe settings.",
        ),
        Failure::Store(_) | Failure::Stripe(_) | Failure::NotConfigured(_) | Failure::Bug(_) => {
            page::trouble_page()
        }
    };
    let status = Problem::from(failure).into_response().status();
    html(status, markup)
}

fn refused(refusal: &Refusal, access: Option<Access>) -> Markup {
    let (title, text) = match refusal {
        Refusal::ConnectLinkUsed => return page::used_page(),
        Refusal::ConsentUsed => (
            "Your permission was used before or has run out",
            "Stripe gives each permission once, for five minutes. Start again from your Stripe settings.",
        ),
        Refusal::AccountTaken => (
            "This account belongs to another tenant",
            "A Stripe account takes payments for one tenant only. Choose another account, or ask your \
             provider.",
        ),
        Refusal::AccountConnected { held } => ("Another Stripe account is connected already", stays(*held)),
        Refusal::AccountModeMismatch => (
            "This account is of the other mode",
            "You started in test mode and came back with a live account, or the other way round. Nothing was \
             connected: start again and choose an account of the same mode.",
        ),
        Refusal::TenantSuspended | Refusal::TenantClosed => (
            "This account cannot be connected now",
            "Your provider has stopped new payments for you, so nothing was connected. Ask them what to do.",
        ),
        _ => (
            "Stripe did not connect your account",
            "Stripe refused, or gave less than was asked for. Start again from your Stripe settings, and ask \
             your provider if it happens again.",
        ),
    };
    match access.map(given_back) {
        Some(about) => notice(title, &format!("{text} {about}")),
        None => notice(title, text),
    }
}

/// What keeps another account, and what its owner can do.
const fn stays(held: Held) -> &'static str {
    match held {
        Held::Connected => "It was not changed. Disconnect it first, then start again with the other one.",
        Held::WithPayments => {
            "It was not changed. Payments were taken on it, so that it stays the account of this tenant."
        }
        Held::ToBeConnectedAgain => {
            "Payments were taken on it, so that it stays the account of this tenant. Start again from your \
             Stripe settings and choose that one."
        }
        Held::OwnersOwn => "It was not changed.",
    }
}

const fn given_back(access: Access) -> &'static str {
    match access {
        Access::Ended => "The permission that you gave just now was given back: we have no access to it.",
        Access::InDoubt => "The permission that you gave just now is being given back.",
        Access::Kept => "The permission itself was left as it is, for payments here are taken by it.",
        Access::Refused => {
            "The permission that you gave just now could not be given back: remove us from the connected \
             applications in your Stripe dashboard."
        }
    }
}
