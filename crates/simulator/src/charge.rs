//! Charges: one for each attempt to pay, good or bad. A good one is booked at once; which booking and which
//! fee it led to is known a moment later, as with Stripe's asynchronous capture.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::{Billing, Shipping};
use crate::application_fee;
use crate::balance::{self, Available, FeeDetail, Movement};
use crate::cards::{Bank, Decline};
use crate::connect::tell;
use crate::currency;
use crate::event::{self, Cause};
use crate::list;
use crate::money::aftermath;
use crate::money::refund::Refund;
use crate::money::transfer;
use crate::payment_intent::{CaptureMethod, PaymentIntent, TransferData};
use crate::payment_method::{Card, PaymentMethod};
use crate::payments::card;
use crate::payments::debit::Debit;
use crate::payments::outcome;
use crate::schedule::{self, Step};
use crate::state::{Object, Row, Shown, Space, State};

/// How long after a charge its booking becomes known.
const SETTLE_MS: i64 = 1_000;
/// How long a card holds money that is not captured: seven days.
const HOLD_MS: i64 = 604_800_000;

/// A charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// `ch_…`.
    pub id: String,
    /// Where it lives.
    pub space: Space,
    /// When it was made, in seconds.
    pub created: i64,
    /// In minor units.
    pub amount: i64,
    /// Currency.
    pub currency: String,
    /// The intent that it is an attempt of; a charge may be made without one.
    pub payment_intent: Option<String>,
    /// The customer.
    pub customer: Option<String>,
    /// The payment method.
    pub payment_method: String,
    /// The card as it was then.
    pub card: Arc<Card>,
    /// Its holder as then.
    pub billing: Arc<Billing>,
    /// What a bank account's charge has beside; `None` for a card's.
    pub debit: Option<Box<Debit>>,
    /// Why it failed; `None` when it succeeded.
    pub failure: Option<Box<Failure>>,
    /// Whether its holder authenticated.
    pub authenticated: bool,
    /// What was taken of it; 0 while it is only held on the card.
    pub amount_captured: i64,
    /// Whether the money was taken; else it is only held on the card, or was.
    pub captured: bool,
    /// Until when a hold can be captured, in seconds.
    pub capture_before: Option<i64>,
    /// What went back.
    pub amount_refunded: i64,
    /// How it went back.
    pub refunds: Vec<Arc<Refund>>,
    /// Whether its holder ever disputed it.
    pub disputed: bool,
    /// The first dispute about it.
    #[serde(default)]
    pub dispute: Option<Box<str>>,
    /// Whether the holder's bank took it back, so that it cannot be refunded, too.
    pub charged_back: bool,
    /// The account that a destination charge is settled for.
    pub on_behalf_of: Option<String>,
    /// Where a destination charge's money goes on to.
    pub transfer_data: Option<TransferData>,
    /// The transfer that took it there.
    pub transfer: Option<String>,
    /// The transfer that it arrived by.
    pub source_transfer: Option<String>,
    /// What charges and transfers are grouped by.
    pub transfer_group: Option<String>,
    /// What the merchant says of it: `fraudulent` or `safe`.
    pub fraud_report: Option<String>,
    /// What the platform takes.
    pub application_fee_amount: Option<i64>,
    /// The platform's fee, once known.
    pub application_fee: Option<String>,
    /// The booking, once known.
    pub balance_transaction: Option<String>,
    /// The booking and the fee before they are known.
    pub booked: Option<Booked>,
    /// The platform, on a connected account.
    pub application: Option<String>,
    /// The caller's description.
    pub description: Option<String>,
    /// Who gets a receipt.
    pub receipt_email: Option<String>,
    /// Where goods go.
    pub shipping: Option<Box<Shipping>>,
    /// Added to the account's statement descriptor.
    pub statement_descriptor_suffix: Option<String>,
    /// The caller's notes.
    pub metadata: BTreeMap<String, String>,
}

/// What a good charge led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// The balance transaction.
    pub transaction: String,
    /// The application fee.
    pub fee: Option<String>,
}

