//! What goes on beside requests: stored events are applied, and the reconciler looks at what went quiet.

use std::time::Duration;

use flows::{App, reconcile, stripe_events};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::router::Site;

/// Events taken up at once.
const BATCH: i64 = 64;
/// Events applied in one transaction: few enough that nobody waits long for its end.
const TOGETHER: usize = 16;
/// How often the worker looks without being called: parked and failed events become due by time.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the reconciler looks.
const RECONCILE_EVERY: Duration = Duration::from_secs(2);

/// Runs until `stop` says so, then finishes what it has taken up.
pub async fn run(site: Site, mut stop: watch::Receiver<bool>) {
    let reconciler = tokio::spawn(reconcile_until(site.app.clone(), stop.clone()));
    while !*stop.borrow() {
        if apply_batch(&site.app).await == 0 {
            tokio::select! {
                () = site.inbox_bell.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }
    if let Err(error) = reconciler.await {
        tracing::error!(%error, "the reconciler ended badly");
    }
}

/// Applies what is due now; answers how many events that were.
pub async fn apply_batch(app: &App) -> usize {
    let taken = match stripe_events::take(app, BATCH).await {
        Ok(taken) => taken,
        Err(failure) => {
            tracing::error!(%failure, "events could not be taken up");
            return 0;
        }
    };
    let count = taken.len();
    let mut alone = JoinSet::new();
    for events in taken.chunks(TOGETHER) {
        for event in stripe_events::apply_together(app, events.to_vec()).await {
            let app = app.clone();
            alone.spawn(async move {
                if let Err(failure) = stripe_events::apply(&app, &event).await {
                    tracing::error!(event = event.event_id, %failure, "will be taken up again");
                }
            });
        }
    }
    while alone.join_next().await.is_some() {}
    count
}

async fn reconcile_until(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(failure) = reconcile::run(&app).await {
            tracing::error!(%failure, "the reconciler could not look");
        }
        tokio::select! {
            () = tokio::time::sleep(RECONCILE_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}
