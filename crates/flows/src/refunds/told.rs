//! A refund with all that is told of it: what it was taken from, its credit notes, and in a sentence what it
//! means.

use domain::refund::{FeeChoice, Told, fee_back, tell};
use domain::{InvoiceId, RefundId, Refusal, Scope};
use store::payments::{self, Payment};
use store::refunds::{self, FeeStatus, Refund};
use store::{Tx, application_fees, credit_notes, disputes, invoices};

use super::booking;
use crate::{App, Failure};

/// A refund as people see it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The refund.
    pub refund: Refund,
    /// The invoices that it is taken from, in the order in which it is.
    pub invoices: Vec<OfOne>,
    /// What of it is taken out of unused credit, minor units.
    pub out_of_credit: i64,
    /// What of the platform's fee goes back, or is going to, minor units.
    pub fee_returned: i64,
    /// What happens, in plain words.
    pub explanation: String,
}

/// What a refund means for one invoice.
#[derive(Clone, Debug)]
pub struct OfOne {
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// Its number.
    pub invoice_number: Option<String>,
    /// What is taken of what it had settled, minor units.
    pub amount: i64,
    /// What is taken of its money that is unused credit, minor units.
    pub out_of_credit: i64,
    /// The credit note that forgives it, once there is one: its id and its number.
    pub credit_note: Option<(String, String)>,
}

/// A refund of the scope.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn show(app: &App, scope: &Scope, id: &RefundId) -> Result<Shown, Failure> {
    let (scope, id) = (scope.clone(), id.clone());
    app.db
        .read(move |tx| {
            let refund = refunds::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            shown(tx, refund)
        })
        .await
}

/// Works out what is told of a refund.
///
/// # Errors
/// When the database fails.
pub fn shown(tx: &mut Tx, refund: Refund) -> Result<Shown, Failure> {
    let scope = &refund.scope;
    let payment = payments::get(tx, scope, &refund.payment_id)?
        .ok_or_else(|| Failure::Bug(format!("refund {} has no payment", refund.id)))?;
    let invoices = each(tx, &payment, &refund)?;
    let fee = application_fees::of_payment(tx, scope, &payment.id)?;
    let reported = fee.as_ref().map_or(0, |fee| fee.refunded);
    let whole_fee = fee.map_or(payment.application_fee.unwrap_or_default(), |fee| {
        fee.amount.minor()
    });
    let shares = refunds::fee_shares(tx, scope, &payment.id)?;
    let fee_returned = match refund.fee_status {
        FeeStatus::Kept | FeeStatus::Refused => 0,
        FeeStatus::Sent | FeeStatus::Returned => refund.fee_amount,
        FeeStatus::Due => {
            let with_fee = shares.with_fee.saturating_add(refund.amount);
            fee_back(whole_fee, payment.received, with_fee, shares.so_far)
        }
    };
    let is_due = refund.fee_status == FeeStatus::Due;
    let given_back = shares.so_far.max(reported);
    let given_back = given_back.saturating_add(if is_due { fee_returned } else { 0 });
    let out_of_credit = invoices.iter().map(|one| one.out_of_credit).sum();
    let settled = invoices.iter().filter(|one| one.amount > 0);
    let settled: Vec<_> = settled
        .map(|one| (one.invoice_number.clone(), one.amount))
        .collect();
    let explanation = tell(&Told {
        state: &refund.status,
        amount: refund.money(),
        settlement: refund.settlement,
        invoices: &settled,
        out_of_credit,
        fee: match refund.fee_status {
            FeeStatus::Kept | FeeStatus::Refused => FeeChoice::Kept,
            FeeStatus::Due | FeeStatus::Sent | FeeStatus::Returned => FeeChoice::Returned,
        },
        whole_fee,
        fee_back: fee_returned,
        fee_kept: whole_fee.saturating_sub(given_back).max(0),
    });
    Ok(Shown {
        refund,
        invoices,
        out_of_credit,
        fee_returned,
        explanation,
    })
}

/// What a refund is taken from, by invoice.
fn each(tx: &mut Tx, payment: &Payment, refund: &Refund) -> Result<Vec<OfOne>, Failure> {
    let mut all: Vec<OfOne> = Vec::new();
    for taking in booking::takings(tx, payment, refund)? {
        let place = match all.iter().position(|one| one.invoice_id == taking.invoice_id) {
            Some(place) => place,
            None => {
                all.push(of_one(tx, refund, &taking.invoice_id)?);
                all.len().saturating_sub(1)
            }
        };
        if let Some(one) = all.get_mut(place) {
            let sum = match taking.client_credit_id {
                Some(_) => &mut one.out_of_credit,
                None => &mut one.amount,
            };
            *sum = sum.saturating_add(taking.amount);
        }
    }
    Ok(all)
}

fn of_one(tx: &mut Tx, refund: &Refund, id: &InvoiceId) -> Result<OfOne, Failure> {
    let scope = &refund.scope;
    let mut notes = credit_notes::of_invoice(tx, scope, id)?.into_iter();
    let note = notes.find(|note| note.refund_id.as_deref() == Some(refund.id.as_str()));
    Ok(OfOne {
        invoice_number: invoices::get(tx, scope, id)?.and_then(|invoice| invoice.number),
        invoice_id: id.clone(),
        amount: 0,
        out_of_credit: 0,
        credit_note: note.map(|note| (note.id.to_string(), note.number)),
    })
}

/// The refunds of a payment, oldest first.
///
/// # Errors
/// When the database fails.
pub fn of_payment(tx: &mut Tx, payment: &Payment) -> Result<Vec<Shown>, Failure> {
    refunds::of_payment(tx, &payment.scope, &payment.id, i64::MAX)?
        .into_iter()
        .map(|refund| shown(tx, refund))
        .collect()
}

/// What went back of an invoice's money, and what may still go back, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfInvoice {
    /// What went back, less what came back again.
    pub refunded: i64,
    /// What may still go back.
    pub refundable: i64,
}

/// What may be given back of a payment now, in minor units: nothing while a dispute blocks it, also one whose
/// money has not moved yet.
///
/// # Errors
/// When the database fails.
pub fn refundable(tx: &mut Tx, payment: &Payment) -> Result<i64, Failure> {
    let left = payment.standing().refundable();
    let blocked = left > 0
        && disputes::held(tx, &payment.scope, &payment.id)?
            .blocked_by
            .is_some();
    Ok(if blocked { 0 } else { left })
}

/// What of it may be given back of one of its invoices, in minor units.
///
/// # Errors
/// When the database fails.
pub fn refundable_of(tx: &mut Tx, payment: &Payment, invoice: &InvoiceId) -> Result<i64, Failure> {
    let there = booking::available(tx, payment, Some(invoice))?;
    Ok(refundable(tx, payment)?.min(there))
}

/// Works out what is told of refunds with an invoice.
///
/// # Errors
/// When the database fails.
pub fn of_invoice(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<OfInvoice, Failure> {
    let mut sum = 0_i64;
    for payment in payments::of_invoice(tx, scope, invoice, i64::MAX)? {
        sum = sum.saturating_add(refundable_of(tx, &payment, invoice)?);
    }
    Ok(OfInvoice {
        refunded: refunds::taken_of_invoice(tx, scope, invoice)?,
        refundable: sum,
    })
}
