//! Stored events as people see them: a tenant its own, the operator everybody's; and sent on their way
//! again.

use domain::{InboxId, Mode, Scope, TenantId, Timestamp};

use super::Status;
use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// An event without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The row's id.
    pub id: InboxId,
    /// `evt_…`.
    pub event_id: String,
    /// The connected account, or empty for the platform's own events.
    pub account: String,
    /// The mode.
    pub mode: Mode,
    /// Whose it is, once that is known.
    pub tenant: Option<TenantId>,
    /// `snapshot` or `thin`.
    pub kind: String,
    /// Stripe's name of the event type.
    pub event_type: String,
    /// The object that it is about.
    pub object_id: Option<String>,
    /// The API version of its body.
    pub api_version: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// How often it was taken up.
    pub attempts: i64,
    /// Tries that failed since it came or was replayed; one more while it is being tried.
    pub failures: i64,
    /// How often Stripe has delivered it.
    pub deliveries: i64,
    /// Why it failed, was parked, or is nobody's.
    pub last_error: Option<String>,
    /// When it is tried next, if it is.
    pub next_attempt_at: Option<Timestamp>,
    /// When it came.
    pub created_at: Timestamp,
    /// When it was done with.
    pub processed_at: Option<Timestamp>,
    /// When somebody last had it tried again.
    pub replayed_at: Option<Timestamp>,
    /// When its body went to the archive.
    pub archived_at: Option<Timestamp>,
    /// The row of its twin of the other kind, if that came first.
    pub dup_of: Option<InboxId>,
    /// Whether no webhook has brought it: it was found in Stripe's list.
    pub was_listed: bool,
}

/// Which events are asked for, newest first.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only those of this tenant: where everybody's are read.
    pub tenant: Option<TenantId>,
    /// Only those of this mode: where both are read.
    pub mode: Option<Mode>,
    /// Only those about this object of Stripe's.
    pub object_id: Option<String>,
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this type.
    pub event_type: Option<String>,
    /// Only this `evt_…`.
    pub event_id: Option<String>,
    /// Only those of this connected account.
    pub account: Option<String>,
    /// Only those that came at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those that came before this moment.
    pub until: Option<Timestamp>,
    /// Only those older than this one.
    pub after: Option<InboxId>,
    /// At most so many.
    pub limit: i64,
}

/// Sorts behind every id.
const END: &str = "~";

impl Wanted {
    /// The ids between which they lie, both excluded: an id begins with the moment at which the event came.
    fn bounds(&self) -> (String, String) {
        let before = |at: Timestamp| InboxId::new(at.plus_ms(-1), u128::MAX).to_string();
        let from = self.since.map(before).unwrap_or_default();
        let until = self.until.map(|at| InboxId::new(at, 0).to_string());
        let after = self.after.as_ref().map(InboxId::to_string);
        let to = until.into_iter().chain(after).min();
        (from, to.unwrap_or_else(|| END.to_owned()))
    }

    fn is_of_trouble(&self) -> bool {
        match self.status {
            Some(Status::Failed | Status::Dead | Status::Orphan | Status::Quarantined | Status::Parked) => {
                true
            }
            Some(
                Status::Received | Status::Processed | Status::Ignored | Status::Stale | Status::External,
            )
            | None => false,
        }
    }
}

// Of a snapshot and its thin twin the second names the row of the first. Whoever looks asks for that, so that
// storing an event need not: the column of this name is of earlier versions.
macro_rules! twin {
    () => {
        "(select twin.id from stripe_webhook_events twin
          where twin.livemode = e.livemode and twin.stripe_account_id = e.stripe_account_id
            and twin.status <> 'quarantined' and twin.event_id <> e.event_id and twin.kind <> e.kind
            and (twin.event_id = coalesce(e.snapshot_event, e.event_id)
              or twin.snapshot_event = coalesce(e.snapshot_event, e.event_id))
            and (twin.created_at < e.created_at or twin.created_at = e.created_at and twin.id < e.id)
          order by twin.created_at, twin.id
          limit 1)"
    };
}

// A filter that is not asked for folds away when PostgreSQL plans with the values; its cast says what it is.
macro_rules! select_events {
    ($conditions:literal) => {
        Sql::new(concat!(
            "select id, event_id, stripe_account_id, livemode, tenant_id, kind, type, object_id, api_version,
               status, attempts, failures, deliveries, last_error, next_attempt_at, created_at, processed_at,
               replayed_at, archived_at, source, ",
            twin!(),
            " as dup_of
             from stripe_webhook_events e ",
            $conditions
        ))
    };
}

const PAGE: Sql = select_events!(
    "where tenant_id = $1 and livemode = $2 and id > $3 and id < $4
       and (cast($5 as text) is null or status = $5) and (cast($6 as text) is null or type = $6)
       and (cast($7 as text) is null or event_id = $7)
       and (cast($8 as text) is null or stripe_account_id = $8)
       and (cast($9 as text) is null or object_id = $9)
     order by id desc
     limit $10"
);

