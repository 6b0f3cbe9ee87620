//! The inbox of verified webhook deliveries: committed raw before Stripe gets its 200, applied by a worker
//! later. Not a tenant's table: which tenant an event belongs to is found out when it is applied.

pub mod shown;

use domain::{InboxId, Mode, TenantId, Timestamp};

use crate::db::{Error, Row, Sql, Tx, Value};
use crate::reconciliation_breaks::{self, Kind};
use crate::{binds, stripe_webhook_event_archive as archive, values};

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Stored, not yet applied.
    Received,
    /// Its effects, if any, are committed.
    Processed,
    /// Nothing to do: a type that psa-pay has no use for.
    Ignored,
    /// Older than what is known.
    Stale,
    /// About an object that is not ours.
    External,
    /// From an account that no tenant has.
    Orphan,
    /// Claims a mode that its secret does not cover. Never applied.
    Quarantined,
    /// Ahead of our own rows; tried again soon.
    Parked,
    /// Applying it went wrong; tried again with growing waits.
    Failed,
    /// Tried too often; a person must look.
    Dead,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 10] = [
        Status::Received,
        Status::Processed,
        Status::Ignored,
        Status::Stale,
        Status::External,
        Status::Orphan,
        Status::Quarantined,
        Status::Parked,
        Status::Failed,
        Status::Dead,
    ];

    /// The status as the database writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Received => "received",
            Status::Processed => "processed",
            Status::Ignored => "ignored",
            Status::Stale => "stale",
            Status::External => "external",
            Status::Orphan => "orphan",
            Status::Quarantined => "quarantined",
            Status::Parked => "parked",
            Status::Failed => "failed",
            Status::Dead => "dead",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// A delivery to be stored.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The row's id.
    pub id: InboxId,
    /// `evt_…`.
    pub event_id: String,
    /// The connected account, or empty for the platform's own events.
    pub account: String,
    /// The mode that the verified body names.
    pub mode: Mode,
    /// Whether it is a thin event.
    pub thin: bool,
    /// Stripe's name of the event type.
    pub event_type: String,
    /// The object that it is about.
    pub object_id: Option<String>,
    /// The API version of its body.
    pub api_version: Option<String>,
    /// The key of the request that caused it, if Stripe names one.
    pub idempotency_key: Option<String>,
    /// The snapshot that a thin event is the twin of (`evt_…`), if it says so.
    pub snapshot_event: Option<String>,
    /// The verified bytes.
    pub body: String,
    /// `Received`, or `Quarantined`.
    pub status: Status,
    /// Why it is no event, where it is none.
    pub last_error: Option<String>,
}

// It reads nothing: on PostgreSQL two that read where the other writes could not both commit.
const INSERT: Sql = Sql::new(
    "insert into stripe_webhook_events (id, event_id, stripe_account_id, livemode, kind, type, object_id,
       api_version, idempotency_key, snapshot_event, body, status, attempts, deliveries, next_attempt_at,
       created_at, last_error)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 1, $13, $14, $15)
     on conflict (livemode, stripe_account_id, event_id) do update set
       deliveries = stripe_webhook_events.deliveries + 1
     returning deliveries, source",
);

const INSERT_LISTED: Sql = Sql::new(
    "insert into stripe_webhook_events (id, event_id, stripe_account_id, livemode, kind, type, object_id,
       api_version, idempotency_key, snapshot_event, body, status, attempts, deliveries, next_attempt_at,
       created_at, last_error, source)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, $13, $14, $15, 'listed')
     on conflict (livemode, stripe_account_id, event_id) do nothing",
);

const RELEASE: Sql = Sql::new(
    "update stripe_webhook_events set
       status = 'received', kind = $4, type = $5, object_id = $6, api_version = $7, idempotency_key = $8,
       snapshot_event = $9, body = $10, next_attempt_at = $11
     where livemode = $1 and stripe_account_id = $2 and event_id = $3 and status = 'quarantined'",
);

/// Stores a delivery, or counts another one of the same event. Answers whether it is new. An event that
/// came under the wrong secret first is new when it comes under its own, and what it says then replaces
/// what was claimed. A snapshot and its thin twin are two events; both are applied.
pub fn insert(tx: &mut Tx, delivery: &Delivery, at: Timestamp) -> Result<bool, Error> {
    let row = tx.one(&INSERT, &values_of(delivery, at))?;
    if row.int("deliveries")? == 1 && row.text("source")? == "delivered" {
        return Ok(true);
    }
    release(tx, delivery, at)
}

