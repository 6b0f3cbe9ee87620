//! What became of payments, invoices, events and writes to Stripe: only allowed steps, none left out, and
//! each row where its history says.

use super::{Invariant, always, quiet};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "S1",
        "a payment takes only steps that are allowed",
        &PAYMENT_STEPS,
    ),
    always(
        "S1",
        "an invoice takes only steps that are allowed",
        &INVOICE_STEPS,
    ),
    always("S1", "each step begins where the one before it ended", &CHAIN),
    always("S1", "a payment is where its history says", &PAYMENT_NOW),
    always("S1", "an invoice is where its history says", &INVOICE_NOW),
    always(
        "S4",
        "an event is waiting, or done with, and never both",
        &EVENT_WAITS_OR_IS_DONE,
    ),
    always(
        "S4",
        "an event that was applied belongs to a tenant",
        &APPLIED_HAS_TENANT,
    ),
    always(
        "S4",
        "where an event of success was applied, the payment succeeded",
        &SUCCESS_WAS_APPLIED,
    ),
    always(
        "S4",
        "where an event of a fee was applied, the fee is there",
        &FEE_WAS_APPLIED,
    ),
    always(
        "S5",
        "a write to Stripe is open, or answered, and never both",
        &OPEN_OR_ANSWERED,
    ),
    always(
        "S5",
        "the key of a payment's write says what is done",
        &KEY_SAYS_WHAT,
    ),
    always("S5", "no key is of two writes", &KEY_ONCE),
    always(
        "S5",
        "a payment has at most one write without an answer",
        &ONE_OPEN,
    ),
    always(
        "S5",
        "what a payment's write came to is the payment's intent",
        &RESULT,
    ),
    always("S6", "no row's version is behind its history", &VERSIONS),
    always("S6", "an invoice that is void does not change any more", &FINAL),
    always(
        "S6",
        "an invoice's lines add up to its subtotal and its discount",
        &LINES,
    ),
    always("S6", "a finalized invoice is the one that was booked", &AS_BOOKED),
    always(
        "S7",
        "money that reached a void invoice is a break that a person sees",
        &VOID_IS_SEEN,
    ),
    quiet("P3", "no event waits to be applied", &NO_EVENT_WAITS),
    quiet("P3", "no write to Stripe is without an answer", &NO_WRITE_IS_OPEN),
];

const PAYMENT_STEPS: Sql = Sql::new(
    "select h.tenant_id, h.livemode, h.subject_id || ' ' || h.version as id
     from state_history h
     join payments p on p.tenant_id = h.tenant_id and p.livemode = h.livemode and p.id = h.subject_id
     where not (
       (coalesce(h.from_state, '') = '' and h.to_state = 'creating')
       or (coalesce(h.from_state, '') = 'creating' and h.to_state = 'failed')
       or (coalesce(h.from_state, '') in ('creating', 'failed', 'requires_payment_method',
           'requires_confirmation', 'requires_action', 'processing', 'requires_capture')
         and h.to_state in ('requires_payment_method', 'requires_confirmation', 'requires_action',
           'processing', 'requires_capture', 'succeeded', 'canceled')
         and h.from_state <> h.to_state)
       or (coalesce(h.from_state, '') = 'canceled' and h.to_state = 'succeeded'))
     order by h.tenant_id, h.livemode, id
     limit $1",
);

const INVOICE_STEPS: Sql = Sql::new(
    "select h.tenant_id, h.livemode, h.subject_id || ' ' || h.version as id
     from state_history h
     join invoices i on i.tenant_id = h.tenant_id and i.livemode = h.livemode and i.id = h.subject_id
     where coalesce(h.from_state, '') || ' ' || h.to_state not in (' draft', 'draft open', 'draft void',
       'open processing', 'open paid', 'open void', 'processing open', 'processing paid', 'paid open')
     order by h.tenant_id, h.livemode, id
     limit $1",
);

