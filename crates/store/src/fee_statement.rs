//! What the platform took of a tenant in a span of time: application fees as Stripe reported them, and what
//! was given back of them. Those of payments of ours are in the tenant's books; those of what others sold on
//! its account are only in the platform's, and lines of their own here, so that both together are what the
//! platform's books say of the tenant. A line belongs to the time when it was booked, so that what is over
//! does not change.

use domain::{Currency, InvoiceId, LedgerTransactionId, PaymentId, Scope, TenantId, Timestamp};

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
    /// `application_fee` or `application_fee_refund`; `external_…` where the charge is not ours.
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

// Each kind is read in the order of its own index and no further than the page goes. What others sold is
// booked in the moment in which it is stored, so that it is found by the tenant's rows: the platform's books
// are of all tenants.
const LINES: Sql = Sql::new(
    "select id, kind, source_id, invoice_id, payment_id, currency, amount, created_at
     from (
       select id, kind, source_id, invoice_id, payment_id, currency, amount, created_at
       from (
         select t.id, t.kind, t.source_id, t.invoice_id, t.payment_id, t.currency, e.amount, t.created_at
         from ledger_transactions t
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         where t.tenant_id = $1 and t.livemode = $2
           and t.kind in ('application_fee', 'application_fee_refund') and e.account = 'platform_fees'
           and t.created_at >= $3 and (t.created_at > $3 or t.id > $4) and t.created_at < $5
         order by t.created_at, t.id
         limit $6) as own
       union all
       select id, kind, source_id, invoice_id, payment_id, currency, amount, created_at
       from (
         select t.id, 'external_application_fee' as kind, t.source_id, t.invoice_id, t.payment_id, t.currency,
           -e.amount as amount, f.created_at
         from application_fees f
         join ledger_transactions t on t.tenant_id = $7 and t.livemode = f.livemode
           and t.kind = 'application_fee_income' and t.source_id = f.stripe_application_fee_id
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         where f.tenant_id = $1 and f.livemode = $2 and f.payment_id is null
           and e.account = 'platform_revenue'
           and f.created_at >= $3 and (f.created_at > $3 or t.id > $4) and f.created_at < $5
         order by f.created_at, t.id
         limit $6) as external
       union all
       select id, kind, source_id, invoice_id, payment_id, currency, amount, created_at
       from (
         select t.id, 'external_application_fee_refund' as kind, t.source_id, t.invoice_id, t.payment_id,
           t.currency, -e.amount as amount, r.created_at
         from application_fees f
         join application_fee_refunds r on r.tenant_id = f.tenant_id and r.livemode = f.livemode
           and r.stripe_application_fee_id = f.stripe_application_fee_id
         join ledger_transactions t on t.tenant_id = $7 and t.livemode = f.livemode
           and t.kind = 'application_fee_refund_income' and t.source_id = r.stripe_fee_refund_id
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         where f.tenant_id = $1 and f.livemode = $2 and f.payment_id is null
           and e.account = 'platform_revenue'
           and r.created_at >= $3 and (r.created_at > $3 or t.id > $4) and r.created_at < $5
         order by r.created_at, t.id
         limit $6) as back
     ) as taken
     order by created_at, id
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
    let (mut from, platform) = (span.from, TenantId::platform());
    let platform = platform.as_str();
    if let Some(id) = after {
        // One that is not there is the end of every list.
        match tx.optional(&WHEN, binds![&scope.tenant, scope.mode, id, platform])? {
            Some(row) => from = from.max(values::time(&row, "created_at")?),
            None => return Ok(Vec::new()),
        }
    }
    let last = after.map_or("", LedgerTransactionId::as_str);
    let binds = binds![&scope.tenant, scope.mode, from, last, span.until, limit, platform];
    tx.query(&LINES, binds)?.iter().map(read).collect()
}

const WHEN: Sql = Sql::new(
    "select created_at
     from ledger_transactions
     where tenant_id in ($1, $4) and livemode = $2 and id = $3",
);

/// How many fees there were in a span, and what they came to, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many fees there were.
    pub fees: i64,
    /// What they came to.
    pub charged: i64,
    /// How many times something was given back.
    pub refunds: i64,
    /// What was given back.
    pub refunded: i64,
}

/// What a span comes to in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The currency.
    pub currency: Currency,
    /// Fees of payments of ours.
    pub own: Sum,
    /// Fees of what others sold on the account.
    pub external: Sum,
}

const TOTALS: Sql = Sql::new(
    "select currency, whose, cast(sum(fees) as bigint) as fees, cast(sum(charged) as bigint) as charged,
       cast(sum(refunds) as bigint) as refunds, cast(sum(refunded) as bigint) as refunded
     from (
       select t.currency, 'own' as whose,
         case t.kind when 'application_fee' then 1 else 0 end as fees,
         case t.kind when 'application_fee' then e.amount else 0 end as charged,
         case t.kind when 'application_fee' then 0 else 1 end as refunds,
         case t.kind when 'application_fee' then 0 else -e.amount end as refunded
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.tenant_id = $1 and t.livemode = $2
         and t.kind in ('application_fee', 'application_fee_refund') and e.account = 'platform_fees'
         and t.created_at >= $3 and t.created_at < $4
       union all
       select t.currency, 'external' as whose, 1 as fees, -e.amount as charged, 0 as refunds, 0 as refunded
       from application_fees f
       join ledger_transactions t on t.tenant_id = $5 and t.livemode = f.livemode
         and t.kind = 'application_fee_income' and t.source_id = f.stripe_application_fee_id
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where f.tenant_id = $1 and f.livemode = $2 and f.payment_id is null
         and e.account = 'platform_revenue' and f.created_at >= $3 and f.created_at < $4
       union all
       select t.currency, 'external' as whose, 0 as fees, 0 as charged, 1 as refunds, e.amount as refunded
       from application_fees f
       join application_fee_refunds r on r.tenant_id = f.tenant_id and r.livemode = f.livemode
         and r.stripe_application_fee_id = f.stripe_application_fee_id
       join ledger_transactions t on t.tenant_id = $5 and t.livemode = f.livemode
         and t.kind = 'application_fee_refund_income' and t.source_id = r.stripe_fee_refund_id
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where f.tenant_id = $1 and f.livemode = $2 and f.payment_id is null
         and e.account = 'platform_revenue' and r.created_at >= $3 and r.created_at < $4
     ) as taken
     group by currency, whose
     order by currency, whose",
);

/// What a span comes to, by currency.
pub fn totals(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Vec<Total>, Error> {
    let platform = TenantId::platform();
    let binds = binds![
        &scope.tenant,
        scope.mode,
        span.from,
        span.until,
        platform.as_str()
    ];
    let mut totals: Vec<Total> = Vec::new();
    for row in tx.query(&TOTALS, binds)? {
        let currency = values::currency(&row)?;
        let sum = Sum {
            fees: row.int("fees")?,
            charged: row.int("charged")?,
            refunds: row.int("refunds")?,
            refunded: row.int("refunded")?,
        };
        if totals.last().is_none_or(|total| total.currency != currency) {
            totals.push(Total {
                currency,
                own: Sum::default(),
                external: Sum::default(),
            });
        }
        if let Some(total) = totals.last_mut() {
            match row.text("whose")?.as_str() {
                "own" => total.own = sum,
                _ => total.external = sum,
            }
        }
    }
    Ok(totals)
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
