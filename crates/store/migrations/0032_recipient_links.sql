-- Each recipient of an invoice has a link of their own: who looked and who paid can be told, and one link can be
-- taken back without the others. Links that are there already stay what they were: for whoever has them.

alter table pay_links add column kind text not null default 'shared'
  check (kind in ('shared', 'mailed', 'mailed_copy', 'copied', 'forwarded'));
alter table pay_links add column recipient text;
-- The recipient in lower case, by which an address is found again.
alter table pay_links add column recipient_key text;
alter table pay_links add column recipient_name text;
-- The link whose holder forwarded the invoice.
alter table pay_links add column parent_id text;
-- It opens nothing from then on, in any generation.
alter table pay_links add column revoked_at bigint;

drop index pay_links_one_per_invoice;
create unique index pay_links_one_shared on pay_links (tenant_id, livemode, invoice_id)
  where kind = 'shared' and revoked_at is null;
create unique index pay_links_one_mailed on pay_links (tenant_id, livemode, invoice_id, recipient_key)
  where kind in ('mailed', 'mailed_copy') and revoked_at is null;
create index pay_links_by_invoice on pay_links (tenant_id, livemode, invoice_id, id);
create index pay_links_by_parent on pay_links (tenant_id, livemode, parent_id, id) where parent_id is not null;

-- The link by which Pay was pressed last; none of payments that an integrator's own front end began.
alter table payments add column paid_by_link text;
