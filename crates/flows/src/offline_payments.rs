//! Money that came without Stripe: a bank transfer, a cheque, cash. Somebody records it on an invoice, which
//! is then owed so much less; and takes it back, where it was a mistake or the cheque bounced.

use domain::seal::Day;
use domain::{
    InvoiceId, LedgerTransactionId, OfflinePaymentId, Refusal, Scope, Timestamp, ledger, offline_payment,
};
use serde_json::json;
use store::Tx;
use store::invoices::{self, Invoice};
use store::ledger::Posting;
use store::offline_payments::{self as rows, OfflinePayment};

use crate::audit::{self, Entry};
use crate::collect::Looked;
use crate::{App, By, Failure, Moment, collect, credits, instance, invoice_moves, notify};

pub use domain::offline_payment::Method;

/// What somebody records.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// In which version somebody has seen it; none for whoever does not say.
    pub version: Option<i64>,
    /// Minor units of its currency; all that is owed where it is not named.
    pub amount_minor: Option<i64>,
    /// How it came.
    pub method: Method,
    /// The day as `YYYY-MM-DD`; today where it is not named.
    pub received_on: Option<String>,
    /// A cheque's number, a transfer's purpose.
    pub reference: Option<String>,
    /// Whether the client gets a receipt by mail.
    pub receipt: bool,
}

/// Records money that came without Stripe. A live payment that would now take too much is cancelled at Stripe
/// first. Its id comes from `moment`, which a request that is tried again has from its first try: then what
/// was recorded is answered.
///
/// # Errors
/// Those of [`offline_payment::record`], [`offline_payment::received_on`] and [`offline_payment::reference`];
/// [`Refusal::VersionConflict`] where the invoice is not as it was seen; [`Refusal::PaymentInProgress`] where
/// a payment cannot be stopped any more; [`Refusal::LiveLocked`]; [`Refusal::NotFound`].
pub async fn record(
    app: &App,
    scope: &Scope,
    by: &By,
    moment: Moment,
    wanted: Wanted,
) -> Result<OfflinePayment, Failure> {
    let id = OfflinePaymentId::new(moment.at, moment.random(0));
    let today = Day::of(moment.at);
    let received_on = offline_payment::received_on(wanted.received_on.as_deref(), today)?;
    let reference = offline_payment::reference("reference", wanted.reference.as_deref())?;
    let (of, known, seen) = (scope.clone(), id.clone(), wanted.clone());
    let look = move |tx: &mut Tx| match rows::get(tx, &of, &known)? {
        Some(made) => Ok(Looked::Made(made)),
        None => Ok(Looked::Seen(as_seen(tx, &of, &seen)?)),
    };
    let settled = match collect::make_room(app, scope, by, &wanted.invoice_id, look).await? {
        Looked::Made(made) => return Ok(made),
        Looked::Seen(settled) => settled,
    };
    let (scope, by) = (scope.clone(), by.clone());
    app.db
        .write(move |tx| {
            if let Some(made) = rows::get(tx, &scope, &id)? {
                return Ok(made);
            }
            let mut invoice = invoices::get(tx, &scope, &wanted.invoice_id)?.ok_or(Refusal::NotFound)?;
            if wanted.version.is_some() && settled != (invoice.applied, invoice.credited) {
                return Err(Failure::from(Refusal::VersionConflict));
            }
            let amount = offline_payment::record(invoice.status, invoice.owed(), wanted.amount_minor)?;
            collect::refuse_live(tx, &scope, &invoice.id)?;
            let payment = OfflinePayment {
                id: id.clone(),
                invoice_id: invoice.id.clone(),
                client_id: invoice.client_id.clone(),
                currency: invoice.currency,
                amount: amount.minor(),
                method: wanted.method,
                reference: reference.clone(),
                received_on: received_on.to_string(),
                created_at: moment.at,
                reversed_at: None,
                reversal_reason: None,
            };
            rows::insert(tx, &scope, &payment)?;
            post(tx, moment, &scope, &payment)?;
            invoice.applied = invoice.applied.saturating_add(payment.amount);
            let cause = format!("offline_payment:{id}");
            invoice_moves::settle(tx, moment, &scope, &mut invoice, &cause)?;
            if wanted.receipt {
                notify::offline_payment(tx, moment, &scope, &payment, &invoice, received_on)?;
            }
            let entry = Entry {
                action: "offline_payment.recorded",
                subject: payment.id.as_str(),
                before: None,
                after: Some(noted(&payment, &invoice)),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            Ok(payment)
        })
        .await
}

/// What is settled of the invoice, paid and credited, where it is as somebody has seen it and may be paid so.
/// Cancelling an intent gives it another version, and settles nothing.
fn as_seen(tx: &mut Tx, scope: &Scope, wanted: &Wanted) -> Result<(i64, i64), Failure> {
    let invoice = invoices::get(tx, scope, &wanted.invoice_id)?.ok_or(Refusal::NotFound)?;
    if wanted.version.is_some_and(|seen| seen != invoice.version) {
        return Err(Refusal::VersionConflict.into());
    }
    offline_payment::record(invoice.status, invoice.owed(), wanted.amount_minor)?;
    Ok((invoice.applied, invoice.credited))
}

/// Takes recorded money back: its invoice is owed again by so much, less the unused credit that came of it.
/// The row and its booking stay, and a second booking takes the first one back. What was taken back before is
/// answered as it is.
///
/// # Errors
/// [`Refusal::NotFound`], and [`Refusal::InvalidField`] for a reason that cannot be shown.
pub async fn reverse(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &OfflinePaymentId,
    reason: Option<&str>,
) -> Result<OfflinePayment, Failure> {
    let reason = offline_payment::reference("reason", reason)?;
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let before = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            if !rows::reverse(tx, &scope, &id, reason.as_deref(), moment.at)? {
                return Ok(before);
            }
            instance::refuse_locked(tx, &scope)?;
            let payment = OfflinePayment {
                reversed_at: Some(moment.at),
                reversal_reason: reason.clone(),
                ..before
            };
            let mut invoice = invoices::get(tx, &scope, &payment.invoice_id)?.ok_or(Refusal::NotFound)?;
            post_reversal(tx, moment, &scope, &payment)?;
            invoice.applied = invoice.applied.saturating_sub(payment.amount);
            credits::set_off_own(tx, moment, &scope, &by, &mut invoice)?;
            let cause = format!("offline_payment_reversal:{id}");
            invoice_moves::settle(tx, moment, &scope, &mut invoice, &cause)?;
            let entry = Entry {
                action: "offline_payment.reversed",
                subject: payment.id.as_str(),
                before: None,
                after: Some(noted(&payment, &invoice)),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            Ok(payment)
        })
        .await
}

