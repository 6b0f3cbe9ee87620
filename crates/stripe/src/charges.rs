//! Charges: the single movements of money behind a payment intent. One is made by every confirmation.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::balance_transactions::BalanceTransaction;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_optional};
use crate::object::{self, Expandable, PAGE_MAX, Page};

const PATH: &str = "/v1/charges";

/// One charge, successful or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// `ch_…`
    pub id: String,
    /// Minor units.
    pub amount: i64,
    /// Minor units given back so far, a total; it falls when a refund fails.
    pub amount_refunded: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Whether it succeeded, or was at least authorised.
    pub paid: bool,
    /// Where it stands.
    pub status: ChargeStatus,
    /// Whether its holder ever disputed it.
    pub disputed: bool,
    /// Whether the money was taken, not only reserved.
    pub captured: bool,
    /// Live or test mode.
    pub livemode: bool,
    /// Seconds since the epoch.
    pub created: Option<i64>,
    /// `pi_…`; absent for charges that other software made directly.
    pub payment_intent: Option<String>,
    /// `card`, `us_bank_account`, …
    pub payment_method_type: Option<String>,
    /// The card, if it was one.
    pub card: Option<CardUsed>,
    /// What it did to the account's balance. Null at first, because capture is asynchronous: complete at
    /// the latest with `charge.updated`.
    pub balance_transaction: Option<Expandable<BalanceTransaction>>,
    /// `fee_…`, an object of the platform. Null at first, like the balance transaction.
    pub application_fee: Option<String>,
    /// Minor units; what was asked for, not yet what was collected.
    pub application_fee_amount: Option<i64>,
    /// Stripe's own receipt page.
    pub receipt_url: Option<String>,
    /// Such as `card_declined`.
    pub failure_code: Option<String>,
    /// Stripe's sentence about the failure.
    pub failure_message: Option<String>,
    /// What issuer and risk control said.
    pub outcome: Option<Outcome>,
    /// What was written on it, by us or by anybody with access to the account.
    pub metadata: BTreeMap<String, String>,
}

/// A charge's status. Stripe may add others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeStatus {
    /// Under way, for bank debits.
    Pending,
    /// Taken, or authorised.
    Succeeded,
    /// Final.
    Failed,
    /// A status this version does not know.
    Other(String),
}

/// What may be shown of the card that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardUsed {
    /// `visa`, `mastercard`, …
    pub brand: Option<String>,
    /// The last four digits; for a wallet, those of the card behind it.
    pub last4: Option<String>,
    /// `apple_pay`, `google_pay`, `link`, … if the card came out of a wallet.
    pub wallet: Option<String>,
}

/// What issuer and risk control said about a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `authorized`, `manual_review`, `issuer_declined`, `blocked` or `invalid`.
    pub type_: Option<String>,
    /// More exactly, such as `insufficient_funds`.
    pub reason: Option<String>,
    /// A sentence for the tenant, not for the payer.
    pub seller_message: Option<String>,
}

/// The charge as it is now, with its balance transaction expanded.
pub async fn retrieve(client: &Client, account: &AccountId, charge_id: &str) -> Result<Charge, CallError> {
    let query = [param("expand[0]", "balance_transaction")];
    let answer = client
        .read(&object_path(PATH, charge_id), &query, Some(account))
        .await?;
    Ok(Charge::parse(&answer.body)?)
}

/// The newest 100 charges of one payment intent, with their balance transactions: one for each
/// confirmation.
pub async fn list(client: &Client, account: &AccountId, intent_id: &str) -> Result<Page<Charge>, CallError> {
    let mut query = vec![param("payment_intent", intent_id), param("limit", PAGE_MAX)];
    query.push(param("expand[0]", "data.balance_transaction"));
    let answer = client.read(PATH, &query, Some(account)).await?;
    Ok(object::page(&answer.body, Charge::from_value)?)
}

/// Charges of the account since `created_gte_s` (seconds since the epoch), newest first, with their balance
/// transactions; the page after `starting_after`, of at most 100.
pub async fn list_since(
    client: &Client,
    account: &AccountId,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<Charge>, CallError> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    query.push(param("expand[0]", "data.balance_transaction"));
    let answer = client.read(PATH, &query, Some(account)).await?;
    Ok(object::page(&answer.body, Charge::from_value)?)
}

impl Charge {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<Charge, Unreadable> {
        Charge::from_value(&object::parse(body)?)
    }

    /// Reads a charge from an answer, from an intent or from an event of any API version.
    pub fn from_value(value: &Value) -> Result<Charge, Unreadable> {
        object::require_kind(value, "charge")?;
        let details = value.get("payment_method_details");
        Ok(Charge {
            id: object::require_text(value, "id")?,
            amount: object::require_int(value, "amount")?,
            amount_refunded: object::int(value, "amount_refunded").unwrap_or(0),
            currency: object::require_text(value, "currency")?,
            paid: object::flag(value, "paid"),
            status: ChargeStatus::from(object::require_text(value, "status")?),
            disputed: object::flag(value, "disputed"),
            captured: object::flag(value, "captured"),
            livemode: object::flag(value, "livemode"),
            created: object::int(value, "created"),
            payment_intent: object::id_of(value, "payment_intent"),
            payment_method_type: details.and_then(|details| object::text(details, "type")),
            card: details
                .and_then(|details| details.get("card"))
                .and_then(CardUsed::from_value),
            balance_transaction: object::expandable(
                value,
                "balance_transaction",
                BalanceTransaction::from_value,
            ),
            application_fee: object::id_of(value, "application_fee"),
            application_fee_amount: object::int(value, "application_fee_amount"),
            receipt_url: object::text(value, "receipt_url"),
            failure_code: object::text(value, "failure_code"),
            failure_message: object::text(value, "failure_message"),
            outcome: value.get("outcome").and_then(Outcome::from_value),
            metadata: object::text_map(value, "metadata"),
        })
    }
}

impl CardUsed {
    fn from_value(value: &Value) -> Option<CardUsed> {
        value.is_object().then(|| CardUsed {
            brand: object::text(value, "brand"),
            last4: object::text(value, "last4"),
            wallet: value
                .get("wallet")
                .and_then(|wallet| object::text(wallet, "type")),
        })
    }
}

impl Outcome {
    fn from_value(value: &Value) -> Option<Outcome> {
        value.is_object().then(|| Outcome {
            type_: object::text(value, "type"),
            reason: object::text(value, "reason"),
            seller_message: object::text(value, "seller_message"),
        })
    }
}

impl ChargeStatus {
    /// Stripe's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            ChargeStatus::Pending => "pending",
            ChargeStatus::Succeeded => "succeeded",
            ChargeStatus::Failed => "failed",
            ChargeStatus::Other(word) => word,
        }
    }
}

impl From<String> for ChargeStatus {
    fn from(word: String) -> ChargeStatus {
        match word.as_str() {
            "pending" => ChargeStatus::Pending,
            "succeeded" => ChargeStatus::Succeeded,
            "failed" => ChargeStatus::Failed,
            _ => ChargeStatus::Other(word),
        }
    }
}
