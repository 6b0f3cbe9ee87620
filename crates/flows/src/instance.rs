//! Whether this database is the one that was here at the last start. A copy (restored from a backup, or
//! cloned for a trial) knows less than Stripe, so in live mode it moves no money until everything since was
//! read again.

use domain::{Mode, Refusal, Scope, Timestamp};
use serde_json::json;
use store::instance::{self as rows, Instance, Lock, Locked};
use store::{Db, Tx};

use crate::audit::{self, Entry};
use crate::mails::PERHAPS_MAILED;
use crate::reconcile::Order;
use crate::reminders;
use crate::{Actor, App, By, Failure};

/// What stands beside the database, or in its server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// Tokens that may be the database's; empty where there is no marker.
    pub tokens: Vec<String>,
    /// Which file, or which database of which server; empty where the server does not say.
    pub place: String,
    /// Under which origin of `PUBLIC_URL` it is used; empty where nobody says.
    pub origin: String,
    /// Whether the tokens were written at a first start, when neither the database nor a file had one: that
    /// start may have been cut off before the database got its own.
    pub first_start: bool,
}

/// What is to be read again for a copy to know what Stripe knows: from a day before its newest row on,
/// because what Stripe did then may have been told later.
const BEFORE_NEWEST_MS: i64 = 24 * 60 * 60 * 1000;

/// Why a database is a copy; none where it is the one that was here.
pub fn judge(known: Option<&Instance>, in_use: bool, marker: &Marker) -> Option<&'static str> {
    let Some(known) = known else {
        // From before there were markers, or new; where a marker stands beside it, it is an older one.
        let older = !marker.tokens.is_empty() && !marker.first_start;
        return (in_use && older).then_some(RESTORED);
    };
    if known.place != marker.place {
        // It has said so once: what does not say it may be anything.
        return Some(if marker.place.is_empty() { SILENT } else { MOVED });
    }
    if known.origin != marker.origin && !known.origin.is_empty() && !marker.origin.is_empty() {
        return Some(ELSEWHERE);
    }
    match marker.tokens.as_slice() {
        // A server's database has no file beside it.
        [] if known.token.is_empty() => None,
        [] => Some(MOVED),
        tokens if tokens.contains(&known.token) => None,
        _ => Some(RESTORED),
    }
}

const RESTORED: &str = "the database is not the one of the last start: it was restored from a backup";
const MOVED: &str = "the database was copied or moved: it is not where it was at the last start";
const ELSEWHERE: &str = "the database was used under another PUBLIC_URL at the last start: it may be a copy";
const SILENT: &str = "the database's server does not say which database it is, as it did at the last start: \
                      it may be a copy";

/// Takes the database for this installation: gives it the new token, which the caller has written beside
/// it, and locks live mode if it is a copy. Answers the lock, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn claim(app: &App, marker: &Marker, token: &str) -> Result<Option<Locked>, Failure> {
    let (marker, token, moment) = (marker.clone(), token.to_owned(), app.moment());
    let claimed = app.db.write(move |tx| {
        let known = rows::get(tx)?;
        let why = judge(known.as_ref(), rows::is_in_use(tx)?, &marker);
        // What has fallen silent is compared with what it said before, at every start.
        let place = match (&known, marker.place.as_str()) {
            (Some(known), "") => known.place.clone(),
            (_, place) => place.to_owned(),
        };
        let origin = match (&known, marker.origin.as_str()) {
            (Some(known), "") => known.origin.clone(),
            (_, origin) => origin.to_owned(),
        };
        let mut locked = known.and_then(|known| known.locked);
        if let Some(because) = why {
            let newest = rows::newest(tx)?.unwrap_or(moment.at);
            let since = newest.plus_ms(-BEFORE_NEWEST_MS);
            let earlier = locked.map_or(since, |locked| locked.reconcile_since.min(since));
            locked = Some(Locked {
                at: moment.at,
                because: because.to_owned(),
                reconcile_since: earlier,
                reconciled_at: None,
            });
            note(tx, moment, &By::new(Actor::CommandLine), "live.locked", because)?;
        }
        let instance = Instance {
            token: token.clone(),
            place,
            origin,
            locked: locked.clone(),
        };
        rows::put(tx, &instance, moment.at)?;
        Ok::<_, Failure>(locked)
    });
    claimed.await
}

/// Which database of which server this is; empty for a file, or where the server does not say.
pub async fn place(db: &Db) -> String {
    let said = db.read(rows::place).await;
    said.unwrap_or_else(|error| {
        tracing::warn!(%error, "the database's server does not say which database this is");
        String::new()
    })
}

