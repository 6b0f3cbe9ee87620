//! One transaction on its way: the closure, what became of it, and the caller who waits. The closure is run
//! here and nowhere else, whatever thread or engine it is for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_channel::oneshot;

use super::stopwatch::Stopwatch;
use super::tx::Access;
use super::{Error, Tx};

/// A closure runs at most this often: with several instances on one hot row a second try nearly always
/// gets through, and a caller should hear of a lasting conflict within a second.
pub(super) const ATTEMPTS_MAX: u32 = 5;

/// A transaction that has waited this long answers `Unavailable` instead: its caller has gone by then.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// What is to be done with the transaction after a closure has run in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Commit,
    Rollback,
    Retry,
}

/// A transaction in the queue.
pub(super) struct Job {
    pub(super) access: Access,
    work: Box<dyn Work>,
    queued: Stopwatch,
}

impl Job {
    /// A job, and where its answer will arrive. A caller who no longer listens changes nothing.
    pub(super) fn new<T, E, F>(access: Access, closure: F) -> (Job, oneshot::Receiver<Result<T, E>>)
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let work = Box::new(Task {
            closure,
            outcome: None,
            caller,
        });
        (
            Job {
                access,
                work,
                queued: Stopwatch::start(),
            },
            answer,
        )
    }

    /// Runs the closure once.
    pub(super) fn run(&mut self, tx: &mut Tx<'_>) -> Verdict {
        let stopwatch = Stopwatch::start();
        let verdict = self.work.run(tx);
        stopwatch.warn_if_slow(tx.first_statement());
        verdict
    }

    /// Answers the caller: with what the closure gave, or with what befell its transaction.
    pub(super) fn answer(self, settled: Result<(), Error>) {
        self.work.answer(settled);
    }

    pub(super) fn waited(&self) -> Duration {
        self.queued.elapsed()
    }

    /// The job again if it is still worth starting; otherwise its caller is told.
    pub(super) fn in_time(self) -> Option<Job> {
        let waited = self.waited();
        if waited <= WAIT_MAX {
            return Some(self);
        }
        tracing::warn!(
            waited_ms = waited.as_millis(),
            "a transaction waited too long and was not started"
        );
        self.answer(Err(Error::Unavailable(
            "waited too long for a connection".to_owned(),
        )));
        None
    }
}

/// Runs a closure in a transaction and judges what came of it.
pub(super) fn attempt<T, E, F>(closure: &F, tx: &mut Tx<'_>) -> (Verdict, Result<T, E>)
where
    F: Fn(&mut Tx<'_>) -> Result<T, E>,
    E: From<Error>,
{
    // Unwind safety: after a panic the transaction is rolled back, and nothing else is shared with the
    // closure.
    let outcome = catch_unwind(AssertUnwindSafe(|| closure(tx)));
    match (outcome, tx.failed()) {
        (Err(panic), _) => {
            let what = panic_text(panic.as_ref());
            (
                Verdict::Rollback,
                Err(E::from(Error::Bug(format!("a transaction panicked: {what}")))),
            )
        }
        // A closure may turn a conflict into an error of its own; it runs again all the same.
        (Ok(_), Some(Error::Conflict)) => (Verdict::Retry, Err(E::from(Error::Conflict))),
        (Ok(_), Some(Error::Unavailable(why))) => {
            (Verdict::Rollback, Err(E::from(Error::Unavailable(why.clone()))))
        }
        (Ok(Ok(_)), Some(error)) => {
            let what = format!("a transaction went on after a statement had failed: {error}");
            (Verdict::Rollback, Err(E::from(Error::Bug(what))))
        }
        (Ok(Err(error)), _) => (Verdict::Rollback, Err(error)),
        (Ok(Ok(value)), None) => (Verdict::Commit, Ok(value)),
    }
}

/// Hides the types of a closure and its caller, so that unlike transactions wait in one queue.
trait Work: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict;
    fn answer(self: Box<Self>, settled: Result<(), Error>);
}

struct Task<T, E, F> {
    closure: F,
    outcome: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Work for Task<T, E, F>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Verdict {
        let (verdict, outcome) = attempt(&self.closure, tx);
        self.outcome = Some(outcome);
        verdict
    }

    fn answer(self: Box<Self>, settled: Result<(), Error>) {
        let answer = match (settled, self.outcome) {
            (Err(error), _) => Err(E::from(error)),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(E::from(Error::Bug(
                "a transaction was answered before it ran".to_owned(),
            ))),
        };
        // The caller may have gone away, as when a browser closes the connection: the transaction stands.
        drop(self.caller.send(answer));
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
