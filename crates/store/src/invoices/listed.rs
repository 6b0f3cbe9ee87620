//! Invoices as the API's list asks for them: narrowed by one thing or several, newest first.

use domain::{Currency, InvoiceId, Scope};

use super::{Invoice, read};
use crate::binds;
use crate::db::{Error, Sql, Tx};
use crate::lists::Only;

/// What is asked for, newest first; the first part says among which it is looked for.
macro_rules! page {
    ($among:literal) => {
        select_invoices!(
            "where tenant_id = $1 and livemode = $2 and id < $3 and id >= $13 ",
            $among,
            "  and ($4 = '' or status = $4) and ($5 = '' or currency = $5)
               and created_at >= $6 and created_at < $7
               and ($8 = '' or client_id = $8)
               and coalesce(finalized_at, $11) >= $9 and coalesce(finalized_at, $11) < $10
             order by id desc
             limit $12"
        )
    };
}

const PAGE: Sql = page!("");

const PAGE_OF_STATUS: Sql = page!("and status = $4");

const PAGE_OF_CLIENT: Sql = page!("and client_id = $8");

// What else is asked of them is written so that no index fits: either engine might look through all by it.
const PAGE_OF_ISSUE: Sql = select_invoices!(
    among "select i.id as one from invoices i
     where i.tenant_id = $1 and i.livemode = $2 and coalesce(i.finalized_at, i.created_at) >= $9
       and coalesce(i.finalized_at, i.created_at) < $10",
    "where tenant_id = $1 and livemode = $2 and id = found.one and id || '' < $3 and id || '' >= $13
       and ($4 = '' or status || '' = $4) and ($5 = '' or currency || '' = $5)
       and created_at + 0 >= $6 and created_at + 0 < $7 and ($8 = '' or client_id || '' = $8)
       and coalesce(finalized_at, $11) >= $9 and coalesce(finalized_at, $11) < $10
     order by id desc
     limit $12",
);

const COUNT_OF_ISSUE: Sql = Sql::new(
    "select count(*) as counted from (
       select 1 as one from invoices
       where tenant_id = $1 and livemode = $2 and coalesce(finalized_at, created_at) >= $3
         and coalesce(finalized_at, created_at) < $4 limit 200) counted",
);

/// Where more were finalized in a time, some of them are soon found among all: as far as they are counted.
const FEW: i64 = 200;

// In the order of an index: PostgreSQL takes a currency that nobody uses for one that most do.
const FROM_CURRENCY: Sql = Sql::new(
    "select currency from invoices
     where tenant_id = $1 and livemode = $2 and currency >= $3
     order by currency
     limit 1",
);

/// Whether no invoice is in this currency, and so no money either.
pub(crate) fn none_in(tx: &mut Tx, scope: &Scope, currency: Currency) -> Result<bool, Error> {
    let binds = binds![&scope.tenant, scope.mode, currency.code()];
    match tx.optional(&FROM_CURRENCY, binds)? {
        Some(row) => Ok(row.text("currency")? != currency.code()),
        None => Ok(true),
    }
}

/// Invoices that are asked for, newest first, after the given id (exclusive).
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    only: &Only,
    after: Option<&InvoiceId>,
    limit: i64,
) -> Result<Vec<Invoice>, Error> {
    let ((since, until), (issued, issued_until, never)) = (only.made(), only.issued());
    let after = after.map_or("inv_~", InvoiceId::as_str);
    let (first, last) = only.ids(after, |at| InvoiceId::new(at, 0).to_string());
    if only.is_in_vain(tx, scope)? {
        return Ok(Vec::new());
    }
    let is_issue_asked = only.issued_since.is_some() || only.issued_until.is_some();
    let are_few = is_issue_asked && {
        let binds = binds![&scope.tenant, scope.mode, issued, issued_until];
        tx.one(&COUNT_OF_ISSUE, binds)?.int("counted")? < FEW
    };
    let sql = match (&only.client, &only.status) {
        (Some(_), _) => &PAGE_OF_CLIENT,
        (None, _) if are_few => &PAGE_OF_ISSUE,
        (None, Some(_)) => &PAGE_OF_STATUS,
        (None, None) => &PAGE,
    };
    let binds = binds![
        &scope.tenant,
        scope.mode,
        last,
        only.status(),
        only.currency(),
        since,
        until,
        only.client(),
        issued,
        issued_until,
        never,
        limit,
        first
    ];
    tx.query(sql, binds)?.iter().map(read).collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &PAGE,
    &PAGE_OF_STATUS,
    &PAGE_OF_CLIENT,
    &PAGE_OF_ISSUE,
    &COUNT_OF_ISSUE,
    &FROM_CURRENCY,
];