const CHAIN: Sql = Sql::new(
    "select h.tenant_id, h.livemode, h.subject_id || ' ' || h.version as id
     from (
       select tenant_id, livemode, subject_id, version, from_state,
         lag(to_state) over (partition by tenant_id, livemode, subject_id order by version) as earlier
       from state_history) h
     where coalesce(h.from_state, '') <> coalesce(h.earlier, '')
     order by h.tenant_id, h.livemode, id
     limit $1",
);

const PAYMENT_NOW: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     where p.status <> coalesce((
       select h.to_state from state_history h
       where h.tenant_id = p.tenant_id and h.livemode = p.livemode and h.subject_id = p.id
       order by h.version desc
       limit 1), '')
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const INVOICE_NOW: Sql = Sql::new(
    "select i.tenant_id, i.livemode, i.id
     from invoices i
     where i.status <> coalesce((
       select h.to_state from state_history h
       where h.tenant_id = i.tenant_id and h.livemode = i.livemode and h.subject_id = i.id
       order by h.version desc
       limit 1), '')
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

const EVENT_WAITS_OR_IS_DONE: Sql = Sql::new(
    "select tenant_id, livemode, event_id as id
     from stripe_webhook_events
     where (status in ('received', 'parked', 'failed')) <> (next_attempt_at is not null)
       or (processed_at is not null and next_attempt_at is not null)
       or (processed_at is null and status in ('processed', 'ignored', 'stale', 'external', 'orphan'))
     order by livemode, id
     limit $1",
);

const APPLIED_HAS_TENANT: Sql = Sql::new(
    "select tenant_id, livemode, event_id as id
     from stripe_webhook_events
     where status in ('processed', 'stale', 'external') and tenant_id is null
     order by livemode, id
     limit $1",
);

/// A thin event is applied by reading its object, which an account that is gone does not let us.
const SUCCESS_WAS_APPLIED: Sql = Sql::new(
    "select e.tenant_id, e.livemode, e.event_id as id
     from stripe_webhook_events e
     join payments p on p.livemode = e.livemode and p.stripe_account_id = e.stripe_account_id
       and p.stripe_payment_intent_id = e.object_id
     where e.type = 'payment_intent.succeeded' and e.kind = 'snapshot' and e.status in ('processed', 'stale')
       and p.status <> 'succeeded' and p.unreachable_since is null
     order by e.livemode, id
     limit $1",
);

const FEE_WAS_APPLIED: Sql = Sql::new(
    "select e.tenant_id, e.livemode, e.event_id as id
     from stripe_webhook_events e
     left join application_fees f on f.livemode = e.livemode and f.stripe_application_fee_id = e.object_id
     where e.type = 'application_fee.created' and e.status = 'processed' and f.tenant_id is null
     order by e.livemode, id
     limit $1",
);

const OPEN_OR_ANSWERED: Sql = Sql::new(
    "select tenant_id, livemode, id
     from stripe_operations
     where (status in ('sent', 'unknown')) <> (answered_at is null) or attempts < 1
     order by tenant_id, livemode, id
     limit $1",
);

const KEY_SAYS_WHAT: Sql = Sql::new(
    "select o.tenant_id, o.livemode, o.id
     from stripe_operations o
     left join payments p on p.tenant_id = o.tenant_id and p.livemode = o.livemode and p.id = o.payment_id
     where o.kind in ('create_intent', 'confirm_intent', 'cancel_intent') and (
       p.id is null
       or o.stripe_account_id <> p.stripe_account_id
       or o.idempotency_key not like 'pay:' || p.tenant_id || ':' || p.invoice_id || ':' || p.attempt || ':'
         || case o.kind when 'create_intent' then 'create' when 'confirm_intent' then 'confirm:%'
              else 'cancel:%' end)
     order by o.tenant_id, o.livemode, o.id
     limit $1",
);

const KEY_ONCE: Sql = Sql::new(
    "select min(tenant_id) as tenant_id, min(livemode) as livemode, idempotency_key as id
     from stripe_operations
     group by idempotency_key
     having count(*) > 1
     order by id
     limit $1",
);

const ONE_OPEN: Sql = Sql::new(
    "select tenant_id, livemode, payment_id as id
     from stripe_operations
     where status in ('sent', 'unknown') and payment_id is not null
     group by tenant_id, livemode, payment_id
     having count(*) > 1
     order by tenant_id, livemode, id
     limit $1",
);

const RESULT: Sql = Sql::new(
    "select o.tenant_id, o.livemode, o.id
     from stripe_operations o
     join payments p on p.tenant_id = o.tenant_id and p.livemode = o.livemode and p.id = o.payment_id
     where (o.status = 'succeeded' and o.result_id is null)
       or (o.result_id is not null
         and (p.stripe_payment_intent_id is null or p.stripe_payment_intent_id <> o.result_id))
     order by o.tenant_id, o.livemode, o.id
     limit $1",
);

const VERSIONS: Sql = Sql::new(
    "with newest as (
       select tenant_id, livemode, subject_id, max(version) as version
       from state_history
       group by tenant_id, livemode, subject_id)
     select l.tenant_id, l.livemode, l.subject_id as id
     from newest l
     left join payments p on p.tenant_id = l.tenant_id and p.livemode = l.livemode and p.id = l.subject_id
     left join invoices i on i.tenant_id = l.tenant_id and i.livemode = l.livemode and i.id = l.subject_id
     left join disputes d on d.tenant_id = l.tenant_id and d.livemode = l.livemode and d.id = l.subject_id
     where p.version < l.version or i.version < l.version or d.version < l.version
     order by l.tenant_id, l.livemode, id
     limit $1",
);

