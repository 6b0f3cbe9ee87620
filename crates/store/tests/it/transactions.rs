//! What a transaction keeps, undoes and runs again, whoever is in the way.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use store::binds;
use store::db::{Db, Error, Options, Sql, Tx};

use crate::both;
use crate::engines::{World, block_on, poll_once};
use crate::schema::{self, COUNT, INSERT, count, insert};

/// A flow's own error: it wraps ours, and may hide it.
#[derive(Debug, PartialEq)]
enum Refused {
    Database(Error),
    NotToday,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Database(error)
    }
}

/// Handlers run on a runtime that moves them between threads.
fn can_move_between_threads<F: Send>(future: F) -> F {
    future
}

const INCREMENT_READ: Sql = Sql::new("select number from things where id = 'hot'");
const INCREMENT_WRITE: Sql = Sql::new("update things set number = $1 where id = 'hot'");

fn increment(tx: &mut Tx<'_>) -> Result<i64, Error> {
    let number = tx.one(&INCREMENT_READ, &[])?.int("number")? + 1;
    tx.execute(&INCREMENT_WRITE, binds![number])?;
    Ok(number)
}

/// Each of 16 callers increments the same number 10 times, by reading and then writing it.
fn hammer(dbs: &[Db]) -> Vec<i64> {
    let barrier = Barrier::new(16);
    let mut seen = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|caller| {
                let (db, barrier) = (&dbs[caller % dbs.len()], &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    (0..10)
                        .map(|_| until_it_counts(db, dbs.len() > 1))
                        .collect::<Vec<i64>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<i64>>()
    });
    seen.sort_unstable();
    seen
}

/// Within one process a transaction gets through whoever is in the way. Between two, the caller may have to
/// try again.
fn until_it_counts(db: &Db, several: bool) -> i64 {
    loop {
        match block_on(db.write(increment)) {
            Err(Error::Conflict) if several => {}
            answer => return answer.unwrap(),
        }
    }
}

