//! PaymentIntents on a connected account: created first, confirmed second, so that a refused confirmation
//! never hides an intent. Each is for one kind of payment method; wallets come with cards.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::account_id::AccountId;
use crate::charges::Charge;
use crate::client::{Client, Write};
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_metadata, push_optional};
use crate::object::{self, Expandable, PAGE_MAX, Page};
use crate::secret::Secret;

const PATH: &str = "/v1/payment_intents";

/// An attempt to collect one amount. Its status is the whole truth about the payment, its events are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentIntent {
    /// `pi_…`
    pub id: String,
    /// Where it stands.
    pub status: IntentStatus,
    /// Minor units.
    pub amount: i64,
    /// Minor units; above zero only when succeeded.
    pub amount_received: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Our fee in minor units; absent if none was asked for.
    pub application_fee_amount: Option<i64>,
    /// What lets a browser act on this intent.
    pub client_secret: Option<Secret>,
    /// The charge of the last confirmation, successful or not; each confirmation replaces it.
    pub latest_charge: Option<Expandable<Charge>>,
    /// Why the last confirmation failed.
    pub last_payment_error: Option<PaymentError>,
    /// Live or test mode.
    pub livemode: bool,
    /// What it is for, as we, or the tenant, wrote it.
    pub description: Option<String>,
    /// What we, or the tenant, wrote on it: never to be trusted for whose it is.
    pub metadata: BTreeMap<String, String>,
    /// Seconds since the epoch.
    pub created: Option<i64>,
    /// Seconds since the epoch.
    pub canceled_at: Option<i64>,
    /// Ours, or Stripe's own such as `automatic`.
    pub cancellation_reason: Option<String>,
    /// `redirect_to_url`, `use_stripe_sdk`, … while it requires an action.
    pub next_action_type: Option<String>,
    /// `pm_…`
    pub payment_method: Option<String>,
}

/// A PaymentIntent's status. Stripe may add others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentStatus {
    /// New, or after a decline: open for a (new) payment method.
    RequiresPaymentMethod,
    /// Has a payment method, not confirmed.
    RequiresConfirmation,
    /// The payer has to do something, such as 3D Secure.
    RequiresAction,
    /// Under way at the bank; cards skip it.
    Processing,
    /// Authorised, not captured; only with manual capture.
    RequiresCapture,
    /// Paid. Final, although money can leave again by refund or dispute.
    Succeeded,
    /// Final.
    Canceled,
    /// A status this version does not know.
    Other(String),
}

/// Why a confirmation failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentError {
    /// Such as `card_declined`.
    pub code: Option<String>,
    /// The issuer's reason, such as `insufficient_funds`.
    pub decline_code: Option<String>,
    /// Stripe's sentence for the payer.
    pub message: Option<String>,
    /// The failed charge (`ch_…`).
    pub charge: Option<String>,
}

/// The parameters of a new intent.
#[derive(Clone, Debug)]
pub struct Create<'a> {
    /// The tenant's account (`acct_…`), on which the charge is made.
    pub account: &'a AccountId,
    /// Minor units, at most eight digits.
    pub amount: i64,
    /// ISO code, in lower case.
    pub currency: &'a str,
    /// The one kind of payment method that it takes: `card`, `us_bank_account`.
    pub method: &'a str,
    /// Minor units, positive and smaller than the amount; `None` when the fee rounds to zero, which Stripe
    /// refuses.
    pub application_fee_amount: Option<i64>,
    /// Shown to the tenant in Stripe's dashboard.
    pub description: Option<&'a str>,
    /// At most 50 pairs; keys of at most 40 characters without brackets, values of at most 500.
    pub metadata: Vec<(String, String)>,
    /// Where Stripe mails its own receipt, in live mode.
    pub receipt_email: Option<&'a str>,
    /// A customer of the same account (`cus_…`).
    pub customer: Option<&'a str>,
}

