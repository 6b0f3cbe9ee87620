//! Tables of the tests' own, made through the migration runner.

use store::db::{Db, Error, Sql};
use store::migrate::{Migration, run};

use crate::engines::block_on;

pub const STEPS: &[Migration] = &[Migration {
    name: "0001_test",
    sql: TEXT,
}];

const TEXT: &str = "
create table things (
  id text not null primary key,
  owner text not null,
  number bigint not null,
  note text,
  created_at bigint not null,
  constraint things_number check (number >= 0)
);
create unique index things_note on things (owner, note);
create unique index things_live on things (owner) where note = 'live';

create table parts (
  thing_id text not null,
  position bigint not null,
  label text,
  created_at bigint not null,
  primary key (thing_id, position),
  constraint parts_label unique (label, position),
  constraint parts_thing foreign key (thing_id) references things (id)
);

create table jobs (
  id bigint not null primary key,
  worker text,
  runs bigint not null,
  created_at bigint not null
);

create table lines (
  id bigint not null primary key,
  label text,
  created_at bigint not null
);
create unique index lines_label on lines (lower(label));
-- engine: sqlite
create trigger lines_append_only before delete on lines begin
  select raise(abort, 'lines_append_only');
end;
-- engine: postgres
create function lines_append_only() returns trigger language plpgsql as $$ begin
  raise exception 'lines_append_only';
end; $$;
create trigger lines_append_only before delete on lines for each row execute function lines_append_only();
";

pub const INSERT: Sql =
    Sql::new("insert into things (id, owner, number, note, created_at) values ($1, $2, $3, $4, 1)");
pub const COUNT: Sql = Sql::new("select count(*) as count from things");

/// Makes the tables.
pub fn create(db: &Db) {
    block_on(run(db, STEPS, 1)).unwrap();
}

/// How many things there are.
pub fn count(db: &Db) -> i64 {
    block_on(db.read(|tx| tx.one(&COUNT, &[])?.int("count"))).unwrap()
}

/// Inserts a thing in a transaction of its own.
pub fn insert(db: &Db, id: &str, owner: &str, number: i64, note: Option<&str>) -> Result<u64, Error> {
    let (id, owner, note) = (id.to_owned(), owner.to_owned(), note.map(str::to_owned));
    block_on(db.write(move |tx| tx.execute(&INSERT, store::binds![&id, &owner, number, note.clone()])))
}
