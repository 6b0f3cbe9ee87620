//! The books: balanced, complete, only growing, and what is kept beside them agrees with them.

use super::{Invariant, always};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always("L1", "every transaction of the ledger sums to zero", &BALANCED),
    always("L2", "every transaction has at least two entries", &TWO_ENTRIES),
    always(
        "L2",
        "entries are whole amounts that JSON can carry, and none is zero",
        &AMOUNTS,
    ),
    always("L3", "each fact is booked once", &BOOKED_ONCE),
    always(
        "L4",
        "triggers refuse to change or delete what only grows",
        &APPEND_ONLY,
    ),
    always(
        "L6",
        "a reversal cancels what it reverses, account by account",
        &REVERSAL_CANCELS,
    ),
    always("L6", "nothing is reversed twice", &REVERSED_ONCE),
    always(
        "L6",
        "an invoice's withdrawal reverses its booking",
        &VOID_REVERSES,
    ),
    always(
        "L7",
        "what a payment says it received is what its posting says",
        &RECEIVED,
    ),
    always(
        "L8",
        "an invoice's client was billed its total, and nothing once it is void",
        &RECEIVABLE,
    ),
    always(
        "L9",
        "every entry has a transaction of its tenant, mode and currency",
        &ENTRY_HAS_TRANSACTION,
    ),
];

const BALANCED: Sql = Sql::new(
    "select tenant_id, livemode, transaction_id as id
     from ledger_entries
     group by tenant_id, livemode, transaction_id, currency
     having sum(amount) <> 0
     order by tenant_id, livemode, id
     limit $1",
);

const TWO_ENTRIES: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     where 2 > (
       select count(*) from ledger_entries e
       where e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id)
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const AMOUNTS: Sql = Sql::new(
    "select tenant_id, livemode, transaction_id as id
     from ledger_entries
     where amount = 0 or amount > 9007199254740991 or amount < -9007199254740991
     order by tenant_id, livemode, id
     limit $1",
);

const BOOKED_ONCE: Sql = Sql::new(
    "select tenant_id, livemode, kind || ' ' || source_id as id
     from ledger_transactions
     group by tenant_id, livemode, kind, source_id
     having count(*) > 1
     order by tenant_id, livemode, id
     limit $1",
);

const APPEND_ONLY: Sql = Sql::per_engine(
    "with kept (name) as (values ('ledger_transactions'), ('ledger_entries'), ('state_history'),
         ('audit_log'), ('audit_seals'), ('ledger_seals'), ('credit_notes'), ('ledger_balances'),
         ('client_lines')),
       verbs (name) as (values ('update'), ('delete'))
     select '' as tenant_id, 0 as livemode, kept.name || ' ' || verbs.name as id
     from kept cross join verbs
     where not exists (
       select 1 from sqlite_master m
       where m.type = 'trigger' and m.tbl_name = kept.name
         and m.sql like '%before ' || verbs.name || ' on ' || kept.name || '%begin select raise(abort,%')
     order by id
     limit $1",
    "with kept (name) as (values ('ledger_transactions'), ('ledger_entries'), ('state_history'),
         ('audit_log'), ('audit_seals'), ('ledger_seals'), ('credit_notes'), ('ledger_balances'),
         ('client_lines'))
     select '' as tenant_id, cast(0 as bigint) as livemode, kept.name as id
     from kept
     where not exists (
       select 1 from pg_trigger t
       join pg_proc p on p.oid = t.tgfoid
       where t.tgrelid = to_regclass(kept.name) and t.tgenabled in ('O', 'A')
         and t.tgtype & 27 = 27 and p.prosrc like '%begin raise exception%')
     order by id
     limit $1",
);

const REVERSAL_CANCELS: Sql = Sql::new(
    "select distinct r.tenant_id, r.livemode, r.id
     from (
       select t.tenant_id, t.livemode, t.id
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id in (t.id, t.reverses)
       where t.reverses is not null
       group by t.tenant_id, t.livemode, t.id, e.account, e.currency
       having sum(e.amount) <> 0) r
     order by r.tenant_id, r.livemode, r.id
     limit $1",
);

const REVERSED_ONCE: Sql = Sql::new(
    "select tenant_id, livemode, reverses as id
     from ledger_transactions
     where reverses is not null
     group by tenant_id, livemode, reverses
     having count(*) > 1
     order by tenant_id, livemode, id
     limit $1",
);

const VOID_REVERSES: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     left join ledger_transactions u on u.tenant_id = t.tenant_id and u.livemode = t.livemode
       and u.id = t.reverses and u.kind = 'invoice' and u.source_id = t.source_id
     where t.kind = 'invoice_void' and u.id is null
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

const RECEIVED: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.id
     from payments p
     where p.received <> (
       select coalesce(sum(e.amount), 0)
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.tenant_id = p.tenant_id and t.livemode = p.livemode and t.kind = 'payment'
         and t.source_id = p.stripe_payment_intent_id and t.payment_id = p.id
         and e.account = 'stripe_clearing')
     order by p.tenant_id, p.livemode, p.id
     limit $1",
);

/// A withdrawal takes back the whole total; what was settled before it is then the client's.
const RECEIVABLE: Sql = Sql::new(
    "with billed as (
       select t.tenant_id, t.livemode, t.invoice_id, sum(e.amount) as amount
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id
       where t.kind in ('invoice', 'invoice_void') and e.account = 'receivable'
       group by t.tenant_id, t.livemode, t.invoice_id)
     select i.tenant_id, i.livemode, i.id
     from invoices i
     left join billed b on b.tenant_id = i.tenant_id and b.livemode = i.livemode and b.invoice_id = i.id
     where coalesce(b.amount, 0) <> case when i.status in ('draft', 'void') then 0 else i.total end
     order by i.tenant_id, i.livemode, i.id
     limit $1",
);

const ENTRY_HAS_TRANSACTION: Sql = Sql::new(
    "select e.tenant_id, e.livemode, e.transaction_id || ' ' || e.position as id
     from ledger_entries e
     left join ledger_transactions t on t.tenant_id = e.tenant_id and t.livemode = e.livemode
       and t.id = e.transaction_id
     where t.id is null or t.currency <> e.currency
     order by e.tenant_id, e.livemode, id
     limit $1",
);
