//! `GET /connect/oauth/callback`: where Stripe sends the owner of an existing account back, agreed or not.
//! Nothing that stands in the address is shown, and no page says whose state it was but to who brought it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::Refusal;
use flows::{Failure, oauth};
use maud::Markup;
use serde::Deserialize;

use super::page::{self, notice};
use super::{html, looking_on};
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
pub async fn callback(State(site): State<Site>, Visitor(by): Visitor, Query(back): Query<Back>) -> Response {
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
        Ok(arrived) => looking_on(&site, &arrived),
        Err(failure) => trouble(failure),
    }
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
        Failure::Refused(refusal) => refused(refusal),
        // The code is used up, so that this address never works again.
        Failure::Unknown(_) => notice(
            "Stripe did not answer",
            "Your account may be connected at Stripe already, but we have not heard so. Start again from \
             your Stripe settings: that does no harm, and gives the same account.",
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

fn refused(refusal: &Refusal) -> Markup {
    match refusal {
        Refusal::ConnectLinkUsed => page::used_page(),
        Refusal::ConsentUsed => notice(
            "Your permission was used before or has run out",
            "Stripe gives each permission once, for five minutes. Start again from your Stripe settings.",
        ),
        Refusal::AccountTaken => notice(
            "This account belongs to another tenant",
            "A Stripe account takes payments for one tenant only. Choose another account, or ask your \
             provider.",
        ),
        Refusal::AccountConnected => notice(
            "Another Stripe account is connected already",
            "It was not changed. Disconnect it first; if payments were taken on it, it stays the account of \
             this tenant.",
        ),
        Refusal::AccountModeMismatch => notice(
            "This account is of the other mode",
            "You started in test mode and came back with a live account, or the other way round. Nothing was \
             connected: start again and choose an account of the same mode.",
        ),
        Refusal::TenantSuspended | Refusal::TenantClosed => notice(
            "This account cannot be connected now",
            "Your provider has stopped new payments for you, so nothing was connected. Ask them what to do.",
        ),
        _ => notice(
            "Stripe did not connect your account",
            "Stripe refused, or gave less than was asked for. Start again from your Stripe settings, and ask \
             your provider if it happens again.",
        ),
    }
}
