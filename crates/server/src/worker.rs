//! What goes on beside requests: stored events are applied, and the reconciler looks at what went quiet.
//! Whatever needs an answer from Stripe has a place of its own and a time limit, so that one slow account
//! holds up nobody else.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use domain::seal::Day;
use flows::{App, books, held, limits, people, reconcile, requests, seals, stripe_events, tie_out};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tracing::Instrument;

use crate::router::Site;
use crate::runs::{Itself, Job, Runs};
use crate::{alarms, mail};

/// Events taken up at once.
const BATCH: i64 = 64;
/// Events applied in one transaction: with more, neither database does less work for each (measured), and
/// others wait longer for its end.
const TOGETHER: usize = 32;
/// How often the worker looks without being called: parked and failed events become due by time.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the reconciler looks.
const RECONCILE_EVERY: Duration = Duration::from_secs(2);
/// How often it looks whether a day can be sealed or an hour is over, and notes what was counted at the door.
const SEAL_EVERY: Duration = Duration::from_secs(60);
/// How often the leases of what is being sent are renewed: four times within one.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// How often this instance says that it lives: four times within what counts as living.
const REPORT_EVERY: Duration = Duration::from_secs(30);
/// Rows of one account that wait for Stripe at the same time, and of all accounts together.
const PLACES_PER_ACCOUNT: usize = 4;
const PLACES: usize = 64;
/// An event is applied within this or given back: less than the lease that the worker has on it.
const EVENT_TIME: Duration = Duration::from_secs(45);
/// Giving it back takes a moment; at the end of the lease another takes it up in any case.
const PLACE_TIME: Duration = Duration::from_secs(55);
/// A replay takes three tries of the client, so that only what hangs is dropped.
const RECONCILE_TIME: Duration = Duration::from_secs(280);

/// After how long a task that panicked begins again: what makes it panic may pass.
const BEGIN_AGAIN: Duration = Duration::from_secs(1);

/// How often requests are removed whose idempotency keys are over thirty days old, and counts of limits
/// that no longer count.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Runs until `stop` says so. What is waiting for Stripe then is dropped, as a crash would, and taken up by
/// the next start.
pub async fn run(site: Site, itself: Itself, stop: watch::Receiver<bool>) {
    let (app, runs, told) = (&site.app, &site.runs, &stop);
    tokio::join!(
        alive("the applying of events", told, || apply_until(
            site.clone(),
            told.clone()
        )),
        alive("the reconciler", told, || {
            reconcile_until(app.clone(), runs.clone(), told.clone())
        }),
        alive("the sealing of days", told, || seal_until(
            site.clone(),
            told.clone()
        )),
        alive("the comparison of the books with Stripe", told, || {
            tie_out_until(app.clone(), runs.clone(), told.clone())
        }),
        alive("the removal of what is old", told, || forget_until(
            site.clone(),
            told.clone()
        )),
        alive("the sending of mails", told, || mail::send_until(
            site.clone(),
            told.clone()
        )),
        alive("the reminding", told, || {
            mail::remind_until(app.clone(), runs.clone(), told.clone())
        }),
        alive("the renewal of leases", told, || hold_until(
            app.clone(),
            runs.clone(),
            told.clone()
        )),
        alive("the reports of this instance", told, || {
            report_until(app.clone(), itself.clone(), told.clone())
        }),
        alive("the watch for the operator", told, || {
            alarms::watch_until(site.clone(), told.clone())
        }),
    );
}

