//! Confirming a payment intent: which card, whether its holder must authenticate, what the bank says, and
//! what is left of the intent. All that can be refused is checked before anything is changed.

use std::sync::Arc;

use serde_json::Value;

use crate::account;
use crate::api::{Ctx, TypesParam};
use crate::cards::{self, Authentication, Bank, Decline};
use crate::charge;
use crate::confirmation_token;
use crate::error::{ApiError, CardRefusal};
use crate::event::{self, Cause};
use crate::form::Params;
use crate::payment_intent::{NextAction, PaymentError, PaymentIntent, Status};
use crate::payment_intents;
use crate::payment_method::{self, Named, PaymentMethod};
use crate::payments::means::Means;
use crate::payments::terms;
use crate::payments::{card_options, cash, debit};
use crate::state::{Object, State};

/// `POST /v1/payment_intents/{id}/confirm`.
pub fn confirm(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = payment_intents::found(state, ctx, &mut params, id)?;
    if old.status.is_final() || matches!(old.status, Status::RequiresCapture | Status::Processing) {
        return Err(over(&old));
    }
    if old.confirmed_by_server && !ctx.secret {
        return Err(ApiError::unexpected_state(
            "This PaymentIntent's `confirmation_method` is `manual`, so it can be confirmed with a secret \
             key only.",
        )
        .with_intent(&old));
    }
    let mut intent = PaymentIntent::clone(&old);
    terms::change_while_open(&mut intent, &mut params)?;
    if let Some(expected) = params.integer("amount_to_confirm")?
        && expected != intent.amount
    {
        let message = "The amount_to_confirm does not match the amount of the PaymentIntent.";
        return Err(ApiError::invalid(message).param("amount_to_confirm"));
    }
    let means = Means::read(state, ctx, &mut params, intent.setup_future_usage.as_deref())?;
    params.finish()?;
    check(state, ctx, &intent, &means)?;
    let done = carry_out(state, ctx, &intent, means);
    payment_intents::tell_invoice(state, &ctx.cause, &intent);
    Ok(done?.render_to(ctx))
}

/// Charges a customer's saved card for an invoice, without a request: the intent as that leaves it, which is
/// paid (or held), waits for its holder, or waits for another card and says why in `last_error`. The
/// invoice's own hook is not called. `off_session` says that the holder is not there, which suffices for
/// cards set up for that; where the holder must be asked all the same, the intent waits.
pub fn attempt_for_invoice(
    state: &mut State,
    cause: &Cause,
    intent: &PaymentIntent,
    method: &PaymentMethod,
    off_session: bool,
) -> Arc<PaymentIntent> {
    let mut intent = intent.clone();
    intent.payment_method = Some(method.id.clone());
    intent.next_action = None;
    if let Some(other) = &method.other {
        let debited = debit::confirm(state, cause, intent.clone(), method, other, None);
        return debited.unwrap_or_else(|_| Arc::new(intent));
    }
    if must_authenticate(&intent, method, off_session) {
        return ask_holder(state, cause, intent, None);
    }
    let (space, id) = (intent.space.clone(), intent.id.clone());
    match charge(state, cause, intent.clone(), method, false) {
        Ok(intent) => intent,
        Err(_) => state.get(&space, &id).unwrap_or_else(|_| Arc::new(intent)),
    }
}

fn over(intent: &Arc<PaymentIntent>) -> ApiError {
    let why = match intent.status {
        Status::Succeeded => "it has already succeeded after being previously confirmed.".to_owned(),
        other => format!(
            "it has a status of {}. Only a PaymentIntent with one of the following statuses may be \
             confirmed: requires_confirmation, requires_action.",
            other.as_str()
        ),
    };
    ApiError::unexpected_state(format!("You cannot confirm this PaymentIntent because {why}"))
        .with_intent(intent)
}

