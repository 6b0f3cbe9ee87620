-- What the platform takes of a payment: a history of rules that only grows. Those of everybody without rules of
-- their own are under ten_platform. A row without bps ends the rules of its kind.
create table fee_rules (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  id text not null,
  number bigint not null,
  method text not null check (method in ('any', 'card', 'bank_debit')),
  currency text,
  bps bigint check (bps >= 0 and bps < 10000),
  fixed bigint check (fixed >= 0),
  minimum bigint check (minimum >= 0),
  maximum bigint check (maximum >= 0),
  effective_from bigint not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, id),
  constraint fee_rules_whole check ((bps is null) = (fixed is null)),
  constraint fee_rules_ended check (bps is not null or (minimum is null and maximum is null)),
  constraint fee_rules_currency check (currency is not null
    or (coalesce(fixed, 0) = 0 and minimum is null and maximum is null)),
  constraint fee_rules_bounds check (minimum <= maximum)
);
-- The order in which rules became known: a payment says how many its fee was decided by.
create unique index fee_rules_number on fee_rules (livemode, number);

-- A payment keeps what its fee was decided by. Without fee_rule_id it was a configured rate; without fee_bps it
-- is older than fee rules.
alter table payments add column fee_method text;
alter table payments add column fee_rule_id text;
alter table payments add column fee_bps bigint;
alter table payments add column fee_fixed bigint;
alter table payments add column fee_minimum bigint;
alter table payments add column fee_maximum bigint;
alter table payments add column fee_rules_known bigint;

-- engine: sqlite
create trigger fee_rules_append_only_update before update on fee_rules
begin select raise(abort, 'fee_rules is append-only'); end;
create trigger fee_rules_append_only_delete before delete on fee_rules
begin select raise(abort, 'fee_rules is append-only'); end;
create trigger fee_rules_append_only_replace before insert on fee_rules
when exists (select 1 from fee_rules
  where tenant_id = new.tenant_id and livemode = new.livemode and id = new.id)
  or exists (select 1 from fee_rules where livemode = new.livemode and number = new.number)
begin select raise(abort, 'fee_rules is append-only'); end;
-- engine: postgres
create trigger fee_rules_append_only before update or delete on fee_rules
for each row execute function append_only();
-- engine: both
