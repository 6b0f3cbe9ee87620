//! Documents of rows: what an invoice, a credit note, a receipt and a statement say is read in one go and
//! printed. The same functions serve the API, the pay page and mails.

mod fee_statement;
mod press;
mod seller;
mod statement;

use documents::Paper;
use documents::papers::{CreditNote, Frame, Invoice, Method, PaidInvoice, Party, Receipt, Refund, State};
use domain::invoice::{InvoiceState, totals};
use domain::language::Language;
use domain::refund::{RefundState, RefundStatus};
use domain::seal::Day;
use domain::{ClientId, CreditNoteId, InvoiceId, PaymentId, Refusal, Scope};
use flows::{Failure, pay_links};
use store::invoices::BillTo;
use store::{
    Tx, client_mail_settings, clients, credit_notes, invoices, mail_settings, payment_parts, payments,
    refunds,
};

use crate::router::Site;

pub use fee_statement::{fee_statement, what as what_of_fee};
pub use press::Press;
pub use seller::{Shown, logo, shown};
pub use statement::{Period, statement};

/// Refunds of one payment that a receipt names.
const REFUNDS_MAX: i64 = 100;

/// A PDF and the name of its file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Letters, digits, `-`, `_` and `.` only.
    pub name: String,
    /// The bytes of the file.
    pub pdf: Vec<u8>,
}

/// The invoice, in this language or, where none is asked for, in its reader's. `link` is the token of the pay
/// page that it names; without one it names the invoice's shared link, where that is in force.
///
/// # Errors
/// [`Refusal::NotFound`] for an invoice that the scope does not have.
pub async fn invoice(
    site: &Site,
    scope: &Scope,
    id: &InvoiceId,
    language: Option<Language>,
    link: Option<String>,
) -> Result<Document, Failure> {
    let (scope, id, key) = (scope.clone(), id.clone(), site.app.link_key.clone());
    let now = site.app.clock.now();
    let read = site.app.db.read(move |tx| {
        let token = match &link {
            Some(token) => Some(token.clone()),
            None => match store::pay_links::shared(tx, &scope, &id)? {
                Some(link) if now < link.expires_at => Some(pay_links::token(&key, &link)?),
                Some(_) | None => None,
            },
        };
        Ok::<_, Failure>((read_invoice(tx, &scope, &id, language)?, token))
    });
    let (mut paper, token): (Invoice, Option<String>) = read.await?;
    paper.pay_link = token.map(|token| site.pay_url(&token));
    let number = paper.number.clone();
    let name = file_name("invoice", number.as_deref().unwrap_or("draft"));
    print(site, name, Paper::Invoice(Box::new(paper))).await
}

fn read_invoice(
    tx: &mut Tx,
    scope: &Scope,
    id: &InvoiceId,
    language: Option<Language>,
) -> Result<Invoice, Failure> {
    let invoice = invoices::get(tx, scope, id)?.ok_or(Refusal::NotFound)?;
    let lines = invoices::lines(tx, scope, id)?;
    let sums = totals(&lines, invoice.discount, invoice.currency)?;
    Ok(Invoice {
        frame: frame(tx, scope, &invoice, language)?,
        number: invoice.number.clone(),
        issued_on: invoice.finalized_at.map(Day::of),
        due_on: invoice.due_date.as_deref().and_then(Day::parse),
        memo: invoice.memo.clone(),
        currency: invoice.currency,
        subtotal_minor: sums.subtotal_minor,
        discount: invoice.discount,
        discount_minor: sums.discount_minor,
        taxes: sums.taxes,
        total_minor: invoice.total.minor(),
        credited_minor: invoice.credited,
        paid_minor: invoice.applied,
        owed_minor: invoice.owed().minor(),
        state: match invoice.status {
            InvoiceState::Draft => State::Draft,
            InvoiceState::Open | InvoiceState::Processing => State::Open,
            InvoiceState::Paid => State::Paid,
            InvoiceState::Void => State::Void,
        },
        pay_link: None,
        lines,
    })
}

/// Who writes to whom, of an invoice.
fn frame(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &invoices::Invoice,
    language: Option<Language>,
) -> Result<Frame, Failure> {
    let client = clients::get(tx, scope, &invoice.client_id)?;
    let client = client.ok_or_else(|| Failure::Bug(format!("the client of {} is gone", invoice.id)))?;
    let to = invoice.bill_to.clone().unwrap_or_else(|| BillTo::of(&client));
    Ok(Frame {
        language: readers(tx, scope, &client.id, language)?,
        seller: seller::read(tx, scope)?,
        client: party(to),
        test: !scope.mode.is_live(),
    })
}

/// The language of a paper: the one that is asked for, else the client's own, else the tenant's.
fn readers(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    asked: Option<Language>,
) -> Result<Language, store::Error> {
    let own = match asked {
        Some(_) => asked,
        None => client_mail_settings::get(tx, scope, client)?.language,
    };
    own.map_or_else(|| Ok(mail_settings::get(tx, scope)?.language), Ok)
}

fn party(to: BillTo) -> Party {
    Party {
        name: to.name,
        address: to.details,
        tax_id: to.tax_id,
        email: to.email,
    }
}

