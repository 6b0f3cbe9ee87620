//! API keys: only their SHA-256 is kept, and each belongs to one tenant and mode. Found by hash, because that
//! is what tells which tenant is calling.

use domain::{ApiKeyId, Scope, Timestamp};

use crate::db::{Error, Sql, Tx};
use crate::{binds, values};

/// A key as it is stored.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// What the tenant calls it.
    pub name: String,
    /// SHA-256 of the whole key, in hex.
    pub secret_hash: String,
    /// The last four characters, to recognise it by.
    pub last4: String,
}

const INSERT: Sql = Sql::new(
    "insert into api_keys (id, tenant_id, livemode, name, secret_hash, last4, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)",
);

/// Adds a key.
pub fn insert(tx: &mut Tx, scope: &Scope, key: &NewKey, at: Timestamp) -> Result<(), Error> {
    let NewKey {
        id,
        name,
        secret_hash,
        last4,
    } = key;
    tx.execute(
        &INSERT,
        binds![id, &scope.tenant, scope.mode, name, secret_hash, last4, at],
    )?;
    Ok(())
}

const SCOPE_BY_HASH: Sql = Sql::new(
    "select id, tenant_id, livemode from api_keys
     where secret_hash = $1 and revoked_at is null",
);

/// Which key this is and whose, unless it is unknown or revoked.
pub fn scope_of(tx: &mut Tx, secret_hash: &str) -> Result<Option<(ApiKeyId, Scope)>, Error> {
    let Some(row) = tx.optional(&SCOPE_BY_HASH, binds![secret_hash])? else {
        return Ok(None);
    };
    Ok(Some((ApiKeyId::stored(row.text("id")?), values::scope(&row)?)))
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &SCOPE_BY_HASH];