/// The lock, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn lock(app: &App) -> Result<Option<Lock>, Failure> {
    Ok(app.db.read(rows::lock).await?)
}

/// Refuses what would change an invoice of live mode while that is locked: a copy does not know what its
/// original, or a payer, did to it meanwhile.
pub(crate) fn refuse_locked(tx: &mut Tx, scope: &Scope) -> Result<(), Failure> {
    match rows::is_locked(tx, scope.mode)? {
        true => Err(Refusal::LiveLocked.into()),
        false => Ok(()),
    }
}

/// What a reconciliation means for the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// Live mode was not locked.
    NotLocked,
    /// It was not all of it: one account, one mode, or since a later moment than this.
    NotAll(Timestamp),
    /// All was read, but breaks are open, which a person looks at.
    WithBreaks,
    /// Live mode is open; so many mails of before were cancelled.
    Unlocked(u64),
}

/// Everything of an order was read to its end. Without open breaks live mode is opened.
///
/// # Errors
/// When the database fails.
pub async fn reconciled(app: &App, by: &By, order: &Order, breaks: i64) -> Result<Reconciled, Failure> {
    pass_reminders_over(app).await?;
    let (moment, by, order) = (app.moment(), by.clone(), order.clone());
    let done = app.db.write(move |tx| {
        let Some(mut instance) = rows::get(tx)? else {
            return Ok(Reconciled::NotLocked);
        };
        let Some(mut locked) = instance.locked.take() else {
            return Ok(Reconciled::NotLocked);
        };
        let all = order.account.is_none() && order.mode.is_none_or(Mode::is_live);
        if !all || order.since > locked.reconcile_since {
            return Ok(Reconciled::NotAll(locked.reconcile_since));
        }
        if breaks > 0 {
            locked.reconciled_at = Some(moment.at);
            instance.locked = Some(locked);
            rows::put(tx, &instance, moment.at)?;
            return Ok(Reconciled::WithBreaks);
        }
        rows::put(tx, &instance, moment.at)?;
        note(tx, moment, &by, "live.unlocked", "everything was read again")?;
        Ok::<_, Failure>(Reconciled::Unlocked(cancel(tx, locked.at, moment.at)?))
    });
    done.await
}

/// Why live mode is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is open; so many mails of before were cancelled.
    Now(u64),
    /// It was not locked.
    Before,
    /// Nothing was reconciled since it was locked: everything since then has to be read again first.
    NotReconciled(Timestamp),
}

/// Opens live mode although breaks are open, after a reconciliation.
///
/// # Errors
/// When the database fails.
pub async fn unlock(app: &App, by: &By, because: &str) -> Result<Opened, Failure> {
    pass_reminders_over(app).await?;
    let (moment, by, because) = (app.moment(), by.clone(), because.to_owned());
    let done = app.db.write(move |tx| {
        let Some(mut instance) = rows::get(tx)? else {
            return Ok(Opened::Before);
        };
        let Some(locked) = instance.locked.take() else {
            return Ok(Opened::Before);
        };
        if locked.reconciled_at.is_none() {
            return Ok(Opened::NotReconciled(locked.reconcile_since));
        }
        rows::put(tx, &instance, moment.at)?;
        note(tx, moment, &by, "live.unlocked", &because)?;
        Ok::<_, Failure>(Opened::Now(cancel(tx, locked.at, moment.at)?))
    });
    done.await
}

/// In a copy, what falls due until it is opened was perhaps reminded of by what it is a copy of.
async fn pass_reminders_over(app: &App) -> Result<(), Failure> {
    match lock(app).await? {
        Some(Lock::Copy(_)) => reminders::pass_over(app).await,
        Some(Lock::Unsound(_)) | None => Ok(()),
    }
}

/// What waited to be mailed when live mode was locked may have been mailed before, by what this is a copy of.
/// What people had sent since then is sent.
fn cancel(tx: &mut Tx, locked_at: Timestamp, at: Timestamp) -> Result<u64, Failure> {
    Ok(rows::cancel_mails(tx, Mode::Live, PERHAPS_MAILED, locked_at, at)?)
}

fn note(tx: &mut Tx, moment: crate::Moment, by: &By, action: &'static str, why: &str) -> Result<(), Failure> {
    let entry = Entry {
        action,
        subject: "server",
        before: None,
        after: Some(json!({ "because": why }).to_string()),
    };
    Ok(audit::note(tx, None, by, moment, &entry)?)
}
