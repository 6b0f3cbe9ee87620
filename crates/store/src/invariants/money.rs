//! Invoices, payments and fees: what they say of themselves is what was booked, once, in one currency.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "M1",
        "what an invoice says is paid is what its payments settled",
        &APPLIED,
    ),
    always(
        "M1",
        "what an invoice says is credited is what its credit notes gave up",
        &CREDITED,
    ),
    always(
        "M1",
        "a payment is the sum of what it asks for its invoices",
        &PARTS,
    ),
    always(
        "M11",
        "what is left of the clients' credit is what the books hold of it",
        &CLIENT_CREDIT,
    ),
    always(
        "M1",
        "an invoice is paid exactly when nothing of it is owed",
        &PAID,
    ),
    always(
        "M1",
        "an open invoice is processing exactly while a payment of it is",
        &PROCESSING,
    ),
    always(
        "M2",
        "an invoice has at most one payment by which money could still arrive",
        &ONE_LIVE,
    ),
    always(
        "M3",
        "a payment that succeeded received money and is booked",
        &SUCCEEDED_IS_BOOKED,
    ),
    always(
        "M3",
        "what is booked as a payment is one that succeeded",
        &BOOKED_HAS_SUCCEEDED,
    ),
    always(
        "M3",
        "the charge of a payment that succeeded is known, or is looked for",
        &CHARGE,
    ),
    always(
        "M4",
        "what Stripe was asked for is what the payment says",
        &ASKED_FOR,
    ),
    always(
        "M4",
        "the fee that Stripe reports is the one that was asked for",
        &FEE_AS_ASKED,
    ),
    always(
        "M4",
        "an application fee is in the platform's books, and of a payment of ours in the tenant's",
        &FEE_IN_BOTH_BOOKS,
    ),
    always(
        "M4",
        "a booked application fee is one that Stripe reported",
        &BOOKED_FEE_IS_REPORTED,
    ),
    always("M4", "Stripe's fee is booked as the payment says", &STRIPE_FEE),
    always(
        "M4",
        "what is left of a payment is what came in less both fees",
        &NET,
    ),
    always("M7", "no intent is of two payments of an account", &INTENT_ONCE),
    always("M7", "no charge is of two payments of an account", &CHARGE_ONCE),
    always("M7", "no application fee is of two tenants", &FEE_ONCE),
    always("M9", "a payment is in its invoice's currency", &PAYMENT_CURRENCY),
    always(
        "M9",
        "what is booked of an invoice is in its currency, or is a break",
        &POSTING_CURRENCY,
    ),
    always(
        "M11",
        "money that arrived settles a debt or is the client's credit",
        &PAYMENT_SHAPE,
    ),
    always(
        "M11",
        "client credit is a break that a person sees, and the other way round",
        &CREDIT_IS_A_BREAK,
    ),
    always(
        "M11",
        "nothing becomes credit while its invoice is still owed",
        &CREDIT_WHILE_OWED,
    ),
];

/// Of all that is booked on an invoice but its billing and its credit notes. An entry names its invoice where
/// its transaction is about several.
/// Cast, for SQLite indexes no expression without a type, and would look at all of them for each invoice.
const APPLIED: Sql = Sql::new(
    "with settled as (
       select t.tenant_id, t.livemode, cast(coalesce(e.invoice_id, t.invoice_id) as text) as invoice_id,
         sum(e.amount) as amount
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.kind not in ('invoice', 'invoice_void', 'credit_note') and e.account = 'receivable'
       group by t.tenant_id, t.livemode, coalesce(e.invoice_id, t.invoice_id))
     select i.tenant_id, i.livemode, i.id
     from invoices i
     left join settled s on s.tenant_id = i.tenant_id and s.livemode = i.livemode and s.invoice_id = i.id
     where i.applied <> -coalesce(s.amount, 0)
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

const CREDITED: Sql = Sql::new(
    "with noted as (
       select tenant_id, livemode, invoice_id, sum(to_invoice) as amount
       from credit_notes
       group by tenant_id, livemode, invoice_id),
     booked as (
       select t.tenant_id, t.livemode, t.invoice_id, sum(e.amount) as amount
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.kind = 'credit_note' and e.account = 'receivable'
       group by t.tenant_id, t.livemode, t.invoice_id)
     select i.tenant_id, i.livemode, i.id
     from invoices i
     left join noted n on n.tenant_id = i.tenant_id and n.livemode = i.livemode and n.invoice_id = i.id
     left join booked b on b.tenant_id = i.tenant_id and b.livemode = i.livemode and b.invoice_id = i.id
     where i.credited <> coalesce(n.amount, 0) or i.credited <> -coalesce(b.amount, 0)
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

