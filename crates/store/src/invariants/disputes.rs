//! Disputes and clients' credit: each movement of money is booked as Stripe reports it, what was lost is
//! settled once, and what pays an invoice was a client's.

use super::{Invariant, always, quiet};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "M8",
        "what a dispute took and gave back is what its movements say, and no more came back than went",
        &SUMS,
    ),
    always("M8", "each movement of a dispute is booked as it is", &BOOKED),
    always(
        "M8",
        "what is booked of disputes is a movement that Stripe reported",
        &REPORTED,
    ),
    always(
        "M8",
        "what of a dispute is settled is what was booked of its loss",
        &SETTLED,
    ),
    always(
        "M8",
        "what a payment says is disputed is what its disputes hold",
        &HELD,
    ),
    always("M9", "a dispute is in its payment's currency", &CURRENCY),
    always(
        "M11",
        "what credit paid of invoices is what was booked of it",
        &APPLICATIONS,
    ),
    always(
        "M11",
        "no credit pays what is not of its client and currency",
        &OF_CLIENT,
    ),
    always("S3", "a dispute takes only steps that a bank takes", &STEPS),
    always(
        "S3",
        "a dispute is closed exactly when it is over, and what was lost since it was decided waits to be",
        &CLOSED,
    ),
    quiet("P3", "no answer to a dispute is under way", &ANSWERED),
];

const SUMS: Sql = Sql::new(
    "select d.tenant_id, d.livemode, d.id
     from disputes d
     left join (
       select tenant_id, livemode, dispute_id, sum(fee) as fee,
         sum(case when disputed < 0 then -disputed else 0 end) as withdrawn,
         sum(case when disputed > 0 then disputed else 0 end) as reinstated
       from dispute_movements
       group by tenant_id, livemode, dispute_id) m
       on m.tenant_id = d.tenant_id and m.livemode = d.livemode and m.dispute_id = d.id
     where d.reinstated > d.withdrawn or d.withdrawn <> coalesce(m.withdrawn, 0)
       or d.reinstated <> coalesce(m.reinstated, 0) or d.fee <> coalesce(m.fee, 0)
     order by d.tenant_id, d.livemode, d.id
     limit $1",
);

const BOOKED: Sql = Sql::new(
    "with booked as (
       select t.tenant_id, t.livemode, t.source_id,
         sum(case when e.account = 'disputes' then e.amount else 0 end) as disputed,
         sum(case when e.account = 'stripe_fees' then e.amount else 0 end) as fee
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.kind in ('dispute_withdrawn', 'dispute_reinstated', 'dispute_fee')
       group by t.tenant_id, t.livemode, t.source_id)
     select m.tenant_id, m.livemode, m.stripe_balance_transaction_id as id
     from dispute_movements m
     left join booked b on b.tenant_id = m.tenant_id and b.livemode = m.livemode
       and b.source_id = m.stripe_balance_transaction_id
     where m.disputed <> -coalesce(b.disputed, 0) or m.fee <> coalesce(b.fee, 0)
     order by m.tenant_id, m.livemode, id
     limit $1",
);

const REPORTED: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     left join dispute_movements m on m.tenant_id = t.tenant_id and m.livemode = t.livemode
       and m.stripe_balance_transaction_id = t.source_id
     where t.kind in ('dispute_withdrawn', 'dispute_reinstated', 'dispute_fee') and m.dispute_id is null
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const SETTLED: Sql = Sql::new(
    "with booked as (
       select d.tenant_id, d.livemode, d.id, -e.amount as amount
       from disputes d
       join ledger_transactions t on t.tenant_id = d.tenant_id and t.livemode = d.livemode
         and t.kind = 'dispute_lost' and t.source_id = d.stripe_dispute_id
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id and e.account = 'disputes'
       union all
       select d.tenant_id, d.livemode, d.id, -e.amount
       from disputes d
       join ledger_transactions t on t.tenant_id = d.tenant_id and t.livemode = d.livemode
         and t.kind = 'dispute_lost'
         and substr(t.source_id, 1, length(d.stripe_dispute_id) + 1) = d.stripe_dispute_id || ':'
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id and e.account = 'disputes'
       where d.decisions > 1
       union all
       select m.tenant_id, m.livemode, m.dispute_id, -e.amount
       from dispute_movements m
       join ledger_transactions t on t.tenant_id = m.tenant_id and t.livemode = m.livemode
         and t.kind = 'dispute_regained' and t.source_id = m.stripe_balance_transaction_id
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id and e.account = 'disputes')
     select d.tenant_id, d.livemode, d.id
     from disputes d
     left join (
       select tenant_id, livemode, id, sum(amount) as amount from booked group by tenant_id, livemode, id) b
       on b.tenant_id = d.tenant_id and b.livemode = d.livemode and b.id = d.id
     where d.settled <> coalesce(b.amount, 0)
     order by d.tenant_id, d.livemode, d.id
     limit $1",
);

