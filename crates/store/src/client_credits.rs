//! Money of clients that no invoice has taken up, a row for each time that some came in.

use domain::{ClientCreditId, ClientId, CreditNoteId, Currency, InvoiceId, PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A client's credit, by where it came from. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredit {
    /// Its id.
    pub id: ClientCreditId,
    /// Whose money it is.
    pub client_id: ClientId,
    /// The currency.
    pub currency: Currency,
    /// What came in.
    pub amount: i64,
    /// What no invoice has taken up, and what did not go back.
    pub remaining: i64,
    /// The invoice that was overpaid or credited.
    pub invoice_id: Option<InvoiceId>,
    /// The payment that was too much.
    pub payment_id: Option<PaymentId>,
    /// The credit note that gave up what was paid already.
    pub credit_note_id: Option<CreditNoteId>,
    /// When it came in.
    pub created_at: Timestamp,
}

macro_rules! select_credits {
    ($rest:literal $(,)?) => {
        Sql::new(concat!(
            "select id, client_id, currency, amount, remaining, invoice_id, payment_id, credit_note_id,
               created_at
             from client_credits
             ",
            $rest
        ))
    };
}

const INSERT: Sql = Sql::new(
    "insert into client_credits (tenant_id, livemode, id, client_id, currency, amount, remaining, invoice_id,
       payment_id, credit_note_id, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);

/// Adds credit.
pub fn insert(tx: &mut Tx, scope: &Scope, credit: &ClientCredit) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &credit.id,
        &credit.client_id,
        credit.currency.code(),
        credit.amount,
        credit.remaining,
        credit.invoice_id.as_ref().map(|id| id.as_str().to_owned()),
        credit.payment_id.as_ref().map(|id| id.as_str().to_owned()),
        credit.credit_note_id.as_ref().map(|id| id.as_str().to_owned()),
        credit.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const OF_CLIENT: Sql = select_credits!(
    "where tenant_id = $1 and livemode = $2 and client_id = $3 and remaining > 0
     order by id",
);

/// What is left of a client's credit, oldest first.
pub fn of_client(tx: &mut Tx, scope: &Scope, client: &ClientId) -> Result<Vec<ClientCredit>, Error> {
    tx.query(&OF_CLIENT, binds![&scope.tenant, scope.mode, client])?
        .iter()
        .map(read)
        .collect()
}

const OF_PAYMENT: Sql = select_credits!(
    "where tenant_id = $1 and livemode = $2 and payment_id = $3
     order by id",
);

/// The credit that a payment made, used up or not, oldest first.
pub fn of_payment(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<Vec<ClientCredit>, Error> {
    tx.query(&OF_PAYMENT, binds![&scope.tenant, scope.mode, payment])?
        .iter()
        .map(read)
        .collect()
}

const OF_INVOICE: Sql = select_credits!(
    "where tenant_id = $1 and livemode = $2 and invoice_id = $3
     order by id",
);

/// The credit that came of an invoice's payments and credit notes, used up or not, oldest first.
pub fn of_invoice(tx: &mut Tx, scope: &Scope, invoice: &InvoiceId) -> Result<Vec<ClientCredit>, Error> {
    tx.query(&OF_INVOICE, binds![&scope.tenant, scope.mode, invoice])?
        .iter()
        .map(read)
        .collect()
}

const TAKE: Sql = Sql::new(
    "update client_credits set remaining = remaining - $4
     where tenant_id = $1 and livemode = $2 and id = $3 and remaining >= $4 and remaining - $4 <= amount",
);

/// Takes some of what remains; a negative amount puts it back. `false`, and nothing changes, when there is
/// not so much.
pub fn take(tx: &mut Tx, scope: &Scope, id: &ClientCreditId, amount: i64) -> Result<bool, Error> {
    Ok(tx.execute(&TAKE, binds![&scope.tenant, scope.mode, id, amount])? == 1)
}

fn read(row: &Row) -> Result<ClientCredit, Error> {
    Ok(ClientCredit {
        id: ClientCreditId::stored(row.text("id")?),
        client_id: ClientId::stored(row.text("client_id")?),
        currency: values::currency(row)?,
        amount: row.int("amount")?,
        remaining: row.int("remaining")?,
        invoice_id: row.text_opt("invoice_id")?.map(InvoiceId::stored),
        payment_id: row.text_opt("payment_id")?.map(PaymentId::stored),
        credit_note_id: row.text_opt("credit_note_id")?.map(CreditNoteId::stored),
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&INSERT, &OF_CLIENT, &OF_PAYMENT, &OF_INVOICE, &TAKE];
