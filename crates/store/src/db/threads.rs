//! The threads behind an open database, the queues that lead to them, and how they end.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::Shared;

use super::postgresql_threads::{Server, Worker};
use super::queue::{Queue, Refused};
use super::sqlite::Sqlite;
use super::sqlite_file::{Lock, open_beside, open_reader, open_writer};
use super::sqlite_threads::{read_until_closed, write_until_closed};
use super::task::Job;
use super::tx::Access;
use super::{Counters, Engine, Error, Options, Stats, Tx};

/// Running threads. Dropping this lets them finish what is queued, and does not wait for it.
pub(super) struct Threads {
    engine: Engine,
    /// The same queue as `reads` where one kind of thread does both.
    writes: Arc<Queue<Job>>,
    reads: Arc<Queue<Job>>,
    counters: Arc<Counters>,
    /// One for each thread, which goes away with it; whoever closes waits for all of them.
    running: Mutex<Vec<Shared<oneshot::Receiver<()>>>>,
}

impl Threads {
    /// One thread that writes a file and several that read it.
    pub(super) fn sqlite_file(path: &Path, options: &Options) -> Result<Threads, Error> {
        let lock = Arc::new(Lock::take(path)?);
        let writer = open_writer(path)?;
        let mut readers = Vec::new();
        for _ in 0..options.readers.max(1) {
            readers.push(open_reader(path)?);
        }
        let writes = Arc::new(Queue::new(options.queue_max));
        let threads = Threads::new(Engine::Sqlite, writes, Arc::new(Queue::new(options.queue_max)));
        threads.start_writer(writer, options.group_max, Some(Arc::clone(&lock)))?;
        for reader in readers {
            let (lock, counters) = (Arc::clone(&lock), Arc::clone(&threads.counters));
            threads.start("sqlite-reader", &threads.reads, move |queue| {
                read_until_closed(&reader, queue, &counters);
                drop(reader);
                drop(lock);
            })?;
        }
        Ok(threads)
    }

    /// One thread that reads a file which belongs to another process.
    pub(super) fn sqlite_beside(path: &Path, options: &Options) -> Result<Threads, Error> {
        let reader = open_beside(path)?;
        let queue = Arc::new(Queue::new(options.queue_max));
        let threads = Threads::new(Engine::Sqlite, Arc::clone(&queue), queue);
        let counters = Arc::clone(&threads.counters);
        threads.start("sqlite-beside", &threads.reads, move |queue| {
            read_until_closed(&reader, queue, &counters);
        })?;
        Ok(threads)
    }

    /// One thread for all, since a database in memory has one connection.
    pub(super) fn sqlite_in_memory(options: &Options) -> Result<Threads, Error> {
        let queue = Arc::new(Queue::new(options.queue_max));
        let threads = Threads::new(Engine::Sqlite, Arc::clone(&queue), queue);
        threads.start_writer(Sqlite::open_in_memory()?, options.group_max, None)?;
        Ok(threads)
    }

    /// Several threads that each read and write on a connection of their own.
    pub(super) async fn postgresql(url: &str, options: &Options) -> Result<Threads, Error> {
        let server = Arc::new(Server::parse(url, options)?);
        let queue = Arc::new(Queue::new(options.queue_max));
        let threads = Threads::new(Engine::Postgres, Arc::clone(&queue), queue);
        let (opened, answer) = oneshot::channel();
        let mut opened = Some(opened);
        for _ in 0..options.connections.max(1) {
            let mut worker = Worker {
                server: Arc::clone(&server),
                queue: Arc::clone(&threads.writes),
                counters: Arc::clone(&threads.counters),
                connection: None,
            };
            let first = opened.take();
            threads.start("postgresql", &threads.writes, move |_| {
                if let Some(opened) = first {
                    worker.connect_first(opened);
                }
                worker.run_until_closed();
            })?;
        }
        answer
            .await
            .unwrap_or_else(|_| Err(Error::Bug("a database thread ended at its start".to_owned())))?;
        Ok(threads)
    }

    pub(super) async fn run<T, E, F>(&self, access: Access, closure: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (job, answer) = Job::new(access, closure);
        let queue = match access {
            Access::Read => &self.reads,
            Access::Write | Access::Migrate => &self.writes,
        };
        queue.push(job).map_err(|refused| {
            let why = match refused {
                Refused::Full => "too many transactions are waiting",
                Refused::Closed => "the database is closed",
            };
            Error::Unavailable(why.to_owned())
        })?;
        answer.await.unwrap_or_else(|_| {
            let why = "commit outcome unknown: the database's thread ended";
            Err(E::from(Error::Unavailable(why.to_owned())))
        })
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }

    pub(super) fn stats(&self) -> Stats {
        Stats {
            transactions: self.counters.transactions.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
            retries: self.counters.retries.load(Ordering::Relaxed),
            waiting: match Arc::ptr_eq(&self.writes, &self.reads) {
                true => self.writes.len(),
                false => self.writes.len().saturating_add(self.reads.len()),
            },
        }
    }

    pub(super) async fn close(&self) {
        self.writes.close();
        self.reads.close();
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for thread in running {
            // Nothing is ever sent: the channel ends when the thread does.
            _ = thread.await;
        }
    }

    fn new(engine: Engine, writes: Arc<Queue<Job>>, reads: Arc<Queue<Job>>) -> Threads {
        Threads {
            engine,
            writes,
            reads,
            counters: Arc::default(),
            running: Mutex::default(),
        }
    }

    fn start_writer(&self, sqlite: Sqlite, group_max: usize, lock: Option<Arc<Lock>>) -> Result<(), Error> {
        let counters = Arc::clone(&self.counters);
        self.start("sqlite-writer", &self.writes, move |queue| {
            write_until_closed(&sqlite, queue, group_max.max(1), &counters);
            // In this order: whoever takes the lock next may open the file.
            drop(sqlite);
            drop(lock);
        })
    }

    fn start<F>(&self, name: &str, queue: &Arc<Queue<Job>>, body: F) -> Result<(), Error>
    where
        F: FnOnce(&Queue<Job>) + Send + 'static,
    {
        let (alive, ended) = oneshot::channel();
        let queue = Abandon(Arc::clone(queue));
        let thread = std::thread::Builder::new().name(name.to_owned());
        let started = thread.spawn(move || {
            body(&queue.0);
            drop(queue);
            drop(alive);
        });
        started.map_err(|error| Error::Unavailable(format!("cannot start a thread: {error}")))?;
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ended.shared());
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
    }
}

/// A thread that panics outside a transaction takes its queue with it, so that nobody waits for an answer
/// that never comes. After an orderly end the queue is empty and closed already.
struct Abandon(Arc<Queue<Job>>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
