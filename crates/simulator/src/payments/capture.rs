//! Money that a card only holds: it is captured, in whole or in part, or released by the merchant or by time.

use std::sync::Arc;

use serde_json::Value;

use crate::api::Ctx;
use crate::charge::{self, Charge};
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::payment_intent::{PaymentIntent, Status};
use crate::payment_intents;
use crate::payments::terms;
use crate::state::{Object, Row, State};

/// `POST /v1/payment_intents/{id}/capture`.
pub fn capture(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<PaymentIntent>(&ctx.space, id)?;
    let mut intent = PaymentIntent::clone(&old);
    let amount = params.integer("amount_to_capture")?;
    let fee = params.integer("application_fee_amount")?;
    let last = params.boolean("final_capture")?.unwrap_or(true);
    params
        .update("statement_descriptor_suffix")?
        .apply(&mut intent.statement_descriptor_suffix);
    terms::no_statement_descriptor(&mut params)?;
    params.metadata()?.apply(&mut intent.metadata)?;
    params.finish()?;
    if old.status != Status::RequiresCapture {
        return Err(ApiError::unexpected_state(format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a PaymentIntent \
             with one of the following statuses may be captured: requires_capture.",
            old.status.as_str()
        ))
        .with_intent(&old));
    }
    let amount = amount.unwrap_or(old.amount_capturable);
    check_amount(amount, old.amount_capturable, "amount_to_capture")?;
    if !last {
        let message = "This PaymentIntent does not support multiple captures, so `final_capture` cannot be \
                       `false`.";
        return Err(ApiError::invalid(message)
            .code("payment_intent_invalid_parameter")
            .param("final_capture"));
    }
    if let Some(fee) = fee {
        terms::check_fee(ctx, &intent, fee, amount)?;
        intent.application_fee_amount = Some(fee);
    }
    let held = intent.latest_charge.as_deref().unwrap_or_default();
    let held = state.get::<Charge>(&ctx.space, held)?;
    let mut charge = Charge::clone(&held);
    charge.application_fee_amount = intent.application_fee_amount.map(|fee| fee.min(amount));
    charge.statement_descriptor_suffix = intent.statement_descriptor_suffix.clone();
    let charge = take(state, &ctx.cause, charge, amount);
    intent.status = Status::Succeeded;
    intent.amount_capturable = 0;
    intent.amount_received = charge.amount_captured;
    let intent = state.put(intent);
    let object = Object::PaymentIntent(Arc::clone(&intent));
    event::emit(state, &ctx.cause, "payment_intent.succeeded", object, None);
    payment_intents::tell_invoice(state, &ctx.cause, &intent);
    Ok(intent.render_to(ctx))
}

/// Of what is held at least one and at most all can be captured.
///
/// # Errors
/// 400, blaming `param`.
pub fn check_amount(amount: i64, held: i64, param: &str) -> Result<(), ApiError> {
    if amount < 1 {
        Err(ApiError::below_one(param))
    } else if amount > held {
        Err(ApiError::invalid(format!(
            "The provided {param} ({amount}) is greater than the capturable amount ({held})."
        ))
        .code("amount_too_large")
        .param(param))
    } else {
        Ok(())
    }
}

/// Captures so much of a held charge.
pub fn take(state: &mut State, cause: &Cause, charge: Charge, amount: i64) -> Arc<Charge> {
    let charge = charge::taken(state, cause, charge, amount);
    let charge = state.put(charge);
    let object = Object::Charge(Arc::clone(&charge));
    event::emit(state, cause, "charge.captured", object, None);
    charge
}

/// Gives what an intent holds on a card back to it; of an intent that holds nothing, nothing.
pub fn release(state: &mut State, cause: &Cause, intent: &PaymentIntent) {
    if intent.status != Status::RequiresCapture {
        return;
    }
    let id = intent.latest_charge.as_deref().unwrap_or_default();
    if let Ok(charge) = state.get::<Charge>(&intent.space, id) {
        let (charge, previous) = given_back(state, &charge);
        event::emit(state, cause, "charge.refunded", Object::Charge(charge), previous);
    }
}

/// The charge with all of it given back, and what an event says of before.
fn given_back(state: &mut State, old: &Charge) -> (Arc<Charge>, Option<String>) {
    let charge = state.put(Charge {
        amount_refunded: old.amount,
        ..old.clone()
    });
    let previous = event::previous(&old.render(), &charge.render());
    (charge, previous)
}

/// The seven days of a hold are over: when it was neither captured nor released, it is gone, and its intent
/// with it.
pub fn expire(state: &mut State, id: &str) {
    let Some(old) = Charge::table(state).anywhere(id).cloned() else {
        return;
    };
    if old.captured || old.amount_refunded > 0 {
        return;
    }
    let cause = Cause::default();
    let (charge, previous) = given_back(state, &old);
    event::emit(
        state,
        &cause,
        "charge.expired",
        Object::Charge(Arc::clone(&charge)),
        previous,
    );
    let Some(intent) = &charge.payment_intent else {
        return;
    };
    if let Ok(intent) = state.get::<PaymentIntent>(&charge.space, intent) {
        payment_intents::give_up(state, &cause, &intent, Some("automatic"));
    }
}

/// `POST /v1/payment_intents/{id}/increment_authorization`: refused, since no account here may ask for it.
pub fn increment(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let intent = state.get::<PaymentIntent>(&ctx.space, id)?;
    params
        .integer("amount")?
        .ok_or_else(|| ApiError::missing("amount"))?;
    params.integer("application_fee_amount")?;
    params.text("description")?;
    params.metadata()?;
    params.text("statement_descriptor")?;
    if let Some(mut transfer) = params.map("transfer_data")? {
        transfer.integer("amount")?;
        transfer.finish()?;
    }
    params.finish()?;
    if intent.status != Status::RequiresCapture {
        return Err(ApiError::unexpected_state(format!(
            "This PaymentIntent's authorization could not be incremented because it has a status of {}. Only \
             a PaymentIntent with one of the following statuses may be incremented: requires_capture.",
            intent.status.as_str()
        ))
        .with_intent(&intent));
    }
    Err(ApiError::invalid(
        "This PaymentIntent does not support incremental authorization: it was not requested when the \
         PaymentIntent was confirmed.",
    ))
}
