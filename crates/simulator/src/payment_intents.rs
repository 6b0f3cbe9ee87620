//! What requests do to payment intents: create, read, change, cancel, list. Confirming is in `confirm`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::api::Ctx;
use crate::billing;
use crate::confirm;
use crate::currency;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::list;
use crate::payment_intent::{Accepts, CaptureMethod, PaymentIntent, Status, TransferData};
use crate::payment_method::{self, Named};
use crate::payments::means::Means;
use crate::payments::{capture, cash, debit, terms};
use crate::state::{Object, Space, State};

/// `POST /v1/payment_intents`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let amount = params
        .integer("amount")?
        .ok_or_else(|| ApiError::missing("amount"))?;
    let currency = currency::parse(&params.required("currency")?)?;
    currency::check_amount(amount, &currency)?;
    let fee = params.integer("application_fee_amount")?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    if !confirm {
        for name in [
            "confirmation_token",
            "error_on_requires_action",
            "mandate_data",
            "off_session",
            "return_url",
        ] {
            if params.has(name) {
                let message = format!(
                    "The parameter {name} cannot be passed when creating a PaymentIntent unless confirm is \
                     set to true."
                );
                return Err(ApiError::invalid(message).param(name));
            }
        }
    }
    let mut intent = blank(state, &ctx.space, amount, currency, fee);
    intent.accepts = terms::read_accepts(ctx, &mut params)?.unwrap_or(Accepts::Automatic { redirects: true });
    terms::change(state, ctx, &mut intent, &mut params)?;
    if let Some(fee) = fee {
        terms::check_fee(ctx, &intent, fee, amount)?;
    }
    let means = Means::read(state, ctx, &mut params, intent.setup_future_usage.as_deref())?;
    read_intent_settings(&mut intent, &mut params)?;
    params.finish()?;
    if confirm {
        confirm::check(state, ctx, &intent, &means)?;
    }
    name(state, &mut intent);
    if !confirm && let Some(method) = means.method {
        set_method(state, &mut intent, method)?;
        return Ok(announced(state, &ctx.cause, intent).render_to(ctx));
    }
    let intent = announced(state, &ctx.cause, intent);
    if confirm {
        Ok(confirm::carry_out(state, ctx, &intent, means)?.render_to(ctx))
    } else {
        Ok(intent.render_to(ctx))
    }
}

/// What an invoice wants paid.
pub struct ForInvoice<'a> {
    /// The account and mode that it is paid in.
    pub space: &'a Space,
    /// The invoice, `in_…`.
    pub invoice: &'a str,
    /// Whose invoice it is.
    pub customer: &'a str,
    /// In minor units; the caller has checked that it can be charged.
    pub amount: i64,
    /// Currency.
    pub currency: &'a str,
    /// The platform's share, in minor units.
    pub application_fee_amount: Option<i64>,
    /// What the charge will say it is for.
    pub description: Option<String>,
    /// Whether the card is to be kept: `on_session` or `off_session`.
    pub setup_future_usage: Option<&'static str>,
    /// The account that the payment is settled for.
    pub on_behalf_of: Option<String>,
    /// Where the money goes on to.
    pub transfer_data: Option<TransferData>,
}

/// Makes the intent that pays an invoice, which waits for a card; `confirm::attempt_for_invoice` charges it.
pub fn for_invoice(state: &mut State, cause: &Cause, wanted: ForInvoice) -> Arc<PaymentIntent> {
    let (space, currency) = (wanted.space, wanted.currency.to_owned());
    let mut intent = blank(
        state,
        space,
        wanted.amount,
        currency,
        wanted.application_fee_amount,
    );
    intent.accepts = Accepts::Listed(vec!["card".into()]);
    intent.customer = Some(wanted.customer.to_owned());
    intent.invoice = Some(wanted.invoice.to_owned());
    intent.description = wanted.description;
    intent.setup_future_usage = wanted.setup_future_usage.map(str::to_owned);
    intent.on_behalf_of = wanted.on_behalf_of;
    intent.transfer_data = wanted.transfer_data;
    name(state, &mut intent);
    announced(state, cause, intent)
}

