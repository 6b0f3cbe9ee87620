//! Credit notes: an invoice's total is immutable, so what is given up of it is a numbered paper of its own.

use domain::credit_note::{self, Credited};
use domain::{ClientCreditId, CreditNoteId, LedgerTransactionId, Money, Scope, ledger};
use store::client_credits::ClientCredit;
use store::credit_notes::CreditNote;
use store::invoices::Invoice;
use store::ledger::Posting;
use store::{Tx, client_credits, credit_notes};

use crate::{Failure, Moment, invoice_moves};

/// What a credit note is made for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Minor units of the invoice's currency, tax included.
    pub amount_minor: i64,
    /// Why, in a sentence that the client reads.
    pub reason: &'a str,
    /// The refund that forgives it.
    pub refund_id: Option<&'a str>,
    /// The dispute whose loss is forgiven, and by which decision about it.
    pub dispute: Option<(&'a str, i64)>,
    /// What caused it, for the history of states.
    pub cause: &'a str,
    /// Which ids of the moment it may take: this one and the next two.
    pub first_id: u32,
}

/// Makes a credit note within the caller's transaction: books it, and settles the invoice. What of it was
/// paid already becomes the client's credit.
///
/// # Errors
/// [`domain::Refusal::InvalidField`] and [`domain::Refusal::CreditTooLarge`] for the amount; the state of the
/// invoice is the caller's to check.
pub fn issue(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    invoice: &mut Invoice,
    wanted: &Wanted<'_>,
) -> Result<CreditNote, Failure> {
    issue_taxed(tx, moment, scope, invoice, wanted, None)
}

/// As [`issue`], with the tax in it where that is known, as of certain lines.
///
/// # Errors
/// As [`issue`].
pub fn issue_taxed(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    invoice: &mut Invoice,
    wanted: &Wanted<'_>,
    tax_minor: Option<i64>,
) -> Result<CreditNote, Failure> {
    let before = credit_notes::of_invoice(tx, scope, &invoice.id)?;
    let credited = Credited {
        total: invoice.total,
        tax_minor: invoice.tax,
        owed_minor: invoice.owed().minor(),
        before_minor: before.iter().map(|note| note.total).sum(),
        taxed_before_minor: before.iter().map(|note| note.tax).sum(),
    };
    let shares = credit_note::divide(&credited, wanted.amount_minor, tax_minor)?;
    let number = credit_notes::next_number(tx, scope, moment.at)?;
    let note = CreditNote {
        id: CreditNoteId::new(moment.at, moment.random(wanted.first_id)),
        number: format!("CN-{number:05}"),
        invoice_id: invoice.id.clone(),
        client_id: invoice.client_id.clone(),
        currency: invoice.currency,
        reason: wanted.reason.to_owned(),
        subtotal: shares.subtotal_minor,
        tax: shares.tax_minor,
        total: wanted.amount_minor,
        to_invoice: shares.to_invoice_minor,
        to_credit: shares.to_credit_minor,
        refund_id: wanted.refund_id.map(str::to_owned),
        dispute_id: wanted.dispute.map(|(id, _)| id.to_owned()),
        dispute_decision: wanted.dispute.map_or(1, |(_, decision)| decision),
        created_at: moment.at,
    };
    credit_notes::insert(tx, scope, &note)?;
    book(tx, moment, scope, &note, wanted.first_id)?;
    invoice.credited = invoice.credited.saturating_add(note.to_invoice);
    invoice_moves::settle(tx, moment, scope, invoice, wanted.cause)?;
    Ok(note)
}

fn book(tx: &mut Tx, moment: Moment, scope: &Scope, note: &CreditNote, first_id: u32) -> Result<(), Failure> {
    let total = Money::new(note.total, note.currency);
    let transaction = ledger::credit_note(total, note.subtotal, note.tax, note.to_credit)?;
    let posting = Posting {
        scope,
        id: LedgerTransactionId::new(moment.at, moment.random(first_id + 1)),
        source_id: note.id.as_str(),
        invoice_id: Some(&note.invoice_id),
        payment_id: None,
        reverses: None,
        at: moment.at,
    };
    store::ledger::post(tx, &posting, &transaction)?;
    if note.to_credit > 0 {
        let credit = ClientCredit {
            id: ClientCreditId::new(moment.at, moment.random(first_id + 2)),
            client_id: note.client_id.clone(),
            currency: note.currency,
            amount: note.to_credit,
            remaining: note.to_credit,
            invoice_id: Some(note.invoice_id.clone()),
            payment_id: None,
            credit_note_id: Some(note.id.clone()),
            created_at: moment.at,
        };
        client_credits::insert(tx, scope, &credit)?;
    }
    Ok(())
}
