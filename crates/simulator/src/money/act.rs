//! Money by the control API: the merchant in the dashboard, the payer's bank, and money that is available
//! now.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::account;
use crate::balance;
use crate::charge::Charge;
use crate::error::ApiError;
use crate::event::Cause;
use crate::money::aftermath::Complaint;
use crate::money::dispute::{self, Dispute, Verdict};
use crate::money::fraud_warning;
use crate::money::refund::{self, Refund};
use crate::money::refund_requests::{self, Wanted};
use crate::state::{Row, Space, State};

/// Carries out a control of money; `None` when there is no such.
pub fn control(state: &mut State, segments: &[&str], body: &[u8]) -> Option<Result<Value, ApiError>> {
    Some(match segments {
        ["charges", id, "refund"] => refund_charge(state, id, body),
        ["charges", id, "dispute"] => open_dispute(state, id, body),
        ["charges", id, "fraud_warning"] => {
            charge(state, id).map(|charge| fraud_warning::issue(state, &charge).render())
        }
        ["disputes", id] => decide(state, id, body),
        ["refunds", id, "fail"] => fail_refund(state, id, body),
        ["balance", "release"] => release(state, body),
        _ => return None,
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let text = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text)
        .map_err(|error| ApiError::invalid(format!("The body is not what is expected: {error}")))
}

fn charge(state: &State, id: &str) -> Result<std::sync::Arc<Charge>, ApiError> {
    let found = Charge::table(state).anywhere(id).cloned();
    found.ok_or_else(|| ApiError::no_such("charge", id, "charge"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refunding {
    amount: Option<i64>,
    reason: Option<Reason>,
    #[serde(default)]
    refund_application_fee: bool,
    #[serde(default)]
    reverse_transfer: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Reason::Duplicate => "duplicate",
            Reason::Fraudulent => "fraudulent",
            Reason::RequestedByCustomer => "requested_by_customer",
        }
    }
}

/// A refund that the merchant makes in the dashboard: no request is behind it.
fn refund_charge(state: &mut State, id: &str, body: &[u8]) -> Result<Value, ApiError> {
    let wanted: Refunding = read(body)?;
    let charge = charge(state, id)?;
    if wanted.amount.is_some_and(|amount| amount < 1) {
        return Err(ApiError::invalid("amount: at least 1."));
    }
    let wanted = Wanted {
        amount: wanted.amount,
        reason: wanted.reason.map(Reason::as_str),
        with_fee: wanted.refund_application_fee,
        with_transfer: wanted.reverse_transfer,
        ..Wanted::default()
    };
    Ok(refund_requests::made(state, &Cause::default(), &charge, wanted)?.render())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    reason: Option<String>,
    #[serde(default)]
    inquiry: bool,
    amount: Option<i64>,
}

/// The payer's bank disputes a charge, or asks about it.
fn open_dispute(state: &mut State, id: &str, body: &[u8]) -> Result<Value, ApiError> {
    let wanted: Opening = read(body)?;
    let charge = charge(state, id)?;
    if !charge.captured || charge.failure.is_some() || charge.is_transferred() {
        return Err(ApiError::invalid(
            "Only a card's charge that was captured can be disputed.",
        ));
    }
    let most = charge.amount_captured;
    if wanted.amount.is_some_and(|amount| !(1..=most).contains(&amount)) {
        return Err(ApiError::invalid("amount: 1 to what was captured."));
    }
    let complaint = Complaint {
        reason: wanted.reason.unwrap_or_else(|| "fraudulent".into()),
        inquiry: wanted.inquiry,
        amount: wanted.amount,
    };
    let dispute = dispute::open(state, &charge, &complaint);
    let now_s = state.now_s();
    Ok(dispute.render(now_s))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deciding {
    verdict: Verdict,
}

/// The payer's bank decides, whatever the evidence says.
fn decide(state: &mut State, id: &str, body: &[u8]) -> Result<Value, ApiError> {
    let wanted: Deciding = read(body)?;
    let find = |state: &State| Dispute::table(state).anywhere(id).cloned();
    let old = find(state).ok_or_else(|| ApiError::no_such("dispute", id, "dispute"))?;
    let overturns = wanted.verdict == Verdict::Overturn;
    if overturns && (old.status.is_inquiry() || !old.status.is_final()) {
        return Err(ApiError::invalid(
            "Only what was decided of a chargeback can be overturned.",
        ));
    }
    if old.status.is_final() && !overturns {
        return Err(ApiError::invalid("This dispute is already closed."));
    }
    if wanted.verdict == Verdict::Escalate && !old.status.is_inquiry() {
        return Err(ApiError::invalid("Only an inquiry can become a chargeback."));
    }
    dispute::decide(state, id, wanted.verdict);
    let now_s = state.now_s();
    Ok(find(state).unwrap_or(old).render(now_s))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failing {
    reason: Option<String>,
}

/// The payer's bank does not take a refund.
fn fail_refund(state: &mut State, id: &str, body: &[u8]) -> Result<Value, ApiError> {
    let wanted: Failing = read(body)?;
    let found = Refund::table(state).anywhere(id).cloned();
    let old = found.ok_or_else(|| ApiError::no_such("refund", id, "refund"))?;
    if old.source_transfer_reversal.is_some() {
        return Err(ApiError::invalid("A refund between accounts cannot fail."));
    }
    let reason = wanted.reason.unwrap_or_else(|| "unknown".into());
    refund::fail(state, &old, &reason);
    let now = Refund::table(state).anywhere(id).cloned();
    Ok(now.unwrap_or(old).render())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Releasing {
    account: Option<String>,
    #[serde(default)]
    livemode: bool,
}

/// What an account waits for is available now.
fn release(state: &mut State, body: &[u8]) -> Result<Value, ApiError> {
    let wanted: Releasing = read(body)?;
    let space = Space {
        livemode: wanted.livemode,
        account: wanted.account,
    };
    account::of_space(state, &space)?;
    balance::release(state, &space);
    balance::shown(state, &space)
}