/// A task for as long as it is wanted: one that panics begins again, since nobody else would do its work.
async fn alive<F>(what: &str, stop: &watch::Receiver<bool>, begin: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut stop = stop.clone();
    while let Err(error) = tokio::spawn(begin()).await {
        tracing::error!(alert = "task_panicked", %error, "{what} panicked, and begins again");
        if *stop.borrow() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(BEGIN_AGAIN) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Takes up stored events and applies them.
async fn apply_until(site: Site, mut stop: watch::Receiver<bool>) {
    let mut places = Places::default();
    while !*stop.borrow() {
        if apply_batch(&site.app, &site.runs, &mut places).await == 0 {
            tokio::select! {
                () = site.inbox_bell.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

/// Applies what is due and can be applied now; answers how many events were taken up.
async fn apply_batch(app: &App, runs: &Runs, places: &mut Places) -> usize {
    let taken = stripe_events::take(app, BATCH).await;
    runs.ended(Job::Events, app.clock.now(), &taken);
    let taken = match taken {
        Ok(taken) => taken,
        Err(failure) => {
            tracing::error!(%failure, "events could not be taken up");
            return 0;
        }
    };
    let count = taken.len();
    for events in taken.chunks(TOGETHER) {
        for event in stripe_events::apply_together(app, events.to_vec()).await {
            let account = event.account.clone();
            let (place_app, place_event) = (app.clone(), event.clone());
            let span = tracing::info_span!("event", id = event.event_id, account);
            let applied = async move {
                let (app, event) = (&place_app, &place_event);
                let applied = tokio::time::timeout(EVENT_TIME, stripe_events::apply(app, event)).await;
                let applied = match applied {
                    Ok(applied) => applied,
                    Err(_) => stripe_events::out_of_time(app, event).await,
                };
                if let Err(failure) = applied {
                    tracing::error!(event = event.event_id, %failure, "will be taken up again");
                }
            };
            let placed = places.take(&account, PLACE_TIME, applied.instrument(span));
            if !placed && let Err(failure) = stripe_events::put_off(app, &event).await {
                tracing::error!(event = event.event_id, %failure, "will be taken up again");
            }
        }
    }
    count
}

async fn reconcile_until(app: App, runs: Runs, mut stop: watch::Receiver<bool>) {
    let mut places = Places::default();
    while !*stop.borrow() {
        let due = reconcile::due(&app).await;
        runs.ended(Job::Reconciler, app.clock.now(), &due);
        match due {
            Ok(due) => {
                for row in due {
                    let (account, app) = (row.account().to_owned(), app.clone());
                    // What finds no place is still due at the next look.
                    places.take(&account, RECONCILE_TIME, async move {
                        reconcile::look(&app, &row).await
                    });
                }
            }
            Err(failure) => tracing::error!(%failure, "the reconciler could not look"),
        }
        tokio::select! {
            () = tokio::time::sleep(RECONCILE_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// What is being sent stays this instance's, for as long as it lives.
async fn hold_until(app: App, runs: Runs, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let renewed = held::renew(&app).await;
        runs.ended(Job::Leases, app.clock.now(), &renewed);
        if let Err(failure) = renewed {
            tracing::error!(%failure, "leases could not be renewed");
        }
        tokio::select! {
            () = tokio::time::sleep(RENEW_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// While it lives, this instance says so to those beside it.
async fn report_until(app: App, itself: Itself, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(REPORT_EVERY) => {}
            _ = stop.changed() => return,
        }
        if let Err(failure) = itself.report(&app).await {
            tracing::error!(%failure, "this instance could not say that it lives");
        }
    }
}

async fn seal_until(site: Site, mut stop: watch::Receiver<bool>) {
    // Once a day is enough: what is there to be sealed changes with the day.
    let (mut sealed_for, mut verified_for) = (None, None);
    while !*stop.borrow() {
        site.door.sweep(&site.app).await;
        let open = seals::open_day(site.app.clock.now());
        if sealed_for != Some(open) {
            let sealed = seals::run(&site.app).await;
            site.runs.ended(Job::Seals, site.app.clock.now(), &sealed);
            match sealed {
                Ok(made) => {
                    tracing::info!(made, "sealed the days before {open}");
                    sealed_for = Some(open);
                }
                Err(failure) => tracing::error!(%failure, "days could not be sealed and will be tried again"),
            }
        }
        if verified_for != Some(open) {
            let verified = seals::watch(&site.app).await;
            site.runs.ended(Job::Verifying, site.app.clock.now(), &verified);
            match verified {
                Ok(_) => verified_for = Some(open),
                Err(failure) => {
                    tracing::error!(%failure, "seals could not be verified and will be tried again")
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(SEAL_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Once a day everybody's books are compared with Stripe's balance, and each hour those that differed.
/// Balances are written down before, which makes the comparison quicker.
async fn tie_out_until(app: App, runs: Runs, mut stop: watch::Receiver<bool>) {
    let mut done_for = None;
    while !*stop.borrow() {
        let now = app.clock.now();
        let hour = (Day::of(now), books::closed_hour(now));
        if done_for != Some(hour) {
            let compared = close_and_compare(&app).await;
            runs.ended(Job::Books, app.clock.now(), &compared);
            match compared {
                Ok((written, compared)) => {
                    tracing::info!(
                        written,
                        compared,
                        "wrote balances down and compared books with Stripe"
                    );
                    done_for = Some(hour);
                }
                Err(failure) => tracing::error!(%failure, "books could not be compared; it is tried again"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(SEAL_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn close_and_compare(app: &App) -> Result<(usize, usize), flows::Failure> {
    let written = books::close_hours(app).await?;
    Ok((written, tie_out::run_due(app).await?))
}

async fn forget_until(site: Site, mut stop: watch::Receiver<bool>) {
    let (app, retention_days) = (&site.app, site.config.webhook_retention_days);
    while !*stop.borrow() {
        if let Err(failure) = books::fold_sums(&app.db).await {
            tracing::error!(%failure, "sums by day could not be folded");
        }
        if let Err(failure) = requests::remove_old(app).await {
            tracing::error!(%failure, "old requests could not be removed");
        }
        if let Err(failure) = limits::remove_old(app).await {
            tracing::error!(%failure, "old counts could not be removed");
        }
        if let Err(failure) = people::sessions::remove_old(app).await {
            tracing::error!(%failure, "old sessions and links could not be removed");
        }
        let archived = stripe_events::archive_old(app, retention_days).await;
        site.runs.ended(Job::Tidying, app.clock.now(), &archived);
        match archived {
            Ok(0) => {}
            Ok(moved) => tracing::info!(moved, "bodies of old events are in the archive now"),
            Err(failure) => tracing::error!(%failure, "old events could not be archived"),
        }
        tokio::select! {
            () = tokio::time::sleep(FORGET_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Tasks that may wait for Stripe, so many for each account. Dropped with all that is in them.
#[derive(Default)]
struct Places {
    tasks: JoinSet<()>,
    accounts: HashMap<Id, String>,
}

impl Places {
    /// Starts a task where there is room for its account; `false` where there is none.
    fn take(
        &mut self,
        account: &str,
        at_most: Duration,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        self.clear();
        let of_account = self.accounts.values().filter(|taken| *taken == account).count();
        if self.tasks.len() >= PLACES || of_account >= PLACES_PER_ACCOUNT {
            return false;
        }
        let timed = async move {
            if tokio::time::timeout(at_most, work).await.is_err() {
                tracing::warn!("Stripe did not answer in time; what waited for it is taken up again");
            }
        };
        self.accounts
            .insert(self.tasks.spawn(timed).id(), account.to_owned());
        true
    }

    fn clear(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            let id = match ended {
                Ok((id, ())) => id,
                Err(error) => {
                    tracing::error!(%error, "a task of the worker panicked");
                    error.id()
                }
            };
            self.accounts.remove(&id);
        }
    }
}
