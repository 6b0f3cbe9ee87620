//! Payments that pay a part of an invoice or several at once: their invoices belong together, and nothing is
//! left over while one of them is owed.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "M9",
        "the invoices of a payment are one client's, in its currency, and the first of them is among them",
        &BELONG_TOGETHER,
    ),
    always(
        "M1",
        "what is booked of a payment for an invoice is no more than was owed, and its part has it",
        &BOOKED_AS_PARTS,
    ),
    always(
        "M11",
        "nothing of a payment becomes credit while an invoice that it pays is still owed",
        &CREDIT_WHILE_OWED,
    ),
    always(
        "M1",
        "what Stripe was asked for by an invoice is no more than its total",
        &ASKED,
    ),
];

const BELONG_TOGETHER: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     join payment_parts r on r.tenant_id = p.tenant_id and r.livemode = p.livemode and r.payment_id = p.id
     join invoices i on i.tenant_id = r.tenant_id and i.livemode = r.livemode and i.id = r.invoice_id
     join invoices f on f.tenant_id = p.tenant_id and f.livemode = p.livemode and f.id = p.invoice_id
     where i.client_id <> f.client_id or i.currency <> p.currency
     group by p.tenant_id, p.livemode, p.id
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

/// A payment's booking names each invoice that took something up. What went back later lowers the part only.
const BOOKED_AS_PARTS: Sql = Sql::new(
    "with booked as (
       select t.tenant_id, t.livemode, t.payment_id, coalesce(e.invoice_id, t.invoice_id) as invoice_id,
         -sum(e.amount) as amount
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id and e.account = 'receivable'
       where t.kind = 'payment'
       group by t.tenant_id, t.livemode, t.payment_id, coalesce(e.invoice_id, t.invoice_id))
     select b.tenant_id, b.livemode, b.payment_id as id
     from booked b
     left join payment_parts r on r.tenant_id = b.tenant_id and r.livemode = b.livemode
       and r.payment_id = b.payment_id and r.invoice_id = b.invoice_id
     join invoices i on i.tenant_id = b.tenant_id and i.livemode = b.livemode and i.id = b.invoice_id
     where r.payment_id is null or r.applied > b.amount or b.amount > i.total
     order by b.tenant_id, b.livemode, id
     limit $1",
);

/// An invoice that was paid once may owe again, when money went back.
const CREDIT_WHILE_OWED: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id and e.account = 'client_credit'
     join payments p on p.tenant_id = t.tenant_id and p.livemode = t.livemode and p.id = t.payment_id
       and p.stripe_payment_intent_id = t.source_id
     join payment_parts r on r.tenant_id = t.tenant_id and r.livemode = t.livemode
       and r.payment_id = t.payment_id
     join invoices i on i.tenant_id = r.tenant_id and i.livemode = r.livemode and i.id = r.invoice_id
     where t.kind = 'payment' and i.id <> t.invoice_id and i.status in ('open', 'processing')
       and i.applied + i.credited < i.total and t.currency = i.currency and not exists (
         select 1 from state_history h
         where h.tenant_id = i.tenant_id and h.livemode = i.livemode and h.subject_id = i.id
           and h.from_state = 'paid')
     group by t.tenant_id, t.livemode, t.id
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const ASKED: Sql = Sql::new(
    "select r.tenant_id, r.livemode, r.payment_id as id
     from payment_parts r
     join invoices i on i.tenant_id = r.tenant_id and i.livemode = r.livemode and i.id = r.invoice_id
     join stripe_operations o on o.tenant_id = r.tenant_id and o.livemode = r.livemode
       and o.payment_id = r.payment_id and o.kind = 'create_intent'
     where r.amount > i.total
     order by r.tenant_id, r.livemode, id
     limit $1",
);
