//! What billing does to a customer: its currency, its count of invoices, its balance, its discount.

use std::sync::Arc;

use serde_json::Value;

use super::coupon::Duration;
use super::discount::{Asked, Discount, On};
use super::invoice::Invoice;
use super::line::Off;
use super::{coupon, promotion_code};
use crate::api::{Ctx, TypesParam};
use crate::customer::{self, Customer};
use crate::error::ApiError;
use crate::event::{self, Cause};
use crate::form::{Params, Update};
use crate::payments::customer_balance::{self, CustomerBalanceTransaction, Reason};
use crate::state::{Object, Space, State};

/// The currency of a first bill becomes the customer's.
pub fn bill_in(state: &mut State, space: &Space, id: &str, currency: &str) {
    if let Ok(customer) = state.get::<Customer>(space, id)
        && customer.currency.is_none()
    {
        state.put(Customer {
            currency: Some(currency.to_owned()),
            ..Customer::clone(&customer)
        });
    }
}

/// Counts one more finalized invoice.
pub fn count_invoice(state: &mut State, space: &Space, id: &str) {
    if let Ok(customer) = state.get::<Customer>(space, id) {
        state.put(Customer {
            invoices: customer.invoices.saturating_add(1),
            ..Customer::clone(&customer)
        });
    }
}

/// What changes a customer's balance.
#[derive(Debug)]
pub struct Change<'a> {
    /// The account and mode.
    pub space: &'a Space,
    /// The customer.
    pub customer: &'a str,
    /// In minor units; negative is a credit for the customer.
    pub amount: i64,
    /// Currency.
    pub currency: &'a str,
    /// `applied_to_invoice`, `unapplied_from_invoice`, `credit_note`, …
    pub kind: &'static str,
    /// The invoice that it is about.
    pub invoice: Option<&'a str>,
    /// The credit note that it is about.
    pub credit_note: Option<&'a str>,
}

/// Changes a customer's balance; nothing is booked for a change of nothing, or for a customer who is gone.
pub fn change_balance(
    state: &mut State,
    cause: &Cause,
    change: Change,
) -> Option<Arc<CustomerBalanceTransaction>> {
    let customer = state.get::<Customer>(change.space, change.customer).ok()?;
    if change.amount == 0 || customer.deleted {
        return None;
    }
    let reason = Reason {
        kind: change.kind,
        invoice: change.invoice.map(str::to_owned),
        credit_note: change.credit_note.map(str::to_owned),
        ..Reason::default()
    };
    let (amount, currency) = (change.amount, change.currency);
    Some(customer_balance::book(
        state, cause, &customer, amount, currency, reason,
    ))
}

/// Reads the `coupon` or `promotion_code` that a caller who names no version may give to a customer.
///
/// # Errors
/// As when a discount is asked for elsewhere.
pub fn read_discount(
    state: &State,
    ctx: &Ctx,
    customer: Option<&str>,
    params: &mut Params,
) -> Result<Update<Asked>, ApiError> {
    if ctx.types != TypesParam::Both {
        return Ok(Update::Keep);
    }
    let by_code = params.update("promotion_code")?;
    Ok(match (params.update("coupon")?, by_code) {
        (Update::Set(id), _) => Update::Set(Asked::Coupon(
            coupon::usable(state, &ctx.space, &id, "coupon")?,
            None,
        )),
        (Update::Keep, Update::Set(id)) => {
            let (code, coupon) = promotion_code::usable(state, &ctx.space, &id, customer, "promotion_code")?;
            Update::Set(Asked::Coupon(coupon, Some(code.id.clone())))
        }
        (Update::Clear, _) | (Update::Keep, Update::Clear) => Update::Clear,
        (Update::Keep, Update::Keep) => Update::Keep,
    })
}

/// Gives a customer a discount, or takes it away, and tells of it.
pub fn discount(state: &mut State, cause: &Cause, id: &str, space: &Space, asked: Update<Asked>) {
    let Ok(old) = state.get::<Customer>(space, id) else {
        return;
    };
    let (discount, kind) = match asked {
        Update::Keep => return,
        Update::Clear => {
            let Some(had) = &old.discount else { return };
            (ended(state, had), "customer.discount.deleted")
        }
        Update::Set(asked) => {
            let on = On {
                customer: Some(old.id.clone()),
                ..On::default()
            };
            let kind = match &old.discount {
                Some(had) => {
                    ended(state, had);
                    "customer.discount.updated"
                }
                None => "customer.discount.created",
            };
            (asked.made(state, space, on), kind)
        }
    };
    let mut customer = Customer::clone(&old);
    let object = Object::Discount(Arc::clone(&discount));
    customer.discount = (!discount.deleted).then_some(discount);
    let previous = (kind == "customer.discount.updated")
        .then(|| old.discount.as_ref().zip(customer.discount.as_ref()))
        .flatten()
        .and_then(|(had, has)| event::previous(&had.render(), &has.render()));
    state.put(customer);
    event::emit(state, cause, kind, object, previous);
}

/// A customer's discount for one invoice only is used up by the first one that it takes something off.
pub fn use_discount(state: &mut State, cause: &Cause, invoice: &Invoice) {
    let Ok(customer) = state.get::<Customer>(&invoice.space, &invoice.customer) else {
        return;
    };
    let used = customer.discount.as_ref().is_some_and(|had| {
        let takes = |off: &Off| off.discount == had.id && off.amount > 0;
        had.coupon.duration == Duration::Once && invoice.totals.off.iter().any(takes)
    });
    if used {
        discount(state, cause, &customer.id, &invoice.space, Update::Clear);
    }
}

fn ended(state: &mut State, discount: &Arc<Discount>) -> Arc<Discount> {
    state.put(Discount {
        deleted: true,
        ..Discount::clone(discount)
    })
}

/// `DELETE /v1/customers/{id}/discount`.
pub fn delete_discount(state: &mut State, ctx: &Ctx, params: Params, id: &str) -> Result<Value, ApiError> {
    params.finish()?;
    let customer = customer::living(state, &ctx.space, id, "id")?;
    let Some(had) = customer.discount.clone() else {
        let message = format!("No active discount for customer: {id}");
        return Err(ApiError::invalid(message).code("resource_missing").status(404));
    };
    discount(state, &ctx.cause, &customer.id, &ctx.space, Update::Clear);
    Ok(state.get::<Discount>(&ctx.space, &had.id)?.render())
}
