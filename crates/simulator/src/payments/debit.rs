//! Debits of bank accounts: under a mandate, after the holder proved that the account is theirs; the bank
//! answers later.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::charge::{self, Charge, Failure};
use crate::confirm;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::payment_intent::{NextAction, PaymentError, PaymentIntent, Status};
use crate::payment_intents;
use crate::payment_method::PaymentMethod;
use crate::payments::mandate::{self, Acceptance};
use crate::payments::other_method::Other;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, State};

/// Two days, after which microdeposits have arrived.
const ARRIVAL_S: i64 = 172_800;
const DAY_S: i64 = 86_400;

/// What a charge of a bank account has beside what a card's has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Debit {
    /// The bank account as it was then.
    pub other: Arc<Other>,
    /// The mandate.
    pub mandate: Option<String>,
    /// Whether the bank has not answered yet.
    pub pending: bool,
}

/// What a holder tells of the two small amounts that an account received.
#[derive(Debug)]
pub enum Proof {
    /// The amounts.
    Amounts(Vec<String>),
    /// The code beside the single one.
    Code(String),
}

impl Proof {
    /// Whether it is right, in Stripe's test mode.
    ///
    /// # Errors
    /// 400 that says what is wrong with it.
    pub fn check(&self) -> Result<(), ApiError> {
        let (given, right, wrong) = match self {
            Proof::Amounts(amounts) => (
                amounts.join("+"),
                "32+45",
                "payment_method_microdeposit_verification_amounts_mismatch",
            ),
            Proof::Code(code) => (
                code.clone(),
                "SM11AA",
                "payment_method_microdeposit_verification_descriptor_code_mismatch",
            ),
        };
        let (code, message) = match given.as_str() {
            given if given == right => return Ok(()),
            "10+11" | "SM33CC" => (
                "payment_method_microdeposit_verification_attempts_exceeded",
                "You have exceeded the number of allowed verification attempts.",
            ),
            "40+41" | "SM44DD" => (
                "payment_method_microdeposit_verification_timeout",
                "The time in which the microdeposits could be verified is over.",
            ),
            _ => (
                wrong,
                "What you provided does not match what was sent to the bank account.",
            ),
        };
        Err(ApiError::invalid(message).code(code).saved())
    }
}

/// The step that a holder of a new bank account has to take.
pub fn ask_for_proof(state: &State, id: &str) -> NextAction {
    let arrival = state.now_s() + ARRIVAL_S;
    NextAction::VerifyMicrodeposits {
        arrival_date: arrival - arrival.rem_euclid(DAY_S),
        url: format!("https://payments.stripe.com/microdeposit/{id}"),
    }
}

/// 400: nobody consented to the debit.
pub fn no_mandate(what: &str) -> ApiError {
    ApiError::invalid(format!(
        "This {what} requires a mandate, but no existing mandate was found. Collect mandate acceptance from \
         the customer and try again, providing acceptance data in the mandate_data parameter."
    ))
    .saved()
}

/// Carries the confirmation of an intent with a bank account out.
///
/// # Errors
/// 400 without a mandate: the intent then waits to be confirmed again.
pub fn confirm(
    state: &mut State,
    cause: &Cause,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    other: &Arc<Other>,
    acceptance: Option<&Acceptance>,
) -> Result<Arc<PaymentIntent>, ApiError> {
    intent.payment_method = Some(method.id.clone());
    intent.next_action = None;
    let once = intent
        .usage()
        .is_none()
        .then(|| (intent.amount, intent.currency.clone()));
    intent.mandate = match acceptance {
        Some(given) => Some(mandate::make(state, method, other, given, once, "active")),
        None => mandate::standing(state, method),
    };
    if intent.mandate.is_none() {
        intent.status = Status::RequiresConfirmation;
        let intent = state.put(intent);
        return Err(no_mandate("PaymentIntent").with_intent(&intent));
    }
    if other.needs_proof() {
        intent.next_action = Some(ask_for_proof(state, &intent.id));
        intent.status = Status::RequiresAction;
        return Ok(told(state, cause, intent, "payment_intent.requires_action"));
    }
    Ok(begin(state, cause, intent, method, other))
}

fn told(state: &mut State, cause: &Cause, intent: PaymentIntent, kind: &'static str) -> Arc<PaymentIntent> {
    let intent = state.put(intent);
    let object = Object::PaymentIntent(Arc::clone(&intent));
    event::emit(state, cause, kind, object, None);
    intent
}

/// The debit is on its way.
fn begin(
    state: &mut State,
    cause: &Cause,
    mut intent: PaymentIntent,
    method: &PaymentMethod,
    other: &Arc<Other>,
) -> Arc<PaymentIntent> {
    let mut charge = charge::fresh(state, &intent, method, false);
    charge.debit = Some(Box::new(Debit {
        other: Arc::clone(other),
        mandate: intent.mandate.clone(),
        pending: true,
    }));
    let charge = state.put(charge);
    if let Some(after_ms) = other.answer().after_ms {
        let step = Step::AnswerDebit {
            charge: charge.id.clone(),
        };
        schedule::after(state, after_ms, step);
    }
    intent.latest_charge = Some(charge.id.clone());
    intent.status = Status::Processing;
    intent.next_action = None;
    intent.last_error = None;
    let intent = told(state, cause, intent, "payment_intent.processing");
    event::emit(state, cause, "charge.pending", Object::Charge(charge), None);
    intent
}

