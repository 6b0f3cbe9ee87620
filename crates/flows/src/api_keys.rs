//! API keys: made, listed by the server, revoked, and what they say about who calls. A key belongs to one
//! tenant and one mode; it is shown once and only its hash is kept.

use domain::tenant::TenantState;
use domain::{ApiKeyId, Permissions, Refusal, Scope, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::api_keys::{self, ApiKey};
use store::{Tx, tenants};
use stripe::Secret;
use subtle::ConstantTimeEq;

use crate::audit::{self, Entry};
use crate::{App, By, Failure, Moment};

/// Longest name of a key, in characters.
pub const NAME_MAX: usize = 100;
/// The use of a key is written down at most once in so long.
pub(crate) const TOUCH_EVERY_MS: i64 = 60_000;
/// 256 bits in hex.
const SECRET_CHARS: usize = 64;

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// From when on it is not taken any more.
    pub expires_at: Option<Timestamp>,
}

/// Makes an API key of a tenant and mode: `ppk_test_…` or `ppk_live_…` with 256 random bits. The secret is
/// answered this once; only its SHA-256 is kept. The id comes from `moment`, which a request that is tried
/// again has from its first try: then the key that was made is answered, without its secret.
///
/// `granted_by` is the key with which it is made: that one must still be in force when the new one is stored,
/// and gives nothing that it has not. Without one the operator makes it.
///
/// # Errors
/// [`Refusal::InvalidField`] for the name or the time, [`Refusal::PermissionMissing`],
/// [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`] and [`Refusal::TenantClosed`].
pub async fn create(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    granted_by: Option<&ApiKeyId>,
    new: NewKey,
) -> Result<(ApiKey, Option<Secret>), Failure> {
    let (scope, by, granted_by) = (scope.clone(), by.clone(), granted_by.cloned());
    let (key, secret) = prepare(app, &scope, moment, 0, new)?;
    let made = app.db.write(move |tx| {
        if let Some(known) = api_keys::get(tx, &scope, &key.id)? {
            return Ok((known, false));
        }
        if let Some(granted_by) = &granted_by {
            let granter = api_keys::get(tx, &scope, granted_by)?.ok_or(Refusal::NotFound)?;
            in_force(&granter, moment.at)?;
            granter.permissions.grant(&key.permissions)?;
            outlives_nobody(&granter, &key)?;
        }
        let tenant = tenants::find(tx, &scope.tenant)?.ok_or(Refusal::NotFound)?;
        if tenant.status == TenantState::Closed {
            return Err(Refusal::TenantClosed.into());
        }
        insert(tx, &by, moment, &key)?;
        Ok::<_, Failure>((key.clone(), true))
    });
    let (key, is_new) = made.await?;
    Ok((key, is_new.then_some(secret)))
}

/// How long the same form shows the key again that it made: for a press that came twice, of which the browser
/// shows the second answer.
const SHOWN_AGAIN_MS: i64 = 60_000;

/// Makes a key for a form that somebody sends, and answers the same one however often it is sent within a
/// minute; later none, as it was made and shown. `form` is what only this form of this person carries. The
/// secret follows from it and from `SECRET_KEY`, so that it can be shown to the second press without being
/// kept.
///
/// # Errors
/// As [`create`].
pub async fn create_once(
    app: &App,
    scope: &Scope,
    by: &By,
    form: &str,
    new: NewKey,
) -> Result<Option<(ApiKey, Secret)>, Failure> {
    let (moment, scope, by) = (app.moment(), scope.clone(), by.clone());
    let (mut key, _) = prepare(app, &scope, moment, 0, new)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(app.link_key.expose().as_bytes())
        .map_err(|_| Failure::Bug("HMAC takes keys of any length".to_owned()))?;
    mac.update(format!("api_key:{}:{form}", scope.tenant).as_bytes());
    let random = hex::encode(mac.finalize().into_bytes());
    let secret = Secret::new(format!("ppk_{}_{random}", scope.mode.word()));
    key.secret_hash = hash(secret.expose());
    key.last4 = last4(secret.expose());
    let made = app.db.write(move |tx| {
        if let Some(known) = api_keys::by_hash(tx, &key.secret_hash)? {
            let again = known.created_at.plus_ms(SHOWN_AGAIN_MS) > moment.at;
            return Ok(Some(known).filter(|known| again && known.revoked_at.is_none()));
        }
        let tenant = tenants::find(tx, &scope.tenant)?.ok_or(Refusal::NotFound)?;
        if tenant.status == TenantState::Closed {
            return Err(Refusal::TenantClosed.into());
        }
        insert(tx, &by, moment, &key)?;
        Ok::<_, Failure>(Some(key.clone()))
    });
    Ok(made.await?.map(|key| (key, secret)))
}

/// A key that ends makes none that goes on after it.
fn outlives_nobody(granter: &ApiKey, key: &ApiKey) -> Result<(), Refusal> {
    match granter.expires_at {
        Some(end) if key.expires_at.is_none_or(|at| at > end) => {
            let problem = format!("must be at most {}, when the key that you use ends", end.ms());
            Err(Refusal::invalid("expires_at", problem))
        }
        Some(_) | None => Ok(()),
    }
}

/// Adds a key, and notes who made it and what it may do.
pub(crate) fn insert(tx: &mut Tx, by: &By, moment: Moment, key: &ApiKey) -> Result<(), Failure> {
    api_keys::insert(tx, key)?;
    let after = json!({
        "name": key.name,
        "last4": key.last4,
        "permissions": key.permissions.words(),
        "expires_at": key.expires_at.map(Timestamp::ms),
    });
    let entry = Entry {
        action: "api_key.created",
        subject: key.id.as_str(),
        before: None,
        after: Some(after.to_string()),
    };
    Ok(audit::note(tx, Some(&key.scope), by, moment, &entry)?)
}

