//! What requests do to setup intents: create, read, change, confirm, cancel, list. A confirmation asks the
//! card's bank and, where needed, its holder.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::account::Account;
use crate::api::{Ctx, TypesParam};
use crate::cards::{self, Authentication, Bank, Decline};
use crate::confirm::{self, Challenge};
use crate::confirmation_token;
use crate::customer;
use crate::error::{ApiError, CardRefusal};
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::list;
use crate::payment_intent::{Accepts, NextAction, PaymentError, Status};
use crate::payment_method::{self, PaymentMethod};
use crate::payments::means::Means;
use crate::payments::setup_attempt::{self, Outcome};
use crate::payments::setup_intent::SetupIntent;
use crate::payments::terms;
use crate::state::{Object, State};

/// `POST /v1/setup_intents`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    if !confirm {
        for name in ["confirmation_token", "mandate_data", "return_url"] {
            if params.has(name) {
                let message = format!(
                    "The parameter {name} cannot be passed when creating a SetupIntent unless confirm is set \
                     to true."
                );
                return Err(ApiError::invalid(message).param(name));
            }
        }
    }
    let mut intent = blank(state, ctx);
    if let Some(usage) = params.choice("usage", &["off_session", "on_session"])? {
        intent.usage = usage.to_owned();
    }
    change(state, ctx, &mut intent, &mut params)?;
    intent.use_stripe_sdk = params.boolean("use_stripe_sdk")?;
    let means = Means::read(state, ctx, &mut params, Some(&intent.usage))?;
    params.finish()?;
    if confirm {
        check(ctx, &intent, &means)?;
    } else if let Some(method) = &means.method {
        confirm::check_owner(&intent.customer, method, "SetupIntent")?;
    }
    intent.id = state.id("seti_1", 23);
    intent.client_secret = format!("{}_secret_{}", intent.id, state.id("", 30));
    if confirm {
        let intent = announced(state, ctx, intent);
        return Ok(carry_out(state, ctx, &intent, means)?.render_to(ctx));
    }
    if let Some(method) = means.method {
        let method = method.made(state, &ctx.space);
        intent.payment_method = Some(method.id.clone());
        intent.status = Status::RequiresConfirmation;
    }
    Ok(announced(state, ctx, intent).render_to(ctx))
}

fn blank(state: &State, ctx: &Ctx) -> SetupIntent {
    SetupIntent {
        id: String::new(),
        space: ctx.space.clone(),
        created: state.now_s(),
        client_secret: String::new(),
        status: Status::RequiresPaymentMethod,
        accepts: Accepts::Automatic { redirects: true },
        customer: None,
        payment_method: None,
        usage: "off_session".into(),
        latest_attempt: None,
        next_action: None,
        last_error: None,
        three_d_secure: None,
        use_stripe_sdk: None,
        description: None,
        cancellation_reason: None,
        on_behalf_of: None,
        attach_to_self: None,
        flow_directions: None,
        application: ctx
            .space
            .account
            .as_ref()
            .map(|_| state.settings.application.clone()),
        metadata: BTreeMap::new(),
    }
}

/// Reads what create and update share.
fn change(state: &State, ctx: &Ctx, intent: &mut SetupIntent, params: &mut Params) -> Result<(), ApiError> {
    match params.update("customer")? {
        Update::Keep => {}
        Update::Clear => intent.customer = None,
        Update::Set(id) => {
            let customer =
                customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
            intent.customer = Some(customer.id.clone());
        }
    }
    if let Some(accepts) = terms::read_accepts(ctx, params)? {
        intent.accepts = accepts;
    }
    params.update("description")?.apply(&mut intent.description);
    if let Some(id) = params.text("on_behalf_of")? {
        let account = state
            .get_for::<Account>(&ctx.space.platform(), &id, "on_behalf_of")
            .map_err(|error| error.status(400))?;
        intent.on_behalf_of = Some(account.id.clone());
    }
    intent.attach_to_self = params.boolean("attach_to_self")?.or(intent.attach_to_self);
    if intent.attach_to_self == Some(true) && intent.customer.is_some() {
        let message = "You may only specify one of these parameters: attach_to_self, customer.";
        return Err(ApiError::invalid(message).code("parameters_exclusive"));
    }
    if let Some(ways) = params.texts("flow_directions")? {
        if ways.iter().any(|way| way != "inbound" && way != "outbound") {
            let message = "Invalid flow_directions: must be one of inbound, outbound";
            return Err(ApiError::invalid(message).param("flow_directions"));
        }
        intent.flow_directions = Some(ways);
    }
    change_options(intent, params)?;
    params.metadata()?.apply(&mut intent.metadata)
}

fn change_options(intent: &mut SetupIntent, params: &mut Params) -> Result<(), ApiError> {
    if let Some(mut options) = params.map("payment_method_options")? {
        if let Some(mut card) = options.map("card")? {
            if let Some(word) = card.choice("request_three_d_secure", &["any", "automatic", "challenge"])? {
                intent.three_d_secure = Some(word.to_owned());
            }
            card.finish()?;
        }
        options.finish()?;
    }
    Ok(())
}

fn announced(state: &mut State, ctx: &Ctx, intent: SetupIntent) -> Arc<SetupIntent> {
    stored(state, &ctx.cause, intent, "setup_intent.created")
}

