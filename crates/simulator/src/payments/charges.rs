//! What requests do to charges that there are: read, change, list.

use std::sync::Arc;

use serde_json::Value;

use crate::address::Shipping;
use crate::api::Ctx;
use crate::charge::Charge;
use crate::customer;
use crate::error::ApiError;
use crate::event;
use crate::form::Params;
use crate::list;
use crate::state::{Object, State};

/// `GET /v1/charges/{id}`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(state.get::<Charge>(&ctx.space, id)?.render())
}

/// `POST /v1/charges/{id}`: description, receipt's address, shipment, metadata, what is thought of it; a
/// customer and a group where there were none.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = state.get::<Charge>(&ctx.space, id)?;
    let mut charge = Charge::clone(&old);
    params.update("description")?.apply(&mut charge.description);
    params.update("receipt_email")?.apply(&mut charge.receipt_email);
    if let Some(shipping) = params.map("shipping")? {
        charge.shipping = Some(Box::new(Shipping::read(shipping)?));
    }
    params.metadata()?.apply(&mut charge.metadata)?;
    params.update("transfer_group")?.apply(&mut charge.transfer_group);
    if let Some(mut fraud) = params.map("fraud_details")? {
        if let Some(report) = fraud.choice("user_report", &["fraudulent", "safe"])? {
            charge.fraud_report = Some(report.to_owned());
        }
        fraud.finish()?;
    }
    let customer = params.text("customer")?;
    params.finish()?;
    if let Some(id) = customer {
        let customer =
            customer::living(state, &ctx.space, &id, "customer").map_err(|error| error.status(400))?;
        if old.customer.as_ref().is_some_and(|own| *own != customer.id) {
            let message = "You cannot update the customer of a charge that already has one.";
            return Err(ApiError::invalid(message).param("customer"));
        }
        charge.customer = Some(customer.id.clone());
    }
    let charge = state.put(charge);
    let previous = event::previous(&old.render(), &charge.render());
    if previous.is_some() {
        event::emit(
            state,
            &ctx.cause,
            "charge.updated",
            Object::Charge(Arc::clone(&charge)),
            previous,
        );
    }
    Ok(charge.render())
}

/// `GET /v1/charges`, by `payment_intent`, `customer`, `transfer_group` and `created`.
pub fn list(state: &mut State, ctx: &Ctx, mut params: Params) -> Result<Value, ApiError> {
    let intent = params.text("payment_intent")?;
    let customer = params.text("customer")?;
    let group = params.text("transfer_group")?;
    let created = list::Created::read(&mut params)?;
    let page = list::Page::read(&mut params)?;
    params.finish()?;
    let wanted = |charge: &Charge| {
        intent
            .as_ref()
            .is_none_or(|intent| charge.payment_intent.as_ref() == Some(intent))
            && customer
                .as_ref()
                .is_none_or(|customer| charge.customer.as_ref() == Some(customer))
            && group
                .as_ref()
                .is_none_or(|group| charge.transfer_group.as_ref() == Some(group))
            && created.holds(charge.created)
    };
    list::answer(
        state,
        &ctx.space,
        &page,
        "/v1/charges",
        wanted,
        |charge: &Charge| charge.render(),
    )
}
