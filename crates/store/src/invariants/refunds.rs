//! Refunds: no cent goes back twice, each is booked as it says and taken from somewhere, and what the
//! platform gives back of its fee is in both books.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "M5",
        "what is reserved of a payment is the sum of its refunds that are there or under way",
        &RESERVED,
    ),
    always(
        "M5",
        "no more is refunded of a payment than arrived, or a person sees it",
        &TOO_MUCH,
    ),
    always(
        "M6",
        "what a payment says is refunded is the sum of its refunds that succeeded",
        &REFUNDED,
    ),
    always(
        "M6",
        "a refund whose money left, or came back, is booked with its amount",
        &BOOKED_AS_IT_SAYS,
    ),
    always(
        "M6",
        "what is booked as a refund is one of ours",
        &BOOKED_IS_THERE,
    ),
    always(
        "M6",
        "a refund that succeeded is booked, and one that failed is booked back",
        &BOOKED_AS_IT_STANDS,
    ),
    always(
        "M6",
        "what a booked refund was taken from adds up to it, invoice by invoice",
        &TAKEN,
    ),
    always("M7", "no refund at Stripe is two of an account's", &ONCE),
    always("M9", "a refund is in its payment's currency", &CURRENCY),
    always(
        "M4",
        "what was given back of a fee is in the tenant's books and in the platform's",
        &FEE_IN_BOTH_BOOKS,
    ),
    always(
        "M4",
        "what is booked as given back of a fee is what Stripe reported",
        &BOOKED_FEE_IS_REPORTED,
    ),
    always(
        "M4",
        "a refund's part of the fee went back as the refund says, and never more than the fee",
        &FEE_AS_IT_SAYS,
    ),
    always("S2", "a refund takes only steps that are allowed", &STEPS),
    always("S2", "a refund is where its history says", &NOW),
    always(
        "S5",
        "the key of a refund's write says what is done",
        &KEY_SAYS_WHAT,
    ),
    always(
        "S5",
        "a refund has at most one write without an answer",
        &ONE_OPEN,
    ),
    always("S5", "what a refund's write came to is that refund", &RESULT),
];

const RESERVED: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     left join (
       select tenant_id, livemode, payment_id, sum(amount) as amount
       from refunds
       where status not in ('rejected', 'failed', 'canceled')
       group by tenant_id, livemode, payment_id) r
       on r.tenant_id = p.tenant_id and r.livemode = p.livemode and r.payment_id = p.id
     where p.reserved <> coalesce(r.amount, 0)
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const TOO_MUCH: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     where p.reserved > p.received and not exists (
       select 1 from reconciliation_breaks b
       where b.livemode = p.livemode and b.kind = 'refund_too_much' and b.subject_id = p.id
         and b.tenant_id = p.tenant_id)
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const REFUNDED: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     left join (
       select tenant_id, livemode, payment_id, sum(amount) as amount
       from refunds
       where status = 'succeeded'
       group by tenant_id, livemode, payment_id) r
       on r.tenant_id = p.tenant_id and r.livemode = p.livemode and r.payment_id = p.id
     where p.refunded <> coalesce(r.amount, 0)
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const BOOKED_AS_IT_SAYS: Sql = Sql::new(
    "with booked as (
       select t.tenant_id, t.livemode, t.kind, t.source_id, sum(e.amount) as amount
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.kind in ('refund', 'refund_reversal') and e.account = 'stripe_clearing'
       group by t.tenant_id, t.livemode, t.kind, t.source_id)
     select r.tenant_id, r.livemode, r.id
     from refunds r
     left join booked o on o.tenant_id = r.tenant_id and o.livemode = r.livemode and o.kind = 'refund'
       and o.source_id = r.stripe_refund_id
     left join booked b on b.tenant_id = r.tenant_id and b.livemode = r.livemode
       and b.kind = 'refund_reversal' and b.source_id = r.stripe_refund_id
     where (r.booked_at is not null and (o.amount is null or o.amount <> -r.amount))
       or (r.reversed_at is not null and (b.amount is null or b.amount <> r.amount))
     order by r.tenant_id, r.livemode, r.id
     limit $1",
);

