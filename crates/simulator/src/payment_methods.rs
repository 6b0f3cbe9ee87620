//! What requests do to payment methods: create, read, change, attach, detach, list.

use std::sync::Arc;

use serde_json::Value;

use crate::api::Ctx;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::payment_method::{Entry, PaymentMethod, attach, entry, make, named, read, read_expiry};
use crate::state::{Object, State};

/// `POST /v1/payment_methods`: from a test token, or a copy of a platform customer's card on the account.
pub fn create(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let entry = match (params.text("customer")?, params.text("payment_method")?) {
        (None, None) => read(state, ctx, &mut params)?,
        (customer, Some(original)) => {
            let original = state.get::<PaymentMethod>(&ctx.space.platform(), &original)?;
            if original.customer != customer {
                let message = "The customer does not have a payment method with that ID.";
                return Err(ApiError::invalid(message).param("payment_method"));
            }
            let (card, billing) = (original.card.clone(), original.billing.clone());
            Entry {
                billing,
                other: original.other.clone(),
                ..entry(card)
            }
        }
        (Some(_), None) => return Err(ApiError::missing("payment_method")),
    };
    params.finish()?;
    Ok(make(state, &ctx.space, entry).render())
}

/// `GET /v1/payment_methods/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<PaymentMethod>(&ctx.space, id)?.render())
}

/// `POST /v1/payment_methods/{id}`: billing details, redisplay and metadata.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<PaymentMethod>(&ctx.space, id)?;
    let mut method = PaymentMethod::clone(&old);
    if let Some(billing) = params.map("billing_details")? {
        Arc::make_mut(&mut method.billing).update(billing)?;
    }
    if let Some(word) = params.choice("allow_redisplay", &["always", "limited", "unspecified"])? {
        method.allow_redisplay = word.to_owned();
    }
    if let Some(mut card) = params.map("card")? {
        read_expiry(&mut card, &mut method.card)?;
        card.finish()?;
    }
    params.metadata()?.apply(&mut method.metadata)?;
    params.finish()?;
    let method = state.put(method);
    let previous = event::previous(&old.render(), &method.render());
    event::emit(
        state,
        &ctx.cause,
        "payment_method.updated",
        Object::PaymentMethod(Arc::clone(&method)),
        previous,
    );
    Ok(method.render())
}

/// `POST /v1/payment_methods/{id}/attach`.
pub fn attach_to(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let customer = params.required("customer")?;
    params.finish()?;
    let customer =
        customer::living(state, &ctx.space, &customer, "customer").map_err(|error| error.status(400))?;
    // The id stands in the path here, so a wrong one is 404.
    let method = named(state, &ctx.space, id).map_err(|error| match error.code {
        Some("resource_missing") => error.status(404),
        _ => error,
    })?;
    Ok(attach(state, ctx, method, &customer)?.render())
}

/// `POST /v1/payment_methods/{id}/detach`: final.
pub fn detach(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let old = state.get::<PaymentMethod>(&ctx.space, id)?;
    old.usable()?;
    if old.customer.is_none() {
        let message =
            "The payment method you provided is not attached to a customer so detachment is impossible.";
        return Err(ApiError::invalid(message));
    }
    let mut method = PaymentMethod::clone(&old);
    method.customer = None;
    method.spent = true;
    let method = state.put(method);
    let previous = event::previous(&old.render(), &method.render());
    event::emit(
        state,
        &ctx.cause,
        "payment_method.detached",
        Object::PaymentMethod(Arc::clone(&method)),
        previous,
    );
    Ok(method.render())
}

/// `GET /v1/payment_methods`: a customer's; without a customer none.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    match params.text("customer")? {
        Some(customer) => list_of(state, ctx, params, &customer, "/v1/payment_methods"),
        None => list_of(state, ctx, params, "", "/v1/payment_methods"),
    }
}

/// `GET /v1/customers/{id}/payment_methods`.
pub fn list_of_customer(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    list_of(
        state,
        ctx,
        params,
        id,
        &format!("/v1/customers/{id}/payment_methods"),
    )
}

/// A customer's payment methods, newest first.
fn list_of(
    state: &mut State,
    ctx: &Ctx,
    mut params: Params,
    customer: &str,
    url: &str,
) -> Result<Value, ApiError> {
    if !customer.is_empty() {
        customer::living(state, &ctx.space, customer, "customer")?;
    }
    let kind = params.text("type")?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |method: &PaymentMethod| {
        method.customer.as_deref() == Some(customer)
            && kind.as_deref().is_none_or(|kind| kind == method.kind())
    };
    list::answer(state, &ctx.space, &page, url, wanted, |method: &PaymentMethod| {
        method.render()
    })
}

/// `GET /v1/customers/{id}/payment_methods/{pm}`.
pub fn retrieve_of(
    state: &mut State,
    ctx: &Ctx,
    params: Params,
    customer: &str,
    id: &str,
) -> Result<Value, ApiError> {
    params.finish()?;
    let customer = state.get_for::<Customer>(&ctx.space, customer, "customer")?;
    let method = state.get::<PaymentMethod>(&ctx.space, id)?;
    if method.customer.as_deref() != Some(customer.id.as_str()) {
        let message = format!(
            "Customer {} does not have a payment method with ID {}",
            customer.id, method.id
        );
        return Err(ApiError::invalid(message).param("customer").status(404));
    }
    Ok(method.render())
}
