-- What money back needs first: a payment may be split over invoices, credit notes reduce what is owed, and money
-- that no invoice took up is a client's credit.

alter table invoices add column credited bigint not null default 0
  check (credited >= 0 and applied + credited <= total);

-- Which invoices a payment pays, in the order in which money is given to them. Live as long as money could still
-- arrive by the payment.
create table payment_parts (
  tenant_id text not null,
  livemode bigint not null,
  payment_id text not null,
  invoice_id text not null,
  position bigint not null,
  amount bigint not null check (amount > 0),
  applied bigint not null check (applied >= 0),
  live bigint not null check (live in (0, 1)),
  created_at bigint not null,
  primary key (tenant_id, livemode, payment_id, position),
  constraint payment_parts_payment foreign key (tenant_id, livemode, payment_id)
    references payments (tenant_id, livemode, id),
  constraint payment_parts_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);
create unique index payment_parts_once on payment_parts (tenant_id, livemode, payment_id, invoice_id);
create index payment_parts_by_invoice on payment_parts (tenant_id, livemode, invoice_id);

insert into payment_parts (tenant_id, livemode, payment_id, invoice_id, position, amount, applied, live, created_at)
select p.tenant_id, p.livemode, p.id, p.invoice_id, 1, p.amount,
  coalesce((
    select -sum(e.amount)
    from ledger_transactions t
    join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id
    where t.tenant_id = p.tenant_id and t.livemode = p.livemode and t.kind = 'payment' and t.payment_id = p.id
      and e.account = 'receivable'), 0),
  case when p.status in ('succeeded', 'canceled', 'failed') then 0 else 1 end,
  p.created_at
from payments p;

-- At most one live payable object per invoice, also where one payment pays several.
create unique index payment_parts_one_live on payment_parts (tenant_id, livemode, invoice_id) where live = 1;

-- Which invoice an entry settles, where its transaction is about several.
alter table ledger_entries add column invoice_id text;

create table credit_note_numbers (
  tenant_id text not null references tenants (id),
  livemode bigint not null,
  last_number bigint not null,
  created_at bigint not null,
  primary key (tenant_id, livemode)
);

-- Credit notes never change. to_invoice reduced what was owed, to_credit became the client's credit.
create table credit_notes (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  number text not null,
  invoice_id text not null,
  client_id text not null,
  currency text not null,
  reason text not null,
  subtotal bigint not null check (subtotal >= 0),
  tax bigint not null check (tax >= 0),
  total bigint not null check (total > 0),
  to_invoice bigint not null check (to_invoice >= 0),
  to_credit bigint not null check (to_credit >= 0),
  refund_id text,
  dispute_id text,
  created_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint credit_notes_total check (total = subtotal + tax and total = to_invoice + to_credit),
  constraint credit_notes_invoice foreign key (tenant_id, livemode, invoice_id)
    references invoices (tenant_id, livemode, id)
);
create unique index credit_notes_number on credit_notes (tenant_id, livemode, number);
create index credit_notes_by_invoice on credit_notes (tenant_id, livemode, invoice_id, id);
create unique index credit_notes_refund on credit_notes (tenant_id, livemode, refund_id, invoice_id)
  where refund_id is not null;
create unique index credit_notes_dispute on credit_notes (tenant_id, livemode, dispute_id, invoice_id)
  where dispute_id is not null;

-- Money of a client that no invoice has taken up, by where it came from. What remains only falls when an invoice
-- takes it up or it goes back to the payer.
create table client_credits (
  tenant_id text not null,
  livemode bigint not null,
  id text not null,
  client_id text not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  remaining bigint not null check (remaining >= 0 and remaining <= amount),
  invoice_id text,
  payment_id text,
  credit_note_id text,
  created_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint client_credits_client foreign key (tenant_id, livemode, client_id)
    references clients (tenant_id, livemode, id)
);
create index client_credits_by_client on client_credits (tenant_id, livemode, client_id, currency, id);
create index client_credits_by_invoice on client_credits (tenant_id, livemode, invoice_id);
create index client_credits_by_payment on client_credits (tenant_id, livemode, payment_id);

insert into client_credits (tenant_id, livemode, id, client_id, currency, amount, remaining, invoice_id, payment_id,
  created_at)
select t.tenant_id, t.livemode, 'ccr' || substr(t.id, 4), i.client_id, t.currency, -e.amount, -e.amount, i.id,
  t.payment_id, t.created_at
from ledger_transactions t
join ledger_entries e on e.tenant_id = t.tenant_id and e.livemode = t.livemode and e.transaction_id = t.id
  and e.account = 'client_credit'
join invoices i on i.tenant_id = t.tenant_id and i.livemode = t.livemode and i.id = t.invoice_id
where t.kind = 'payment' and e.amount < 0;

-- engine: sqlite
create trigger credit_notes_append_only_update before update on credit_notes
begin select raise(abort, 'credit_notes is append-only'); end;
create trigger credit_notes_append_only_delete before delete on credit_notes
begin select raise(abort, 'credit_notes is append-only'); end;
-- engine: postgres
create trigger credit_notes_append_only before update or delete on credit_notes
for each row execute function append_only();
-- engine: both
