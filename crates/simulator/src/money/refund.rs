//! A refund: what of a charge went back, and what became of it. What requests do is in `refund_requests`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::balance::{self, Booking, FeeDetail, Movement};
use crate::charge::Charge;
use crate::event::{self, Cause};
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Shown, Space, State};

/// How long the two test cards with a slow refund take.
const SLOW_MS: i64 = 5_000;

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not there yet.
    Pending,
    /// Done, as far as is known.
    Succeeded,
    /// The bank sent it back.
    Failed,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// `re_…`, of a transferred payment `pyr_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The charge.
    pub charge: String,
    /// Its intent.
    pub payment_intent: Option<String>,
    /// Whose charge it is.
    #[serde(default)]
    pub customer: Option<String>,
    /// What paid.
    #[serde(default)]
    pub payment_method: Option<String>,
    /// Why: `duplicate`, `fraudulent` or `requested_by_customer`.
    pub reason: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// How it was booked; a hold that was let go is not.
    pub balance_transaction: Option<String>,
    /// How its return was booked.
    pub failure_balance_transaction: Option<String>,
    /// The reversal of the transfer that it brought about.
    pub transfer_reversal: Option<String>,
    /// The reversal of a transfer that brought it about.
    pub source_transfer_reversal: Option<String>,
    /// Who is told how to get it.
    pub instructions_email: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Refund {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let status = match self.status {
            Status::Pending => "pending",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
        };
        let details = if self.charge.starts_with("py_") {
            Value::Null
        } else {
            // The bank's number comes days later; one that sent the money back has said it.
            let known = self.status == Status::Failed;
            let mut card = json!({
                "reference_status": if known { "available" } else { "pending" },
                "reference_type": "acquirer_reference_number", "type": "refund",
            });
            if known {
                card["reference"] = digits(&self.id).into();
            }
            json!({ "card": card, "type": "card" })
        };
        let mut refund = json!({
            "id": self.id, "object": "refund", "amount": self.amount,
            "balance_transaction": self.balance_transaction, "charge": self.charge, "created": self.created,
            "currency": self.currency, "customer": self.customer, "customer_account": null,
            "destination_details": details, "metadata": self.metadata, "payment_intent": self.payment_intent,
            "payment_method": self.payment_method, "reason": self.reason, "receipt_number": null,
            "source_transfer_reversal": self.source_transfer_reversal, "status": status,
            "transfer_reversal": self.transfer_reversal,
        });
        if let Value::Object(fields) = &mut refund {
            // As with Stripe, these keys are only there when there is something to say.
            let pending = (self.status == Status::Pending).then(|| "processing".to_owned());
            for (name, value) in [
                ("failure_balance_transaction", &self.failure_balance_transaction),
                ("failure_reason", &self.failure_reason),
                ("instructions_email", &self.instructions_email),
                ("pending_reason", &pending),
            ] {
                if let Some(value) = value {
                    fields.insert(name.into(), value.as_str().into());
                }
            }
        }
        refund
    }
}