/// An invoice hears of what its payer did to its intent.
pub fn tell_invoice(state: &mut State, cause: &Cause, intent: &PaymentIntent) {
    if intent.invoice.is_some()
        && let Ok(intent) = state.get::<PaymentIntent>(&intent.space, &intent.id)
    {
        billing::intent_changed(state, cause, &intent);
    }
}

fn name(state: &mut State, intent: &mut PaymentIntent) {
    intent.id = state.id("pi_3", 23);
    intent.client_secret = format!("{}_secret_{}", intent.id, state.id("", 25));
}

fn announced(state: &mut State, cause: &Cause, intent: PaymentIntent) -> Arc<PaymentIntent> {
    let intent = state.put(intent);
    event::emit(
        state,
        cause,
        "payment_intent.created",
        Object::PaymentIntent(Arc::clone(&intent)),
        None,
    );
    intent
}

/// An intent over an amount of which nothing else is known; it has no id yet.
pub fn blank(state: &State, space: &Space, amount: i64, currency: String, fee: Option<i64>) -> PaymentIntent {
    PaymentIntent {
        id: String::new(),
        space: space.clone(),
        created: state.now_s(),
        client_secret: String::new(),
        status: Status::RequiresPaymentMethod,
        amount,
        currency,
        amount_received: 0,
        application_fee_amount: fee,
        accepts: Accepts::Automatic { redirects: true },
        capture_method: CaptureMethod::AutomaticAsync,
        confirmed_by_server: false,
        authenticated: false,
        customer: None,
        payment_method: None,
        mandate: None,
        latest_charge: None,
        next_action: None,
        last_error: None,
        setup_future_usage: None,
        three_d_secure: None,
        card_options: None,
        use_stripe_sdk: None,
        description: None,
        receipt_email: None,
        shipping: None,
        statement_descriptor_suffix: None,
        cash_applied: 0,
        amount_capturable: 0,
        on_behalf_of: None,
        transfer_data: None,
        transfer_group: None,
        invoice: None,
        canceled_at: None,
        cancellation_reason: None,
        application: space.account.as_ref().map(|_| state.settings.application.clone()),
        metadata: BTreeMap::new(),
    }
}

/// Reads what only a create says.
fn read_intent_settings(intent: &mut PaymentIntent, params: &mut Params) -> Result<(), ApiError> {
    let by = params.choice("confirmation_method", &["automatic", "manual"])?;
    intent.confirmed_by_server = by == Some("manual");
    intent.use_stripe_sdk = params.boolean("use_stripe_sdk")?.or(intent.use_stripe_sdk);
    Ok(())
}

/// Puts a card on an intent that is not confirmed yet.
fn set_method(state: &mut State, intent: &mut PaymentIntent, method: Named) -> Result<(), ApiError> {
    confirm::check_owner(&intent.customer, &method, "PaymentIntent")?;
    let method = method.made(state, &intent.space);
    intent.payment_method = Some(method.id.clone());
    intent.status = Status::RequiresConfirmation;
    Ok(())
}

/// An intent by its id and, for a publishable key, its secret.
pub fn found(
    state: &State,
    ctx: &Ctx,
    params: &mut Params,
    id: &str,
) -> Result<Arc<PaymentIntent>, ApiError> {
    let secret = params.text("client_secret")?;
    let intent = state.get::<PaymentIntent>(&ctx.space, id)?;
    let fits = secret.as_ref().map(|secret| *secret == intent.client_secret);
    match (ctx.secret, fits) {
        (_, Some(true)) | (true, None) => Ok(intent),
        (false, None) => Err(ApiError::missing("client_secret")),
        (_, Some(false)) => {
            let message = "The client_secret provided does not match any associated PaymentIntent on this \
                           account. Ensure the client_secret and the PaymentIntent are on the same \
                           account.";
            Err(ApiError::invalid(message)
                .code("payment_intent_invalid_parameter")
                .param("client_secret"))
        }
    }
}

/// `GET /v1/payment_intents/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let intent = found(state, ctx, &mut params, id)?;
    params.finish()?;
    Ok(intent.render_to(ctx))
}

