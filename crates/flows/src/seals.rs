//! Daily seals of the audit log and of the ledger. A day that has been over for an hour is hashed, together
//! with the seal before it, so that whoever changes a row later, or slips one in, is found out; nothing hot
//! waits for a chain.

use domain::seal::{self, Book, Day};
use domain::{Mode, Scope, Timestamp};
use sha2::{Digest, Sha256};
use store::Db;
use store::reconciliation_breaks::Kind;
use store::seals::{self, Place, Seal};

use crate::breaks::open_break_once;
use crate::{App, Failure};

/// How long a day has been over before it is sealed: far longer than any transaction that began in it.
pub const GRACE_MS: i64 = 60 * 60 * 1000;
/// Rows in memory at a time.
const PAGE: i64 = 500;

/// The first day that may not be sealed yet.
pub fn open_day(now: Timestamp) -> Day {
    Day::of(now.plus_ms(-GRACE_MS))
}

/// Seals every day that is due, of every book, tenant and mode; answers how many seals it made. Two instances
/// that do so at once make each seal once. Days without rows have none.
///
/// # Errors
/// When the database fails; what was sealed stays, and the next run goes on from there.
pub async fn run(app: &App) -> Result<usize, Failure> {
    let open = open_day(app.clock.now());
    let mut made: usize = 0;
    for book in Book::ALL {
        let mut last = None;
        while let Some(scope) = next_scope(&app.db, book, last).await? {
            made = made.saturating_add(seal_until(app, book, &scope, open).await?);
            last = Some(scope);
        }
    }
    Ok(made)
}

async fn next_scope(db: &Db, book: Book, after: Option<Scope>) -> Result<Option<Scope>, Failure> {
    let found = db.read(move |tx| seals::next_scope(tx, book, after.as_ref()));
    Ok(found.await?)
}

async fn seal_until(app: &App, book: Book, scope: &Scope, open: Day) -> Result<usize, Failure> {
    let mut made: usize = 0;
    loop {
        let work = scope.clone();
        let (last, day) = app
            .db
            .read(move |tx| {
                let last = seals::last(tx, book, &work)?;
                let from = last.as_ref().map_or(BEGINNING, |last| last.day.ends());
                let day = seals::next_day(tx, book, &work, from)?;
                Ok::<_, Failure>((last, day))
            })
            .await?;
        let Some(day) = day.filter(|day| *day < open) else {
            return Ok(made);
        };
        let before = last.as_ref().map(|last| last.seal.clone());
        let seal = compute(&app.db, book, scope, day, before).await?;
        let now = app.clock.now();
        let inserted = app
            .db
            .write(move |tx| {
                // Another instance may have sealed it meanwhile, and then goes on by itself.
                let unchanged = seals::last(tx, book, &seal.scope)? == last;
                Ok::<_, Failure>(unchanged && seals::insert(tx, book, &seal, now)?)
            })
            .await?;
        made = made.saturating_add(usize::from(inserted));
    }
}

/// Before everything.
const BEGINNING: Timestamp = Timestamp::from_ms(i64::MIN);

/// The seal that a day's rows give now, following this one.
async fn compute(
    db: &Db,
    book: Book,
    scope: &Scope,
    day: Day,
    before: Option<String>,
) -> Result<Seal, Failure> {
    let mut hash = Sha256::new_with_prefix(seal::head(book, scope, day, before.as_deref()));
    let (mut place, mut row_count) = (Place::before(day), 0_i64);
    loop {
        let work = scope.clone();
        let page = db.read(move |tx| seals::rows(tx, book, &work, day, &place, PAGE));
        let (rows, end) = page.await?;
        for row in &rows {
            hash.update(seal::row(row));
            row_count = row_count.saturating_add(1);
        }
        match end {
            Some(end) => place = end,
            None => break,
        }
    }
    Ok(Seal {
        scope: scope.clone(),
        day,
        row_count,
        before,
        seal: hex::encode(hash.finalize()),
    })
}

