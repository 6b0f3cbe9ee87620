-- What an account subscribed to before psa-pay heard of it, or while no events reached it, is listed once:
-- how far that has come, and when it came to its end.
alter table event_cursors add column subscriptions_after text;
alter table event_cursors add column subscriptions_read_at bigint;
