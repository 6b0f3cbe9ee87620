//! A reconciliation that somebody orders: everything since a moment is read again, and whatever waits for
//! Stripe is looked at now instead of when it is due.

use domain::{Mode, Refusal, Timestamp};
use serde_json::json;
use store::event_cursors::{self, EventCursor};
use store::{balance_cursors, hurry, stripe_operations as rows};

use super::{Due, due, look};
use crate::audit::{self, Entry};
use crate::{App, By, Failure, onboarding, stripe_events};

/// Rounds of looking: each takes up a batch, and what fails is put off.
const ROUNDS_MAX: usize = 10_000;
/// Events that are taken up at once.
const EVENTS: i64 = 64;

/// What is to be read again.
#[derive(Clone, Debug)]
pub struct Order {
    /// From this moment on.
    pub since: Timestamp,
    /// Of this connected account only.
    pub account: Option<String>,
    /// In this mode only.
    pub mode: Option<Mode>,
}

impl Order {
    fn covers(&self, mode: Mode, account: &str) -> bool {
        self.mode.is_none_or(|wanted| wanted == mode)
            && self.account.as_deref().is_none_or(|wanted| wanted == account)
    }
}

/// What came of it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accounts to be read, the platform among them once for each mode.
    pub accounts: usize,
    /// Accounts read to their end.
    pub accounts_read: usize,
    /// Writes without an outcome that were looked at.
    pub operations: usize,
    /// Payments that were read again.
    pub payments: usize,
    /// Events that were applied, those that wait for something among them.
    pub events: usize,
    /// Writes that a running instance has in hand, or one had that ended within the last minute.
    pub held: i64,
}

/// An account that was not read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The mode.
    pub mode: Mode,
    /// `acct_…`, or empty for the platform.
    pub account: String,
    /// Why: another instance is reading it and goes on by itself, or what Stripe said.
    pub why: String,
}

/// Carries an order out; `tell` hears how far it is. What Stripe does not answer now stays due.
///
/// # Errors
/// When the database fails.
pub async fn run(
    app: &App,
    by: &By,
    order: &Order,
    tell: &mut (dyn FnMut(Tally) + Send),
) -> Result<(Tally, Vec<Unread>), Failure> {
    let began = app.clock.now();
    super::know_the_platform(app).await?;
    refuse_unknown(app, order).await?;
    let cursors = make_due(app, by, order).await?;
    let mut tally = Tally {
        accounts: cursors.len(),
        ..Tally::default()
    };
    look_at_all(app, order, &mut tally, tell).await?;
    let unread = unread(app, order, began).await?;
    tally.accounts_read = tally.accounts.saturating_sub(unread.len());
    tell(tally);
    for cursor in cursors.iter().filter(|cursor| !cursor.account.is_empty()) {
        if let Err(failure) = onboarding::refresh(app, &cursor.account, cursor.mode).await {
            tracing::warn!(account = cursor.account, %failure, "not read again");
        }
    }
    apply_all(app, &mut tally, tell).await?;
    // What was missed is here and applied: a second reading says so, and ends the break that told of it.
    let (at, wanted) = (app.clock.now(), order.clone());
    app.db
        .write(move |tx| {
            for cursor in covered(tx, &wanted)? {
                event_cursors::read_at_once(tx, cursor.mode, &cursor.account, at)?;
            }
            Ok::<_, Failure>(())
        })
        .await?;
    let mut again = Tally::default();
    look_at_all(app, order, &mut again, &mut |_| {}).await?;
    apply_all(app, &mut tally, tell).await?;
    external_again(app, &cursors).await?;
    tally.held = held(app, order).await?;
    Ok((tally, unread))
}

/// An account that nobody has is a mistake in writing: nothing read of it would look like nothing missed.
async fn refuse_unknown(app: &App, order: &Order) -> Result<(), Failure> {
    let wanted = order.clone();
    let known = app.db.read(move |tx| covered(tx, &wanted)).await?;
    match &order.account {
        Some(account) if known.is_empty() => {
            let problem =
                format!("names {account}, which is connected to no tenant: list the accounts that are");
            Err(Refusal::invalid("account", problem).into())
        }
        Some(_) | None => Ok(()),
    }
}

