//! Which link a payment was made by: whose Pay was pressed last.

use domain::{InvoiceId, LinkId, PaymentId, Scope};

use crate::binds;
use crate::db::{Error, Sql, Tx};

const NOTE: Sql = Sql::new(
    "update payments set paid_by_link = $4
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// Notes the link by which a payment is begun or confirmed, without touching the payment's version.
pub fn note(tx: &mut Tx, scope: &Scope, payment: &PaymentId, link: &LinkId) -> Result<(), Error> {
    tx.execute(&NOTE, binds![&scope.tenant, scope.mode, payment, link])?;
    Ok(())
}

const OF_PAYMENT: Sql = Sql::new(
    "select paid_by_link
     from payments
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// The link of a payment; none where it was begun without one.
pub fn of_payment(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Option<LinkId>, Error> {
    let row = tx.optional(&OF_PAYMENT, binds![&scope.tenant, scope.mode, payment])?;
    let link = row.map(|row| row.text_opt("paid_by_link")).transpose()?;
    Ok(link.flatten().map(LinkId::stored))
}

const OF_INVOICE: Sql = Sql::new(
    "select id, paid_by_link
     from payments
     where tenant_id = $1 and livemode = $2 and invoice_id = $3 and paid_by_link is not null
       and succeeded_at is not null
     order by attempt",
);

/// The payments that succeeded by links of an invoice, the first on top, and the link of each.
pub fn of_invoice(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
) -> Result<Vec<(PaymentId, LinkId)>, Error> {
    let rows = tx.query(&OF_INVOICE, binds![&scope.tenant, scope.mode, invoice])?;
    let read = rows.iter().map(|row| {
        let link = LinkId::stored(row.text("paid_by_link")?);
        Ok((PaymentId::stored(row.text("id")?), link))
    });
    read.collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&NOTE, &OF_PAYMENT, &OF_INVOICE];
