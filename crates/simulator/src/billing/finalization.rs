//! Whether a draft can be finalized, and what becomes of one that goes on by itself and cannot: it stays a
//! draft that says why, and nothing is charged.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invoice::{Invoice, Status};
use super::invoicing;
use crate::currency;
use crate::customer::Customer;
use crate::error::ApiError;
use crate::event::Cause;
use crate::state::State;

/// Why a draft could not be finalized by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinalized {
    /// The code that a request would have been refused with.
    pub code: Option<String>,
    /// The sentence for it.
    pub message: String,
}

impl Unfinalized {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let mut error = json!({ "message": self.message, "type": "invalid_request_error" });
        if let Some(code) = &self.code {
            error["code"] = code.as_str().into();
            error["doc_url"] = crate::error::doc_url(code).into();
        }
        error
    }
}

/// Checks what an invoice will ask for once it is finalized; too little to be charged is left to the
/// customer's balance.
///
/// # Errors
/// 400 `amount_too_large` for more than can be charged at once, or another amount that cannot be charged.
pub fn check(state: &State, invoice: &Invoice) -> Result<(), ApiError> {
    let due = if invoice.status == Status::Draft {
        due(state, invoice)
    } else {
        invoice.amount_due
    };
    if due == 0 || currency::is_too_little(due, &invoice.currency) {
        return Ok(());
    }
    currency::check_amount(due, &invoice.currency).map_err(|mut error| {
        error.param = None;
        error
    })
}

/// What a draft asks for with the customer's balance as it is now, in minor units.
fn due(state: &State, invoice: &Invoice) -> i64 {
    let customer = state.get::<Customer>(&invoice.space, &invoice.customer);
    let balance = customer.map_or(0, |customer| customer.balance_in(&invoice.currency));
    invoice.totals.total.saturating_add(balance).max(0)
}

/// Finalizes a draft for which no request waits; `None` when that failed, which the draft then says.
pub fn by_itself(state: &mut State, cause: &Cause, old: &Arc<Invoice>) -> Option<Arc<Invoice>> {
    let Err(error) = check(state, old) else {
        return Some(invoicing::finalize(state, cause, old));
    };
    let mut invoice = Invoice::clone(old);
    invoice.finalizes_at = None;
    invoice.unfinalized = Some(Box::new(Unfinalized {
        code: error.code.map(str::to_owned),
        message: error.message,
    }));
    let invoice = invoicing::put(state, cause, old, invoice);
    invoicing::tell(state, cause, "invoice.finalization_failed", &invoice);
    None
}
