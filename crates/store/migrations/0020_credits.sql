-- A client's credit pays an invoice: one application, with a row for each piece of credit that it took.

create table credit_applications (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  id text not null,
  position bigint not null,
  client_id text not null,
  invoice_id text not null,
  client_credit_id text not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  created_at bigint not null,
  primary key (tenant_id, livemode, id, position),
  constraint credit_applications_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id),
  constraint credit_applications_credit foreign key (tenant_id, livemode, client_credit_id)
    references client_credits (tenant_id, livemode, id)
);
create index credit_applications_by_invoice on credit_applications (tenant_id, livemode, invoice_id, id);
create index credit_applications_by_credit on credit_applications (tenant_id, livemode, client_credit_id);
