-- Stripe's balance transactions, as they were read: what moved on each account's balance, and whose it is. Those
-- of the platform's own account are under the platform's id, without an account.

create table balance_transactions (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  stripe_balance_transaction_id text not null,
  stripe_account_id text not null,
  type text not null,
  reporting_category text,
  source_id text,
  stripe_charge_id text,
  stripe_payment_intent_id text,
  stripe_application_fee_id text,
  amount bigint not null,
  fee bigint not null,
  application_fee bigint not null,
  net bigint not null,
  currency text not null,
  presented_amount bigint,
  presented_fee bigint not null,
  presented_currency text,
  exchange_rate text,
  made_at bigint not null,
  available_on bigint,
  attribution text not null check (attribution in ('waiting', 'payment', 'refund', 'dispute', 'application_fee',
    'application_fee_refund', 'fee', 'payout', 'external')),
  payment_id text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, stripe_balance_transaction_id),
  constraint balance_transactions_net check (net = amount - fee)
);
create unique index balance_transactions_id on balance_transactions (livemode, stripe_balance_transaction_id);
create index balance_transactions_by_time
  on balance_transactions (tenant_id, livemode, made_at, stripe_balance_transaction_id);
create index balance_transactions_by_intent on balance_transactions (tenant_id, livemode, stripe_payment_intent_id)
  where stripe_payment_intent_id is not null;
create index balance_transactions_by_charge on balance_transactions (tenant_id, livemode, stripe_charge_id)
  where stripe_charge_id is not null;
create index balance_transactions_by_payment on balance_transactions (tenant_id, livemode, payment_id)
  where payment_id is not null;
create index balance_transactions_by_source on balance_transactions (tenant_id, livemode, source_id);
create index balance_transactions_waiting on balance_transactions (tenant_id, livemode, stripe_account_id)
  where attribution = 'waiting';
create index balance_transactions_sums on balance_transactions (tenant_id, livemode, currency, net);

-- How far the list of each account's balance transactions has been read; the platform's own are those of the
-- account ''. Not a tenant's table, as event_cursors is none.
create table balance_cursors (
  livemode bigint not null check (livemode in (0, 1)),
  stripe_account_id text not null,
  last_created bigint not null,
  read_at bigint not null,
  walk_since bigint,
  walk_after text,
  walk_began_at bigint,
  walk_newest bigint not null,
  lease_until bigint not null,
  claims bigint not null,
  next_read_at bigint not null,
  tries bigint not null,
  last_error text,
  created_at bigint not null,
  primary key (livemode, stripe_account_id)
);
create index balance_cursors_due on balance_cursors (next_read_at);

-- Accounts of before: from when they were connected, or an hour before, for clocks differ; the platform from its
-- first account on.
insert into balance_cursors (livemode, stripe_account_id, last_created, read_at, walk_newest, lease_until, claims,
  next_read_at, tries, created_at)
select livemode, stripe_account_id, connected_at / 1000 - 3600, 0, 0, 0, 0, 0, 0, created_at
from stripe_config;
insert into balance_cursors (livemode, stripe_account_id, last_created, read_at, walk_newest, lease_until, claims,
  next_read_at, tries, created_at)
select livemode, '', min(connected_at) / 1000 - 3600, 0, 0, 0, 0, 0, 0, min(created_at)
from stripe_config
group by livemode;

create table payouts (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  stripe_payout_id text not null,
  stripe_account_id text not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  automatic bigint not null check (automatic in (0, 1)),
  method text,
  destination text,
  statement_descriptor text,
  arrival_at bigint,
  made_at bigint,
  reconciliation_status text,
  balance_transaction_id text,
  failure_balance_transaction_id text,
  failure_code text,
  failure_message text,
  original_payout text,
  reversed_by text,
  trace_id text,
  version bigint not null,
  itemised_at bigint,
  next_check_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, stripe_payout_id)
);
create unique index payouts_id on payouts (livemode, stripe_payout_id);
create index payouts_due on payouts (next_check_at) where next_check_at is not null;
create index payouts_by_currency on payouts (tenant_id, livemode, stripe_account_id, currency, made_at);
create index payouts_newest on payouts (tenant_id, livemode, created_at, stripe_payout_id);

