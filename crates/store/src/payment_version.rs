//! In which version a payment is for whoever gives money back: with its refunds, its disputes and the
//! invoices that it pays, since a refund is judged by all of them.

use domain::{PaymentId, Scope};

use crate::binds;
use crate::db::{Error, Sql, Tx};

/// States are counted and not the rows' own versions: a fee of Stripe's that is filled in later changes
/// nothing that a person decides by.
const SEEN: Sql = Sql::new(
    "select
       (select count(*) from state_history h
        where h.tenant_id = $1 and h.livemode = $2 and h.subject_id = $3)
       + (select cast(coalesce(sum((
            select count(*) from state_history h
            where h.tenant_id = r.tenant_id and h.livemode = r.livemode and h.subject_id = r.id)), 0)
            as bigint)
          from refunds r
          where r.tenant_id = $1 and r.livemode = $2 and r.payment_id = $3)
       + (select cast(coalesce(sum((
            select count(*) from state_history h
            where h.tenant_id = d.tenant_id and h.livemode = d.livemode and h.subject_id = d.id)), 0)
            as bigint)
          from disputes d
          where d.tenant_id = $1 and d.livemode = $2 and d.payment_id = $3)
       + (select cast(coalesce(sum(i.version), 0) as bigint) from payment_parts p
          join invoices i
            on i.tenant_id = p.tenant_id and i.livemode = p.livemode and i.id = p.invoice_id
          where p.tenant_id = $1 and p.livemode = $2 and p.payment_id = $3)
       as version",
);

/// The version that a payment has now. It only grows, and does whenever the payment, a refund or a dispute of
/// it comes to another state, or an invoice that it pays changes.
pub fn seen(tx: &mut Tx, scope: &Scope, payment: &PaymentId) -> Result<i64, Error> {
    tx.one(&SEEN, binds![&scope.tenant, scope.mode, payment])?
        .int("version")
}

/// For the test that prepares every statement.
pub const ALL: &[&Sql] = &[&SEEN];
