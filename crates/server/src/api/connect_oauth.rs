//! `/api/stripe/connect`, continued: connecting an account that exists, and disconnecting one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::disconnect::Access;
use flows::{disconnect, oauth};
use serde::{Deserialize, Serialize};

use super::{Caller, Input};
use crate::problem::Problem;
use crate::router::Site;

/// A way to Stripe's question whether the platform may act for an account.
#[derive(Debug, Serialize)]
pub struct AuthorizeJson {
    object: &'static str,
    url: String,
    expires_at: i64,
}

/// `GET /api/stripe/connect/oauth/authorize`
pub async fn authorize(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
) -> Result<Json<AuthorizeJson>, Problem> {
    let link = oauth::authorize(&site.app, &scope, &by, &site.public_origin).await?;
    Ok(Json(AuthorizeJson {
        object: "authorize_link",
        url: link.url.expose().to_owned(),
        expires_at: link.expires_at_ms,
    }))
}

/// The account, named once more: nothing is disconnected by mistake.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisconnectJson {
    confirm: String,
}

/// What became of a connection.
#[derive(Debug, Serialize)]
pub struct DisconnectedJson {
    object: &'static str,
    stripe_account_id: String,
    status: &'static str,
    /// `ended`, `kept`, `in_doubt` or `refused`.
    access: &'static str,
    note: &'static str,
}

/// `POST /api/stripe/connect/disconnect`
pub async fn disconnect(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Input(body): Input<DisconnectJson>,
) -> Result<(StatusCode, Json<DisconnectedJson>), Problem> {
    let done = disconnect::disconnect(&site.app, &scope, &by, &body.confirm).await?;
    let (status, note) = match done.access {
        Access::Ended => (StatusCode::OK, "psa-pay has no access to the account any more."),
        Access::Kept => (
            StatusCode::OK,
            "The account stays, and takes no new payments. What is under way on it is finished.",
        ),
        Access::InDoubt => (
            StatusCode::ACCEPTED,
            "No new payments are taken. Stripe has not said yet that the access is over; it is asked again.",
        ),
        Access::Refused => (
            StatusCode::OK,
            "No new payments are taken. Stripe refused to end the access: the account's owner can end it in \
             Stripe's dashboard.",
        ),
    };
    let json = DisconnectedJson {
        object: "stripe_disconnection",
        stripe_account_id: done.stripe_account_id,
        status: "disconnected",
        access: done.access.word(),
        note,
    };
    Ok((status, Json(json)))
}
