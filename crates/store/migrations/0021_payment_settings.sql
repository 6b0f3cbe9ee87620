-- What a tenant's payers may choose. Without a row: all of one invoice, by card.
create table payment_settings (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  partial bigint not null check (partial in (0, 1)),
  several bigint not null check (several in (0, 1)),
  bank_debits bigint not null check (bank_debits in (0, 1)),
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode)
);

-- The least part of an invoice that may be paid, by currency.
create table payment_minimums (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  currency text not null,
  minimum bigint not null check (minimum > 0),
  created_at bigint not null,
  primary key (tenant_id, livemode, currency)
);
