-- Sums of what pages add up, by day, so that a page reads days and not every payment or invoice: what was collected on
-- each day, and what is owed by each due date. Triggers write one row for each change and never touch a row that is
-- there, so that no two payments wait for each other; the worker folds rows of the same day into one.
--
-- The view says what the sums are sums of: at every moment the rows of a day here add up to its rows there.

create table day_sums (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  -- What was received, or what is owed by invoices that stand so.
  kind text not null check (kind in ('received', 'open', 'processing')),
  currency text not null,
  -- YYYY-MM-DD: the day on which money moved, or the due date; empty for invoices without one.
  day text not null,
  amount bigint not null,
  -- The platform's fees within what was received.
  fees bigint not null,
  -- Payments, or invoices.
  counted bigint not null,
  folded bigint not null check (folded in (0, 1))
);
create index day_sums_by_day on day_sums (tenant_id, livemode, kind, day, currency, amount, fees, counted);
create index day_sums_to_fold on day_sums (tenant_id, livemode, kind, currency, day) where folded = 0;
create unique index day_sums_folded on day_sums (tenant_id, livemode, kind, currency, day, folded) where folded = 1;

-- Money that went back counts when it left, and not with the payment that it came by.
-- engine: sqlite
create view day_sums_wanted as
select tenant_id, livemode, 'received' as kind, currency, date(succeeded_at / 1000, 'unixepoch') as day,
  received as amount, coalesce(application_fee, 0) as fees, 1 as counted
from payments
where succeeded_at is not null
union all
select tenant_id, livemode, 'received', currency, date(booked_at / 1000, 'unixepoch'),
  -amount, case when fee_status = 'returned' then -fee_amount else 0 end, 0
from refunds
where booked_at is not null
union all
select tenant_id, livemode, 'received', currency, date(reversed_at / 1000, 'unixepoch'), amount, 0, 0
from refunds
where reversed_at is not null
union all
select m.tenant_id, m.livemode, 'received', d.currency, date(m.created_at / 1000, 'unixepoch'), m.disputed, 0, 0
from dispute_movements m
join disputes d on d.tenant_id = m.tenant_id and d.livemode = m.livemode and d.id = m.dispute_id
union all
select tenant_id, livemode, status, currency, coalesce(due_date, ''), total - applied - credited, 0, 1
from invoices
where status in ('open', 'processing');

create trigger day_sums_payments_insert after insert on payments
when new.succeeded_at is not null
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  values (new.tenant_id, new.livemode, 'received', new.currency, date(new.succeeded_at / 1000, 'unixepoch'),
    new.received, coalesce(new.application_fee, 0), 1, 0);
end;
create trigger day_sums_payments_update after update of succeeded_at, received, application_fee on payments
when old.succeeded_at is not new.succeeded_at or (new.succeeded_at is not null
  and (old.received <> new.received or old.application_fee is not new.application_fee))
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select old.tenant_id, old.livemode, 'received', old.currency, date(old.succeeded_at / 1000, 'unixepoch'),
    -old.received, -coalesce(old.application_fee, 0), -1, 0
  where old.succeeded_at is not null;
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select new.tenant_id, new.livemode, 'received', new.currency, date(new.succeeded_at / 1000, 'unixepoch'),
    new.received, coalesce(new.application_fee, 0), 1, 0
  where new.succeeded_at is not null;
end;

create trigger day_sums_refunds_insert after insert on refunds
when new.booked_at is not null or new.reversed_at is not null
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select new.tenant_id, new.livemode, 'received', new.currency, date(new.booked_at / 1000, 'unixepoch'),
    -new.amount, case when new.fee_status = 'returned' then -new.fee_amount else 0 end, 0, 0
  where new.booked_at is not null;
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select new.tenant_id, new.livemode, 'received', new.currency, date(new.reversed_at / 1000, 'unixepoch'),
    new.amount, 0, 0, 0
  where new.reversed_at is not null;