const BOOKED_IS_THERE: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     where t.kind in ('refund', 'refund_reversal') and not exists (
       select 1 from refunds r
       where r.tenant_id = t.tenant_id and r.livemode = t.livemode and r.stripe_refund_id = t.source_id
         and r.payment_id = t.payment_id
         and case t.kind when 'refund' then r.booked_at else r.reversed_at end is not null)
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const BOOKED_AS_IT_STANDS: Sql = Sql::new(
    "select tenant_id, livemode, id
     from refunds
     where (status = 'succeeded' and booked_at is null)
       or (status in ('failed', 'canceled') and booked_at is not null and reversed_at is null)
       or (reversed_at is not null and (booked_at is null or status not in ('failed', 'canceled')))
       or (stripe_refund_id is null and (booked_at is not null or status not in ('requested', 'rejected')))
     order by tenant_id, livemode, id
     limit $1",
);

const TAKEN: Sql = Sql::new(
    "with taken as (
       select tenant_id, livemode, refund_id, sum(amount) as amount,
         sum(case when client_credit_id is null then amount else 0 end) as of_invoices
       from refund_takings
       group by tenant_id, livemode, refund_id),
     booked as (
       select t.tenant_id, t.livemode, t.source_id, sum(e.amount) as amount
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.kind = 'refund' and e.account = 'receivable'
       group by t.tenant_id, t.livemode, t.source_id)
     select r.tenant_id, r.livemode, r.id
     from refunds r
     left join taken k on k.tenant_id = r.tenant_id and k.livemode = r.livemode and k.refund_id = r.id
     left join booked b on b.tenant_id = r.tenant_id and b.livemode = r.livemode
       and b.source_id = r.stripe_refund_id
     where coalesce(k.amount, 0) <> case when r.booked_at is null then 0 else r.amount end
       or (r.booked_at is not null and coalesce(k.of_invoices, 0) <> coalesce(b.amount, 0))
     order by r.tenant_id, r.livemode, r.id
     limit $1",
);

const ONCE: Sql = Sql::new(
    "select min(tenant_id) as tenant_id, livemode, stripe_refund_id as id
     from refunds
     where stripe_refund_id is not null
     group by livemode, stripe_account_id, stripe_refund_id
     having count(*) > 1
     order by livemode, id
     limit $1",
);

const CURRENCY: Sql = Sql::new(
    "select r.tenant_id, r.livemode, r.id
     from refunds r
     join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
     where r.currency <> p.currency or r.stripe_account_id <> p.stripe_account_id
     order by r.tenant_id, r.livemode, r.id
     limit $1",
);

const FEE_IN_BOTH_BOOKS: Sql = Sql::new(
    "select f.tenant_id, f.livemode, f.stripe_fee_refund_id as id
     from application_fee_refunds f
     join application_fees a on a.tenant_id = f.tenant_id and a.livemode = f.livemode
       and a.stripe_application_fee_id = f.stripe_application_fee_id
     where case when a.payment_id is null then 0 else -f.amount end <> (
       select coalesce(sum(e.amount), 0)
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.tenant_id = f.tenant_id and t.livemode = f.livemode and t.kind = 'application_fee_refund'
         and t.source_id = f.stripe_fee_refund_id and t.currency = f.currency
         and e.account = 'platform_fees')
     or f.amount <> (
       select coalesce(sum(e.amount), 0)
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.tenant_id = 'ten_platform' and t.livemode = f.livemode
         and t.kind = 'application_fee_refund_income' and t.source_id = f.stripe_fee_refund_id
         and t.currency = f.currency and e.account = 'platform_revenue')
     order by f.tenant_id, f.livemode, id
     limit $1",
);

