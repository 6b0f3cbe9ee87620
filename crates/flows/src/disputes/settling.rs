//! What becomes of the invoices whose payment a bank took for good: they are owed again, or the MSP bears it,
//! by a credit note. And what becomes of money that came back after all.

use domain::credit_note::Outgoing;
use domain::dispute::{self, Decided, Gone, Outcome};
use domain::ledger::{self, Share};
use domain::{ClientCreditId, DisputeId, InvoiceId, LedgerTransactionId, Money, Refusal, Scope};
use serde_json::json;
use store::client_credits::{self, ClientCredit};
use store::disputes::{self as rows, Dispute};
use store::invoices::{self, Invoice};
use store::ledger::Posting;
use store::payments::Payment;
use store::{Tx, payment_parts, payments};

use super::{payment_of, save};
use crate::audit::{self, Entry};
use crate::credit_notes::{self, Wanted};
use crate::refunds::booking::Sources;
use crate::{App, By, Failure, Moment, invoice_moves};

/// What the credit note says, which the client reads.
const FORGIVEN: &str = "The payment was returned by your bank, and the amount is not claimed again.";
/// Ids of what settling makes begin here; each credit note takes three.
const FIRST_ID: u32 = 64;
const NOTE_IDS: u32 = 3;

/// Says what becomes of a dispute that was lost. What was the client's credit is gone first; then the
/// invoices that the payment had settled are owed again, or forgiven. What the bank took beyond all that
/// stays where it is; a break `beyond_received` shows it. Where the bank gave the money back afterwards and
/// took it once more, that is another decision, with a posting and credit notes of its own.
///
/// # Errors
/// [`Refusal::NotFound`], and the [`dispute::Refused`] that says why not.
pub async fn settle(
    app: &App,
    scope: &Scope,
    by: &By,
    id: &DisputeId,
    outcome: Outcome,
) -> Result<Dispute, Failure> {
    let (moment, scope, by, id) = (app.moment(), scope.clone(), by.clone(), id.clone());
    app.db
        .write(move |tx| {
            let before = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            dispute::settle(before.settlement).map_err(Refusal::from)?;
            let payment = payment_of(tx, &before)?;
            let mut dispute = before.clone();
            dispute.decided.times = before.decided.times.saturating_add(1);
            let (mut invoices, shares, of_credit) = take_back(tx, &payment, &before)?;
            let of_invoices: i64 = shares.iter().map(|share| share.amount_minor).sum();
            let amount = Money::new(of_invoices.saturating_add(of_credit), before.currency);
            if amount.minor() > 0 {
                let transaction = ledger::dispute_lost(amount, &shares)?;
                let of = invoice_named(&shares, &payment);
                post(tx, moment, &payment, of, &source(&dispute), &transaction)?;
            }
            let cause = format!("dispute:{id}");
            dispute.credit_note_id = None;
            let of_credit = Money::new(of_credit, before.currency);
            let forgiven = forgiven(tx, &scope, outcome, &invoices, &shares, of_credit)?;
            for (nth, (invoice, minor)) in (0_u32..).zip(invoices.iter_mut().zip(forgiven)) {
                let note = forgive(tx, moment, &dispute, invoice, minor, (nth, &cause))?;
                dispute.credit_note_id = dispute.credit_note_id.or(note);
                invoice_moves::settle(tx, moment, &scope, invoice, &cause)?;
            }
            dispute.settlement = outcome.settlement();
            dispute.decided = Decided {
                outcome: Some(outcome),
                withdrawn: before.taken.withdrawn,
                settled: before.decided.settled.saturating_add(amount.minor()),
                times: dispute.decided.times,
            };
            dispute.settled_at = Some(moment.at);
            let entry = Entry {
                action: "dispute.settled",
                subject: id.as_str(),
                before: Some(json!({"settlement": before.settlement.word()}).to_string()),
                after: Some(noted(&dispute)),
            };
            audit::note(tx, Some(&scope), &by, moment, &entry)?;
            save(tx, &mut dispute, &before, &cause, moment.at)?;
            Ok(dispute)
        })
        .await
}