fn post(tx: &mut Tx, moment: Moment, scope: &Scope, payment: &OfflinePayment) -> Result<(), Failure> {
    let posting = posting(scope, moment.at, moment.random(1), payment);
    store::ledger::post(tx, &posting, &ledger::offline_payment(payment.money())?)?;
    Ok(())
}

fn post_reversal(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    payment: &OfflinePayment,
) -> Result<(), Failure> {
    let booked = store::ledger::find(tx, scope, ledger::Kind::OfflinePayment, payment.id.as_str())?;
    let booked = booked.ok_or_else(|| Failure::Bug(format!("{} is not booked", payment.id)))?;
    let posting = Posting {
        reverses: Some(booked),
        ..posting(scope, moment.at, moment.random(0), payment)
    };
    store::ledger::post(tx, &posting, &ledger::offline_payment_reversal(payment.money())?)?;
    Ok(())
}

fn posting<'a>(scope: &'a Scope, at: Timestamp, random: u128, payment: &'a OfflinePayment) -> Posting<'a> {
    Posting {
        scope,
        id: LedgerTransactionId::new(at, random),
        source_id: payment.id.as_str(),
        invoice_id: Some(&payment.invoice_id),
        payment_id: None,
        reverses: None,
        at,
    }
}

/// What the audit log keeps.
fn noted(payment: &OfflinePayment, invoice: &Invoice) -> String {
    let json = json!({
        "invoice_id": invoice.id.as_str(),
        "amount": payment.amount,
        "currency": payment.currency.code(),
        "method": payment.method.word(),
        "received_on": payment.received_on,
        "reference": payment.reference,
        "reversal_reason": payment.reversal_reason,
        "invoice_status": invoice.status.word(),
        "amount_due": invoice.owed().minor(),
    });
    json.to_string()
}