/// What is wrong with one day of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The rows are not those that were sealed: changed, taken away or added.
    RowsDiffer {
        /// How many were sealed.
        sealed: i64,
        /// How many there are.
        found: i64,
    },
    /// The seal does not follow the one before it: a seal was changed or taken away.
    NotFollowing,
    /// There are rows on a day that had none when a later day was sealed.
    NeverSealed,
    /// A seal that was kept elsewhere is not there, or is another.
    NotAsKept,
}

/// What is said of the day: `its 96 rows are not as they were sealed`.
impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Break::RowsDiffer { sealed, found } if sealed == found => {
                write!(f, "its {sealed} rows are not as they were sealed")
            }
            Break::RowsDiffer { sealed, found } => {
                write!(f, "{sealed} rows were sealed and {found} are there")
            }
            Break::NotFollowing => f.write_str("its seal does not follow the one before it"),
            Break::NeverSealed => f.write_str("it had no rows when a later day was sealed, and has some now"),
            Break::NotAsKept => f.write_str("its seal is not the one that was kept"),
        }
    }
}

/// What a verification tells while it goes on.
#[derive(Clone, Debug)]
pub enum Told {
    /// A day is not as it was sealed.
    Broken {
        /// The book.
        book: Book,
        /// Whose.
        scope: Scope,
        /// The day.
        day: Day,
        /// What is wrong.
        what: Break,
        /// The seal that the day would have now: it tells one change of a day from the next.
        now: String,
    },
    /// A book was read to its end.
    Read(Chain),
}

/// One book of one tenant and mode, with the seal that stands for all of it.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The book.
    pub book: Book,
    /// The newest seal, if any day is sealed.
    pub head: Option<Seal>,
    /// Whose.
    pub scope: Scope,
    /// Sealed days.
    pub days: usize,
    /// Rows in them.
    pub rows: i64,
    /// The first day after the newest seal that is over and not sealed yet.
    pub waiting_since: Option<Day>,
}

/// Recomputes every seal from the rows, and tells each day that differs.
///
/// # Errors
/// When the database fails.
pub async fn verify(db: &Db, now: Timestamp, tell: &mut (dyn FnMut(Told) + Send)) -> Result<(), Failure> {
    for book in Book::ALL {
        let mut last = None;
        while let Some(scope) = next_scope(db, book, last).await? {
            let mut chain = verify_chain(db, book, &scope, tell).await?;
            chain.waiting_since = chain.waiting_since.filter(|day| *day < open_day(now));
            tell(Told::Read(chain));
            last = Some(scope);
        }
    }
    Ok(())
}

async fn verify_chain(
    db: &Db,
    book: Book,
    scope: &Scope,
    tell: &mut (dyn FnMut(Told) + Send),
) -> Result<Chain, Failure> {
    let mut chain = Chain {
        book,
        head: None,
        scope: scope.clone(),
        days: 0,
        rows: 0,
        waiting_since: None,
    };
    let mut from = BEGINNING;
    loop {
        let (work, last) = (scope.clone(), chain.head.as_ref().map(|head| head.day));
        let next = db.read(move |tx| {
            let rows = seals::next_day(tx, book, &work, from)?;
            Ok::<_, Failure>((rows, seals::next(tx, book, &work, last)?))
        });
        let (rows, seal) = next.await?;
        let mut broken = |day, what, now: &str| {
            let (scope, now) = (scope.clone(), now.to_owned());
            tell(Told::Broken {
                book,
                scope,
                day,
                what,
                now,
            });
        };
        match (rows, seal) {
            (Some(day), Some(seal)) if day < seal.day => {
                broken(day, Break::NeverSealed, "");
                from = day.ends();
            }
            (_, Some(seal)) => {
                let before = chain.head.as_ref().map(|head| head.seal.clone());
                if seal.before != before {
                    broken(seal.day, Break::NotFollowing, &seal.seal);
                }
                let found = compute(db, book, scope, seal.day, seal.before.clone()).await?;
                if found != seal {
                    let (sealed, count) = (seal.row_count, found.row_count);
                    let what = Break::RowsDiffer { sealed, found: count };
                    broken(seal.day, what, &found.seal);
                }
                chain.days = chain.days.saturating_add(1);
                chain.rows = chain.rows.saturating_add(seal.row_count);
                from = seal.day.ends();
                chain.head = Some(seal);
            }
            (day, None) => {
                chain.waiting_since = day;
                return Ok(chain);
            }
        }
    }
}

