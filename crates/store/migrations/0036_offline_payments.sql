-- Money that came without Stripe: what somebody said is there, and whether that was taken back.

create table offline_payments (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  id text not null,
  invoice_id text not null,
  client_id text not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  method text not null check (method in ('bank_transfer', 'cheque', 'cash', 'other')),
  reference text,
  -- The day, as YYYY-MM-DD, on which the money came.
  received_on text not null,
  created_at bigint not null,
  reversed_at bigint,
  -- Why it was taken back, where somebody said so.
  reversal_reason text,
  primary key (tenant_id, livemode, id),
  constraint offline_payments_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);
create index offline_payments_by_invoice on offline_payments (tenant_id, livemode, invoice_id, id);
