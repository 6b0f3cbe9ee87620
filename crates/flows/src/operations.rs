//! Writes to Stripe, rule 1 and 2: a committed row before the call, the same key and the same bytes until
//! there is a definite answer, and the answer's effects in the transaction that settles the row.

mod by_reading;
mod keeping;
mod noting;
mod sending;

use domain::payment::{Evidence, IntentStatus};
use domain::{Refusal, Timestamp};
use store::payments;
use store::stripe_operations::{self as rows, Kind, Operation, Outcome, Status};
use stripe::{Answer, Decline, PaymentIntent, Rejection, Secret};

use crate::connect::account::{self, Made};
use crate::connect::domains;
use crate::disconnect::{self, Access};
use crate::observe::{self, IntentFacts};
use crate::planted::{self, Bug};
use crate::spread::spread;
use crate::{App, Failure, Moment, disputes, oauth, refunds, unreachable};

pub use by_reading::{LIST_FROM_MS, LOOK_AGAIN_MS, NOT_LISTED, PAGES_MAX};
use by_reading::{Sought, by_reading};
pub use keeping::keep;
pub use noting::{Intent, note, note_about};
pub use sending::{send, send_file};

/// How long the sender of a write keeps it for itself. Three tries of 80 s and the waits between them may
/// take longer: while it lives, it renews the lease (see [`crate::held`]).
pub const LEASE_MS: i64 = 60 * 1000;
/// The same for what is sent by calls of their own, whose leases nobody renews.
const UNRENEWED_MS: i64 = 5 * 60 * 1000;

/// How long whoever takes up a write of this kind keeps it at first.
pub(crate) const fn lease_ms(kind: Kind) -> i64 {
    match kind {
        Kind::ExchangeCode | Kind::Deauthorize => UNRENEWED_MS,
        Kind::CreateIntent
        | Kind::ConfirmIntent
        | Kind::CancelIntent
        | Kind::CreateAccount
        | Kind::RegisterDomain
        | Kind::SubmitEvidence
        | Kind::UploadFile
        | Kind::CloseDispute
        | Kind::CreateRefund
        | Kind::CreateFeeRefund => LEASE_MS,
    }
}
/// Waits before replays of a write with an unknown outcome, by the number of times it was sent.
const REPLAY_MS: [i64; 9] = [
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 300_000,
];
/// Stripe may forget a key after 24 h; from here on only reading tells what happened.
pub const KEY_AGE_MAX_MS: i64 = 23 * 60 * 60 * 1000;

/// What a write came to, with its effects committed.
#[derive(Clone, Debug)]
pub enum Ran {
    /// Stripe carried it out.
    Done {
        /// The intent as it is now.
        status: IntentStatus,
        /// For `handleNextAction` in the payer's browser; never stored.
        client_secret: Option<Secret>,
    },
    /// The card was declined; the intent takes another one.
    Declined {
        /// Stripe's code.
        code: Option<String>,
        /// The issuer's reason.
        decline_code: Option<String>,
    },
    /// Stripe refused, and did nothing.
    Rejected(Refusal),
    /// The intent is not where the write needs it to be: read it again and decide anew.
    Overtaken,
    /// Nobody knows. It is replayed by the reconciler.
    Unknown,
}

/// What was heard of a write.
pub enum Heard<T> {
    /// Stripe carried it out.
    Done(Answer, T),
    /// The card was declined.
    Declined(Box<Decline>),
    /// Stripe refused it for good.
    Rejected(Box<Rejection>),
    /// Stripe keeps a failure under the key, or may have forgotten it: sending it again tells nothing, or
    /// would do it twice.
    Kept,
    /// Stripe has another request under the key: after a restore from a backup it is one of ours that nobody
    /// here remembers. Sending it again tells nothing.
    Reused,
    /// Nothing that can be relied on, and why.
    Nothing(String),
}

/// Sends a noted write of a payment and commits what it came to. If that cannot be committed, the row stays
/// open, nobody knows for now, and it is replayed.
///
/// # Errors
/// When there are no keys for its mode, or the row cannot be read.
pub async fn run(app: &App, operation: &Operation) -> Result<Ran, Failure> {
    let heard = send(app, operation, PaymentIntent::parse).await?;
    match take_in(app, operation, heard).await {
        Err(failure @ (Failure::Store(_) | Failure::Unknown(_))) => {
            tracing::error!(operation = %operation.id, %failure, "what a write came to is not known yet");
            Ok(Ran::Unknown)
        }
        other => other,
    }
}

async fn take_in(app: &App, operation: &Operation, heard: Heard<PaymentIntent>) -> Result<Ran, Failure> {
    let moment = app.moment();
    match heard {
        Heard::Done(answer, intent) => done(app, operation, moment, &answer, intent).await,
        Heard::Declined(decline) => declined(app, operation, moment, *decline).await,
        Heard::Rejected(rejection) => rejected(app, operation, moment, *rejection).await,
        Heard::Kept => by_reading(app, operation, Sought::Answer).await,
        Heard::Reused => by_reading(app, operation, Sought::Earlier).await,
        Heard::Nothing(_) if planted::is(Bug::TimeoutIsFailure) && operation.attempts > 1 => {
            settle_as_failed(app, operation, "timeout", None).await?;
            Ok(Ran::Rejected(Refusal::PaymentsUnavailable))
        }
        Heard::Nothing(why) => {
            unknown(app, operation, &why).await?;
            Ok(Ran::Unknown)
        }
    }
}

