//! Balance transactions: what an object did to an account's balance, with every fee. The only source for
//! Stripe's fee and the net amount; they are read, never computed.

use serde_json::Value;

use crate::account_id::AccountId;
use crate::client::Client;
use crate::error::{CallError, Unreadable};
use crate::form::object_path;
use crate::object;

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
    /// The parts of `fee`.
    pub fee_details: Vec<FeeDetail>,
    /// When it can be paid out, in seconds since the epoch.
    pub available_on: Option<i64>,
    /// The object it came from (`ch_…`, `fee_…`).
    pub source: Option<String>,
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
        Ok(BalanceTransaction {
            id: object::require_text(value, "id")?,
            amount: object::require_int(value, "amount")?,
            fee: object::require_int(value, "fee")?,
            net: object::require_int(value, "net")?,
            currency: object::require_text(value, "currency")?,
            type_: object::require_text(value, "type")?,
            fee_details: details
                .into_iter()
                .flatten()
                .map(FeeDetail::from_value)
                .collect::<Result<_, _>>()?,
            available_on: object::int(value, "available_on"),
            source: object::id_of(value, "source"),
        })
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