// The condition is that of an index, so that few among many are found at once.
const PAGE_OF_TROUBLE: Sql = select_events!(
    "where status in ('failed', 'dead', 'orphan', 'quarantined', 'parked')
       and tenant_id = $1 and livemode = $2 and id > $3 and id < $4
       and (cast($5 as text) is null or status = $5) and (cast($6 as text) is null or type = $6)
       and (cast($7 as text) is null or event_id = $7)
       and (cast($8 as text) is null or stripe_account_id = $8)
       and (cast($9 as text) is null or object_id = $9)
     order by id desc
     limit $10"
);

/// A tenant's events in one mode, newest first.
pub fn page(tx: &mut Tx, scope: &Scope, wanted: &Wanted) -> Result<Vec<Shown>, Error> {
    let sql = if wanted.is_of_trouble() {
        &PAGE_OF_TROUBLE
    } else {
        &PAGE
    };
    let (from, to) = wanted.bounds();
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &from,
        &to,
        wanted.status.map(Status::word).map(str::to_owned),
        wanted.event_type.clone(),
        wanted.event_id.clone(),
        wanted.account.clone(),
        wanted.object_id.clone(),
        wanted.limit
    ];
    tx.query(sql, binds)?.iter().map(read).collect()
}

// Each of the four begins with what its index is of; the rest is what all of them may be narrowed to.
macro_rules! select_of_all {
    ($first:literal) => {
        Sql::new(concat!(
            "select id, event_id, stripe_account_id, livemode, tenant_id, kind, type, object_id, api_version,
               status, attempts, failures, deliveries, last_error, next_attempt_at, created_at, processed_at,
               replayed_at, archived_at, source, ",
            twin!(),
            " as dup_of
             from stripe_webhook_events e ",
            $first,
            " and id > $1 and id < $2
               and (cast($3 as text) is null or status = $3) and (cast($4 as text) is null or type = $4)
               and (cast($5 as text) is null or stripe_account_id = $5)
               and (cast($6 as bigint) is null or livemode = $6)
               and (cast($7 as text) is null or event_id = $7)
               and (cast($8 as text) is null or object_id = $8)
             order by id desc
             limit $9"
        ))
    };
}

const PAGE_OF_ALL: Sql = select_of_all!("where id <> ''");
const PAGE_OF_ALL_TROUBLE: Sql =
    select_of_all!("where status in ('failed', 'dead', 'orphan', 'quarantined', 'parked')");
const ONE_OF_ALL: Sql = select_of_all!("where event_id = $7");
const OF_OBJECT: Sql = select_of_all!("where object_id = $8");

/// Everybody's events, newest first: for the platform's operator.
pub fn page_of_all(tx: &mut Tx, wanted: &Wanted) -> Result<Vec<Shown>, Error> {
    if let Some(tenant) = &wanted.tenant {
        return page_of_tenant(tx, tenant, wanted);
    }
    let (from, to) = wanted.bounds();
    let sql = match (&wanted.event_id, &wanted.object_id) {
        (Some(_), _) => &ONE_OF_ALL,
        (None, Some(_)) => &OF_OBJECT,
        (None, None) if wanted.is_of_trouble() => &PAGE_OF_ALL_TROUBLE,
        (None, None) => &PAGE_OF_ALL,
    };
    let binds = binds![
        &from,
        &to,
        wanted.status.map(Status::word).map(str::to_owned),
        wanted.event_type.clone(),
        wanted.account.clone(),
        wanted.mode,
        wanted.event_id.clone(),
        wanted.object_id.clone(),
        wanted.limit
    ];
    tx.query(sql, binds)?.iter().map(read).collect()
}

/// One tenant's, of one mode or of both.
fn page_of_tenant(tx: &mut Tx, tenant: &TenantId, wanted: &Wanted) -> Result<Vec<Shown>, Error> {
    let mut found = Vec::new();
    for mode in [Mode::Test, Mode::Live] {
        if wanted.mode.is_none_or(|only| only == mode) {
            let tenant = tenant.clone();
            found.extend(page(tx, &Scope { tenant, mode }, wanted)?);
        }
    }
    found.sort_by(|a, b| b.id.as_str().cmp(a.id.as_str()));
    found.truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
    Ok(found)
}

const TROUBLED: Sql = Sql::new(
    "select status, count(*) as events
     from (
       select status from stripe_webhook_events
       where status in ('failed', 'dead', 'orphan', 'quarantined', 'parked')
       order by id desc
       limit $1) as troubled
     group by status",
);

/// How many events of everybody stand in each state that somebody may have to look at, counting no further
/// than the newest so many of them together.
pub fn troubled(tx: &mut Tx, most: i64) -> Result<Vec<(Status, i64)>, Error> {
    let row = |row: &Row| {
        let status = values::word(row, "status", Status::from_word)?;
        Ok((status, row.int("events")?))
    };
    tx.query(&TROUBLED, binds![most])?.iter().map(row).collect()
}

const REPLAYED_AT: Sql = Sql::new(
    "select status, count(*) as events
     from stripe_webhook_events
     where replayed_at = $1
     group by status",
);

