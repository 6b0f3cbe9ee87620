-- How a tenant's invoices are numbered, and the terms that a new one begins with.

create table invoice_settings (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  prefix text not null,
  due_days bigint,
  memo text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode)
);

-- The last number of each series but the first one, whose is in invoice_numbers.
create table invoice_series (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  prefix text not null,
  last_number bigint not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, prefix)
);
