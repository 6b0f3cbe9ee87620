-- What a tenant's documents and pay pages say of it. Without a row: its name.
create table business_details (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  name text,
  address text not null,
  tax_id text,
  email text,
  phone text,
  footer text,
  bank_details text,
  cheque_details text,
  page_size text not null check (page_size in ('a4', 'letter')),
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode)
);

-- A tenant's logo: a PNG of our own writing, in base64.
create table logos (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  png text not null,
  width bigint not null check (width > 0),
  height bigint not null check (height > 0),
  -- SHA-256 of the PNG, in hex: by which the audit log names it.
  digest text not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode)
);
