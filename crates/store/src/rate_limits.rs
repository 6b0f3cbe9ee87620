//! What was done how often, so that instances which share a database share their limits. A row is one time
//! that something was done; it is removed once it no longer counts.

use domain::Timestamp;
use domain::limits::Limit;
use domain::login::Failures;

use crate::db::{Error, Sql, Tx};
use crate::{binds, values};

const NTH_NEWEST: Sql = Sql::new(
    "select created_at
     from rate_limits
     where bucket = $1
     order by created_at desc
     limit 1 offset $2",
);

/// Whether one more fits into a bucket now; nothing is counted. The inner error is the moment from which it
/// does.
pub fn look(tx: &mut Tx, bucket: &str, limit: Limit, now: Timestamp) -> Result<Result<(), Timestamp>, Error> {
    let row = tx.optional(&NTH_NEWEST, binds![bucket, limit.deciding()])?;
    let deciding = row.map(|row| row.int("created_at")).transpose()?;
    Ok(limit.admit(deciding.map(Timestamp::from_ms), now))
}

const COUNT: Sql = Sql::new(
    "insert into rate_limits (bucket, id, created_at, expires_at)
     values ($1, $2, $3, $4)
     on conflict (bucket, id) do nothing",
);

/// Counts one more; `id` tells it from others of the same moment.
pub fn count(tx: &mut Tx, bucket: &str, id: &str, limit: Limit, now: Timestamp) -> Result<(), Error> {
    tx.execute(&COUNT, binds![bucket, id, now, now.plus_ms(limit.within_ms)])?;
    Ok(())
}

/// Counts one more if it fits. The inner error is the moment from which it does; then nothing is counted.
pub fn take(
    tx: &mut Tx,
    bucket: &str,
    id: &str,
    limit: Limit,
    now: Timestamp,
) -> Result<Result<(), Timestamp>, Error> {
    let fits = look(tx, bucket, limit, now)?;
    if fits.is_ok() {
        count(tx, bucket, id, limit, now)?;
    }
    Ok(fits)
}

const FAILURES: Sql = Sql::new(
    "select count(*) as failures, max(created_at) as newest
     from rate_limits
     where bucket = $1 and created_at > $2",
);

/// What was counted in a bucket of failures since a moment.
pub fn failures(tx: &mut Tx, bucket: &str, since: Timestamp) -> Result<Failures, Error> {
    let row = tx.one(&FAILURES, binds![bucket, since])?;
    Ok(Failures {
        count: row.int("failures")?,
        newest: values::time_opt(&row, "newest")?,
    })
}

const UNCOUNT: Sql = Sql::new("delete from rate_limits where bucket = $1 and id = $2");

/// Takes back what was counted under this id.
pub fn uncount(tx: &mut Tx, bucket: &str, id: &str) -> Result<(), Error> {
    tx.execute(&UNCOUNT, binds![bucket, id])?;
    Ok(())
}

const FORGET: Sql = Sql::new("delete from rate_limits where bucket = $1");

/// Takes back all that a bucket holds.
pub fn forget(tx: &mut Tx, bucket: &str) -> Result<(), Error> {
    tx.execute(&FORGET, binds![bucket])?;
    Ok(())
}

const REMOVE: Sql = Sql::new(
    "delete from rate_limits
     where (bucket, id) in (
       select bucket, id
       from rate_limits
       where expires_at <= $1
       order by expires_at
       limit $2
     )",
);

/// Removes rows that no longer count, the oldest first; answers how many there were, at most `limit`.
pub fn remove_old(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(&REMOVE, binds![now, limit])
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&NTH_NEWEST, &COUNT, &FAILURES, &UNCOUNT, &FORGET, &REMOVE];
