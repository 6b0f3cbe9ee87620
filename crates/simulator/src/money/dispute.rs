//! Disputes: the payer's bank asks about a charge, or takes its money back and then decides who keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::balance::{self, BalanceTransaction, Booking, FeeDetail, Movement};
use crate::charge::Charge;
use crate::event::{self, Cause};
use crate::money::aftermath::Complaint;
use crate::money::fraud_warning;
use crate::money::refund::{self, Refund};
use crate::state::{Object, Row, Shown, Space, State};

/// What Stripe takes for a chargeback in the United States, in minor units.
const FEE: i64 = 1_500;
const DAY_S: i64 = 86_400;
/// Until when a chargeback and an inquiry can be answered: the end of so many days.
const DUE_DAYS: i64 = 9;
const INQUIRY_DUE_DAYS: i64 = 20;
/// A refund this young fails when its charge is charged back.
const REFUND_PENDING_S: i64 = 10;

/// The texts of evidence that the caller may give; some of them name files.
#[rustfmt::skip]
pub const EVIDENCE: [&str; 27] = [
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation",
    "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
    "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation",
    "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
];

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The bank asks.
    WarningNeedsResponse,
    /// It reads the answer.
    WarningUnderReview,
    /// It took no money. Final.
    WarningClosed,
    /// It took the money and waits for evidence.
    NeedsResponse,
    /// It reads the evidence.
    UnderReview,
    /// The money is back. Final.
    Won,
    /// It is gone. Final.
    Lost,
}

impl Status {
    /// Whether the bank has not taken the money.
    pub fn is_inquiry(self) -> bool {
        matches!(
            self,
            Status::WarningNeedsResponse | Status::WarningUnderReview | Status::WarningClosed
        )
    }

    /// Whether it is over.
    pub fn is_final(self) -> bool {
        matches!(self, Status::WarningClosed | Status::Won | Status::Lost)
    }
}

/// How a bank decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// For the merchant.
    Win,
    /// For the payer; an inquiry just ends.
    Lose,
    /// An inquiry becomes a chargeback.
    Escalate,
    /// What was decided of a chargeback is decided the other way, as after an appeal.
    Overturn,
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dispute {
    /// `dp_…`.
    pub id: String,
    /// Where the charge lives.
    pub space: Space,
    /// When it was opened, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The charge.
    pub charge: String,
    /// The charge's intent.
    pub payment_intent: Option<String>,
    /// The card's scheme.
    pub brand: String,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub status: Status,
    /// Until when it can be answered, in seconds.
    pub due_by: i64,
    /// What the merchant said, by field.
    pub evidence: BTreeMap<String, String>,
    /// How often that was sent to the bank.
    pub submissions: u32,
    /// How evidence is to be sent.
    pub submission_method: Option<String>,
    /// How the money was taken, and returned.
    pub transactions: Vec<Arc<BalanceTransaction>>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Dispute {
    /// As Stripe writes it at a second.
    pub fn render(&self, now_s: i64) -> Value {
        let mut evidence: Map<String, Value> = EVIDENCE
            .iter()
            .map(|name| ((*name).to_owned(), json!(self.evidence.get(*name))))
            .collect();
        evidence.insert("enhanced_evidence".into(), json!({}));
        let transactions: Vec<Value> = self.transactions.iter().map(|one| one.render(now_s)).collect();
        let case = if self.status.is_inquiry() {
            "inquiry"
        } else {
            "chargeback"
        };
        let code = self.network_reason();
        json!({
            "id": self.id, "object": "dispute", "amount": self.amount, "balance_transactions": transactions,
            "charge": self.charge, "created": self.created, "currency": self.currency,
            "enhanced_eligibility_types": [], "evidence": evidence,
            "evidence_details": {
                "due_by": self.due_by, "enhanced_eligibility": {},
                "has_evidence": !self.evidence.is_empty(),
                "past_due": now_s > self.due_by && !self.status.is_final() && self.submissions == 0,
                "submission_count": self.submissions,
                "submission_method": if self.submissions == 0 { "not_submitted" } else { "manual" },
            },
            "intended_submission_method": self.submission_method,
            "is_charge_refundable": self.status.is_inquiry(), "livemode": self.space.livemode,
            "metadata": self.metadata, "network_reason_code": code, "payment_intent": self.payment_intent,
            "payment_method_details": {
                "card": {
                    "brand": self.brand, "case_type": case, "network": self.brand,
                    "network_reason_code": code,
                },
                "type": "card",
            },
            "reason": self.reason, "status": self.status,
        })
    }

    fn network_reason(&self) -> &'static str {
        match (self.brand.as_str(), self.reason.as_str()) {
            ("mastercard", "product_not_received") => "4853",
            ("mastercard", _) => "4837",
            (_, "product_not_received") => "13.1",
            _ => "10.4",
        }
    }
}