async fn done(
    app: &App,
    operation: &Operation,
    moment: Moment,
    answer: &Answer,
    intent: PaymentIntent,
) -> Result<Ran, Failure> {
    let outcome = succeeded(answer, &intent.id);
    let facts = IntentFacts::of(&intent);
    let status = facts.status;
    settle(app, operation, moment, outcome, Effect::Observe(facts)).await?;
    match status {
        Some(status) => Ok(Ran::Done {
            status,
            client_secret: intent.client_secret,
        }),
        None => Ok(Ran::Unknown),
    }
}

/// The outcome of a write that Stripe carried out.
pub fn succeeded(answer: &Answer, result_id: &str) -> Outcome {
    Outcome {
        status: Status::Succeeded,
        http_status: Some(i64::from(answer.status)),
        request_id: answer.request_id.clone(),
        result_id: Some(result_id.to_owned()),
        error: None,
    }
}

/// The outcome of a write that was found out by reading.
pub fn read_outcome(status: Status, result_id: Option<&str>) -> Outcome {
    Outcome {
        status,
        http_status: None,
        request_id: None,
        result_id: result_id.map(str::to_owned),
        error: (status == Status::Absent).then(|| "found out by reading: it did not happen".to_owned()),
    }
}

async fn declined(
    app: &App,
    operation: &Operation,
    moment: Moment,
    decline: Decline,
) -> Result<Ran, Failure> {
    let outcome = Outcome {
        status: Status::Failed,
        http_status: Some(402),
        request_id: decline.request_id,
        result_id: decline.payment_intent.as_ref().map(|intent| intent.id.clone()),
        error: decline.code.clone(),
    };
    let effect = match decline.payment_intent {
        Some(intent) => Effect::Decline(IntentFacts::of(&intent)),
        None if operation.kind == Kind::CreateIntent => Effect::NothingThere,
        None => Effect::None,
    };
    settle(app, operation, moment, outcome, effect).await?;
    Ok(Ran::Declined {
        code: decline.code,
        decline_code: decline.decline_code,
    })
}

async fn rejected(
    app: &App,
    operation: &Operation,
    moment: Moment,
    rejection: Rejection,
) -> Result<Ran, Failure> {
    let code = rejection.code.clone().unwrap_or_else(|| rejection.type_.clone());
    tracing::warn!(operation = %operation.id, code, status = rejection.status, "Stripe refused a request");
    let outcome = Outcome {
        status: Status::Failed,
        http_status: Some(i64::from(rejection.status)),
        request_id: rejection.request_id.clone(),
        result_id: None,
        error: Some(code.clone()),
    };
    let facts = rejection
        .payment_intent
        .as_ref()
        .map(|intent| IntentFacts::of(intent));
    let effect = match (operation.kind, facts) {
        (_, Some(facts)) => Effect::Observe(facts),
        (Kind::CreateIntent, None) => Effect::NothingThere,
        (_, None) => Effect::None,
    };
    settle(app, operation, moment, outcome, effect).await?;
    if rejection.is_account_gone() {
        unreachable::operation(app, operation).await?;
    }
    if rejection.is_unexpected_state() {
        return Ok(Ran::Overtaken);
    }
    Ok(Ran::Rejected(refusal_of(&rejection, code)))
}

/// Ends a write of which nothing can be found out, for its account cannot be reached. An intent that was to
/// be made is none that anybody could pay; what became of another is for the account's owner to see.
async fn account_gone(app: &App, operation: &Operation) -> Result<Ran, Failure> {
    settle_as_failed(app, operation, "account_invalid", Some(403)).await?;
    unreachable::operation(app, operation).await?;
    Ok(Ran::Rejected(Refusal::PaymentsUnavailable))
}

async fn settle_as_failed(
    app: &App,
    operation: &Operation,
    error: &str,
    http_status: Option<i64>,
) -> Result<(), Failure> {
    let outcome = Outcome {
        status: Status::Failed,
        http_status,
        request_id: None,
        result_id: None,
        error: Some(error.to_owned()),
    };
    let effect = if operation.kind == Kind::CreateIntent {
        Effect::NothingThere
    } else {
        Effect::None
    };
    settle(app, operation, app.moment(), outcome, effect).await
}

/// What the payer is told of a definite refusal by Stripe.
fn refusal_of(rejection: &Rejection, code: String) -> Refusal {
    let about_token = rejection.param.as_deref() == Some("confirmation_token");
    if code == "payment_intent_confirmation_token_invalid" || about_token {
        Refusal::TokenRefused
    } else if rejection.status == 403 || code == "account_invalid" || code == "testmode_charges_only" {
        Refusal::PaymentsUnavailable
    } else {
        Refusal::PaymentRefused { code }
    }
}