/// What a holder proved: the debit goes on its way, or the intent waits for another method.
///
/// # Errors
/// `payment_intent_unexpected_state` when the intent waits for no proof; 400 for a wrong one.
pub fn prove(
    state: &mut State,
    cause: &Cause,
    intent: &Arc<PaymentIntent>,
    proof: Option<&Proof>,
) -> Result<Arc<PaymentIntent>, ApiError> {
    if !matches!(intent.next_action, Some(NextAction::VerifyMicrodeposits { .. })) {
        let message = format!(
            "This PaymentIntent has a status of {} and awaits no verification of microdeposits.",
            intent.status.as_str()
        );
        return Err(ApiError::unexpected_state(message).with_intent(intent));
    }
    let proof = proof.ok_or_else(|| ApiError::missing("descriptor_code"))?;
    let id = intent.payment_method.as_deref().unwrap_or_default();
    let method = state.get::<PaymentMethod>(&intent.space, id)?;
    if let Err(error) = proof.check() {
        let over = error.code.is_some_and(|code| !code.ends_with("mismatch"));
        if over {
            let why = PaymentError {
                kind: "invalid_request_error".into(),
                code: error.code.unwrap_or_default().into(),
                decline_code: None,
                param: None,
                advice: None,
                message: error.message.clone(),
                charge: None,
                method: Arc::clone(&method),
            };
            confirm::fail(state, cause, PaymentIntent::clone(intent), why, None);
        }
        return Err(error);
    }
    let method = proven(state, &method);
    let Some(other) = method.other.clone() else {
        return Ok(Arc::clone(intent));
    };
    Ok(begin(state, cause, PaymentIntent::clone(intent), &method, &other))
}

/// The holder's bank account is theirs.
pub fn proven(state: &mut State, method: &PaymentMethod) -> Arc<PaymentMethod> {
    let mut method = method.clone();
    method.other = method.other.map(|other| Arc::new(other.proven()));
    state.put(method)
}

/// The bank answers a debit.
pub fn answer(state: &mut State, id: &str) {
    let Some(old) = Charge::table(state).anywhere(id).cloned() else {
        return;
    };
    let mut charge = Charge::clone(&old);
    let Some(debit) = charge.debit.as_mut().filter(|debit| debit.pending) else {
        return;
    };
    debit.pending = false;
    let (answer, mandate) = (debit.other.answer(), debit.mandate.clone());
    let cause = Cause::default();
    let intent = charge.payment_intent.clone().unwrap_or_default();
    let Ok(intent) = state.get::<PaymentIntent>(&charge.space, &intent) else {
        return;
    };
    let Ok(method) = state.get::<PaymentMethod>(&charge.space, &charge.payment_method) else {
        return;
    };
    let once = intent.usage().is_none();
    match answer.refusal {
        None => paid(state, &cause, charge, &intent, &method),
        Some(refusal) => refused(state, &cause, charge, &intent, &method, refusal),
    }
    if let Some(mandate) = mandate
        && once
        && let Ok(used) = state.get::<mandate::Mandate>(&intent.space, &mandate)
        && used.single_use.is_some()
    {
        mandate::turn(state, &cause, &intent.space, &mandate, "inactive");
    }
    payment_intents::tell_invoice(state, &cause, &intent);
}

fn paid(state: &mut State, cause: &Cause, charge: Charge, intent: &PaymentIntent, method: &PaymentMethod) {
    let amount = charge.amount;
    let charge = charge::taken(state, cause, charge, amount);
    let charge = state.put(charge);
    let object = Object::Charge(Arc::clone(&charge));
    event::emit(state, cause, "charge.succeeded", object, None);
    let mut intent = intent.clone();
    intent.status = Status::Succeeded;
    intent.amount_received = amount;
    let intent = told(state, cause, intent, "payment_intent.succeeded");
    confirm::keep(state, cause, &intent, method, false);
}

fn refused(
    state: &mut State,
    cause: &Cause,
    mut charge: Charge,
    intent: &PaymentIntent,
    method: &Arc<PaymentMethod>,
    (code, of_charge, message): (&str, &str, &str),
) {
    charge.failure = Some(Box::new(Failure {
        code: of_charge.to_owned(),
        decline_code: "generic_decline".into(),
        message: message.to_owned(),
        advice: None,
        outcome: "issuer_declined".into(),
    }));
    let charge = state.put(charge);
    let object = Object::Charge(Arc::clone(&charge));
    event::emit(state, cause, "charge.failed", object, None);
    let why = PaymentError {
        kind: "card_error".into(),
        code: code.to_owned(),
        decline_code: Some("generic_decline".into()),
        param: None,
        advice: None,
        message: message.to_owned(),
        charge: Some(charge.id.clone()),
        method: Arc::clone(method),
    };
    if method.customer.is_none() {
        state.put(PaymentMethod {
            spent: true,
            ..PaymentMethod::clone(method)
        });
    }
    confirm::fail(state, cause, intent.clone(), why, Some(charge.id.clone()));
}
