//! The balance at Stripe and the books: every balance transaction is somebody's, what others did is one
//! line, and what is written down of balances is what was booked.

use super::{Invariant, always, quiet};
use crate::db::Sql;

pub(super) const ALL: &[Invariant] = &[
    always(
        "L7",
        "a balance that was written down is the sum of what was booked by then",
        &WRITTEN_DOWN,
    ),
    always(
        "L7",
        "a client's line is what its transaction changed of what the client owes",
        &CLIENT_LINE,
    ),
    always(
        "L10",
        "what others moved on an account is one line of the books, of its net",
        &ONE_LINE,
    ),
    always(
        "L10",
        "nothing that hangs on a payment of ours is taken for somebody else's",
        &NOT_OTHERS,
    ),
    always(
        "L10",
        "a payout is booked as its money moved, and its return reverses it",
        &PAYOUT_BOOKED,
    ),
    always(
        "L10",
        "the items of a payout come to the amount that reached the bank",
        &ITEMS_COME_TO_IT,
    ),
    quiet(
        "L10",
        "the books and Stripe's balance agree, or a break says that they do not",
        &AGREES,
    ),
    quiet(
        "L10",
        "of every balance transaction it is known whose it is",
        &NONE_WAITS,
    ),
];

/// Each is looked at with the one before it, so that no entry is added up twice.
const WRITTEN_DOWN: Sql = Sql::new(
    "select c.tenant_id, c.livemode, c.book || ' ' || c.currency || ' ' || c.ends_at as id
     from (
       select b.tenant_id, b.livemode, b.book, b.currency, b.ends_at, b.balance,
         lag(b.balance, 1, cast(0 as bigint)) over earlier as balance_before,
         lag(b.ends_at, 1, cast(-9223372036854775807 as bigint)) over earlier as ended_before
       from ledger_balances b
       window earlier as (partition by b.tenant_id, b.livemode, b.book, b.currency order by b.ends_at)) c
     where c.balance - c.balance_before <> (
         select coalesce(sum(e.amount), 0) from ledger_entries e
         where e.tenant_id = c.tenant_id and e.livemode = c.livemode and e.account = c.book
           and e.currency = c.currency and e.created_at >= c.ended_before and e.created_at < c.ends_at)
       + (
         select coalesce(sum(l.amount), 0) from client_lines l
         where l.tenant_id = c.tenant_id and l.livemode = c.livemode and l.client_id = c.book
           and l.currency = c.currency and l.created_at >= c.ended_before and l.created_at < c.ends_at)
     order by c.tenant_id, c.livemode, id
     limit $1",
);

const CLIENT_LINE: Sql = Sql::new(
    "select t.tenant_id, t.livemode, t.id
     from ledger_transactions t
     left join client_lines l on l.tenant_id = t.tenant_id and l.livemode = t.livemode
       and l.transaction_id = t.id
     where (t.invoice_id is not null or t.payment_id is not null or l.transaction_id is not null)
       and coalesce(l.amount, 0) <> (
         select coalesce(sum(e.amount), 0) from ledger_entries e
         where e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id
           and e.account in ('receivable', 'client_credit'))
     order by t.tenant_id, t.livemode, t.id
     limit $1",
);

/// A line that was reversed is none.
const ONE_LINE: Sql = Sql::new(
    "select coalesce(b.tenant_id, t.tenant_id) as tenant_id, coalesce(b.livemode, t.livemode) as livemode,
       coalesce(b.stripe_balance_transaction_id, t.source_id) as id
     from (
       select tenant_id, livemode, stripe_balance_transaction_id, net, currency
       from balance_transactions
       where attribution = 'external' and net <> 0) b
     full join (
       select x.tenant_id, x.livemode, x.source_id, x.currency, e.amount
       from ledger_transactions x
       join ledger_entries e on e.tenant_id = x.tenant_id and e.livemode = x.livemode
         and e.transaction_id = x.id and e.account = 'stripe_clearing'
       where x.kind = 'external' and not exists (
         select 1 from ledger_transactions r
         where r.tenant_id = x.tenant_id and r.livemode = x.livemode and r.reverses = x.id)) t
       on t.tenant_id = b.tenant_id and t.livemode = b.livemode
       and t.source_id = b.stripe_balance_transaction_id
     where b.net is null or t.amount is null or b.net <> t.amount or b.currency <> t.currency
     order by tenant_id, livemode, id
     limit $1",
);