/// Everything that refuses a confirmation before it begins.
///
/// # Errors
/// 400, and nothing has changed.
pub fn check(state: &State, ctx: &Ctx, intent: &PaymentIntent, means: &Means) -> Result<(), ApiError> {
    account::check_can_charge(state, &ctx.space)?;
    match (&means.method, &intent.payment_method) {
        (Some(method), _) => check_owner(&intent.customer, method, "PaymentIntent")?,
        (None, Some(id)) => state.get::<PaymentMethod>(&intent.space, id)?.usable()?,
        (None, None) => {
            return Err(ApiError::unexpected_state(
                "You cannot confirm this PaymentIntent because it's missing a payment method. You can either \
                 update the PaymentIntent with a payment method and then confirm it again, or confirm it \
                 again directly with a payment method or ConfirmationToken.",
            ));
        }
    }
    let other = means.other(state, &intent.space, intent.payment_method.as_deref());
    let kind = other.as_ref().map_or("card", |other| other.kind());
    if !intent.accepts.takes(kind) {
        let message = format!(
            "The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent. Please attempt with \
             one of the following payment method types: {}.",
            intent.accepts.kinds().join(", ")
        );
        return Err(ApiError::invalid(message).param("payment_method"));
    }
    if kind == cash::KIND && intent.customer.is_none() {
        let message = "A payment by customer_balance needs a `customer`.";
        return Err(ApiError::invalid(message).param("customer"));
    }
    if let Some(other) = &other {
        other.check_pays(&intent.currency)?;
    }
    let returns = means.return_url.is_some()
        || means.off_session
        || means.error_on_requires_action
        || means.by_sdk(intent.use_stripe_sdk);
    // Who names no version has an account from before methods were automatic.
    if intent.accepts.may_redirect() && !returns && ctx.types != TypesParam::Both {
        return Err(ApiError::invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because \
             some of these payment methods might redirect your customer off of your page, you must provide a \
             `return_url`. If you don't want to accept redirect-based payment methods, set \
             `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` \
             to `never` when creating Setup Intents and Payment Intents.",
        ));
    }
    Ok(())
}

/// A customer's card is for the intents of that customer only; `what` is the kind of intent.
///
/// # Errors
/// 400 when the intent is another's or nobody's.
pub fn check_owner(customer: &Option<String>, method: &Named, what: &str) -> Result<(), ApiError> {
    let Named::Stored(method) = method else {
        return Ok(());
    };
    if method.customer.is_some() && method.customer != *customer {
        return Err(ApiError::invalid(format!(
            "The PaymentMethod {} belongs to a Customer. Please include that Customer in the `customer` \
             parameter on the {what}.",
            method.id
        ))
        .param("payment_method"));
    }
    Ok(())
}

/// Carries a checked confirmation out.
///
/// # Errors
/// 402 when the card is refused; the intent then waits for another card.
pub fn carry_out(
    state: &mut State,
    ctx: &Ctx,
    intent_before: &PaymentIntent,
    means: Means,
) -> Result<Arc<PaymentIntent>, ApiError> {
    let by_sdk = means.by_sdk(intent_before.use_stripe_sdk);
    let off_session = means.off_session || card_options::by_phone(intent_before);
    let mut intent = intent_before.clone();
    if let Some(token) = &means.token {
        confirmation_token::spend(state, token, &intent.id);
        if intent.setup_future_usage.is_none() {
            intent.setup_future_usage = token.setup_future_usage.clone();
        }
        if intent.shipping.is_none() {
            intent.shipping = token.shipping.clone().map(Box::new);
        }
    }
    card_options::apply(state, &mut intent)?;
    let method = match means.method {
        Some(method) => method.made(state, &intent.space),
        None => state.get::<PaymentMethod>(
            &intent.space,
            intent.payment_method.as_deref().unwrap_or_default(),
        )?,
    };
    intent.payment_method = Some(method.id.clone());
    intent.next_action = None;
    if method.kind() == cash::KIND {
        return cash::confirm(state, &ctx.cause, intent);
    }
    if let Some(other) = &method.other {
        let given = means.acceptance.as_ref();
        return debit::confirm(state, &ctx.cause, intent, &method, other, given);
    }
    // What the holder agreed to is for the card it was asked for.
    let agreed = intent.authenticated && intent_before.payment_method.as_ref() == Some(&method.id);
    if agreed || !must_authenticate(&intent, &method, off_session) {
        return charge(state, &ctx.cause, intent, &method, agreed);
    }
    if means.error_on_requires_action {
        return Err(refuse(
            state,
            &ctx.cause,
            intent,
            &method,
            &cards::AUTHENTICATION_NOT_HANDLED,
            None,
        ));
    }
    if off_session {
        let declined = Some(&cards::AUTHENTICATION_REQUIRED);
        let failed = charge::attempt(state, &ctx.cause, &intent, &method, false, declined);
        let charge = Some(failed.id.clone());
        return Err(refuse(
            state,
            &ctx.cause,
            intent,
            &method,
            &cards::AUTHENTICATION_REQUIRED,
            charge,
        ));
    }
    let redirect = means
        .return_url
        .filter(|_| !by_sdk)
        .map(|return_url| (ctx.base.as_str(), return_url));
    Ok(ask_holder(state, &ctx.cause, intent, redirect))
}

