-- Who did what, when and from where. What concerns the platform and no tenant is kept under the platform's
-- own id with livemode 0. What stands in before_state and after_state is short JSON without any secret.

create table audit_log (
  id text not null primary key,
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  actor text not null,
  actor_id text,
  address text,
  request_id text,
  action text not null,
  subject_id text not null,
  before_state text,
  after_state text,
  created_at bigint not null
);
create index audit_log_of_tenant on audit_log (tenant_id, livemode, id);
create index audit_log_of_tenant_by_action on audit_log (tenant_id, livemode, action, id);
create index audit_log_by_action on audit_log (action, id);
-- In the order in which a day is sealed.
create index audit_log_by_time on audit_log (tenant_id, livemode, created_at, id);
create index ledger_transactions_by_time on ledger_transactions (tenant_id, livemode, created_at, id);

-- A seal is a hash of one day's rows and of the seal before it. Days are written YYYY-MM-DD, in UTC.
create table audit_seals (
  tenant_id text not null,
  livemode bigint not null,
  day text not null,
  row_count bigint not null check (row_count > 0),
  seal_before text,
  seal text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, day)
);

create table ledger_seals (
  tenant_id text not null,
  livemode bigint not null,
  day text not null,
  row_count bigint not null check (row_count > 0),
  seal_before text,
  seal text not null,
  created_at bigint not null,
  primary key (tenant_id, livemode, day)
);

-- engine: sqlite
create trigger audit_log_append_only_update before update on audit_log
begin select raise(abort, 'audit_log is append-only'); end;
create trigger audit_log_append_only_delete before delete on audit_log
begin select raise(abort, 'audit_log is append-only'); end;
create trigger audit_seals_append_only_update before update on audit_seals
begin select raise(abort, 'audit_seals is append-only'); end;
create trigger audit_seals_append_only_delete before delete on audit_seals
begin select raise(abort, 'audit_seals is append-only'); end;
create trigger ledger_seals_append_only_update before update on ledger_seals
begin select raise(abort, 'ledger_seals is append-only'); end;
create trigger ledger_seals_append_only_delete before delete on ledger_seals
begin select raise(abort, 'ledger_seals is append-only'); end;
-- engine: postgres
create trigger audit_log_append_only before update or delete on audit_log
for each row execute function append_only();
create trigger audit_seals_append_only before update or delete on audit_seals
for each row execute function append_only();
create trigger ledger_seals_append_only before update or delete on ledger_seals
for each row execute function append_only();
-- engine: both
