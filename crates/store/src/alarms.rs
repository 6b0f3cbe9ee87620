//! What the operator is told of by mail: the causes that are known, and what of all tenants' rows is one.
//! Each statement reads rows that are few on a healthy day, or of a short time, through an index.

use domain::alarm::Known;
use domain::mail::MailKind;
use domain::{Mode, TenantId, Timestamp};

use crate::db::{Error, Sql, Tx};
use crate::{binds, values};

/// A cause that is known: the kind of its mail, which of its things, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The kind of its mail.
    pub kind: MailKind,
    /// Which mode, or which tenant.
    pub about: String,
    /// Since when, and when it was seen last.
    pub known: Known,
}

const EVERY: Sql =
    Sql::new("select kind, about, since_at, seen_at from alarms order by kind, about limit 1000");

/// Every cause that is known.
pub fn all(tx: &mut Tx) -> Result<Vec<Alarm>, Error> {
    let rows = tx.query(&EVERY, &[])?;
    let mut alarms = Vec::with_capacity(rows.len());
    for row in rows {
        // A kind of a newer version is that version's to tell of.
        if let Some(kind) = MailKind::parse(&row.text("kind")?) {
            alarms.push(Alarm {
                kind,
                about: row.text("about")?,
                known: Known {
                    since: values::time(&row, "since_at")?,
                    seen_at: values::time(&row, "seen_at")?,
                },
            });
        }
    }
    Ok(alarms)
}

const PUT: Sql = Sql::new(
    "insert into alarms (kind, about, since_at, seen_at, created_at) values ($1, $2, $3, $4, $4)
     on conflict (kind, about) do update set since_at = excluded.since_at, seen_at = excluded.seen_at",
);

/// A cause is there.
pub fn put(tx: &mut Tx, alarm: &Alarm) -> Result<(), Error> {
    let Known { since, seen_at } = alarm.known;
    tx.execute(&PUT, binds![alarm.kind.word(), &alarm.about, since, seen_at])?;
    Ok(())
}

const REMOVE: Sql = Sql::new("delete from alarms where kind = $1 and about = $2");

/// A cause is over.
pub fn remove(tx: &mut Tx, kind: MailKind, about: &str) -> Result<(), Error> {
    tx.execute(&REMOVE, binds![kind.word(), about])?;
    Ok(())
}

/// Open differences of one kind in one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldBreaks {
    /// The mode.
    pub mode: Mode,
    /// The word of the kind.
    pub kind: String,
    /// How many there are.
    pub rows: i64,
}

const OLD_BREAKS: Sql = Sql::new(
    "select livemode, kind, count(*) as found
     from reconciliation_breaks
     where resolved_at is null and created_at <= $1
     group by livemode, kind
     order by livemode, kind",
);

/// Differences that have been open since before a moment, by mode and kind.
pub fn old_breaks(tx: &mut Tx, before: Timestamp) -> Result<Vec<OldBreaks>, Error> {
    let rows = tx.query(&OLD_BREAKS, binds![before])?;
    let read = rows.iter().map(|row| {
        Ok(OldBreaks {
            mode: values::mode(row)?,
            kind: row.text("kind")?,
            rows: row.int("found")?,
        })
    });
    read.collect()
}

/// A tenant whose payouts do not reach its bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingPayouts {
    /// The tenant.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// The mode.
    pub mode: Mode,
    /// How many failed since the last one that arrived.
    pub rows: i64,
}

const FAILING_PAYOUTS: Sql = Sql::new(
    "select b.livemode, b.tenant_id, t.name, count(*) as found, min(b.created_at) as oldest
     from reconciliation_breaks b join tenants t on t.id = b.tenant_id
     where b.resolved_at is null and b.kind = 'payout_failed'
     group by b.livemode, b.tenant_id, t.name
     order by oldest, b.tenant_id
     limit $1",
);

/// Tenants whose payouts failed and of which none has arrived since, those that wait longest first.
pub fn failing_payouts(tx: &mut Tx, limit: i64) -> Result<Vec<FailingPayouts>, Error> {
    let rows = tx.query(&FAILING_PAYOUTS, binds![limit])?;
    let read = rows.iter().map(|row| {
        Ok(FailingPayouts {
            tenant: TenantId::stored(row.text("tenant_id")?),
            name: row.text("name")?,
            mode: values::mode(row)?,
            rows: row.int("found")?,
        })
    });
    read.collect()
}

const DEAD_EVENT: Sql = Sql::new(
    "select last_error
     from stripe_webhook_events
     where status = 'dead' and livemode = $1
     order by created_at
     limit 1",
);

/// Why the oldest event of a mode was given up.
pub fn why_dead(tx: &mut Tx, mode: Mode) -> Result<Option<String>, Error> {
    match tx.optional(&DEAD_EVENT, binds![mode])? {
        Some(row) => row.text_opt("last_error"),
        None => Ok(None),
    }
}

const NEWEST_DELIVERY: Sql = Sql::new(
    "select created_at
     from stripe_webhook_events
     where livemode = $1 and source = 'delivered' and created_at > $2
     order by created_at desc
     limit 1",
);

/// When the newest webhook of a mode came, if one did since a moment.
pub fn newest_delivery(tx: &mut Tx, mode: Mode, since: Timestamp) -> Result<Option<Timestamp>, Error> {
    let row = tx.optional(&NEWEST_DELIVERY, binds![mode, since])?;
    row.map(|row| values::time(&row, "created_at")).transpose()
}

const PAID_SINCE: Sql = Sql::new(
    "select id
     from payments
     where livemode = $1 and created_at > $2 and succeeded_at > $3 and succeeded_at <= $4
     limit 1",
);

/// Whether a payment that was begun since `begun` has succeeded after one moment and until another.
pub fn is_paid_since(
    tx: &mut Tx,
    mode: Mode,
    begun: Timestamp,
    [after, until]: [Timestamp; 2],
) -> Result<bool, Error> {
    let row = tx.optional(&PAID_SINCE, binds![mode, begun, after, until])?;
    Ok(row.is_some())
}

const IN_USE_SINCE: Sql = Sql::new("select min(created_at) as at from tenants");

/// When the first tenant was added.
pub fn in_use_since(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    values::time_opt(&tx.one(&IN_USE_SINCE, &[])?, "at")
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &EVERY,
    &PUT,
    &REMOVE,
    &OLD_BREAKS,
    &FAILING_PAYOUTS,
    &DEAD_EVENT,
    &NEWEST_DELIVERY,
    &PAID_SINCE,
    &IN_USE_SINCE,
];