/// A key and its secret, not stored yet: the `n`th of the moment.
pub(crate) fn prepare(
    app: &App,
    scope: &Scope,
    moment: Moment,
    n: u32,
    new: NewKey,
) -> Result<(ApiKey, Secret), Failure> {
    let name = name(&new.name)?;
    if new.expires_at.is_some_and(|at| at <= moment.at) {
        let problem = "must be a moment in the future, in milliseconds since the epoch";
        return Err(Refusal::invalid("expires_at", problem).into());
    }
    let secret = secret_of(app, &format!("ppk_{}_", scope.mode.word()));
    let key = ApiKey {
        scope: scope.clone(),
        id: ApiKeyId::new(moment.at, moment.random(n)),
        name,
        permissions: new.permissions,
        secret_hash: hash(secret.expose()),
        last4: last4(secret.expose()),
        expires_at: new.expires_at,
        last_used_at: None,
        revoked_at: None,
        created_at: moment.at,
    };
    Ok((key, secret))
}

/// The name of a key.
pub(crate) fn name(given: &str) -> Result<String, Refusal> {
    domain::text::shown(given, NAME_MAX, false).ok_or_else(|| {
        let problem = format!("must be plain text with 1 to {NAME_MAX} characters");
        Refusal::invalid("name", problem)
    })
}

/// A fresh secret: the prefix and 256 random bits.
pub(crate) fn secret_of(app: &App, prefix: &str) -> Secret {
    let (high, low) = (app.clock.random(), app.clock.random());
    Secret::new(format!("{prefix}{high:032x}{low:032x}"))
}

/// The last four characters of a secret.
pub(crate) fn last4(secret: &str) -> String {
    secret.chars().skip(secret.len().saturating_sub(4)).collect()
}

/// SHA-256 in hex. A plain hash is enough: 256 random bits cannot be guessed from it, as a password could.
pub(crate) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Whether this is a prefix and 256 bits in lower-case hex, so that nothing else is looked up.
pub(crate) fn is_secret(text: &str, prefix: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == SECRET_CHARS && rest.bytes().all(hex))
}

/// Whose key this is: read from the database each time, so that a key is revoked everywhere at once. `None`
/// for what is no key of ours.
///
/// # Errors
/// [`Refusal::KeyRevoked`] and [`Refusal::KeyExpired`], which only the holder of the true key can meet.
pub async fn authenticate(app: &App, secret: &str) -> Result<Option<ApiKey>, Failure> {
    if !["ppk_test_", "ppk_live_"]
        .iter()
        .any(|prefix| is_secret(secret, prefix))
    {
        return Ok(None);
    }
    let hash = hash(secret);
    let wanted = hash.clone();
    let found = app.db.read(move |tx| api_keys::by_hash(tx, &wanted)).await?;
    // The index compared hashes, not keys, and what it told by its timing is of the hash alone. Here the
    // comparison takes the same time wherever they differ.
    let same = |key: &ApiKey| bool::from(key.secret_hash.as_bytes().ct_eq(hash.as_bytes()));
    let Some(key) = found.filter(same) else {
        return Ok(None);
    };
    in_force(&key, app.clock.now())?;
    Ok(Some(key))
}

/// The key of a secret, revoked and expired ones included: for the note that it was refused.
///
/// # Errors
/// When the database fails.
pub async fn of_secret(app: &App, secret: &str) -> Result<Option<ApiKey>, Failure> {
    let hash = hash(secret);
    Ok(app.db.read(move |tx| api_keys::by_hash(tx, &hash)).await?)
}

fn in_force(key: &ApiKey, now: Timestamp) -> Result<(), Refusal> {
    if key.revoked_at.is_some() {
        return Err(Refusal::KeyRevoked);
    }
    match key.expires_at {
        Some(expires_at) if expires_at <= now => Err(Refusal::KeyExpired),
        Some(_) | None => Ok(()),
    }
}

/// Whether the key's use is to be written down with [`touch`].
pub fn is_touch_due(app: &App, key: &ApiKey) -> bool {
    let since = app.clock.now().plus_ms(-TOUCH_EVERY_MS);
    key.last_used_at.is_none_or(|used| used <= since)
}

/// Writes down that the key is used: at most once a minute, however many instances do it.
///
/// # Errors
/// When the database fails; the caller's request goes on.
pub async fn touch(app: &App, key: &ApiKey) -> Result<(), Failure> {
    let now = app.clock.now();
    let (scope, id) = (key.scope.clone(), key.id.clone());
    app.db
        .write(move |tx| api_keys::touch(tx, &scope, &id, now, now.plus_ms(-TOUCH_EVERY_MS)))
        .await
        .map_err(Failure::from)
}

/// Revokes a key, from this moment on and on every instance. A key may revoke itself, and the last one too:
/// the operator makes a new one. Revoking it again changes nothing.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn revoke(app: &App, scope: &Scope, by: &By, id: &ApiKeyId) -> Result<ApiKey, Failure> {
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    let revoked = app.db.write(move |tx| {
        let key = api_keys::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        if !api_keys::revoke(tx, &scope, &id, moment.at)? {
            return Ok(key);
        }
        let entry = Entry {
            action: "api_key.revoked",
            subject: id.as_str(),
            before: Some(json!({"name": key.name, "last4": key.last4}).to_string()),
            after: None,
        };
        audit::note(tx, Some(&scope), &by, moment, &entry)?;
        Ok::<_, Failure>(ApiKey {
            revoked_at: Some(moment.at),
            ..key
        })
    });
    revoked.await
}
