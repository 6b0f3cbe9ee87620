-- The instances that run on this database, and by which webhook secrets they check signatures: a secret may go once no
-- instance that lives lacks its successor.

create table running_instances (
  id text not null primary key,
  version text not null,
  -- Fingerprints of its secrets of both modes, by words.
  secrets text not null,
  created_at bigint not null,
  -- When it last said so.
  seen_at bigint not null
);
create index running_instances_seen on running_instances (seen_at);
