-- Money that goes back to payers, and what the platform gives back of its fees.

-- What is refunded, or may be: no two refunds share a cent. And what disputes have taken and not given back.
alter table payments add column reserved bigint not null default 0 check (reserved >= 0);
alter table payments add column disputed bigint not null default 0 check (disputed >= 0);

create table refunds (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  payment_id text not null,
  invoice_id text,
  stripe_account_id text not null,
  stripe_refund_id text,
  origin text not null check (origin in ('api', 'stripe')),
  currency text not null,
  amount bigint not null check (amount > 0),
  reason text,
  settlement text not null check (settlement in ('still_owed', 'forgiven')),
  status text not null,
  failure_reason text,
  balance_transaction_id text,
  failure_balance_transaction_id text,
  fee text not null check (fee in ('kept', 'returned')),
  fee_status text not null check (fee_status in ('kept', 'due', 'sent', 'returned', 'refused')),
  fee_amount bigint not null default 0 check (fee_amount >= 0),
  stripe_fee_refund_id text,
  version bigint not null,
  next_check_at bigint,
  booked_at bigint,
  reversed_at bigint,
  succeeded_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint refunds_payment foreign key (tenant_id, livemode, payment_id)
    references payments (tenant_id, livemode, id),
  constraint refunds_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);
create unique index refunds_at_stripe on refunds (livemode, stripe_account_id, stripe_refund_id);
create unique index refunds_fee_refund on refunds (livemode, stripe_fee_refund_id);
create index refunds_by_payment on refunds (tenant_id, livemode, payment_id, id);
create index refunds_due on refunds (next_check_at) where next_check_at is not null;

-- What a refund was taken from once its money had left: an invoice's settled part, or unused credit. A refund that
-- failed gives it back.
create table refund_takings (
  tenant_id text not null,
  livemode bigint not null,
  refund_id text not null,
  position bigint not null,
  invoice_id text not null,
  client_credit_id text,
  amount bigint not null check (amount > 0),
  created_at bigint not null,
  primary key (tenant_id, livemode, refund_id, position),
  constraint refund_takings_refund foreign key (tenant_id, livemode, refund_id)
    references refunds (tenant_id, livemode, id),
  constraint refund_takings_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id),
  constraint refund_takings_credit foreign key (tenant_id, livemode, client_credit_id)
    references client_credits (tenant_id, livemode, id)
);
create index refund_takings_by_invoice on refund_takings (tenant_id, livemode, invoice_id);

-- What was given back of each application fee, by whomever.
create table application_fee_refunds (
  tenant_id text not null,
  livemode bigint not null,
  stripe_fee_refund_id text not null,
  stripe_application_fee_id text not null,
  amount bigint not null check (amount > 0),
  currency text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, stripe_fee_refund_id),
  constraint application_fee_refunds_fee foreign key (tenant_id, livemode, stripe_application_fee_id)
    references application_fees (tenant_id, livemode, stripe_application_fee_id)
);
create unique index application_fee_refunds_id on application_fee_refunds (livemode, stripe_fee_refund_id);
create index application_fee_refunds_by_fee
  on application_fee_refunds (tenant_id, livemode, stripe_application_fee_id);

-- A write may be about something other than a payment's intent, and waits for none of its writes: one at a time for
-- each subject.
alter table stripe_operations add column subject_id text;
create unique index stripe_operations_one_open_of_subject on stripe_operations (tenant_id, livemode, subject_id)
  where status in ('sent', 'unknown');
create index stripe_operations_by_subject on stripe_operations (tenant_id, livemode, subject_id, id);
