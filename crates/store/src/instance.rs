//! The one row that says which database this is, and whether live mode is locked because it is a copy.

use domain::{Mode, Timestamp};

use crate::db::{Error, Sql, Tx};
use crate::{binds, values};

/// The row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// What also stands beside the database.
    pub token: String,
    /// Which file, or which database of which server.
    pub place: String,
    /// Under which origin of `PUBLIC_URL` it was used; empty before that was kept.
    pub origin: String,
    /// The lock, if there is one.
    pub locked: Option<Locked>,
}

/// Why nothing in live mode moves money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Since when.
    pub at: Timestamp,
    /// Why, as a sentence.
    pub because: String,
    /// From when on everything is to be read again at Stripe.
    pub reconcile_since: Timestamp,
    /// When that was done since.
    pub reconciled_at: Option<Timestamp>,
}

const GET: Sql = Sql::new(
    "select token, place, public_origin, live_locked_at, live_locked_because, reconcile_since, reconciled_at
     from instance",
);

const PUT: Sql = Sql::new(
    "insert into instance (only_one, token, place, public_origin, live_locked_at, live_locked_because,
       reconcile_since, reconciled_at, created_at, updated_at)
     values (1, $1, $2, $3, $4, $5, $6, $7, $8, $8)
     on conflict (only_one) do update set
       token = excluded.token,
       place = excluded.place,
       public_origin = excluded.public_origin,
       live_locked_at = excluded.live_locked_at,
       live_locked_because = excluded.live_locked_because,
       reconcile_since = excluded.reconcile_since,
       reconciled_at = excluded.reconciled_at,
       updated_at = excluded.updated_at",
);

/// Being a copy locks; so do books that somebody changed and a file that is damaged, until a person has
/// looked.
const IS_LOCKED: Sql = Sql::new(
    "select live_locked_at as since from instance where live_locked_at is not null
     union all
     select created_at as since from reconciliation_breaks
     where livemode = $1 and kind in ('seal_broken', 'database_damaged') and resolved_at is null
     limit 1",
);

const UNSOUND: Sql = Sql::new(
    "select kind, subject_id, detail from reconciliation_breaks
     where livemode = $1 and kind in ('seal_broken', 'database_damaged') and resolved_at is null
     order by id
     limit 1",
);

const HAS_TENANTS: Sql = Sql::new("select id from tenants limit 1");

/// The newest thing that Stripe told here: whatever is newer at Stripe was lost. What people did is no
/// measure: a command may have written since the copy was made. Without any event, since there is anything.
const NEWEST: Sql = Sql::new(
    "select coalesce(max(e.created_at), (select min(t.created_at) from tenants t)) as at
     from stripe_webhook_events e",
);

const PLACE: Sql = Sql::per_engine(
    "select '' as place",
    "select concat(c.system_identifier, ':', d.oid) as place
     from pg_control_system() c, pg_database d
     where d.datname = current_database()",
);

const CANCEL_MAILS: Sql = Sql::new(
    "update mails set status = 'cancelled', next_attempt_at = null, last_error = $1, version = version + 1,
       updated_at = $2
     where livemode = $3 and status in ('queued', 'sending') and created_at <= $4
       and kind not in ('invitation', 'reset', 'login_changed')",
);

const UNABLE: Sql = Sql::new(
    "select count(*) as n from stripe_config c join tenants t on t.id = c.tenant_id
     where c.livemode = $1 and c.disconnected_at is null and t.status = 'active'
       and (c.charges_enabled = 0 or c.card_payments_active = 0)",
);

/// The row, once the server has started on this database.
pub fn get(tx: &mut Tx) -> Result<Option<Instance>, Error> {
    let Some(row) = tx.query(&GET, &[])?.into_iter().next() else {
        return Ok(None);
    };
    let locked = match values::time_opt(&row, "live_locked_at")? {
        None => None,
        Some(at) => Some(Locked {
            at,
            because: row.text_opt("live_locked_because")?.unwrap_or_default(),
            reconcile_since: values::time_opt(&row, "reconcile_since")?.unwrap_or(at),
            reconciled_at: values::time_opt(&row, "reconciled_at")?,
        }),
    };
    Ok(Some(Instance {
        token: row.text("token")?,
        place: row.text("place")?,
        origin: row.text("public_origin")?,
        locked,
    }))
}

/// Writes the row.
pub fn put(tx: &mut Tx, instance: &Instance, at: Timestamp) -> Result<(), Error> {
    let locked = instance.locked.as_ref();
    let binds = binds![
        &instance.token,
        &instance.place,
        &instance.origin,
        locked.map(|locked| locked.at),
        locked.map(|locked| locked.because.clone()),
        locked.map(|locked| locked.reconcile_since),
        locked.and_then(|locked| locked.reconciled_at),
        at,
    ];
    tx.execute(&PUT, binds)?;
    Ok(())
}

/// Whether nothing in this mode moves money.
pub fn is_locked(tx: &mut Tx, mode: Mode) -> Result<bool, Error> {
    Ok(mode.is_live() && !tx.query(&IS_LOCKED, binds![mode])?.is_empty())
}

/// Why nothing in live mode moves money, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The database is a copy: a reconciliation opens it.
    Copy(Locked),
    /// The books or the file are not as they were written, in words: dealing with the breaks opens it.
    Unsound(String),
}

impl Lock {
    /// Why, as a sentence.
    pub fn because(&self) -> &str {
        match self {
            Lock::Copy(locked) => &locked.because,
            Lock::Unsound(because) => because,
        }
    }
}

/// The lock, if there is one.
pub fn lock(tx: &mut Tx) -> Result<Option<Lock>, Error> {
    if let Some(locked) = get(tx)?.and_then(|instance| instance.locked) {
        return Ok(Some(Lock::Copy(locked)));
    }
    let Some(row) = tx.optional(&UNSOUND, binds![Mode::Live])? else {
        return Ok(None);
    };
    let (kind, subject, detail) = (row.text("kind")?, row.text("subject_id")?, row.text("detail")?);
    Ok(Some(Lock::Unsound(format!("{kind} {subject}: {detail}"))))
}

/// Whether anybody works with this database: an empty one is nobody's copy.
pub fn is_in_use(tx: &mut Tx) -> Result<bool, Error> {
    Ok(!tx.query(&HAS_TENANTS, &[])?.is_empty())
}

/// When the newest thing happened that is known here.
pub fn newest(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    values::time_opt(&tx.one(&NEWEST, &[])?, "at")
}

/// Which database this is, as its server tells; nothing for a file, which does not know its own name.
pub fn place(tx: &mut Tx) -> Result<String, Error> {
    tx.one(&PLACE, &[])?.text("place")
}

/// Cancels a mode's mails that were queued until a moment and wait, but for those by which people log in;
/// answers how many.
pub fn cancel_mails(
    tx: &mut Tx,
    mode: Mode,
    why: &str,
    queued_until: Timestamp,
    at: Timestamp,
) -> Result<u64, Error> {
    tx.execute(&CANCEL_MAILS, binds![why, at, mode, queued_until])
}

/// Tenants whose connected account cannot charge.
pub fn unable_to_charge(tx: &mut Tx, mode: Mode) -> Result<i64, Error> {
    tx.one(&UNABLE, binds![mode])?.int("n")
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &GET,
    &PUT,
    &IS_LOCKED,
    &UNSOUND,
    &HAS_TENANTS,
    &NEWEST,
    &PLACE,
    &CANCEL_MAILS,
    &UNABLE,
];
