//! Durable commits per second from 32 concurrent callers, in an empty database that this makes tables in:
//! `cargo run --release -p store --example commits -- sqlite:/tmp/commits.db` (or `postgres://…/empty`).

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

use store::binds;
use store::db::{Db, Error, Options, Sql, Tx};
use store::migrate::{Migration, run};

const CALLERS: i64 = 32;
const COMMITS_PER_CALLER: i64 = 1000;

const STEPS: &[Migration] = &[Migration {
    name: "0001_commits",
    sql: "
create table items (
  id bigint not null primary key,
  owner text not null,
  state text not null,
  created_at bigint not null
);
create unique index items_owner on items (owner, id);
create table steps (
  item_id bigint not null,
  position bigint not null,
  created_at bigint not null,
  primary key (item_id, position),
  constraint steps_item foreign key (item_id) references items (id)
);
",
}];

const INSERT: Sql = Sql::new("insert into items (id, owner, state, created_at) values ($1, $2, 'new', 1)");
const READ: Sql = Sql::new("select state from items where id = $1");
const STEP: Sql = Sql::new("insert into steps (item_id, position, created_at) values ($1, 1, 1)");
const MOVE: Sql = Sql::new("update items set state = 'done' where id = $1 and state = $2");

fn main() {
    let url = std::env::args()
        .nth(1)
        .expect("an address: sqlite:PATH or postgres://…");
    let db = block_on(Db::open(&url, Options::default())).expect("the database opens");
    block_on(run(&db, STEPS, 1)).expect("the tables are made");
    measure(&db, "one insert", insert);
    measure(&db, "read, insert, update", advance);
    println!("{:?}", db.stats());
    block_on(db.close());
}

fn insert(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute(&INSERT, binds![id, format!("owner {id}")]).map(|_| ())
}

fn advance(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    let state = tx.one(&READ, binds![id])?.text("state")?;
    tx.execute(&STEP, binds![id])?;
    match tx.execute(&MOVE, binds![id, state])? {
        1 => Ok(()),
        _ => Err(Error::NotFound),
    }
}

#[allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn measure(db: &Db, name: &str, act: fn(&mut Tx<'_>, i64) -> Result<(), Error>) {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            scope.spawn(move || {
                for number in 0..COMMITS_PER_CALLER {
                    let id = caller * COMMITS_PER_CALLER + number;
                    block_on(db.write(move |tx| act(tx, id))).expect("the transaction commits");
                }
            });
        }
    });
    let elapsed_us = start.elapsed().as_micros().max(1);
    let commits = u128::from((CALLERS * COMMITS_PER_CALLER).unsigned_abs());
    println!(
        "{}: {name}: {} commits/s",
        db.engine(),
        commits * 1_000_000 / elapsed_us
    );
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}