impl Shown for Refund {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("balance_transaction", "balance_transaction"),
        ("charge", "charge"),
        ("failure_balance_transaction", "balance_transaction"),
        ("payment_intent", "payment_intent"),
        ("source_transfer_reversal", "transfer_reversal"),
        ("transfer_reversal", "transfer_reversal"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

fn digits(id: &str) -> String {
    id.bytes()
        .rev()
        .take(16)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect()
}

/// Stores a refund that is new or changed, also where its charge holds it.
pub fn keep(state: &mut State, refund: Refund) -> Arc<Refund> {
    let refund = state.put(refund);
    if let Some(charge) = Charge::table(state).anywhere(&refund.charge).cloned() {
        let mut charge = Charge::clone(&charge);
        match charge.refunds.iter_mut().find(|one| one.id == refund.id) {
            Some(one) => *one = Arc::clone(&refund),
            None => charge.refunds.push(Arc::clone(&refund)),
        }
        state.put(charge);
    }
    refund
}

/// Tells of a refund: an update under its old name, too.
pub fn tell(
    state: &mut State,
    cause: &Cause,
    kind: &'static str,
    refund: &Arc<Refund>,
    old: Option<&Refund>,
) {
    let previous = old.and_then(|old| event::previous(&old.render(), &refund.render()));
    let object = || Object::Refund(Arc::clone(refund));
    event::emit(state, cause, kind, object(), previous.clone());
    if kind == "refund.updated" {
        event::emit(state, cause, "charge.refund.updated", object(), previous);
    }
}

/// Takes so much of a charge back: books it, counts it on the charge and tells of it. `fees` is what of the
/// platform's share comes back with it, below zero.
pub fn carry_out(state: &mut State, cause: &Cause, mut refund: Refund, fees: Vec<FeeDetail>) -> Arc<Refund> {
    let Some(old) = Charge::table(state).anywhere(&refund.charge).cloned() else {
        return state.put(refund);
    };
    let slow = old.card.test.clone();
    if slow == "pendingRefund" {
        refund.status = Status::Pending;
    }
    if old.captured {
        let kind = if old.is_transferred() {
            Movement::PaymentRefund
        } else {
            Movement::Refund
        };
        // It takes the very money that the charge brought, which may still be on its way.
        let available = old.available_on(state);
        let booking = Booking {
            fees,
            available,
            description: old.description.as_ref().map(|text| format!("REFUND FOR {text}")),
            ..Booking::of(&refund.space, kind, &refund.id, -refund.amount, &refund.currency)
        };
        refund.balance_transaction = Some(balance::enter(state, booking));
    }
    let mut charge = Charge::clone(&old);
    charge.amount_refunded += refund.amount;
    if refund.reason.as_deref() == Some("fraudulent") {
        charge.fraud_report = refund.reason.clone();
    }
    state.put(charge);
    let refund = keep(state, refund);
    tell(state, cause, "refund.created", &refund, None);
    tell_charge(state, cause, "charge.refunded", &old);
    if let "pendingRefund" | "refundFail" = slow.as_str() {
        let step = Step::Refund {
            refund: refund.id.clone(),
        };
        schedule::after(state, SLOW_MS, step);
    }
    refund
}

fn tell_charge(state: &mut State, cause: &Cause, kind: &'static str, old: &Charge) {
    if let Some(charge) = Charge::table(state).anywhere(&old.id).cloned() {
        let previous = event::previous(&old.render(), &charge.render());
        event::emit(state, cause, kind, Object::Charge(charge), previous);
    }
}

/// What a slow refund comes to: one succeeds, the other, which had succeeded, fails.
pub fn go_on(state: &mut State, id: &str) {
    let Some(old) = Refund::table(state).anywhere(id).cloned() else {
        return;
    };
    match old.status {
        Status::Pending => {
            let refund = keep(
                state,
                Refund {
                    status: Status::Succeeded,
                    ..Refund::clone(&old)
                },
            );
            tell(state, &Cause::default(), "refund.updated", &refund, Some(&old));
        }
        Status::Succeeded => fail(state, &old, "expired_or_canceled_card"),
        Status::Failed => {}
    }
}

/// The bank sends a refund back: the money returns to the account, and the charge counts it no more. One that
/// has failed before stays as it is.
pub fn fail(state: &mut State, old: &Arc<Refund>, reason: &str) {
    if old.status == Status::Failed {
        return;
    }
    let mut refund = Refund::clone(old);
    refund.status = Status::Failed;
    refund.failure_reason = Some(reason.to_owned());
    refund.failure_balance_transaction = Some(balance::book(
        state,
        &old.space,
        Movement::RefundFailure,
        &old.id,
        old.amount,
        &old.currency,
        Vec::new(),
        true,
    ));
    let charge = Charge::table(state).anywhere(&old.charge).cloned();
    if let Some(charge) = &charge {
        let mut charge = Charge::clone(charge);
        charge.amount_refunded -= old.amount;
        state.put(charge);
    }
    let refund = keep(state, refund);
    let cause = Cause::default();
    tell(state, &cause, "refund.updated", &refund, Some(old));
    tell(state, &cause, "refund.failed", &refund, None);
    if let Some(charge) = charge {
        tell_charge(state, &cause, "charge.updated", &charge);
    }
}
