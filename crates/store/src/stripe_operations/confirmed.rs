//! Confirmations that reached a card, or may have: what the limits on payers count.

use domain::limits::Tries;
use domain::{InvoiceId, Scope, Timestamp};

use crate::db::{Error, Sql, Tx};
use crate::{binds, values};

const NTH_CONFIRM_OF_INVOICE: Sql = Sql::new(
    "select o.created_at
     from payments p
     join stripe_operations o on o.tenant_id = p.tenant_id and o.livemode = p.livemode and o.payment_id = p.id
     where p.tenant_id = $1 and p.livemode = $2 and p.invoice_id = $3 and o.kind = 'confirm_intent'
       and (o.status not in ('failed', 'absent') or o.http_status = 402)
     order by o.created_at desc
     limit 1 offset $4",
);

/// When an invoice's `nth` newest confirmation began that reached a card, or may have (0 is the newest).
pub fn nth_confirm(
    tx: &mut Tx,
    scope: &Scope,
    invoice: &InvoiceId,
    nth: i64,
) -> Result<Option<Timestamp>, Error> {
    let binds = binds![&scope.tenant, scope.mode, invoice, nth];
    let row = tx.optional(&NTH_CONFIRM_OF_INVOICE, binds)?;
    row.map(|row| values::time(&row, "created_at")).transpose()
}

const TRIES: Sql = Sql::new(
    "select count(*) as begun, coalesce(sum(declined), 0) as declined
     from (
       select case when o.http_status = 402
           or (o.status = 'succeeded' and p.status in ('requires_payment_method', 'canceled'))
         then 1 else 0 end as declined
       from stripe_operations o
       join payments p on p.tenant_id = o.tenant_id and p.livemode = o.livemode and p.id = o.payment_id
       where o.tenant_id = $1 and o.livemode = $2 and o.kind = 'confirm_intent' and o.created_at > $3
         and (o.status not in ('failed', 'absent') or o.http_status = 402)
       order by o.created_at desc
       limit $4
     ) newest",
);

/// What became of the newest confirmations since a moment, at most `limit` of them, that reached a card or
/// may have: declined at once, or failed at the payer's bank. One without an answer has not failed.
pub fn tries(tx: &mut Tx, scope: &Scope, since: Timestamp, limit: i64) -> Result<Tries, Error> {
    let row = tx.one(&TRIES, binds![&scope.tenant, scope.mode, since, limit])?;
    Ok(Tries {
        begun: row.int("begun")?,
        declined: row.int("declined")?,
    })
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&NTH_CONFIRM_OF_INVOICE, &TRIES];
