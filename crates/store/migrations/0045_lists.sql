-- What lists are searched and narrowed by, so that a page takes as long with many rows as with few.

-- Clients by every part of their search key that is three characters long, and by its last two and its last one: whoever has
-- a text in the key has the first three characters of that text as a part, or a part that begins with the text.
create table client_parts (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  part text not null,
  client_id text not null,
  primary key (tenant_id, livemode, part, client_id)
);

-- engine: sqlite
-- 1, 2, 3 and so on, as far as any key is long.
create table places (
  nth bigint not null primary key
);
insert into places (nth)
with recursive count_up (nth) as (select 1 union all select nth + 1 from count_up where nth < 3000)
select nth from count_up;

create trigger client_parts_insert after insert on clients
begin
  insert into client_parts (tenant_id, livemode, part, client_id)
  select distinct new.tenant_id, new.livemode, substr(new.search_key, places.nth, 3), new.id
  from places
  where places.nth <= length(new.search_key);
end;
create trigger client_parts_update after update of search_key on clients
when old.search_key <> new.search_key
begin
  delete from client_parts
  where tenant_id = old.tenant_id and livemode = old.livemode and client_id = old.id
    and part in (select substr(old.search_key, places.nth, 3) from places where places.nth <= length(old.search_key));
  insert into client_parts (tenant_id, livemode, part, client_id)
  select distinct new.tenant_id, new.livemode, substr(new.search_key, places.nth, 3), new.id
  from places
  where places.nth <= length(new.search_key);
end;

insert into client_parts (tenant_id, livemode, part, client_id)
select distinct clients.tenant_id, clients.livemode, substr(clients.search_key, places.nth, 3), clients.id
from clients
join places on places.nth <= length(clients.search_key);
-- engine: postgres
create function client_parts_keep() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.search_key = new.search_key then
      return null;
    end if;
    delete from client_parts
    where tenant_id = old.tenant_id and livemode = old.livemode and client_id = old.id
      and part in (select substr(old.search_key, nth, 3) from generate_series(1, length(old.search_key)) nth);
  end if;
  insert into client_parts (tenant_id, livemode, part, client_id)
  select distinct new.tenant_id, new.livemode, substr(new.search_key, nth, 3), new.id
  from generate_series(1, length(new.search_key)) nth;
  return null;
end $$;
create trigger client_parts after insert or update of search_key on clients
for each row execute function client_parts_keep();

insert into client_parts (tenant_id, livemode, part, client_id)
select distinct tenant_id, livemode, substr(search_key, nth, 3), id
from clients, lateral generate_series(1, length(search_key)) nth;
-- engine: both

-- Invoices by the day of which a list speaks, by their total, and what is overdue in its order.
create index invoices_by_issue on invoices (tenant_id, livemode, (coalesce(finalized_at, created_at)), id);
create index invoices_by_status_and_issue
  on invoices (tenant_id, livemode, status, (coalesce(finalized_at, created_at)), id);
create index invoices_by_total on invoices (tenant_id, livemode, currency, total, id);
create index invoices_due on invoices (tenant_id, livemode, due_date, id) where status = 'open';

-- With the payment in it: SQLite, which goes by indexes that have all it needs, looked through every part of everybody's
-- invoices for one of them.
drop index payment_parts_by_invoice;
create index payment_parts_by_invoice on payment_parts (tenant_id, livemode, invoice_id, payment_id);

-- In the order in which they are read: SQLite, which has no statistics, goes by the primary key where that has the wanted
-- order, and so looked through all that a tenant has.
create index client_credits_of_client on client_credits (tenant_id, livemode, client_id, id);
drop index client_credits_by_invoice;
create index client_credits_by_invoice on client_credits (tenant_id, livemode, invoice_id, id);
drop index client_credits_by_payment;
create index client_credits_by_payment on client_credits (tenant_id, livemode, payment_id, id);
drop index credit_applications_by_credit;
create index credit_applications_by_credit on credit_applications (tenant_id, livemode, client_credit_id, invoice_id);
drop index balance_transactions_by_intent;
create index balance_transactions_by_intent
  on balance_transactions (tenant_id, livemode, stripe_payment_intent_id, stripe_balance_transaction_id)
  where stripe_payment_intent_id is not null;
drop index balance_transactions_by_charge;
create index balance_transactions_by_charge
  on balance_transactions (tenant_id, livemode, stripe_charge_id, stripe_balance_transaction_id)
  where stripe_charge_id is not null;
drop index balance_transactions_by_payment;
create index balance_transactions_by_payment
  on balance_transactions (tenant_id, livemode, payment_id, made_at, stripe_balance_transaction_id)
  where payment_id is not null;
create index balance_transactions_by_fee
  on balance_transactions (tenant_id, livemode, stripe_application_fee_id, stripe_balance_transaction_id)
  where stripe_application_fee_id is not null;
drop index balance_transactions_by_source;
create index balance_transactions_by_source
  on balance_transactions (tenant_id, livemode, source_id, stripe_balance_transaction_id);
drop index balance_transactions_waiting;
create index balance_transactions_waiting
  on balance_transactions (tenant_id, livemode, stripe_account_id, stripe_balance_transaction_id)
  where attribution = 'waiting';
drop index application_fee_refunds_by_fee;
create index application_fee_refunds_by_fee
  on application_fee_refunds (tenant_id, livemode, stripe_application_fee_id, stripe_fee_refund_id);
drop index dispute_movements_by_dispute;
create index dispute_movements_by_dispute
  on dispute_movements (tenant_id, livemode, dispute_id, created_at, stripe_balance_transaction_id);
drop index disputes_by_payment;
create index disputes_by_payment on disputes (tenant_id, livemode, payment_id, id);
create index application_fees_by_charge on application_fees (tenant_id, livemode, stripe_charge_id);
create index external_objects_by_id on external_objects (tenant_id, livemode, object_id);

-- The operator's mails are found by their ids alone.
create index mails_by_id on mails (id);
-- What may still be carried out, which a server that starts looks for.
create index requests_in_flight on requests (lease_until) where status = 'in_flight';

-- What the API's lists are narrowed by.
create index payments_by_status on payments (tenant_id, livemode, status, id);
create index refunds_by_status on refunds (tenant_id, livemode, status, id);
create index disputes_by_status on disputes (tenant_id, livemode, status, id);
create index disputes_by_opening on disputes (tenant_id, livemode, opened_at, id);
create index disputes_by_currency on disputes (tenant_id, livemode, currency);
create index disputes_by_status_and_opening on disputes (tenant_id, livemode, status, opened_at, id);
create index credit_notes_by_client on credit_notes (tenant_id, livemode, client_id, id);
-- The platform's fee of a payment that is shown.
create index application_fees_by_payment
  on application_fees (tenant_id, livemode, payment_id, stripe_application_fee_id) where payment_id is not null;
-- The lists of the dispute desk.
create index disputes_open on disputes (tenant_id, livemode, (coalesce(due_at, 9223372036854775807)), id)
  where closed_at is null;
create index disputes_over on disputes (tenant_id, livemode, id) where closed_at is not null;
create index disputes_to_decide on disputes (tenant_id, livemode, id) where settlement = 'undecided';
