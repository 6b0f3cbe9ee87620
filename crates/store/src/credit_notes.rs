//! Credit notes, numbered per tenant and mode, never changed.

use domain::{ClientId, CreditNoteId, Currency, InvoiceId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::lists::Only;
use crate::{binds, values};

/// A credit note. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditNote {
    /// Its id.
    pub id: CreditNoteId,
    /// The number on the paper.
    pub number: String,
    /// The invoice of which it gives up a part.
    pub invoice_id: InvoiceId,
    /// Who owed it.
    pub client_id: ClientId,
    /// The currency.
    pub currency: Currency,
    /// Why, in a sentence that the client reads.
    pub reason: String,
    /// Revenue that is taken back.
    pub subtotal: i64,
    /// Tax that is taken back.
    pub tax: i64,
    /// Both.
    pub total: i64,
    /// What is owed no more.
    pub to_invoice: i64,
    /// What became the client's credit.
    pub to_credit: i64,
    /// The refund that forgave it, where there is one.
    pub refund_id: Option<String>,
    /// The dispute whose loss was forgiven, where there is one.
    pub dispute_id: Option<String>,
    /// By which decision about it, counted from 1: a bank may take the same money twice.
    pub dispute_decision: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

macro_rules! select_credit_notes {
    ($($rest:literal),+ $(,)?) => {
        Sql::new(concat!(
            "select id, number, invoice_id, client_id, currency, reason, subtotal, tax, total, to_invoice,
               to_credit, refund_id, dispute_id, dispute_decision, created_at
             from credit_notes
             ",
            $($rest),+
        ))
    };
}

const NEXT_NUMBER: Sql = Sql::new(
    "insert into credit_note_numbers (tenant_id, livemode, last_number, created_at)
     values ($1, $2, 1, $3)
     on conflict (tenant_id, livemode) do update set last_number = credit_note_numbers.last_number + 1
     returning last_number",
);

/// The next number of the tenant's series, without gaps: a rolled back transaction gives its number back.
pub fn next_number(tx: &mut Tx, scope: &Scope, at: Timestamp) -> Result<i64, Error> {
    tx.one(&NEXT_NUMBER, binds![&scope.tenant, scope.mode, at])?
        .int("last_number")
}

const INSERT: Sql = Sql::new(
    "insert into credit_notes (tenant_id, livemode, id, number, invoice_id, client_id, currency, reason,
       subtotal, tax, total, to_invoice, to_credit, refund_id, dispute_id, dispute_decision, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
);

/// Adds a credit note.
pub fn insert(tx: &mut Tx, scope: &Scope, note: &CreditNote) -> Result<(), Error> {
    let binds = binds![
        &scope.tenant,
        scope.mode,
        &note.id,
        &note.number,
        &note.invoice_id,
        &note.client_id,
        note.currency.code(),
        &note.reason,
        note.subtotal,
        note.tax,
        note.total,
        note.to_invoice,
        note.to_credit,
        note.refund_id.clone(),
        note.dispute_id.clone(),
        note.dispute_decision,
        note.created_at
    ];
    tx.execute(&INSERT, binds)?;
    Ok(())
}

const BY_ID: Sql = select_credit_notes!("where tenant_id = $1 and livemode = $2 and id = $3",);

/// One credit note of the scope.
pub fn get(tx: &mut Tx, scope: &Scope, id: &CreditNoteId) -> Result<Option<CreditNote>, Error> {
    let row = tx.optional(&BY_ID, binds![&scope.tenant, scope.mode, id])?;
    row.map(|row| read(&row)).transpose()
}

const OF_INVOICE: Sql = select_credit_notes!(
    "where tenant_id = $1 and livemode = $2 and invoice_id = $3
     order by id",
);

/// The credit notes of an invoice, oldest first.
pub fn of_invoice(tx: &mut Tx, scope: &Scope, id: &InvoiceId) -> Result<Vec<CreditNote>, Error> {
    tx.query(&OF_INVOICE, binds![&scope.tenant, scope.mode, id])?
        .iter()
        .map(read)
        .collect()
}

/// What is asked for, newest first; the first part says among which it is looked for.
macro_rules! page {
    ($among:literal) => {
        select_credit_notes!(
            "where tenant_id = $1 and livemode = $2 and id < $3 and id >= $10 ",
            $among,
            "  and ($4 = '' or currency = $4) and created_at >= $5 and created_at < $6
               and ($7 = '' or invoice_id = $7) and ($8 = '' or client_id = $8)
             order by id desc
             limit $9"
        )
    };
}

const PAGE: Sql = page!("");

const PAGE_OF_INVOICE: Sql = page!("and invoice_id = $7");

const PAGE_OF_CLIENT: Sql = page!("and client_id = $8");

/// Credit notes that are asked for, newest first, after the given id (exclusive).
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    only: &Only,
    after: Option<&CreditNoteId>,
    limit: i64,
) -> Result<Vec<CreditNote>, Error> {
    let (since, until) = only.made();
    let after = after.map_or("cn_~", CreditNoteId::as_str);
    let (first, last) = only.ids(after, |at| CreditNoteId::new(at, 0).to_string());
    if only.is_in_vain(tx, scope)? {
        return Ok(Vec::new());
    }
    let binds = binds![
        &scope.tenant,
        scope.mode,
        last,
        only.currency(),
        since,
        until,
        only.invoice(),
        only.client(),
        limit,
        first
    ];
    let sql = match (&only.invoice, &only.client) {
        (Some(_), _) => &PAGE_OF_INVOICE,
        (None, Some(_)) => &PAGE_OF_CLIENT,
        (None, None) => &PAGE,
    };
    tx.query(sql, binds)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<CreditNote, Error> {
    Ok(CreditNote {
        id: CreditNoteId::stored(row.text("id")?),
        number: row.text("number")?,
        invoice_id: InvoiceId::stored(row.text("invoice_id")?),
        client_id: ClientId::stored(row.text("client_id")?),
        currency: values::currency(row)?,
        reason: row.text("reason")?,
        subtotal: row.int("subtotal")?,
        tax: row.int("tax")?,
        total: row.int("total")?,
        to_invoice: row.int("to_invoice")?,
        to_credit: row.int("to_credit")?,
        refund_id: row.text_opt("refund_id")?,
        dispute_id: row.text_opt("dispute_id")?,
        dispute_decision: row.int("dispute_decision")?,
        created_at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &NEXT_NUMBER,
    &INSERT,
    &BY_ID,
    &OF_INVOICE,
    &PAGE,
    &PAGE_OF_INVOICE,
    &PAGE_OF_CLIENT,
];
