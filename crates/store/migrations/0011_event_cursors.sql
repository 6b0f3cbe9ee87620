-- How far the list of each account's events has been read, so that what no webhook told of is found. The
-- platform's own events are those of the account ''. Not a tenant's table, as the inbox is none: whose account
-- it is is found out when its events are applied.
create table event_cursors (
  livemode bigint not null check (livemode in (0, 1)),
  stripe_account_id text not null,
  last_event_id text,
  last_event_created bigint not null,
  read_at bigint not null,
  listing text check (listing in
    ('events', 'payment_intents', 'charges', 'refunds', 'payouts', 'application_fees')),
  listing_since bigint not null,
  listing_after text,
  listing_began_at bigint not null,
  newest_event_id text,
  newest_event_created bigint not null,
  met_last bigint not null check (met_last in (0, 1)),
  missed bigint not null,
  lease_until bigint not null,
  claims bigint not null,
  next_read_at bigint not null,
  tries bigint not null,
  last_error text,
  created_at bigint not null,
  primary key (livemode, stripe_account_id)
);
create index event_cursors_due on event_cursors (next_read_at);

-- Accounts of before: what was delivered last says up to when all was well.
insert into event_cursors (livemode, stripe_account_id, last_event_created, read_at, listing_since,
  listing_began_at, newest_event_created, met_last, missed, lease_until, claims, next_read_at, tries, created_at)
select livemode, stripe_account_id, last_at / 1000, last_at, 0, 0, 0, 0, 0, 0, 0, 0, 0, created_at
from (
  select c.livemode, c.stripe_account_id, c.created_at,
    coalesce((
      select max(e.created_at) from stripe_webhook_events e
      where e.livemode = c.livemode and e.stripe_account_id = c.stripe_account_id), c.connected_at) as last_at
  from stripe_config c
) accounts;

-- Whether a webhook brought the event, or the reconciler found it in Stripe's list.
alter table stripe_webhook_events add column source text not null default 'delivered'
  check (source in ('delivered', 'listed'));