/// `POST /v1/payment_intents/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<PaymentIntent>(&ctx.space, id)?;
    let mut intent = PaymentIntent::clone(&old);
    if let Some(currency) = params.text("currency")? {
        intent.currency = currency::parse(&currency)?;
    }
    intent.amount = params.integer("amount")?.unwrap_or(intent.amount);
    match params.update("application_fee_amount")? {
        Update::Keep => {}
        Update::Clear => intent.application_fee_amount = None,
        Update::Set(text) => {
            let fee = text.parse().map_err(|_| {
                ApiError::invalid("Invalid integer")
                    .code("parameter_invalid_integer")
                    .param("application_fee_amount")
            })?;
            intent.application_fee_amount = Some(fee);
        }
    }
    currency::check_amount(intent.amount, &intent.currency)?;
    if let Some(accepts) = terms::read_accepts(ctx, &mut params)? {
        intent.accepts = accepts;
    }
    terms::change(state, ctx, &mut intent, &mut params)?;
    if let Some(fee) = intent.application_fee_amount {
        terms::check_fee(ctx, &intent, fee, intent.amount)?;
    }
    let method = params
        .text("payment_method")?
        .map(|id| payment_method::named(state, &ctx.space, &id))
        .transpose()?;
    params.finish()?;
    let money_moved = (
        intent.amount,
        &intent.currency,
        intent.application_fee_amount,
        &intent.customer,
    ) != (
        old.amount,
        &old.currency,
        old.application_fee_amount,
        &old.customer,
    );
    let settled = old.status.is_final() || matches!(old.status, Status::RequiresCapture | Status::Processing);
    if settled && (money_moved || method.is_some()) {
        return Err(not_updatable(&old));
    }
    if let Some(method) = method {
        set_method(state, &mut intent, method)?;
    } else if money_moved && intent.status == Status::RequiresAction {
        // What the holder was to agree to has changed.
        intent.status = Status::RequiresConfirmation;
        intent.next_action = None;
    }
    Ok(state.put(intent).render_to(ctx))
}

fn not_updatable(intent: &Arc<PaymentIntent>) -> ApiError {
    ApiError::unexpected_state(format!(
        "This PaymentIntent's amount could not be updated because it has a status of {}. You may only update \
         the amount of a PaymentIntent with one of the following statuses: requires_payment_method, \
         requires_confirmation.",
        intent.status.as_str()
    ))
    .with_intent(intent)
}

/// `POST /v1/payment_intents/{id}/cancel`.
pub fn cancel(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<PaymentIntent>(&ctx.space, id)?;
    let reasons = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
    let reason = params.choice("cancellation_reason", &reasons)?;
    params.finish()?;
    if old.status.is_final() || old.status == Status::Processing {
        return Err(ApiError::unexpected_state(format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with \
             one of the following statuses may be canceled: requires_payment_method, requires_capture, \
             requires_confirmation, requires_action, processing.",
            old.status.as_str()
        ))
        .with_intent(&old));
    }
    capture::release(state, &ctx.cause, &old);
    cash::give_back(state, &ctx.cause, &old);
    Ok(give_up(state, &ctx.cause, &old, reason).render_to(ctx))
}

/// Cancels an intent; what it held on a card has been released before.
pub fn give_up(
    state: &mut State,
    cause: &Cause,
    old: &PaymentIntent,
    reason: Option<&str>,
) -> Arc<PaymentIntent> {
    let intent = state.put(PaymentIntent {
        status: Status::Canceled,
        amount_capturable: 0,
        canceled_at: Some(state.now_s()),
        cancellation_reason: reason.map(str::to_owned),
        next_action: None,
        ..old.clone()
    });
    let object = Object::PaymentIntent(Arc::clone(&intent));
    event::emit(state, cause, "payment_intent.canceled", object, None);
    intent
}

/// `POST /v1/payment_intents/{id}/verify_microdeposits`.
pub fn verify(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let intent = found(state, ctx, &mut params, id)?;
    let proof = terms::read_microdeposits(&mut params)?;
    params.finish()?;
    let done = debit::prove(state, &ctx.cause, &intent, proof.as_ref());
    tell_invoice(state, &ctx.cause, &intent);
    Ok(done?.render_to(ctx))
}

/// `GET /v1/payment_intents`, by `customer` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let customer = params.text("customer")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |intent: &PaymentIntent| {
        customer
            .as_ref()
            .is_none_or(|customer| intent.customer.as_ref() == Some(customer))
            && created.holds(intent.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/payment_intents",
        wanted,
        |intent: &PaymentIntent| intent.render(),
    )
}
