-- What an API key may do and until when; the operator's own keys; and whether a tenant may take new payments.
-- A key from before this step goes on doing everything.

alter table api_keys add column permissions text not null default 'all';
alter table api_keys add column expires_at bigint;
alter table api_keys add column last_used_at bigint;
create index api_keys_of_tenant on api_keys (tenant_id, livemode, id);

create table platform_keys (
  id text not null primary key,
  name text not null,
  secret_hash text not null,
  last4 text not null,
  last_used_at bigint,
  revoked_at bigint,
  created_at bigint not null
);
create unique index platform_keys_secret_hash on platform_keys (secret_hash);

alter table tenants add column status text not null default 'active' check (status in ('active', 'suspended', 'closed'));
alter table tenants add column status_reason text;
alter table tenants add column status_at bigint;
