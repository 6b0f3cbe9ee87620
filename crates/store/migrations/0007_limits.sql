-- One row for each time that something limited was done, until it no longer counts. A bucket is a keyed hash:
-- no address of a payer stands in the database.
create table rate_limits (
  bucket text not null,
  id text not null,
  created_at bigint not null,
  expires_at bigint not null,
  primary key (bucket, id)
);
create index rate_limits_newest on rate_limits (bucket, created_at);
create index rate_limits_expired on rate_limits (expires_at);

create index stripe_operations_of_payment on stripe_operations (tenant_id, livemode, payment_id, created_at);
create index stripe_operations_newest on stripe_operations (tenant_id, livemode, kind, created_at);