const FINAL: Sql = Sql::new(
    "select i.tenant_id, i.livemode, i.id
     from invoices i
     where i.status = 'void' and i.version > (
       select max(h.version) from state_history h
       where h.tenant_id = i.tenant_id and h.livemode = i.livemode and h.subject_id = i.id)
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

const LINES: Sql = Sql::new(
    "select i.tenant_id, i.livemode, i.id
     from invoices i
     where i.subtotal + i.discount <> (
       select coalesce(sum(l.amount), 0) from invoice_lines l
       where l.tenant_id = i.tenant_id and l.livemode = i.livemode and l.invoice_id = i.id)
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

const AS_BOOKED: Sql = Sql::new(
    "select i.tenant_id, i.livemode, i.id
     from invoices i
     where i.finalized_at is not null and (
       i.number is null
       or -i.subtotal <> (
         select coalesce(sum(e.amount), 0)
         from ledger_transactions t
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         where t.tenant_id = i.tenant_id and t.livemode = i.livemode and t.kind = 'invoice'
           and t.source_id = i.id and e.account = 'revenue')
       or -i.tax <> (
         select coalesce(sum(e.amount), 0)
         from ledger_transactions t
         join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
           and e.transaction_id = t.id
         where t.tenant_id = i.tenant_id and t.livemode = i.livemode and t.kind = 'invoice'
           and t.source_id = i.id and e.account = 'tax_payable'))
     or (i.finalized_at is null and i.status not in ('draft', 'void'))
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

/// What was settled before the invoice was withdrawn is no surprise; the rest is credit, which a person sees.
const VOID_IS_SEEN: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode and i.id = t.invoice_id
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id and e.account = 'client_credit'
     where t.kind = 'payment' and i.status = 'void' and not exists (
       select 1 from reconciliation_breaks b
       where b.livemode = t.livemode and b.kind = 'overpayment' and b.subject_id = t.source_id
         and b.tenant_id = t.tenant_id)
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const NO_EVENT_WAITS: Sql = Sql::new(
    "select tenant_id, livemode, event_id as id
     from stripe_webhook_events
     where next_attempt_at is not null
     order by livemode, id
     limit $1",
);

const NO_WRITE_IS_OPEN: Sql = Sql::new(
    "select tenant_id, livemode, id
     from stripe_operations
     where status in ('sent', 'unknown')
     order by tenant_id, livemode, id
     limit $1",
);
