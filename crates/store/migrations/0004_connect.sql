-- How tenants connect a Stripe account: one-time links through Stripe's pages, and what the account is then.

-- Of a state only the SHA-256 is kept: what is read here opens nothing.
create table connect_states (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  state_hash text not null,
  kind text not null check (kind in ('return', 'refresh', 'oauth', 'watch')),
  stripe_account_id text,
  expires_at bigint not null,
  used_at bigint,
  created_at bigint not null,
  primary key (tenant_id, livemode, state_hash)
);
create unique index connect_states_hash on connect_states (state_hash);
create index connect_states_expired on connect_states (expires_at);

-- Whether we made the account or its owner gave us access to it: the two end differently.
alter table stripe_config add column origin text not null default 'created'
  check (origin in ('created', 'oauth'));

-- Wallets show up on a page only if its domain is registered on the account that is paid.
create table payment_method_domains (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  stripe_account_id text not null,
  domain_name text not null,
  stripe_domain_id text,
  enabled bigint not null check (enabled in (0, 1)),
  apple_pay text,
  google_pay text,
  link text,
  last_error text,
  tries bigint not null,
  next_try_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, stripe_account_id, domain_name)
);
create index payment_method_domains_due on payment_method_domains (next_try_at)
  where next_try_at is not null;
