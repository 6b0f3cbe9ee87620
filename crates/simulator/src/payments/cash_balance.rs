//! The cash balance of a customer: what was sent by bank transfer and no payment has taken, and how it is
//! applied.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::Ctx;
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::Params;
use crate::state::{Object, State, Told};

/// A customer's cash balance as Stripe writes it.
pub fn render(customer: &Customer) -> Value {
    let mode = customer.reconciliation.as_deref();
    json!({
        "object": "cash_balance", "available": customer.cash, "customer": customer.id,
        "customer_account": null,
        "livemode": customer.space.livemode,
        "settings": {
            "reconciliation_mode": mode.unwrap_or("automatic"), "using_merchant_default": mode.is_none(),
        },
    })
}

/// Tells that money is there which no payment took.
pub fn tell(state: &mut State, cause: &Cause, customer: &Customer) {
    let told = Told {
        id: String::new(),
        object: "cash_balance".into(),
        url: format!("/v1/customers/{}/cash_balance", customer.id),
        space: customer.space.clone(),
        text: render(customer).to_string(),
    };
    let object = Object::Told(Arc::new(told));
    event::emit(state, cause, "cash_balance.funds_available", object, None);
}

/// Reads `settings[reconciliation_mode]` onto a customer.
///
/// # Errors
/// 400 for a mode that there is not.
pub fn change(params: &mut Params, customer: &mut Customer) -> Result<(), ApiError> {
    if let Some(mut settings) = params.map("settings")? {
        let modes = ["automatic", "manual", "merchant_default"];
        if let Some(mode) = settings.choice("reconciliation_mode", &modes)? {
            customer.reconciliation = Some(mode.to_owned()).filter(|mode| mode != "merchant_default");
        }
        settings.finish()?;
    }
    Ok(())
}

/// `GET /v1/customers/{id}/cash_balance`.
pub fn retrieve(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    Ok(render(&*customer::living(state, &ctx.space, id, "customer")?))
}

/// `POST /v1/customers/{id}/cash_balance`.
pub fn update(state: &mut State, ctx: &Ctx, mut params: Params, id: &str) -> Result<Value, ApiError> {
    let old = customer::living(state, &ctx.space, id, "customer")?;
    let mut customer = Customer::clone(&old);
    change(&mut params, &mut customer)?;
    params.finish()?;
    Ok(render(&state.put(customer)))
}
