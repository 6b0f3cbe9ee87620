-- A snapshot and its thin twin tell of one change: both are kept, and the second names the row of the
-- first.
alter table stripe_webhook_events add column snapshot_event text;
alter table stripe_webhook_events add column dup_of text;
create index stripe_webhook_events_twin on stripe_webhook_events (livemode, stripe_account_id, snapshot_event)
  where snapshot_event is not null;

-- Subscriptions of Stripe's own billing, as they were read last: of tenants' clients on the tenants'
-- accounts, and, under the platform's own id and without an account, of tenants on the platform's account.
-- Times are milliseconds.
create table subscriptions (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  stripe_subscription_id text not null,
  stripe_account_id text not null,
  stripe_customer_id text not null,
  version bigint not null,
  status text not null,
  currency text,
  collection_method text,
  period_start bigint,
  period_end bigint,
  trial_start bigint,
  trial_end bigint,
  cancel_at bigint,
  cancel_at_period_end bigint not null check (cancel_at_period_end in (0, 1)),
  canceled_at bigint,
  ended_at bigint,
  started_at bigint,
  invoice_id text,
  invoice_status text,
  invoice_amount_due bigint,
  invoice_amount_paid bigint,
  invoice_currency text,
  invoice_url text,
  unreachable_since bigint,
  next_check_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, stripe_subscription_id)
);
create index subscriptions_account on subscriptions (tenant_id, livemode, stripe_account_id);
create index subscriptions_due on subscriptions (next_check_at) where next_check_at is not null;

create table subscription_items (
  tenant_id text not null,
  livemode bigint not null,
  stripe_subscription_id text not null,
  position bigint not null,
  stripe_item_id text not null,
  price_id text,
  quantity bigint,
  unit_amount bigint,
  currency text,
  period text,
  period_count bigint,
  primary key (tenant_id, livemode, stripe_subscription_id, position)
);

-- Which customer of the platform's own account a tenant is: said by the operator, never read from
-- metadata.
create table platform_customers (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  stripe_customer_id text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode)
);
create unique index platform_customers_customer on platform_customers (livemode, stripe_customer_id);
