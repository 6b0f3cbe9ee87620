//! Whose rows they are: a row and what it hangs on have one tenant and one mode, and nothing mixes the modes.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always("T1", "what a row hangs on has its tenant and its mode", &PARENTS),
    always("T1", "every row belongs to a tenant that exists", &TENANTS),
    always(
        "T2",
        "an event changes payments of its own account, tenant and mode only",
        &EVENT_IS_OURS,
    ),
    always(
        "T2",
        "payments are on the account that their tenant has in their mode",
        &ON_OWN_ACCOUNT,
    ),
    always("T3", "no account is of two tenants in a mode", &ACCOUNT_ONCE),
    always("D3", "a mode is test or live", &MODE),
    always(
        "D3",
        "what Stripe reported is booked in one mode and for one tenant",
        &BOOKED_IN_ONE_MODE,
    ),
];

const PARENTS: Sql = Sql::new(
    "select c.tenant_id, c.livemode, c.id
     from (
       select p.tenant_id, p.livemode, p.id
       from payments p
       left join invoices i on i.tenant_id = p.tenant_id and i.livemode = p.livemode and i.id = p.invoice_id
       where i.id is null
       union all
       select i.tenant_id, i.livemode, i.id
       from invoices i
       left join clients c on c.tenant_id = i.tenant_id and c.livemode = i.livemode and c.id = i.client_id
       where c.id is null
       union all
       select l.tenant_id, l.livemode, l.invoice_id || ' ' || l.position
       from invoice_lines l
       left join invoices i on i.tenant_id = l.tenant_id and i.livemode = l.livemode and i.id = l.invoice_id
       where i.id is null
       union all
       select l.tenant_id, l.livemode, l.id
       from pay_links l
       left join invoices i on i.tenant_id = l.tenant_id and i.livemode = l.livemode and i.id = l.invoice_id
       where i.id is null
       union all
       select l.tenant_id, l.livemode, l.id
       from pay_links l
       left join pay_links o on o.tenant_id = l.tenant_id and o.livemode = l.livemode and o.id = l.parent_id
         and o.invoice_id = l.invoice_id
       where l.parent_id is not null and o.id is null
       union all
       select p.tenant_id, p.livemode, p.id
       from payments p
       left join pay_links l on l.tenant_id = p.tenant_id and l.livemode = p.livemode
         and l.id = p.paid_by_link
       left join payment_parts r on r.tenant_id = p.tenant_id and r.livemode = p.livemode
         and r.payment_id = p.id and r.invoice_id = l.invoice_id
       where p.paid_by_link is not null and r.payment_id is null
       union all
       select f.tenant_id, f.livemode, f.stripe_application_fee_id
       from application_fees f
       left join payments p on p.tenant_id = f.tenant_id and p.livemode = f.livemode and p.id = f.payment_id
       where f.payment_id is not null and p.id is null
       union all
       select t.tenant_id, t.livemode, t.id
       from ledger_transactions t
       left join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode and i.id = t.invoice_id
       where t.tenant_id <> 'ten_platform' and t.invoice_id is not null and i.id is null
       union all
       select t.tenant_id, t.livemode, t.id
       from ledger_transactions t
       left join payments p on p.tenant_id = t.tenant_id and p.livemode = t.livemode and p.id = t.payment_id
       where t.tenant_id <> 'ten_platform' and t.payment_id is not null and p.id is null
       union all
       select h.tenant_id, h.livemode, h.subject_id || ' ' || h.version
       from state_history h
       left join payments p on p.tenant_id = h.tenant_id and p.livemode = h.livemode and p.id = h.subject_id
       left join invoices i on i.tenant_id = h.tenant_id and i.livemode = h.livemode and i.id = h.subject_id
       left join subscriptions s on s.tenant_id = h.tenant_id and s.livemode = h.livemode
         and s.stripe_subscription_id = h.subject_id
       left join disputes d on d.tenant_id = h.tenant_id and d.livemode = h.livemode and d.id = h.subject_id
       left join refunds f on f.tenant_id = h.tenant_id and f.livemode = h.livemode and f.id = h.subject_id
       where p.id is null and i.id is null and s.stripe_subscription_id is null and d.id is null
         and f.id is null
       union all
       select d.tenant_id, d.livemode, d.id
       from disputes d
       left join payments p on p.tenant_id = d.tenant_id and p.livemode = d.livemode and p.id = d.payment_id
       where p.id is null
       union all
       select m.tenant_id, m.livemode, m.stripe_balance_transaction_id
       from dispute_movements m
       left join disputes d on d.tenant_id = m.tenant_id and d.livemode = m.livemode and d.id = m.dispute_id
       where d.id is null
       union all
       select r.tenant_id, r.livemode, r.id
       from refunds r
       left join payments p on p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.payment_id
       where p.id is null
       union all
       select k.tenant_id, k.livemode, k.refund_id || ' ' || k.position
       from refund_takings k
       left join refunds r on r.tenant_id = k.tenant_id and r.livemode = k.livemode and r.id = k.refund_id
       where r.id is null) c
     order by c.tenant_id, c.livemode, c.id
     limit $1",
);

