//! What the operator is told of by mail: looked for again and again, told once to each operator who chose to
//! hear of it, and forgotten when it is over.

use domain::alarm::{self, BACKUP_OLD_MS, BREAK_OLD_MS, Known, Look, WEBHOOKS_LATE_MS};
use domain::mail::MailKind;
use domain::seal::Day;
use domain::{MailAddress, Mode, Role, TenantId, Timestamp};
use store::alarms::{self as rows, Alarm};
use store::instance::{self, Lock};
use store::users::{self, User};
use store::{Tx, backlog};

use crate::mails::words::operators::{self, What};
use crate::mails::{self, NewMail, Recipient};
use crate::{App, Failure, Moment};

/// Tenants whose payouts fail that are told of one by one; a thousand at once are no news of a tenant's.
const PAYOUTS_MAX: i64 = 20;
/// Payments of so long ago are no sign that webhooks should come.
const RECENT_MS: i64 = 24 * 60 * 60 * 1000;
/// What told us of a payment may itself have been the last of its webhooks.
const TOLD_BY_MS: i64 = 10 * 60 * 1000;

/// What only the caller knows, because it is in no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// By how much the clock is off, as a true signature says.
    pub clock: Option<String>,
    /// What is wrong with the endpoints at Stripe, by mode; modes in which nothing is, or of which Stripe
    /// said nothing, are not there.
    pub endpoints: Vec<(Mode, Vec<String>)>,
    /// Backups of the database's file, where there is one and backups are due.
    pub backup: Backup,
    /// How much is free of the disk that the database's file is on, where that is little.
    pub disk: Option<String>,
}

/// Backups, as far as they are the operator's to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backup {
    /// They are somebody else's, or not due.
    #[default]
    Elsewhere,
    /// There was none.
    Never,
    /// The last one was made then.
    Last(Timestamp),
}

/// A cause that is there now.
struct Seen {
    what: What,
    about: String,
}

/// The operators who can be told of something.
///
/// # Errors
/// When the database fails.
pub(crate) fn readers(tx: &mut Tx) -> Result<Vec<User>, Failure> {
    let people = users::of_tenant(tx, &TenantId::platform())?;
    let operators = people.into_iter();
    let operators = operators
        .filter(|user| user.role == Role::Operator && user.is_active() && !user.told_of().is_empty());
    Ok(operators.collect())
}

/// Whether an operator wants to hear of a kind, so that it is worth finding out.
///
/// # Errors
/// When the database fails.
pub async fn is_wanted(app: &App, kind: MailKind) -> Result<bool, Failure> {
    let readers = app.db.read(readers).await?;
    Ok(readers.iter().any(|reader| reader.told_of().contains(&kind)))
}

/// Looks once for everything, and has mails queued for what was not told of. Answers how many.
///
/// # Errors
/// When the database fails.
pub async fn look(app: &App, outside: &Outside) -> Result<usize, Failure> {
    let (moment, seen_outside) = (app.moment(), outside.clone());
    let is_calm = app.db.read(move |tx| {
        let nobody = readers(tx)?.is_empty();
        let nothing = rows::all(tx)?.is_empty() && seen(tx, &seen_outside, moment.at)?.is_empty();
        Ok::<_, Failure>(nobody || nothing)
    });
    if is_calm.await? {
        return Ok(0);
    }
    let outside = outside.clone();
    app.db
        .write(move |tx| {
            let seen = seen(tx, &outside, moment.at)?;
            settle(tx, moment, &seen)
        })
        .await
}

/// Compares what is there with what was known, and tells of it.
fn settle(tx: &mut Tx, moment: Moment, seen: &[Seen]) -> Result<usize, Failure> {
    let (known, readers) = (rows::all(tx)?, readers(tx)?);
    let mut told = 0;
    for one in seen {
        let kind = one.what.kind();
        let before = known
            .iter()
            .find(|alarm| alarm.kind == kind && alarm.about == one.about);
        let Look::Stands(since) = alarm::look(before.map(|alarm| alarm.known), true, moment.at) else {
            continue;
        };
        let stands = Alarm {
            kind,
            about: one.about.clone(),
            known: Known {
                since,
                seen_at: moment.at,
            },
        };
        rows::put(tx, &stands)?;
        for reader in readers.iter().filter(|reader| reader.told_of().contains(&kind)) {
            told += usize::from(tell(tx, moment, reader, &one.what, &stands)?);
        }
    }
    for alarm in known {
        let is_seen = seen
            .iter()
            .any(|one| one.what.kind() == alarm.kind && one.about == alarm.about);
        if !is_seen && alarm::look(Some(alarm.known), false, moment.at) == Look::Over {
            rows::remove(tx, alarm.kind, &alarm.about)?;
        }
    }
    Ok(told)
}

