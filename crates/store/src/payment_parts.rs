//! Which invoices a payment pays, and how much of it each has taken up. Written by the functions in
//! `payments.rs` and by what arrives.

use domain::{InvoiceId, PaymentId, Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Row, Sql, Tx};

/// One invoice of a payment. Amounts are minor units of the payment's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// What the payment asks for it.
    pub amount: i64,
    /// What the invoice has taken up of the payment, less what went back.
    pub applied: i64,
}

const INSERT: Sql = Sql::new(
    "insert into payment_parts (tenant_id, livemode, payment_id, invoice_id, position, amount, applied, live,
       created_at)
     values ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
);

/// Adds the parts of a payment that is about to be created, in the order in which money is given to them.
pub(crate) fn insert(
    tx: &mut Tx,
    scope: &Scope,
    payment: &PaymentId,
    live: bool,
    parts: &[(InvoiceId, i64)],
    at: Timestamp,
) -> Result<(), Error> {
    for (position, (invoice, amount)) in (1_i64..).zip(parts) {
        let binds = binds![
            &scope.tenant,
            scope.mode,
            payment,
            invoice,
            position,
            *amount,
            i64::from(live),
            at
        ];
        tx.execute(&INSERT, binds)?;
    }
    Ok(())
}

const SET_LIVE: Sql = Sql::new(
    "update payment_parts set live = $4
     where tenant_id = $1 and livemode = $2 and payment_id = $3 and live <> $4",
);

/// Whether money could still arrive by the payment: at most one such part is on an invoice.
pub(crate) fn set_live(tx: &mut Tx, scope: &Scope, payment: &PaymentId, live: bool) -> Result<(), Error> {
    let binds = binds![&scope.tenant, scope.mode, payment, i64::from(live)];
    tx.execute(&SET_LIVE, binds)?;
    Ok(())
}

const OF_PAYMENT: Sql = Sql::new(
    "select invoice_id, amount, applied
     from payment_parts
     where tenant_id = $1 and livemode = $2 and payment_id = $3
     order by position",
);

/// The parts of a payment, in the order in which money is given to them.
pub fn of(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Vec<Part>, Error> {
    tx.query(&OF_PAYMENT, binds![&scope.tenant, scope.mode, payment])?
        .iter()
        .map(read)
        .collect()
}

const APPLY: Sql = Sql::new(
    "update payment_parts set applied = applied + $5
     where tenant_id = $1 and livemode = $2 and payment_id = $3 and invoice_id = $4",
);

/// Raises or lowers what an invoice has taken up of a payment, by minor units of either sign.
pub fn apply(
    tx: &mut Tx,
    scope: &Scope,
    payment: &PaymentId,
    invoice: &InvoiceId,
    by: i64,
) -> Result<(), Error> {
    tx.execute(&APPLY, binds![&scope.tenant, scope.mode, payment, invoice, by])?;
    Ok(())
}

const PROCESSING: Sql = Sql::new(
    "select count(*) as parts
     from payment_parts r
     join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
     where r.tenant_id = $1 and r.livemode = $2 and r.invoice_id = $3 and r.live = 1
       and p.status = 'processing'",
);

/// Whether a payment of the invoice is on its way, as a bank debit is for days.
pub fn processing(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<bool, Error> {
    let row = tx.one(&PROCESSING, binds![&scope.tenant, scope.mode, invoice])?;
    Ok(row.int("parts")? > 0)
}

fn read(row: &Row) -> Result<Part, Error> {
    Ok(Part {
        invoice_id: InvoiceId::stored(row.text("invoice_id")?),
        amount: row.int("amount")?,
        applied: row.int("applied")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &SET_LIVE, &OF_PAYMENT, &APPLY, &PROCESSING];
