//! OAuth: how the owner of an account that exists already lets the platform in, and takes it back. Errors are
//! flat, as OAuth has them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::{self, Account, Controller};
use crate::caller;
use crate::connect::requirements;
use crate::connect::tell;
use crate::error::ApiError;
use crate::event::Cause;
use crate::form::Params;
use crate::state::{Row, Shown, Space, State};
use crate::{Request, accounts};

/// How long a code may be exchanged.
const CODE_S: i64 = 300;

/// An authorization code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OauthCode {
    /// `ac_…`.
    pub id: String,
    /// The platform's space, in the account's mode.
    pub space: Space,
    /// The account whose owner agreed.
    pub account: String,
    /// `read_only`, `read_write` or `express`.
    pub scope: String,
    /// Until when it may be exchanged, in seconds.
    pub expires_at: i64,
    /// Whether it was.
    pub used: bool,
}

/// A token that acts as the account: a key, or what a new key is asked for with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OauthToken {
    /// The token itself.
    pub id: String,
    /// The platform's space, in the account's mode.
    pub space: Space,
    /// The account.
    pub account: String,
    /// What it may do.
    pub scope: String,
    /// The code that it was given for.
    pub code: String,
    /// Whether it is not good any more.
    pub revoked: bool,
}

impl Shown for OauthCode {
    fn shown(&self, _: &State) -> Value {
        json!({ "object": "oauth_code", "account": self.account, "scope": self.scope, "used": self.used })
    }
}

impl Shown for OauthToken {
    fn shown(&self, _: &State) -> Value {
        json!({ "object": "oauth_token", "account": self.account, "revoked": self.revoked })
    }
}

