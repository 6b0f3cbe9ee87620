//! Keys of the operator, who makes, suspends and closes tenants. They are made and revoked on the command
//! line only: whoever reaches the API, with whatever key, cannot make one.

use domain::{PlatformKeyId, Refusal};
use serde_json::json;
use store::Tx;
use store::platform_keys::{self, PlatformKey};
use stripe::Secret;
use subtle::ConstantTimeEq;

use crate::api_keys::{self, TOUCH_EVERY_MS};
use crate::audit::{self, Entry};
use crate::{App, By, Failure, Moment};

/// What every platform key begins with.
pub const PREFIX: &str = "ppk_platform_";

/// Makes a platform key: `ppk_platform_` and 256 random bits. The secret is answered this once; only its
/// SHA-256 is kept.
///
/// # Errors
/// [`Refusal::InvalidField`] for the name.
pub async fn create(app: &App, by: &By, name: &str) -> Result<(PlatformKey, Secret), Failure> {
    let moment = app.moment();
    let secret = api_keys::secret_of(app, PREFIX);
    let key = PlatformKey {
        id: PlatformKeyId::new(moment.at, moment.random(0)),
        name: api_keys::name(name)?,
        secret_hash: api_keys::hash(secret.expose()),
        last4: api_keys::last4(secret.expose()),
        last_used_at: None,
        revoked_at: None,
        created_at: moment.at,
    };
    let (row, by) = (key.clone(), by.clone());
    let stored = app.db.write(move |tx| {
        platform_keys::insert(tx, &row)?;
        note(tx, &by, moment, "platform_key.created", &row)
    });
    stored.await?;
    Ok((key, secret))
}

/// The platform key of a secret, read from the database each time. `None` for what is no key of ours.
///
/// # Errors
/// [`Refusal::KeyRevoked`], which only the holder of the true key can meet.
pub async fn authenticate(app: &App, secret: &str) -> Result<Option<PlatformKey>, Failure> {
    if !api_keys::is_secret(secret, PREFIX) {
        return Ok(None);
    }
    let hash = api_keys::hash(secret);
    let wanted = hash.clone();
    let found = app.db.read(move |tx| platform_keys::by_hash(tx, &wanted)).await?;
    let same = |key: &PlatformKey| bool::from(key.secret_hash.as_bytes().ct_eq(hash.as_bytes()));
    match found.filter(same) {
        Some(key) if key.revoked_at.is_some() => Err(Refusal::KeyRevoked.into()),
        found => Ok(found),
    }
}

/// Whether the key's use is to be written down with [`touch`].
pub fn is_touch_due(app: &App, key: &PlatformKey) -> bool {
    let since = app.clock.now().plus_ms(-TOUCH_EVERY_MS);
    key.last_used_at.is_none_or(|used| used <= since)
}

/// Writes down that the key is used: at most once a minute, however many instances do it.
///
/// # Errors
/// When the database fails; the caller's request goes on.
pub async fn touch(app: &App, key: &PlatformKey) -> Result<(), Failure> {
    let (now, id) = (app.clock.now(), key.id.clone());
    app.db
        .write(move |tx| platform_keys::touch(tx, &id, now, now.plus_ms(-TOUCH_EVERY_MS)))
        .await
        .map_err(Failure::from)
}

/// Revokes a platform key, from this moment on and on every instance. Revoking it again changes nothing.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn revoke(app: &App, by: &By, id: &PlatformKeyId) -> Result<PlatformKey, Failure> {
    let (moment, by, id) = (app.moment(), by.clone(), id.clone());
    let revoked = app.db.write(move |tx| {
        let key = platform_keys::get(tx, &id)?.ok_or(Refusal::NotFound)?;
        if !platform_keys::revoke(tx, &id, moment.at)? {
            return Ok(key);
        }
        note(tx, &by, moment, "platform_key.revoked", &key)?;
        Ok(PlatformKey {
            revoked_at: Some(moment.at),
            ..key
        })
    });
    revoked.await
}

fn note(
    tx: &mut Tx,
    by: &By,
    moment: Moment,
    action: &'static str,
    key: &PlatformKey,
) -> Result<(), Failure> {
    let entry = Entry {
        action,
        subject: key.id.as_str(),
        before: None,
        after: Some(json!({"name": key.name, "last4": key.last4}).to_string()),
    };
    Ok(audit::note(tx, None, by, moment, &entry)?)
}
