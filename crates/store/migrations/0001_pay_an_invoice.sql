-- Money is in minor units of the row's currency, times in milliseconds since the epoch, livemode 0 or 1.

create table tenants (
  id text not null primary key,
  name text not null,
  support_email text,
  created_at bigint not null
);

create table api_keys (
  id text not null primary key,
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  name text not null,
  secret_hash text not null,
  last4 text not null,
  revoked_at bigint,
  created_at bigint not null
);
create unique index api_keys_secret_hash on api_keys (secret_hash);

create table stripe_config (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  stripe_account_id text not null,
  charges_enabled bigint not null check (charges_enabled in (0, 1)),
  payouts_enabled bigint not null check (payouts_enabled in (0, 1)),
  details_submitted bigint not null check (details_submitted in (0, 1)),
  card_payments_active bigint not null check (card_payments_active in (0, 1)),
  capabilities text not null,
  requirements text not null,
  fee_bps bigint,
  connected_at bigint not null,
  disconnected_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode)
);
create unique index stripe_config_account on stripe_config (stripe_account_id, livemode);

create table clients (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  id text not null,
  name text not null,
  email text,
  created_at bigint not null,
  primary key (tenant_id, livemode, id)
);

create table invoice_numbers (
  tenant_id text not null references tenants (id),
  livemode bigint not null,
  last_number bigint not null,
  created_at bigint not null,
  primary key (tenant_id, livemode)
);

create table invoices (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  client_id text not null,
  number text,
  currency text not null,
  memo text,
  due_date text,
  status text not null check (status in ('draft', 'open', 'processing', 'paid', 'void')),
  version bigint not null,
  subtotal bigint not null check (subtotal >= 0),
  tax bigint not null check (tax >= 0),
  total bigint not null,
  applied bigint not null check (applied >= 0),
  created_at bigint not null,
  finalized_at bigint,
  paid_at bigint,
  voided_at bigint,
  primary key (tenant_id, livemode, id),
  constraint invoices_client foreign key (tenant_id, livemode, client_id)
    references clients (tenant_id, livemode, id),
  constraint invoices_total check (total = subtotal + tax),
  constraint invoices_applied check (applied <= total)
);
create unique index invoices_number on invoices (tenant_id, livemode, number);
create index invoices_by_client on invoices (tenant_id, livemode, client_id, id);

create table invoice_lines (
  tenant_id text not null,
  livemode bigint not null,
  invoice_id text not null,
  position bigint not null,
  description text not null,
  quantity_thousandths bigint not null check (quantity_thousandths > 0),
  unit_price bigint not null check (unit_price >= 0),
  tax_rate_thousandths bigint not null check (tax_rate_thousandths >= 0),
  amount bigint not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, invoice_id, position),
  constraint invoice_lines_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);

create table pay_links (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  invoice_id text not null,
  generation bigint not null,
  expires_at bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint pay_links_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);
create unique index pay_links_id on pay_links (id);
create unique index pay_links_one_per_invoice on pay_links (tenant_id, livemode, invoice_id);

create table payments (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  invoice_id text not null,
  attempt bigint not null,
  stripe_account_id text not null,
  stripe_payment_intent_id text,
  stripe_charge_id text,
  currency text not null,
  amount bigint not null check (amount > 0),
  received bigint not null check (received >= 0),
  refunded bigint not null check (refunded >= 0),
  application_fee bigint,
  stripe_fee bigint,
  net bigint,
  status text not null,
  declines bigint not null,
  failure_code text,
  method_brand text,
  method_last4 text,
  version bigint not null,
  next_check_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  succeeded_at bigint,
  primary key (tenant_id, livemode, id),
  constraint payments_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);
-- At most one live payable object per invoice.
create unique index payments_one_live on payments (tenant_id, livemode, invoice_id)
  where status not in ('succeeded', 'canceled', 'failed');
create unique index payments_attempt on payments (tenant_id, livemode, invoice_id, attempt);
create unique index payments_intent on payments (livemode, stripe_account_id, stripe_payment_intent_id);
create unique index payments_charge on payments (livemode, stripe_account_id, stripe_charge_id);
create index payments_due on payments (next_check_at) where next_check_at is not null;
create index payments_newest on payments (created_at);

create table stripe_operations (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  payment_id text,
  kind text not null,
  idempotency_key text not null,
  stripe_account_id text not null,
  path text not null,
  params text not null,
  status text not null check (status in ('sent', 'unknown', 'succeeded', 'failed', 'absent')),
  attempts bigint not null,
  lease_until bigint not null,
  first_sent_at bigint not null,
  answered_at bigint,
  http_status bigint,
  request_id text,
  result_id text,
  last_error text,
  created_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint stripe_operations_payment foreign key (tenant_id, livemode, payment_id)
    references payments (tenant_id, livemode, id)
);
create unique index stripe_operations_key on stripe_operations (idempotency_key);
-- One write of a payment at a time: the next one waits until the outcome of the last is known.
create unique index stripe_operations_one_open on stripe_operations (tenant_id, livemode, payment_id)
  where status in ('sent', 'unknown');