/// Why a charge failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The error's code.
    pub code: String,
    /// The bank's reason.
    pub decline_code: String,
    /// What the payer may read.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// `issuer_declined`, `blocked` or `invalid`.
    pub outcome: String,
}

impl Charge {
    /// As Stripe writes it.
    pub fn render(&self) -> Value {
        let good = self.failure.is_none();
        let pending = self.debit.as_ref().is_some_and(|debit| debit.pending);
        let mut charge = json!({
            "id": self.id, "object": "charge", "amount": self.amount,
            "amount_captured": self.amount_captured,
            "amount_refunded": self.amount_refunded, "application": self.application,
            "application_fee": self.application_fee,
            "application_fee_amount": self.application_fee_amount,
            "balance_transaction": self.balance_transaction, "billing_details": self.billing.render(),
            "calculated_statement_descriptor": "PSA-PAY SIMULATOR", "captured": self.captured || pending,
            "created": self.created,
            "currency": self.currency, "customer": self.customer, "description": self.description,
            "destination": self.transfer_data.as_ref().map(|to| &to.destination),
            "dispute": self.dispute, "disputed": self.disputed, "failure_balance_transaction": null,
            "failure_code": self.failure.as_ref().map(|failure| &failure.code),
            "failure_message": self.failure.as_ref().map(|failure| &failure.message),
            "fraud_details": self.fraud_details(),
            "livemode": self.space.livemode, "metadata": self.metadata, "on_behalf_of": self.on_behalf_of,
            "order": null, "outcome": outcome::of(self), "paid": good && !pending,
            "payment_intent": self.payment_intent,
            "payment_method": Some(&self.payment_method).filter(|id| !id.is_empty()),
            "receipt_email": self.receipt_email,
            "receipt_number": null,
            "refunded": good && self.amount_refunded == self.amount, "refunds": self.render_refunds(),
            "radar_options": {}, "review": null,
            "shipping": self.shipping.as_ref().map(|to| to.render()), "source": self.source(),
            "source_transfer": self.source_transfer,
            "statement_descriptor": null, "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": if pending { "pending" } else if good { "succeeded" } else { "failed" },
            "transfer_data": self.transfer_data.as_ref().map(TransferData::render),
            "transfer_group": self.transfer_group,
        });
        if let Value::Object(fields) = &mut charge {
            fields.insert("payment_method_details".into(), outcome::method_details(self));
            let receipt = good.then(|| format!("https://pay.stripe.com/receipts/payment/{}", self.id));
            fields.insert("receipt_url".into(), receipt.into());
            // As with Stripe, the key is only there when there was a transfer.
            if let Some(transfer) = &self.transfer {
                fields.insert("transfer".into(), transfer.as_str().into());
            }
        }
        charge
    }

    /// Whether it is money that a transfer brought.
    pub fn is_transferred(&self) -> bool {
        self.source_transfer.is_some()
    }

    /// What of the captured money is still there, in minor units.
    pub fn refundable(&self) -> i64 {
        if self.captured {
            self.amount - self.amount_refunded
        } else {
            0
        }
    }

    /// Since when what it brought can be paid out, or when it will be.
    pub fn available_on(&self, state: &State) -> Available {
        let booked = self.booked.as_ref().map(|booked| &booked.transaction);
        let id = self.balance_transaction.as_ref().or(booked);
        balance::available_on(state, id)
    }

    /// Whether what it brought can be paid out by now.
    pub fn is_available(&self, state: &State) -> bool {
        match self.available_on(state) {
            Available::At(second) => second <= state.now_s(),
            Available::Now => true,
            Available::Later => false,
        }
    }

    fn render_refunds(&self) -> Value {
        let refunds = self.refunds.iter().rev().map(|refund| refund.render());
        list::inside(refunds, format!("/v1/charges/{}/refunds", self.id))
    }

    fn fraud_details(&self) -> Value {
        match &self.fraud_report {
            Some(report) => json!({ "user_report": report }),
            None => json!({}),
        }
    }

