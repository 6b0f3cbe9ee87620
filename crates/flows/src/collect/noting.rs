//! A new payment, and the writes to Stripe about one that exists: confirming and cancelling its intent.

use domain::fee::rules::Method;
use domain::payment::PaymentState;
use domain::{InvoiceId, OperationId, PaymentId, Scope};
use store::Tx;
use store::payments::Payment;
use store::stripe_operations::{self as rows, Kind, Operation};
use stripe::AccountId;
use stripe::payment_intents::{self, CancelReason, Confirm};

use super::situation::Asked;
use crate::fees::Decided;
use crate::operations::{self, Intent};
use crate::{Failure, Moment, observe};

/// Stripe's word for the one method that an intent can be paid by: its fee was decided by it.
pub struct Allowed;

impl Allowed {
    pub const fn of(method: Method) -> &'static str {
        match method {
            Method::Card => "card",
            Method::BankDebit => "us_bank_account",
        }
    }

    /// The method of a confirmation token. What can only be a card is one: wallets hand over cards.
    pub fn method(stripes: Option<&str>) -> Method {
        match stripes {
            Some("us_bank_account") => Method::BankDebit,
            Some(_) | None => Method::Card,
        }
    }
}

/// What a new payment is made of.
pub struct NewPayment<'a> {
    pub scope: &'a Scope,
    /// The invoice whose link was opened.
    pub invoice: &'a InvoiceId,
    pub attempt: i64,
    pub account: &'a str,
    pub asked: &'a Asked,
    pub fee: Decided,
}

impl NewPayment<'_> {
    pub fn row(self, moment: Moment) -> Payment {
        Payment {
            scope: self.scope.clone(),
            id: PaymentId::new(moment.at, moment.random(0)),
            invoice_id: self.invoice.clone(),
            attempt: self.attempt,
            stripe_account_id: self.account.to_owned(),
            intent_id: None,
            charge_id: None,
            currency: self.asked.amount.currency(),
            amount: self.asked.amount.minor(),
            received: 0,
            reserved: 0,
            refunded: 0,
            disputed: 0,
            application_fee: self.fee.fee,
            stripe_fee: None,
            net: None,
            settlement_currency: None,
            status: PaymentState::Creating,
            declines: 0,
            failure_code: None,
            method_brand: None,
            method_last4: None,
            version: 1,
            next_check_at: Some(observe::next_check(moment.at, moment.at)),
            created_at: moment.at,
            succeeded_at: None,
            unreachable_since: None,
            fee_basis: Some(self.fee.basis),
        }
    }
}

pub fn note_confirm(tx: &mut Tx, moment: Moment, live: &Payment, token: &str) -> Result<Operation, Failure> {
    let number = rows::count_of(tx, &live.scope, &live.id, Kind::ConfirmIntent)?.saturating_add(1);
    let confirm = Confirm {
        account: &AccountId::parse(&live.stripe_account_id)?,
        intent_id: intent_of(live)?,
        amount: live.amount,
        confirmation_token: token,
        return_url: None,
    };
    let write = payment_intents::confirm(&confirm, key(live, &format!("confirm:{number}")));
    let id = OperationId::new(moment.at, moment.random(1));
    operations::note(
        tx,
        &live.scope,
        Some(&live.id),
        id,
        Intent {
            kind: Kind::ConfirmIntent,
            write,
        },
        moment.at,
    )
}

pub fn note_cancel(
    tx: &mut Tx,
    moment: Moment,
    live: &Payment,
    reason: CancelReason,
) -> Result<Operation, Failure> {
    let number = rows::count_of(tx, &live.scope, &live.id, Kind::CancelIntent)?.saturating_add(1);
    let key = key(live, &format!("cancel:{number}"));
    let account = AccountId::parse(&live.stripe_account_id)?;
    let write = payment_intents::cancel(&account, intent_of(live)?, reason, key);
    let id = OperationId::new(moment.at, moment.random(1));
    operations::note(
        tx,
        &live.scope,
        Some(&live.id),
        id,
        Intent {
            kind: Kind::CancelIntent,
            write,
        },
        moment.at,
    )
}

/// The key says what is done: tenant, invoice, attempt, step. Nothing in it is random.
pub fn key(payment: &Payment, step: &str) -> String {
    let Payment {
        scope,
        invoice_id,
        attempt,
        ..
    } = payment;
    format!("pay:{}:{invoice_id}:{attempt}:{step}", scope.tenant)
}

fn intent_of(payment: &Payment) -> Result<&str, Failure> {
    let missing = || {
        Failure::Bug(format!(
            "payment {} is live and settled, but has no intent",
            payment.id
        ))
    };
    payment.intent_id.as_deref().ok_or_else(missing)
}