impl Shown for Dispute {
    const EXPANDS: &'static [(&'static str, &'static str)] =
        &[("charge", "charge"), ("payment_intent", "payment_intent")];

    fn shown(&self, state: &State) -> Value {
        self.render(state.now_s())
    }
}

/// Opens a dispute on a charge whose money was taken.
pub fn open(state: &mut State, charge: &Charge, complaint: &Complaint) -> Arc<Dispute> {
    let (status, days) = if complaint.inquiry {
        (Status::WarningNeedsResponse, INQUIRY_DUE_DAYS)
    } else {
        (Status::NeedsResponse, DUE_DAYS)
    };
    let whole = charge.amount_captured;
    let mut dispute = Dispute {
        id: state.id("dp_1", 23),
        space: charge.space.clone(),
        created: state.now_s(),
        amount: complaint.amount.unwrap_or(whole).clamp(0, whole),
        currency: charge.currency.clone(),
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        brand: charge.card.brand.clone(),
        reason: complaint.reason.clone(),
        status,
        due_by: end_of_day(state, days),
        evidence: BTreeMap::new(),
        submissions: 0,
        submission_method: None,
        transactions: Vec::new(),
        metadata: BTreeMap::new(),
    };
    if !complaint.inquiry {
        withdraw(state, &mut dispute);
    }
    let dispute = state.put(dispute);
    state.put(Charge {
        disputed: true,
        dispute: charge
            .dispute
            .clone()
            .or_else(|| Some(dispute.id.as_str().into())),
        charged_back: charge.charged_back || !complaint.inquiry,
        ..charge.clone()
    });
    tell(state, &Cause::default(), "charge.dispute.created", &dispute, None);
    if !complaint.inquiry {
        tell(
            state,
            &Cause::default(),
            "charge.dispute.funds_withdrawn",
            &dispute,
            None,
        );
    }
    fraud_warning::settle(state, &charge.id);
    dispute
}

fn end_of_day(state: &State, days: i64) -> i64 {
    (state.now_s().div_euclid(DAY_S) + days + 1) * DAY_S - 1
}

/// The bank takes the money, and Stripe its fee.
fn withdraw(state: &mut State, dispute: &mut Dispute) {
    let description = format!("Chargeback withdrawal for {}", dispute.charge);
    enter(
        state,
        dispute,
        Movement::Dispute,
        -dispute.amount,
        FEE,
        description,
    );
}

/// The money comes back, and the fee with it.
fn reinstate(state: &mut State, dispute: &mut Dispute) {
    let description = format!("Chargeback reversal for {}", dispute.charge);
    enter(
        state,
        dispute,
        Movement::DisputeReversal,
        dispute.amount,
        -FEE,
        description,
    );
}

fn enter(
    state: &mut State,
    dispute: &mut Dispute,
    kind: Movement,
    amount: i64,
    fee: i64,
    description: String,
) {
    let fee = FeeDetail {
        amount: fee,
        application: None,
    };
    let booking = Booking {
        fees: vec![fee],
        description: Some(description),
        ..Booking::of(&dispute.space, kind, &dispute.id, amount, &dispute.currency)
    };
    let id = balance::enter(state, booking);
    let transaction = BalanceTransaction::table(state).anywhere(&id).cloned();
    dispute.transactions.extend(transaction);
}

/// Tells of a dispute.
pub fn tell(
    state: &mut State,
    cause: &Cause,
    kind: &'static str,
    dispute: &Arc<Dispute>,
    old: Option<&Dispute>,
) {
    let now_s = state.now_s();
    let previous = old.and_then(|old| event::previous(&old.render(now_s), &dispute.render(now_s)));
    event::emit(state, cause, kind, Object::Dispute(Arc::clone(dispute)), previous);
}