end;
create trigger day_sums_refunds_update after update of booked_at, reversed_at, amount, fee_status, fee_amount on refunds
when old.booked_at is not new.booked_at or old.reversed_at is not new.reversed_at or (new.booked_at is not null
  and (old.amount <> new.amount or old.fee_status <> new.fee_status or old.fee_amount <> new.fee_amount))
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select old.tenant_id, old.livemode, 'received', old.currency, date(old.booked_at / 1000, 'unixepoch'),
    old.amount, case when old.fee_status = 'returned' then old.fee_amount else 0 end, 0, 0
  where old.booked_at is not null;
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select old.tenant_id, old.livemode, 'received', old.currency, date(old.reversed_at / 1000, 'unixepoch'),
    -old.amount, 0, 0, 0
  where old.reversed_at is not null;
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select new.tenant_id, new.livemode, 'received', new.currency, date(new.booked_at / 1000, 'unixepoch'),
    -new.amount, case when new.fee_status = 'returned' then -new.fee_amount else 0 end, 0, 0
  where new.booked_at is not null;
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select new.tenant_id, new.livemode, 'received', new.currency, date(new.reversed_at / 1000, 'unixepoch'),
    new.amount, 0, 0, 0
  where new.reversed_at is not null;
end;

create trigger day_sums_dispute_movements_insert after insert on dispute_movements
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select new.tenant_id, new.livemode, 'received', d.currency, date(new.created_at / 1000, 'unixepoch'),
    new.disputed, 0, 0, 0
  from disputes d
  where d.tenant_id = new.tenant_id and d.livemode = new.livemode and d.id = new.dispute_id;
end;

create trigger day_sums_invoices_insert after insert on invoices
when new.status in ('open', 'processing')
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  values (new.tenant_id, new.livemode, new.status, new.currency, coalesce(new.due_date, ''),
    new.total - new.applied - new.credited, 0, 1, 0);
end;
-- What stays where it is moves by the difference; what moves is taken away there and put here.
create trigger day_sums_invoices_changed after update of total, applied, credited on invoices
when new.status in ('open', 'processing') and old.status = new.status and old.currency = new.currency
  and old.due_date is new.due_date
  and old.total - old.applied - old.credited <> new.total - new.applied - new.credited
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  values (new.tenant_id, new.livemode, new.status, new.currency, coalesce(new.due_date, ''),
    new.total - new.applied - new.credited - (old.total - old.applied - old.credited), 0, 0, 0);
end;
create trigger day_sums_invoices_moved after update of status, due_date, currency on invoices
when (old.status in ('open', 'processing') or new.status in ('open', 'processing'))
  and (old.status <> new.status or old.currency <> new.currency or old.due_date is not new.due_date)
begin
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select old.tenant_id, old.livemode, old.status, old.currency, coalesce(old.due_date, ''),
    -(old.total - old.applied - old.credited), 0, -1, 0
  where old.status in ('open', 'processing');
  insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
  select new.tenant_id, new.livemode, new.status, new.currency, coalesce(new.due_date, ''),
    new.total - new.applied - new.credited, 0, 1, 0
  where new.status in ('open', 'processing');
end;
-- engine: postgres
-- Without a key of its own a row is told to replicas by all it says.
alter table day_sums replica identity full;

create function day_of_ms(at bigint) returns text language sql immutable as $$
select to_char(to_timestamp(at / 1000) at time zone 'UTC', 'YYYY-MM-DD')
$$;

create view day_sums_wanted as
select tenant_id, livemode, 'received' collate "C" as kind, currency, day_of_ms(succeeded_at) collate "C" as day,
  received as amount, coalesce(application_fee, 0) as fees, 1::bigint as counted
from payments
where succeeded_at is not null
union all
select tenant_id, livemode, 'received' collate "C", currency, day_of_ms(booked_at) collate "C",
  -amount, case when fee_status = 'returned' then -fee_amount else 0 end, 0
from refunds
where booked_at is not null
union all
select tenant_id, livemode, 'received' collate "C", currency, day_of_ms(reversed_at) collate "C", amount, 0, 0
from refunds
where reversed_at is not null
union all
select m.tenant_id, m.livemode, 'received' collate "C", d.currency, day_of_ms(m.created_at) collate "C", m.disputed, 0, 0
from dispute_movements m
join disputes d on d.tenant_id = m.tenant_id and d.livemode = m.livemode and d.id = m.dispute_id
union all
select tenant_id, livemode, status, currency, coalesce(due_date, ''), total - applied - credited, 0, 1
from invoices
where status in ('open', 'processing');

create function day_sums_add(
  of_tenant text, of_mode bigint, of_kind text, of_currency text, of_day text, more bigint, more_fees bigint, more_counted bigint
) returns void language sql as $$
insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
values (of_tenant, of_mode, of_kind, of_currency, of_day, more, more_fees, more_counted, 0)
$$;

