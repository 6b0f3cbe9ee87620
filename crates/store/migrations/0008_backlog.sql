-- What an operator watches is few rows of many: dead and quarantined events, writes settled lately, open breaks.
create index stripe_webhook_events_stuck on stripe_webhook_events (status, created_at)
  where status in ('dead', 'quarantined');
create index stripe_operations_answered on stripe_operations (answered_at) where answered_at is not null;
create index reconciliation_breaks_open on reconciliation_breaks (created_at) where resolved_at is null;
