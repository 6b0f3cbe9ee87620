//! Writes to Stripe, rule 1 and 2: a committed row before the call, the same key and the same bytes until
//! there is a definite answer, and the answer's effects in the transaction that settles the row.

mod by_reading;

use domain::payment::{Evidence, IntentStatus};
use domain::{OperationId, PaymentId, Refusal, Scope, Timestamp};
use store::stripe_operations::{self as rows, Kind, Operation, Outcome, Status};
use store::{Tx, payments};
use stripe::{Answer, CallError, Decline, PaymentIntent, Rejection, Secret, Write};

use crate::observe::{self, IntentFacts};
use crate::{App, Failure, Moment};

pub use by_reading::by_reading;

/// How long the sender of a write keeps it for itself: three tries of 80 s and the waits between them.
pub const LEASE_MS: i64 = 5 * 60 * 1000;
/// Waits before replays of a write with an unknown outcome, by the number of times it was sent.
const REPLAY_MS: [i64; 9] = [
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 300_000,
];
/// Stripe may forget a key after 24 h; from here on only reading tells what happened.
pub const KEY_AGE_MAX_MS: i64 = 23 * 60 * 60 * 1000;

/// A write that is to be noted and sent.
pub struct Intent {
    /// What it does.
    pub kind: Kind,
    /// The request, with its key.
    pub write: Write,
}

/// Notes a write before it is sent; the operation's id also goes into the intent's metadata.
pub fn note(
    tx: &mut Tx,
    scope: &Scope,
    payment: &PaymentId,
    id: OperationId,
    intent: Intent,
    at: Timestamp,
) -> Result<Operation, Failure> {
    let Intent { kind, write } = intent;
    let params = serde_json::to_string(&write.params).map_err(|error| Failure::Bug(error.to_string()))?;
    let operation = Operation {
        scope: scope.clone(),
        id,
        payment_id: payment.clone(),
        kind,
        idempotency_key: write.idempotency_key,
        stripe_account_id: write.account.unwrap_or_default(),
        path: write.path,
        params,
        status: Status::Sent,
        attempts: 1,
        lease_until: at.plus_ms(LEASE_MS),
        first_sent_at: at,
        last_error: None,
    };
    rows::insert(tx, &operation)?;
    Ok(operation)
}

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

/// Sends a noted write and commits what it came to. If that cannot be committed, the row stays open, nobody
/// knows for now, and it is replayed.
///
/// # Errors
/// When there are no keys for its mode, or the row cannot be read.
pub async fn run(app: &App, operation: &Operation) -> Result<Ran, Failure> {
    let write = to_write(operation)?;
    let result = app.stripe(operation.scope.mode)?.write(&write).await;
    match take_in(app, operation, result).await {
        Err(failure @ (Failure::Store(_) | Failure::Unknown(_))) => {
            tracing::error!(operation = %operation.id, %failure, "what a write came to is not known yet");
            Ok(Ran::Unknown)
        }
        other => other,
    }
}

async fn take_in(
    app: &App,
    operation: &Operation,
    result: Result<Answer, CallError>,
) -> Result<Ran, Failure> {
    let moment = app.moment();
    match result {
        Ok(answer) => match PaymentIntent::parse(&answer.body) {
            Ok(intent) => done(app, operation, moment, &answer, intent).await,
            Err(unreadable) => unknown(app, operation, moment, unreadable.0).await,
        },
        Err(CallError::Declined(decline)) => declined(app, operation, moment, *decline).await,
        Err(CallError::Rejected(rejection)) if rejection.is_key_refused() => {
            let why = "Stripe refuses our API key (401)".to_owned();
            unknown(app, operation, moment, why).await
        }
        Err(CallError::Rejected(rejection)) => rejected(app, operation, moment, *rejection).await,
        Err(CallError::Unknown(why)) if why.saved_500 => by_reading(app, operation).await,
        Err(CallError::Unknown(why)) => unknown(app, operation, moment, why.why).await,
    }
}

