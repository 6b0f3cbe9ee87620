-- Disputes: the payer's bank asks about a payment or takes its money back. Amounts are in the dispute's currency,
-- but for fees, which are in the balance's.

create table disputes (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  id text not null,
  payment_id text not null,
  stripe_account_id text not null,
  stripe_dispute_id text not null,
  currency text not null,
  amount bigint not null,
  reason text not null,
  network_reason_code text,
  -- Stripe's word, one that no version of ours knows included.
  status text not null,
  due_at bigint,
  submissions bigint not null,
  withdrawn bigint not null check (withdrawn >= 0),
  reinstated bigint not null check (reinstated >= 0),
  fee bigint not null,
  fee_currency text,
  settlement text not null check (settlement in ('none', 'undecided', 'still_owed', 'forgiven')),
  settled bigint not null check (settled >= 0),
  settled_at bigint,
  credit_note_id text,
  -- What is to be told to the bank, as JSON by field, and how often it was changed.
  evidence text not null,
  evidence_version bigint not null,
  submitted_version bigint,
  submitted_at bigint,
  -- The answer to it that is on its way to Stripe.
  operation_id text,
  version bigint not null,
  next_check_at bigint,
  opened_at bigint not null,
  closed_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint disputes_payment foreign key (tenant_id, livemode, payment_id)
    references payments (tenant_id, livemode, id)
);
create unique index disputes_stripe_id on disputes (livemode, stripe_account_id, stripe_dispute_id);
create index disputes_by_payment on disputes (tenant_id, livemode, payment_id);
create index disputes_by_operation on disputes (tenant_id, livemode, operation_id);
create index disputes_due on disputes (next_check_at) where next_check_at is not null;

-- How a dispute moved money: one row for each balance transaction, with Stripe's signs, in the balance's currency.
create table dispute_movements (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  stripe_balance_transaction_id text not null,
  dispute_id text not null,
  amount bigint not null,
  fee bigint not null,
  currency text not null,
  -- The same amount in the dispute's currency.
  disputed bigint not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, stripe_balance_transaction_id),
  constraint dispute_movements_dispute foreign key (tenant_id, livemode, dispute_id)
    references disputes (tenant_id, livemode, id)
);
create index dispute_movements_by_dispute on dispute_movements (tenant_id, livemode, dispute_id);

-- Whether and when the payer saw the invoice: what a bank asks for.
alter table pay_links add column views bigint not null default 0;
alter table pay_links add column first_viewed_at bigint;
alter table pay_links add column last_viewed_at bigint;
