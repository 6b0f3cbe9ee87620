//! Retention: the bodies of events that were done with long ago go to the archive. The copy and the
//! emptying are one transaction, so that no byte is ever in neither place; the row stays, so that a
//! duplicate is one months later.

use store::stripe_webhook_event_archive as archive;

use crate::{App, Failure};

/// Bodies moved in one transaction: a few hundred kilobytes, milliseconds of work.
const AT_ONCE: i64 = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Archives the bodies of events that were done with more than `days` ago. Answers how many.
///
/// # Errors
/// When the database fails; the next call goes on.
pub async fn archive_old(app: &App, days: i64) -> Result<usize, Failure> {
    let now = app.clock.now();
    let before = now.plus_ms(-days.saturating_mul(DAY_MS));
    let mut total = 0_usize;
    loop {
        let step = move |tx: &mut store::Tx| archive::move_old(tx, before, now, AT_ONCE);
        let moved = app.db.write(step).await?;
        if moved == 0 {
            return Ok(total);
        }
        total = total.saturating_add(moved);
    }
}
