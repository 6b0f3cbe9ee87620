//! Codes that stand in for a lost authenticator, each good once. Only the SHA-256 is kept: 120 random
//! bits cannot be guessed from it.

use domain::{TenantId, Timestamp, UserId};

use crate::binds;
use crate::db::{Error, Sql, Tx};

const INSERT: Sql = Sql::new(
    "insert into recovery_codes (tenant_id, user_id, code_hash, created_at) values ($1, $2, $3, $4)",
);
const REMOVE: Sql = Sql::new("delete from recovery_codes where tenant_id = $1 and user_id = $2");

/// Gives a person these codes in place of all earlier ones.
pub fn replace(
    tx: &mut Tx,
    tenant: &TenantId,
    user: &UserId,
    hashes: &[String],
    at: Timestamp,
) -> Result<(), Error> {
    tx.execute(&REMOVE, binds![tenant, user])?;
    for hash in hashes {
        tx.execute(&INSERT, binds![tenant, user, hash, at])?;
    }
    Ok(())
}

const TAKE: Sql = Sql::new(
    "update recovery_codes
     set used_at = $4
     where tenant_id = $1 and user_id = $2 and code_hash = $3 and used_at is null",
);

/// Uses a code up; `false` when it is none or was used.
pub fn take(tx: &mut Tx, tenant: &TenantId, user: &UserId, hash: &str, at: Timestamp) -> Result<bool, Error> {
    Ok(tx.execute(&TAKE, binds![tenant, user, hash, at])? == 1)
}

const LEFT: Sql = Sql::new(
    "select count(*) as codes
     from recovery_codes
     where tenant_id = $1 and user_id = $2 and used_at is null",
);

/// How many a person has left.
pub fn left(tx: &mut Tx, tenant: &TenantId, user: &UserId) -> Result<i64, Error> {
    tx.one(&LEFT, binds![tenant, user])?.int("codes")
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &REMOVE, &TAKE, &LEFT];
