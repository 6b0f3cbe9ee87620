//! What requests do to setup intents: create, read, change, cancel, list. Confirming is in `setup_confirm`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::accounts;
use crate::api::Ctx;
use crate::confirm;
use crate::customer;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::list;
use crate::payment_intent::{Accepts, Status};
use crate::payments::means::Means;
use crate::payments::setup_attempt::{self, Outcome};
use crate::payments::setup_intent::SetupIntent;
use crate::payments::{setup_confirm, terms};
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
        setup_confirm::check(state, ctx, &intent, &means)?;
    } else if let Some(method) = &means.method {
        confirm::check_owner(&intent.customer, method, "SetupIntent")?;
    }
    intent.id = state.id("seti_1", 23);
    intent.client_secret = format!("{}_secret_{}", intent.id, state.id("", 30));
    if confirm {
        let intent = announced(state, ctx, intent);
        return Ok(setup_confirm::carry_out(state, ctx, &intent, means)?.render_to(ctx));
    }
    if let Some(method) = means.method {
        let method = method.made(state, &ctx.space);
        intent.payment_method = Some(method.id.clone());
        intent.status = Status::RequiresConfirmation;
    }
    Ok(announced(state, ctx, intent).render_to(ctx))
}

/// An intent by which a customer gives a card for a subscription that costs nothing yet.
pub fn for_subscription(state: &mut State, ctx: &Ctx, customer: &str) -> Arc<SetupIntent> {
    let mut intent = blank(state, ctx);
    intent.accepts = Accepts::Listed(vec!["card".into()]);
    intent.customer = Some(customer.to_owned());
    intent.id = state.id("seti_1", 23);
    intent.client_secret = format!("{}_secret_{}", intent.id, state.id("", 30));
    announced(state, ctx, intent)
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
        mandate: None,
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
        let account = accounts::named(state, ctx, &id, "on_behalf_of")?;
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

/// Reads `payment_method_options`.
///
/// # Errors
/// 400 for a malformed option.
pub fn change_options(intent: &mut SetupIntent, params: &mut Params) -> Result<(), ApiError> {
    if let Some(mut options) = params.map("payment_method_options")? {
        if let Some(mut card) = options.map("card")? {
            if let Some(word) = card.choice("request_three_d_secure", &["any", "automatic", "challenge"])? {
                intent.three_d_secure = Some(word.to_owned());
            }
            card.finish()?;
        }
        terms::read_bank_options(&mut options)?;
        options.finish()?;
    }
    Ok(())
}

fn announced(state: &mut State, ctx: &Ctx, intent: SetupIntent) -> Arc<SetupIntent> {
    stored(state, &ctx.cause, intent, "setup_intent.created")
}

/// Stores an intent and tells what happened to it.
pub fn stored(state: &mut State, cause: &Cause, intent: SetupIntent, kind: &'static str) -> Arc<SetupIntent> {
    let intent = state.put(intent);
    let object = Object::SetupIntent(Arc::clone(&intent));
    event::emit(state, cause, kind, object, None);
    intent
}

/// An intent by its id and, for a publishable key, its secret.
///
/// # Errors
/// 404 `resource_missing`; 400 without the secret, or with another's.
pub fn found(state: &State, ctx: &Ctx, params: &mut Params, id: &str) -> Result<Arc<SetupIntent>, ApiError> {
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