/// Stores an event that was found in Stripe's list and that no webhook has brought. Answers whether it is
/// new: one that is known stays as it is, and one that is delivered afterwards is a duplicate.
pub fn insert_listed(tx: &mut Tx, listed: &Delivery, at: Timestamp) -> Result<bool, Error> {
    Ok(tx.execute(&INSERT_LISTED, &values_of(listed, at))? == 1 || release(tx, listed, at)?)
}

fn values_of(delivery: &Delivery, at: Timestamp) -> Vec<Value> {
    let next_attempt = match delivery.status {
        Status::Received => Some(at.ms()),
        _ => None,
    };
    binds![
        &delivery.id,
        &delivery.event_id,
        &delivery.account,
        delivery.mode,
        if delivery.thin { "thin" } else { "snapshot" },
        &delivery.event_type,
        delivery.object_id.clone(),
        delivery.api_version.clone(),
        delivery.idempotency_key.clone(),
        delivery.snapshot_event.clone(),
        &delivery.body,
        delivery.status.word(),
        next_attempt,
        at,
        delivery.last_error.clone()
    ]
    .to_vec()
}

/// What was quarantined is true after all.
fn release(tx: &mut Tx, delivery: &Delivery, at: Timestamp) -> Result<bool, Error> {
    if delivery.status != Status::Received {
        return Ok(false);
    }
    let binds = binds![
        delivery.mode,
        &delivery.account,
        &delivery.event_id,
        if delivery.thin { "thin" } else { "snapshot" },
        &delivery.event_type,
        delivery.object_id.clone(),
        delivery.api_version.clone(),
        delivery.idempotency_key.clone(),
        delivery.snapshot_event.clone(),
        &delivery.body,
        at
    ];
    if tx.execute(&RELEASE, binds)? == 0 {
        return Ok(false);
    }
    let subject = reconciliation_breaks::of_event(&delivery.account, &delivery.event_id);
    reconciliation_breaks::resolve_anybodys(tx, delivery.mode, Kind::Quarantined, &subject, at)?;
    Ok(true)
}

/// An event that a worker has taken up.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The row's id.
    pub id: InboxId,
    /// `evt_…`.
    pub event_id: String,
    /// The connected account, or empty.
    pub account: String,
    /// The mode.
    pub mode: Mode,
    /// The verified bytes.
    pub body: String,
    /// How often it was taken up, this time included.
    pub attempts: i64,
    /// Tries that failed or never came back, this one included until it is known better.
    pub failures: i64,
    /// How often it has waited for our own rows.
    pub parks: i64,
    /// Whether somebody had it tried again.
    pub replayed: bool,
}

const TAKE: Sql = Sql::per_engine(
    "update stripe_webhook_events set attempts = attempts + 1, failures = failures + 1, next_attempt_at = $2
     where id in (
       select id from stripe_webhook_events
       where next_attempt_at is not null and next_attempt_at <= $1
       order by next_attempt_at, id
       limit $3)
     returning id, event_id, stripe_account_id, livemode, body, attempts, failures, parks, replayed_at,
       archived_at",
    "update stripe_webhook_events set attempts = attempts + 1, failures = failures + 1, next_attempt_at = $2
     where id in (
       select id from stripe_webhook_events
       where next_attempt_at is not null and next_attempt_at <= $1
       order by next_attempt_at, id
       limit $3
       for update skip locked)
     returning id, event_id, stripe_account_id, livemode, body, attempts, failures, parks, replayed_at,
       archived_at",
);

/// Takes up due events until `lease_until`; after that anyone may take them again.
pub fn take(tx: &mut Tx, at: Timestamp, lease_until: Timestamp, limit: i64) -> Result<Vec<Taken>, Error> {
    let rows = tx.query(&TAKE, binds![at, lease_until, limit])?;
    let mut taken: Vec<Taken> = rows.iter().map(|row| read(tx, row)).collect::<Result<_, _>>()?;
    taken.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(taken)
}