const NOT_OTHERS: Sql = Sql::new(
    "select b.tenant_id, b.livemode, b.stripe_balance_transaction_id as id
     from balance_transactions b
     join payments p on p.tenant_id = b.tenant_id and p.livemode = b.livemode
       and p.stripe_account_id = b.stripe_account_id
       and p.stripe_payment_intent_id = b.stripe_payment_intent_id
     where b.attribution = 'external' and b.tenant_id <> 'ten_platform'
     order by b.tenant_id, b.livemode, id
     limit $1",
);

const PAYOUT_BOOKED: Sql = Sql::new(
    "select m.tenant_id, m.livemode, m.source_id as id
     from (
       select tenant_id, livemode, source_id, currency, sum(amount) as amount, 0 as booked
       from balance_transactions
       where attribution = 'payout'
       group by tenant_id, livemode, source_id, currency
       union all
       select t.tenant_id, t.livemode, t.source_id, t.currency, 0 as amount, sum(e.amount) as booked
       from ledger_transactions t
       join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode
         and e.transaction_id = t.id and e.account = 'stripe_clearing'
       where t.kind in ('payout', 'payout_reversal')
       group by t.tenant_id, t.livemode, t.source_id, t.currency) m
     group by m.tenant_id, m.livemode, m.source_id, m.currency
     having sum(m.amount) <> sum(m.booked)
     order by m.tenant_id, m.livemode, id
     limit $1",
);

const ITEMS_COME_TO_IT: Sql = Sql::new(
    "select p.tenant_id, p.livemode, p.stripe_payout_id as id
     from payouts p
     where p.itemised_at is not null and p.amount <> (
       select coalesce(sum(b.net), 0)
       from payout_items i
       join balance_transactions b on b.tenant_id = i.tenant_id and b.livemode = i.livemode
         and b.stripe_balance_transaction_id = i.stripe_balance_transaction_id
       where i.tenant_id = p.tenant_id and i.livemode = p.livemode
         and i.stripe_payout_id = p.stripe_payout_id)
     order by p.tenant_id, p.livemode, id
     limit $1",
);

/// As far as Stripe's list has been read: of an account that cannot be read, or has not been since its
/// books moved last, nothing is known.
const AGREES: Sql = Sql::new(
    "select s.tenant_id, s.livemode, s.currency as id
     from (
       select tenant_id, livemode, currency, amount as booked, 0 as net, created_at as at
       from ledger_entries
       where account = 'stripe_clearing'
       union all
       select tenant_id, livemode, currency, 0 as booked, net, 0 as at
       from balance_transactions) s
     group by s.tenant_id, s.livemode, s.currency
     having sum(s.booked) <> sum(s.net)
       and max(s.at) < (
         select min(c.read_at) from balance_cursors c
         where c.livemode = s.livemode and (
           (s.tenant_id = 'ten_platform' and c.stripe_account_id = '')
           or c.stripe_account_id in (
             select a.stripe_account_id from stripe_config a
             where a.tenant_id = s.tenant_id and a.livemode = s.livemode and a.disconnected_at is null)))
       and not exists (
         select 1 from reconciliation_breaks k
         where k.livemode = s.livemode and k.kind = 'tie_out' and k.resolved_at is null
           and k.subject_id = s.tenant_id || ' ' || s.currency)
     order by s.tenant_id, s.livemode, id
     limit $1",
);

const NONE_WAITS: Sql = Sql::new(
    "select tenant_id, livemode, stripe_balance_transaction_id as id
     from balance_transactions
     where attribution = 'waiting'
     order by tenant_id, livemode, id
     limit $1",
);
