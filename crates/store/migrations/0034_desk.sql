-- What people at their desks look for: clients by name, invoices by state.

-- Lower-case name and e-mail address, by which a client is found; written by the program from here on.
alter table clients add column search_key text not null default '';
-- The lines of the address, separated by line breaks.
alter table clients add column address text not null default '';
alter table clients add column tax_id text;
alter table clients add column version bigint not null default 1;
update clients set search_key = lower(name || ' ' || coalesce(email, ''));
create index clients_by_name on clients (tenant_id, livemode, search_key, id);

-- To whom an invoice was made out when it was finalized, whatever the client is called later. Without it, for drafts: what
-- the client is called.
alter table invoices add column bill_to_name text;
alter table invoices add column bill_to_email text;
-- The lines of the address, and the number with the tax office as the last of them, separated by line breaks.
alter table invoices add column bill_to_details text;
-- Until now no client could be changed.
update invoices set
  bill_to_name = (select c.name from clients c
    where c.tenant_id = invoices.tenant_id and c.livemode = invoices.livemode and c.id = invoices.client_id),
  bill_to_email = (select c.email from clients c
    where c.tenant_id = invoices.tenant_id and c.livemode = invoices.livemode and c.id = invoices.client_id),
  bill_to_details = ''
  where finalized_at is not null;

create index invoices_by_status on invoices (tenant_id, livemode, status, id);
create index invoices_owed on invoices (tenant_id, livemode, client_id, currency, due_date, total, applied, credited)
  where status in ('open', 'processing');
create index payments_by_time on payments (tenant_id, livemode, succeeded_at, currency)
  where succeeded_at is not null;
create index mails_undelivered on mails (tenant_id, livemode, id) where status in ('refused', 'failed', 'bounced');
-- What nobody could read while an account was gone, to be found when it is connected again.
create index stripe_webhook_events_unread on stripe_webhook_events (tenant_id, livemode, stripe_account_id)
  where status = 'processed' and last_error is not null;
