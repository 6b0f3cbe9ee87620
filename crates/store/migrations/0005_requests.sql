-- Requests that carried an Idempotency-Key, with what was answered. A platform key's are kept under the
-- platform's own id with livemode 0. No answer is stored with a secret in it.

create table requests (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  route text not null,
  idempotency_key text not null,
  request_hash text not null,
  status text not null check (status in ('in_flight', 'answered')),
  attempt bigint not null,
  lease_until bigint not null,
  seed text not null,
  http_status bigint,
  answer text,
  withheld text,
  created_at bigint not null,
  answered_at bigint,
  primary key (tenant_id, livemode, route, idempotency_key)
);
create index requests_oldest on requests (created_at);
