//! Confirming a setup intent: the card's bank is asked and, where needed, its holder; a bank account is saved
//! under a mandate once its holder proved that it is theirs.

use std::sync::Arc;

use serde_json::Value;

use crate::api::{Ctx, TypesParam};
use crate::cards::{self, Authentication, Bank, Decline};
use crate::confirm::{self, Challenge};
use crate::confirmation_token;
use crate::error::{ApiError, CardRefusal};
use crate::event::Cause;
use crate::form::Params;
use crate::payment_intent::{NextAction, PaymentError, Status};
use crate::payment_method::{self, PaymentMethod};
use crate::payments::mandate::{self, Acceptance};
use crate::payments::means::Means;
use crate::payments::other_method::Other;
use crate::payments::setup_attempt::{self, Outcome};
use crate::payments::setup_intent::SetupIntent;
use crate::payments::setup_intents::{change_options, found, stored};
use crate::payments::{debit, terms};
use crate::state::State;

/// `POST /v1/setup_intents/{id}/confirm`.
pub fn confirm(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = found(state, ctx, &mut params, id)?;
    if old.status.is_final() {
        let why = match old.status {
            Status::Succeeded => "it has already succeeded.",
            _ => "it was canceled.",
        };
        let message = format!("You cannot confirm this SetupIntent because {why}");
        return Err(ApiError::setup_state(message).with_setup(&old));
    }
    let mut intent = SetupIntent::clone(&old);
    change_options(&mut intent, &mut params)?;
    if let Some(accepts) = terms::read_accepts(ctx, &mut params)? {
        intent.accepts = accepts;
    }
    let means = Means::read(state, ctx, &mut params, Some(&intent.usage))?;
    params.finish()?;
    check(state, ctx, &intent, &means)?;
    if means.method.is_none()
        && let Some(id) = &intent.payment_method
    {
        state.get::<PaymentMethod>(&ctx.space, id)?.usable()?;
    }
    Ok(carry_out(state, ctx, &intent, means)?.render_to(ctx))
}

/// Everything that refuses a confirmation before it begins.
///
/// # Errors
/// 400, and nothing has changed.
pub fn check(state: &State, ctx: &Ctx, intent: &SetupIntent, means: &Means) -> Result<(), ApiError> {
    match (&means.method, &intent.payment_method) {
        (Some(method), _) => confirm::check_owner(&intent.customer, method, "SetupIntent")?,
        (None, Some(_)) => {}
        (None, None) => {
            return Err(ApiError::setup_state(
                "You cannot confirm this SetupIntent because it's missing a payment method. Update the \
                 SetupIntent with a payment method and then confirm it again.",
            ));
        }
    }
    let other = means.other(state, &intent.space, intent.payment_method.as_deref());
    let kind = other.as_ref().map_or("card", |other| other.kind());
    if other.as_ref().is_some_and(|other| !other.is_debited()) {
        let message = format!("Setting {kind} up is not simulated: the payment method can only be kept.");
        return Err(ApiError::invalid(message).param("payment_method"));
    }
    if !intent.accepts.takes(kind) {
        let message = format!(
            "The PaymentMethod provided ({kind}) is not allowed for this SetupIntent. Please attempt with \
             one of the following payment method types: {}.",
            intent.accepts.kinds().join(", ")
        );
        return Err(ApiError::invalid(message).param("payment_method"));
    }
    let returns = means.return_url.is_some() || means.by_sdk(intent.use_stripe_sdk);
    if intent.accepts.may_redirect() && !returns && ctx.types != TypesParam::Both {
        return Err(ApiError::invalid(
            "This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because \
             some of these payment methods might redirect your customer off of your page, you must provide a \
             `return_url`. If you don't want to accept redirect-based payment methods, set \
             `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` \
             to `never` when creating Setup Intents and Payment Intents.",
        ));
    }
    Ok(())
}