/// The parameters of a confirmation made by the server.
#[derive(Clone, Debug)]
pub struct Confirm<'a> {
    /// The tenant's account (`acct_…`).
    pub account: &'a AccountId,
    /// `pi_…`
    pub intent_id: &'a str,
    /// What the payer agreed to, minor units: Stripe refuses when the intent asks for something else by now.
    pub amount: i64,
    /// `ctoken_…` from the payer's browser; usable once.
    pub confirmation_token: &'a str,
    /// Where a redirecting payment method or bank returns to.
    pub return_url: Option<&'a str>,
}

/// The parameters of a change; only what is given is changed. Not possible while processing or when final.
#[derive(Clone, Debug)]
pub struct Update<'a> {
    /// The tenant's account (`acct_…`).
    pub account: &'a AccountId,
    /// `pi_…`
    pub intent_id: &'a str,
    /// Minor units.
    pub amount: Option<i64>,
    /// Minor units. Changing the amount does not change the fee.
    pub application_fee_amount: Option<i64>,
    /// Shown to the tenant.
    pub description: Option<&'a str>,
    /// Added to, or replacing, single keys.
    pub metadata: Vec<(String, String)>,
}

/// Why we cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The payer left.
    Abandoned,
    /// Another intent took its place.
    Duplicate,
    /// Looks fraudulent, for example too many failed attempts.
    Fraudulent,
    /// The tenant or the payer asked for it.
    RequestedByCustomer,
}

/// A new intent. Fails with `amount_too_small`, `account_invalid`, … and never with a decline.
pub fn create(new: &Create<'_>, idempotency_key: String) -> Write {
    let mut params = vec![param("amount", new.amount), param("currency", new.currency)];
    // `payment_method_types` was removed from requests in 2026-09-30.endive.
    params.push(param("allowed_payment_method_types[0]", new.method));
    push_optional(&mut params, "application_fee_amount", new.application_fee_amount);
    push_optional(&mut params, "description", new.description);
    push_optional(&mut params, "receipt_email", new.receipt_email);
    push_optional(&mut params, "customer", new.customer);
    push_metadata(&mut params, &new.metadata);
    write(PATH.to_owned(), params, new.account, idempotency_key)
}

/// Confirms with a confirmation token. With `use_stripe_sdk`, 3D Secure is left to Stripe.js in the payer's
/// page.
pub fn confirm(confirm: &Confirm<'_>, idempotency_key: String) -> Write {
    let mut params = vec![param("amount_to_confirm", confirm.amount)];
    params.push(param("confirmation_token", confirm.confirmation_token));
    params.push(param("use_stripe_sdk", true));
    push_optional(&mut params, "return_url", confirm.return_url);
    params.push(param("expand[0]", "latest_charge"));
    let path = format!("{}/confirm", object_path(PATH, confirm.intent_id));
    write(path, params, confirm.account, idempotency_key)
}

/// Changes an open intent.
pub fn update(update: &Update<'_>, idempotency_key: String) -> Write {
    let mut params = Vec::new();
    push_optional(&mut params, "amount", update.amount);
    push_optional(
        &mut params,
        "application_fee_amount",
        update.application_fee_amount,
    );
    push_optional(&mut params, "description", update.description);
    push_metadata(&mut params, &update.metadata);
    write(
        object_path(PATH, update.intent_id),
        params,
        update.account,
        idempotency_key,
    )
}

/// Cancels an intent in any `requires_…` state; otherwise `payment_intent_unexpected_state`, with the
/// intent.
pub fn cancel(account: &AccountId, intent_id: &str, reason: CancelReason, idempotency_key: String) -> Write {
    let params = vec![param("cancellation_reason", reason.as_str())];
    let path = format!("{}/cancel", object_path(PATH, intent_id));
    write(path, params, account, idempotency_key)
}

/// The intent as it is now, with its latest charge expanded.
pub async fn retrieve(
    client: &Client,
    account: &AccountId,
    intent_id: &str,
) -> Result<PaymentIntent, CallError> {
    let query = [param("expand[0]", "latest_charge")];
    let answer = client
        .read(&object_path(PATH, intent_id), &query, Some(account))
        .await?;
    Ok(PaymentIntent::parse(&answer.body)?)
}

