//! What an invoice's state follows from: what is settled of it, and whether a payment is on its way. Shared
//! by all that settles or gives back: payments, refunds, disputes, credit notes and credit.

use domain::{Scope, invoice};
use store::invoices::{self, Invoice};
use store::state_history::{self, Change};
use store::{Tx, payment_parts};

use crate::{Failure, Moment};

/// Stores an invoice of which `applied` or `credited` changed, or whose payment moved, with the state that
/// follows: an invoice that is owed again is open again. Nothing happens where nothing changed.
///
/// # Errors
/// When the database fails, or the invoice was changed in between.
pub fn settle(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    invoice: &mut Invoice,
    cause: &str,
) -> Result<(), Failure> {
    let Some(before) = invoices::get(tx, scope, &invoice.id)? else {
        return Err(Failure::Bug(format!("invoice {} is gone", invoice.id)));
    };
    settle_from(tx, moment, scope, &before, invoice, cause)
}

/// As [`settle`], where what was stored is known.
///
/// # Errors
/// When the database fails.
pub fn settle_from(
    tx: &mut Tx,
    moment: Moment,
    scope: &Scope,
    before: &Invoice,
    invoice: &mut Invoice,
    cause: &str,
) -> Result<(), Failure> {
    let processing = payment_parts::processing(tx, scope, &invoice.id)?;
    invoice.status = invoice::observe(invoice.status, invoice.owed().minor(), processing);
    if invoice.status == invoice::InvoiceState::Paid {
        invoice.paid_at.get_or_insert(moment.at);
    } else {
        invoice.paid_at = None;
    }
    if *invoice == *before {
        return Ok(());
    }
    if !invoices::store(tx, scope, invoice)? {
        return Err(store::Error::Conflict.into());
    }
    invoice.version += 1;
    if invoice.status != before.status {
        let change = Change {
            scope,
            subject_id: invoice.id.as_str(),
            version: invoice.version,
            from: Some(before.status.word()),
            to: invoice.status.word(),
            cause,
        };
        state_history::insert(tx, &change, moment.at)?;
    }
    Ok(())
}
