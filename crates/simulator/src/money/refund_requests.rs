//! What requests do to refunds: create within what is left, read, change, list. A card's refund can be
//! neither canceled nor expired.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::api::Ctx;
use crate::application_fee::ApplicationFee;
use crate::balance::FeeDetail;
use crate::charge::{self, Charge};
use crate::currency;
use crate::error::ApiError;
use crate::event::Cause;
use crate::form::Params;
use crate::list;
use crate::money::fee_refund;
use crate::money::fraud_warning;
use crate::money::refund::{self, Refund, Status};
use crate::money::reversal;
use crate::money::transfer::Transfer;
use crate::payment_intent::PaymentIntent;
use crate::payments::cash;
use crate::state::{Row, State};

/// What a request for a refund says.
#[derive(Debug, Default)]
pub struct Wanted {
    /// In minor units; without it all that is left.
    pub amount: Option<i64>,
    /// Why.
    pub reason: Option<&'static str>,
    /// Whether the platform gives its share back.
    pub with_fee: bool,
    /// Whether what was moved on comes back.
    pub with_transfer: bool,
    /// Who is told how to get it.
    pub instructions_email: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Wanted {
    fn read(params: &mut Params) -> Result<Wanted, ApiError> {
        let amount = params.positive("amount")?;
        let reasons = ["duplicate", "fraudulent", "requested_by_customer"];
        Ok(Wanted {
            amount,
            reason: params.choice("reason", &reasons)?,
            with_fee: params.boolean("refund_application_fee")?.unwrap_or(false),
            with_transfer: params.boolean("reverse_transfer")?.unwrap_or(false),
            instructions_email: params.text("instructions_email")?,
            metadata: params.metadata()?.fresh()?,
        })
    }
}

/// `POST /v1/refunds`, of a `payment_intent` or a `charge`.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let (intent, charge) = (params.text("payment_intent")?, params.text("charge")?);
    let wanted = Wanted::read(&mut params)?;
    params.finish()?;
    let charge = match (intent, charge) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: charge, payment_intent.";
            return Err(ApiError::invalid(message).code("parameters_exclusive"));
        }
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent \
                           or charge.";
            return Err(ApiError::invalid(message).code("parameter_missing"));
        }
        (Some(id), None) => {
            let intent = state.get_for::<PaymentIntent>(&ctx.space, &id, "payment_intent")?;
            charge_of(state, &intent)?
        }
        (None, Some(id)) => state.get_for::<Charge>(&ctx.space, &id, "charge")?,
    };
    Ok(made(state, &ctx.cause, &charge, wanted)?.render())
}

fn charge_of(state: &State, intent: &PaymentIntent) -> Result<Arc<Charge>, ApiError> {
    let charge = intent.latest_charge.as_deref();
    charge
        .and_then(|id| Charge::table(state).at(&intent.space, id))
        .filter(|charge| charge.failure.is_none())
        .cloned()
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "This PaymentIntent ({}) has a status of {}: it does not have a successful charge to refund.",
                intent.id,
                intent.status.as_str()
            ))
        })
}

/// What can still be refunded of a charge.
///
/// # Errors
/// 400 for a charge that failed, is only held, was charged back or refunded, or has less left.
fn check(charge: &Charge, amount: Option<i64>) -> Result<i64, ApiError> {
    if charge.failure.is_some() {
        let message = format!("Charge {} failed: there is nothing to refund.", charge.id);
        return Err(ApiError::invalid(message));
    }
    if !charge.captured && charge.payment_intent.is_some() {
        return Err(ApiError::invalid(format!(
            "Charge {} has not been captured: cancel its PaymentIntent instead of refunding it.",
            charge.id
        )));
    }
    if charge.charged_back {
        return Err(ApiError::invalid(format!(
            "Charge {} has been charged back; cannot issue a refund.",
            charge.id
        ))
        .code("charge_disputed"));
    }
    if charge
        .debit
        .as_ref()
        .is_some_and(|debit| debit.other.kind() == cash::KIND)
    {
        let message = "To refund a bank transfer, the customer is asked for bank details by email, which \
                       takes an account with a verified email address.";
        return Err(ApiError::invalid(message));
    }
    let left = charge.amount - charge.amount_refunded;
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::invalid(message).code("charge_already_refunded"));
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err(ApiError::invalid(format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            currency::show(amount, &charge.currency),
            currency::show(left, &charge.currency)
        ))
        .param("amount"));
    }
    if !charge.captured && amount < left {
        let message = "A charge that is only held can be refunded as a whole; capture a part instead.";
        return Err(ApiError::invalid(message).param("amount"));
    }
    Ok(amount)
}

