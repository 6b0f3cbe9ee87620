//! Reversals: money of a transfer that comes back, as a refund of the payment that it had arrived as.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Ctx;
use crate::application_fee::ApplicationFee;
use crate::balance::{self, Movement};
use crate::charge::Charge;
use crate::currency;
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::list;
use crate::money::fee_refund;
use crate::money::refund::{self, Refund, Status};
use crate::money::transfer::{self, Transfer};
use crate::state::{Object, Row, Shown, Space, State};

/// A reversal of a transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reversal {
    /// `trr_…`.
    pub id: String,
    /// Whose balance it comes back to.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The transfer.
    pub transfer: String,
    /// How it was booked.
    pub balance_transaction: String,
    /// The refund of the payment at the destination, `pyr_…`.
    pub destination_payment_refund: String,
    /// The refund of the charge that brought it about.
    pub source_refund: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Reversal {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "transfer_reversal", "amount": self.amount,
            "balance_transaction": self.balance_transaction, "created": self.created,
            "currency": self.currency, "destination_payment_refund": self.destination_payment_refund,
            "metadata": self.metadata, "source_refund": self.source_refund, "transfer": self.transfer,
        })
    }
}

impl Shown for Reversal {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("balance_transaction", "balance_transaction"),
        ("destination_payment_refund", "refund"),
        ("source_refund", "refund"),
        ("transfer", "transfer"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn url(&self) -> Option<String> {
        Some(format!("/v1/transfers/{}/reversals/{}", self.transfer, self.id))
    }
}

/// Which part of a transfer comes back with so much of its charge: in proportion, rounded half up, and the
/// rest with the last of it. A transfer of 880 out of 1200 gives back 367 with a refund of 500.
pub fn share(transfer: &Transfer, charge: &Charge, refunded: i64) -> i64 {
    let left = transfer.amount - transfer.amount_reversed();
    let taken = charge.amount_captured.max(1);
    if charge.amount_refunded + refunded >= charge.amount {
        return left;
    }
    let doubled = i128::from(transfer.amount) * i128::from(refunded) * 2 + i128::from(taken);
    let rounded = i64::try_from(doubled / (2 * i128::from(taken))).unwrap_or(left);
    rounded.min(left)
}

/// Takes so much of a transfer back, and tells of it.
pub fn carry_out(
    state: &mut State,
    cause: &Cause,
    transfer: &Transfer,
    amount: i64,
    source_refund: Option<String>,
    metadata: BTreeMap<String, String>,
) -> Arc<Reversal> {
    let id = state.id("trr_1", 23);
    let transaction = balance::book(
        state,
        &transfer.space,
        Movement::TransferRefund,
        &id,
        amount,
        &transfer.currency,
        Vec::new(),
        true,
    );
    let refund = taken_back(state, transfer, amount, &id);
    let refund = refund::carry_out(state, cause, refund, Vec::new());
    let reversal = Reversal {
        id,
        space: transfer.space.clone(),
        created: state.now_s(),
        amount,
        currency: transfer.currency.clone(),
        transfer: transfer.id.clone(),
        balance_transaction: transaction,
        destination_payment_refund: refund.id.clone(),
        source_refund,
        metadata,
    };
    let reversal = keep(state, reversal);
    if let Some(now) = Transfer::table(state).anywhere(&transfer.id).cloned() {
        let previous = event::previous(&transfer.render(), &now.render());
        event::emit(state, cause, "transfer.reversed", Object::Transfer(now), previous);
    }
    reversal
}

/// The refund at the destination that a reversal is.
fn taken_back(state: &mut State, transfer: &Transfer, amount: i64, reversal: &str) -> Refund {
    Refund {
        id: state.id("pyr_1", 23),
        space: transfer::space_of(state, transfer.space.livemode, &transfer.destination),
        created: state.now_s(),
        amount,
        currency: transfer.currency.clone(),
        charge: transfer.destination_payment.clone(),
        payment_intent: None,
        customer: None,
        payment_method: None,
        reason: None,
        status: Status::Succeeded,
        failure_reason: None,
        balance_transaction: None,
        failure_balance_transaction: None,
        transfer_reversal: Some(reversal.to_owned()),
        source_transfer_reversal: Some(reversal.to_owned()),
        instructions_email: None,
        metadata: BTreeMap::new(),
    }
}

/// Stores a reversal that is new or changed, also where its transfer holds it.
fn keep(state: &mut State, reversal: Reversal) -> Arc<Reversal> {
    let reversal = state.put(reversal);
    if let Some(transfer) = Transfer::table(state).anywhere(&reversal.transfer).cloned() {
        let mut transfer = Transfer::clone(&transfer);
        match transfer.reversals.iter_mut().find(|one| one.id == reversal.id) {
            Some(one) => *one = Arc::clone(&reversal),
            None => transfer.reversals.push(Arc::clone(&reversal)),
        }
        state.put(transfer);
    }
    reversal
}

/// `POST /v1/transfers/{id}/reversals`: so much of it, or what is left.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let amount = params.positive("amount")?;
    params.text("description")?;
    let with_fee = params.boolean("refund_application_fee")?.unwrap_or(false);
    let metadata = params.metadata()?.fresh()?;
    params.finish()?;
    let transfer = state.get::<Transfer>(&ctx.space, id)?;
    let left = transfer.amount - transfer.amount_reversed();
    if left == 0 {
        let message = format!("Transfer {} is already fully reversed.", transfer.id);
        return Err(ApiError::invalid(message));
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err(ApiError::invalid(format!(
            "Reversal amount ({}) is greater than unreversed amount on transfer ({})",
            currency::show(amount, &transfer.currency),
            currency::show(left, &transfer.currency)
        ))
        .param("amount"));
    }
    if with_fee {
        refund_fee(state, &ctx.cause, &transfer, amount);
    }
    Ok(carry_out(state, &ctx.cause, &transfer, amount, None, metadata).render())
}

