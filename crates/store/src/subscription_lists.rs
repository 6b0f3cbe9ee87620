//! How far the list of an account's subscriptions has been read, in each mode, beside that of its events:
//! once when the account is known, and again where events are missing.

use domain::{Mode, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

const OPEN: Sql = Sql::new(
    "select subscriptions_after from event_cursors
     where livemode = $1 and stripe_account_id = $2 and subscriptions_read_at is null",
);

/// Where to read on, after which subscription; none where nothing is to be read.
pub fn open(tx: &mut Tx, mode: Mode, account: &str) -> Result<Option<Option<String>>, Error> {
    let row = tx.optional(&OPEN, binds![mode, account])?;
    row.map(|row| row.text_opt("subscriptions_after")).transpose()
}

const STORE: Sql = Sql::new(
    "update event_cursors set subscriptions_after = $3, subscriptions_read_at = $4
     where livemode = $1 and stripe_account_id = $2",
);

/// A page was read that ends with `after`; the last one was read at `read_at`.
pub fn store(
    tx: &mut Tx,
    mode: Mode,
    account: &str,
    after: Option<&str>,
    read_at: Option<Timestamp>,
) -> Result<(), Error> {
    let after = after.map(str::to_owned);
    tx.execute(&STORE, binds![mode, account, after, read_at.map(Timestamp::ms)])?;
    Ok(())
}

/// The list is to be read from its beginning.
pub fn want(tx: &mut Tx, mode: Mode, account: &str) -> Result<(), Error> {
    store(tx, mode, account, None, None)
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&OPEN, &STORE];
