-- SQLite's "insert or replace" removes a row without asking the triggers on delete. What would replace a row of
-- the books is refused, and what books a fact again changes nothing, as with "on conflict do nothing".
-- engine: sqlite
create trigger audit_log_append_only_replace before insert on audit_log
when exists (select 1 from audit_log where id = new.id)
begin select raise(abort, 'audit_log is append-only'); end;
create trigger audit_seals_append_only_replace before insert on audit_seals
when exists (select 1 from audit_seals
  where tenant_id = new.tenant_id and livemode = new.livemode and day = new.day)
begin select raise(ignore); end;
create trigger ledger_seals_append_only_replace before insert on ledger_seals
when exists (select 1 from ledger_seals
  where tenant_id = new.tenant_id and livemode = new.livemode and day = new.day)
begin select raise(ignore); end;
create trigger ledger_transactions_append_only_again before insert on ledger_transactions
when exists (select 1 from ledger_transactions
  where tenant_id = new.tenant_id and livemode = new.livemode and kind = new.kind and source_id = new.source_id)
begin select raise(ignore); end;
create trigger ledger_transactions_append_only_replace before insert on ledger_transactions
when exists (select 1 from ledger_transactions
  where tenant_id = new.tenant_id and livemode = new.livemode and id = new.id)
  or exists (select 1 from ledger_transactions
  where tenant_id = new.tenant_id and livemode = new.livemode and reverses = new.reverses)
begin select raise(abort, 'ledger_transactions is append-only'); end;
create trigger ledger_entries_append_only_replace before insert on ledger_entries
when exists (select 1 from ledger_entries
  where tenant_id = new.tenant_id and livemode = new.livemode and transaction_id = new.transaction_id
    and position = new.position)
begin select raise(abort, 'ledger_entries is append-only'); end;
create trigger state_history_append_only_replace before insert on state_history
when exists (select 1 from state_history
  where tenant_id = new.tenant_id and livemode = new.livemode and subject_id = new.subject_id
    and version = new.version)
begin select raise(abort, 'state_history is append-only'); end;
-- engine: both

-- How many payments of a disconnected account nobody but its owner can see.
create index payments_unreachable on payments (tenant_id, livemode, stripe_account_id)
  where unreachable_since is not null;