/// Refunds a charge.
///
/// # Errors
/// As [`check`]; 400 to take back a transfer that there was not.
pub fn made(
    state: &mut State,
    cause: &Cause,
    charge: &Arc<Charge>,
    wanted: Wanted,
) -> Result<Arc<Refund>, ApiError> {
    let amount = check(charge, wanted.amount)?;
    let fee = if wanted.with_fee {
        fee_of(state, charge)?
    } else {
        None
    };
    let transfer = if wanted.with_transfer {
        Some(transfer_of(state, charge)?)
    } else {
        None
    };
    // What goes back was booked before: its booking and its fee are known from now on.
    charge::settle(state, &charge.id);
    let charge = &state.get::<Charge>(&charge.space, &charge.id)?;
    let prefix = if charge.is_transferred() { "pyr_1" } else { "re_3" };
    let mut refund = Refund {
        id: state.id(prefix, 23),
        space: charge.space.clone(),
        created: state.now_s(),
        amount,
        currency: charge.currency.clone(),
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        customer: charge.customer.clone(),
        payment_method: Some(charge.payment_method.clone()).filter(|id| !id.is_empty()),
        reason: wanted.reason.map(str::to_owned),
        status: Status::Succeeded,
        failure_reason: None,
        balance_transaction: None,
        failure_balance_transaction: None,
        transfer_reversal: None,
        source_transfer_reversal: None,
        instructions_email: wanted.instructions_email,
        metadata: wanted.metadata,
    };
    if let Some(transfer) = transfer {
        let part = reversal::share(&transfer, charge, amount);
        if part > 0 {
            let source = Some(refund.id.clone());
            let reversal = reversal::carry_out(state, cause, &transfer, part, source, BTreeMap::new());
            refund.transfer_reversal = Some(reversal.id.clone());
        }
    }
    let mut fees = Vec::new();
    if let Some(fee) = fee {
        let part = fee_refund::share(&fee, charge, amount);
        if part > 0 {
            fee_refund::carry_out(state, cause, &fee, part, BTreeMap::new());
            if charge.space.account.is_some() {
                // The account's own booking of the refund shows what the platform gave back.
                fees.push(FeeDetail {
                    amount: -part,
                    application: charge.application.clone(),
                });
            } else {
                fee_refund::credit(state, &fee, part);
            }
        }
    }
    let refund = refund::carry_out(state, cause, refund, fees);
    fraud_warning::settle(state, &refund.charge);
    Ok(refund)
}

/// The platform's share of a charge, which may not be shown on it yet. A charge whose money went on to an
/// account may have none, and then nothing of it goes back.
fn fee_of(state: &State, charge: &Charge) -> Result<Option<Arc<ApplicationFee>>, ApiError> {
    let booked = charge.booked.as_ref().and_then(|booked| booked.fee.as_ref());
    let id = charge.application_fee.as_ref().or(booked);
    let fee = id.and_then(|id| ApplicationFee::table(state).anywhere(id));
    if fee.is_none() && charge.transfer.is_none() {
        let message = format!(
            "Charge {} has no application fee that could be refunded.",
            charge.id
        );
        return Err(ApiError::invalid(message).param("refund_application_fee"));
    }
    Ok(fee.cloned())
}

