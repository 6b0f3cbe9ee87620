//! What becomes of a subscription whose payment failed as often as it is tried. With Stripe that is a setting
//! of the account; here it is said of each subscription through the control API.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invoice::Invoice;
use super::subscription::Subscription;
use crate::error::ApiError;
use crate::state::{Row, State};

/// How often a payment is tried before the subscription is given up.
const ATTEMPTS_MAX: u32 = 4;

/// What becomes of it then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterRetries {
    /// It is canceled, as with an account whose settings nobody touched.
    #[default]
    Cancel,
    /// It is unpaid: its further invoices stay drafts until the latest is paid.
    Unpaid,
    /// It stays past due, and is billed as before.
    PastDue,
}

/// Whether an open invoice is not tried again.
pub fn is_given_up(invoice: &Invoice) -> bool {
    invoice.attempt_count >= ATTEMPTS_MAX && invoice.next_attempt.is_none()
}

/// What the control API says of a subscription.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    after_retries: AfterRetries,
}

/// Says what becomes of a subscription after all retries.
///
/// # Errors
/// 404 for one that is not there.
pub fn control(state: &mut State, id: &str, wanted: Wanted) -> Result<Value, ApiError> {
    let found = Subscription::table(state).anywhere(id).cloned();
    let old = found.ok_or_else(|| ApiError::no_such("subscription", id, "subscription"))?;
    let after_retries = wanted.after_retries;
    state.put(Subscription {
        after_retries,
        ..Subscription::clone(&old)
    });
    Ok(json!({ "id": id, "after_retries": after_retries }))
}