fn stored(state: &mut State, cause: &Cause, intent: SetupIntent, kind: &'static str) -> Arc<SetupIntent> {
    let intent = state.put(intent);
    let object = Object::SetupIntent(Arc::clone(&intent));
    event::emit(state, cause, kind, object, None);
    intent
}

/// An intent by its id and, for a publishable key, its secret.
fn found(state: &State, ctx: &Ctx, params: &mut Params, id: &str) -> Result<Arc<SetupIntent>, ApiError> {
    let secret = params.text("client_secret")?;
    let intent = state.get::<SetupIntent>(&ctx.space, id)?;
    let fits = secret.as_ref().map(|secret| *secret == intent.client_secret);
    match (ctx.secret, fits) {
        (_, Some(true)) | (true, None) => Ok(intent),
        (false, None) => Err(ApiError::missing("client_secret")),
        (_, Some(false)) => {
            let message = "The client_secret provided does not match any associated SetupIntent on this \
                           account. Ensure the client_secret and the SetupIntent are on the same account.";
            Err(ApiError::invalid(message)
                .code("setup_intent_invalid_parameter")
                .param("client_secret"))
        }
    }
}

/// `GET /v1/setup_intents/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let intent = found(state, ctx, &mut params, id)?;
    params.finish()?;
    Ok(intent.render_to(ctx))
}

/// `POST /v1/setup_intents/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<SetupIntent>(&ctx.space, id)?;
    let mut intent = SetupIntent::clone(&old);
    change(state, ctx, &mut intent, &mut params)?;
    let means = Means::read(state, ctx, &mut params, None)?;
    params.finish()?;
    let closed = old.status.is_final();
    if closed && (means.method.is_some() || intent.customer != old.customer) {
        return Err(ApiError::setup_state(format!(
            "You cannot update this SetupIntent because it has a status of {}.",
            old.status.as_str()
        ))
        .with_setup(&old));
    }
    if let Some(method) = means.method {
        confirm::check_owner(&intent.customer, &method, "SetupIntent")?;
        let method = method.made(state, &ctx.space);
        setup_attempt::end(state, &intent, Outcome::Abandoned, None);
        intent.payment_method = Some(method.id.clone());
        intent.status = Status::RequiresConfirmation;
        intent.next_action = None;
    }
    Ok(state.put(intent).render_to(ctx))
}

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
    check(ctx, &intent, &means)?;
    if means.method.is_none()
        && let Some(id) = &intent.payment_method
    {
        state.get::<PaymentMethod>(&ctx.space, id)?.usable()?;
    }
    Ok(carry_out(state, ctx, &intent, means)?.render_to(ctx))
}

/// Everything that refuses a confirmation before it begins.
fn check(ctx: &Ctx, intent: &SetupIntent, means: &Means) -> Result<(), ApiError> {
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
    if !intent.accepts.card() {
        let message = "The PaymentMethod provided (card) is not allowed for this SetupIntent. Please attempt \
                       with one of its payment_method_types.";
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
fn carry_out(
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
    if intent.status != Status::RequiresAction {
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

/// `POST /v1/setup_intents/{id}/cancel`.
pub fn cancel(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<SetupIntent>(&ctx.space, id)?;
    let reasons = ["abandoned", "duplicate", "requested_by_customer"];
    let reason = params.choice("cancellation_reason", &reasons)?;
    params.finish()?;
    if old.status.is_final() {
        return Err(ApiError::setup_state(format!(
            "You cannot cancel this SetupIntent because it has a status of {}. Only a SetupIntent with one \
             of the following statuses may be canceled: requires_payment_method, requires_confirmation, \
             requires_action.",
            old.status.as_str()
        ))
        .with_setup(&old));
    }
    setup_attempt::end(state, &old, Outcome::Abandoned, None);
    let intent = SetupIntent {
        status: Status::Canceled,
        cancellation_reason: reason.map(str::to_owned),
        next_action: None,
        ..SetupIntent::clone(&old)
    };
    Ok(stored(state, &ctx.cause, intent, "setup_intent.canceled").render_to(ctx))
}

/// `POST /v1/setup_intents/{id}/verify_microdeposits`: refused, since cards have none.
pub fn verify(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let intent = found(state, ctx, &mut params, id)?;
    terms::read_microdeposits(&mut params)?;
    params.finish()?;
    let message = format!(
        "This SetupIntent has a status of {} and awaits no verification of microdeposits.",
        intent.status.as_str()
    );
    Err(ApiError::invalid(message)
        .code("intent_invalid_state")
        .saved()
        .with_setup(&intent))
}

/// `GET /v1/setup_intents`, by `customer`, `payment_method`, `attach_to_self` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let customer = params.text("customer")?;
    let method = params.text("payment_method")?;
    let own = params.boolean("attach_to_self")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |intent: &SetupIntent| {
        customer
            .as_ref()
            .is_none_or(|customer| intent.customer.as_ref() == Some(customer))
            && method
                .as_ref()
                .is_none_or(|method| intent.payment_method.as_ref() == Some(method))
            && own.is_none_or(|own| intent.attach_to_self.unwrap_or(false) == own)
            && created.holds(intent.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/setup_intents",
        wanted,
        |intent: &SetupIntent| intent.render(),
    )
}