/// The credit note.
///
/// # Errors
/// [`Refusal::NotFound`] for a credit note that the scope does not have.
pub async fn credit_note(
    site: &Site,
    scope: &Scope,
    id: &CreditNoteId,
    language: Option<Language>,
) -> Result<Document, Failure> {
    let (scope, id) = (scope.clone(), id.clone());
    let read = site.app.db.read(move |tx| {
        let note = credit_notes::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
        let invoice = invoices::get(tx, &scope, &note.invoice_id)?;
        let invoice = invoice.ok_or_else(|| Failure::Bug(format!("the invoice of {id} is gone")))?;
        Ok::<CreditNote, Failure>(CreditNote {
            frame: frame(tx, &scope, &invoice, language)?,
            number: note.number,
            issued_on: Day::of(note.created_at),
            invoice_number: invoice.number.unwrap_or_default(),
            reason: note.reason,
            currency: note.currency,
            subtotal_minor: note.subtotal,
            tax_minor: note.tax,
            total_minor: note.total,
            to_invoice_minor: note.to_invoice,
            to_credit_minor: note.to_credit,
        })
    });
    let paper: CreditNote = read.await?;
    let name = file_name("credit-note", &paper.number);
    print(site, name, Paper::CreditNote(Box::new(paper))).await
}

/// The receipt of a payment that has succeeded. For the holder of the link of one of several invoices that
/// were paid together by another's link, `of` names theirs: it then tells of nothing else.
///
/// # Errors
/// [`Refusal::NotFound`] for a payment that the scope does not have, that has not succeeded, or that was not
/// for that invoice.
pub async fn receipt(
    site: &Site,
    scope: &Scope,
    id: &PaymentId,
    of: Option<&InvoiceId>,
    language: Option<Language>,
) -> Result<Document, Failure> {
    let (scope, id, of) = (scope.clone(), id.clone(), of.cloned());
    let read = site
        .app
        .db
        .read(move |tx| read_receipt(tx, &scope, &id, of.as_ref(), language));
    let paper: Receipt = read.await?;
    let name = file_name("receipt", &paper.number);
    print(site, name, Paper::Receipt(Box::new(paper))).await
}

fn read_receipt(
    tx: &mut Tx,
    scope: &Scope,
    id: &PaymentId,
    of: Option<&InvoiceId>,
    language: Option<Language>,
) -> Result<Receipt, Failure> {
    let payment = payments::get(tx, scope, id)?.ok_or(Refusal::NotFound)?;
    let paid_at = payment.succeeded_at.ok_or(Refusal::NotFound)?;
    let mut parts = payment_parts::of(tx, scope, id)?;
    let only_theirs = of.filter(|of| **of != payment.invoice_id);
    if let Some(only) = only_theirs {
        parts.retain(|part| part.invoice_id == *only);
        if parts.is_empty() {
            return Err(Refusal::NotFound.into());
        }
    }
    let (mut paid, mut first) = (Vec::new(), None);
    for part in &parts {
        let invoice = invoices::get(tx, scope, &part.invoice_id)?;
        let invoice = invoice.ok_or_else(|| Failure::Bug(format!("an invoice of {id} is gone")))?;
        paid.push(PaidInvoice {
            number: invoice.number.clone().unwrap_or_default(),
            amount_minor: part.amount,
            discount_minor: discounts(tx, scope, &invoice)?,
        });
        first.get_or_insert(invoice);
    }
    let first = first.ok_or_else(|| Failure::Bug(format!("{id} pays no invoice")))?;
    let of_parts: i64 = paid.iter().map(|paid| paid.amount_minor).sum();
    let mut gone_back = Vec::new();
    if only_theirs.is_none() {
        for refund in refunds::of_payment(tx, scope, id, REFUNDS_MAX)? {
            if refund.status == RefundState::At(RefundStatus::Succeeded) {
                gone_back.push(Refund {
                    on: Day::of(refund.created_at),
                    amount_minor: refund.amount,
                });
            }
        }
        gone_back.sort_by_key(|refund| refund.on);
    }
    Ok(Receipt {
        frame: frame(tx, scope, &first, language)?,
        number: payment.id.to_string(),
        paid_on: Day::of(paid_at),
        method: payment.method_brand.map(|brand| Method {
            brand,
            last4: payment.method_last4,
        }),
        currency: payment.currency,
        amount_minor: if only_theirs.is_some() {
            of_parts
        } else {
            payment.received
        },
        to_credit_minor: match only_theirs {
            Some(_) => 0,
            None => payment.received.saturating_sub(of_parts).max(0),
        },
        invoices: paid,
        refunds: gone_back,
    })
}

/// What came off an invoice, off its lines and off the whole.
fn discounts(tx: &mut Tx, scope: &Scope, invoice: &invoices::Invoice) -> Result<i64, Failure> {
    let lines = invoices::lines(tx, scope, &invoice.id)?;
    let of_lines: i64 = lines.iter().map(|line| line.discount_minor).sum();
    Ok(of_lines.saturating_add(invoice.discounted))
}

async fn print(site: &Site, name: String, paper: Paper) -> Result<Document, Failure> {
    let pdf = site.press.print(paper).await?;
    Ok(Document { name, pdf })
}

/// `invoice-INV-0042.pdf`: whatever a number has that is no letter, digit, `-`, `_` or `.` becomes `-`.
fn file_name(kind: &str, number: &str) -> String {
    let safe = |c: char| match c {
        '-' | '_' | '.' => c,
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    };
    let number: String = number.chars().take(60).map(safe).collect();
    format!("{kind}-{number}.pdf")
}
