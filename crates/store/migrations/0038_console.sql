-- What the operator looks for over all tenants: the events of an object, what was replayed together, and who did what
-- to a thing or by a request.

create index stripe_webhook_events_of_object on stripe_webhook_events (object_id, id) where object_id is not null;
create index stripe_webhook_events_replayed on stripe_webhook_events (replayed_at) where replayed_at is not null;
create index audit_log_by_subject on audit_log (subject_id, id);
create index audit_log_by_actor on audit_log (actor_id, id) where actor_id is not null;
create index audit_log_by_request on audit_log (request_id, id) where request_id is not null;
create index reconciliation_breaks_of_subject on reconciliation_breaks (subject_id, id);