-- What an automatic payout consists of, as Stripe says. What a failed one consisted of is paid out by another.
create table payout_items (
  tenant_id text not null,
  livemode bigint not null,
  stripe_payout_id text not null,
  stripe_balance_transaction_id text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, stripe_payout_id, stripe_balance_transaction_id),
  constraint payout_items_payout foreign key (tenant_id, livemode, stripe_payout_id)
    references payouts (tenant_id, livemode, stripe_payout_id),
  constraint payout_items_balance_transaction foreign key (tenant_id, livemode, stripe_balance_transaction_id)
    references balance_transactions (tenant_id, livemode, stripe_balance_transaction_id)
);

-- What each day's comparison of invoices, books and Stripe's balance came to, the newest of the day. Days are
-- written YYYY-MM-DD, in UTC.
create table tie_outs (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  currency text not null,
  day text not null,
  invoices_owed bigint not null,
  books_receivable bigint not null,
  credit_left bigint not null,
  books_credit bigint not null,
  stripe_balance bigint not null,
  books_clearing bigint not null,
  external bigint not null,
  on_the_way bigint not null,
  unexplained bigint not null,
  facts bigint not null,
  read_at bigint,
  created_at bigint not null,
  primary key (tenant_id, livemode, currency, day)
);

-- Balances at the end of an hour that is over, so that a balance is one of these and the few entries since. A book
-- is an account of the ledger, or a client. Written once, never changed.
create table ledger_balances (
  tenant_id text not null,
  livemode bigint not null,
  book text not null,
  currency text not null,
  ends_at bigint not null,
  balance bigint not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, book, currency, ends_at)
);

drop index ledger_entries_by_account;
create index ledger_entries_by_account
  on ledger_entries (tenant_id, livemode, account, currency, created_at, amount);
create index ledger_transactions_by_payment on ledger_transactions (tenant_id, livemode, payment_id)
  where payment_id is not null;

-- What each transaction changed of what a client owes: receivables and credit together.
create table client_lines (
  tenant_id text not null,
  livemode bigint not null,
  client_id text not null,
  currency text not null,
  transaction_id text not null,
  amount bigint not null check (amount <> 0),
  created_at bigint not null,
  primary key (tenant_id, livemode, transaction_id),
  constraint client_lines_transaction foreign key (tenant_id, livemode, transaction_id)
    references ledger_transactions (tenant_id, livemode, id),
  constraint client_lines_client foreign key (tenant_id, livemode, client_id)
    references clients (tenant_id, livemode, id)
);
create index client_lines_by_client
  on client_lines (tenant_id, livemode, client_id, currency, created_at, transaction_id, amount);

insert into client_lines (tenant_id, livemode, client_id, currency, transaction_id, amount, created_at)
select t.tenant_id, t.livemode, min(i.client_id), t.currency, t.id, sum(e.amount), t.created_at
from ledger_transactions t
join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id
  and e.account in ('receivable', 'client_credit')
left join payments p on p.tenant_id = t.tenant_id and p.livemode = t.livemode and p.id = t.payment_id
join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode
  and i.id = coalesce(t.invoice_id, p.invoice_id)
group by t.tenant_id, t.livemode, t.id, t.currency, t.created_at
having sum(e.amount) <> 0;

-- engine: sqlite
create trigger ledger_balances_append_only_update before update on ledger_balances
begin select raise(abort, 'ledger_balances is append-only'); end;
create trigger ledger_balances_append_only_delete before delete on ledger_balances
begin select raise(abort, 'ledger_balances is append-only'); end;
create trigger client_lines_append_only_update before update on client_lines
begin select raise(abort, 'client_lines is append-only'); end;
create trigger client_lines_append_only_delete before delete on client_lines
begin select raise(abort, 'client_lines is append-only'); end;
-- engine: postgres
create trigger ledger_balances_append_only before update or delete on ledger_balances
for each row execute function append_only();
create trigger client_lines_append_only before update or delete on client_lines
for each row execute function append_only();
-- engine: both
