//! Fee refunds: what the platform gives back of its share, with a refund or by itself.

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
use crate::state::{Object, Row, Shown, Space, State};

/// A fee refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeeRefund {
    /// `fr_…`.
    pub id: String,
    /// The platform's space.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The fee.
    pub fee: String,
    /// How it was booked on the platform.
    pub balance_transaction: String,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl FeeRefund {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        json!({
            "id": self.id, "object": "fee_refund", "amount": self.amount,
            "balance_transaction": self.balance_transaction, "created": self.created,
            "currency": self.currency, "fee": self.fee, "metadata": self.metadata,
        })
    }
}

impl Shown for FeeRefund {
    const OF_PLATFORM: bool = true;
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("balance_transaction", "balance_transaction"),
        ("fee", "application_fee"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }

    fn url(&self) -> Option<String> {
        Some(format!("/v1/application_fees/{}/refunds/{}", self.fee, self.id))
    }
}

/// Which part of a fee goes back with so much of its charge: in proportion to all that was refunded by then,
/// rounded down, and the rest with the last of it.
pub fn share(fee: &ApplicationFee, charge: &Charge, amount: i64) -> i64 {
    let taken = charge.amount_captured.max(1);
    let returned = charge.amount_refunded - (charge.amount - charge.amount_captured) + amount;
    let due = if returned >= taken {
        fee.amount
    } else {
        let exact = i128::from(fee.amount) * i128::from(returned) / i128::from(taken);
        i64::try_from(exact).unwrap_or(fee.amount)
    };
    (due - fee.amount_refunded()).max(0)
}

/// Gives so much of a fee back, and tells of it.
pub fn carry_out(
    state: &mut State,
    cause: &Cause,
    fee: &ApplicationFee,
    amount: i64,
    metadata: BTreeMap<String, String>,
) -> Arc<FeeRefund> {
    let transaction = balance::book(
        state,
        &fee.space,
        Movement::ApplicationFeeRefund,
        &fee.id,
        -amount,
        &fee.currency,
        Vec::new(),
        true,
    );
    let refund = FeeRefund {
        id: state.id("fr_1", 23),
        space: fee.space.clone(),
        created: state.now_s(),
        amount,
        currency: fee.currency.clone(),
        fee: fee.id.clone(),
        balance_transaction: transaction,
        metadata,
    };
    let refund = keep(state, refund);
    if let Some(now) = ApplicationFee::table(state).anywhere(&fee.id).cloned() {
        let previous = event::previous(&fee.render(), &now.render());
        event::emit(
            state,
            cause,
            "application_fee.refunded",
            Object::ApplicationFee(now),
            previous,
        );
    }
    refund
}

/// Stores a fee refund that is new or changed, also where its fee holds it.
fn keep(state: &mut State, refund: FeeRefund) -> Arc<FeeRefund> {
    let refund = state.put(refund);
    if let Some(fee) = ApplicationFee::table(state).anywhere(&refund.fee).cloned() {
        let mut fee = ApplicationFee::clone(&fee);
        match fee.refunds.iter_mut().find(|one| one.id == refund.id) {
            Some(one) => *one = Arc::clone(&refund),
            None => fee.refunds.push(Arc::clone(&refund)),
        }
        state.put(fee);
    }
    refund
}

/// `POST /v1/application_fees/{id}/refunds`: so much of the fee, or what is left of it. The account that it
/// was taken from gets it.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let amount = params.positive("amount")?;
    let metadata = params.metadata()?.fresh()?;
    params.finish()?;
    let fee = state.get::<ApplicationFee>(&ctx.space, id)?;
    let left = fee.amount - fee.amount_refunded();
    if left == 0 && amount.is_none() {
        let message = format!("Application fee {} has already been refunded.", fee.id);
        return Err(ApiError::invalid(message));
    }
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err(ApiError::invalid(format!(
            "Refund amount ({}) is greater than unrefunded amount on fee ({})",
            currency::show(amount, &fee.currency),
            currency::show(left, &fee.currency)
        ))
        .param("amount"));
    }
    let refund = carry_out(state, &ctx.cause, &fee, amount, metadata);
    credit(state, &fee, amount);
    Ok(refund.render())
}

/// `POST /v1/application_fees/{id}/refund`: the same, answered with the fee.
pub fn refund_fee(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    create(state, ctx, params, id)?;
    Ok(state.get::<ApplicationFee>(&ctx.space, id)?.render())
}

/// Books on the account what the platform gave back to it.
pub fn credit(state: &mut State, fee: &ApplicationFee, amount: i64) {
    let account = Space {
        livemode: fee.space.livemode,
        account: Some(fee.account.clone()),
    };
    balance::book(
        state,
        &account,
        Movement::ApplicationFeeRefund,
        &fee.id,
        amount,
        &fee.currency,
        Vec::new(),
        true,
    );
}

fn found(state: &State, ctx: &Ctx, fee: &str, id: &str) -> Result<Arc<FeeRefund>, ApiError> {
    state.get::<ApplicationFee>(&ctx.space, fee)?;
    let refund = state.get::<FeeRefund>(&ctx.space, id)?;
    if refund.fee == fee {
        Ok(refund)
    } else {
        Err(ApiError::no_such(FeeRefund::NOUN, id, "id"))
    }
}

/// `GET /v1/application_fees/{id}/refunds/{refund}`.
pub fn retrieve(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    fee: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(found(state, ctx, fee, id)?.render())
}

/// `POST /v1/application_fees/{id}/refunds/{refund}`: metadata.
pub fn update(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    fee: &str,
    id: &str,
) -> Result<Value, ApiError> {
    let old = found(state, ctx, fee, id)?;
    let mut refund = FeeRefund::clone(&old);
    params.metadata()?.apply(&mut refund.metadata)?;
    params.finish()?;
    let refund = keep(state, refund);
    let previous = event::previous(&old.render(), &refund.render());
    if previous.is_some() {
        let object = Object::FeeRefund(Arc::clone(&refund));
        event::emit(
            state,
            &ctx.cause,
            "application_fee.refund.updated",
            object,
            previous,
        );
    }
    Ok(refund.render())
}

/// `GET /v1/application_fees/{id}/refunds`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params, fee: &str) -> Result<Value, ApiError> {
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    state.get::<ApplicationFee>(&ctx.space, fee)?;
    let url = format!("/v1/application_fees/{fee}/refunds");
    let wanted = |refund: &FeeRefund| refund.fee == fee;
    list::answer(state, &ctx.space, &page, &url, wanted, |refund: &FeeRefund| {
        refund.render()
    })
}