/// Queues a mail; `false` when this operator was told of this cause before.
fn tell(tx: &mut Tx, moment: Moment, reader: &User, what: &What, alarm: &Alarm) -> Result<bool, Failure> {
    let since = alarm.known.since;
    let letter = operators::letter_of(
        reader.language.unwrap_or_default(),
        &reader.name,
        what,
        Day::of(since),
    );
    let mail = NewMail {
        scope: &mails::of_a_login(),
        kind: alarm.kind,
        about: &alarm.about,
        fact: &since.ms().to_string(),
        invoice: None,
        to: &Recipient {
            address: MailAddress::stored(reader.email.clone()),
            name: Some(reader.name.clone()),
        },
        letter: &letter,
        attachment: None,
    };
    Ok(mails::queue(tx, moment, &mail)?.is_some())
}

/// All that is there now.
fn seen(tx: &mut Tx, outside: &Outside, now: Timestamp) -> Result<Vec<Seen>, Failure> {
    let mut all = Vec::new();
    for group in backlog::events_stuck(tx)?
        .into_iter()
        .filter(|group| group.state == "dead")
    {
        let mode = group.mode;
        let why = rows::why_dead(tx, mode)?;
        all.push(of_mode(
            mode,
            What::DeadEvents {
                mode,
                events: group.rows,
                why,
            },
        ));
    }
    for old in rows::old_breaks(tx, now.plus_ms(-BREAK_OLD_MS))? {
        all.push(Seen {
            about: format!("{}:{}", old.mode.word(), old.kind),
            what: What::OldBreaks {
                mode: old.mode,
                kind: old.kind,
                breaks: old.rows,
            },
        });
    }
    for (mode, wrong) in &outside.endpoints {
        let (mode, wrong) = (*mode, wrong.join("; "));
        all.push(of_mode(mode, What::Endpoints { mode, wrong }));
    }
    for mode in [Mode::Test, Mode::Live] {
        if is_silent(tx, mode, now)? {
            all.push(of_mode(mode, What::Silence { mode }));
        }
    }
    if let Some(offset) = &outside.clock {
        let offset = offset.clone();
        all.push(of_all(What::Clock { offset }));
    }
    for failing in rows::failing_payouts(tx, PAYOUTS_MAX)? {
        let (mode, tenant) = (failing.mode, failing.name);
        all.push(Seen {
            about: format!("{}:{}", mode.word(), failing.tenant),
            what: What::Payouts {
                mode,
                tenant,
                payouts: failing.rows,
            },
        });
    }
    if let Some(last) = old_backup(tx, outside.backup, now)? {
        all.push(of_all(What::Backup { last }));
    }
    if let Some(free) = &outside.disk {
        let free = free.clone();
        all.push(of_all(What::Disk { free }));
    }
    if let Some(lock) = instance::lock(tx)? {
        let because = lock.because().to_owned();
        let what = match lock {
            Lock::Copy(_) => What::Locked { because },
            Lock::Unsound(_) => What::Unsound { because },
        };
        all.push(of_mode(Mode::Live, what));
    }
    Ok(all)
}

/// What there is one of in the whole installation.
fn of_all(what: What) -> Seen {
    Seen {
        about: String::new(),
        what,
    }
}

fn of_mode(mode: Mode, what: What) -> Seen {
    Seen {
        about: mode.word().to_owned(),
        what,
    }
}

/// Whether a payment has succeeded and no webhook has come since, though there was time for it.
fn is_silent(tx: &mut Tx, mode: Mode, now: Timestamp) -> Result<bool, Failure> {
    let (late, recent) = (now.plus_ms(-WEBHOOKS_LATE_MS), now.plus_ms(-RECENT_MS));
    if rows::newest_delivery(tx, mode, late)?.is_some() {
        return Ok(false);
    }
    let newest = rows::newest_delivery(tx, mode, recent)?.unwrap_or(recent);
    let after = newest.plus_ms(TOLD_BY_MS);
    Ok(rows::is_paid_since(tx, mode, recent, [after, late])?)
}

/// The last backup, if that is too old, or if there is none though the database has been in use for long.
fn old_backup(tx: &mut Tx, backup: Backup, now: Timestamp) -> Result<Option<Option<Day>>, Failure> {
    let long_ago = now.plus_ms(-BACKUP_OLD_MS);
    Ok(match backup {
        Backup::Elsewhere => None,
        Backup::Last(last) => (last < long_ago).then_some(Some(Day::of(last))),
        Backup::Never => {
            let since = rows::in_use_since(tx)?;
            since.is_some_and(|since| since < long_ago).then_some(None)
        }
    })
}
