-- A person may say that a difference is dealt with, and why.
alter table reconciliation_breaks add column resolved_by text;
alter table reconciliation_breaks add column reason text;
create index reconciliation_breaks_of_tenant on reconciliation_breaks (tenant_id, livemode, id);
