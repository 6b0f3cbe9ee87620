//! The threads that hash passwords: half the cores, so that however many people log in at once, payments
//! have the other half. What waits has a bound, and beyond it somebody is told to try again.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use domain::person::Refused;
use flows::Failure;
use flows::people::{Cost, Hashing, Outcome, Work};
use tokio::sync::oneshot;

/// Work that may wait for each thread: some 25 ms each, so that nobody waits for much longer than a second.
const WAITING_PER_THREAD: usize = 32;

/// A piece of work and who waits for it.
type Job = (Work, oneshot::Sender<Result<Outcome, Failure>>);

/// The pool. Its threads end with it.
#[derive(Debug)]
pub struct Pool {
    jobs: SyncSender<Job>,
}

impl Pool {
    /// A pool for this machine, where new hashes cost this much.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(cost: Cost) -> std::io::Result<Pool> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Pool::of(cost, (cores / 2).max(1))
    }

    /// A pool of so many threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn of(cost: Cost, threads: usize) -> std::io::Result<Pool> {
        let (jobs, waiting) = sync_channel::<Job>(threads * WAITING_PER_THREAD);
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..threads {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("passwords-{n}"));
            thread.spawn(move || work(&waiting, cost))?;
        }
        Ok(Pool { jobs })
    }
}

impl Hashing for Pool {
    fn run(&self, work: Work) -> flows::people::Working<'_> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            self.jobs
                .try_send((work, answer))
                .map_err(|_| Refused::LoginBusy)?;
            let outcome = answered.await;
            outcome.unwrap_or_else(|_| Err(Failure::Bug("a thread that hashes passwords is gone".to_owned())))
        })
    }
}

fn work(waiting: &Mutex<Receiver<Job>>, cost: Cost) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((work, answer)) = job else { return };
        // Who has gone away since needs no answer, and no work.
        if !answer.is_closed() {
            drop(answer.send(work.carry_out(cost)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stripe::Secret;

    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn hash() -> Work {
        Work::Hash {
            password: Secret::new("correct horse battery"),
            salt: [7; 16],
        }
    }

    #[tokio::test]
    async fn work_is_done_and_what_is_too_much_is_refused_at_once() {
        let pool = Pool::of(CHEAP, 2).unwrap();
        let line = match pool.run(hash()).await.unwrap() {
            Outcome::Hashed(line) => line,
            other => panic!("{other:?}"),
        };
        let verify = Work::Verify {
            password: Secret::new("correct horse battery"),
            hash: line,
        };
        assert_eq!(pool.run(verify).await, Ok(Outcome::Right { outdated: false }));

        // A pool without a thread: what is put there waits, up to the bound.
        let (jobs, waiting) = sync_channel::<Job>(WAITING_PER_THREAD);
        let full = Pool { jobs };
        let mut under_way: Vec<_> = (0..WAITING_PER_THREAD).map(|_| full.run(hash())).collect();
        for one in &mut under_way {
            assert!(futures_poll(one.as_mut()).is_none());
        }
        let refused = full.run(hash()).await;
        assert_eq!(refused, Err(Refused::LoginBusy.into()));
        drop(waiting);
    }

    fn futures_poll<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
