//! What waits in the database, read when it is asked for: every instance tells the same, so that the operator
//! takes the greatest, not the sum. While the database does not answer, that is told, and what needs none.

use std::time::Duration;

use domain::Timestamp;
use flows::{Failure, instance as copies};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use store::backlog::{self, Group};

use super::PREFIX;
use crate::clock_skew::Offset;
use crate::router::Site;
use crate::{disk, health, instance};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStatus {
    mode: &'static str,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    mode: &'static str,
    kind: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAge {
    mode: &'static str,
    kind: String,
    age: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMode {
    mode: &'static str,
}

/// All that is counted in one reading transaction.
struct Counts {
    waiting: Vec<Group>,
    stuck: Vec<Group>,
    open: Vec<Group>,
    settled: Vec<Group>,
    breaks: Vec<Group>,
    payments: Vec<Group>,
    mails: (i64, Option<Timestamp>),
}

/// Prometheus waits ten seconds for all of it, unless it is told otherwise.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Reads the numbers and registers them.
pub async fn registry(site: &Site) -> Registry {
    let now = site.app.clock.now();
    let read = tokio::time::timeout(READ_WITHIN, read(site, now));
    let (read, up) = tokio::join!(read, health::takes_writes(site));
    let mut registry = Registry::with_prefix(PREFIX);
    match read {
        Ok(Ok((counts, locked))) => {
            events(&mut registry, &counts, now);
            operations(&mut registry, &counts, now);
            breaks(&mut registry, &counts, now);
            mails(&mut registry, &counts, now);
            let help = "1 while live mode is locked: no live money moves until somebody has looked";
            registry.register("live_locked", help, gauge(i64::from(locked)));
        }
        Ok(Err(failure)) => tracing::error!(%failure, "what waits is not in the metrics"),
        Err(_) => tracing::error!("what waits is not in the metrics: the database does not answer"),
    }
    database(&mut registry, site, up);
    clock(&mut registry, site);
    disk(&mut registry, site);
    registry
}

/// What the database says, and whether live mode is locked.
async fn read(site: &Site, now: Timestamp) -> Result<(Counts, bool), Failure> {
    let (hour, day) = (now.plus_ms(-HOUR_MS), now.plus_ms(-DAY_MS));
    let counts = site.app.db.read(move |tx| {
        Ok::<_, store::Error>(Counts {
            waiting: backlog::events_waiting(tx)?,
            stuck: backlog::events_stuck(tx)?,
            open: backlog::operations_open(tx)?,
            settled: backlog::operations_settled(tx, day)?,
            breaks: backlog::breaks_open(tx, hour, day)?,
            payments: backlog::payments_due(tx, now)?,
            mails: store::mails::waiting(tx)?,
        })
    });
    let counts = counts.await?;
    Ok((counts, copies::lock(&site.app).await?.is_some()))
}

fn gauge(value: i64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(value);
    gauge
}

fn events(registry: &mut Registry, counts: &Counts, now: Timestamp) {
    let (stored, age) = (Family::<OfStatus, Gauge>::default(), ages(&counts.waiting, now));
    for group in counts.waiting.iter().chain(&counts.stuck) {
        let status = group.state.clone();
        let mode = group.mode.word();
        stored.get_or_create(&OfStatus { mode, status }).set(group.rows);
    }
    let help = "Stored events that are to be applied, or that a person must look at";
    registry.register("events", help, stored);
    let help = "Age of the oldest stored event that is not applied";
    registry.register_with_unit("oldest_unprocessed_event_age", help, Unit::Seconds, age);
    let due = Family::<OfMode, Gauge>::default();
    for mode in MODES {
        let of_mode = counts.payments.iter().find(|group| group.mode.word() == mode);
        due.get_or_create(&OfMode { mode })
            .set(of_mode.map_or(0, |group| group.rows));
    }
    registry.register("payments_due", "Payments that are to be read again by now", due);
}

fn operations(registry: &mut Registry, counts: &Counts, now: Timestamp) {
    let family = |groups: &[Group]| {
        let family = Family::<OfKind, Gauge>::default();
        for group in groups {
            let label = OfKind {
                mode: group.mode.word(),
                kind: group.kind.clone(),
                outcome: group.state.clone(),
            };
            family.get_or_create(&label).set(group.rows);
        }
        family
    };
    let help = "Writes to Stripe without a definite outcome";
    registry.register("operations_open", help, family(&counts.open));
    let help = "Writes to Stripe whose outcome became known within the last 24 hours";
    registry.register("operations_settled_24h", help, family(&counts.settled));
    let help = "Age of the oldest write to Stripe without a definite outcome";
    let age = ages(&counts.open, now);
    registry.register_with_unit("oldest_open_operation_age", help, Unit::Seconds, age);
}

fn mails(registry: &mut Registry, counts: &Counts, now: Timestamp) {
    let (waiting, oldest_at) = counts.mails;
    registry.register(
        "mails_waiting",
        "Mails that are to be sent, now or later",
        gauge(waiting),
    );
    let age = oldest_at.map_or(0, |at| now.seconds().saturating_sub(at.seconds()).max(0));
    let help = "Age of the oldest mail that is to be sent";
    registry.register_with_unit("oldest_waiting_mail_age", help, Unit::Seconds, gauge(age));
}

fn breaks(registry: &mut Registry, counts: &Counts, now: Timestamp) {
    let open = Family::<OfAge, Gauge>::default();
    for group in &counts.breaks {
        let label = OfAge {
            mode: group.mode.word(),
            kind: group.kind.clone(),
            age: group.state.clone(),
        };
        open.get_or_create(&label).set(group.rows);
    }
    let help = "Open differences between our rows and Stripe's, by age";
    registry.register("breaks_open", help, open);
    let help = "Age of the oldest open difference";
    let age = ages(&counts.breaks, now);
    registry.register_with_unit("oldest_break_age", help, Unit::Seconds, age);
}

/// What this instance's connections have done, and what waits for them.
fn database(registry: &mut Registry, site: &Site, up: bool) {
    let help = "1 while the database takes writes, as /readyz looks";
    registry.register("database_up", help, gauge(i64::from(up)));
    let stats = site.app.db.stats();
    for (name, help, value) in [
        (
            "db_transactions",
            "Transactions that were started",
            stats.transactions,
        ),
        ("db_commits", "Commits of the database", stats.commits),
        (
            "db_retries",
            "Transactions that ran again after a conflict",
            stats.retries,
        ),
    ] {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    let waiting = Gauge::<i64>::default();
    waiting.set(i64::try_from(stats.waiting).unwrap_or(i64::MAX));
    let help = "Transactions that wait for a connection of this instance";
    registry.register("db_queue", help, waiting);
}

/// How far this clock was from the newest signed webhook that was refused for its time.
fn clock(registry: &mut Registry, site: &Site) {
    let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let skew = match site.clock_skew.offset() {
        None => 0,
        Some(Offset::Ahead(by_s)) => seconds(by_s),
        Some(Offset::Behind(by_s)) => -seconds(by_s),
    };
    let help = "How far this clock was ahead of the newest signed webhook, where that was over five minutes";
    registry.register_with_unit("clock_skew", help, Unit::Seconds, gauge(skew));
}

/// The room on the disk of SQLite's file; nothing where there is none.
fn disk(registry: &mut Registry, site: &Site) {
    let Some(room) = instance::sqlite_file(&site.config).and_then(|file| disk::room(&file)) else {
        return;
    };
    let bytes = |bytes: u64| gauge(i64::try_from(bytes).unwrap_or(i64::MAX));
    let help = "What is free of the disk that SQLite's file is on";
    registry.register_with_unit("disk_free", help, Unit::Bytes, bytes(room.free));
    let help = "The size of the disk that SQLite's file is on";
    registry.register_with_unit("disk_size", help, Unit::Bytes, bytes(room.size));
}

const MODES: [&str; 2] = ["test", "live"];

/// The age of the oldest of the groups in each mode, in whole seconds; zero where there is none.
fn ages(groups: &[Group], now: Timestamp) -> Family<OfMode, Gauge> {
    let family = Family::<OfMode, Gauge>::default();
    for mode in MODES {
        let of_mode = groups.iter().filter(|group| group.mode.word() == mode);
        let oldest = of_mode.map(|group| group.oldest.seconds()).min();
        let age = oldest.map_or(0, |oldest| now.seconds().saturating_sub(oldest).max(0));
        family.get_or_create(&OfMode { mode }).set(age);
    }
    family
}
