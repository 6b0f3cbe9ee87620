//! Refunds and payouts: enough to show that money moved on an account.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_optional};
use crate::object::{self, PAGE_MAX, Page};

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
    /// What was written on it, by us or by anybody with access to the account.
    pub metadata: BTreeMap<String, String>,
}

/// Which movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Money given back to payers.
    Refunds,
    /// Money sent to the account's bank.
    Payouts,
}

impl Kind {
    const fn path(self) -> &'static str {
        match self {
            Kind::Refunds => "/v1/refunds",
            Kind::Payouts => "/v1/payouts",
        }
    }
}

/// A refund or a payout of the account as it is now.
pub async fn retrieve(
    client: &Client,
    account: &AccountId,
    kind: Kind,
    id: &str,
) -> Result<Movement, CallError> {
    let path = object_path(kind.path(), id);
    let answer = client.read(&path, &[], Some(account)).await?;
    Ok(Movement::from_value(&object::parse(&answer.body)?)?)
}

/// Refunds or payouts of the account since `created_gte_s` (seconds since the epoch), newest first; the page
/// after `starting_after`, of at most 100.
pub async fn list_since(
    client: &Client,
    account: &AccountId,
    kind: Kind,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<Movement>, CallError> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    let answer = client.read(kind.path(), &query, Some(account)).await?;
    Ok(object::page(&answer.body, Movement::from_value)?)
}

impl Movement {
    /// Reads a refund or a payout from an answer or an event.
    pub fn from_value(value: &Value) -> Result<Movement, Unreadable> {
        Ok(Movement {
            id: object::require_text(value, "id")?,
            status: object::text(value, "status"),
            amount: object::int(value, "amount"),
            currency: object::text(value, "currency"),
            charge: object::id_of(value, "charge"),
            payment_intent: object::id_of(value, "payment_intent"),
            metadata: object::text_map(value, "metadata"),
        })
    }
}
