//! What is waiting, open or stuck, over all tenants and both modes: the numbers that an operator watches.
//! Each statement reads rows that are few on a healthy day, through an index of their own.

use domain::{Mode, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// Rows of one kind and state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The mode of the rows.
    pub mode: Mode,
    /// The kind: of a write to Stripe or of a difference; empty where there is only one.
    pub kind: String,
    /// The status, or the age in words.
    pub state: String,
    /// How many.
    pub rows: i64,
    /// When the oldest of them began.
    pub oldest: Timestamp,
}

const EVENTS_WAITING: Sql = Sql::new(
    "select livemode, '' as kind, status as state, count(*) as found, min(created_at) as oldest
     from stripe_webhook_events
     where next_attempt_at is not null
     group by livemode, status",
);

/// Stored events that are to be applied, now or later: received, parked, failed.
pub fn events_waiting(tx: &mut Tx) -> Result<Vec<Group>, Error> {
    tx.query(&EVENTS_WAITING, &[])?.iter().map(read).collect()
}

const EVENTS_STUCK: Sql = Sql::new(
    "select livemode, '' as kind, status as state, count(*) as found, min(created_at) as oldest
     from stripe_webhook_events
     where status in ('dead', 'quarantined')
     group by livemode, status",
);

/// Stored events that only a person can help.
pub fn events_stuck(tx: &mut Tx) -> Result<Vec<Group>, Error> {
    tx.query(&EVENTS_STUCK, &[])?.iter().map(read).collect()
}

const OPERATIONS_OPEN: Sql = Sql::new(
    "select livemode, kind, status as state, count(*) as found, min(first_sent_at) as oldest
     from stripe_operations
     where status in ('sent', 'unknown')
     group by livemode, kind, status",
);

/// Writes to Stripe without a definite outcome.
pub fn operations_open(tx: &mut Tx) -> Result<Vec<Group>, Error> {
    tx.query(&OPERATIONS_OPEN, &[])?.iter().map(read).collect()
}

const OPERATIONS_SETTLED: Sql = Sql::new(
    "select livemode, kind, status as state, count(*) as found, min(answered_at) as oldest
     from stripe_operations
     where answered_at > $1
     group by livemode, kind, status",
);

/// Writes to Stripe whose outcome became known since a moment, by outcome.
pub fn operations_settled(tx: &mut Tx, since: Timestamp) -> Result<Vec<Group>, Error> {
    tx.query(&OPERATIONS_SETTLED, binds![since])?
        .iter()
        .map(read)
        .collect()
}

const BREAKS_OPEN: Sql = Sql::new(
    "select livemode, kind, state, count(*) as found, min(created_at) as oldest
     from (
       select livemode, kind, created_at,
         case when created_at > $1 then 'under_1h' when created_at > $2 then 'under_24h' else 'over_24h' end
           as state
       from reconciliation_breaks
       where resolved_at is null
     ) aged
     group by livemode, kind, state",
);

/// Open differences by kind and age: since `hour` and since `day` begin the younger ages.
pub fn breaks_open(tx: &mut Tx, hour: Timestamp, day: Timestamp) -> Result<Vec<Group>, Error> {
    tx.query(&BREAKS_OPEN, binds![hour, day])?
        .iter()
        .map(read)
        .collect()
}

const PAYMENTS_DUE: Sql = Sql::new(
    "select livemode, '' as kind, 'due' as state, count(*) as found, min(next_check_at) as oldest
     from payments
     where next_check_at is not null and next_check_at <= $1
     group by livemode",
);

/// Payments that the reconciler should have read again by now.
pub fn payments_due(tx: &mut Tx, at: Timestamp) -> Result<Vec<Group>, Error> {
    tx.query(&PAYMENTS_DUE, binds![at])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Group, Error> {
    Ok(Group {
        mode: values::mode(row)?,
        kind: row.text("kind")?,
        state: row.text("state")?,
        rows: row.int("found")?,
        oldest: values::time(row, "oldest")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &EVENTS_WAITING,
    &EVENTS_STUCK,
    &OPERATIONS_OPEN,
    &OPERATIONS_SETTLED,
    &BREAKS_OPEN,
    &PAYMENTS_DUE,
];