const TENANTS: Sql = Sql::new(
    "select r.tenant_id, r.livemode, r.id
     from (
       select tenant_id, livemode, id from invoices
       union all select tenant_id, livemode, id from payments
       union all select tenant_id, livemode, id from refunds
       union all select tenant_id, livemode, id from stripe_operations
       union all select tenant_id, livemode, id from ledger_transactions
       union all select tenant_id, livemode, object_id from external_objects
       union all select tenant_id, livemode, stripe_application_fee_id from application_fees
       union all select tenant_id, livemode, id from audit_log
       union all select tenant_id, livemode, event_id from stripe_webhook_events
       union all select tenant_id, livemode, id from reconciliation_breaks) r
     left join tenants t on t.id = r.tenant_id
     where r.tenant_id <> 'ten_platform' and t.id is null
     order by r.tenant_id, r.livemode, r.id
     limit $1",
);

/// Ids of events are kept for each account and mode: a stranger's event of the same id proves nothing.
const EVENT_IS_OURS: Sql = Sql::new(
    "select h.tenant_id, h.livemode, h.subject_id || ' ' || h.cause as id
     from state_history h
     join payments p on p.tenant_id = h.tenant_id and p.livemode = h.livemode and p.id = h.subject_id
     where h.cause like 'event:%'
       and h.cause in (select 'event:' || e.event_id from stripe_webhook_events e)
       and not exists (
         select 1 from stripe_webhook_events e
         where e.livemode = p.livemode and e.stripe_account_id = p.stripe_account_id
           and e.event_id = substr(h.cause, 7) and coalesce(e.tenant_id, p.tenant_id) = p.tenant_id)
     order by h.tenant_id, h.livemode, id
     limit $1",
);

/// A tenant that has taken a payment keeps its account.
const ON_OWN_ACCOUNT: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     left join stripe_config c on c.tenant_id = p.tenant_id and c.livemode = p.livemode
       and c.stripe_account_id = p.stripe_account_id
     where c.tenant_id is null
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

const ACCOUNT_ONCE: Sql = Sql::new(
    "select min(tenant_id) as tenant_id, livemode, stripe_account_id as id
     from stripe_config
     group by livemode, stripe_account_id
     having count(*) > 1
     order by livemode, id
     limit $1",
);

const MODE: Sql = Sql::new(
    "select r.tenant_id, r.livemode, r.id
     from (
       select tenant_id, livemode, id from invoices
       union all select tenant_id, livemode, id from payments
       union all select tenant_id, livemode, id from refunds
       union all select tenant_id, livemode, id from stripe_operations
       union all select tenant_id, livemode, id from ledger_transactions
       union all select tenant_id, livemode, transaction_id from ledger_entries
       union all select tenant_id, livemode, object_id from external_objects
       union all select tenant_id, livemode, stripe_application_fee_id from application_fees
       union all select tenant_id, livemode, subject_id from state_history
       union all select tenant_id, livemode, event_id from stripe_webhook_events
       union all select tenant_id, livemode, id from reconciliation_breaks) r
     where r.livemode not in (0, 1)
     order by r.tenant_id, r.livemode, r.id
     limit $1",
);

/// Stripe gives an id once, whatever the account and the mode; both books of a fee name it.
const BOOKED_IN_ONE_MODE: Sql = Sql::new(
    "select min(tenant_id) as tenant_id, min(livemode) as livemode, kind || ' ' || source_id as id
     from ledger_transactions
     where kind in ('payment', 'stripe_fee', 'application_fee', 'application_fee_income', 'refund',
       'refund_reversal', 'application_fee_refund', 'application_fee_refund_income')
     group by kind, source_id
     having min(livemode) <> max(livemode) or min(tenant_id) <> max(tenant_id)
     order by id
     limit $1",
);
