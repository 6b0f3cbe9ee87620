//! A transfer: money that goes from one balance to another's, where it arrives as a payment. What requests do
//! is in `transfer_requests`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Billing;
use crate::application_fee;
use crate::balance::{self, FeeDetail, Movement};
use crate::charge::Charge;
use crate::event::{self, Cause};
use crate::list;
use crate::money::reversal::Reversal;
use crate::payment_method::Card;
use crate::state::{Object, Shown, Space, State};

/// A transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// `tr_…`.
    pub id: String,
    /// Whose balance it left.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The account that it went to.
    pub destination: String,
    /// The payment that it arrived as, `py_…`.
    pub destination_payment: String,
    /// How it was booked.
    pub balance_transaction: String,
    /// The charge whose money it moves on.
    pub source_transaction: Option<String>,
    /// What charges and transfers are grouped by.
    pub transfer_group: Option<String>,
    /// What came back.
    pub reversals: Vec<Arc<Reversal>>,
    /// The caller's description.
    pub description: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

impl Transfer {
    /// What came back of it, in minor units.
    pub fn amount_reversed(&self) -> i64 {
        self.reversals.iter().map(|reversal| reversal.amount).sum()
    }

    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let reversals = self.reversals.iter().map(|reversal| reversal.render());
        json!({
            "id": self.id, "object": "transfer", "amount": self.amount,
            "amount_reversed": self.amount_reversed(), "balance_transaction": self.balance_transaction,
            "created": self.created, "currency": self.currency, "description": self.description,
            "destination": self.destination, "destination_payment": self.destination_payment,
            "livemode": self.space.livemode, "metadata": self.metadata,
            "reversals": list::inside(reversals, format!("/v1/transfers/{}/reversals", self.id)),
            "reversed": self.amount_reversed() == self.amount, "source_transaction": self.source_transaction,
            "source_type": "card", "transfer_group": self.transfer_group,
        })
    }
}

impl Shown for Transfer {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("balance_transaction", "balance_transaction"),
        ("destination", "account"),
        ("destination_payment", "charge"),
        ("reversals", "list of transfer_reversal"),
        ("source_transaction", "charge"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// What is to be transferred.
pub struct Wanted {
    /// Whose balance it leaves.
    pub from: Space,
    /// The account that it goes to.
    pub to: String,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The charge whose money it moves on.
    pub source: Option<Arc<Charge>>,
    /// What the platform keeps of it, in minor units.
    pub fee: Option<i64>,
    /// What charges and transfers are grouped by.
    pub group: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
    /// Whether the money can be paid out at once.
    pub available_now: bool,
}

/// Moves the money, and tells of it; also the platform's fee, if it keeps one.
pub fn carry_out(state: &mut State, cause: &Cause, wanted: Wanted) -> (Arc<Transfer>, Option<String>) {
    let id = state.id("tr_1", 23);
    let transaction = balance::book(
        state,
        &wanted.from,
        Movement::Transfer,
        &id,
        -wanted.amount,
        &wanted.currency,
        Vec::new(),
        wanted.available_now,
    );
    let (payment, fee) = arrived(state, cause, &wanted, &id);
    let transfer = state.put(Transfer {
        id,
        created: state.now_s(),
        destination_payment: payment.id.clone(),
        balance_transaction: transaction,
        source_transaction: wanted.source.as_ref().map(|charge| charge.id.clone()),
        space: wanted.from,
        amount: wanted.amount,
        currency: wanted.currency,
        destination: wanted.to,
        transfer_group: wanted.group,
        reversals: Vec::new(),
        description: wanted.description,
        metadata: wanted.metadata,
    });
    event::emit(
        state,
        cause,
        "transfer.created",
        Object::Transfer(Arc::clone(&transfer)),
        None,
    );
    let object = Object::Charge(Arc::clone(&payment));
    event::emit(state, cause, "payment.created", object, None);
    (transfer, fee)
}

/// Where an account's own objects live; the platform is an account, too.
pub fn space_of(state: &State, livemode: bool, account: &str) -> Space {
    Space {
        livemode,
        account: Some(account.to_owned()).filter(|id| *id != state.settings.platform),
    }
}

/// The payment at the destination, less what the platform keeps.
fn arrived(
    state: &mut State,
    cause: &Cause,
    wanted: &Wanted,
    transfer: &str,
) -> (Arc<Charge>, Option<String>) {
    let space = space_of(state, wanted.from.livemode, &wanted.to);
    let mut payment = blank_payment(state, &space, wanted, transfer);
    let fee = wanted
        .fee
        .map(|fee| application_fee::take(state, cause, &payment, &wanted.to, fee));
    if let (Some(id), Some(charge)) = (&fee, &wanted.source) {
        application_fee::originates(state, id, &charge.id);
    }
    let details = wanted.fee.map(|amount| FeeDetail {
        amount,
        application: Some(state.settings.application.clone()),
    });
    payment.application_fee = fee.clone();
    payment.balance_transaction = Some(balance::book(
        state,
        &space,
        Movement::Payment,
        &payment.id,
        wanted.amount,
        &wanted.currency,
        details.into_iter().collect(),
        wanted.available_now,
    ));
    (state.put(payment), fee)
}

fn blank_payment(state: &mut State, space: &Space, wanted: &Wanted, transfer: &str) -> Charge {
    Charge {
        id: state.id("py_1", 23),
        space: space.clone(),
        created: state.now_s(),
        amount: wanted.amount,
        currency: wanted.currency.clone(),
        payment_intent: None,
        customer: None,
        payment_method: String::new(),
        card: Arc::new(Card::default()),
        billing: Arc::new(Billing::default()),
        failure: None,
        debit: None,
        authenticated: false,
        amount_captured: wanted.amount,
        captured: true,
        capture_before: None,
        amount_refunded: 0,
        refunds: Vec::new(),
        disputed: false,
        dispute: None,
        charged_back: false,
        on_behalf_of: None,
        transfer_data: None,
        transfer: None,
        source_transfer: Some(transfer.to_owned()),
        transfer_group: None,
        fraud_report: None,
        application_fee_amount: wanted.fee,
        application_fee: None,
        balance_transaction: None,
        booked: None,
        application: wanted.fee.map(|_| state.settings.application.clone()),
        description: None,
        receipt_email: None,
        shipping: None,
        statement_descriptor_suffix: None,
        metadata: BTreeMap::new(),
    }
}