/// A refusal: status, error and description.
type Refused = (u16, &'static str, String);

/// Answers a request of OAuth's API with a status and a body; `None` when the path is not one of its own.
pub fn answer(state: &mut State, request: &Request, path: &str, id: &str) -> Option<(u16, Value)> {
    let done = match (request.method.as_str(), path) {
        ("POST", "/oauth/token") => token(state, request, id),
        ("POST", "/oauth/deauthorize") => deauthorize(state, request, id),
        _ => return None,
    };
    Some(match done {
        Ok(value) => (200, value),
        Err((status, error, text)) => (status, json!({ "error": error, "error_description": text })),
    })
}

/// The parameters, and the mode of the key: in the header, or as `client_secret`.
fn read(request: &Request) -> Result<(Params, bool), Refused> {
    let invalid = |error: ApiError| (400, "invalid_request", error.message);
    let mut params = Params::parse(&request.body).map_err(invalid)?;
    let given = params.text("client_secret").map_err(invalid)?;
    let key = match given {
        Some(key) => caller::mode(&key),
        None => caller::key(request).map(|key| (key.livemode, key.secret)),
    };
    let (livemode, secret) = key.map_err(|error| (401, "invalid_client", error.message))?;
    if !secret {
        return Err((401, "invalid_client", "A secret API key is needed here.".into()));
    }
    Ok((params, livemode))
}

fn token(state: &mut State, request: &Request, id: &str) -> Result<Value, Refused> {
    let (mut params, livemode) = read(request)?;
    let mut text = |name: &str| params.text(name).ok().flatten();
    match text("grant_type").as_deref() {
        None => Err((400, "invalid_request", "No grant type specified".into())),
        Some("authorization_code") => {
            let code = text("code").ok_or((
                400,
                "invalid_request",
                "No authorization code specified".to_owned(),
            ))?;
            exchange(state, &code, text("scope").as_deref(), livemode, id)
        }
        Some("refresh_token") => {
            let token = text("refresh_token").ok_or((
                400,
                "invalid_request",
                "No refresh token specified".to_owned(),
            ))?;
            refresh(state, &token, text("scope").as_deref(), livemode)
        }
        Some(other) => {
            let other: String = other.chars().take(80).collect();
            Err((
                400,
                "unsupported_grant_type",
                format!("Unsupported grant type: {other}"),
            ))
        }
    }
}

fn exchange(
    state: &mut State,
    code: &str,
    scope: Option<&str>,
    livemode: bool,
    request: &str,
) -> Result<Value, Refused> {
    let grant = |text: String| (400, "invalid_grant", text);
    let shown: String = code.chars().take(80).collect();
    let found = OauthCode::table(state).anywhere(code).cloned();
    let found = found.ok_or_else(|| grant(format!("Authorization code does not exist: {shown}")))?;
    if found.used {
        revoke(state, |token| token.code == found.id);
        let text = "This authorization code has already been used. \
                    All tokens issued with this code have been revoked.";
        return Err(grant(text.into()));
    }
    if found.expires_at <= state.now_s() {
        return Err(grant(format!("Authorization code expired: {shown}")));
    }
    if found.space.livemode != livemode {
        let mode = if livemode { "live" } else { "test" };
        return Err(grant(format!(
            "Authorization code provided does not belong to you, or not to the {mode} mode."
        )));
    }
    let scope = narrowed(&found.scope, scope)?;
    state.put(OauthCode {
        used: true,
        ..OauthCode::clone(&found)
    });
    connect(state, &found.account, &scope, request);
    Ok(issue(state, &found.space, &found.account, &scope, &found.id))
}

fn refresh(state: &mut State, token: &str, scope: Option<&str>, livemode: bool) -> Result<Value, Refused> {
    let shown: String = token.chars().take(80).collect();
    let found = OauthToken::table(state)
        .anywhere(token)
        .filter(|found| token.starts_with("rt_") && !found.revoked && found.space.livemode == livemode);
    let Some(found) = found.cloned() else {
        return Err((
            400,
            "invalid_grant",
            format!("Refresh token does not exist: {shown}"),
        ));
    };
    let scope = narrowed(&found.scope, scope)?;
    Ok(issue(state, &found.space, &found.account, &scope, &found.code))
}

/// A token may be asked to do less than was agreed to, never more.
fn narrowed(agreed: &str, asked: Option<&str>) -> Result<String, Refused> {
    match (agreed, asked) {
        (agreed, None) => Ok(agreed.to_owned()),
        (agreed, Some(asked)) if agreed == asked => Ok(agreed.to_owned()),
        ("read_write", Some("read_only")) => Ok("read_only".into()),
        (_, Some(asked)) => {
            let asked: String = asked.chars().take(80).collect();
            Err((
                400,
                "invalid_scope",
                format!("Invalid scope parameter provided: {asked}"),
            ))
        }
    }
}

fn issue(state: &mut State, space: &Space, account: &str, scope: &str, code: &str) -> Value {
    let mode = if space.livemode { "live" } else { "test" };
    let mut make = |prefix: String, length: usize| {
        let token = OauthToken {
            id: state.id(&prefix, length),
            space: space.clone(),
            account: account.to_owned(),
            scope: scope.to_owned(),
            code: code.to_owned(),
            revoked: false,
        };
        state.put(token).id.clone()
    };
    let access = make(format!("sk_{mode}_"), 32);
    let public = make(format!("pk_{mode}_"), 32);
    let again = make("rt_".into(), 48);
    json!({
        "access_token": access, "livemode": space.livemode, "refresh_token": again, "scope": scope,
        "stripe_publishable_key": public, "stripe_user_id": account, "token_type": "bearer",
    })
}

fn revoke(state: &mut State, which: impl Fn(&OauthToken) -> bool) {
    let tokens: Vec<Arc<OauthToken>> = OauthToken::table(state)
        .all()
        .filter(|token| !token.revoked && which(token))
        .cloned()
        .collect();
    for token in tokens {
        state.put(OauthToken {
            revoked: true,
            ..OauthToken::clone(&token)
        });
    }
}

/// The platform has access from now on.
fn connect(state: &mut State, id: &str, scope: &str, request: &str) {
    let Some(old) = Account::table(state).anywhere(id).cloned() else {
        return;
    };
    let was = old.connected;
    let account = state.put(Account {
        connected: true,
        read_only: scope == "read_only",
        ..Account::clone(&old)
    });
    if !was {
        let cause = Cause {
            request: Some(request.into()),
            key: None,
        };
        tell::application(state, &cause, "account.application.authorized", &account);
    }
}

fn deauthorize(state: &mut State, request: &Request, id: &str) -> Result<Value, Refused> {
    let (mut params, livemode) = read(request)?;
    let mut text = |name: &str| params.text(name).ok().flatten();
    let client = text("client_id").ok_or((400, "invalid_request", "No client_id specified".to_owned()))?;
    let user =
        text("stripe_user_id").ok_or((400, "invalid_request", "No stripe_user_id specified".to_owned()))?;
    let shown: String = user.chars().take(80).collect();
    let Some(old) = account::connected(state, livemode, &user) else {
        return Err((
            401,
            "invalid_client",
            format!(
                "This application is not connected to stripe account {shown}, or that account does not exist."
            ),
        ));
    };
    if client != state.settings.application {
        let client: String = client.chars().take(80).collect();
        return Err((401, "invalid_client", format!("No such application: '{client}'")));
    }
    let account = state.put(Account {
        connected: false,
        ..Account::clone(&old)
    });
    revoke(state, |token| token.account == user);
    let cause = Cause {
        request: Some(id.into()),
        key: None,
    };
    tell::application(state, &cause, "account.application.deauthorized", &account);
    Ok(json!({ "stripe_user_id": user }))
}

/// A new code for an account.
pub fn code(state: &mut State, account: &Account, scope: &str) -> String {
    let code = OauthCode {
        id: state.id("ac_", 32),
        space: account.space.clone(),
        account: account.id.clone(),
        scope: scope.to_owned(),
        expires_at: state.now_s().saturating_add(CODE_S),
        used: false,
    };
    state.put(code).id.clone()
}

/// What a new account that comes through OAuth is like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Newcomer {
    /// Name of the business.
    pub business_name: Option<String>,
    /// Email.
    pub email: Option<String>,
    /// Two-letter country.
    pub country: Option<String>,
    /// LIVE or TEST.
    pub livemode: bool,
    /// Whether the platform will control it, as an Express account.
    pub express: bool,
}

