//! Refunds of a connected account's charges. The platform's fee is never returned with them
//! (`refund_application_fee` is not sent): it goes back by a call of its own, so that the cent is ours to
//! decide.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::balance_transactions::BalanceTransaction;
use crate::client::{Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_metadata, push_optional};
use crate::object::{self, Expandable, PAGE_MAX, Page};

const PATH: &str = "/v1/refunds";

/// Money that goes back to a payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// `re_…` or `pyr_…`.
    pub id: String,
    /// `pending`, `requires_action`, `succeeded`, `failed`, `canceled`, or a word of a newer version.
    pub status: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// The charge that it gives back.
    pub charge: Option<String>,
    /// The intent of that charge.
    pub payment_intent: Option<String>,
    /// `duplicate`, `fraudulent`, `requested_by_customer`, or Stripe's own `expired_uncaptured_charge`.
    pub reason: Option<String>,
    /// Why it failed, such as `expired_or_canceled_card`.
    pub failure_reason: Option<String>,
    /// Why it is pending, such as `insufficient_funds`.
    pub pending_reason: Option<String>,
    /// The movement of the account's balance; none while nothing has moved.
    pub balance_transaction: Option<Expandable<BalanceTransaction>>,
    /// The movement by which the money came back.
    pub failure_balance_transaction: Option<Expandable<BalanceTransaction>>,
    /// Seconds since the epoch.
    pub created: Option<i64>,
    /// What was written on it, by us or by anybody with access to the account.
    pub metadata: BTreeMap<String, String>,
}

/// The parameters of a new refund.
#[derive(Clone, Debug)]
pub struct Create<'a> {
    /// The tenant's account (`acct_…`), on which the charge was made.
    pub account: &'a AccountId,
    /// `pi_…`
    pub intent_id: &'a str,
    /// Minor units.
    pub amount: i64,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    pub reason: Option<&'a str>,
    /// At most 50 pairs.
    pub metadata: Vec<(String, String)>,
}

/// A new refund. Fails with `charge_disputed`, `charge_already_refunded`, an amount that is too large, …
pub fn create(new: &Create<'_>, idempotency_key: String) -> Write {
    let mut params = vec![
        param("payment_intent", new.intent_id),
        param("amount", new.amount),
    ];
    push_optional(&mut params, "reason", new.reason);
    push_metadata(&mut params, &new.metadata);
    Write {
        path: PATH.to_owned(),
        params,
        account: Some(new.account.clone()),
        idempotency_key,
    }
}

/// The refund as it is now.
pub async fn retrieve(client: &Client, account: &AccountId, refund_id: &str) -> Result<Refund, CallError> {
    let answer = client
        .read(&object_path(PATH, refund_id), &[], Some(account))
        .await?;
    Ok(Refund::parse(&answer.body)?)
}

/// The refunds of one intent, newest first; the page after `starting_after`, of at most 100.
pub async fn list(
    client: &Client,
    account: &AccountId,
    intent_id: &str,
    starting_after: Option<&str>,
) -> Result<Page<Refund>, CallError> {
    let mut query = vec![param("payment_intent", intent_id), param("limit", PAGE_MAX)];
    push_optional(&mut query, "starting_after", starting_after);
    let answer = client.read(PATH, &query, Some(account)).await?;
    Ok(object::page(&answer.body, Refund::from_value)?)
}

/// Refunds of the account since `created_gte_s` (seconds since the epoch), newest first; the page after
/// `starting_after`, of at most 100.
pub async fn list_since(
    client: &Client,
    account: &AccountId,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<Refund>, CallError> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    let answer = client.read(PATH, &query, Some(account)).await?;
    Ok(object::page(&answer.body, Refund::from_value)?)
}

impl Refund {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<Refund, Unreadable> {
        Refund::from_value(&object::parse(body)?)
    }

    /// Reads a refund from an answer or from an event of any API version.
    pub fn from_value(value: &Value) -> Result<Refund, Unreadable> {
        object::require_kind(value, "refund")?;
        let movement = |name| object::expandable(value, name, BalanceTransaction::from_value);
        Ok(Refund {
            id: object::require_text(value, "id")?,
            status: object::text(value, "status"),
            amount: object::require_int(value, "amount")?,
            currency: object::require_text(value, "currency")?,
            charge: object::id_of(value, "charge"),
            payment_intent: object::id_of(value, "payment_intent"),
            reason: object::text(value, "reason"),
            failure_reason: object::text(value, "failure_reason"),
            pending_reason: object::text(value, "pending_reason"),
            balance_transaction: movement("balance_transaction"),
            failure_balance_transaction: movement("failure_balance_transaction"),
            created: object::int(value, "created"),
            metadata: object::text_map(value, "metadata"),
        })
    }
}