/// The intent waits for the card's holder: in the page, or at the bank (whose page is under the base URL
/// given) when a redirect is wanted.
fn ask_holder(
    state: &mut State,
    cause: &Cause,
    mut intent: PaymentIntent,
    redirect: Option<(&str, String)>,
) -> Arc<PaymentIntent> {
    intent.next_action = Some(match redirect {
        Some((base, return_url)) => NextAction::to_bank(base, &intent.id, &intent.client_secret, return_url),
        None => NextAction::UseStripeSdk {
            source: state.id("payatt_3", 23),
        },
    });
    intent.status = Status::RequiresAction;
    let intent = state.put(intent);
    let object = Object::PaymentIntent(Arc::clone(&intent));
    event::emit(state, cause, "payment_intent.requires_action", object, None);
    intent
}

fn must_authenticate(intent: &PaymentIntent, method: &PaymentMethod, off_session: bool) -> bool {
    let Some(card) = method.card.test() else {
        return false;
    };
    if matches!(method.card.bank(intent.space.livemode), Bank::Declines(_)) {
        return false;
    }
    match card.authentication {
        Authentication::Always => true,
        Authentication::OnSession => !off_session,
        Authentication::UnlessSetUp => !method.set_up && !card_options::by_phone(intent),
        // Most holders are not enrolled: insisting on 3D Secure changes nothing for them.
        Authentication::Optional => {
            card.alias == "threeDSecureOptional"
                && matches!(intent.three_d_secure.as_deref(), Some("any" | "challenge"))
                && !off_session
        }
    }
}

fn charge(
    state: &mut State,
    cause: &Cause,
    intent: PaymentIntent,
    method: &PaymentMethod,
    authenticated: bool,
) -> Result<Arc<PaymentIntent>, ApiError> {
    match method.card.bank(intent.space.livemode) {
        Bank::Declines(decline) | Bank::DeclinesAttached(decline) => {
            let failed = charge::attempt(state, cause, &intent, method, authenticated, Some(decline));
            let charge = Some(failed.id.clone());
            Err(refuse(state, cause, intent, method, decline, charge))
        }
        Bank::Approves | Bank::ApprovesAvailable | Bank::ApprovesAtRisk(_) | Bank::ApprovesDespite(_) => {
            Ok(succeed(state, cause, intent, method, authenticated))
        }
    }
}

fn succeed(
    state: &mut State,
    cause: &Cause,
    intent: PaymentIntent,
    method: &PaymentMethod,
    authenticated: bool,
) -> Arc<PaymentIntent> {
    let charge = charge::attempt(state, cause, &intent, method, authenticated, None);
    let (status, kind) = if charge.captured {
        (Status::Succeeded, "payment_intent.succeeded")
    } else {
        (
            Status::RequiresCapture,
            "payment_intent.amount_capturable_updated",
        )
    };
    let intent = state.put(PaymentIntent {
        status,
        amount_received: charge.amount_captured,
        amount_capturable: if charge.captured { 0 } else { charge.amount },
        latest_charge: Some(charge.id.clone()),
        last_error: None,
        next_action: None,
        authenticated: false,
        ..intent
    });
    let object = Object::PaymentIntent(Arc::clone(&intent));
    event::emit(state, cause, kind, object, None);
    keep(state, cause, &intent, method, authenticated);
    intent
}

