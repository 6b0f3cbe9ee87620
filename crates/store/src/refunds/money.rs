//! What refunds do to the sums of their payment, and what they were taken from.

use domain::{ClientCreditId, InvoiceId, PaymentId, RefundId, Scope, Timestamp};

use crate::binds;
use crate::db::{Error, Row, Sql, Tx};

const RESERVE: Sql = Sql::new(
    "update payments set reserved = reserved + $4
     where tenant_id = $1 and livemode = $2 and id = $3 and status = 'succeeded' and disputed = 0
       and reserved + $4 <= received",
);

/// Reserves an amount for a refund that is about to be asked for; `false`, and nothing changes, when so much
/// is not left. Of any number of refunds at once, this statement decides which are made.
pub fn reserve(tx: &mut Tx, scope: &Scope, payment: &PaymentId, amount: i64) -> Result<bool, Error> {
    Ok(tx.execute(&RESERVE, binds![&scope.tenant, scope.mode, payment, amount])? == 1)
}

const ADD: Sql = Sql::new(
    "update payments set reserved = reserved + $4, refunded = refunded + $5
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// Moves a payment's sums by what was observed of a refund, whatever that comes to.
pub fn add_to_payment(
    tx: &mut Tx,
    scope: &Scope,
    payment: &PaymentId,
    reserved: i64,
    refunded: i64,
) -> Result<(), Error> {
    let binds = binds![&scope.tenant, scope.mode, payment, reserved, refunded];
    tx.execute(&ADD, binds)?;
    Ok(())
}

const SET_DISPUTED: Sql = Sql::new(
    "update payments set disputed = $4
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// What disputes hold of a payment now: it cannot be refunded while they hold any.
pub fn set_disputed(tx: &mut Tx, scope: &Scope, payment: &PaymentId, held: i64) -> Result<(), Error> {
    tx.execute(&SET_DISPUTED, binds![&scope.tenant, scope.mode, payment, held])?;
    Ok(())
}

/// What was taken from one place for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taking {
    /// The invoice that had taken the money up, or of whose money the credit is.
    pub invoice_id: InvoiceId,
    /// The credit, where it is one.
    pub client_credit_id: Option<ClientCreditId>,
    /// Minor units.
    pub amount: i64,
}

const TAKE_IN: Sql = Sql::new(
    "insert into refund_takings (tenant_id, livemode, refund_id, position, invoice_id, client_credit_id,
       amount, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)",
);

/// Notes what a refund was taken from, once.
pub fn take_in(
    tx: &mut Tx,
    scope: &Scope,
    refund: &RefundId,
    takings: &[Taking],
    at: Timestamp,
) -> Result<(), Error> {
    for (position, taking) in (1_i64..).zip(takings) {
        let binds = binds![
            &scope.tenant,
            scope.mode,
            refund,
            position,
            &taking.invoice_id,
            taking.client_credit_id.as_ref().map(|id| id.as_str().to_owned()),
            taking.amount,
            at
        ];
        tx.execute(&TAKE_IN, binds)?;
    }
    Ok(())
}

const TAKINGS: Sql = Sql::new(
    "select invoice_id, client_credit_id, amount
     from refund_takings
     where tenant_id = $1 and livemode = $2 and refund_id = $3
     order by position",
);

/// What a refund was taken from, in the order in which it was.
pub fn takings(tx: &mut Tx, scope: &Scope, refund: &RefundId) -> Result<Vec<Taking>, Error> {
    let rows = tx.query(&TAKINGS, binds![&scope.tenant, scope.mode, refund])?;
    let read = |row: &Row| {
        Ok(Taking {
            invoice_id: InvoiceId::stored(row.text("invoice_id")?),
            client_credit_id: row.text_opt("client_credit_id")?.map(ClientCreditId::stored),
            amount: row.int("amount")?,
        })
    };
    rows.iter().map(read).collect()
}

/// What goes back of a payment's fee, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeShares {
    /// What is refunded with its part of the fee.
    pub with_fee: i64,
    /// What goes back of the fee, or went.
    pub so_far: i64,
}

const FEE_SHARES: Sql = Sql::new(
    "select
       cast(coalesce(sum(
         case when status not in ('rejected', 'failed', 'canceled') then amount else 0 end), 0) as bigint)
         as with_fee,
       cast(coalesce(sum(fee_amount), 0) as bigint) as so_far
     from refunds
     where tenant_id = $1 and livemode = $2 and payment_id = $3 and fee_status in ('sent', 'returned')",
);

/// The refunds of a payment of whose fee a part went back, or is on its way.
pub fn fee_shares(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<FeeShares, Error> {
    let row = tx.one(&FEE_SHARES, binds![&scope.tenant, scope.mode, payment])?;
    Ok(FeeShares {
        with_fee: row.int("with_fee")?,
        so_far: row.int("so_far")?,
    })
}

const OF_INVOICE: Sql = Sql::new(
    "select cast(coalesce(sum(k.amount), 0) as bigint) as amount
     from refund_takings k
     join refunds r on r.tenant_id = k.tenant_id and r.livemode = k.livemode and r.id = k.refund_id
     where k.tenant_id = $1 and k.livemode = $2 and k.invoice_id = $3 and r.reversed_at is null",
);

/// What went back of the money that was paid for an invoice, minor units: less what came back again.
pub fn taken_of_invoice(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<i64, Error> {
    tx.one(&OF_INVOICE, binds![&scope.tenant, scope.mode, invoice])?
        .int("amount")
}

/// For the test that prepares every statement.
pub(super) const ALL: &[&Sql] = &[
    &RESERVE,
    &ADD,
    &SET_DISPUTED,
    &TAKE_IN,
    &TAKINGS,
    &FEE_SHARES,
    &OF_INVOICE,
];