/// What the books call a decision: the first one is the dispute's own.
fn source(dispute: &Dispute) -> String {
    match dispute.decided.times {
        ..=1 => dispute.stripe_dispute_id.clone(),
        times => format!("{}:{times}", dispute.stripe_dispute_id),
    }
}

/// Takes what was lost from where the payment's money went, in minor units of the dispute: the credit that
/// came of it first, then the invoices. Answers the invoices, changed and not yet stored, their shares, and
/// what was credit.
fn take_back(
    tx: &mut Tx,
    payment: &Payment,
    dispute: &Dispute,
) -> Result<(Vec<Invoice>, Vec<Share>, i64), Failure> {
    let scope = &payment.scope;
    // What was refunded or settled is gone already: of what the bank takes beyond, nothing is left to take.
    let of_payment = rows::of_payment(tx, scope, &payment.id)?;
    let settled: i64 = of_payment.iter().map(|one| one.decided.settled).sum();
    let gone = Gone {
        received: payment.received,
        refunded: payments::refunded(tx, scope, &payment.id)?,
        settled,
        open: dispute.decided.open(dispute.taken),
    };
    let sources = Sources::of(tx, payment, None)?;
    let taken = sources.share(dispute::to_settle(gone));
    let mut of_credit = 0_i64;
    for (credit, amount) in sources.credits.iter().zip(&taken.credits) {
        if *amount == 0 {
            continue;
        }
        if !client_credits::take(tx, scope, &credit.id, *amount)? {
            return Err(store::Error::Conflict.into());
        }
        of_credit = of_credit.saturating_add(*amount);
    }
    let (mut changed, mut shares) = (Vec::new(), Vec::new());
    for (source, amount_minor) in sources.invoices.into_iter().zip(taken.parts) {
        if amount_minor == 0 {
            continue;
        }
        let mut invoice = source.invoice;
        invoice.applied = invoice.applied.saturating_sub(amount_minor);
        let own = amount_minor.min(source.own);
        payment_parts::apply(tx, scope, &payment.id, &invoice.id, own.saturating_neg())?;
        shares.push(Share {
            invoice: invoice.id.clone(),
            amount_minor,
        });
        changed.push(invoice);
    }
    Ok((changed, shares, of_credit))
}

/// What is forgiven of each invoice's share, in minor units.
fn forgiven(
    tx: &mut Tx,
    scope: &Scope,
    outcome: Outcome,
    invoices: &[Invoice],
    shares: &[Share],
    of_credit: Money,
) -> Result<Vec<i64>, Failure> {
    let mut outgoing = Vec::new();
    for (invoice, share) in invoices.iter().zip(shares) {
        let notes = store::credit_notes::of_invoice(tx, scope, &invoice.id)?;
        outgoing.push(Outgoing {
            taken_minor: share.amount_minor,
            total_minor: invoice.total.minor(),
            noted_minor: notes.iter().map(|note| note.total).sum(),
        });
    }
    Ok(dispute::forgive(outcome, &outgoing, of_credit).map_err(Refusal::from)?)
}

/// Makes the credit note of what is forgiven, if anything is.
fn forgive(
    tx: &mut Tx,
    moment: Moment,
    dispute: &Dispute,
    invoice: &mut Invoice,
    amount_minor: i64,
    (nth, cause): (u32, &str),
) -> Result<Option<String>, Failure> {
    let scope = &dispute.scope;
    if amount_minor <= 0 {
        return Ok(None);
    }
    let wanted = Wanted {
        amount_minor,
        reason: FORGIVEN,
        refund_id: None,
        dispute: Some((dispute.id.as_str(), dispute.decided.times)),
        cause,
        first_id: FIRST_ID + nth * NOTE_IDS,
    };
    let note = credit_notes::issue(tx, moment, scope, invoice, &wanted)?;
    Ok(Some(note.id.to_string()))
}