/// Money that went back and came again through another payment is in the parts of both.
const PARTS: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     left join (
       select tenant_id, livemode, payment_id, sum(amount) as amount, sum(live) as live, count(*) as parts,
         sum(applied) as applied
       from payment_parts
       group by tenant_id, livemode, payment_id) r
       on r.tenant_id = p.tenant_id and r.livemode = p.livemode and r.payment_id = p.id
     where r.amount is null or r.amount <> p.amount or r.applied > p.received
       or r.live <> case when p.status in ('succeeded', 'canceled', 'failed') then 0 else r.parts end
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const CLIENT_CREDIT: Sql = Sql::new(
    "with held as (
       select tenant_id, livemode, currency, sum(remaining) as amount
       from client_credits
       group by tenant_id, livemode, currency),
     booked as (
       select tenant_id, livemode, currency, -sum(amount) as amount
       from ledger_entries
       where account = 'client_credit'
       group by tenant_id, livemode, currency)
     select coalesce(h.tenant_id, b.tenant_id) as tenant_id, coalesce(h.livemode, b.livemode) as livemode,
       coalesce(h.currency, b.currency) as id
     from held h
     full join booked b on b.tenant_id = h.tenant_id and b.livemode = h.livemode and b.currency = h.currency
     where coalesce(h.amount, 0) <> coalesce(b.amount, 0)
     order by tenant_id, livemode, id
     limit $1",
);

const PAID: Sql = Sql::new(
    "select tenant_id, livemode, id
     from invoices
     where (status = 'paid' and (applied + credited < total or paid_at is null))
       or (status in ('open', 'processing') and applied + credited >= total)
       or (status <> 'paid' and paid_at is not null)
     order by tenant_id, livemode, id
     limit $1",
);