create index stripe_operations_due on stripe_operations (lease_until) where status in ('sent', 'unknown');

create table stripe_webhook_events (
  id text not null primary key,
  event_id text not null,
  stripe_account_id text not null,
  livemode bigint not null,
  kind text not null check (kind in ('snapshot', 'thin')),
  type text not null,
  object_id text,
  api_version text,
  idempotency_key text,
  body text not null,
  tenant_id text,
  status text not null,
  attempts bigint not null,
  deliveries bigint not null,
  next_attempt_at bigint,
  last_error text,
  created_at bigint not null,
  processed_at bigint
);
create unique index stripe_webhook_events_once
  on stripe_webhook_events (livemode, stripe_account_id, event_id);
create index stripe_webhook_events_due on stripe_webhook_events (next_attempt_at, id)
  where next_attempt_at is not null;
create index stripe_webhook_events_newest on stripe_webhook_events (created_at);

create table application_fees (
  tenant_id text not null,
  livemode bigint not null,
  stripe_application_fee_id text not null,
  stripe_account_id text not null,
  stripe_charge_id text not null,
  payment_id text,
  amount bigint not null,
  refunded bigint not null,
  currency text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, stripe_application_fee_id)
);
create unique index application_fees_id on application_fees (livemode, stripe_application_fee_id);

create table external_objects (
  tenant_id text not null,
  livemode bigint not null,
  stripe_account_id text not null,
  object_id text not null,
  type text not null,
  status text,
  amount bigint,
  currency text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, stripe_account_id, object_id)
);

create table ledger_transactions (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  kind text not null,
  source_id text not null,
  invoice_id text,
  payment_id text,
  currency text not null,
  reverses text,
  created_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint ledger_transactions_reverses foreign key (tenant_id, livemode, reverses)
    references ledger_transactions (tenant_id, livemode, id)
);
create unique index ledger_transactions_once on ledger_transactions (tenant_id, livemode, kind, source_id);
create unique index ledger_transactions_reversed on ledger_transactions (tenant_id, livemode, reverses);

create table ledger_entries (
  tenant_id text not null,
  livemode bigint not null,
  transaction_id text not null,
  position bigint not null,
  account text not null,
  currency text not null,
  amount bigint not null check (amount <> 0),
  created_at bigint not null,
  primary key (tenant_id, livemode, transaction_id, position),
  constraint ledger_entries_transaction foreign key (tenant_id, livemode, transaction_id)
    references ledger_transactions (tenant_id, livemode, id)
);
create index ledger_entries_by_account on ledger_entries (tenant_id, livemode, account, currency);

create table reconciliation_breaks (
  id text not null primary key,
  tenant_id text,
  livemode bigint not null,
  kind text not null,
  subject_id text not null,
  detail text not null,
  created_at bigint not null,
  resolved_at bigint
);
create unique index reconciliation_breaks_once on reconciliation_breaks (livemode, kind, subject_id);

create table state_history (
  tenant_id text not null,
  livemode bigint not null,
  subject_id text not null,
  version bigint not null,
  from_state text,
  to_state text not null,
  cause text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, subject_id, version)
);

-- The books and the history only grow.
-- engine: sqlite
create trigger ledger_transactions_append_only_update before update on ledger_transactions
begin select raise(abort, 'ledger_transactions is append-only'); end;
create trigger ledger_transactions_append_only_delete before delete on ledger_transactions
begin select raise(abort, 'ledger_transactions is append-only'); end;
create trigger ledger_entries_append_only_update before update on ledger_entries
begin select raise(abort, 'ledger_entries is append-only'); end;
create trigger ledger_entries_append_only_delete before delete on ledger_entries
begin select raise(abort, 'ledger_entries is append-only'); end;
create trigger state_history_append_only_update before update on state_history
begin select raise(abort, 'state_history is append-only'); end;
create trigger state_history_append_only_delete before delete on state_history
begin select raise(abort, 'state_history is append-only'); end;
-- engine: postgres
create function append_only() returns trigger language plpgsql as $$
begin raise exception '% is append-only', tg_table_name; end $$;
create trigger ledger_transactions_append_only before update or delete on ledger_transactions
for each row execute function append_only();
create trigger ledger_entries_append_only before update or delete on ledger_entries
for each row execute function append_only();
create trigger state_history_append_only before update or delete on state_history
for each row execute function append_only();
-- engine: both