/// Money that a bank gave back although its loss was settled, as after an appeal, by this balance
/// transaction. The invoices that the loss had opened again take it up, as far as they are owed; the rest is
/// the client's credit.
pub fn money_back_after_settling(
    tx: &mut Tx,
    moment: Moment,
    before: &Dispute,
    dispute: &mut Dispute,
    (transaction, cause): (&str, &str),
) -> Result<(), Failure> {
    let back = dispute.decided.regained(before.taken, dispute.taken);
    if back <= 0 {
        return Ok(());
    }
    let payment = payment_of(tx, dispute)?;
    let scope = &payment.scope;
    let (mut left, mut shares, mut client) = (back, Vec::new(), None);
    for part in payment_parts::of(tx, scope, &payment.id)? {
        let mut invoice = invoice_of(tx, scope, &part.invoice_id)?;
        client.get_or_insert_with(|| invoice.client_id.clone());
        let fits = invoice.currency == dispute.currency;
        let owed = if fits { invoice.owed().minor() } else { 0 };
        let amount_minor = domain::payment::applied(invoice.status, owed, left);
        if amount_minor <= 0 {
            continue;
        }
        left = left.saturating_sub(amount_minor);
        invoice.applied = invoice.applied.saturating_add(amount_minor);
        let own = amount_minor.min(part.amount.saturating_sub(part.applied)).max(0);
        payment_parts::apply(tx, scope, &payment.id, &invoice.id, own)?;
        invoice_moves::settle(tx, moment, scope, &mut invoice, cause)?;
        shares.push(Share {
            invoice: invoice.id,
            amount_minor,
        });
    }
    let booked = ledger::dispute_regained(Money::new(back, dispute.currency), &shares)?;
    let of = invoice_named(&shares, &payment);
    post(tx, moment, &payment, of, transaction, &booked)?;
    if let (Some(client_id), 1..) = (client, left) {
        let credit = ClientCredit {
            id: ClientCreditId::new(moment.at, moment.random(FIRST_ID + 1)),
            client_id,
            currency: dispute.currency,
            amount: left,
            remaining: left,
            invoice_id: Some(payment.invoice_id.clone()),
            payment_id: Some(payment.id.clone()),
            credit_note_id: None,
            created_at: moment.at,
        };
        client_credits::insert(tx, scope, &credit)?;
    }
    let before = dispute.clone();
    dispute.decided.settled = dispute.decided.settled.saturating_sub(back);
    dispute.settlement = dispute.decided.settlement(&dispute.standing, dispute.taken);
    save(tx, dispute, &before, cause, moment.at)
}

fn invoice_of(tx: &mut Tx, scope: &Scope, id: &InvoiceId) -> Result<Invoice, Failure> {
    invoices::get(tx, scope, id)?.ok_or_else(|| Failure::Bug(format!("invoice {id} is gone")))
}

/// The invoice that the transaction is about: with one share its own, for only several shares name theirs.
fn invoice_named<'a>(shares: &'a [Share], payment: &'a Payment) -> &'a InvoiceId {
    match shares {
        [only] => &only.invoice,
        _ => &payment.invoice_id,
    }
}

fn post(
    tx: &mut Tx,
    moment: Moment,
    payment: &Payment,
    invoice: &InvoiceId,
    source_id: &str,
    transaction: &ledger::Transaction,
) -> Result<(), Failure> {
    let posting = Posting {
        scope: &payment.scope,
        id: LedgerTransactionId::new(moment.at, moment.random(FIRST_ID - 1)),
        source_id,
        invoice_id: Some(invoice),
        payment_id: Some(&payment.id),
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, transaction)?;
    Ok(())
}

fn noted(dispute: &Dispute) -> String {
    let json = json!({
        "settlement": dispute.settlement.word(),
        "amount": dispute.decided.settled,
        "decision": dispute.decided.times,
        "currency": dispute.currency.code(),
        "credit_note_id": dispute.credit_note_id,
    });
    json.to_string()
}