/// Leaves a write without a definite answer open, to be replayed after a wait that grows.
pub async fn unknown(app: &App, operation: &Operation, why: &str) -> Result<(), Failure> {
    let tries = usize::try_from(operation.attempts)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let wait = REPLAY_MS
        .get(tries)
        .or(REPLAY_MS.last())
        .copied()
        .unwrap_or(LEASE_MS);
    // A quarter is left to chance, so that what fell silent together does not come back together.
    let wait = wait - spread(operation.id.as_str(), operation.attempts, wait / 4);
    mark_unknown(app, operation, why, app.clock.now().plus_ms(wait)).await
}

/// Leaves a write open until `retry_at`, and says why.
pub async fn mark_unknown(
    app: &App,
    operation: &Operation,
    why: &str,
    retry_at: Timestamp,
) -> Result<(), Failure> {
    let (scope, id, why) = (operation.scope.clone(), operation.id.clone(), why.to_owned());
    tracing::warn!(operation = %id, why, "outcome unknown; it is taken up again with the same key");
    app.db
        .write(move |tx| rows::mark_unknown(tx, &scope, &id, &why, retry_at))
        .await?;
    Ok(())
}

/// What a settled write does to its payment.
#[derive(Clone)]
enum Effect {
    None,
    /// A create was refused: there is no intent.
    NothingThere,
    Observe(IntentFacts),
    /// A confirmation was declined, and this is the intent after it.
    Decline(IntentFacts),
}

/// One transaction: the outcome on the operation, its effects on the payment, the invoice and the books.
async fn settle(
    app: &App,
    operation: &Operation,
    moment: Moment,
    outcome: Outcome,
    effect: Effect,
) -> Result<(), Failure> {
    let operation = operation.clone();
    keep(app, move |tx| {
        let Operation {
            scope,
            id,
            payment_id,
            ..
        } = &operation;
        let first = rows::settle(tx, scope, id, &outcome, moment.at)?;
        let mut payment = match payment_id {
            Some(payment_id) => payments::get(tx, scope, payment_id)?,
            None => None,
        }
        .ok_or_else(|| Failure::Bug(format!("operation {id} is about a payment that is not there")))?;
        let cause = format!("operation:{id}");
        match &effect {
            Effect::None => {}
            Effect::NothingThere => {
                if first && payment.intent_id.is_none() {
                    observe::fail(tx, moment, &mut payment, &cause, outcome.error.as_deref())?;
                }
            }
            Effect::Observe(facts) => {
                observe::intent(tx, moment, &mut payment, facts, Evidence::Current, &cause)?;
            }
            Effect::Decline(facts) => {
                let facts = IntentFacts {
                    declined: first,
                    ..facts.clone()
                };
                observe::intent(tx, moment, &mut payment, &facts, Evidence::Current, &cause)?;
            }
        }
        Ok(())
    })
    .await
}

/// What came of taking up an open write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Its outcome is known and its effects are committed.
    Settled,
    /// It is still open.
    Open,
}

impl Resolved {
    fn of(known: bool) -> Resolved {
        if known { Resolved::Settled } else { Resolved::Open }
    }
}

/// Replays an open write if nobody holds it: same key, same bytes. One whose key Stripe may have forgotten is
/// only read about. Answers nothing where somebody else has it.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn take_up(app: &App, operation: &Operation) -> Result<Option<Resolved>, Failure> {
    let (scope, id, at) = (operation.scope.clone(), operation.id.clone(), app.clock.now());
    let until = at.plus_ms(lease_ms(operation.kind));
    let taken = app
        .db
        .write(move |tx| rows::take(tx, &scope, &id, at, until))
        .await?;
    if !taken {
        return Ok(None);
    }
    let taken = Operation {
        attempts: operation.attempts.saturating_add(1),
        ..operation.clone()
    };
    let age_ms = at.ms().saturating_sub(operation.first_sent_at.ms());
    let replay = age_ms < KEY_AGE_MAX_MS;
    let known = match taken.kind {
        Kind::CreateIntent | Kind::ConfirmIntent | Kind::CancelIntent => {
            let ran = match replay {
                true => run(app, &taken).await?,
                false => by_reading(app, &taken, Sought::Answer).await?,
            };
            !matches!(ran, Ran::Unknown)
        }
        Kind::CreateAccount => {
            let made = match replay {
                true => account::run(app, &taken).await?,
                false => account::by_reading(app, &taken).await?,
            };
            !matches!(made, Made::Unknown)
        }
        Kind::RegisterDomain if replay => domains::run(app, &taken).await?,
        Kind::RegisterDomain => domains::give_up(app, &taken).await?,
        Kind::ExchangeCode => oauth::take_up(app, &taken).await?,
        Kind::SubmitEvidence | Kind::CloseDispute => disputes::take_up(app, &taken, replay).await?,
        Kind::UploadFile => disputes::files::take_up(app, &taken, replay).await?,
        Kind::Deauthorize => disconnect::run(app, &taken).await? != Access::InDoubt,
        Kind::CreateRefund | Kind::CreateFeeRefund => refunds::take_up(app, &taken, replay).await?,
    };
    Ok(Some(Resolved::of(known)))
}