/// What became of the events that were sent on their way again together, at this moment.
pub fn replayed_at(tx: &mut Tx, at: Timestamp) -> Result<Vec<(Status, i64)>, Error> {
    let row = |row: &Row| {
        let status = values::word(row, "status", Status::from_word)?;
        Ok((status, row.int("events")?))
    };
    tx.query(&REPLAYED_AT, binds![at])?.iter().map(row).collect()
}

const GET: Sql = select_events!("where tenant_id = $1 and livemode = $2 and id = $3");

/// An event of a tenant and mode.
pub fn get(tx: &mut Tx, scope: &Scope, id: &InboxId) -> Result<Option<Shown>, Error> {
    let row = tx.optional(&GET, binds![&scope.tenant, scope.mode, id])?;
    row.as_ref().map(read).transpose()
}

const GET_ANYBODYS: Sql = select_events!("where id = $1");

/// An event, whosever it is: for the platform's operator.
pub fn get_anybodys(tx: &mut Tx, id: &InboxId) -> Result<Option<Shown>, Error> {
    let row = tx.optional(&GET_ANYBODYS, binds![id])?;
    row.as_ref().map(read).transpose()
}

const BODY: Sql = Sql::new("select body from stripe_webhook_events where id = $1");

/// The bytes as they were delivered (client secrets masked), wherever they stand; none when an operator has
/// deleted them from the archive.
pub fn body(tx: &mut Tx, event: &Shown) -> Result<Option<String>, Error> {
    match event.archived_at {
        Some(_) => crate::stripe_webhook_event_archive::body(tx, &event.id),
        None => Ok(Some(tx.one(&BODY, binds![&event.id])?.text("body")?)),
    }
}

const REPLAY: Sql = Sql::new(
    "update stripe_webhook_events set
       status = 'received', failures = 0, parks = 0, next_attempt_at = $3, replayed_at = $3,
       processed_at = null, last_error = null
     where id = $1 and status = $2",
);

/// Sends an event on its way again that was seen to stand so; `false` when it has moved since. A worker
/// that holds it meanwhile is overtaken.
pub fn replay(tx: &mut Tx, event: &Shown, at: Timestamp) -> Result<bool, Error> {
    Ok(tx.execute(&REPLAY, binds![&event.id, event.status.word(), at])? == 1)
}

const ORPHANS: Sql = Sql::new(
    "update stripe_webhook_events set
       status = 'received', failures = 0, parks = 0, next_attempt_at = $3, processed_at = null
     where id in (
       select id from stripe_webhook_events
       where status in ('failed', 'dead', 'orphan', 'quarantined', 'parked')
         and status = 'orphan' and stripe_account_id = $1 and livemode = $2
       order by id
       limit $4)",
);

/// Sends the events of an account on their way that nobody had when they came. Answers how many.
pub fn adopt(tx: &mut Tx, account: &str, mode: Mode, at: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(&ORPHANS, binds![account, mode, at, limit])
}

const AGAIN: Sql = Sql::new(
    "update stripe_webhook_events set
       status = 'received', failures = 0, parks = 0, next_attempt_at = $5, processed_at = null,
       last_error = null
     where tenant_id = $1 and livemode = $2 and stripe_account_id = $3
       and status = 'processed' and last_error = $4 and archived_at is null",
);

/// Sends the events of a tenant's account on their way again that ended for this reason.
pub fn again(tx: &mut Tx, scope: &Scope, account: &str, why: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(&AGAIN, binds![&scope.tenant, scope.mode, account, why, at])?;
    Ok(())
}

fn read(row: &Row) -> Result<Shown, Error> {
    Ok(Shown {
        id: InboxId::stored(row.text("id")?),
        event_id: row.text("event_id")?,
        account: row.text("stripe_account_id")?,
        mode: values::mode(row)?,
        tenant: row.text_opt("tenant_id")?.map(TenantId::stored),
        kind: row.text("kind")?,
        event_type: row.text("type")?,
        object_id: row.text_opt("object_id")?,
        api_version: row.text_opt("api_version")?,
        status: values::word(row, "status", Status::from_word)?,
        attempts: row.int("attempts")?,
        failures: row.int("failures")?,
        deliveries: row.int("deliveries")?,
        last_error: row.text_opt("last_error")?,
        next_attempt_at: values::time_opt(row, "next_attempt_at")?,
        created_at: values::time(row, "created_at")?,
        processed_at: values::time_opt(row, "processed_at")?,
        replayed_at: values::time_opt(row, "replayed_at")?,
        archived_at: values::time_opt(row, "archived_at")?,
        dup_of: row.text_opt("dup_of")?.map(InboxId::stored),
        was_listed: row.text("source")? == "listed",
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &PAGE,
    &PAGE_OF_TROUBLE,
    &PAGE_OF_ALL,
    &PAGE_OF_ALL_TROUBLE,
    &ONE_OF_ALL,
    &OF_OBJECT,
    &TROUBLED,
    &REPLAYED_AT,
    &GET,
    &GET_ANYBODYS,
    &BODY,
    &REPLAY,
    &ORPHANS,
    &AGAIN,
];
