//! Refunds and payouts as events tell of them: enough to show that money moved on an account.

use serde_json::Value;

use crate::error::Unreadable;
use crate::object;

/// Money that left an account's balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// `re_…`, `pyr_…` or `po_…`.
    pub id: String,
    /// As Stripe writes it, such as `pending` or `paid`.
    pub status: Option<String>,
    /// Minor units of `currency`.
    pub amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// The charge that a refund gives back.
    pub charge: Option<String>,
    /// The intent that a refund gives back.
    pub payment_intent: Option<String>,
}

impl Movement {
    /// Reads a refund or a payout from an event.
    pub fn from_value(value: &Value) -> Result<Movement, Unreadable> {
        Ok(Movement {
            id: object::require_text(value, "id")?,
            status: object::text(value, "status"),
            amount: object::int(value, "amount"),
            currency: object::text(value, "currency"),
            charge: object::id_of(value, "charge"),
            payment_intent: object::id_of(value, "payment_intent"),
        })
    }
}