/// An account that is whole and that the platform has no access to yet.
pub fn newcomer(state: &mut State, wanted: &Newcomer) -> Arc<Account> {
    let country = wanted.country.as_deref().unwrap_or("US").to_ascii_uppercase();
    let space = Space {
        livemode: wanted.livemode,
        account: None,
    };
    let mut account = account::blank(state.id("acct_1", 15), space, state.now_s(), &country);
    account.kind = if wanted.express { "express" } else { "standard" }.into();
    account.controller = Some(Controller {
        ours: wanted.express,
        ..accounts::legacy(&account.kind)
    });
    account.email.clone_from(&wanted.email);
    account.business_type = Some("company".into());
    account.profile.name.clone_from(&wanted.business_name);
    for name in ["card_payments", "transfers"] {
        crate::connect::capability::set(&mut account, name, true, state.now_s());
    }
    account.kept = true;
    account.linked = true;
    account.connected = false;
    requirements::stand_whole(&mut account);
    state.put(account)
}

/// A request of the control API: whose owner agrees, and to what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    account: Option<String>,
    #[serde(default)]
    new: Newcomer,
    scope: Option<String>,
}

/// `POST /_simulator/oauth/authorize`: the owner agrees without the page.
///
/// # Errors
/// 404 for an unknown account, 400 for an unknown scope.
pub fn control(state: &mut State, agreed: &Agreed) -> Result<Value, ApiError> {
    let account = match &agreed.account {
        Some(id) => {
            let found = Account::table(state)
                .anywhere(id)
                .filter(|account| !account.deleted);
            found
                .cloned()
                .ok_or_else(|| ApiError::no_such("account", id, "account"))?
        }
        None => newcomer(state, &agreed.new),
    };
    let scope = agreed.scope.as_deref().unwrap_or("read_write");
    if !["read_only", "read_write", "express"].contains(&scope) {
        return Err(ApiError::invalid("scope: read_only, read_write or express."));
    }
    let code = code(state, &account, scope);
    Ok(json!({ "account": account.id, "code": code, "livemode": account.space.livemode, "scope": scope }))
}
