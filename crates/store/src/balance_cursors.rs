//! How far Stripe's list of each account's balance transactions has been read, in each mode; the platform's
//! own are those of the account `""`. Not a tenant's table, as `event_cursors` is none.

use domain::{Mode, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A reading that has not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// It lists from here on, in seconds since the epoch.
    pub since_s: i64,
    /// The last one of the page before.
    pub after: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// When the newest one was made that it has seen, in seconds.
    pub newest_s: i64,
}

/// How far an account's balance has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceCursor {
    /// The mode.
    pub mode: Mode,
    /// `acct_…`, or empty for the platform.
    pub account: String,
    /// When the newest one was made that is known, in seconds by Stripe's clock.
    pub last_created_s: i64,
    /// When the last reading began that came to its end; the epoch before the first.
    pub read_at: Timestamp,
    /// The reading under way.
    pub walk: Option<Walk>,
    /// How often it was taken up: what an earlier holder writes no longer counts.
    pub claims: i64,
    /// When it is read next.
    pub next_read_at: Timestamp,
    /// Tries since Stripe answered last.
    pub tries: i64,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

macro_rules! columns {
    () => {
        "livemode, stripe_account_id, last_created, read_at, walk_since, walk_after, walk_began_at,
           walk_newest, claims, next_read_at, tries, last_error"
    };
}

const BEGIN: Sql = Sql::new(
    "insert into balance_cursors (livemode, stripe_account_id, last_created, read_at, walk_newest,
       lease_until, claims, next_read_at, tries, created_at)
     values ($1, $2, $3, 0, 0, 0, 0, $4, 0, $5)
     on conflict (livemode, stripe_account_id) do nothing",
);

/// From `since` on an account's balance is to be known; it is read first at `next`. Nothing happens to one
/// that is known.
pub fn begin(
    tx: &mut Tx,
    mode: Mode,
    account: &str,
    since_s: i64,
    next: Timestamp,
    at: Timestamp,
) -> Result<(), Error> {
    tx.execute(&BEGIN, binds![mode, account, since_s, next, at])?;
    Ok(())
}

const GET: Sql = Sql::new(concat!(
    "select ",
    columns!(),
    " from balance_cursors where livemode = $1 and stripe_account_id = $2"
));

/// How far an account's balance has been read.
pub fn get(tx: &mut Tx, mode: Mode, account: &str) -> Result<Option<BalanceCursor>, Error> {
    let row = tx.optional(&GET, binds![mode, account])?;
    row.map(|row| read(&row)).transpose()
}

const DUE: Sql = Sql::new(concat!(
    "select ",
    columns!(),
    " from balance_cursors
      where next_read_at <= $1 and lease_until <= $1
        and (stripe_account_id = '' or exists (
          select 1 from stripe_config
          where stripe_config.stripe_account_id = balance_cursors.stripe_account_id
            and stripe_config.livemode = balance_cursors.livemode and stripe_config.disconnected_at is null))
      order by next_read_at, stripe_account_id
      limit $2"
));

/// Accounts that are to be read and that nobody is reading: connected ones, and the platform.
pub fn due(tx: &mut Tx, at: Timestamp, limit: i64) -> Result<Vec<BalanceCursor>, Error> {
    tx.query(&DUE, binds![at, limit])?.iter().map(read).collect()
}

const READ_BY: Sql = Sql::new(
    "update balance_cursors set next_read_at = $3
     where livemode = $1 and stripe_account_id = $2 and next_read_at > $3 and tries = 0",
);

/// Has an account's balance read at `by` at the latest, if Stripe answers for it.
pub fn read_by(tx: &mut Tx, mode: Mode, account: &str, by: Timestamp) -> Result<(), Error> {
    tx.execute(&READ_BY, binds![mode, account, by])?;
    Ok(())
}

const HURRY: Sql = Sql::new("update balance_cursors set next_read_at = $1 where next_read_at > $1");

/// Has every account's balance read at `at`, at the latest.
pub fn hurry(tx: &mut Tx, at: Timestamp) -> Result<u64, Error> {
    tx.execute(&HURRY, binds![at])
}

const REWIND: Sql = Sql::new(
    "update balance_cursors set
       last_created = $3, walk_since = null, walk_after = null, walk_began_at = null, next_read_at = $4,
       lease_until = $4, claims = claims + 1
     where livemode = $1 and stripe_account_id = $2 and (last_created > $3 or next_read_at > $4)",
);

/// Has an account read again from a moment on, now. Whoever was reading it loses it.
pub fn rewind(tx: &mut Tx, mode: Mode, account: &str, since: Timestamp, now: Timestamp) -> Result<(), Error> {
    tx.execute(&REWIND, binds![mode, account, since.seconds(), now])?;
    Ok(())
}

const TAKE: Sql = Sql::new(concat!(
    "update balance_cursors set lease_until = $4, claims = claims + 1
     where livemode = $1 and stripe_account_id = $2 and lease_until <= $3
     returning ",
    columns!()
));

/// Takes an account up until `lease_until`; none when somebody else has it.
pub fn take(
    tx: &mut Tx,
    mode: Mode,
    account: &str,
    at: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<BalanceCursor>, Error> {
    let row = tx.optional(&TAKE, binds![mode, account, at, lease_until])?;
    row.map(|row| read(&row)).transpose()
}

const STORE: Sql = Sql::new(
    "update balance_cursors set
       last_created = $4, read_at = $5, walk_since = $6, walk_after = $7, walk_began_at = $8,
       walk_newest = $9,
       lease_until = $10, next_read_at = $11, tries = $12, last_error = $13
     where livemode = $1 and stripe_account_id = $2 and claims = $3",
);

/// Stores how far it has come, held until `lease_until`; `false` when somebody else has taken it up since.
pub fn store(tx: &mut Tx, cursor: &BalanceCursor, lease_until: Timestamp) -> Result<bool, Error> {
    let walk = cursor.walk.as_ref();
    let binds = binds![
        cursor.mode,
        &cursor.account,
        cursor.claims,
        cursor.last_created_s,
        cursor.read_at,
        walk.map(|walk| walk.since_s),
        walk.and_then(|walk| walk.after.clone()),
        walk.map(|walk| walk.began_at),
        walk.map_or(0, |walk| walk.newest_s),
        lease_until,
        cursor.next_read_at,
        cursor.tries,
        cursor.last_error.clone()
    ];
    Ok(tx.execute(&STORE, binds)? == 1)
}

fn read(row: &Row) -> Result<BalanceCursor, Error> {
    let walk = match row.int_opt("walk_since")? {
        Some(since_s) => Some(Walk {
            since_s,
            after: row.text_opt("walk_after")?,
            began_at: values::time(row, "walk_began_at")?,
            newest_s: row.int("walk_newest")?,
        }),
        None => None,
    };
    Ok(BalanceCursor {
        mode: values::mode(row)?,
        account: row.text("stripe_account_id")?,
        last_created_s: row.int("last_created")?,
        read_at: values::time(row, "read_at")?,
        walk,
        claims: row.int("claims")?,
        next_read_at: values::time(row, "next_read_at")?,
        tries: row.int("tries")?,
        last_error: row.text_opt("last_error")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&BEGIN, &GET, &DUE, &READ_BY, &HURRY, &REWIND, &TAKE, &STORE];