both! {
    fn an_error_rolls_back_all_of_it(world: &World) {
        schema::create(&world.db);
        let answer: Result<(), Refused> = block_on(can_move_between_threads(world.db.write(|tx| {
            tx.execute(&INSERT, binds!["a", "o", 1, "n"])?;
            Err(Refused::NotToday)
        })));
        assert_eq!(answer, Err(Refused::NotToday));
        assert_eq!(count(&world.db), 0);
    }

    fn no_row_is_no_failure(world: &World) {
        schema::create(&world.db);
        let answer = block_on(world.db.write(|tx| {
            assert_eq!(tx.one(&INCREMENT_READ, &[]).err(), Some(Error::NotFound));
            tx.execute(&INSERT, binds!["a", "o", 1, "n"])
        }));
        assert_eq!(answer, Ok(1));
    }

    fn a_swallowed_failure_does_not_commit(world: &World) {
        schema::create(&world.db);
        insert(&world.db, "a", "o", 1, None).unwrap();
        let answer = block_on(world.db.write(|tx| {
            tx.execute(&INSERT, binds!["b", "o", 1, "n"])?;
            assert!(matches!(tx.execute(&INSERT, binds!["a", "o", 1, "m"]), Err(Error::Unique { .. })));
            assert!(matches!(tx.query(&COUNT, &[]), Err(Error::Bug(_))));
            Ok::<(), Error>(())
        }));
        assert!(matches!(answer, Err(Error::Bug(_))), "{answer:?}");
        assert_eq!(count(&world.db), 1);
    }

    fn a_panic_undoes_its_transaction_and_nothing_else(world: &World) {
        schema::create(&world.db);
        let answer: Result<(), Error> = block_on(world.db.write(|tx| {
            tx.execute(&INSERT, binds!["a", "o", 1, "n"])?;
            panic!("on purpose");
        }));
        assert!(matches!(&answer, Err(Error::Bug(what)) if what.contains("on purpose")), "{answer:?}");
        let read: Result<(), Error> = block_on(world.db.read(|_| panic!("on purpose")));
        assert!(read.is_err());
        for number in 0..20 {
            insert(&world.db, &format!("id{number}"), "o", 1, None).unwrap();
        }
        assert_eq!(count(&world.db), 20);
    }

    fn a_reader_cannot_write(world: &World) {
        schema::create(&world.db);
        let answer = block_on(world.db.read(|tx| tx.execute(&INSERT, binds!["a", "o", 1, "n"])));
        assert!(matches!(&answer, Err(Error::Bug(what)) if what.contains("read-only")), "{answer:?}");
        assert_eq!(insert(&world.db, "a", "o", 1, None), Ok(1));
    }

    fn a_caller_who_goes_away_changes_nothing(world: &World) {
        schema::create(&world.db);
        let (started, wait_for_start) = mpsc::channel();
        let (go_on, gone) = mpsc::channel::<()>();
        let gone = std::sync::Mutex::new(gone);
        let db = world.db.clone();
        let mut caller = Box::pin(async move {
            db.write(move |tx| {
                tx.execute(&INSERT, binds!["a", "o", 1, "n"])?;
                started.send(()).unwrap();
                gone.lock().unwrap().recv().unwrap();
                tx.execute(&INSERT, binds!["b", "o", 1, "m"])
            })
            .await
        });
        assert!(poll_once(&mut caller).is_pending());
        wait_for_start.recv().unwrap();
        drop(caller);
        go_on.send(()).unwrap();
        block_on(world.db.close());
        assert_eq!(count(&world.open_again(Options::default())), 2);
    }

    fn a_closed_database_refuses(world: &World) {
        assert_eq!(block_on(world.db.ping()), Ok(()));
        block_on(world.db.close());
        assert!(matches!(block_on(world.db.ping()), Err(Error::Unavailable(_))));
        let answer: Result<(), Error> = block_on(world.db.write(|_| Ok(())));
        assert!(matches!(answer, Err(Error::Unavailable(_))));
    }

    fn eight_workers_claim_a_hundred_jobs_once_each(world: &World) {
        const ADD: Sql = Sql::new("insert into jobs (id, runs, created_at) values ($1, 0, 1)");
        const CLAIM: Sql = Sql::per_engine(
            "update jobs set worker = $1, runs = runs + 1
             where id = (select id from jobs where worker is null order by id limit 1)
             returning id",
            "update jobs set worker = $1, runs = runs + 1
             where id = (select id from jobs where worker is null order by id limit 1 for update skip locked)
             returning id",
        );
        const RUNS: Sql =
            Sql::new("select count(*) as jobs, cast(sum(runs) as bigint) as runs from jobs where runs = 1");
        schema::create(&world.db);
        let add = |tx: &mut Tx<'_>| (0..100).try_for_each(|id| tx.execute(&ADD, binds![id]).map(drop));
        block_on(world.db.write(add)).unwrap();
        let claim = |worker: usize| {
            let worker = format!("worker {worker}");
            let claimed = block_on(world.db.write(move |tx| {
                tx.optional(&CLAIM, binds![&worker])?.map(|row| row.int("id")).transpose()
            }));
            claimed.unwrap()
        };
        let mut claimed = std::thread::scope(|scope| {
            let claim = &claim;
            let workers = (0..8).map(|worker| {
                scope.spawn(move || std::iter::from_fn(|| claim(worker)).collect::<Vec<i64>>())
            });
            let workers: Vec<_> = workers.collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<i64>>()
        });
        claimed.sort_unstable();
        assert_eq!(claimed, (0..100).collect::<Vec<i64>>());
        let row = block_on(world.db.read(|tx| tx.one(&RUNS, &[]))).unwrap();
        assert_eq!((row.int("jobs"), row.int("runs")), (Ok(100), Ok(100)));
    }

    fn increments_of_one_row_all_count(world: &World) {
        schema::create(&world.db);
        insert(&world.db, "hot", "o", 0, None).unwrap();
        let mut expected: Vec<i64> = (1..=160).collect();
        assert_eq!(hammer(std::slice::from_ref(&world.db)), expected);
        if world.db.engine() == store::db::Engine::Postgres {
            // Two instances know nothing of each other; the database alone decides.
            let other = world.open_again(Options { connections: 1, ..Options::default() });
            let one = world.open_again(Options { connections: 1, ..Options::default() });
            expected = (161..=320).collect();
            assert_eq!(hammer(&[one, other]), expected);
        }
    }

    fn a_conflict_runs_the_closure_again_whatever_it_answered(world: &World) {
        if world.db.engine() == store::db::Engine::Sqlite {
            // One writer: there is nobody to conflict with.
            return;
        }
        schema::create(&world.db);
        insert(&world.db, "hot", "o", 0, None).unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let (counted, db) = (Arc::clone(&runs), world.db.clone());
        let answer: Result<(), Refused> = block_on(world.db.write(move |tx| {
            let number = tx.one(&INCREMENT_READ, &[])?.int("number")?;
            if counted.fetch_add(1, Ordering::Relaxed) == 0 {
                // Another transaction on another connection gets in between.
                block_on(db.write(increment)).unwrap();
            }
            tx.execute(&INCREMENT_WRITE, binds![number + 100]).map_err(|_| Refused::NotToday)?;
            Ok(())
        }));
        assert_eq!(answer, Ok(()));
        assert_eq!(runs.load(Ordering::Relaxed), 2);
        let number = block_on(world.db.read(|tx| tx.one(&INCREMENT_READ, &[])?.int("number")));
        assert_eq!(number, Ok(101));
        assert_eq!(world.db.stats().retries, 1);
    }

    fn a_read_sees_one_state_and_every_write_answered_before(world: &World) {
        schema::create(&world.db);
        for number in 1..=50 {
            insert(&world.db, &format!("id{number}"), "o", number, None).unwrap();
            assert_eq!(count(&world.db), number);
        }
        let db = world.db.clone();
        let (before, after) = block_on(world.db.read(move |tx| {
            let before = tx.one(&COUNT, &[])?.int("count")?;
            insert(&db, "meanwhile", "o", 1, None)?;
            Ok::<_, Error>((before, tx.one(&COUNT, &[])?.int("count")?))
        }))
        .unwrap();
        assert_eq!((before, after), (50, 50));
        assert_eq!(count(&world.db), 51);
    }

    fn a_full_queue_answers_at_once(world: &World) {
        let one = Options { queue_max: 1, connections: 1, group_max: 1, ..Options::default() };
        let db = match world.db.engine() {
            store::db::Engine::Sqlite => {
                block_on(world.db.close());
                world.open_again(one)
            }
            store::db::Engine::Postgres => world.open_again(one),
        };
        let (started, wait_for_start) = mpsc::channel();
        let (go_on, held) = mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        let mut first = Box::pin(db.write(move |_| {
            started.send(()).unwrap();
            held.lock().unwrap().recv().unwrap();
            Ok::<(), Error>(())
        }));
        assert!(poll_once(&mut first).is_pending());
        wait_for_start.recv().unwrap();
        let mut second = Box::pin(db.write(|_| Ok::<(), Error>(())));
        assert!(poll_once(&mut second).is_pending());
        let third: Result<(), Error> = block_on(db.write(|_| Ok(())));
        assert!(matches!(&third, Err(Error::Unavailable(why)) if why.contains("too many")), "{third:?}");
        go_on.send(()).unwrap();
        assert_eq!((block_on(first), block_on(second)), (Ok(()), Ok(())));
        block_on(db.close());
    }
}
