//! Money that came without Stripe, for one invoice each. A row is taken back at most once, and nothing else
//! of it changes.

use domain::offline_payment::Method;
use domain::{ClientId, Currency, InvoiceId, Money, OfflinePaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// Money that came without Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfflinePayment {
    /// Its id.
    pub id: OfflinePaymentId,
    /// The invoice that it pays.
    pub invoice_id: InvoiceId,
    /// The invoice's client.
    pub client_id: ClientId,
    /// The invoice's currency.
    pub currency: Currency,
    /// Minor units of `currency`.
    pub amount: i64,
    /// How it came.
    pub method: Method,
    /// A cheque's number, a transfer's purpose.
    pub reference: Option<String>,
    /// The day, as `YYYY-MM-DD`, on which it came.
    pub received_on: String,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub reversed_at: Option<Timestamp>,
    /// Why.
    pub reversal_reason: Option<String>,
}

impl OfflinePayment {
    /// The amount with its currency.
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

macro_rules! select_payments {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select id, invoice_id, client_id, currency, amount, method, reference, received_on, created_at,
               reversed_at, reversal_reason
             from offline_payments
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into offline_payments (tenant_id, livemode, id, invoice_id, client_id, currency, amount, method,
       reference, received_on, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);

/// Adds one.
pub fn insert(tx: &mut Tx, scope: &Scope, payment: &OfflinePayment) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &payment.id,
        &payment.invoice_id,
        &payment.client_id,
        payment.currency.code(),
        payment.amount,
        payment.method.word(),
        payment.reference.clone(),
        &payment.received_on,
        payment.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const REVERSE: Sql = Sql::new(
    "update offline_payments set reversed_at = $4, reversal_reason = $5
     where tenant_id = $1 and livemode = $2 and id = $3 and reversed_at is null",
);

/// Takes one back; `false`, and nothing changes, where that was done before.
pub fn reverse(
    tx: &mut Tx,
    scope: &Scope,
    id: &OfflinePaymentId,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<bool, Error> {
    let binds = binds![&scope.tenant, scope.mode, id, at, reason.map(str::to_owned)];
    Ok(tx.execute(&REVERSE, binds)? == 1)
}

const BY_ID: Sql = select_payments!("where tenant_id = $1 and livemode = $2 and id = $3");

/// One of them.
pub fn get(tx: &mut Tx, scope: &Scope, id: &OfflinePaymentId) -> Result<Option<OfflinePayment>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const OF_INVOICE: Sql = select_payments!(
    "where tenant_id = $1 and livemode = $2 and invoice_id = $3 and id < $4
     order by id desc
     limit $5",
);

/// Stands before every id in the order of lists, which is downwards.
const BEFORE_ALL: &str = "off_~";

/// Those of an invoice after the given one (exclusive), newest first, taken back or not.
pub fn of_invoice(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
    after: Option<&OfflinePaymentId>,
    limit: i64,
) -> Result<Vec<OfflinePayment>, Error> {
    let after = after.map_or(BEFORE_ALL, OfflinePaymentId::as_str);
    let rows = tx.query(
        &OF_INVOICE,
        binds![&scope.tenant, scope.mode, invoice, after, limit],
    )?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<OfflinePayment, Error> {
    Ok(OfflinePayment {
        id: OfflinePaymentId::stored(row.text("id")?),
        invoice_id: InvoiceId::stored(row.text("invoice_id")?),
        client_id: ClientId::stored(row.text("client_id")?),
        currency: values::currency(row)?,
        amount: row.int("amount")?,
        method: values::word(row, "method", Method::from_word)?,
        reference: row.text_opt("reference")?,
        received_on: row.text("received_on")?,
        created_at: values::time(row, "created_at")?,
        reversed_at: values::time_opt(row, "reversed_at")?,
        reversal_reason: row.text_opt("reversal_reason")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &REVERSE, &BY_ID, &OF_INVOICE];
