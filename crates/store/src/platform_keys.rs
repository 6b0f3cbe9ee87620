//! Keys of the operator: they make and move tenants, and belong to none. Only their SHA-256 is kept.

use domain::{PlatformKeyId, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformKey {
    /// The row's id.
    pub id: PlatformKeyId,
    /// What the operator calls it.
    pub name: String,
    /// SHA-256 of the whole key, in hex.
    pub secret_hash: String,
    /// The last four characters, to recognise it by.
    pub last4: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "insert into platform_keys (id, name, secret_hash, last4, created_at)
     values ($1, $2, $3, $4, $5)",
);

/// Adds a key, unused and in force.
pub fn insert(tx: &mut Tx, key: &PlatformKey) -> Result<(), Error> {
    let binds = binds![&key.id, &key.name, &key.secret_hash, &key.last4, key.created_at];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const BY_HASH: Sql = Sql::new(
    "select id, name, secret_hash, last4, last_used_at, revoked_at, created_at
     from platform_keys
     where secret_hash = $1",
);

/// The key of this hash, revoked ones included.
pub fn by_hash(tx: &mut Tx, secret_hash: &str) -> Result<Option<PlatformKey>, Error> {
    let row = tx.optional(&BY_HASH, binds![secret_hash])?;
    row.map(|row| read(&row)).transpose()
}

const BY_ID: Sql = Sql::new(
    "select id, name, secret_hash, last4, last_used_at, revoked_at, created_at
     from platform_keys
     where id = $1",
);

/// A key, revoked ones included.
pub fn get(tx: &mut Tx, id: &PlatformKeyId) -> Result<Option<PlatformKey>, Error> {
    let row = tx.optional(&BY_ID, binds![id])?;
    row.map(|row| read(&row)).transpose()
}

const LIST: Sql = Sql::new(
    "select id, name, secret_hash, last4, last_used_at, revoked_at, created_at
     from platform_keys
     order by id desc
     limit 1000",
);

/// Every key, newest first.
pub fn all(tx: &mut Tx) -> Result<Vec<PlatformKey>, Error> {
    tx.query(&LIST, &[])?.iter().map(read).collect()
}

const REVOKE: Sql = Sql::new("update platform_keys set revoked_at = $2 where id = $1 and revoked_at is null");

/// Revokes a key; `false` when it is revoked already.
pub fn revoke(tx: &mut Tx, id: &PlatformKeyId, at: Timestamp) -> Result<bool, Error> {
    Ok(tx.execute(&REVOKE, binds![id, at])? == 1)
}

const TOUCH: Sql = Sql::new(
    "update platform_keys set last_used_at = $2
     where id = $1 and (last_used_at is null or last_used_at <= $3)",
);

/// Writes down that a key was used, unless that was done after `unless_after` by somebody else.
pub fn touch(tx: &mut Tx, id: &PlatformKeyId, at: Timestamp, unless_after: Timestamp) -> Result<(), Error> {
    tx.execute(&TOUCH, binds![id, at, unless_after])?;
    Ok(())
}

fn read(row: &Row) -> Result<PlatformKey, Error> {
    Ok(PlatformKey {
        id: PlatformKeyId::stored(row.text("id")?),
        name: row.text("name")?,
        secret_hash: row.text("secret_hash")?,
        last4: row.text("last4")?,
        last_used_at: values::time_opt(row, "last_used_at")?,
        revoked_at: values::time_opt(row, "revoked_at")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &BY_HASH, &BY_ID, &LIST, &REVOKE, &TOUCH];