/// Carries a checked confirmation out.
///
/// # Errors
/// 402 when the card is refused; 400 when nobody consented to debits.
pub fn carry_out(
    state: &mut State,
    ctx: &Ctx,
    intent: &SetupIntent,
    means: Means,
) -> Result<Arc<SetupIntent>, ApiError> {
    let by_sdk = means.by_sdk(intent.use_stripe_sdk);
    let mut intent = intent.clone();
    if let Some(token) = &means.token {
        confirmation_token::spend_on_setup(state, token, &intent.id);
    }
    let method = match means.method {
        Some(method) => method.made(state, &intent.space),
        None => state.get::<PaymentMethod>(
            &intent.space,
            intent.payment_method.as_deref().unwrap_or_default(),
        )?,
    };
    setup_attempt::end(state, &intent, Outcome::Abandoned, None);
    intent.payment_method = Some(method.id.clone());
    intent.next_action = None;
    intent.last_error = None;
    if let Some(other) = &method.other {
        return save_bank(
            state,
            &ctx.cause,
            intent,
            &method,
            other,
            means.acceptance.as_ref(),
        );
    }
    if let Bank::Declines(decline) = method.card.bank(intent.space.livemode) {
        return Err(refuse(state, &ctx.cause, intent, &method, decline));
    }
    if !must_authenticate(&intent, &method) {
        setup_attempt::begin(state, &mut intent, &method, Outcome::Succeeded, None);
        return Ok(succeed(state, &ctx.cause, intent, &method, false));
    }
    setup_attempt::begin(state, &mut intent, &method, Outcome::RequiresAction, None);
    let redirect = means.return_url.filter(|_| !by_sdk);
    let (id, secret) = (&intent.id, &intent.client_secret);
    intent.next_action = Some(match redirect {
        Some(return_url) => NextAction::to_bank(&ctx.base, id, secret, return_url),
        None => NextAction::UseStripeSdk {
            source: state.id("payatt_3", 23),
        },
    });
    intent.status = Status::RequiresAction;
    Ok(stored(state, &ctx.cause, intent, "setup_intent.requires_action"))
}

/// Saves a bank account under a mandate, once its holder proved that it is theirs.
fn save_bank(
    state: &mut State,
    cause: &Cause,
    mut intent: SetupIntent,
    method: &PaymentMethod,
    other: &Arc<Other>,
    acceptance: Option<&Acceptance>,
) -> Result<Arc<SetupIntent>, ApiError> {
    let waits = other.needs_proof();
    let status = if waits { "pending" } else { "active" };
    let Some(given) = acceptance else {
        intent.status = Status::RequiresConfirmation;
        let intent = state.put(intent);
        return Err(debit::no_mandate("SetupIntent").with_setup(&intent));
    };
    intent.mandate = Some(mandate::make(state, method, other, given, None, status));
    if !waits {
        setup_attempt::begin(state, &mut intent, method, Outcome::Succeeded, None);
        return Ok(succeed(state, cause, intent, method, false));
    }
    setup_attempt::begin(state, &mut intent, method, Outcome::RequiresAction, None);
    intent.next_action = Some(debit::ask_for_proof(state, &intent.id));
    intent.status = Status::RequiresAction;
    Ok(stored(state, cause, intent, "setup_intent.requires_action"))
}

fn must_authenticate(intent: &SetupIntent, method: &PaymentMethod) -> bool {
    let Some(card) = method.card.test() else {
        return false;
    };
    match card.authentication {
        Authentication::Always => true,
        Authentication::UnlessSetUp => !method.set_up,
        Authentication::OnSession => false,
        Authentication::Optional => {
            card.alias == "threeDSecureOptional"
                && matches!(intent.three_d_secure.as_deref(), Some("any" | "challenge"))
        }
    }
}

/// The card is saved, under the customer if there is one.
fn succeed(
    state: &mut State,
    cause: &Cause,
    intent: SetupIntent,
    method: &PaymentMethod,
    authenticated: bool,
) -> Arc<SetupIntent> {
    let mut method = method.clone();
    method.set_up |= authenticated && intent.usage == "off_session";
    match (&intent.customer, &method.customer) {
        (Some(customer), None) => drop(payment_method::own(state, cause, &method, customer)),
        _ => drop(state.put(method)),
    }
    let intent = SetupIntent {
        status: Status::Succeeded,
        next_action: None,
        last_error: None,
        ..intent
    };
    stored(state, cause, intent, "setup_intent.succeeded")
}

