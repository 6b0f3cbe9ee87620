//! Payments as lists ask for them: narrowed by one thing or several, newest first.

use domain::{PaymentId, Scope};

use super::{Payment, read};
use crate::db::{Error, Sql, Tx};
use crate::lists::Only;

/// What is asked for of all, newest first; what it is narrowed by there has an index with the id.
macro_rules! page {
    ($narrow:literal) => {
        select_payments!(
            "where tenant_id = $1 and livemode = $2 and id < $3 and id >= $11 ",
            $narrow,
            "  and ($4 = '' or status = $4) and ($5 = '' or currency = $5)
               and created_at >= $6 and created_at < $7 and $8 = '' and $9 = ''
             order by id desc
             limit $10"
        )
    };
}

/// The same of some, which are looked up one by one. What else is asked of them is written so that no index
/// fits: either engine might look through everybody's by it.
macro_rules! page_of {
    ($some:literal, $is_one:literal) => {
        select_payments!(
            among $some,
            "where tenant_id = $1 and livemode = $2 and ",
            $is_one,
            "  and id || '' < $3 and id || '' >= $11
               and ($4 = '' or status || '' = $4) and ($5 = '' or currency || '' = $5)
               and created_at + 0 >= $6 and created_at + 0 < $7
               and ($8 = '' or exists (
                 select 1 from payment_parts p
                 where p.tenant_id = $1 and p.livemode = $2 and p.payment_id = payments.id
                   and p.invoice_id = $8))
               and ($9 = '' or exists (
                 select 1 from payment_parts p
                 cross join invoices i
                 where p.tenant_id = $1 and p.livemode = $2 and p.payment_id = payments.id
                   and i.tenant_id = $1 and i.livemode = $2 and i.id = p.invoice_id and i.client_id = $9))
             order by id desc
             limit $10"
        )
    };
}

const PAGE: Sql = page!("");

const PAGE_OF_STATUS: Sql = page!("and status = $4");

const PAGE_OF_INVOICE: Sql = page_of!(
    "select distinct p.payment_id as one from payment_parts p
     where p.tenant_id = $1 and p.livemode = $2 and p.invoice_id = $8",
    "id = found.one"
);

const PAGE_OF_CLIENT: Sql = page_of!(
    "select distinct p.payment_id as one
     from invoices i
     cross join payment_parts p
     where i.tenant_id = $1 and i.livemode = $2 and i.client_id = $9
       and p.tenant_id = $1 and p.livemode = $2 and p.invoice_id = i.id",
    "id = found.one"
);

/// Payments that are asked for, newest first, after the given id (exclusive).
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    only: &Only,
    after: Option<&PaymentId>,
    limit: i64,
) -> Result<Vec<Payment>, Error> {
    let after = after.map_or("pay_~", PaymentId::as_str);
    let (first, last) = only.ids(after, |at| PaymentId::new(at, 0).to_string());
    let binds = only.of_payments(scope, (&first, &last), limit);
    if only.is_in_vain(tx, scope)? {
        return Ok(Vec::new());
    }
    let sql = match (&only.invoice, &only.client, &only.status) {
        (Some(_), _, _) => &PAGE_OF_INVOICE,
        (None, Some(_), _) => &PAGE_OF_CLIENT,
        (None, None, Some(_)) => &PAGE_OF_STATUS,
        (None, None, None) => &PAGE,
    };
    tx.query(sql, &binds)?.iter().map(read).collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&PAGE, &PAGE_OF_STATUS, &PAGE_OF_INVOICE, &PAGE_OF_CLIENT];
