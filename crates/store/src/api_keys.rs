//! API keys: only their SHA-256 is kept, and each belongs to one tenant and mode. Found by hash, because that
//! is what tells which tenant is calling.

use domain::{ApiKeyId, Permissions, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose key it is, and in which mode.
    pub scope: Scope,
    /// The row's id.
    pub id: ApiKeyId,
    /// What the tenant calls it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// SHA-256 of the whole key, in hex.
    pub secret_hash: String,
    /// The last four characters, to recognise it by.
    pub last4: String,
    /// From when on it is not taken any more, if it runs out.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into api_keys (id, tenant_id, livemode, name, permissions, secret_hash, last4, expires_at,
       created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);

/// Adds a key, unused and in force.
pub fn insert(tx: &mut Tx, key: &ApiKey) -> Result<(), Error> {
    let permissions = key.permissions.words().join(" ");
    let binds = binds![
        &key.id,
        &key.scope.tenant,
        key.scope.mode,
        &key.name,
        permissions,
        &key.secret_hash,
        &key.last4,
        key.expires_at,
        key.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const BY_HASH: Sql = Sql::new(
    "select id, tenant_id, livemode, name, permissions, secret_hash, last4, expires_at, last_used_at,
       revoked_at, created_at
     from api_keys
     where secret_hash = $1",
);

/// The key of this hash, revoked and expired ones included.
pub fn by_hash(tx: &mut Tx, secret_hash: &str) -> Result<Option<ApiKey>, Error> {
    let row = tx.optional(&BY_HASH, binds![secret_hash])?;
    row.map(|row| read(&row)).transpose()
}

const BY_ID: Sql = Sql::new(
    "select id, tenant_id, livemode, name, permissions, secret_hash, last4, expires_at, last_used_at,
       revoked_at, created_at
     from api_keys
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// A key of the scope, revoked and expired ones included.
pub fn get(tx: &mut Tx, scope: &Scope, id: &ApiKeyId) -> Result<Option<ApiKey>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const PAGE: Sql = Sql::new(
    "select id, tenant_id, livemode, name, permissions, secret_hash, last4, expires_at, last_used_at,
       revoked_at, created_at
     from api_keys
     where tenant_id = $1 and livemode = $2 and id < $3
     order by id desc
     limit $4",
);

/// Keys, newest first, after the given id (exclusive).
pub fn page(tx: &mut Tx, scope: &Scope, after: Option<&ApiKeyId>, limit: i64) -> Result<Vec<ApiKey>, Error> {
    let after = after.map_or("key_~", ApiKeyId::as_str);
    tx.query(&PAGE, binds![&scope.tenant, scope.mode, after, limit])?
        .iter()
        .map(read)
        .collect()
}

const REVOKE: Sql = Sql::new(
    "update api_keys set revoked_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and revoked_at is null",
);

/// Revokes a key; `false` when it is revoked already.
pub fn revoke(tx: &mut Tx, scope: &Scope, id: &ApiKeyId, at: Timestamp) -> Result<bool, Error> {
    Ok(tx.execute(&REVOKE, binds![&scope.tenant, scope.mode, id, at])? == 1)
}

const REVOKE_ALL: Sql = Sql::new(
    "update api_keys set revoked_at = $3
     where tenant_id = $1 and livemode = $2 and revoked_at is null",
);

/// Revokes every key of the scope that is not revoked yet; answers how many.
pub fn revoke_all(tx: &mut Tx, scope: &Scope, at: Timestamp) -> Result<u64, Error> {
    tx.execute(&REVOKE_ALL, binds![&scope.tenant, scope.mode, at])
}

const TOUCH: Sql = Sql::new(
    "update api_keys set last_used_at = $4
     where tenant_id = $1 and livemode = $2 and id = $3 and (last_used_at is null or last_used_at <= $5)",
);

/// Writes down that a key was used, unless that was done after `unless_after` by somebody else.
pub fn touch(
    tx: &mut Tx,
    scope: &Scope,
    id: &ApiKeyId,
    at: Timestamp,
    unless_after: Timestamp,
) -> Result<(), Error> {
    tx.execute(&TOUCH, binds![&scope.tenant, scope.mode, id, at, unless_after])?;
    Ok(())
}

fn read(row: &Row) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        scope: values::scope(row)?,
        id: ApiKeyId::stored(row.text("id")?),
        name: row.text("name")?,
        permissions: Permissions::stored(&row.text("permissions")?),
        secret_hash: row.text("secret_hash")?,
        last4: row.text("last4")?,
        expires_at: values::time_opt(row, "expires_at")?,
        last_used_at: values::time_opt(row, "last_used_at")?,
        revoked_at: values::time_opt(row, "revoked_at")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &BY_HASH, &BY_ID, &PAGE, &REVOKE, &REVOKE_ALL, &TOUCH];
