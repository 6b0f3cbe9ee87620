-- Whether this database is the one that was here at the last start, and what may not happen until somebody has compared
-- it with Stripe.

create table instance (
  only_one bigint not null primary key check (only_one = 1),
  -- Changes at each start, and is written beside the database as well: a copy that was put back has an older one.
  token text not null,
  -- Which file or which database of which server it is; a copy is another.
  place text not null,
  -- Since when nothing in live mode moves money, and why; both absent while it may.
  live_locked_at bigint,
  live_locked_because text,
  -- From when on everything is to be read again at Stripe, and when that was last done since it was locked.
  reconcile_since bigint,
  reconciled_at bigint,
  created_at bigint not null,
  updated_at bigint not null
);
