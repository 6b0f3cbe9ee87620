//! What waits for its time is looked at now, because somebody asks for it: writes without an outcome,
//! payments and disputes that the reconciler would look at later, and events that are tried again later.

use domain::{Mode, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

const OPERATIONS: Sql = Sql::new(
    "update stripe_operations set lease_until = $3
     where livemode = $1 and ($2 = '' or stripe_account_id = $2) and status in ('sent', 'unknown')
       and status = 'unknown' and lease_until > $3",
);

const PAYMENTS: Sql = Sql::new(
    "update payments set next_check_at = $3
     where livemode = $1 and ($2 = '' or stripe_account_id = $2) and next_check_at > $3",
);

const DISPUTES: Sql = Sql::new(
    "update disputes set next_check_at = $3
     where livemode = $1 and ($2 = '' or stripe_account_id = $2) and next_check_at > $3",
);

/// Also what a worker holds, which may have been killed: where it was not, its transaction finds that another
/// has taken the event up, and is rolled back.
const EVENTS: Sql = Sql::new(
    "update stripe_webhook_events set next_attempt_at = $3
     where livemode = $1 and ($2 = '' or stripe_account_id = $2) and next_attempt_at > $3",
);

/// Everything of a mode that waits is due at `at`; of one account, where one is named.
pub fn everything(tx: &mut Tx, mode: Mode, account: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&OPERATIONS, binds![mode, account, at])?;
    tx.execute(&PAYMENTS, binds![mode, account, at])?;
    tx.execute(&DISPUTES, binds![mode, account, at])?;
    tx.execute(&EVENTS, binds![mode, account, at])?;
    Ok(())
}

const EVENTS_AHEAD: Sql =
    Sql::new("update stripe_webhook_events set next_attempt_at = $1 where next_attempt_at > $2");

const OPERATIONS_AHEAD: Sql = Sql::new(
    "update stripe_operations set lease_until = $1 where status in ('sent', 'unknown') and lease_until > $2",
);

const MAILS_AHEAD: Sql = Sql::new("update mails set next_attempt_at = $1 where next_attempt_at > $2");

/// Nothing that is tried again waits for so long: whatever does was written by a clock that was ahead.
const AHEAD_MS: i64 = 2 * 60 * 60 * 1000;

/// What a clock that was ahead has put off is due at `at`.
pub fn after_a_clock_was_ahead(tx: &mut Tx, at: Timestamp) -> Result<u64, Error> {
    let mut hurried = 0;
    for sql in [&EVENTS_AHEAD, &OPERATIONS_AHEAD, &MAILS_AHEAD] {
        hurried += tx.execute(sql, binds![at, at.plus_ms(AHEAD_MS)])?;
    }
    Ok(hurried)
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &OPERATIONS,
    &PAYMENTS,
    &DISPUTES,
    &EVENTS,
    &EVENTS_AHEAD,
    &OPERATIONS_AHEAD,
    &MAILS_AHEAD,
];