/// The intent goes back to waiting for a card; the error that the caller gets names it.
fn refuse(
    state: &mut State,
    cause: &Cause,
    mut intent: SetupIntent,
    method: &Arc<PaymentMethod>,
    decline: &Decline,
) -> ApiError {
    let error = Box::new(PaymentError::declined(decline, None, method));
    setup_attempt::begin(state, &mut intent, method, Outcome::Failed, Some(error.clone()));
    let intent = failed(state, cause, intent, error);
    let refusal = CardRefusal {
        decline_code: Some(decline.decline_code.to_owned()).filter(|code| !code.is_empty()),
        advice_code: decline.advice,
        setup: Some(intent),
        method: Some(Arc::clone(method)),
        ..CardRefusal::default()
    };
    ApiError::declined(decline, refusal)
}

fn failed(
    state: &mut State,
    cause: &Cause,
    intent: SetupIntent,
    error: Box<PaymentError>,
) -> Arc<SetupIntent> {
    let intent = SetupIntent {
        status: Status::RequiresPaymentMethod,
        payment_method: None,
        next_action: None,
        last_error: Some(error),
        ..intent
    };
    stored(state, cause, intent, "setup_intent.setup_failed")
}

/// Ends an authentication: the card is saved, or the intent waits for another.
///
/// # Errors
/// `setup_intent_unexpected_state` when the intent waits for no authentication.
pub fn authenticate(
    state: &mut State,
    intent: &Arc<SetupIntent>,
    outcome: Challenge,
) -> Result<Arc<SetupIntent>, ApiError> {
    let asked = !matches!(intent.next_action, Some(NextAction::VerifyMicrodeposits { .. }));
    if intent.status != Status::RequiresAction || !asked {
        let message = format!(
            "This SetupIntent has a status of {} and awaits no authentication.",
            intent.status.as_str()
        );
        return Err(ApiError::setup_state(message).with_setup(intent));
    }
    let id = intent.payment_method.as_deref().unwrap_or_default();
    let method = state.get::<PaymentMethod>(&intent.space, id)?;
    // The holder acts, not the merchant: Stripe names no request for it.
    let cause = Cause::default();
    if outcome == Challenge::Complete {
        setup_attempt::end(state, intent, Outcome::Succeeded, None);
        return Ok(succeed(state, &cause, SetupIntent::clone(intent), &method, true));
    }
    let error = Box::new(PaymentError {
        kind: "invalid_request_error".into(),
        ..PaymentError::declined(&cards::SETUP_AUTHENTICATION_FAILED, None, &method)
    });
    setup_attempt::end(state, intent, Outcome::Failed, Some(error.clone()));
    Ok(failed(state, &cause, SetupIntent::clone(intent), error))
}

/// `POST /v1/setup_intents/{id}/verify_microdeposits`: the bank account is saved.
pub fn verify(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let intent = found(state, ctx, &mut params, id)?;
    let proof = terms::read_microdeposits(&mut params)?;
    params.finish()?;
    if !matches!(intent.next_action, Some(NextAction::VerifyMicrodeposits { .. })) {
        let message = format!(
            "This SetupIntent has a status of {} and awaits no verification of microdeposits.",
            intent.status.as_str()
        );
        return Err(ApiError::invalid(message)
            .code("intent_invalid_state")
            .saved()
            .with_setup(&intent));
    }
    let proof = proof.ok_or_else(|| ApiError::missing("descriptor_code"))?;
    let id = intent.payment_method.as_deref().unwrap_or_default();
    let method = state.get::<PaymentMethod>(&intent.space, id)?;
    if let Err(error) = proof.check() {
        if let Some(code) = error.code.filter(|code| !code.ends_with("mismatch")) {
            let why = Box::new(PaymentError {
                kind: "invalid_request_error".into(),
                code: code.into(),
                message: error.message.clone(),
                ..PaymentError::declined(&cards::SETUP_AUTHENTICATION_FAILED, None, &method)
            });
            setup_attempt::end(state, &intent, Outcome::Failed, Some(why.clone()));
            failed(state, &ctx.cause, SetupIntent::clone(&intent), why);
        }
        return Err(error);
    }
    let method = debit::proven(state, &method);
    if let Some(mandate) = &intent.mandate {
        mandate::turn(state, &ctx.cause, &intent.space, mandate, "active");
    }
    setup_attempt::end(state, &intent, Outcome::Succeeded, None);
    Ok(succeed(state, &ctx.cause, SetupIntent::clone(&intent), &method, false).render_to(ctx))
}
