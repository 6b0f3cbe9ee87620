//! What the platform gives back of its fees: objects of the platform, so no connected account is named.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_metadata, push_optional};
use crate::object::{self, PAGE_MAX, Page};

const FEES: &str = "/v1/application_fees";

/// A part of an application fee that went back to the tenant's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRefund {
    /// `fr_…`
    pub id: String,
    /// `fee_…`
    pub fee: String,
    /// Minor units.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// `txn_…` of the platform.
    pub balance_transaction: Option<String>,
    /// What we wrote on it.
    pub metadata: BTreeMap<String, String>,
}

/// Gives so much of a fee back. Fails when less than that is left of it.
pub fn create(fee_id: &str, amount: i64, metadata: &[(String, String)], idempotency_key: String) -> Write {
    let mut params = vec![param("amount", amount)];
    push_metadata(&mut params, metadata);
    Write {
        path: format!("{}/refunds", object_path(FEES, fee_id)),
        params,
        account: None,
        idempotency_key,
    }
}

/// What was given back of a fee, newest first; the page after `starting_after`, of at most 100.
pub async fn list(
    client: &Client,
    fee_id: &str,
    starting_after: Option<&str>,
) -> Result<Page<FeeRefund>, CallError> {
    let mut query = vec![param("limit", PAGE_MAX)];
    push_optional(&mut query, "starting_after", starting_after);
    let path = format!("{}/refunds", object_path(FEES, fee_id));
    let answer = client.read(&path, &query, None).await?;
    Ok(object::page(&answer.body, FeeRefund::from_value)?)
}

impl FeeRefund {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<FeeRefund, Unreadable> {
        FeeRefund::from_value(&object::parse(body)?)
    }

    /// Reads a fee refund from an answer, from its fee or from an event.
    pub fn from_value(value: &Value) -> Result<FeeRefund, Unreadable> {
        object::require_kind(value, "fee_refund")?;
        let fee = object::id_of(value, "fee");
        Ok(FeeRefund {
            id: object::require_text(value, "id")?,
            fee: fee.ok_or_else(|| Unreadable("no id in `fee`".to_owned()))?,
            amount: object::require_int(value, "amount")?,
            currency: object::require_text(value, "currency")?,
            balance_transaction: object::id_of(value, "balance_transaction"),
            metadata: object::text_map(value, "metadata"),
        })
    }
}