const BOOKED_FEE_IS_REPORTED: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     left join application_fee_refunds f on f.livemode = t.livemode and f.stripe_fee_refund_id = t.source_id
       and t.tenant_id = case t.kind when 'application_fee_refund' then f.tenant_id else 'ten_platform' end
     where t.kind in ('application_fee_refund', 'application_fee_refund_income') and f.tenant_id is null
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const FEE_AS_IT_SAYS: Sql = Sql::new(
    "select b.tenant_id, b.livemode, b.id
     from (
       select r.tenant_id, r.livemode, r.id
       from refunds r
       left join application_fee_refunds f on f.tenant_id = r.tenant_id and f.livemode = r.livemode
         and f.stripe_fee_refund_id = r.stripe_fee_refund_id
       where (r.fee_status = 'returned' and r.fee_amount > 0
           and (f.amount is null or f.amount <> r.fee_amount))
         or (r.fee_status <> 'returned' and r.stripe_fee_refund_id is not null)
         or (r.fee_status in ('kept', 'due', 'refused') and r.fee_amount <> 0)
         or (r.fee = 'kept' and r.fee_status <> 'kept')
       union all
       select f.tenant_id, f.livemode, f.stripe_application_fee_id as id
       from application_fees f
       join (
         select tenant_id, livemode, stripe_application_fee_id, sum(amount) as amount
         from application_fee_refunds
         group by tenant_id, livemode, stripe_application_fee_id) k
         on k.tenant_id = f.tenant_id and k.livemode = f.livemode
         and k.stripe_application_fee_id = f.stripe_application_fee_id
       where k.amount > f.amount or k.amount > f.refunded) b
     order by b.tenant_id, b.livemode, b.id
     limit $1",
);

/// What Stripe calls a refund that is under way may be a word of a newer version.
const STEPS: Sql = Sql::new(
    "select h.tenant_id, h.livemode, h.subject_id || ' ' || h.version as id
     from state_history h
     join refunds r on r.tenant_id = h.tenant_id and r.livemode = h.livemode and r.id = h.subject_id
     where (coalesce(h.from_state, '') = '') <> (h.to_state = 'requested')
       or h.from_state = h.to_state or h.from_state in ('failed', 'canceled')
       or (h.to_state = 'rejected' and h.from_state <> 'requested')
       or (h.from_state = 'succeeded' and h.to_state not in ('failed', 'canceled'))
     order by h.tenant_id, h.livemode, id
     limit $1",
);

const NOW: Sql = Sql::new(
    "select r.tenant_id, r.livemode, r.id
     from refunds r
     where r.status <> coalesce((
       select h.to_state from state_history h
       where h.tenant_id = r.tenant_id and h.livemode = r.livemode and h.subject_id = r.id
       order by h.version desc
       limit 1), '')
     order by r.tenant_id, r.livemode, r.id
     limit $1",
);

const KEY_SAYS_WHAT: Sql = Sql::new(
    "select o.tenant_id, o.livemode, o.id
     from stripe_operations o
     left join refunds r on r.tenant_id = o.tenant_id and r.livemode = o.livemode and r.id = o.subject_id
     where o.kind in ('create_refund', 'create_fee_refund') and (
       r.id is null
       or o.stripe_account_id <> case o.kind when 'create_refund' then r.stripe_account_id else '' end
       or o.idempotency_key <> 'refund:' || r.tenant_id || ':' || r.id
         || case o.kind when 'create_refund' then '' else ':fee' end)
     order by o.tenant_id, o.livemode, o.id
     limit $1",
);

const ONE_OPEN: Sql = Sql::new(
    "select tenant_id, livemode, subject_id as id
     from stripe_operations
     where status in ('sent', 'unknown') and subject_id is not null
     group by tenant_id, livemode, subject_id
     having count(*) > 1
     order by tenant_id, livemode, id
     limit $1",
);

const RESULT: Sql = Sql::new(
    "select o.tenant_id, o.livemode, o.id
     from stripe_operations o
     join refunds r on r.tenant_id = o.tenant_id and r.livemode = o.livemode and r.id = o.subject_id
     where (o.status = 'succeeded' and o.result_id is null)
       or (o.kind = 'create_refund' and o.result_id is not null and r.status <> 'rejected'
         and (r.stripe_refund_id is null or r.stripe_refund_id <> o.result_id))
       or (o.kind = 'create_fee_refund' and o.result_id is not null
         and (r.stripe_fee_refund_id is null or r.stripe_fee_refund_id <> o.result_id))
     order by o.tenant_id, o.livemode, o.id
     limit $1",
);
