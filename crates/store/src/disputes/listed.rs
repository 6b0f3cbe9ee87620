//! Disputes as lists ask for them: narrowed by one thing or several, newest first.

use domain::{Currency, DisputeId, Scope};

use super::{Dispute, read};
use crate::binds;
use crate::db::{Error, Sql, Tx};
use crate::lists::Only;

/// What is asked for of all, newest first; what it is narrowed by there has an index with the id.
macro_rules! page {
    ($narrow:literal) => {
        select_disputes!(
            "where tenant_id = $1 and livemode = $2 and id < $3 and id >= $11 ",
            $narrow,
            "  and ($4 = '' or status = $4) and ($5 = '' or currency = $5)
               and opened_at + 0 >= $6 and opened_at + 0 < $7 and $8 = '' and $9 = ''
               and ($12 = '' or payment_id = $12)
             order by id desc
             limit $10"
        )
    };
}

/// The same of some, which are looked up one by one. What else is asked of them is written so that no index
/// fits: either engine might look through everybody's by it.
macro_rules! page_of {
    ($some:literal, $is_one:literal) => {
        select_disputes!(
            among $some,
            "where tenant_id = $1 and livemode = $2 and ",
            $is_one,
            "  and id || '' < $3 and id || '' >= $11
               and ($4 = '' or status || '' = $4) and ($5 = '' or currency || '' = $5)
               and opened_at + 0 >= $6 and opened_at + 0 < $7
               and ($12 = '' or payment_id || '' = $12)
               and ($8 = '' or exists (
                 select 1 from payment_parts p
                 where p.tenant_id = $1 and p.livemode = $2 and p.payment_id = disputes.payment_id
                   and p.invoice_id = $8))
               and ($9 = '' or exists (
                 select 1 from payment_parts p
                 cross join invoices i
                 where p.tenant_id = $1 and p.livemode = $2 and p.payment_id = disputes.payment_id
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
    "payment_id = found.one"
);

const PAGE_OF_CLIENT: Sql = page_of!(
    "select distinct p.payment_id as one
     from invoices i
     cross join payment_parts p
     where i.tenant_id = $1 and i.livemode = $2 and i.client_id = $9
       and p.tenant_id = $1 and p.livemode = $2 and p.invoice_id = i.id",
    "payment_id = found.one"
);

const PAGE_OF_PAYMENT: Sql = page_of!("select $12 as one", "payment_id = found.one");

/// Those that were opened in a time, in the order in which they were: their ids do not say when.
macro_rules! page_of_opening {
    ($narrow:literal) => {
        select_disputes!(
            "where tenant_id = $1 and livemode = $2 and opened_at >= $6 and opened_at < $7
               and (opened_at, id) < ($13, $3) ",
            $narrow,
            "  and ($4 = '' or status = $4) and ($5 = '' or currency = $5)
               and $8 = '' and $9 = '' and $11 = '' and $12 = ''
             order by opened_at desc, id desc
             limit $10"
        )
    };
}

const PAGE_OF_OPENING: Sql = page_of_opening!("");

const PAGE_OF_STATUS_AND_OPENING: Sql = page_of_opening!("and status = $4");

// In the order of an index: PostgreSQL takes a currency that no dispute is in for one that most are.
const FROM_CURRENCY: Sql = Sql::new(
    "select currency from disputes
     where tenant_id = $1 and livemode = $2 and currency >= $3
     order by currency
     limit 1",
);

/// Whether no dispute is in this currency: it may be another than that of what is disputed.
fn none_in(tx: &mut Tx, scope: &Scope, currency: Currency) -> Result<bool, Error> {
    let binds = binds![&scope.tenant, scope.mode, currency.code()];
    let first = tx.optional(&FROM_CURRENCY, binds)?;
    let first = first.map(|row| row.text("currency")).transpose()?;
    Ok(first.as_deref() != Some(currency.code()))
}

/// Disputes that are asked for, newest first, after the given id (exclusive); those of a time in the order in
/// which Stripe opened them.
pub fn page(
    tx: &mut Tx,
    scope: &Scope,
    only: &Only,
    after: Option<&DisputeId>,
    limit: i64,
) -> Result<Vec<Dispute>, Error> {
    if let Some(currency) = only.currency
        && none_in(tx, scope, currency)?
    {
        return Ok(Vec::new());
    }
    let id = after.map_or("dis_~", DisputeId::as_str);
    let of_time = only.since.is_some() || only.until.is_some();
    let mut binds = only.of_payments(scope, ("", id), limit);
    binds.push(only.payment().into());
    let sql = match (&only.payment, &only.invoice, &only.client, &only.status) {
        (Some(_), _, _, _) => &PAGE_OF_PAYMENT,
        (None, Some(_), _, _) => &PAGE_OF_INVOICE,
        (None, None, Some(_), _) => &PAGE_OF_CLIENT,
        (None, None, None, status) if of_time => {
            let (_, until) = only.made();
            let (before, id) = match after {
                Some(after) => match super::get(tx, scope, after)? {
                    Some(last) if last.opened_at.ms() < until => (last.opened_at.ms(), id),
                    Some(_) => (until, ""),
                    None => return Ok(Vec::new()),
                },
                None => (until, ""),
            };
            binds = only.of_payments(scope, ("", id), limit);
            binds.extend([only.payment().into(), before.into()]);
            match status {
                Some(_) => &PAGE_OF_STATUS_AND_OPENING,
                None => &PAGE_OF_OPENING,
            }
        }
        (None, None, None, Some(_)) => &PAGE_OF_STATUS,
        (None, None, None, None) => &PAGE,
    };
    tx.query(sql, &binds)?.iter().map(read).collect()
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[
    &PAGE,
    &PAGE_OF_STATUS,
    &PAGE_OF_INVOICE,
    &PAGE_OF_CLIENT,
    &PAGE_OF_PAYMENT,
    &PAGE_OF_OPENING,
    &PAGE_OF_STATUS_AND_OPENING,
    &FROM_CURRENCY,
];