fn transfer_of(state: &State, charge: &Charge) -> Result<Arc<Transfer>, ApiError> {
    let id = charge.transfer.as_ref();
    id.and_then(|id| Transfer::table(state).anywhere(id))
        .cloned()
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "Cannot reverse transfer on charge {} because it does not have an associated transfer.",
                charge.id
            ))
            .param("reverse_transfer")
        })
}

/// `POST /v1/charges/{id}/refunds`.
pub fn create_of(state: &mut State, ctx: &Ctx, mut params: Params, charge: &str) -> Result<Value, ApiError> {
    let wanted = Wanted::read(&mut params)?;
    params.finish()?;
    let charge = state.get_for::<Charge>(&ctx.space, charge, "id")?;
    Ok(made(state, &ctx.cause, &charge, wanted)?.render())
}

/// `POST /v1/charges/{id}/refund`: the same, answered with the charge.
pub fn refund_charge(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    charge: &str,
) -> Result<Value, ApiError> {
    let wanted = Wanted::read(&mut params)?;
    params.finish()?;
    let charge = state.get_for::<Charge>(&ctx.space, charge, "id")?;
    made(state, &ctx.cause, &charge, wanted)?;
    Ok(state.get::<Charge>(&ctx.space, &charge.id)?.render())
}

/// `GET /v1/refunds/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Refund>(&ctx.space, id)?.render())
}

/// `GET /v1/charges/{id}/refunds/{refund}`.
pub fn retrieve_of(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    charge: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let refund = state.get::<Refund>(&ctx.space, id)?;
    if refund.charge != charge {
        return Err(ApiError::no_such("refund", id, "refund"));
    }
    Ok(refund.render())
}

/// `POST /v1/charges/{id}/refunds/{refund}`.
pub fn update_of(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    charge: &str,
    id: &str,
) -> Result<Value, ApiError> {
    if state.get::<Refund>(&ctx.space, id)?.charge != charge {
        return Err(ApiError::no_such("refund", id, "refund"));
    }
    update(state, ctx, params, id)
}

/// `POST /v1/refunds/{id}`: metadata.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Refund>(&ctx.space, id)?;
    let mut refund = Refund::clone(&old);
    params.metadata()?.apply(&mut refund.metadata)?;
    params.finish()?;
    let refund = refund::keep(state, refund);
    if refund != old {
        refund::tell(state, &ctx.cause, "refund.updated", &refund, Some(&old));
    }
    Ok(refund.render())
}

/// `POST /v1/refunds/{id}/cancel`: only refunds that wait for their payer can be, and a card's never do.
pub fn cancel(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    state.get::<Refund>(&ctx.space, id)?;
    Err(ApiError::invalid(
        "This refund cannot be canceled: only refunds that require an action can be.",
    ))
}

/// `POST /v1/test_helpers/refunds/{id}/expire`: the same.
pub fn expire(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    state.get::<Refund>(&ctx.space, id)?;
    Err(ApiError::invalid(
        "This refund cannot be expired: only refunds that require an action can be.",
    ))
}

/// `GET /v1/refunds`, by `charge`, `payment_intent` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let charge = params.text("charge")?;
    listed(state, ctx, params, charge, "/v1/refunds")
}

/// `GET /v1/charges/{id}/refunds`.
pub fn list_of(state: &mut State, ctx: &Ctx, params: Params, charge: &str) -> Result<Value, ApiError> {
    state.get_for::<Charge>(&ctx.space, charge, "id")?;
    let url = format!("/v1/charges/{charge}/refunds");
    listed(state, ctx, params, Some(charge.to_owned()), &url)
}

fn listed(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    charge: Option<String>,
    url: &str,
) -> Result<Value, ApiError> {
    let intent = params.text("payment_intent")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |refund: &Refund| {
        charge.as_ref().is_none_or(|charge| refund.charge == *charge)
            && intent
                .as_ref()
                .is_none_or(|intent| refund.payment_intent.as_ref() == Some(intent))
            && created.holds(refund.created)
    };
    list::answer(state, &ctx.space, &page, url, wanted, |refund: &Refund| {
        refund.render()
    })
}
