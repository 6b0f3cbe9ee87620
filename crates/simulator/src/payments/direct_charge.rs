//! Charges made without an intent, by a token or a customer's source: the older API, which merchants still
//! use.

use std::sync::Arc;

use serde_json::Value;

use crate::account;
use crate::api::Ctx;
use crate::cards::{self, Authentication, Bank, Decline};
use crate::charge::{self, Charge};
use crate::currency;
use crate::customer::{self, Customer};
use crate::error::{ApiError, CardRefusal};
use crate::form::Params;
use crate::payment_intent::{CaptureMethod, PaymentIntent};
use crate::payment_intents;
use crate::payment_method::{self, Named, PaymentMethod};
use crate::payments::sources::{self, Brought};
use crate::payments::{capture, terms};
use crate::state::State;

/// `POST /v1/charges`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let amount = params
        .integer("amount")?
        .ok_or_else(|| ApiError::missing("amount"))?;
    let currency = currency::parse(&params.required("currency")?)?;
    currency::check_amount(amount, &currency)?;
    let fee = params.integer("application_fee_amount")?;
    let fee = fee.or(params.integer("application_fee")?);
    let mut terms = payment_intents::blank(state, &ctx.space, amount, currency, fee);
    let now = params.boolean("capture")?.unwrap_or(true);
    terms.capture_method = if now {
        CaptureMethod::Automatic
    } else {
        CaptureMethod::Manual
    };
    if let Some(text) = params.text("statement_descriptor")? {
        terms.statement_descriptor_suffix = Some(text);
    }
    let source = match params.text("customer")? {
        Some(id) => {
            let customer =
                customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
            terms.customer = Some(customer.id.clone());
            of_customer(state, ctx, &mut params, &customer)?
        }
        None => of_nobody(state, ctx, &mut params)?,
    };
    terms::change(state, ctx, &mut terms, &mut params)?;
    terms::change_while_open(&mut terms, &mut params)?;
    params.finish()?;
    if let Some(fee) = fee {
        terms::check_fee(ctx, &terms, fee, amount)?;
    }
    account::check_can_charge(state, &ctx.space)?;
    let method = match source {
        Named::Stored(method) => method,
        Named::Fresh(entry) => payment_method::make_source(state, &ctx.space, *entry),
    };
    charged(state, ctx, &terms, &method)
}

/// The customer's source that is named, or the default one.
fn of_customer(state: &State, ctx: &Ctx, params: &mut Params, of: &Customer) -> Result<Named, ApiError> {
    let named = params
        .clone()
        .text("source")
        .ok()
        .flatten()
        .filter(|id| !id.starts_with("tok_"));
    match named {
        Some(id) => {
            params.text("source")?;
            sources::chargeable(state, of, Some(&id))
        }
        None => match sources::read(state, ctx, params, "source")? {
            Some(brought) => card_of(brought),
            None => sources::chargeable(state, of, None),
        },
    }
}

fn of_nobody(state: &State, ctx: &Ctx, params: &mut Params) -> Result<Named, ApiError> {
    let name = if params.has("card") { "card" } else { "source" };
    match sources::read(state, ctx, params, name)? {
        Some(brought) => card_of(brought),
        None => Err(ApiError::invalid("Must provide source or customer.").code("parameter_missing")),
    }
}

fn card_of(brought: Brought) -> Result<Named, ApiError> {
    match brought {
        Brought::Card(entry) => Ok(Named::Fresh(entry)),
        Brought::Bank(..) => Err(ApiError::invalid(
            "A bank account pays only once it is a customer's and verified.",
        )
        .param("source")),
    }
}

/// Charges the card; nobody is there to authenticate.
fn charged(
    state: &mut State,
    ctx: &Ctx,
    terms: &PaymentIntent,
    method: &Arc<PaymentMethod>,
) -> Result<Value, ApiError> {
    let declined = refusal(ctx, method);
    let charge = charge::attempt(state, &ctx.cause, terms, method, false, declined);
    if method.customer.is_none() {
        state.put(PaymentMethod {
            spent: true,
            ..PaymentMethod::clone(method)
        });
    }
    match declined {
        None => Ok(charge.render()),
        Some(decline) => {
            let refusal = CardRefusal {
                decline_code: Some(decline.decline_code.to_owned()).filter(|code| !code.is_empty()),
                advice_code: decline.advice,
                charge: Some(charge.id.clone()),
                ..CardRefusal::default()
            };
            Err(ApiError::declined(decline, refusal))
        }
    }
}

fn refusal(ctx: &Ctx, method: &PaymentMethod) -> Option<&'static Decline> {
    match method.card.bank(ctx.space.livemode) {
        Bank::Declines(decline) | Bank::DeclinesAttached(decline) => return Some(decline),
        Bank::Approves | Bank::ApprovesAvailable | Bank::ApprovesAtRisk(_) | Bank::ApprovesDespite(_) => {}
    }
    let asks = method.card.test().map(|card| card.authentication);
    let asked = match asks {
        Some(Authentication::Always) => true,
        Some(Authentication::UnlessSetUp) => !method.set_up,
        Some(Authentication::OnSession | Authentication::Optional) | None => false,
    };
    asked.then_some(&cards::AUTHENTICATION_REQUIRED)
}

/// `POST /v1/charges/{id}/capture`.
pub fn capture(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Charge>(&ctx.space, id)?;
    let mut charge = Charge::clone(&old);
    let amount = params.integer("amount")?.unwrap_or(old.amount);
    let fee = params.integer("application_fee_amount")?;
    if let Some(fee) = fee.or(params.integer("application_fee")?) {
        charge.application_fee_amount = Some(fee);
    }
    params.update("receipt_email")?.apply(&mut charge.receipt_email);
    let suffix = params.text("statement_descriptor_suffix")?;
    if let Some(text) = suffix.or(params.text("statement_descriptor")?) {
        charge.statement_descriptor_suffix = Some(text);
    }
    params.update("transfer_group")?.apply(&mut charge.transfer_group);
    params.finish()?;
    if old.captured {
        let message = format!("Charge {id} has already been captured.");
        return Err(ApiError::invalid(message).code("charge_already_captured"));
    }
    if old.failure.is_some() {
        let message = format!("Charge {id} failed: only a charge that succeeded can be captured.");
        return Err(ApiError::invalid(message));
    }
    if old.amount_refunded > 0 {
        let message = format!("Charge {id} could not be captured because it has expired or was refunded.");
        return Err(ApiError::invalid(message).code("charge_expired_for_capture"));
    }
    if old.payment_intent.is_some() {
        return Err(ApiError::invalid(
            "This charge was made by a PaymentIntent: capture the PaymentIntent instead.",
        ));
    }
    capture::check_amount(amount, old.amount, "amount")?;
    charge.application_fee_amount = charge.application_fee_amount.map(|fee| fee.min(amount));
    Ok(capture::take(state, &ctx.cause, charge, amount).render())
}