fn to_write(operation: &Operation) -> Result<Write, Failure> {
    let params = serde_json::from_str(&operation.params).map_err(|error| Failure::Bug(error.to_string()))?;
    Ok(Write {
        path: operation.path.clone(),
        params,
        account: Some(operation.stripe_account_id.clone()),
        idempotency_key: operation.idempotency_key.clone(),
    })
}

async fn done(
    app: &App,
    operation: &Operation,
    moment: Moment,
    answer: &Answer,
    intent: PaymentIntent,
) -> Result<Ran, Failure> {
    let outcome = Outcome {
        status: Status::Succeeded,
        http_status: Some(i64::from(answer.status)),
        request_id: answer.request_id.clone(),
        result_id: Some(intent.id.clone()),
        error: None,
    };
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
    if rejection.is_key_reused() {
        // The frozen parameters differ from what Stripe got under this key: somebody changed the row.
        // Replaying would never help, and "nothing was done" may be untrue, so it stays open for a
        // person to see.
        return unknown(
            app,
            operation,
            moment,
            "the key was used with other parameters".to_owned(),
        )
        .await;
    }
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
        (Kind::ConfirmIntent | Kind::CancelIntent, None) => Effect::None,
    };
    settle(app, operation, moment, outcome, effect).await?;
    if rejection.is_unexpected_state() {
        return Ok(Ran::Overtaken);
    }
    Ok(Ran::Rejected(refusal_of(&rejection, code)))
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

async fn unknown(app: &App, operation: &Operation, moment: Moment, why: String) -> Result<Ran, Failure> {
    let tries = usize::try_from(operation.attempts)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let wait = REPLAY_MS
        .get(tries)
        .or(REPLAY_MS.last())
        .copied()
        .unwrap_or(LEASE_MS);
    mark_unknown(app, operation, &why, moment.at.plus_ms(wait)).await
}

/// Leaves a write open until `retry_at`, and says why.
async fn mark_unknown(
    app: &App,
    operation: &Operation,
    why: &str,
    retry_at: Timestamp,
) -> Result<Ran, Failure> {
    let (scope, id, why) = (operation.scope.clone(), operation.id.clone(), why.to_owned());
    tracing::warn!(operation = %id, why, "outcome unknown; it is taken up again with the same key");
    app.db
        .write(move |tx| rows::mark_unknown(tx, &scope, &id, &why, retry_at))
        .await?;
    Ok(Ran::Unknown)
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
    app.db
        .write(move |tx| {
            let Operation {
                scope,
                id,
                payment_id,
                ..
            } = &operation;
            let first = rows::settle(tx, scope, id, &outcome, moment.at)?;
            let mut payment = payments::get(tx, scope, payment_id)?.ok_or_else(|| {
                Failure::Bug(format!("operation {id} is about a payment that is not there"))
            })?;
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

/// Replays an open write if nobody holds it: same key, same bytes. One whose key Stripe may have forgotten is
/// only read about. Answers nothing where somebody else has it.
///
/// # Errors
/// When Stripe or the database does not answer.
pub async fn take_up(app: &App, operation: &Operation) -> Result<Option<Ran>, Failure> {
    let (scope, id, at) = (operation.scope.clone(), operation.id.clone(), app.clock.now());
    let taken = app
        .db
        .write(move |tx| rows::take(tx, &scope, &id, at, at.plus_ms(LEASE_MS)))
        .await?;
    if !taken {
        return Ok(None);
    }
    let taken = Operation {
        attempts: operation.attempts.saturating_add(1),
        ..operation.clone()
    };
    let age_ms = at.ms().saturating_sub(operation.first_sent_at.ms());
    let ran = if age_ms < KEY_AGE_MAX_MS {
        run(app, &taken).await?
    } else {
        by_reading(app, &taken).await?
    };
    Ok(Some(ran))
}
