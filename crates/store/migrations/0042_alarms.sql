-- What the operator is told of by mail, as long as it is there: one row for each cause. A cause that nobody has seen
-- for an hour is over, and its row goes.

create table alarms (
  -- The kind of the mail, and which of its things: a mode, a tenant.
  kind text not null,
  about text not null,
  since_at bigint not null,
  seen_at bigint not null,
  created_at bigint not null,
  primary key (kind, about)
);