const PROCESSING: Sql = Sql::new(
    "select i.tenant_id, i.livemode, i.id
     from invoices i
     where i.status in ('open', 'processing') and (i.status = 'processing') <> exists (
       select 1
       from payment_parts r
       join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
       where r.tenant_id = i.tenant_id and r.livemode = i.livemode and r.invoice_id = i.id
         and p.status = 'processing')
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

const ONE_LIVE: Sql = Sql::new(
    "select r.tenant_id, r.livemode, r.invoice_id as id
     from payment_parts r
     join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
     where p.status not in ('succeeded', 'canceled', 'failed')
     group by r.tenant_id, r.livemode, r.invoice_id
     having count(*) > 1
     order by r.tenant_id, r.livemode, id
     limit $1",
);

const SUCCEEDED_IS_BOOKED: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     left join ledger_transactions t on t.tenant_id = p.tenant_id and t.livemode = p.livemode
       and t.kind = 'payment' and t.source_id = p.stripe_payment_intent_id and t.payment_id = p.id
     where p.status = 'succeeded' and (p.received <= 0 or p.succeeded_at is null or t.id is null)
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const BOOKED_HAS_SUCCEEDED: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     left join payments p on p.tenant_id = t.tenant_id and p.livemode = t.livemode and p.id = t.payment_id
       and p.stripe_payment_intent_id = t.source_id and p.invoice_id = t.invoice_id
       and p.status = 'succeeded'
     where t.kind = 'payment' and p.id is null
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const CHARGE: Sql = Sql::new(
    "select tenant_id, livemode, id
     from payments
     where status = 'succeeded' and stripe_charge_id is null and next_check_at is null
       and unreachable_since is null
     order by tenant_id, livemode, id
     limit $1",
);

/// Parameters are frozen as a JSON list of pairs. Once it has succeeded, a payment says what Stripe says.
const ASKED_FOR: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     join stripe_operations o on o.tenant_id = p.tenant_id and o.livemode = p.livemode and o.payment_id = p.id
     where o.kind = 'create_intent' and (
       o.stripe_account_id <> p.stripe_account_id
       or o.params not like '%[\"amount\",\"' || p.amount || '\"]%'
       or o.params not like '%[\"currency\",\"' || p.currency || '\"]%'
       or (p.status <> 'succeeded' and p.application_fee is null
         and o.params like '%[\"application_fee_amount\",%')
       or (p.status <> 'succeeded'
         and o.params not like '%[\"application_fee_amount\",\"' || p.application_fee || '\"]%'))
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const FEE_AS_ASKED: Sql = Sql::new(
    "select f.tenant_id, f.livemode, f.stripe_application_fee_id as id
     from application_fees f
     join payments p on p.tenant_id = f.tenant_id and p.livemode = f.livemode and p.id = f.payment_id
     where p.status = 'succeeded' and p.received = p.amount
       and (p.application_fee is null or p.application_fee <> f.amount
         or p.stripe_account_id <> f.stripe_account_id)
     order by f.tenant_id, f.livemode, id
     limit $1",
);

const FEE_IN_BOTH_BOOKS: Sql = Sql::new(
    "select f.tenant_id, f.livemode, f.stripe_application_fee_id as id
     from application_fees f
     where case when f.payment_id is null then 0 else f.amount end <> (
       select coalesce(sum(e.amount), 0)
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.tenant_id = f.tenant_id and t.livemode = f.livemode and t.kind = 'application_fee'
         and t.source_id = f.stripe_application_fee_id and t.currency = f.currency
         and e.account = 'platform_fees')
     or -f.amount <> (
       select coalesce(sum(e.amount), 0)
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.tenant_id = 'ten_platform' and t.livemode = f.livemode and t.kind = 'application_fee_income'
         and t.source_id = f.stripe_application_fee_id and t.currency = f.currency
         and e.account = 'platform_revenue')
     order by f.tenant_id, f.livemode, id
     limit $1",
);

const BOOKED_FEE_IS_REPORTED: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     left join application_fees f on f.livemode = t.livemode and f.stripe_application_fee_id = t.source_id
       and t.tenant_id = case t.kind when 'application_fee' then f.tenant_id else 'ten_platform' end
     where t.kind in ('application_fee', 'application_fee_income') and f.tenant_id is null
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const STRIPE_FEE: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     where coalesce(p.stripe_fee, 0) <> (
       select coalesce(sum(e.amount), 0)
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.tenant_id = p.tenant_id and t.livemode = p.livemode and t.kind = 'stripe_fee'
         and t.source_id = p.stripe_charge_id and t.payment_id = p.id and e.account = 'stripe_fees')
     or (p.stripe_fee is null) <> (p.net is null)
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

/// Only where the account's balance is kept in the payment's currency, which Stripe's fee tells.
const NET: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     join ledger_transactions t on t.tenant_id = p.tenant_id and t.livemode = p.livemode
       and t.kind = 'stripe_fee' and t.source_id = p.stripe_charge_id and t.currency = p.currency
     where p.status = 'succeeded' and p.net <> p.received - p.stripe_fee - coalesce(p.application_fee, 0)
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const INTENT_ONCE: Sql = Sql::new(
    "select min(tenant_id) as tenant_id, livemode, stripe_payment_intent_id as id
     from payments
     where stripe_payment_intent_id is not null
     group by livemode, stripe_account_id, stripe_payment_intent_id
     having count(*) > 1
     order by livemode, id
     limit $1",
);

const CHARGE_ONCE: Sql = Sql::new(
    "select min(tenant_id) as tenant_id, livemode, stripe_charge_id as id
     from payments
     where stripe_charge_id is not null
     group by livemode, stripe_account_id, stripe_charge_id
     having count(*) > 1
     order by livemode, id
     limit $1",
);

const FEE_ONCE: Sql = Sql::new(
    "select min(tenant_id) as tenant_id, livemode, stripe_application_fee_id as id
     from application_fees
     group by livemode, stripe_application_fee_id
     having count(*) > 1
     order by livemode, id
     limit $1",
);

const PAYMENT_CURRENCY: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     join invoices i on i.tenant_id = p.tenant_id and i.livemode = p.livemode and i.id = p.invoice_id
     where p.currency <> i.currency
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const POSTING_CURRENCY: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode and i.id = t.invoice_id
     where t.kind in ('invoice', 'invoice_void', 'payment') and t.currency <> i.currency and not exists (
       select 1 from reconciliation_breaks b
       where b.livemode = t.livemode and b.kind = 'amount_mismatch' and b.subject_id = t.source_id
         and b.tenant_id = t.tenant_id)
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const PAYMENT_SHAPE: Sql = Sql::new(
    "select distinct t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id
     where t.kind = 'payment' and not (
       (e.account = 'stripe_clearing' and e.amount > 0)
       or (e.account in ('receivable', 'client_credit') and e.amount < 0))
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

/// Of a void invoice it is S7 that says so.
const CREDIT_IS_A_BREAK: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode and i.id = t.invoice_id
     where t.kind = 'payment' and i.status <> 'void' and exists (
       select 1 from ledger_entries e
       where e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id
         and e.account = 'client_credit')
     <> exists (
       select 1 from reconciliation_breaks b
       where b.livemode = t.livemode and b.kind = 'overpayment' and b.subject_id = t.source_id
         and b.tenant_id = t.tenant_id)
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

/// An invoice that was paid once may be owed again after money went back.
const CREDIT_WHILE_OWED: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
       and e.transaction_id = t.id and e.account = 'client_credit'
     join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode and i.id = t.invoice_id
     where t.kind = 'payment' and i.status in ('open', 'processing') and i.applied + i.credited < i.total
       and t.currency = i.currency and not exists (
         select 1 from state_history h
         where h.tenant_id = i.tenant_id and h.livemode = i.livemode and h.subject_id = i.id
           and h.from_state = 'paid')
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);