create function day_sums_of_payments() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.succeeded_at is not distinct from new.succeeded_at and (new.succeeded_at is null
      or (old.received = new.received and old.application_fee is not distinct from new.application_fee)) then
      return null;
    end if;
    if old.succeeded_at is not null then
      perform day_sums_add(old.tenant_id, old.livemode, 'received', old.currency, day_of_ms(old.succeeded_at),
        -old.received, -coalesce(old.application_fee, 0), -1);
    end if;
  end if;
  if new.succeeded_at is not null then
    perform day_sums_add(new.tenant_id, new.livemode, 'received', new.currency, day_of_ms(new.succeeded_at),
      new.received, coalesce(new.application_fee, 0), 1);
  end if;
  return null;
end $$;
create trigger day_sums_payments after insert or update of succeeded_at, received, application_fee on payments
for each row execute function day_sums_of_payments();

create function day_sums_of_refunds() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.booked_at is not distinct from new.booked_at and old.reversed_at is not distinct from new.reversed_at
      and (new.booked_at is null or (old.amount = new.amount and old.fee_status = new.fee_status
        and old.fee_amount = new.fee_amount)) then
      return null;
    end if;
    if old.booked_at is not null then
      perform day_sums_add(old.tenant_id, old.livemode, 'received', old.currency, day_of_ms(old.booked_at),
        old.amount, case when old.fee_status = 'returned' then old.fee_amount else 0 end, 0);
    end if;
    if old.reversed_at is not null then
      perform day_sums_add(old.tenant_id, old.livemode, 'received', old.currency, day_of_ms(old.reversed_at),
        -old.amount, 0, 0);
    end if;
  end if;
  if new.booked_at is not null then
    perform day_sums_add(new.tenant_id, new.livemode, 'received', new.currency, day_of_ms(new.booked_at),
      -new.amount, case when new.fee_status = 'returned' then -new.fee_amount else 0 end, 0);
  end if;
  if new.reversed_at is not null then
    perform day_sums_add(new.tenant_id, new.livemode, 'received', new.currency, day_of_ms(new.reversed_at),
      new.amount, 0, 0);
  end if;
  return null;
end $$;
create trigger day_sums_refunds
after insert or update of booked_at, reversed_at, amount, fee_status, fee_amount on refunds
for each row execute function day_sums_of_refunds();

create function day_sums_of_dispute_movements() returns trigger language plpgsql as $$
begin
  perform day_sums_add(new.tenant_id, new.livemode, 'received', d.currency, day_of_ms(new.created_at),
    new.disputed, 0, 0)
  from disputes d
  where d.tenant_id = new.tenant_id and d.livemode = new.livemode and d.id = new.dispute_id;
  return null;
end $$;
create trigger day_sums_dispute_movements after insert on dispute_movements
for each row execute function day_sums_of_dispute_movements();

-- What stays where it is moves by the difference; what moves is taken away there and put here.
create function day_sums_of_invoices() returns trigger language plpgsql as $$
declare
  owed bigint := new.total - new.applied - new.credited;
  owed_before bigint;
begin
  if tg_op = 'UPDATE' then
    owed_before := old.total - old.applied - old.credited;
    if old.status = new.status and old.currency = new.currency and old.due_date is not distinct from new.due_date then
      if new.status in ('open', 'processing') and owed <> owed_before then
        perform day_sums_add(new.tenant_id, new.livemode, new.status, new.currency, coalesce(new.due_date, ''),
          owed - owed_before, 0, 0);
      end if;
      return null;
    end if;
    if old.status in ('open', 'processing') then
      perform day_sums_add(old.tenant_id, old.livemode, old.status, old.currency, coalesce(old.due_date, ''),
        -owed_before, 0, -1);
    end if;
  end if;
  if new.status in ('open', 'processing') then
    perform day_sums_add(new.tenant_id, new.livemode, new.status, new.currency, coalesce(new.due_date, ''), owed, 0, 1);
  end if;
  return null;
end $$;
create trigger day_sums_invoices
after insert or update of status, due_date, currency, total, applied, credited on invoices
for each row execute function day_sums_of_invoices();
-- engine: both

insert into day_sums (tenant_id, livemode, kind, currency, day, amount, fees, counted, folded)
select tenant_id, livemode, kind, currency, day, cast(sum(amount) as bigint), cast(sum(fees) as bigint),
  cast(sum(counted) as bigint), 1
from day_sums_wanted
group by tenant_id, livemode, kind, currency, day;
