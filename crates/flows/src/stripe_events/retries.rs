//! When an event could not be applied: how it goes back to the inbox, when it is tried again, and when a
//! person must look. And the one place where what became of an event is stored.

use domain::retries::{TRIES_MAX, wait_ms};
use domain::{Mode, Timestamp};
use store::reconciliation_breaks::Kind;
use store::stripe_webhook_events::{self as rows, Fate, Status, Taken};
use store::{Tx, reconciliation_breaks};

use crate::planted::{self, Bug};
use crate::spread::spread;
use crate::{App, Failure, observe, onboarding};

/// The break that a dead event opens, until a replay of it comes to an end.
pub const EVENT_DEAD: Kind = Kind::EventDead;
/// An event that is ahead of our own rows waits so long for them, so many times: a minute in all.
pub const PARK_MS: i64 = 5 * 1000;
const PARKS_MAX: i64 = 12;
/// How long an event waits that there was no room for.
const PUT_OFF_MS: i64 = 2 * 1000;
/// How long one waits whose account does not answer, if nobody hears before that it answers again.
const SILENT_MS: i64 = 10 * 60 * 1000;
/// No worker holds an event for longer.
const HELD_MS: i64 = 60 * 1000;

/// Whether the event may go on waiting for our own rows.
pub fn may_park(event: &Taken) -> bool {
    event.parks < PARKS_MAX
}

/// What to say of an event from whose tries nobody came back: a panic, or a kill each time.
pub fn never_came_back(event: &Taken) -> Option<Failure> {
    (event.failures > TRIES_MAX).then(|| Failure::Bug("no try of this event came to an end".to_owned()))
}

/// Gives an event back untried: there is no room now for what it needs.
///
/// # Errors
/// When the database fails; the lease then runs out.
pub async fn put_off(app: &App, event: &Taken) -> Result<(), Failure> {
    give_back_untried(app, event, PUT_OFF_MS).await
}

/// The same while its account rests: for long, for each look costs a transaction, and [`hurry`] ends it when
/// the account answers again.
pub async fn put_off_while_it_rests(app: &App, event: &Taken, until: Timestamp) -> Result<(), Failure> {
    let wait_ms = until.ms().saturating_sub(app.clock.now().ms()).max(PUT_OFF_MS);
    let more_ms = match app.breakers.is_silent(event.mode, &event.account) {
        true => SILENT_MS + spread(event.id.as_str(), event.attempts, SILENT_MS / 4),
        false => 0,
    };
    give_back_untried(app, event, wait_ms.saturating_add(more_ms)).await
}

async fn give_back_untried(app: &App, event: &Taken, wait_ms: i64) -> Result<(), Failure> {
    let (event, at) = (event.clone(), app.clock.now().plus_ms(wait_ms));
    Ok(app
        .db
        .write(move |tx| rows::put_off(tx, &event.id, event.attempts, at))
        .await?)
}

/// An account answers again: its events that wait for longer than a worker holds one are applied now.
///
/// # Errors
/// When the database fails.
pub async fn hurry(app: &App, mode: Mode, account: &str) -> Result<(), Failure> {
    let (account, now) = (account.to_owned(), app.clock.now());
    app.db
        .write(move |tx| rows::hurry(tx, mode, &account, now, now.plus_ms(HELD_MS)))
        .await?;
    Ok(())
}

/// Gives an event back that the worker had to leave because it took too long. Left with its lease it would be
/// tried each minute while Stripe hangs, and be dead within a quarter of an hour.
///
/// # Errors
/// When the database fails; the lease then runs out.
pub async fn out_of_time(app: &App, event: &Taken) -> Result<Status, Failure> {
    app.breakers.waited_in_vain(event.mode, &event.account);
    let slow = Failure::Unknown("Stripe did not answer in time".to_owned());
    give_back(app, event, &slow).await
}

/// Gives an event back that could not be applied, to be tried again later. After the last try it is dead,
/// which is shown as a break until a replay ends well.
pub async fn give_back(app: &App, event: &Taken, failure: &Failure) -> Result<Status, Failure> {
    let moment = app.moment();
    let exhausted = event.failures >= TRIES_MAX;
    let status = if exhausted { Status::Dead } else { Status::Failed };
    let next = moment.at.plus_ms(wait_ms(event.failures, moment.random(1)));
    let (held, error) = (event.clone(), failure.to_string());
    app.db
        .write(move |tx| {
            let scope = onboarding::tenant_of(tx, &held.account, held.mode)?;
            let tenant = scope.as_ref().map(|scope| &scope.tenant);
            let fate = Fate {
                id: &held.id,
                attempts: held.attempts,
                status,
                tenant,
                next_attempt_at: (!exhausted).then_some(next),
                error: Some(&error),
            };
            still_ours(rows::finish(tx, &fate, moment.at)?)?;
            if exhausted {
                let detail = format!("event {} failed {} times: {error}", held.event_id, held.failures);
                let (mode, subject) = (held.mode, &held.event_id);
                observe::open_break(tx, moment, 0, tenant, mode, EVENT_DEAD, subject, &detail)?;
            }
            Ok::<(), Failure>(())
        })
        .await?;
    let (id, tries) = (&event.event_id, event.failures);
    tracing::error!(event = id, %failure, tries, "{}", status.word());
    Ok(status)
}

/// Within a transaction: stores what became of an event. One that somebody had replayed is no break any
/// more once it is done with.
///
/// # Errors [`Failure::Unknown`] when another worker has taken the event up since: its transaction
/// counts, and this one is rolled back.
pub fn close(tx: &mut Tx, event: &Taken, fate: &Fate, at: Timestamp) -> Result<(), Failure> {
    still_ours(rows::finish(tx, fate, at)?)?;
    if event.replayed && fate.next_attempt_at.is_none() {
        reconciliation_breaks::resolve_anybodys(tx, event.mode, EVENT_DEAD, &event.event_id, at)?;
    }
    Ok(())
}

fn still_ours(finished: bool) -> Result<(), Failure> {
    if finished || planted::is(Bug::ProcessedFirst) {
        Ok(())
    } else {
        Err(Failure::Unknown("another worker has this event now".to_owned()))
    }
}