/// What becomes of a payment method that paid: a customer keeps it when that was wanted, and nobody's is used
/// up.
pub fn keep(
    state: &mut State,
    cause: &Cause,
    intent: &PaymentIntent,
    method: &PaymentMethod,
    authenticated: bool,
) {
    let mut method = method.clone();
    method.set_up |= authenticated && intent.usage() == Some("off_session");
    match (&intent.customer, intent.usage(), &method.customer) {
        (_, _, Some(_)) => drop(state.put(method)),
        (Some(customer), Some(_), None) => drop(payment_method::own(state, cause, &method, customer)),
        _ => spend(state, method),
    }
}

/// A card that nobody owns can be used once.
fn spend(state: &mut State, method: PaymentMethod) {
    state.put(PaymentMethod {
        spent: true,
        ..method
    });
}

/// The intent goes back to waiting for a card; the error that the caller gets names it.
fn refuse(
    state: &mut State,
    cause: &Cause,
    intent: PaymentIntent,
    method: &PaymentMethod,
    decline: &Decline,
    charge: Option<String>,
) -> ApiError {
    let decline_code = Some(decline.decline_code.to_owned()).filter(|code| !code.is_empty());
    let error = PaymentError::declined(decline, charge.clone(), &Arc::new(method.clone()));
    if charge.is_some() && method.customer.is_none() {
        spend(state, method.clone());
    }
    let intent = fail(state, cause, intent, error, charge.clone());
    let refusal = CardRefusal {
        decline_code,
        advice_code: decline.advice,
        charge,
        intent: Some(intent),
        method: Some(Arc::new(method.clone())),
        ..CardRefusal::default()
    };
    ApiError::declined(decline, refusal)
}

/// The intent goes back to waiting for a payment method, and says why.
pub fn fail(
    state: &mut State,
    cause: &Cause,
    intent: PaymentIntent,
    error: PaymentError,
    charge: Option<String>,
) -> Arc<PaymentIntent> {
    let intent = state.put(PaymentIntent {
        status: Status::RequiresPaymentMethod,
        payment_method: None,
        next_action: None,
        authenticated: false,
        last_error: Some(Box::new(error)),
        latest_charge: charge.or_else(|| intent.latest_charge.clone()),
        ..intent
    });
    event::emit(
        state,
        cause,
        "payment_intent.payment_failed",
        Object::PaymentIntent(Arc::clone(&intent)),
        None,
    );
    intent
}

/// What the holder did on the bank's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Authenticated.
    Complete,
    /// Did not.
    Fail,
}

/// Ends an authentication: the card is charged, or the intent waits for another.
///
/// # Errors
/// `payment_intent_unexpected_state` when the intent waits for no authentication. A charge that is then
/// declined is no error here: the intent says so.
pub fn authenticate(
    state: &mut State,
    intent: &Arc<PaymentIntent>,
    outcome: Challenge,
) -> Result<Arc<PaymentIntent>, ApiError> {
    let asked = !matches!(
        intent.next_action,
        Some(NextAction::VerifyMicrodeposits { .. } | NextAction::BankTransfer { .. })
    );
    if intent.status != Status::RequiresAction || !asked {
        let message = format!(
            "This PaymentIntent has a status of {} and awaits no authentication.",
            intent.status.as_str()
        );
        return Err(ApiError::unexpected_state(message).with_intent(intent));
    }
    let method = state.get::<PaymentMethod>(
        &intent.space,
        intent.payment_method.as_deref().unwrap_or_default(),
    )?;
    // The holder acts, not the merchant: Stripe names no request for it.
    let cause = Cause::default();
    if outcome == Challenge::Fail {
        let error = PaymentError {
            kind: "invalid_request_error".into(),
            message: "The provided PaymentMethod has failed authentication. You can provide \
                      payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent \
                      again."
                .into(),
            ..PaymentError::declined(&cards::AUTHENTICATION_FAILED, None, &method)
        };
        fail(state, &cause, PaymentIntent::clone(intent), error, None);
    } else if intent.confirmed_by_server {
        state.put(PaymentIntent {
            status: Status::RequiresConfirmation,
            next_action: None,
            authenticated: true,
            ..PaymentIntent::clone(intent)
        });
    } else {
        // A refusal shows in the intent.
        let _refused = charge(state, &cause, PaymentIntent::clone(intent), &method, true);
    }
    payment_intents::tell_invoice(state, &cause, intent);
    state.get(&intent.space, &intent.id)
}
