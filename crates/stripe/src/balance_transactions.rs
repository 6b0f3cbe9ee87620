//! Balance transactions: what an object did to an account's balance, with every fee. The only source for
//! Stripe's fee and the net amount; they are read, never computed.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::{object_path, param, push_optional};
use crate::object::{self, PAGE_MAX, Page};

const PATH: &str = "/v1/balance_transactions";

/// One movement of an account's balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceTransaction {
    /// `txn_…`
    pub id: String,
    /// Gross, in minor units of `currency`; negative when money leaves.
    pub amount: i64,
    /// All fees together, in minor units: Stripe's and ours.
    pub fee: i64,
    /// `amount − fee`, in minor units.
    pub net: i64,
    /// Lower-case ISO code of the account's balance, which may differ from the charge's.
    pub currency: String,
    /// `charge`, `application_fee`, `refund`, …
    pub type_: String,
    /// What reports call it, such as `platform_earning`.
    pub reporting_category: Option<String>,
    /// The parts of `fee`.
    pub fee_details: Vec<FeeDetail>,
    /// How the charge's currency became the balance's, as Stripe writes it: shown, never computed with.
    pub exchange_rate: Option<String>,
    /// When it was made, in seconds since the epoch.
    pub created: Option<i64>,
    /// When it can be paid out, in seconds since the epoch.
    pub available_on: Option<i64>,
    /// The object it came from (`ch_…`, `fee_…`).
    pub source: Option<String>,
    /// What that object hangs on, where it was expanded.
    pub hangs_on: HangsOn,
}

/// The charge and the intent behind a balance transaction: of a charge itself, of what was given back of
/// it, of a dispute about it, of the platform's share in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HangsOn {
    /// `ch_…` or `py_…`.
    pub charge: Option<String>,
    /// `pi_…`.
    pub payment_intent: Option<String>,
    /// `fee_…`, of the platform's share or of a part of one that was given back.
    pub application_fee: Option<String>,
    /// The account that such a share was taken from.
    pub account: Option<String>,
    /// What the charge was made in, before Stripe settled it in the balance's currency: minor units, and the
    /// lower-case ISO code. Nothing where the object does not say it: what goes back of a share hangs on the
    /// whole share.
    pub presented: Option<(i64, String)>,
    /// Of a charge, the platform's share in it, in minor units of what it was made in.
    pub presented_fee: i64,
}

/// Which balance transactions are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Those made since then, in seconds since the epoch.
    pub created_gte_s: Option<i64>,
    /// Those that an automatic payout pays out.
    pub payout: Option<&'a str>,
    /// The page after this one.
    pub starting_after: Option<&'a str>,
    /// At most 100.
    pub limit: u32,
}

/// One part of a balance transaction's fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeDetail {
    /// `stripe_fee`, `application_fee`, `tax`, …
    pub type_: String,
    /// Minor units.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
}

/// One balance transaction, of a connected account or (with `None`) of the platform.
pub async fn retrieve(
    client: &Client,
    account: Option<&AccountId>,
    transaction_id: &str,
) -> Result<BalanceTransaction, CallError> {
    let answer = client
        .read(&object_path(PATH, transaction_id), &[], account)
        .await?;
    Ok(BalanceTransaction::from_value(&object::parse(&answer.body)?)?)
}

/// Balance transactions of a connected account or (with `None`) of the platform, newest first, each with what
/// it hangs on.
pub async fn list(
    client: &Client,
    account: Option<&AccountId>,
    wanted: Wanted<'_>,
) -> Result<Page<BalanceTransaction>, CallError> {
    let mut query = vec![
        param("expand[0]", "data.source"),
        param("limit", wanted.limit.clamp(1, PAGE_MAX)),
    ];
    if let Some(created_gte_s) = wanted.created_gte_s {
        query.push(param("created[gte]", created_gte_s));
    }
    push_optional(&mut query, "payout", wanted.payout);
    push_optional(&mut query, "starting_after", wanted.starting_after);
    let answer = client.read(PATH, &query, account).await?;
    Ok(object::page(&answer.body, BalanceTransaction::from_value)?)
}

impl BalanceTransaction {
    /// Sums the fee parts of one type, in minor units; `None` on overflow.
    pub fn fee_of(&self, type_: &str) -> Option<i64> {
        let parts = self.fee_details.iter().filter(|detail| detail.type_ == type_);
        parts
            .map(|detail| detail.amount)
            .try_fold(0_i64, i64::checked_add)
    }

    /// Reads a balance transaction; a fee part that cannot be read makes it unreadable, for money would be
    /// missing.
    pub fn from_value(value: &Value) -> Result<BalanceTransaction, Unreadable> {
        object::require_kind(value, "balance_transaction")?;
        let details = value.get("fee_details").and_then(Value::as_array);
        let type_ = object::require_text(value, "type")?;
        let mut hangs_on = value.get("source").map(HangsOn::from_value).unwrap_or_default();
        if type_ == "application_fee_refund" && hangs_on.account.is_some() {
            // Its source is the fee, as it was taken, and not the part that goes back.
            hangs_on.presented = None;
        }
        Ok(BalanceTransaction {
            id: object::require_text(value, "id")?,
            amount: object::require_int(value, "amount")?,
            fee: object::require_int(value, "fee")?,
            net: object::require_int(value, "net")?,
            currency: object::require_text(value, "currency")?,
            type_,
            reporting_category: object::text(value, "reporting_category"),
            exchange_rate: value
                .get("exchange_rate")
                .filter(|rate| rate.is_number())
                .map(Value::to_string),
            created: object::int(value, "created"),
            fee_details: details
                .into_iter()
                .flatten()
                .map(FeeDetail::from_value)
                .collect::<Result<_, _>>()?,
            available_on: object::int(value, "available_on"),
            source: object::id_of(value, "source"),
            hangs_on,
        })
    }
}

impl HangsOn {
    /// Reads it from the source of a balance transaction; nothing where only its id is there.
    fn from_value(source: &Value) -> HangsOn {
        let kind = object::text(source, "object").unwrap_or_default();
        let amount = object::int(source, "amount");
        let presented = amount.zip(object::text(source, "currency"));
        match kind.as_str() {
            "charge" => HangsOn {
                charge: object::text(source, "id"),
                payment_intent: object::id_of(source, "payment_intent"),
                application_fee: None,
                account: None,
                presented,
                presented_fee: object::int(source, "application_fee_amount").unwrap_or(0),
            },
            "refund" | "dispute" => HangsOn {
                charge: object::id_of(source, "charge"),
                payment_intent: object::id_of(source, "payment_intent"),
                presented,
                ..HangsOn::default()
            },
            "application_fee" => HangsOn {
                charge: object::id_of(source, "charge"),
                application_fee: object::text(source, "id"),
                account: object::id_of(source, "account"),
                presented,
                ..HangsOn::default()
            },
            "fee_refund" => HangsOn {
                application_fee: object::id_of(source, "fee"),
                presented,
                ..HangsOn::default()
            },
            _ => HangsOn::default(),
        }
    }
}

impl FeeDetail {
    fn from_value(value: &Value) -> Result<FeeDetail, Unreadable> {
        Ok(FeeDetail {
            type_: object::require_text(value, "type")?,
            amount: object::require_int(value, "amount")?,
            currency: object::require_text(value, "currency")?,
        })
    }
}