const HELD: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     left join (
       select tenant_id, livemode, payment_id, sum(withdrawn - reinstated) as held
       from disputes
       group by tenant_id, livemode, payment_id) d
       on d.tenant_id = p.tenant_id and d.livemode = p.livemode and d.payment_id = p.id
     where p.disputed <> coalesce(d.held, 0)
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const CURRENCY: Sql = Sql::new(
    "select d.tenant_id, d.livemode, d.id
     from disputes d
     join payments p on p.tenant_id = d.tenant_id and p.livemode = d.livemode and p.id = d.payment_id
     where d.currency <> p.currency
     order by d.tenant_id, d.livemode, d.id
     limit $1",
);

const APPLICATIONS: Sql = Sql::new(
    "with applied as (
       select tenant_id, livemode, id, sum(amount) as amount
       from credit_applications
       group by tenant_id, livemode, id),
     booked as (
       select t.tenant_id, t.livemode, t.source_id as id, sum(e.amount) as amount
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.kind = 'credit_applied' and e.account = 'client_credit'
       group by t.tenant_id, t.livemode, t.source_id)
     select coalesce(a.tenant_id, b.tenant_id) as tenant_id, coalesce(a.livemode, b.livemode) as livemode,
       coalesce(a.id, b.id) as id
     from applied a
     full join booked b on b.tenant_id = a.tenant_id and b.livemode = a.livemode and b.id = a.id
     where coalesce(a.amount, 0) <> coalesce(b.amount, 0)
     order by tenant_id, livemode, id
     limit $1",
);

const OF_CLIENT: Sql = Sql::new(
    "select a.tenant_id, a.livemode, a.id
     from credit_applications a
     join client_credits c on c.tenant_id = a.tenant_id and c.livemode = a.livemode
       and c.id = a.client_credit_id
     join invoices i on i.tenant_id = a.tenant_id and i.livemode = a.livemode and i.id = a.invoice_id
     where a.client_id <> c.client_id or a.client_id <> i.client_id or a.currency <> c.currency
       or a.currency <> i.currency
     order by a.tenant_id, a.livemode, a.id
     limit $1",
);

/// A word that is not known here may lead anywhere, and a bank may decide anew, either way.
const STEPS: Sql = Sql::new(
    "select h.tenant_id, h.livemode, h.subject_id || ' ' || h.version as id
     from state_history h
     join disputes d on d.tenant_id = h.tenant_id and d.livemode = h.livemode and d.id = h.subject_id
     where (h.from_state = 'won' and h.to_state in ('needs_response', 'under_review'))
       or (h.from_state = 'lost' and h.to_state in ('needs_response', 'under_review'))
       or (h.from_state in ('needs_response', 'under_review', 'won', 'lost')
         and h.to_state in ('warning_needs_response', 'warning_under_review', 'warning_closed'))
     order by h.tenant_id, h.livemode, id
     limit $1",
);

const CLOSED: Sql = Sql::new(
    "select tenant_id, livemode, id
     from disputes
     where (closed_at is not null) <> (status in ('warning_closed', 'prevented', 'won', 'lost'))
       or (outcome is not null) <> (settled_at is not null)
       or (outcome is not null) <> (decisions > 0)
       or settlement <> case
         when status = 'lost' and withdrawn > decided_withdrawn and withdrawn - reinstated > settled
           then 'undecided'
         else coalesce(outcome, 'none') end
     order by tenant_id, livemode, id
     limit $1",
);

const ANSWERED: Sql = Sql::new(
    "select tenant_id, livemode, id
     from disputes
     where operation_id is not null
     order by tenant_id, livemode, id
     limit $1",
);
