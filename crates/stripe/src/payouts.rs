//! Payouts: money on its way from an account's balance to its bank. They are read, never made: an account is
//! paid out by Stripe's schedule, or by its owner.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_optional};
use crate::object::{self, PAGE_MAX, Page};

const PATH: &str = "/v1/payouts";

/// A payout, as far as we show or book it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// `po_…`.
    pub id: String,
    /// Minor units of `currency`; below zero when it takes money back from the bank.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// `pending`, `in_transit`, `paid`, `failed`, `canceled`, or a word of a later version.
    pub status: String,
    /// Whether Stripe made it, by the account's schedule. Only then does Stripe say what it consists of.
    pub automatic: bool,
    /// `standard` or `instant`.
    pub method: Option<String>,
    /// The bank account or card, `ba_…`.
    pub destination: Option<String>,
    /// What the bank's statement shows.
    pub statement_descriptor: Option<String>,
    /// When it should be there, in seconds since the epoch.
    pub arrival_date: Option<i64>,
    /// When it was made, in seconds since the epoch.
    pub created: Option<i64>,
    /// `completed` once Stripe has said what an automatic payout consists of.
    pub reconciliation_status: Option<String>,
    /// How it left the balance, `txn_…`.
    pub balance_transaction: Option<String>,
    /// How it came back, `txn_…`.
    pub failure_balance_transaction: Option<String>,
    /// Why it failed, as Stripe's code.
    pub failure_code: Option<String>,
    /// Why it failed, as Stripe's sentence.
    pub failure_message: Option<String>,
    /// The payout that this one takes back.
    pub original_payout: Option<String>,
    /// The payout that takes this one back.
    pub reversed_by: Option<String>,
    /// With which the bank finds it, once it is known.
    pub trace_id: Option<String>,
}

/// A payout of a connected account or (with `None`) of the platform as it is now.
pub async fn retrieve(client: &Client, account: Option<&AccountId>, id: &str) -> Result<Payout, CallError> {
    let answer = client.read(&object_path(PATH, id), &[], account).await?;
    Ok(Payout::from_value(&object::parse(&answer.body)?)?)
}

/// Payouts since `created_gte_s` (seconds since the epoch), newest first; the page after `starting_after`, of
/// at most 100.
pub async fn list_since(
    client: &Client,
    account: Option<&AccountId>,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<Payout>, CallError> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    let answer = client.read(PATH, &query, account).await?;
    Ok(object::page(&answer.body, Payout::from_value)?)
}

impl Payout {
    /// Reads a payout from an answer or an event.
    pub fn from_value(value: &Value) -> Result<Payout, Unreadable> {
        object::require_kind(value, "payout")?;
        Ok(Payout {
            id: object::require_text(value, "id")?,
            amount: object::require_int(value, "amount")?,
            currency: object::require_text(value, "currency")?,
            status: object::require_text(value, "status")?,
            automatic: object::flag(value, "automatic"),
            method: object::text(value, "method"),
            destination: object::id_of(value, "destination"),
            statement_descriptor: object::text(value, "statement_descriptor"),
            arrival_date: object::int(value, "arrival_date"),
            created: object::int(value, "created"),
            reconciliation_status: object::text(value, "reconciliation_status"),
            balance_transaction: object::id_of(value, "balance_transaction"),
            failure_balance_transaction: object::id_of(value, "failure_balance_transaction"),
            failure_code: object::text(value, "failure_code"),
            failure_message: object::text(value, "failure_message"),
            original_payout: object::id_of(value, "original_payout"),
            reversed_by: object::id_of(value, "reversed_by"),
            trace_id: value
                .get("trace_id")
                .and_then(|trace| object::text(trace, "value")),
        })
    }
}