async fn held(app: &App, order: &Order) -> Result<i64, Failure> {
    let (now, order) = (app.clock.now(), order.clone());
    let held = app.db.read(move |tx| {
        let account = order.account.as_deref().unwrap_or_default();
        let mut held = 0;
        for mode in [Mode::Test, Mode::Live] {
            if order.mode.is_none_or(|wanted| wanted == mode) {
                held += rows::held(tx, mode, account, now)?;
            }
        }
        Ok::<_, store::Error>(held)
    });
    Ok(held.await?)
}

/// What others do on the accounts is read again where it was not over: its events may have been lost.
async fn external_again(app: &App, cursors: &[EventCursor]) -> Result<(), Failure> {
    for cursor in cursors.iter().filter(|cursor| !cursor.account.is_empty()) {
        if let Err(failure) = stripe_events::external_again(app, cursor.mode, &cursor.account).await {
            tracing::warn!(account = cursor.account, %failure, "not all that is external was read again");
        }
    }
    Ok(())
}

/// The accounts of the order whose reading, begun by it, has not come to its end.
async fn unread(app: &App, order: &Order, began: Timestamp) -> Result<Vec<Unread>, Failure> {
    let (now, order) = (app.clock.now(), order.clone());
    app.db
        .read(move |tx| {
            let mut unread = Vec::new();
            for cursor in covered(tx, &order)? {
                if cursor.walk.is_none() && cursor.read_at >= began {
                    continue;
                }
                let why = match event_cursors::is_held(tx, cursor.mode, &cursor.account, now)? {
                    true => "another instance is reading it, and goes on by itself".to_owned(),
                    false => cursor.last_error.unwrap_or_default(),
                };
                unread.push(Unread {
                    mode: cursor.mode,
                    account: cursor.account,
                    why,
                });
            }
            Ok(unread)
        })
        .await
}

/// Everything that the order covers is due now.
async fn make_due(app: &App, by: &By, order: &Order) -> Result<Vec<EventCursor>, Failure> {
    let (moment, by, order) = (app.moment(), by.clone(), order.clone());
    app.db
        .write(move |tx| {
            let account = order.account.as_deref().unwrap_or_default();
            for mode in [Mode::Test, Mode::Live] {
                if order.mode.is_none_or(|wanted| wanted == mode) {
                    hurry::everything(tx, mode, account, moment.at)?;
                }
            }
            let cursors = covered(tx, &order)?;
            for cursor in &cursors {
                event_cursors::rewind(tx, cursor.mode, &cursor.account, order.since, moment.at)?;
                balance_cursors::rewind(tx, cursor.mode, &cursor.account, order.since, moment.at)?;
            }
            let after = json!({"since": order.since.ms(), "mode": order.mode.map(Mode::word)});
            let entry = Entry {
                action: "reconciliation.ordered",
                subject: order.account.as_deref().unwrap_or("all"),
                before: None,
                after: Some(after.to_string()),
            };
            audit::note(tx, None, &by, moment, &entry)?;
            Ok(cursors)
        })
        .await
}

/// Accounts that are connected, and the platform, as far as the order covers them.
fn covered(tx: &mut store::Tx, order: &Order) -> Result<Vec<EventCursor>, Failure> {
    let mut cursors = event_cursors::in_use(tx)?;
    cursors.retain(|cursor| order.covers(cursor.mode, &cursor.account));
    Ok(cursors)
}

async fn look_at_all(
    app: &App,
    order: &Order,
    tally: &mut Tally,
    tell: &mut (dyn FnMut(Tally) + Send),
) -> Result<(), Failure> {
    for _ in 0..ROUNDS_MAX {
        let mut found = due(app).await?;
        found.retain(|row| matches!(row, Due::Break(_)) || order.covers(row.mode(), row.account()));
        if found.is_empty() {
            return Ok(());
        }
        for row in &found {
            look(app, row).await;
            match row {
                Due::Operation(_) => tally.operations += 1,
                Due::Payment(_) => tally.payments += 1,
                Due::Events(_) => tally.accounts_read += 1,
                _ => {}
            }
            tell(*tally);
        }
    }
    Ok(())
}

/// Applies what is stored, as the worker does, until nothing is due.
async fn apply_all(
    app: &App,
    tally: &mut Tally,
    tell: &mut (dyn FnMut(Tally) + Send),
) -> Result<(), Failure> {
    for _ in 0..ROUNDS_MAX {
        let taken = stripe_events::take(app, EVENTS).await?;
        if taken.is_empty() {
            return Ok(());
        }
        for event in taken {
            stripe_events::apply(app, &event).await?;
            tally.events += 1;
            tell(*tally);
        }
    }
    Ok(())
}
