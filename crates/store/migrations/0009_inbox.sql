-- The inbox keeps what went wrong apart from how often an event was taken up, may be replayed, and gives
-- the bodies of old events to an archive.

-- Tries that failed or never came back, one more while it is being tried; from none again when it is
-- replayed.
alter table stripe_webhook_events add column failures bigint not null default 0;
-- How often it has waited for our own rows; from none again when it is replayed.
alter table stripe_webhook_events add column parks bigint not null default 0;
alter table stripe_webhook_events add column replayed_at bigint;
-- From then on its body stands in the archive.
alter table stripe_webhook_events add column archived_at bigint;

-- The same columns, with the event first, because operators look for one event whosever it is.
drop index stripe_webhook_events_once;
create unique index stripe_webhook_events_once
  on stripe_webhook_events (event_id, stripe_account_id, livemode);
create index stripe_webhook_events_of_tenant on stripe_webhook_events (tenant_id, livemode, id)
  where tenant_id is not null;
-- What somebody may have to look at: few among many.
create index stripe_webhook_events_troubled on stripe_webhook_events (id)
  where status in ('failed', 'dead', 'orphan', 'quarantined', 'parked');
create index stripe_webhook_events_to_archive on stripe_webhook_events (processed_at, id)
  where processed_at is not null and archived_at is null and status <> 'dead';

-- Verified bodies of events that were done with long ago, byte for byte. Rows are only added; an operator
-- may export and delete them by `received_at`.
create table stripe_webhook_event_archive (
  id text not null primary key,
  body text not null,
  received_at bigint not null,
  created_at bigint not null
);
create index stripe_webhook_event_archive_oldest on stripe_webhook_event_archive (received_at);
