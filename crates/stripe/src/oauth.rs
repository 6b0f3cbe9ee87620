//! OAuth: the owner of an account that exists lets the platform in, and either side may end that. Only the
//! account's id is taken from the answer. The tokens beside it act as the account, so they are never read.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::form::{self, param};
use crate::object;
use crate::transport::HttpResponse;

/// What is asked for: without it no payment can be made on the account.
pub const SCOPE: &str = "read_write";

/// What an owner has agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The account.
    pub account: AccountId,
    /// The account's mode.
    pub livemode: bool,
    /// `read_write`, or less where the owner may give less.
    pub scope: String,
    /// `Request-Id`, for Stripe's support.
    pub request_id: Option<String>,
}

/// Why there is nothing to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OAuthError {
    /// A definite refusal.
    Refused {
        /// HTTP status, 400 to 499.
        status: u16,
        /// Such as `invalid_grant` (the code was used, has run out, or is not ours) or `invalid_client`.
        error: String,
        /// `Request-Id`.
        request_id: Option<String>,
    },
    /// Silence, or an answer that cannot be read. Holds no secret.
    Unknown(String),
}

/// The address at which an owner is asked; none without a client id. Stripe sends the browser back to
/// `redirect_uri`, which must be registered with the application, with `state` and either a code or an error.
pub fn authorize_url(client: &Client, state: &str, redirect_uri: &str) -> Option<String> {
    let query = [
        param("response_type", "code"),
        param("client_id", client.client_id()?),
        param("scope", SCOPE),
        param("state", state),
        param("redirect_uri", redirect_uri),
    ];
    let base = client.connect_base();
    Some(format!("{base}/oauth/authorize?{}", form::encode(&query)))
}

/// Exchanges a code, once: Stripe refuses the second time, and may take back what the first time gave.
///
/// # Errors
/// [`OAuthError`].
pub async fn token(client: &Client, code: &str) -> Result<Granted, OAuthError> {
    let params = [param("grant_type", "authorization_code"), param("code", code)];
    let (body, request_id) = post(client, "/oauth/token", &params).await?;
    let account = object::text(&body, "stripe_user_id").unwrap_or_default();
    Ok(Granted {
        account: AccountId::parse(&account).map_err(|error| OAuthError::Unknown(error.to_string()))?,
        livemode: object::flag(&body, "livemode"),
        scope: object::text(&body, "scope").unwrap_or_default(),
        request_id,
    })
}

/// Ends the platform's access to an account. Answers Stripe's `Request-Id`. Stripe refuses with the same
/// `invalid_client` where there is no access any more and where the client id is wrong: retrieve the account
/// to tell the two apart.
///
/// # Errors
/// [`OAuthError`].
pub async fn deauthorize(
    client: &Client,
    client_id: &str,
    account: &AccountId,
) -> Result<Option<String>, OAuthError> {
    let params = [param("client_id", client_id), param("stripe_user_id", account)];
    let (body, request_id) = post(client, "/oauth/deauthorize", &params).await?;
    match object::text(&body, "stripe_user_id") {
        Some(id) if id == account.as_str() => Ok(request_id),
        Some(_) | None => Err(OAuthError::Unknown("the answer names another account".to_owned())),
    }
}

async fn post(
    client: &Client,
    path: &'static str,
    params: &[(String, String)],
) -> Result<(Value, Option<String>), OAuthError> {
    let response = client
        .post_to_connect(path, params)
        .await
        .map_err(|error| OAuthError::Unknown(error.to_string()))?;
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let request_id = response.header("request-id").map(str::to_owned);
    match (response.status, body) {
        (200..=299, Some(body)) if body.is_object() => Ok((body, request_id)),
        (400..=408 | 410..=428 | 430..=499, Some(body)) => Err(refused(&response, &body, request_id)),
        (status, _) => Err(OAuthError::Unknown(format!("status {status}"))),
    }
}

/// OAuth's errors are flat; Stripe's sentence beside the code quotes what was sent, so it is not kept. What
/// has no such code was written by somebody else, and says nothing.
fn refused(response: &HttpResponse, body: &Value, request_id: Option<String>) -> OAuthError {
    match object::text(body, "error") {
        Some(error) => OAuthError::Refused {
            status: response.status,
            error,
            request_id,
        },
        None => OAuthError::Unknown(format!("status {}", response.status)),
    }
}
