-- Who asked for a new password and is to be answered: whether the address is anybody's is looked up beside the
-- request, so that its answer takes the same work for every address. The id becomes that of the link.
create table reset_asks (
  id text not null primary key,
  email text not null,
  address text,
  request_id text,
  created_at bigint not null
);

-- An invitation holds no address against others: somebody has an address once they log in with it. Within a
-- tenant an address stands once.
drop index users_email;
create unique index users_email on users (email) where password_hash is not null;
create unique index users_of_tenant_email on users (tenant_id, email);