/// The bank decides.
pub fn decide(state: &mut State, id: &str, verdict: Verdict) {
    let Some(old) = Dispute::table(state).anywhere(id).cloned() else {
        return;
    };
    match verdict {
        Verdict::Escalate if old.status.is_inquiry() && !old.status.is_final() => escalate(state, &old),
        Verdict::Win | Verdict::Lose if !old.status.is_final() => {
            end(state, &Cause::default(), &old, verdict == Verdict::Win);
        }
        Verdict::Overturn if matches!(old.status, Status::Won | Status::Lost) => overturn(state, &old),
        Verdict::Win | Verdict::Lose | Verdict::Escalate | Verdict::Overturn => {}
    }
}

/// Ends a dispute that is open; an inquiry just closes.
pub fn end(state: &mut State, cause: &Cause, old: &Arc<Dispute>, won: bool) -> Arc<Dispute> {
    let mut dispute = Dispute::clone(old);
    dispute.status = match (old.status.is_inquiry(), won) {
        (true, _) => Status::WarningClosed,
        (false, true) => Status::Won,
        (false, false) => Status::Lost,
    };
    let reinstated = dispute.status == Status::Won;
    if reinstated {
        reinstate(state, &mut dispute);
    }
    let dispute = state.put(dispute);
    if reinstated {
        mark(state, &dispute);
    }
    if reinstated {
        tell(
            state,
            cause,
            "charge.dispute.funds_reinstated",
            &dispute,
            Some(old),
        );
    }
    tell(state, cause, "charge.dispute.closed", &dispute, Some(old));
    dispute
}

/// A chargeback that was over is decided the other way, and its money moves once more.
fn overturn(state: &mut State, old: &Arc<Dispute>) {
    let mut dispute = Dispute::clone(old);
    let moved = if old.status == Status::Lost {
        dispute.status = Status::Won;
        reinstate(state, &mut dispute);
        "charge.dispute.funds_reinstated"
    } else {
        dispute.status = Status::Lost;
        withdraw(state, &mut dispute);
        "charge.dispute.funds_withdrawn"
    };
    let dispute = state.put(dispute);
    mark(state, &dispute);
    let cause = Cause::default();
    tell(state, &cause, moved, &dispute, Some(old));
    tell(state, &cause, "charge.dispute.updated", &dispute, Some(old));
}

/// Notes on a charge whether a chargeback that was not won stands against it, so that it cannot be refunded.
fn mark(state: &mut State, dispute: &Dispute) {
    let stands = state
        .of::<Dispute>(&dispute.space)
        .filter(|one| one.charge == dispute.charge)
        .any(|one| !one.status.is_inquiry() && one.status != Status::Won);
    if let Some(charge) = Charge::table(state).anywhere(&dispute.charge).cloned() {
        state.put(Charge {
            charged_back: stands,
            ..Charge::clone(&charge)
        });
    }
}

/// An inquiry becomes a chargeback. What was refunded a moment ago has not reached the bank, and fails.
fn escalate(state: &mut State, old: &Arc<Dispute>) {
    let mut dispute = Dispute::clone(old);
    dispute.status = Status::NeedsResponse;
    dispute.due_by = end_of_day(state, DUE_DAYS);
    withdraw(state, &mut dispute);
    let dispute = state.put(dispute);
    mark(state, &dispute);
    let cause = Cause::default();
    tell(state, &cause, "charge.dispute.updated", &dispute, Some(old));
    tell(
        state,
        &cause,
        "charge.dispute.funds_withdrawn",
        &dispute,
        Some(old),
    );
    let since_s = state.now_s() - REFUND_PENDING_S;
    let young: Vec<Arc<Refund>> = state
        .of::<Refund>(&dispute.space)
        .rev()
        .take_while(|refund| refund.created >= since_s)
        .filter(|refund| refund.charge == dispute.charge)
        .cloned()
        .collect();
    for refund in young.iter().rev() {
        refund::fail(state, refund, "charge_for_pending_refund_disputed");
    }
    fraud_warning::settle(state, &dispute.charge);
}
