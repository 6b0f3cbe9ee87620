//! Asks for what a bookkeeper asks for, again and again, in turn, and prints the median of each.

use domain::{Month, Scope, Timestamp};
use flows::{Clock, Failure};
use server::clock::SystemClock;
use store::db::Options;
use store::fee_statement::{self, Span};
use store::ledger_balances::{self as rows, Book, Place};
use store::{Db, Error, Tx};

use crate::fill::{client, scope, usd};

/// Lines of a page: as many as small books have too, so that the same is answered.
const PAGE: i64 = 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// So often a question is asked in one reading of the clock, which counts milliseconds.
const EACH: u64 = 400;
/// Asked before anything is counted, so that files and statements are warm.
const WARM_UP: usize = 5;
/// What is asked for, in the order of the figures.
const QUESTIONS: [Question; 4] = [trial_balance, balance_of_client, statement, fees];

/// Of whose books, when, and for the how manieth time.
type Question = fn(&mut Tx, &Scope, Timestamp, u64) -> Result<(), Error>;

/// Prints `trial_balance client_balance statement fees`, medians in microseconds.
pub async fn run(database: &str, rounds: usize) -> Result<(), Failure> {
    let clock = SystemClock::default();
    let db = Db::open(database, Options::default()).await?;
    let now = clock.now();
    let mut took: [Vec<i64>; 4] = Default::default();
    for round in 0..rounds + WARM_UP {
        for (question, took) in QUESTIONS.iter().zip(&mut took) {
            let ask = *question;
            let began = clock.now().ms();
            db.read(move |tx| (0..EACH).try_for_each(|nth| ask(tx, &scope(), now, nth)))
                .await?;
            if round >= WARM_UP {
                took.push((clock.now().ms() - began) * 1000 / EACH.cast_signed());
            }
        }
    }
    db.close().await;
    let medians = took.map(|mut took| {
        took.sort_unstable();
        took.get(took.len() / 2).copied().unwrap_or_default().to_string()
    });
    println!("{}", medians.join(" "));
    Ok(())
}

/// Every account of the MSP.
fn trial_balance(tx: &mut Tx, scope: &Scope, now: Timestamp, _: u64) -> Result<(), Error> {
    for (book, currency) in rows::accounts(tx, scope)? {
        rows::before(tx, scope, &book, currency, now)?;
    }
    Ok(())
}

/// What a client owes.
fn balance_of_client(tx: &mut Tx, scope: &Scope, now: Timestamp, nth: u64) -> Result<(), Error> {
    rows::before(tx, scope, &Book::Client(client(nth)), usd()?, now).map(|_| ())
}

/// A page of a client's statement of the last half year, with what it owed before.
fn statement(tx: &mut Tx, scope: &Scope, now: Timestamp, nth: u64) -> Result<(), Error> {
    let (client, from) = (client(nth), Place::before(now.plus_ms(-182 * DAY_MS)));
    rows::owed_at(tx, scope, &client, usd()?, &from)?;
    rows::statement(tx, scope, &client, usd()?, &from, now, PAGE).map(|_| ())
}

/// A page of what the platform took in a month.
fn fees(tx: &mut Tx, scope: &Scope, now: Timestamp, _: u64) -> Result<(), Error> {
    let last = jiff::Timestamp::from_millisecond(now.plus_ms(-30 * DAY_MS).ms()).map_err(bug)?;
    let month = Month::parse(&last.strftime("%Y-%m").to_string());
    let month = month.ok_or_else(|| Error::Bug("no month".to_owned()))?;
    let span = Span {
        from: month.begins(),
        until: month.ends(),
    };
    fee_statement::lines(tx, scope, span, None, PAGE).map(|_| ())
}

fn bug(error: jiff::Error) -> Error {
    Error::Bug(error.to_string())
}
