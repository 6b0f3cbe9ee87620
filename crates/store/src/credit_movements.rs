//! How the credit of a client moved, as it was booked: a row for each transaction that touched it, with what
//! the credit was afterwards.

use domain::{ClientId, CreditNoteId, Currency, InvoiceId, LedgerTransactionId, PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// One movement. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The transaction that booked it.
    pub id: LedgerTransactionId,
    /// What kind of transaction, as the ledger writes it.
    pub kind: String,
    /// The currency.
    pub currency: Currency,
    /// By how much there is more; below zero for what was used or went back.
    pub amount: i64,
    /// What there was of this currency afterwards.
    pub balance: i64,
    /// The invoice that it is about.
    pub invoice_id: InvoiceId,
    /// Its number, if it has one.
    pub invoice_number: Option<String>,
    /// The payment that it is about.
    pub payment_id: Option<PaymentId>,
    /// The credit note that made it, with its number.
    pub credit_note: Option<(CreditNoteId, String)>,
    /// When.
    pub at: Timestamp,
}

const PAGE: Sql = Sql::new(
    "with moved as (
       select t.id, t.kind, t.source_id, t.currency, t.invoice_id, i.number, t.payment_id, t.created_at,
         (select -cast(sum(e.amount) as bigint) from ledger_entries e
          where e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id
            and e.account = 'client_credit') as amount
       from invoices i
       join ledger_transactions t on t.tenant_id = i.tenant_id and t.livemode = i.livemode
         and t.invoice_id = i.id
       where i.tenant_id = $1 and i.livemode = $2 and i.client_id = $3),
     counted as (
       select m.id, m.kind, m.source_id, m.currency, m.invoice_id, m.number, m.payment_id, m.created_at,
         m.amount, cast(sum(m.amount) over (partition by m.currency order by m.id) as bigint) as balance
       from moved m
       where m.amount <> 0)
     select c.id, c.kind, c.currency, c.invoice_id, c.number, c.payment_id, c.created_at, c.amount, c.balance,
       n.id as note_id, n.number as note_number
     from counted c
     left join credit_notes n on n.tenant_id = $1 and n.livemode = $2 and c.kind = 'credit_note'
       and n.id = c.source_id
     where c.id < $4
     order by c.id desc
     limit $5",
);

/// Movements of a client's credit, newest first, after the given one (exclusive).
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    client: &ClientId,
    after: Option<&LedgerTransactionId>,
    limit: i64,
) -> Result<Vec<Movement>, Error> {
    // Sorts after every id.
    let after = after.map_or("~", LedgerTransactionId::as_str);
    let binds = binds![&scope.tenant, scope.mode, client, after, limit];
    tx.query(&PAGE, binds)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Movement, Error> {
    let note = (row.text_opt("note_id")?, row.text_opt("note_number")?);
    Ok(Movement {
        id: LedgerTransactionId::stored(row.text("id")?),
        kind: row.text("kind")?,
        currency: values::currency(row)?,
        amount: row.int("amount")?,
        balance: row.int("balance")?,
        invoice_id: InvoiceId::stored(row.text("invoice_id")?),
        invoice_number: row.text_opt("number")?,
        payment_id: row.text_opt("payment_id")?.map(PaymentId::stored),
        credit_note: match note {
            (Some(id), Some(number)) => Some((CreditNoteId::stored(id), number)),
            _ => None,
        },
        at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&PAGE];
