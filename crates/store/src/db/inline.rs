//! A database in memory whose transactions run on the thread of the caller, one after the other: for tests
//! and for the simulation, which has neither threads nor a runtime.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use super::sqlite::Sqlite;
use super::sqlite_threads::another_process;
use super::task::{ATTEMPTS_MAX, Verdict, attempt};
use super::tx::{Access, Connection};
use super::{Error, Tx};

/// What befalls a transaction on its way, as a simulation decides: what a server far away can do to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is not begun; this is what its caller hears.
    NotBegun(Error),
    /// It runs, and its caller never hears whether it was committed.
    AnswerLost {
        /// Whether it was.
        committed: bool,
    },
}

/// Decides what befalls the next transaction; it is told whether that one may write.
pub type Mishaps = Arc<dyn Fn(bool) -> Option<Mishap> + Send + Sync>;

/// The database itself. Its holder may drop every [`super::Db`] on it, as a crash would, and make another.
#[derive(Clone)]
pub struct Inline(Arc<Mutex<Sqlite>>);

impl Inline {
    /// An empty SQLite database in memory.
    ///
    /// # Errors
    /// When SQLite refuses a setting.
    pub fn new() -> Result<Inline, Error> {
        Ok(Inline(Arc::new(Mutex::new(Sqlite::open_in_memory()?))))
    }

    /// A database of its own with everything that is in this one.
    ///
    /// # Errors
    /// When SQLite refuses a setting or the copy.
    pub fn copy(&self) -> Result<Inline, Error> {
        let from = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Inline(Arc::new(Mutex::new(from.copy_in_memory()?))))
    }

    /// Yields, runs the transaction, yields: so that a scheduler can end an instance both before it and
    /// between the commit and its answer.
    pub(super) async fn run<T, E, F>(
        &self,
        access: Access,
        mishaps: Option<&Mishaps>,
        closure: F,
    ) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        yield_once().await;
        let mishap = mishaps.and_then(|mishaps| mishaps(access != Access::Read));
        let answer = match mishap {
            None => self.transact(access, true, &closure),
            Some(Mishap::NotBegun(error)) => Err(E::from(error)),
            // What the closure refuses is rolled back and answered before there is a commit to hear of.
            Some(Mishap::AnswerLost { committed }) => {
                self.transact(access, committed, &closure).and_then(|_| {
                    let lost = "commit outcome unknown: the connection broke";
                    Err(E::from(Error::Unavailable(lost.to_owned())))
                })
            }
        };
        yield_once().await;
        answer
    }

    fn transact<T, E, F>(&self, access: Access, commits: bool, closure: &F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        // A panic in the closure is caught below this lock, so a poisoned one is whole all the same.
        let sqlite = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS_MAX {
            sqlite.begin(access).map_err(another_process)?;
            sqlite.refuse_writes(access == Access::Read);
            let (verdict, answer) = attempt(closure, &mut Tx::new(Connection::Sqlite(&sqlite)));
            sqlite.refuse_writes(false);
            let committed = match verdict {
                Verdict::Commit if commits => sqlite.commit(),
                Verdict::Commit | Verdict::Rollback | Verdict::Retry => Ok(()),
            };
            sqlite.rollback();
            committed?;
            if verdict != Verdict::Retry {
                return answer;
            }
        }
        Err(E::from(Error::Conflict))
    }
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
