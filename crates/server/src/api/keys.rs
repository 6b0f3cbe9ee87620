//! `/api/keys`: the keys of this API, for the tenant and mode of the key in use.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{ApiKeyId, Permissions, Refusal, Timestamp};
use flows::api_keys::{self, NewKey};
use serde::{Deserialize, Serialize};
use store::api_keys::{self as rows, ApiKey};
use stripe::Secret;

use super::{Caller, InPath, Input, Page, PageQuery, Query, Using};
use crate::idempotency::{Once, SHOWN_ONCE};
use crate::problem::Problem;
use crate::router::Site;

/// A key to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKeyJson {
    name: String,
    permissions: PermissionsJson,
    /// Milliseconds since the epoch.
    expires_at: Option<i64>,
}

/// `"all"`, or a list of permissions.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"all\" or a list of permissions")]
pub enum PermissionsJson {
    /// One word.
    Word(String),
    /// A list of words.
    List(Vec<String>),
}

impl PermissionsJson {
    /// The permissions that are asked for.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] that names the unknown one.
    pub fn check(&self) -> Result<Permissions, Refusal> {
        match self {
            PermissionsJson::Word(word) => Permissions::asked([word.as_str()]),
            PermissionsJson::List(words) => Permissions::asked(words.iter().map(String::as_str)),
        }
    }
}

/// A key as the API shows it; times in milliseconds since the epoch.
#[derive(Debug, Serialize)]
pub struct KeyJson {
    id: String,
    object: &'static str,
    livemode: bool,
    name: String,
    permissions: Vec<&'static str>,
    last4: String,
    /// Only in the answer that made the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<&'static str>,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
    created_at: i64,
}

impl From<ApiKey> for KeyJson {
    fn from(key: ApiKey) -> KeyJson {
        KeyJson {
            id: key.id.to_string(),
            object: "api_key",
            livemode: key.scope.mode.is_live(),
            permissions: key.permissions.words(),
            name: key.name,
            last4: key.last4,
            secret: None,
            notice: None,
            expires_at: key.expires_at.map(Timestamp::ms),
            last_used_at: key.last_used_at.map(Timestamp::ms),
            revoked_at: key.revoked_at.map(Timestamp::ms),
            created_at: key.created_at.ms(),
        }
    }
}

impl KeyJson {
    /// A new key with its secret; without it where it was shown, or lost with its answer, before.
    pub fn shown_once(key: ApiKey, secret: Option<&Secret>) -> KeyJson {
        KeyJson {
            secret: secret.map(|secret| secret.expose().to_owned()),
            notice: secret.is_none().then_some(SHOWN_ONCE),
            ..key.into()
        }
    }
}

/// `POST /api/keys`
pub async fn create(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    Using(key): Using,
    Once(moment): Once,
    Input(new): Input<NewKeyJson>,
) -> Result<(StatusCode, Json<KeyJson>), Problem> {
    let new = NewKey {
        permissions: new.permissions.check()?,
        expires_at: new.expires_at.map(Timestamp::from_ms),
        name: new.name,
    };
    let (made, secret) = api_keys::create(&site.app, &scope, &by, moment, Some(&key), new).await?;
    Ok((
        StatusCode::CREATED,
        Json(KeyJson::shown_once(made, secret.as_ref())),
    ))
}

/// `GET /api/keys`
pub async fn list(
    State(site): State<Site>,
    Caller { scope, .. }: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<KeyJson>>, Problem> {
    let limit = query.limit()?;
    let after = query.after.as_deref().map(ApiKeyId::parse).transpose()?;
    let read = move |tx: &mut store::Tx| rows::page(tx, &scope, after.as_ref(), limit + 1);
    let keys = site.app.db.read(read).await.map_err(flows::Failure::from)?;
    Ok(Json(Page::of(
        keys.into_iter().map(KeyJson::from).collect(),
        limit,
    )))
}

/// `DELETE /api/keys/{id}`
pub async fn revoke(
    State(site): State<Site>,
    Caller { scope, by }: Caller,
    InPath(id): InPath,
) -> Result<Json<KeyJson>, Problem> {
    let revoked = api_keys::revoke(&site.app, &scope, &by, &ApiKeyId::parse(&id)?).await?;
    Ok(Json(revoked.into()))
}
