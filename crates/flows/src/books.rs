//! Balances that are written down once an hour is over, so that the books may grow without a balance taking
//! longer. Nothing is adjusted: each is the one before and what was booked since.

use domain::seal::Book as Sealed;
use domain::{Scope, Timestamp};
use store::Db;
use store::ledger_balances::{self as rows, Book};
use store::{day_sums, seals};

use crate::seals::GRACE_MS;
use crate::{App, Failure};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// With fewer entries since the last one, a balance is not worth a row.
const ENTRIES_MIN: i64 = 100;
/// Days whose sums are folded in one transaction: few, for SQLite has one writer.
const DAYS: i64 = 20;
/// Clients looked at in one transaction.
const CLIENTS: i64 = 200;

/// The end of the last hour into which nothing is booked any more, as with the days that are sealed.
pub fn closed_hour(now: Timestamp) -> Timestamp {
    let hours = now.ms().saturating_sub(GRACE_MS).div_euclid(HOUR_MS);
    Timestamp::from_ms(hours.saturating_mul(HOUR_MS))
}

/// Writes down the balances of every tenant and mode that have moved far enough since they were written
/// down last; answers how many. Two instances that do so at once write each once.
///
/// # Errors
/// When the database fails; what was written down stays.
pub async fn close_hours(app: &App) -> Result<usize, Failure> {
    close_hours_at(&app.db, app.clock.now()).await
}

/// As [`close_hours`], at this moment.
///
/// # Errors
/// As [`close_hours`].
pub async fn close_hours_at(db: &Db, now: Timestamp) -> Result<usize, Failure> {
    let ends_at = closed_hour(now);
    let (mut last, mut closed) = (None, 0_usize);
    loop {
        let after = last;
        let found = db.read(move |tx| seals::next_scope(tx, Sealed::Ledger, after.as_ref()));
        let found: Option<Scope> = found.await?;
        let Some(scope) = found else { return Ok(closed) };
        closed = closed.saturating_add(close_of(db, &scope, ends_at, now).await?);
        last = Some(scope);
    }
}

/// Folds what was written to the sums by day since the last time, and answers how many days those were.
///
/// # Errors
/// When the database fails; what was folded stays.
pub async fn fold_sums(db: &Db) -> Result<usize, Failure> {
    let mut folded = 0_usize;
    loop {
        let now: usize = db.write(move |tx| day_sums::fold(tx, DAYS)).await?;
        folded = folded.saturating_add(now);
        if i64::try_from(now).unwrap_or_default() < DAYS {
            return Ok(folded);
        }
    }
}

async fn close_of(db: &Db, scope: &Scope, ends_at: Timestamp, at: Timestamp) -> Result<usize, Failure> {
    let of = scope.clone();
    let closed = db
        .write(move |tx| {
            let accounts = rows::accounts(tx, &of)?;
            close_where_worth_it(tx, &of, &accounts, ends_at, at)
        })
        .await?;
    // Clients move with the receivables; where those have not moved far, no client has.
    if closed == 0 {
        return Ok(0);
    }
    let (mut closed, mut after) = (closed, String::new());
    loop {
        let (of, from) = (scope.clone(), after.clone());
        let page = db
            .write(move |tx| {
                let clients = rows::clients(tx, &of, &from, CLIENTS)?;
                let count = close_where_worth_it(tx, &of, &clients, ends_at, at)?;
                let last = clients.last().map(|(book, _)| book.clone());
                Ok::<_, Failure>((count, last))
            })
            .await?;
        closed = closed.saturating_add(page.0);
        match page.1 {
            Some(Book::Client(client)) => after = client.as_str().to_owned(),
            _ => return Ok(closed),
        }
    }
}

fn close_where_worth_it(
    tx: &mut store::Tx,
    scope: &Scope,
    books: &[(Book, domain::Currency)],
    ends_at: Timestamp,
    at: Timestamp,
) -> Result<usize, Failure> {
    let mut closed = 0;
    for (book, currency) in books {
        let summed = rows::before(tx, scope, book, *currency, ends_at)?;
        if summed.entries >= ENTRIES_MIN
            && rows::close(tx, scope, book, *currency, ends_at, summed.balance, at)?
        {
            closed += 1;
        }
    }
    Ok(closed)
}
