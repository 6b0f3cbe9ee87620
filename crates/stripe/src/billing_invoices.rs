//! Invoices of Stripe's own billing, which subscriptions make. They are no invoices of ours.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::object_path;
use crate::object;

const PATH: &str = "/v1/invoices";

/// An invoice as far as it says where a subscription stands. Amounts are minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingInvoice {
    /// `in_…`; one that is still to come has none.
    pub id: Option<String>,
    /// `draft`, `open`, `paid`, `uncollectible` or `void`.
    pub status: Option<String>,
    /// What is to be paid in all.
    pub amount_due: Option<i64>,
    /// What was paid of it.
    pub amount_paid: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// Stripe's page on which it is paid, once it is finalized.
    pub hosted_invoice_url: Option<String>,
    /// The subscription that it bills, if it bills one.
    pub subscription: Option<String>,
}

/// The invoice as it is now. A draft may have been deleted.
pub async fn retrieve(
    client: &Client,
    account: Option<&AccountId>,
    id: &str,
) -> Result<BillingInvoice, CallError> {
    let answer = client.read(&object_path(PATH, id), &[], account).await?;
    Ok(BillingInvoice::from_value(&object::parse(&answer.body)?)?)
}

impl BillingInvoice {
    /// Reads an invoice from an answer, a subscription or an event of any API version.
    pub fn from_value(value: &Value) -> Result<BillingInvoice, Unreadable> {
        object::require_kind(value, "invoice")?;
        let parent = value.get("parent");
        let details = parent.and_then(|parent| parent.get("subscription_details"));
        Ok(BillingInvoice {
            id: object::text(value, "id"),
            status: object::text(value, "status"),
            amount_due: object::int(value, "amount_due"),
            amount_paid: object::int(value, "amount_paid"),
            currency: object::text(value, "currency"),
            hosted_invoice_url: object::text(value, "hosted_invoice_url"),
            // Before 2025-03-31 the invoice named it itself.
            subscription: details
                .and_then(|details| object::id_of(details, "subscription"))
                .or_else(|| object::id_of(value, "subscription")),
        })
    }
}