/// Breaks that one look opens at most: whoever changed more than that is found out by these.
const OPENED_MAX: usize = 100;
/// Letters of a seal that tell it from others.
const SHORT: usize = 12;

/// Verifies every seal, and reads SQLite's file for damage; opens a break for each that is new, which keeps
/// live money from moving until a person has looked. What a person has dealt with is not opened again,
/// unless the day changes once more. Answers how many are new.
///
/// # Errors
/// When the database fails; the next run begins anew.
pub async fn watch(app: &App) -> Result<usize, Failure> {
    let mut found = Vec::new();
    if let Some(damage) = app.db.damage().await? {
        let subject = hex::encode(Sha256::digest(&damage));
        let subject = subject.get(..SHORT).unwrap_or_default().to_owned();
        found.push((Mode::Live, Kind::DatabaseDamaged, subject, damage));
    }
    let mut tell = |told: Told| {
        let Told::Broken {
            book,
            scope,
            day,
            what,
            now,
        } = told
        else {
            return;
        };
        if found.len() < OPENED_MAX {
            let now = now.get(..SHORT).unwrap_or_default();
            let (tenant, book) = (&scope.tenant, book.word());
            let subject = format!("{tenant} {book} {day} {now}");
            let detail = format!("{book} of {tenant}, {day}: {what}");
            found.push((
                scope.mode,
                Kind::SealBroken,
                subject.trim_end().to_owned(),
                detail,
            ));
        }
    };
    verify(&app.db, app.clock.now(), &mut tell).await?;
    if found.is_empty() {
        return Ok(0);
    }
    let moment = app.moment();
    let opened = app.db.write(move |tx| {
        let mut opened = 0_usize;
        for (nth, (mode, kind, subject, detail)) in (0..).zip(&found) {
            let new = open_break_once(tx, moment, nth, None, *mode, *kind, subject, detail)?;
            opened = opened.saturating_add(usize::from(new));
        }
        Ok::<_, Failure>(opened)
    });
    opened.await
}

/// Whether a seal that was kept elsewhere is still the one of its day.
///
/// # Errors
/// When the database fails.
pub async fn holds(db: &Db, book: Book, scope: &Scope, day: Day, kept: &str) -> Result<bool, Failure> {
    let (scope, kept, eve) = (scope.clone(), kept.to_owned(), Day::of(day.begins().plus_ms(-1)));
    let found = db.read(move |tx| seals::next(tx, book, &scope, Some(eve)));
    let found: Option<Seal> = found.await?;
    Ok(found.is_some_and(|seal| seal.day == day && seal.seal == kept))
}

/// The newest seal of every book, tenant and mode: whoever keeps them elsewhere can tell later that nothing
/// before them was rewritten. At most `limit`, after a given one.
///
/// # Errors
/// When the database fails.
pub async fn heads(db: &Db, book: Book, after: Option<Scope>, limit: usize) -> Result<Vec<Seal>, Failure> {
    let found = db.read(move |tx| {
        let (mut found, mut last) = (Vec::new(), after.clone());
        while found.len() < limit
            && let Some(scope) = seals::next_scope(tx, book, last.as_ref())?
        {
            found.extend(seals::last(tx, book, &scope)?);
            last = Some(scope);
        }
        Ok::<_, Failure>(found)
    });
    found.await
}
