//! Requests with an idempotency key: one effect and one answer for each key, whatever is sent how often, to
//! whichever instance.
//!
//! A request is noted before it is carried out and answered in a second transaction. A crash between the two
//! leaves it in flight; when its lease has run out it is carried out again, so every command that takes a key
//! must bear that; `server/src/idempotency.rs` says how each does.

use domain::idempotency::{self, KEPT_MS, Known, LEASE_MS, Next};
use domain::{Refusal, Timestamp};
use store::requests::{self, Answer, Place, Request};

use crate::{App, Failure, Moment};

/// Most rows that are removed in one transaction.
const REMOVED_AT_ONCE: i64 = 500;

/// A request that is being carried out.
#[derive(Clone, Debug)]
pub struct Begun {
    place: Place,
    attempt: i64,
    /// The moment at which the first try began, with the randomness for the ids of what is made: every try of
    /// a request makes the same rows, so that the second finds those of the first.
    pub moment: Moment,
}

impl Begun {
    /// Whether no try went before whose end is not known.
    pub fn is_first_try(&self) -> bool {
        self.attempt == 1
    }
}

/// What is to be done with a request.
#[derive(Clone, Debug)]
pub enum Start {
    /// It is carried out.
    Begun(Box<Begun>),
    /// It was answered before.
    Answered(Answer),
}

/// Notes that a request is carried out, or finds what was answered.
///
/// # Errors
/// [`Refusal::IdempotencyKeyReused`] and [`Refusal::IdempotencyKeyInFlight`].
pub async fn begin(app: &App, place: Place, request_hash: String) -> Result<Start, Failure> {
    let (now, seed) = (app.clock.now(), app.clock.random());
    let lease_until = now.plus_ms(LEASE_MS);
    let begun = app.db.write(move |tx| {
        let known = requests::find(tx, &place)?;
        let judged = known.as_ref().map(|known| Known {
            same: known.request_hash == request_hash,
            progress: known.progress,
        });
        let begun = |attempt, moment| {
            Start::Begun(Box::new(Begun {
                place: place.clone(),
                attempt,
                moment,
            }))
        };
        match (idempotency::next(judged, now)?, known) {
            (Next::Begin, _) | (Next::TakeOver | Next::Replay, None) => {
                requests::insert(
                    tx,
                    &place,
                    &request_hash,
                    &format!("{seed:032x}"),
                    now,
                    lease_until,
                )?;
                Ok(begun(1, Moment::new(now, seed)))
            }
            (Next::TakeOver, Some(known)) => {
                if !requests::take_over(tx, &place, known.attempt, lease_until)? {
                    return Err(Failure::from(Refusal::IdempotencyKeyInFlight));
                }
                let moment = moment_of(&known)?.again(now);
                Ok(begun(known.attempt.saturating_add(1), moment))
            }
            (Next::Replay, Some(known)) => known
                .answer
                .map(Start::Answered)
                .ok_or_else(|| Failure::Bug("an answered request without its answer".to_owned())),
        }
    });
    begun.await.map_err(somebody_was_faster)
}

fn moment_of(known: &Request) -> Result<Moment, Failure> {
    let seed = u128::from_str_radix(&known.seed, 16)
        .map_err(|_| Failure::Bug(format!("{:?} is no seed of a request", known.seed)))?;
    Ok(Moment::new(known.created_at, seed))
}

/// Two first tries at the same moment.
fn somebody_was_faster(failure: Failure) -> Failure {
    match failure {
        Failure::Store(store::Error::Unique { constraint }) if constraint == "requests_pkey" => {
            Refusal::IdempotencyKeyInFlight.into()
        }
        other => other,
    }
}

/// Keeps the answer of a request, if it is still this try's.
///
/// # Errors
/// When the database fails: the request is then carried out again after its lease.
pub async fn keep(app: &App, begun: Begun, answer: Answer) -> Result<(), Failure> {
    let now: Timestamp = app.clock.now();
    let kept = app
        .db
        .write(move |tx| requests::answer(tx, &begun.place, begun.attempt, &answer, now));
    kept.await?;
    Ok(())
}

/// Ends this try without an answer, because of a failure of ours. What it made may be there although nobody
/// was told, as after a commit whose answer was lost: the next try makes the same rows again, from the same
/// moment, and finds them.
///
/// # Errors
/// When the database fails: the request is then carried out again after its lease.
pub async fn give_back(app: &App, begun: Begun) -> Result<(), Failure> {
    let now = app.clock.now();
    let given_back = app
        .db
        .write(move |tx| requests::give_back(tx, &begun.place, begun.attempt, now));
    given_back.await?;
    Ok(())
}

/// Gives the key free: nothing was done, and the answer is not one to be kept. Where another try went before,
/// that one may have done it unheard: the key stays, with the moment from which the next try finds what was
/// made.
///
/// # Errors
/// When the database fails: the key is free after the lease.
pub async fn forget(app: &App, begun: Begun) -> Result<(), Failure> {
    if !begun.is_first_try() {
        return give_back(app, begun).await;
    }
    let forgotten = app
        .db
        .write(move |tx| requests::forget(tx, &begun.place, begun.attempt));
    forgotten.await?;
    Ok(())
}

/// Removes what is older than thirty days.
///
/// # Errors
/// When the database fails; the next call goes on.
pub async fn remove_old(app: &App) -> Result<(), Failure> {
    let before = app.clock.now().plus_ms(-KEPT_MS);
    let remove = move |tx: &mut store::Tx| requests::remove_before(tx, before, REMOVED_AT_ONCE);
    while app.db.write(remove).await? > 0 {}
    Ok(())
}
