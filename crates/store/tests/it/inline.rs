//! The inline database of the simulation: no threads, two yields, and a state that outlives a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use store::binds;
use store::db::{Db, Error, Inline};

use crate::engines::block_on;
use crate::schema::{self, INSERT, count, insert};

struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Woken>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_transaction_yields_before_and_after_it_acts() {
    let inline = Inline::new().unwrap();
    let db = Db::inline_from(&inline);
    schema::create(&db);
    let woken = Arc::new(Woken(AtomicU32::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let other = Db::inline_from(&inline);
    let mut write = Box::pin(db.write(|tx| tx.execute(&INSERT, binds!["a", "o", 1, "n"])));
    assert_eq!(write.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(count(&other), 0);
    assert_eq!(write.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(count(&other), 1);
    assert_eq!(write.as_mut().poll(&mut context), Poll::Ready(Ok(1)));
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
}

#[test]
fn a_crash_before_the_act_loses_it_and_a_crash_after_it_does_not() {
    let inline = Inline::new().unwrap();
    for (polls, rows) in [(1, 0), (2, 1)] {
        let db = Db::inline_from(&inline);
        schema::create(&db);
        let mut write = Box::pin(db.write(|tx| tx.execute(&INSERT, binds!["a", "o", 1, "n"])));
        for _ in 0..polls {
            assert!(
                write
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        drop(write);
        drop(db);
        assert_eq!(count(&Db::inline_from(&inline)), rows);
    }
}

#[test]
fn inline_transactions_obey_the_same_rules() {
    let db = Db::inline().unwrap();
    schema::create(&db);
    let panicked: Result<(), Error> = block_on(db.write(|tx| {
        tx.execute(&INSERT, binds!["a", "o", 1, "n"])?;
        panic!("on purpose");
    }));
    assert!(matches!(panicked, Err(Error::Bug(_))));
    let undone: Result<(), Error> = block_on(db.write(|tx| {
        tx.execute(&INSERT, binds!["a", "o", 1, "n"])?;
        Err(Error::NotFound)
    }));
    assert_eq!(undone, Err(Error::NotFound));
    assert_eq!(count(&db), 0);
    let wrote = block_on(db.read(|tx| tx.execute(&INSERT, binds!["a", "o", 1, "n"])));
    assert!(matches!(wrote, Err(Error::Bug(_))), "{wrote:?}");
    assert_eq!(insert(&db, "a", "o", 1, None), Ok(1));
    assert_eq!(
        insert(&db, "a", "o", 1, None),
        Err(Error::Unique {
            constraint: "things_pkey".to_owned()
        })
    );
    block_on(db.close());
    assert!(matches!(block_on(db.ping()), Err(Error::Unavailable(_))));
}