/// Intents created at `created_gte_s` (seconds since the epoch) or later, newest first, with their latest
/// charges; the page after `starting_after`, of at most 100.
pub async fn list(
    client: &Client,
    account: &AccountId,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<PaymentIntent>, CallError> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    query.push(param("expand[0]", "data.latest_charge"));
    let answer = client.read(PATH, &query, Some(account)).await?;
    Ok(object::page(&answer.body, PaymentIntent::from_value)?)
}

impl PaymentIntent {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<PaymentIntent, Unreadable> {
        PaymentIntent::from_value(&object::parse(body)?)
    }

    /// Reads an intent from an answer, an error or an event of any API version.
    pub fn from_value(value: &Value) -> Result<PaymentIntent, Unreadable> {
        object::require_kind(value, "payment_intent")?;
        Ok(PaymentIntent {
            id: object::require_text(value, "id")?,
            status: IntentStatus::from(object::require_text(value, "status")?),
            amount: object::require_amount(value, "amount")?,
            amount_received: object::amount(value, "amount_received")?.unwrap_or(0),
            currency: object::require_text(value, "currency")?,
            application_fee_amount: object::int(value, "application_fee_amount"),
            client_secret: object::text(value, "client_secret").map(Secret::from),
            latest_charge: object::expandable(value, "latest_charge", Charge::from_value),
            last_payment_error: value.get("last_payment_error").and_then(PaymentError::from_value),
            livemode: object::flag(value, "livemode"),
            description: object::text(value, "description"),
            metadata: object::text_map(value, "metadata"),
            created: object::int(value, "created"),
            canceled_at: object::int(value, "canceled_at"),
            cancellation_reason: object::text(value, "cancellation_reason"),
            next_action_type: value
                .get("next_action")
                .and_then(|action| object::text(action, "type")),
            payment_method: object::id_of(value, "payment_method"),
        })
    }
}

impl PaymentError {
    fn from_value(value: &Value) -> Option<PaymentError> {
        value.is_object().then(|| PaymentError {
            code: object::text(value, "code"),
            decline_code: object::text(value, "decline_code"),
            message: object::text(value, "message"),
            charge: object::id_of(value, "charge"),
        })
    }
}

impl IntentStatus {
    /// Stripe's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            IntentStatus::RequiresPaymentMethod => "requires_payment_method",
            IntentStatus::RequiresConfirmation => "requires_confirmation",
            IntentStatus::RequiresAction => "requires_action",
            IntentStatus::Processing => "processing",
            IntentStatus::RequiresCapture => "requires_capture",
            IntentStatus::Succeeded => "succeeded",
            IntentStatus::Canceled => "canceled",
            IntentStatus::Other(word) => word,
        }
    }
}

impl From<String> for IntentStatus {
    fn from(word: String) -> IntentStatus {
        match word.as_str() {
            "requires_payment_method" => IntentStatus::RequiresPaymentMethod,
            "requires_confirmation" => IntentStatus::RequiresConfirmation,
            "requires_action" => IntentStatus::RequiresAction,
            "processing" => IntentStatus::Processing,
            "requires_capture" => IntentStatus::RequiresCapture,
            "succeeded" => IntentStatus::Succeeded,
            "canceled" => IntentStatus::Canceled,
            _ => IntentStatus::Other(word),
        }
    }
}

impl fmt::Display for IntentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl CancelReason {
    /// Stripe's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            CancelReason::Abandoned => "abandoned",
            CancelReason::Duplicate => "duplicate",
            CancelReason::Fraudulent => "fraudulent",
            CancelReason::RequestedByCustomer => "requested_by_customer",
        }
    }
}

fn write(path: String, params: Vec<(String, String)>, account: &AccountId, idempotency_key: String) -> Write {
    Write {
        path,
        params,
        account: Some(account.clone()),
        idempotency_key,
    }
}
