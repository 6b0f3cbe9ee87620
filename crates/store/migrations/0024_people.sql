-- People who log in, their sessions, and what they are sent by mail. A person belongs to a tenant, operators to the
-- platform's own id; nobody belongs to a mode. Of sessions, links and recovery codes only the SHA-256 is kept; the
-- seed of an authenticator is encrypted with a key that is not in the database.

create table users (
  id text not null primary key,
  tenant_id text not null,
  email text not null,
  name text not null,
  role text not null check (role in ('operator', 'owner', 'billing', 'read_only')),
  password_hash text,
  totp_seed text,
  totp_step bigint,
  totp_at bigint,
  totp_pending text,
  disabled_at bigint,
  last_login_at bigint,
  version bigint not null,
  created_at bigint not null
);
create unique index users_email on users (email);
create index users_of_tenant on users (tenant_id, id);

create table sessions (
  id text not null primary key,
  secret_hash text not null,
  tenant_id text not null,
  user_id text not null,
  stage text not null check (stage in ('password', 'full')),
  address text,
  agent text,
  last_seen_at bigint not null,
  stepped_up_at bigint,
  expires_at bigint not null,
  revoked_at bigint,
  created_at bigint not null
);
create unique index sessions_secret_hash on sessions (secret_hash);
create index sessions_of_user on sessions (tenant_id, user_id, id);
create index sessions_expired on sessions (expires_at);

create table person_tokens (
  id text not null primary key,
  token_hash text not null,
  kind text not null check (kind in ('setup', 'invitation', 'reset', 'email')),
  tenant_id text not null,
  user_id text,
  email text,
  expires_at bigint not null,
  used_at bigint,
  created_at bigint not null
);
create unique index person_tokens_hash on person_tokens (token_hash);
create index person_tokens_of_user on person_tokens (tenant_id, user_id, kind);
create index person_tokens_expired on person_tokens (expires_at);

create table recovery_codes (
  tenant_id text not null,
  user_id text not null,
  code_hash text not null,
  used_at bigint,
  created_at bigint not null,
  primary key (tenant_id, user_id, code_hash)
);
