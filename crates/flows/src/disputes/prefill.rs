//! Evidence as it can be said from our own rows: what was sold, to whom, when the payer saw the invoice and
//! from where it was paid.

use std::fmt::Write as _;

use domain::dispute::evidence::{self, Evidence, Field};
use domain::seal::Day;
use domain::{AuditId, DisputeId, Money, Refusal, Scope, Timestamp};
use store::dispute_files::DisputeFile;
use store::disputes::{self as rows, Dispute, Moved};
use store::invoices::{self, Invoice};
use store::payments::Payment;
use store::{Tx, audit_log, clients, dispute_files, pay_links, payment_parts, tenants};

use super::{answers, payment_of};
use crate::{App, Failure};

/// Lines of an invoice that are described; a bank's clerk reads no more.
const LINES_MAX: usize = 50;
/// How long after a press on Pay its money may be seen.
const AFTER_MS: i64 = 60_000;

/// A dispute with all that is to be shown of it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The dispute.
    pub dispute: Dispute,
    /// The payment.
    pub payment: Payment,
    /// How its money moved.
    pub movements: Vec<Moved>,
    /// What is to be told to the bank, as drafted.
    pub draft: Evidence,
    /// What could be told from our own rows.
    pub prefilled: Evidence,
    /// What was uploaded for it, oldest first.
    pub files: Vec<DisputeFile>,
    /// What banks look for in such a dispute that the draft does not say; before there is one, the prefilled.
    pub missing: Vec<Field>,
}

/// Reads a dispute with its evidence.
///
/// # Errors
/// [`Refusal::NotFound`].
pub async fn show(app: &App, scope: &Scope, id: &DisputeId) -> Result<Shown, Failure> {
    let (scope, id) = (scope.clone(), id.clone());
    app.db
        .read(move |tx| {
            let dispute = rows::get(tx, &scope, &id)?.ok_or(Refusal::NotFound)?;
            let payment = payment_of(tx, &dispute)?;
            let prefilled = prefill(tx, &dispute, &payment)?;
            let draft = answers::read(&dispute)?;
            let said = if dispute.evidence_version == 0 {
                &prefilled
            } else {
                &draft
            };
            Ok(Shown {
                movements: rows::movements(tx, &scope, &id)?,
                files: dispute_files::of_dispute(tx, &scope, &id)?,
                missing: evidence::missing(&dispute.reason, said),
                dispute,
                payment,
                draft,
                prefilled,
            })
        })
        .await
}

fn prefill(tx: &mut Tx, dispute: &Dispute, payment: &Payment) -> Result<Evidence, Failure> {
    let scope = &dispute.scope;
    let gone = |what: &str| Failure::Bug(format!("the {what} of dispute {} is gone", dispute.id));
    let invoice = invoices::get(tx, scope, &payment.invoice_id)?.ok_or_else(|| gone("invoice"))?;
    let client = clients::get(tx, scope, &invoice.client_id)?.ok_or_else(|| gone("client"))?;
    let tenant = tenants::get(tx, &scope.tenant)?;
    let mut paid = Vec::new();
    let mut lines = Vec::new();
    for part in payment_parts::of(tx, scope, &payment.id)? {
        let invoice = invoices::get(tx, scope, &part.invoice_id)?.ok_or_else(|| gone("invoice"))?;
        lines.extend(invoices::lines(tx, scope, &invoice.id)?);
        paid.push((invoice, part.amount));
    }
    let seen = pay_links::clients_views(tx, scope, &invoice.id)?;
    let mut said = vec![
        (Field::CustomerName, Some(client.name.clone())),
        (Field::CustomerEmailAddress, client.email.clone()),
        (Field::CustomerPurchaseIp, paid_from(tx, payment)?),
        (Field::ServiceDate, invoice.finalized_at.map(day)),
    ];
    let mut sold = String::new();
    for line in lines.iter().take(LINES_MAX) {
        let _ = writeln!(sold, "{}", line.description);
    }
    if lines.len() > LINES_MAX {
        let _ = writeln!(sold, "and {} more lines", lines.len().saturating_sub(LINES_MAX));
    }
    said.push((Field::ProductDescription, Some(sold)));
    let mut log = String::new();
    for (what, at) in [("first opened", seen.first_at), ("last opened", seen.last_at)] {
        if let Some(at) = at {
            let _ = writeln!(log, "{} {what} the page of the invoice", moment(at));
        }
    }
    said.push((Field::AccessActivityLog, Some(log)));
    said.push((
        Field::UncategorizedText,
        Some(story(&tenant.name, &paid, payment, seen.count)),
    ));
    let said = said
        .into_iter()
        .filter_map(|(field, value)| Some((field, value.filter(|value| !value.trim().is_empty())?)));
    Ok(said.map(|(field, value)| (field, cut(value.trim()))).collect())
}

/// The facts in order, as sentences: each invoice with what was paid of it, and the payment.
fn story(seller: &str, paid: &[(Invoice, i64)], payment: &Payment, views: i64) -> String {
    let mut text = String::new();
    for (invoice, of_it) in paid {
        let number = invoice.number.as_deref().unwrap_or(invoice.id.as_str());
        let total = Money::new(invoice.total.minor(), invoice.currency);
        let _ = writeln!(text, "{seller} issued invoice {number} over {total}.");
        if let Some(at) = invoice.finalized_at {
            let _ = writeln!(text, "It was issued on {}.", day(at));
        }
        if let Some(due) = &invoice.due_date {
            let _ = writeln!(text, "It was due on {due}.");
        }
        if paid.len() > 1 || *of_it != invoice.total.minor() {
            let of_it = Money::new(*of_it, payment.currency);
            let _ = writeln!(text, "This payment is for {of_it} of it.");
        }
    }
    if views > 0 {
        let times = if views == 1 { "once" } else { "several times" };
        let which = if paid.len() > 1 {
            "the page on which it was paid"
        } else {
            "its page"
        };
        let _ = match views {
            1 => writeln!(text, "The customer opened {which} {times}."),
            _ => writeln!(text, "The customer opened {which} {views} times."),
        };
    }
    if let Some(at) = payment.succeeded_at {
        let received = Money::new(payment.received, payment.currency);
        let together = if paid.len() > 1 {
            " together, in one payment,"
        } else {
            ""
        };
        let _ = writeln!(text, "{received} was paid for it{together} at {}.", moment(at));
    }
    if let (Some(brand), Some(last4)) = (&payment.method_brand, &payment.method_last4) {
        let _ = writeln!(text, "It was paid with {brand} ending in {last4}.");
    }
    text
}

/// The address from which Pay was pressed last before the money arrived.
fn paid_from(tx: &mut Tx, payment: &Payment) -> Result<Option<String>, Failure> {
    let until = payment
        .succeeded_at
        .unwrap_or(payment.created_at)
        .plus_ms(AFTER_MS);
    let span = (
        AuditId::new(payment.created_at, 0),
        AuditId::new(until, u128::MAX),
    );
    Ok(audit_log::payers_address(
        tx,
        &payment.scope,
        payment.invoice_id.as_str(),
        &span,
    )?)
}

fn day(at: Timestamp) -> String {
    Day::of(at).to_string()
}

/// `2026-11-26 22:05 UTC`
fn moment(at: Timestamp) -> String {
    let minutes = at.seconds().div_euclid(60).rem_euclid(24 * 60);
    format!(
        "{} {:02}:{:02} UTC",
        day(at),
        minutes.div_euclid(60),
        minutes.rem_euclid(60)
    )
}

fn cut(text: &str) -> String {
    text.chars().take(evidence::TEXT_MAX).collect()
}
