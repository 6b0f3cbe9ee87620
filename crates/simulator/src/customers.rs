//! What requests do to customers that there are: read, change, delete, list.

use crate::api::Ctx;
use crate::billing::billed;
use crate::billing::subscribing;
use crate::customer::{Customer, changed, living, set_balance};
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::payments::customer_balance;
use crate::payments::sources;
use crate::state::{Object, State};
use serde_json::Value;

/// `GET /v1/customers/{id}`; of a deleted one only that it is deleted.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Customer>(&ctx.space, id)?.render())
}

/// `POST /v1/customers/{id}`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = living(state, &ctx.space, id, "id")?;
    let mut customer = Customer::clone(&old);
    let brought = sources::read(state, ctx, &mut params, "source")?;
    if let Some(source) = params.text("default_source")? {
        if !sources::has(state, &customer, &source) {
            let message = format!("Customer {id} does not have a linked source with ID {source}.");
            return Err(ApiError::invalid(message)
                .code("missing")
                .param("default_source")
                .status(404));
        }
        customer.default_source = Some(source);
    }
    let balance = params.integer("balance")?;
    customer_balance::check(balance.unwrap_or(0), "balance")?;
    customer.change(state, &mut params, None)?;
    let discount = billed::read_discount(state, ctx, Some(id), &mut params)?;
    params.finish()?;
    let source = match brought {
        Some(brought) => Some(sources::attach_default(state, ctx, brought, &mut customer)?),
        None => None,
    };
    if let Some(source) = source {
        source.announce(state, &ctx.cause);
    }
    let customer = changed(state, &ctx.cause, &old, customer);
    if let Some(balance) = balance {
        set_balance(state, ctx, &customer, balance, "adjustment")?;
    }
    billed::discount(state, &ctx.cause, &customer.id, &ctx.space, discount);
    Ok(state.get::<Customer>(&ctx.space, id)?.render())
}

/// `DELETE /v1/customers/{id}`.
pub fn delete(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = living(state, &ctx.space, id, "id")?;
    let cash = old.cash.as_ref();
    if cash.is_some_and(|cash| cash.values().any(|amount| *amount > 0)) {
        let message = "You cannot delete a customer with a positive cash balance.";
        return Err(ApiError::invalid(message));
    }
    let customer = state.put(Customer {
        deleted: true,
        ..Customer::clone(&old)
    });
    subscribing::customer_deleted(state, &ctx.cause, &old);
    // The event tells what was there, so it carries the row from before.
    event::emit(state, &ctx.cause, "customer.deleted", Object::Customer(old), None);
    Ok(customer.render())
}

/// `GET /v1/customers`, by `email` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let email = params.text("email")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |customer: &Customer| {
        !customer.deleted
            && created.holds(customer.created)
            && email
                .as_ref()
                .is_none_or(|email| customer.email.as_ref() == Some(email))
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/customers",
        wanted,
        |customer: &Customer| customer.render(),
    )
}
