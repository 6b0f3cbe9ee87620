//! Disputes: read and listed with what they did to the account's balance, answered with evidence, given up.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::balance_transactions::BalanceTransaction;
use crate::client::{Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_optional};
use crate::object::{self, PAGE_MAX, Page};

const PATH: &str = "/v1/disputes";

/// A dispute of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// `dp_…` (older ones `du_…`).
    pub id: String,
    /// What is disputed, in minor units of `currency`.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// The charge.
    pub charge: Option<String>,
    /// The charge's intent.
    pub payment_intent: Option<String>,
    /// Why, such as `fraudulent`. Stripe adds others.
    pub reason: String,
    /// The card scheme's code for it.
    pub network_reason_code: Option<String>,
    /// Where it stands, as Stripe writes it.
    pub status: String,
    /// How the money was taken and given back. None where the object does not say; an inquiry has an empty
    /// list.
    pub balance_transactions: Option<Vec<BalanceTransaction>>,
    /// Until when evidence is taken, in seconds since the epoch.
    pub due_by: Option<i64>,
    /// Whether evidence is kept at Stripe, submitted or not.
    pub has_evidence: bool,
    /// How often evidence was given to the bank.
    pub submission_count: i64,
    /// When it was opened, in seconds since the epoch.
    pub created: Option<i64>,
    /// Live or test mode.
    pub livemode: bool,
    /// What was written on it, by anybody with access to the account.
    pub metadata: BTreeMap<String, String>,
}

/// The dispute as it is now.
pub async fn retrieve(client: &Client, account: &AccountId, dispute_id: &str) -> Result<Dispute, CallError> {
    let answer = client
        .read(&object_path(PATH, dispute_id), &[], Some(account))
        .await?;
    Ok(Dispute::parse(&answer.body)?)
}

/// Disputes of the account since `created_gte_s` (seconds since the epoch), newest first; the page after
/// `starting_after`, of at most 100.
pub async fn list_since(
    client: &Client,
    account: &AccountId,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<Dispute>, CallError> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    let answer = client.read(PATH, &query, Some(account)).await?;
    Ok(object::page(&answer.body, Dispute::from_value)?)
}

/// Gives evidence, by Stripe's names of the fields, to the bank. That can be done once.
pub fn submit(
    account: &AccountId,
    dispute_id: &str,
    evidence: &[(&str, &str)],
    idempotency_key: String,
) -> Write {
    let mut params: Vec<(String, String)> = evidence
        .iter()
        .map(|(field, value)| (format!("evidence[{field}]"), (*value).to_owned()))
        .collect();
    params.push(param("submit", true));
    Write {
        path: object_path(PATH, dispute_id),
        params,
        account: Some(account.clone()),
        idempotency_key,
    }
}

/// Gives the dispute up: it is lost, for good.
pub fn close(account: &AccountId, dispute_id: &str, idempotency_key: String) -> Write {
    Write {
        path: format!("{}/close", object_path(PATH, dispute_id)),
        params: Vec::new(),
        account: Some(account.clone()),
        idempotency_key,
    }
}

impl Dispute {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<Dispute, Unreadable> {
        Dispute::from_value(&object::parse(body)?)
    }

    /// Reads a dispute from an answer or from an event of any API version. A balance transaction that cannot
    /// be read makes the dispute unreadable, for money would be missing; one that is only named makes the
    /// list one that the object does not say.
    pub fn from_value(value: &Value) -> Result<Dispute, Unreadable> {
        object::require_kind(value, "dispute")?;
        let details = value.get("evidence_details");
        Ok(Dispute {
            id: object::require_text(value, "id")?,
            amount: object::require_int(value, "amount")?,
            currency: object::require_text(value, "currency")?,
            charge: object::id_of(value, "charge"),
            payment_intent: object::id_of(value, "payment_intent"),
            reason: object::text(value, "reason").unwrap_or_else(|| "general".to_owned()),
            network_reason_code: object::text(value, "network_reason_code"),
            status: object::require_text(value, "status")?,
            balance_transactions: transactions(value)?,
            due_by: details.and_then(|details| object::int(details, "due_by")),
            has_evidence: details.is_some_and(|details| object::flag(details, "has_evidence")),
            submission_count: details
                .and_then(|details| object::int(details, "submission_count"))
                .unwrap_or(0),
            created: object::int(value, "created"),
            livemode: object::flag(value, "livemode"),
            metadata: object::text_map(value, "metadata"),
        })
    }
}

fn transactions(value: &Value) -> Result<Option<Vec<BalanceTransaction>>, Unreadable> {
    let Some(listed) = value.get("balance_transactions").and_then(Value::as_array) else {
        return Ok(None);
    };
    if listed.iter().any(Value::is_string) {
        return Ok(None);
    }
    listed
        .iter()
        .map(BalanceTransaction::from_value)
        .collect::<Result<_, _>>()
        .map(Some)
}
