//! What requests do to transfers: create, read, change, list.

use std::sync::Arc;

use serde_json::Value;

use crate::account::Account;
use crate::api::Ctx;
use crate::balance;
use crate::charge::Charge;
use crate::currency;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::money::transfer::{self, Transfer, Wanted};
use crate::state::{Object, Space, State};

/// `POST /v1/transfers`: from the platform to an account, or from an account to the platform.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let amount = params.positive("amount")?;
    let currency = currency::parse(&params.required("currency")?)?;
    let destination = params.required("destination")?;
    let source = params.text("source_transaction")?;
    params.choice("source_type", &["card", "bank_account", "fpx"])?;
    let group = params.text("transfer_group")?;
    let description = params.text("description")?;
    let metadata = params.metadata()?.fresh()?;
    params.finish()?;
    check_destination(state, ctx, &destination)?;
    let source = source
        .map(|id| state.get_for::<Charge>(&ctx.space, &id, "source_transaction"))
        .transpose()
        .map_err(|error| error.status(400))?;
    let amount = match (amount, &source) {
        (Some(amount), _) => amount,
        (None, Some(charge)) => charge.refundable(),
        (None, None) => return Err(ApiError::missing("amount")),
    };
    match &source {
        Some(charge) => check_source(state, charge, amount, &currency)?,
        None => check_funds(state, &ctx.space, amount, &currency)?,
    }
    let grouped = source.as_ref().map(|charge| {
        let named = charge.transfer_group.clone();
        named.unwrap_or_else(|| format!("group_{}", charge.payment_intent.as_ref().unwrap_or(&charge.id)))
    });
    let wanted = Wanted {
        from: ctx.space.clone(),
        to: destination,
        amount,
        currency,
        available_now: source.as_ref().is_none_or(|charge| charge.is_available(state)),
        source,
        fee: None,
        group: group.or(grouped),
        description,
        metadata,
    };
    Ok(transfer::carry_out(state, &ctx.cause, wanted).0.render())
}

fn check_destination(state: &State, ctx: &Ctx, destination: &str) -> Result<(), ApiError> {
    let platform = destination == state.settings.platform;
    let known = match &ctx.space.account {
        Some(_) => platform,
        None => !platform && state.get::<Account>(&ctx.space, destination).is_ok(),
    };
    if known {
        return Ok(());
    }
    Err(ApiError::no_such("destination", destination, "destination").status(400))
}

/// A charge pays for no more transfers than are left of what it brought in, and only in its currency.
fn check_source(state: &State, charge: &Charge, amount: i64, currency: &str) -> Result<(), ApiError> {
    let wrong = |message: &str| Err(ApiError::invalid(message).param("source_transaction"));
    if !charge.captured {
        return wrong("Cannot use an uncaptured charge as a source_transaction");
    }
    if charge.currency != currency {
        let message =
            "The currency of source_transaction's balance transaction does not match the transfer's.";
        return Err(ApiError::invalid(message).param("currency"));
    }
    let before: Vec<i64> = state
        .of::<Transfer>(&charge.space)
        .filter(|one| one.source_transaction.as_ref() == Some(&charge.id))
        .map(|one| one.amount)
        .collect();
    let moved: i64 = before.iter().sum();
    // What went back to the payer is not there to be passed on.
    if amount > 0 && amount <= charge.refundable() - moved {
        return Ok(());
    }
    let shown = |amount: i64| currency::show(amount, &charge.currency);
    let mut message = format!(
        "Transfers using this transaction as a source must not exceed the source amount of {}.",
        shown(charge.amount_captured)
    );
    let transfers = match before.len() {
        0 => None,
        1 => Some("There is already a transfer"),
        _ => Some("There are already transfers"),
    };
    if let Some(transfers) = transfers {
        message.push_str(&format!(
            " ({transfers} using this source, amounting to {}.)",
            shown(moved)
        ));
    }
    let refunded = charge.amount_captured - charge.refundable();
    if refunded > 0 {
        message.push_str(&format!(" ({} of it was refunded.)", shown(refunded)));
    }
    wrong(&message)
}

/// A test balance may move all that came in: the fees that Stripe took of it are made up by what a real test
/// account has from before, which the official command line tool relies on.
fn check_funds(state: &State, space: &Space, amount: i64, currency: &str) -> Result<(), ApiError> {
    let fees: i64 = balance::available_transactions(state, space, currency)
        .filter(|_| !space.livemode)
        .map(|one| one.fee())
        .sum();
    if balance::available(state, space, currency) + fees >= amount {
        return Ok(());
    }
    Err(ApiError::invalid(
        "You have insufficient available funds in your Stripe account. Try adding funds directly to your \
         available balance by creating Charges using the 4000000000000077 test card. See: \
         https://stripe.com/docs/testing#available-balance",
    )
    .code("balance_insufficient"))
}

/// `GET /v1/transfers/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Transfer>(&ctx.space, id)?.render())
}

/// `POST /v1/transfers/{id}`: description and metadata.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Transfer>(&ctx.space, id)?;
    let mut transfer = Transfer::clone(&old);
    params.update("description")?.apply(&mut transfer.description);
    params.metadata()?.apply(&mut transfer.metadata)?;
    params.finish()?;
    let transfer = state.put(transfer);
    let previous = event::previous(&old.render(), &transfer.render());
    if previous.is_some() {
        let object = Object::Transfer(Arc::clone(&transfer));
        event::emit(state, &ctx.cause, "transfer.updated", object, previous);
    }
    Ok(transfer.render())
}

/// `GET /v1/transfers`, by `destination`, `transfer_group` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let destination = params.text("destination")?;
    let group = params.text("transfer_group")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |transfer: &Transfer| {
        destination
            .as_ref()
            .is_none_or(|destination| transfer.destination == *destination)
            && group
                .as_ref()
                .is_none_or(|group| transfer.transfer_group.as_ref() == Some(group))
            && created.holds(transfer.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/transfers",
        wanted,
        |one: &Transfer| one.render(),
    )
}
