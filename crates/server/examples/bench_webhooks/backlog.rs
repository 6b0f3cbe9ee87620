//! A backlog: events that are stored while nothing applies them, and how fast a server that is started on
//! them works them off.

use std::ops::Range;
use std::time::Duration;

use domain::{InboxId, Mode, Timestamp};
use flows::Clock;
use server::clock::SystemClock;
use store::db::Options;
use store::stripe_webhook_events::{self as inbox, Delivery, Status};
use store::{Db, Error, Tx};
use stripe::events;

use crate::applied::{Peer, Watch};
use crate::{ms, per_second, since, story};

/// Events stored in one transaction.
const BATCH: u64 = 500;
/// How often the database is asked how many are left.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A run that takes longer has failed, whatever the reason.
const RUN_MAX: Duration = Duration::from_secs(1800);

/// Stores one event for each prepared invoice, as the webhook endpoint would have.
pub fn store(database: &str, events: u64) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| error.to_string())?;
    runtime
        .block_on(fill(database, events))
        .map_err(|error| format!("{database}: {error}"))
}

async fn fill(database: &str, events: u64) -> Result<(), Error> {
    let clock = SystemClock::default();
    let db = Db::open(database, Options::default()).await?;
    let mut from = 0;
    while from < events {
        let batch: Range<u64> = from..events.min(from + BATCH);
        from = batch.end;
        let at = clock.now();
        db.write(move |tx| batch.clone().try_for_each(|n| insert(tx, n, at)))
            .await?;
    }
    db.close().await;
    Ok(())
}

fn insert(tx: &mut Tx, n: u64, at: Timestamp) -> Result<(), Error> {
    let body = story::event(n);
    let envelope = events::parse(body.as_bytes()).map_err(|error| Error::Bug(error.to_string()))?;
    let delivery = Delivery {
        last_error: None,
        id: InboxId::new(at, u128::from(n)),
        event_id: envelope.id,
        account: envelope.account.unwrap_or_default(),
        mode: Mode::Test,
        thin: false,
        event_type: envelope.type_,
        object_id: envelope.object_id,
        api_version: envelope.api_version,
        idempotency_key: envelope.idempotency_key,
        snapshot_event: envelope.snapshot_event,
        body,
        status: Status::Received,
    };
    inbox::insert(tx, &delivery, at).map(|_| ())
}

/// Waits until a server that was just started has applied all of it, and checks that it is right. Prints
/// how many it applied a second, from the first look on.
pub fn drain(database: &str, events: u64) -> Result<(), String> {
    let clock = SystemClock::default();
    let mut watch = Watch::open(database, Peer::PsaPay)?;
    let (began, at_first) = (clock.now(), watch.left()?);
    let deadline = began.plus_ms(ms(RUN_MAX));
    while watch.is_waiting()? {
        if clock.now() > deadline {
            return Err(format!("the backlog was not applied within {RUN_MAX:?}"));
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    let took_ms = since(began, clock.now());
    watch.check(events)?;
    println!("{}", per_second(at_first, took_ms));
    Ok(())
}
