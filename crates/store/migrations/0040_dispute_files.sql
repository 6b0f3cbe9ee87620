-- Files that evidence of disputes names. The bytes are here only until Stripe has answered: they are what is sent again.

create table dispute_files (
  tenant_id text not null,
  livemode bigint not null check (livemode in (0, 1)),
  id text not null,
  dispute_id text not null,
  stripe_account_id text not null,
  name text not null,
  kind text not null check (kind in ('pdf', 'jpeg', 'png')),
  bytes bigint not null check (bytes > 0),
  digest text not null,
  -- In base64; none once it is known what became of it.
  content text,
  status text not null check (status in ('uploading', 'uploaded', 'refused')),
  stripe_file_id text,
  created_at bigint not null,
  settled_at bigint,
  primary key (tenant_id, livemode, id),
  constraint dispute_files_dispute foreign key (tenant_id, livemode, dispute_id)
    references disputes (tenant_id, livemode, id)
);
create index dispute_files_by_dispute on dispute_files (tenant_id, livemode, dispute_id, id);
create index dispute_files_by_stripe_id on dispute_files (tenant_id, livemode, stripe_file_id)
  where stripe_file_id is not null;

-- Disputes that want an answer, by when.
create index disputes_unanswered on disputes (tenant_id, livemode, due_at)
  where closed_at is null and submitted_version is null;

-- Who did what to something, for the page that tells what happened to it.
create index audit_log_of_subject on audit_log (tenant_id, livemode, subject_id, id);
