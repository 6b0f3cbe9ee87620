//! Connected accounts as the platform sees them: whether a tenant can take money, and what Stripe still
//! wants to know. Their events have no order of their own, so an account is always retrieved.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::object_path;
use crate::object;

/// A connected account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `acct_…`
    pub id: String,
    /// Whether it may charge at all; a missing field reads as no.
    pub charges_enabled: bool,
    /// Whether its money is paid out.
    pub payouts_enabled: bool,
    /// Whether onboarding was finished once.
    pub details_submitted: bool,
    /// Capability name to `active`, `inactive` or `pending`.
    pub capabilities: BTreeMap<String, String>,
    /// What Stripe wants to know.
    pub requirements: Requirements,
    /// Lower-case ISO code.
    pub default_currency: Option<String>,
    /// Upper-case ISO code.
    pub country: Option<String>,
    /// The account owner's address.
    pub email: Option<String>,
}

/// What Stripe still wants to know about an account, by field name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Needed by `current_deadline`.
    pub currently_due: Vec<String>,
    /// Missed; charges or payouts are stopped for it.
    pub past_due: Vec<String>,
    /// Needed some day.
    pub eventually_due: Vec<String>,
    /// Given, being checked by Stripe.
    pub pending_verification: Vec<String>,
    /// Seconds since the epoch.
    pub current_deadline: Option<i64>,
    /// Such as `requirements.past_due`, `under_review`, `rejected.fraud`.
    pub disabled_reason: Option<String>,
}

/// The account as the platform sees it. `account_invalid` means that access to it is gone.
pub async fn retrieve(client: &Client, account_id: &str) -> Result<Account, CallError> {
    let answer = client
        .read(&object_path("/v1/accounts", account_id), &[], None)
        .await?;
    Ok(Account::parse(&answer.body)?)
}

impl Account {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<Account, Unreadable> {
        Account::from_value(&object::parse(body)?)
    }

    /// Whether it can take a card payment now.
    pub fn can_take_cards(&self) -> bool {
        let card_payments = self.capabilities.get("card_payments");
        self.charges_enabled && card_payments.is_some_and(|status| status == "active")
    }

    /// Reads an account from an answer or an event.
    pub fn from_value(value: &Value) -> Result<Account, Unreadable> {
        object::require_kind(value, "account")?;
        Ok(Account {
            id: object::require_text(value, "id")?,
            charges_enabled: object::flag(value, "charges_enabled"),
            payouts_enabled: object::flag(value, "payouts_enabled"),
            details_submitted: object::flag(value, "details_submitted"),
            capabilities: object::text_map(value, "capabilities"),
            requirements: value
                .get("requirements")
                .map(Requirements::from_value)
                .unwrap_or_default(),
            default_currency: object::text(value, "default_currency"),
            country: object::text(value, "country"),
            email: object::text(value, "email"),
        })
    }
}

impl Requirements {
    fn from_value(value: &Value) -> Requirements {
        Requirements {
            currently_due: object::texts(value, "currently_due"),
            past_due: object::texts(value, "past_due"),
            eventually_due: object::texts(value, "eventually_due"),
            pending_verification: object::texts(value, "pending_verification"),
            current_deadline: object::int(value, "current_deadline"),
            disabled_reason: object::text(value, "disabled_reason"),
        }
    }
}
