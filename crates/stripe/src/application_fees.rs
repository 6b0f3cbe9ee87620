//! Application fees: what the platform earned from a tenant's charge. They are objects of the platform, so
//! no connected account is named when they are read.

use serde_json::Value;

use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::fee_refunds::FeeRefund;
use crate::form::{object_path, param, push_optional};
use crate::object::{self, PAGE_MAX, Page};

const PATH: &str = "/v1/application_fees";

/// A fee that was collected: the source of truth for platform revenue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationFee {
    /// `fee_…`
    pub id: String,
    /// The tenant's account (`acct_…`).
    pub account: String,
    /// Minor units.
    pub amount: i64,
    /// Minor units given back so far, a total.
    pub amount_refunded: i64,
    /// The tenant's charge (`ch_…`).
    pub charge: Option<String>,
    /// Lower-case ISO code.
    pub currency: String,
    /// The charge again, or the transfer behind it; null for direct charges in some versions.
    pub originating_transaction: Option<String>,
    /// Live or test mode.
    pub livemode: bool,
    /// Seconds since the epoch.
    pub created: Option<i64>,
    /// `txn_…` of the platform.
    pub balance_transaction: Option<String>,
    /// What was given back, newest first; as many as Stripe shows within the fee.
    pub refunds: Vec<FeeRefund>,
}

impl ApplicationFee {
    /// Whether some of what was given back is not shown within the fee.
    pub fn lacks_refunds(&self) -> bool {
        let shown = self.refunds.iter().map(|refund| refund.amount);
        shown.fold(0_i64, i64::saturating_add) != self.amount_refunded
    }
}

/// One fee of the platform.
pub async fn retrieve(client: &Client, fee_id: &str) -> Result<ApplicationFee, CallError> {
    let answer = client.read(&object_path(PATH, fee_id), &[], None).await?;
    Ok(ApplicationFee::parse(&answer.body)?)
}

/// The fees of one charge: one, or none when the fee was omitted or is not collected yet.
pub async fn list(client: &Client, charge_id: &str) -> Result<Page<ApplicationFee>, CallError> {
    let query = [param("charge", charge_id), param("limit", PAGE_MAX)];
    let answer = client.read(PATH, &query, None).await?;
    Ok(object::page(&answer.body, ApplicationFee::from_value)?)
}

/// Fees since `created_gte_s` (seconds since the epoch), newest first; the page after `starting_after`, of at
/// most 100.
pub async fn list_since(
    client: &Client,
    created_gte_s: i64,
    starting_after: Option<&str>,
    limit: u32,
) -> Result<Page<ApplicationFee>, CallError> {
    let mut query = vec![
        param("created[gte]", created_gte_s),
        param("limit", limit.clamp(1, PAGE_MAX)),
    ];
    push_optional(&mut query, "starting_after", starting_after);
    let answer = client.read(PATH, &query, None).await?;
    Ok(object::page(&answer.body, ApplicationFee::from_value)?)
}

impl ApplicationFee {
    /// Reads the body of an answer.
    pub fn parse(body: &str) -> Result<ApplicationFee, Unreadable> {
        ApplicationFee::from_value(&object::parse(body)?)
    }

    /// Reads a fee from an answer or an event.
    pub fn from_value(value: &Value) -> Result<ApplicationFee, Unreadable> {
        object::require_kind(value, "application_fee")?;
        let account = object::id_of(value, "account");
        Ok(ApplicationFee {
            id: object::require_text(value, "id")?,
            account: account.ok_or_else(|| Unreadable("no id in `account`".to_owned()))?,
            amount: object::require_int(value, "amount")?,
            amount_refunded: object::int(value, "amount_refunded").unwrap_or(0),
            charge: object::id_of(value, "charge"),
            currency: object::require_text(value, "currency")?,
            originating_transaction: object::id_of(value, "originating_transaction"),
            livemode: object::flag(value, "livemode"),
            created: object::int(value, "created"),
            balance_transaction: object::id_of(value, "balance_transaction"),
            refunds: refunds(value)?,
        })
    }
}

/// The first page of its refunds, where it is shown; one that cannot be read makes the fee unreadable, for
/// money would be missing.
fn refunds(fee: &Value) -> Result<Vec<FeeRefund>, Unreadable> {
    let shown = fee.pointer("/refunds/data").and_then(Value::as_array);
    shown.into_iter().flatten().map(FeeRefund::from_value).collect()
}