fn read(tx: &mut Tx, row: &Row) -> Result<Taken, Error> {
    let id = InboxId::stored(row.text("id")?);
    let body = match row.int_opt("archived_at")? {
        Some(_) => archive::body(tx, &id)?.unwrap_or_default(),
        None => row.text("body")?,
    };
    Ok(Taken {
        id,
        event_id: row.text("event_id")?,
        account: row.text("stripe_account_id")?,
        mode: values::mode(row)?,
        body,
        attempts: row.int("attempts")?,
        failures: row.int("failures")?,
        parks: row.int("parks")?,
        replayed: row.int_opt("replayed_at")?.is_some(),
    })
}

/// What became of an event that was taken up.
#[derive(Clone, Debug)]
pub struct Fate<'a> {
    /// The row's id.
    pub id: &'a InboxId,
    /// The take that this result belongs to: a later one has overtaken it otherwise.
    pub attempts: i64,
    /// The new status.
    pub status: Status,
    /// The tenant it belongs to, where one is known; what was known before stays known.
    pub tenant: Option<&'a TenantId>,
    /// When to try again; none when it is done with.
    pub next_attempt_at: Option<Timestamp>,
    /// Why it failed or was parked.
    pub error: Option<&'a str>,
}

const FINISH: Sql = Sql::new(
    "update stripe_webhook_events set
       status = $3, tenant_id = coalesce($4, tenant_id), next_attempt_at = $5, last_error = $6,
       processed_at = $7, failures = failures - $8, parks = parks + $9
     where id = $1 and attempts = $2 and next_attempt_at is not null",
);

/// Stores what became of it; `false` when another worker has taken it up since, whose result then counts.
pub fn finish(tx: &mut Tx, result: &Fate, at: Timestamp) -> Result<bool, Error> {
    let done = result.next_attempt_at.is_none().then_some(at.ms());
    let has_failed = matches!(result.status, Status::Failed | Status::Dead);
    let binds = binds![
        result.id,
        result.attempts,
        result.status.word(),
        result.tenant.map(|tenant| tenant.as_str().to_owned()),
        result.next_attempt_at.map(Timestamp::ms),
        result.error.map(str::to_owned),
        done,
        i64::from(!has_failed),
        i64::from(result.status == Status::Parked)
    ];
    Ok(tx.execute(&FINISH, binds)? == 1)
}

const PUT_OFF: Sql = Sql::new(
    "update stripe_webhook_events set next_attempt_at = $3, attempts = attempts - 1, failures = failures - 1
     where id = $1 and attempts = $2 and next_attempt_at is not null",
);

/// Gives an event back untried until `at`, by the worker that holds it: that was no attempt.
pub fn put_off(tx: &mut Tx, id: &InboxId, attempts: i64, at: Timestamp) -> Result<(), Error> {
    tx.execute(&PUT_OFF, binds![id, attempts, at])?;
    Ok(())
}

const HURRY: Sql = Sql::new(
    "update stripe_webhook_events set next_attempt_at = $3
     where next_attempt_at > $4 and livemode = $1 and stripe_account_id = $2",
);

/// Has events of an account that wait until after `later` applied at `now`. What a worker holds is due
/// before.
pub fn hurry(tx: &mut Tx, mode: Mode, account: &str, now: Timestamp, later: Timestamp) -> Result<u64, Error> {
    tx.execute(&HURRY, binds![mode, account, now, later])
}

const LISTED_WAITING: Sql = Sql::new(
    "select count(*) as n from stripe_webhook_events
     where next_attempt_at is not null and livemode = $1 and stripe_account_id = $2 and source = 'listed'",
);

/// How many events of an account were found in Stripe's list and are not applied yet.
pub fn listed_waiting(tx: &mut Tx, mode: Mode, account: &str) -> Result<i64, Error> {
    tx.one(&LISTED_WAITING, binds![mode, account])?.int("n")
}

const STATUS_OF: Sql = Sql::new(
    "select status from stripe_webhook_events
     where livemode = $1 and stripe_account_id = $2 and event_id = $3",
);

/// Where an event stands, if it is there.
pub fn status_of(tx: &mut Tx, mode: Mode, account: &str, event_id: &str) -> Result<Option<Status>, Error> {
    let row = tx.optional(&STATUS_OF, binds![mode, account, event_id])?;
    row.map(|row| values::word(&row, "status", Status::from_word))
        .transpose()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &INSERT,
    &INSERT_LISTED,
    &RELEASE,
    &TAKE,
    &FINISH,
    &PUT_OFF,
    &HURRY,
    &LISTED_WAITING,
    &STATUS_OF,
];
