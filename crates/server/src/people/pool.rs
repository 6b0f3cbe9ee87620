//! The threads that hash passwords: half the cores, so that however many people log in at once, payments
//! have the other half; and on Linux with little weight, so that whatever else has work to do goes first on
//! theirs too. What waits has a bound, and beyond it somebody is told to try again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
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
    /// Work that waits.
    waiting: Arc<AtomicUsize>,
    most: usize,
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
        let most = threads * WAITING_PER_THREAD;
        let (pool, queue) = Pool::without_threads(most);
        let queue = Arc::new(Mutex::new(queue));
        for n in 0..threads {
            let (queue, waiting) = (Arc::clone(&queue), Arc::clone(&pool.waiting));
            let thread = std::thread::Builder::new().name(format!("passwords-{n}"));
            thread.spawn(move || {
                step_back();
                work(&queue, &waiting, cost);
            })?;
        }
        Ok(pool)
    }

    fn without_threads(most: usize) -> (Pool, Receiver<Job>) {
        let (jobs, queue) = sync_channel(most);
        let waiting = Arc::default();
        let pool = Pool { jobs, waiting, most };
        (pool, queue)
    }
}

impl Hashing for Pool {
    fn run(&self, work: Work) -> flows::people::Working<'_> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            self.waiting.fetch_add(1, Ordering::Relaxed);
            if let Err(refused) = self.jobs.try_send((work, answer)) {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                return Err(match refused {
                    TrySendError::Full(_) => Refused::LoginBusy.into(),
                    TrySendError::Disconnected(_) => broken(),
                });
            }
            answered.await.unwrap_or_else(|_| Err(broken()))
        })
    }

    fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.most
    }
}

/// How far hashing stands back: of a core that is wanted by others too it gets a thirtieth, so that logins
/// still get through.
#[cfg(target_os = "linux")]
const NICE: i32 = 15;

/// Lowers the weight of this thread alone: on Linux each has its own. A machine that does not allow it hashes
/// as before.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "hashing passwords goes on with the weight of everything else");
    }
}

fn broken() -> Failure {
    Failure::Bug("passwords could not be hashed".to_owned())
}

fn work(queue: &Mutex<Receiver<Job>>, waiting: &AtomicUsize, cost: Cost) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((work, answer)) = job else { return };
        waiting.fetch_sub(1, Ordering::Relaxed);
        // A thread that ended would be missing for good: whoever waits is told, and it goes on.
        if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| work.carry_out(cost))) {
            drop(answer.send(outcome));
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
        let (full, queue) = Pool::without_threads(WAITING_PER_THREAD);
        assert!(!full.is_full() && !pool.is_full());
        let mut under_way: Vec<_> = (0..WAITING_PER_THREAD).map(|_| full.run(hash())).collect();
        for one in &mut under_way {
            assert!(futures_poll(one.as_mut()).is_none());
        }
        let refused = full.run(hash()).await;
        assert_eq!(refused, Err(Refused::LoginBusy.into()));
        assert!(full.is_full(), "so that nothing is begun for whoever comes next");
        drop(queue);
        let gone = full.run(hash()).await;
        assert!(
            matches!(gone, Err(Failure::Bug(_))),
            "not that others are in the way: {gone:?}"
        );
    }

    fn futures_poll<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
