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

// SQLite takes a cross join in its order: it would look through all payments by their ids otherwise.
const OF_INVOICE: Sql = Sql::new(
    "select p.id, p.paid_by_link
     from payment_parts r
     cross join payments p
     cross join pay_links l
     where r.tenant_id = $1 and r.livemode = $2 and r.invoice_id = $3
       and p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
       and p.succeeded_at is not null
       and l.tenant_id = p.tenant_id and l.livemode = p.livemode and l.id = p.paid_by_link
       and l.invoice_id = r.invoice_id
     order by p.id",
);

/// The payments that succeeded by links of an invoice, the first on top, and the link of each. Of several
/// invoices that are paid at once each has links: the payment is told where the link is that was used.
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