    /// The card as the older API shows it, when it was one of that API's.
    fn source(&self) -> Value {
        if !self.payment_method.starts_with("card_") {
            return Value::Null;
        }
        let livemode = self.space.livemode;
        let mut card = card::render(&self.payment_method, &self.card, &self.billing, livemode);
        card.insert("customer".into(), self.customer.clone().into());
        Value::Object(card)
    }
}

impl Shown for Charge {
    const EXPANDS: &'static [(&'static str, &'static str)] = &[
        ("application_fee", "application_fee"),
        ("balance_transaction", "balance_transaction"),
        ("customer", "customer"),
        ("dispute", "dispute"),
        ("payment_intent", "payment_intent"),
        ("refunds", "list of refund"),
        ("source_transfer", "transfer"),
        ("transfer", "transfer"),
        ("on_behalf_of", "account"),
    ];

    fn shown(&self, _: &State) -> Value {
        self.render()
    }
}

/// A charge of an intent with a payment method, of which no bank was asked yet; the caller stores it.
pub fn fresh(
    state: &mut State,
    intent: &PaymentIntent,
    method: &PaymentMethod,
    authenticated: bool,
) -> Charge {
    let prefix = if method.other.is_some() { "py_3" } else { "ch_3" };
    Charge {
        id: state.id(prefix, 23),
        space: intent.space.clone(),
        created: state.now_s(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        payment_intent: Some(intent.id.clone()).filter(|id| !id.is_empty()),
        customer: intent.customer.clone(),
        payment_method: method.id.clone(),
        card: method.card.clone(),
        billing: method.billing.clone(),
        debit: None,
        failure: None,
        authenticated,
        amount_captured: 0,
        captured: false,
        capture_before: None,
        amount_refunded: 0,
        refunds: Vec::new(),
        disputed: false,
        dispute: None,
        charged_back: false,
        on_behalf_of: intent.on_behalf_of.clone(),
        transfer_data: intent.transfer_data.clone(),
        transfer: None,
        source_transfer: None,
        transfer_group: intent.transfer_group.clone(),
        fraud_report: None,
        application_fee_amount: intent.application_fee_amount,
        application_fee: None,
        balance_transaction: None,
        booked: None,
        application: intent.application.clone(),
        description: intent.description.clone(),
        receipt_email: intent.receipt_email.clone(),
        shipping: intent.shipping.clone(),
        statement_descriptor_suffix: intent.statement_descriptor_suffix.clone(),
        metadata: intent.metadata.clone(),
    }
}

/// Attempts to charge a card for an intent: the bank refuses with `declined`, or approves.
pub fn attempt(
    state: &mut State,
    cause: &Cause,
    intent: &PaymentIntent,
    method: &PaymentMethod,
    authenticated: bool,
    declined: Option<&Decline>,
) -> Arc<Charge> {
    let mut charge = fresh(state, intent, method, authenticated);
    charge.failure = declined.map(|decline| {
        Box::new(Failure {
            code: decline.code.to_owned(),
            decline_code: decline.decline_code.to_owned(),
            message: decline.message.to_owned(),
            advice: decline.advice.map(str::to_owned),
            outcome: decline.outcome.to_owned(),
        })
    });
    if declined.is_some() {
        let charge = state.put(charge);
        event::emit(
            state,
            cause,
            "charge.failed",
            Object::Charge(Arc::clone(&charge)),
            None,
        );
        return charge;
    }
    let charge = match intent.capture_method {
        CaptureMethod::Manual => held(state, charge),
        CaptureMethod::Automatic => taken(state, cause, charge, intent.amount),
        CaptureMethod::AutomaticAsync => taken_later(state, cause, charge),
    };
    let charge = state.put(charge);
    event::emit(
        state,
        cause,
        "charge.succeeded",
        Object::Charge(Arc::clone(&charge)),
        None,
    );
    tell::took_card(state, &charge.space, &charge.card.test);
    charge
}

/// The money is held on the card until it is captured, released, or seven days are over.
pub fn held(state: &mut State, mut charge: Charge) -> Charge {
    charge.capture_before = Some(charge.created + HOLD_MS / 1000);
    let step = Step::ReleaseHold {
        charge: charge.id.clone(),
    };
    schedule::after(state, HOLD_MS, step);
    charge
}

/// Takes so much of what the charge is over, and books it: the caller stores the row.
pub fn taken(state: &mut State, cause: &Cause, mut charge: Charge, amount: i64) -> Charge {
    let booked = book(state, cause, &mut charge, amount);
    charge.balance_transaction = Some(booked.transaction);
    charge.application_fee = booked.fee;
    charge
}

/// Takes all of it; the booking becomes known a moment later.
fn taken_later(state: &mut State, cause: &Cause, mut charge: Charge) -> Charge {
    let amount = charge.amount;
    charge.booked = Some(book(state, cause, &mut charge, amount));
    let step = Step::Settle {
        charge: charge.id.clone(),
    };
    schedule::after(state, SETTLE_MS, step);
    charge
}

/// Books what is taken, with its fees; what is left of the charge goes back to the card.
fn book(state: &mut State, cause: &Cause, charge: &mut Charge, amount: i64) -> Booked {
    charge.captured = true;
    charge.amount_captured = amount;
    charge.amount_refunded = charge.amount - amount;
    let fee = match (charge.application_fee_amount, charge.space.account.clone()) {
        (Some(amount), Some(account)) => Some((amount, account)),
        _ => None,
    };
    let mut fees: Vec<FeeDetail> = Vec::with_capacity(2);
    if let Some((amount, _)) = &fee {
        fees.push(FeeDetail {
            amount: *amount,
            application: charge.application.clone(),
        });
    }
    fees.push(FeeDetail {
        amount: if charge.debit.is_some() {
            currency::debit_fee(amount)
        } else {
            currency::stripe_fee(amount)
        },
        application: None,
    });
    let at_once = matches!(charge.card.bank(charge.space.livemode), Bank::ApprovesAvailable);
    let (space, movement) = (charge.space.clone(), Movement::Charge);
    let transaction = balance::book(
        state,
        &space,
        movement,
        &charge.id,
        amount,
        &charge.currency,
        fees,
        at_once,
    );
    let fee = fee.map(|(amount, account)| application_fee::take(state, cause, charge, &account, amount));
    let fee = fee.or(moved_on(state, cause, charge, at_once));
    aftermath::come(state, charge);
    Booked { transaction, fee }
}

/// Moves the money of a destination charge on, less the platform's fee, which is then taken there.
fn moved_on(state: &mut State, cause: &Cause, charge: &mut Charge, at_once: bool) -> Option<String> {
    let to = charge.transfer_data.clone()?;
    let intent = charge.payment_intent.as_ref().unwrap_or(&charge.id);
    let group = format!("group_{intent}");
    charge.transfer_group.get_or_insert(group);
    // The transfer names the charge, so the charge as it is by now is what it is made from.
    let wanted = transfer::Wanted {
        from: charge.space.clone(),
        to: to.destination,
        amount: to
            .amount
            .unwrap_or(charge.amount_captured)
            .min(charge.amount_captured),
        currency: charge.currency.clone(),
        source: Some(Arc::new(charge.clone())),
        fee: charge
            .application_fee_amount
            .filter(|_| charge.space.account.is_none()),
        group: charge.transfer_group.clone(),
        description: None,
        metadata: BTreeMap::new(),
        available_now: at_once,
    };
    let (transfer, fee) = transfer::carry_out(state, cause, wanted);
    charge.transfer = Some(transfer.id.clone());
    fee
}

/// The booking of an asynchronous capture becomes known.
pub fn settle(state: &mut State, id: &str) {
    let Some(old) = Charge::table(state).anywhere(id).cloned() else {
        return;
    };
    let mut charge = Charge::clone(&old);
    let Some(booked) = charge.booked.take() else {
        return;
    };
    charge.balance_transaction = Some(booked.transaction);
    charge.application_fee = booked.fee;
    let charge = state.put(charge);
    let previous = event::previous(&old.render(), &charge.render());
    event::emit(
        state,
        &Cause::default(),
        "charge.updated",
        Object::Charge(charge),
        previous,
    );
}
