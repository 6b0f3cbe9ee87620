//! What requests do to payouts that there are: read, change, call back, take back, list.

use crate::api::Ctx;
use crate::balance::Movement;
use crate::error::ApiError;
use crate::form::Params;
use crate::list;
use crate::payouts::payout::{Payout, Status, bank_for, blank, book, send, tell};
use crate::state::State;
use serde_json::Value;

/// `GET /v1/payouts/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Payout>(&ctx.space, id)?.render())
}

/// `POST /v1/payouts/{id}`: metadata.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Payout>(&ctx.space, id)?;
    let mut payout = Payout::clone(&old);
    params.metadata()?.apply(&mut payout.metadata)?;
    params.finish()?;
    let payout = state.put(payout);
    if payout != old {
        tell(state, &ctx.cause, "payout.updated", &payout, Some(&old));
    }
    Ok(payout.render())
}

/// `POST /v1/payouts/{id}/cancel`: only while it is pending.
pub fn cancel(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = state.get::<Payout>(&ctx.space, id)?;
    if old.status != Status::Pending || old.automatic {
        let message = "This payout cannot be canceled: only manual payouts that are pending can.";
        return Err(ApiError::invalid(message));
    }
    let mut payout = Payout::clone(&old);
    payout.status = Status::Canceled;
    payout.failure_balance_transaction = Some(book(state, &payout, Movement::PayoutCancel, old.amount));
    let payout = state.put(payout);
    tell(state, &ctx.cause, "payout.updated", &payout, Some(&old));
    tell(state, &ctx.cause, "payout.canceled", &payout, None);
    Ok(payout.render())
}

/// `POST /v1/payouts/{id}/reverse`: takes back what has arrived, by a payout below zero.
pub fn reverse(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Payout>(&ctx.space, id)?;
    let metadata = params.metadata()?.fresh()?;
    params.finish()?;
    if old.status != Status::Paid || old.amount < 0 {
        let message = "This payout cannot be reversed: only payouts that were paid can.";
        return Err(ApiError::invalid(message));
    }
    if old.reversed_by.is_some() {
        return Err(ApiError::invalid("This payout has already been reversed."));
    }
    let bank = bank_for(state, &ctx.space, &old.currency, Some(&old.destination))?;
    let mut payout = blank(state, &ctx.space, -old.amount, &old.currency, &bank);
    payout.failure = None;
    payout.original_payout = Some(old.id.clone());
    payout.metadata = metadata;
    let payout = send(state, &ctx.cause, payout);
    state.put(Payout {
        reversed_by: Some(payout.id.clone()),
        ..Payout::clone(&old)
    });
    Ok(payout.render())
}

/// `GET /v1/payouts`, by `status`, `destination`, `arrival_date` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let status = params.text("status")?;
    let destination = params.text("destination")?;
    let arrival = list::Created::read_as(&mut params, "arrival_date")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |payout: &Payout| {
        status
            .as_ref()
            .is_none_or(|status| payout.status.as_str() == status)
            && destination.as_ref().is_none_or(|to| payout.destination == *to)
            && arrival.holds(payout.arrival_date)
            && created.holds(payout.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/payouts",
        wanted,
        |payout: &Payout| payout.render(),
    )
}