/// Gives back the platform's share of what comes back.
fn refund_fee(state: &mut State, cause: &Cause, transfer: &Transfer, amount: i64) {
    let Some(payment) = Charge::table(state)
        .anywhere(&transfer.destination_payment)
        .cloned()
    else {
        return;
    };
    let fee = payment.application_fee.as_ref();
    let Some(fee) = fee
        .and_then(|id| ApplicationFee::table(state).anywhere(id))
        .cloned()
    else {
        return;
    };
    let part = fee_refund::share(&fee, &payment, amount);
    if part > 0 {
        fee_refund::carry_out(state, cause, &fee, part, BTreeMap::new());
        fee_refund::credit(state, &fee, part);
    }
}

fn found(state: &State, ctx: &Ctx, transfer: &str, id: &str) -> Result<Arc<Reversal>, ApiError> {
    state.get::<Transfer>(&ctx.space, transfer)?;
    let reversal = state.get::<Reversal>(&ctx.space, id)?;
    if reversal.transfer == transfer {
        Ok(reversal)
    } else {
        Err(ApiError::no_such(Reversal::NOUN, id, "id"))
    }
}

/// `GET /v1/transfers/{id}/reversals/{reversal}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    transfer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(found(state, ctx, transfer, id)?.render())
}

/// `POST /v1/transfers/{id}/reversals/{reversal}`: metadata.
pub fn update(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    transfer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    let mut reversal = Reversal::clone(&*found(state, ctx, transfer, id)?);
    params.metadata()?.apply(&mut reversal.metadata)?;
    params.finish()?;
    Ok(keep(state, reversal).render())
}

/// `GET /v1/transfers/{id}/reversals`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, transfer: &str) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    state.get::<Transfer>(&ctx.space, transfer)?;
    let url = format!("/v1/transfers/{transfer}/reversals");
    let wanted = |reversal: &Reversal| reversal.transfer == transfer;
    list::answer(state, &ctx.space, &page, &url, wanted, |one: &Reversal| {
        one.render()
    })
}
