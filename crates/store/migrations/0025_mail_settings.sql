-- How a tenant writes to its clients. Without a row: in its own name, in English, receipts, no reminders.
create table mail_settings (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  sender_name text,
  reply_to text,
  language text not null,
  receipts bigint not null check (receipts in (0, 1)),
  -- Days from the due date, negative before it, ascending, separated by commas.
  reminder_days text not null,
  -- The first day of the plan as it is: steps before it are not made up for.
  reminders_from text,
  -- Addresses that get a copy of what clients get, separated by spaces.
  copies text not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode)
);

-- Which staff are told of what: kinds separated by spaces.
create table mail_notices (
  tenant_id text not null references tenants (id),
  livemode bigint not null check (livemode in (0, 1)),
  address_key text not null,
  address text not null,
  name text,
  language text not null,
  kinds text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, address_key)
);

-- Where a client's mails go and in which language. Without a row: to its e-mail address, in the tenant's language.
create table client_mail_settings (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  client_id text not null,
  language text,
  -- Addresses separated by spaces.
  billing_addresses text not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, client_id),
  constraint client_mail_settings_client foreign key (tenant_id, livemode, client_id)
    references clients (tenant_id, livemode, id)
);

-- The day on which a client has promised to pay: until it is over, nobody is reminded.
create table invoice_promises (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  invoice_id text not null,
  promised_for text not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, invoice_id),
  constraint invoice_promises_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);

create index invoices_open_due on invoices (tenant_id, livemode, due_date, id) where status = 'open';
