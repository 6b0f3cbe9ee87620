//! The archive of the inbox: the verified bodies of events that were done with long ago, byte for byte.
//! It only grows; the event's row stays in the inbox without its body, so that a late duplicate is still
//! known.

use domain::{InboxId, Timestamp};

use crate::binds;
use crate::db::{Error, Sql, Tx};

const BODY: Sql = Sql::new("select body from stripe_webhook_event_archive where id = $1");

/// The body of an archived event; none when an operator has deleted it since.
pub fn body(tx: &mut Tx, id: &InboxId) -> Result<Option<String>, Error> {
    let row = tx.optional(&BODY, binds![id])?;
    row.map(|row| row.text("body")).transpose()
}

const DUE: Sql = Sql::new(
    "select id from stripe_webhook_events
     where processed_at is not null and archived_at is null and status <> 'dead' and processed_at < $1
       and next_attempt_at is null
     order by processed_at, id
     limit $2",
);

const COPY: Sql = Sql::new(
    "insert into stripe_webhook_event_archive (id, body, received_at, created_at)
     select id, body, created_at, $2 from stripe_webhook_events
     where id = $1",
);

const EMPTY: Sql = Sql::new(
    "update stripe_webhook_events set body = '', archived_at = $2
     where id = $1 and archived_at is null",
);

/// Moves the bodies of events that were done with before `before` into the archive, in one transaction.
/// Answers how many; at most `limit`.
pub fn move_old(tx: &mut Tx, before: Timestamp, at: Timestamp, limit: i64) -> Result<usize, Error> {
    let due = tx.query(&DUE, binds![before, limit])?;
    for row in &due {
        let id = row.text("id")?;
        tx.execute(&COPY, binds![&id, at])?;
        tx.execute(&EMPTY, binds![&id, at])?;
    }
    Ok(due.len())
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&BODY, &DUE, &COPY, &EMPTY];
