//! What the platform took of a tenant in a span of time, from the tenant's books: application fees as Stripe
//! reported them, and what was given back of them. It belongs to the time when it was booked, so that what is
//! over does not change.

use domain::{Currency, InvoiceId, LedgerTransactionId, PaymentId, Scope, Timestamp};

use crate::db::{Error, Row, Sql, Tx};
use crate::{binds, values};

/// A span of time: from its first moment up to, and without, its end.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

/// A fee, or a part of one that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The transaction that booked it.
    pub id: LedgerTransactionId,
    /// `application_fee` or `application_fee_refund`.
    pub kind: String,
    /// `fee_…` or `fr_…`.
    pub source_id: String,
    /// The invoice, where the charge is ours.
    pub invoice_id: Option<InvoiceId>,
    /// The payment, where the charge is ours.
    pub payment_id: Option<PaymentId>,
    /// In which currency.
    pub currency: Currency,
    /// Minor units; negative for what was given back.
    pub amount: i64,
    /// When it was booked.
    pub at: Timestamp,
}

const LINES: Sql = Sql::new(
    "select t.id, t.kind, t.source_id, t.invoice_id, t.payment_id, t.currency, e.amount, t.created_at
     from ledger_transactions t
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id
     where t.tenant_id = $1 and t.livemode = $2
       and t.kind in ('application_fee', 'application_fee_refund') and e.account = 'platform_fees'
       and t.created_at >= $3 and (t.created_at > $3 or t.id > $4) and t.created_at < $5
     order by t.created_at, t.id
     limit $6",
);

/// The lines of a span, oldest first, after the given one.
pub fn lines(
    tx: &mut Tx,
    scope: &Scope,
    span: Span,
    after: Option<&LedgerTransactionId>,
    limit: i64,
) -> Result<Vec<Line>, Error> {
    let mut from = span.from;
    if let Some(id) = after {
        // One that is not there is the end of every list.
        match tx.optional(&WHEN, binds![&scope.tenant, scope.mode, id])? {
            Some(row) => from = from.max(values::time(&row, "created_at")?),
            None => return Ok(Vec::new()),
        }
    }
    let last = after.map_or("", LedgerTransactionId::as_str);
    let binds = binds![&scope.tenant, scope.mode, from, last, span.until, limit];
    tx.query(&LINES, binds)?.iter().map(read).collect()
}

const WHEN: Sql = Sql::new(
    "select created_at
     from ledger_transactions
     where tenant_id = $1 and livemode = $2 and id = $3",
);

/// What a span comes to in one currency, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The currency.
    pub currency: Currency,
    /// How many fees there were.
    pub fees: i64,
    /// What they came to.
    pub charged: i64,
    /// How many times something was given back.
    pub refunds: i64,
    /// What was given back.
    pub refunded: i64,
}

const TOTALS: Sql = Sql::new(
    "select t.currency,
       cast(sum(case t.kind when 'application_fee' then 1 else 0 end) as bigint) as fees,
       cast(sum(case t.kind when 'application_fee' then e.amount else 0 end) as bigint) as charged,
       cast(sum(case t.kind when 'application_fee' then 0 else 1 end) as bigint) as refunds,
       cast(sum(case t.kind when 'application_fee' then 0 else -e.amount end) as bigint) as refunded
     from ledger_transactions t
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id
     where t.tenant_id = $1 and t.livemode = $2
       and t.kind in ('application_fee', 'application_fee_refund') and e.account = 'platform_fees'
       and t.created_at >= $3 and t.created_at < $4
     group by t.currency
     order by t.currency",
);

/// What a span comes to, by currency.
pub fn totals(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Vec<Total>, Error> {
    let binds = binds![&scope.tenant, scope.mode, span.from, span.until];
    let total = |row: &Row| {
        Ok(Total {
            currency: values::currency(row)?,
            fees: row.int("fees")?,
            charged: row.int("charged")?,
            refunds: row.int("refunds")?,
            refunded: row.int("refunded")?,
        })
    };
    tx.query(&TOTALS, binds)?.iter().map(total).collect()
}

fn read(row: &Row) -> Result<Line, Error> {
    Ok(Line {
        id: LedgerTransactionId::stored(row.text("id")?),
        kind: row.text("kind")?,
        source_id: row.text("source_id")?,
        invoice_id: row.text_opt("invoice_id")?.map(InvoiceId::stored),
        payment_id: row.text_opt("payment_id")?.map(PaymentId::stored),
        currency: values::currency(row)?,
        amount: row.int("amount")?,
        at: values::time(row, "created_at")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&LINES, &WHEN, &TOTALS];
