//! The database seam: SQLite or PostgreSQL behind one `Db`. A transaction is a synchronous closure that runs
//! on a thread which owns its connection, so no network call fits inside it, a caller who goes away cannot
//! cut it in half, and a conflict simply runs it again.

pub mod backup;
mod error;
mod inline;
mod known;
mod outage;
mod postgresql;
mod postgresql_failure;
mod postgresql_threads;
mod queue;
mod sql;
mod sqlite;
mod sqlite_failure;
mod sqlite_file;
mod sqlite_threads;
mod stopwatch;
mod task;
mod threads;
mod tx;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use error::Error;
pub use inline::{Inline, Mishap, Mishaps};
pub use outage::Outage;
pub use sql::{Row, Sql, Value};
pub use tx::Tx;

use threads::Threads;
use tx::Access;

/// An answer is collected in memory before it is given, so a longer one is a list without its `limit`.
const ROWS_MAX: usize = 100_000;

/// Which database this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, embedded.
    Sqlite,
    /// PostgreSQL, 15 or newer.
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        })
    }
}

/// How to open a database. The defaults are meant for production.
#[derive(Clone, Debug)]
pub struct Options {
    /// SQLite: threads that read beside the one that writes.
    pub readers: usize,
    /// SQLite: most transactions in one commit.
    pub group_max: usize,
    /// PostgreSQL: connections, each with a thread.
    pub connections: usize,
    /// Transactions that may wait before further ones are refused.
    pub queue_max: usize,
    /// PostgreSQL: the schema to work in, if not the user's default.
    pub schema: Option<String>,
    /// PostgreSQL: the server's root certificates as PEM text, instead of Mozilla's. Used with
    /// `sslmode=require`, which always verifies here.
    pub root_certificates: Option<String>,
    /// PostgreSQL: refuse a server that runs with `fsync` or `full_page_writes` off, instead of warning. For
    /// LIVE.
    pub refuse_unsafe: bool,
    /// SQLite: only read, beside the process that the file belongs to. Writes are refused.
    pub beside: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            readers: 4,
            group_max: 64,
            connections: 8,
            queue_max: 10_000,
            schema: None,
            root_certificates: None,
            refuse_unsafe: false,
            beside: false,
        }
    }
}

/// What the database has done since it was opened, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that were started, reads too.
    pub transactions: u64,
    /// Commits of the engine: fewer than transactions when SQLite's writer grouped them.
    pub commits: u64,
    /// Times that a transaction ran again after a conflict.
    pub retries: u64,
    /// Transactions that wait for a connection now.
    pub waiting: usize,
}

#[derive(Default)]
struct Counters {
    transactions: AtomicU64,
    commits: AtomicU64,
    retries: AtomicU64,
}

/// An open database. Clones are the same database; it closes when the last one is dropped.
#[derive(Clone)]
pub struct Db {
    backing: Arc<Backing>,
}

enum Backing {
    Threads(Threads),
    Inline {
        inline: Inline,
        mishaps: Option<Mishaps>,
        closed: AtomicBool,
    },
}

impl Db {
    /// Opens `sqlite:PATH` (the file is made if need be), `sqlite::memory:` or `postgres://…`. Tables are not
    /// touched: see [`crate::migrate::migrate`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] with what to do about it: an address of another form, a file that cannot be
    /// opened, is damaged or is in use by another process, a server that cannot be reached.
    pub async fn open(url: &str, options: Options) -> Result<Db, Error> {
        let threads = if url == "sqlite::memory:" {
            Threads::sqlite_in_memory(&options)?
        } else if let Some(path) = url.strip_prefix("sqlite:") {
            // `sqlite:///var/x.db` and `sqlite:/var/x.db` are the same file.
            let path = path.strip_prefix("//").unwrap_or(path);
            match options.beside {
                true => Threads::sqlite_beside(path.as_ref(), &options)?,
                false => Threads::sqlite_file(path.as_ref(), &options)?,
            }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Threads::postgresql(url, &options).await?
        } else {
            return Err(Error::Unavailable(
                "the database address must begin with sqlite: or postgres://".to_owned(),
            ));
        };
        Ok(Db {
            backing: Arc::new(Backing::Threads(threads)),
        })
    }

    /// An empty SQLite database in memory whose transactions run on the thread of the caller.
    ///
    /// # Errors
    /// When SQLite refuses a setting.
    pub fn inline() -> Result<Db, Error> {
        Ok(Db::inline_from(&Inline::new()?))
    }

    /// A further `Db` on this database in memory, as after a crash.
    pub fn inline_from(inline: &Inline) -> Db {
        Db::inline_over(inline, None)
    }

    /// The same, over a connection on which things go wrong.
    pub fn inline_with(inline: &Inline, mishaps: Mishaps) -> Db {
        Db::inline_over(inline, Some(mishaps))
    }

    fn inline_over(inline: &Inline, mishaps: Option<Mishaps>) -> Db {
        let backing = Backing::Inline {
            inline: inline.clone(),
            mishaps,
            closed: AtomicBool::new(false),
        };
        Db {
            backing: Arc::new(backing),
        }
    }

    /// Runs a closure in a transaction that may write: serializable, and durable once this returns. `Err`
    /// rolls back all of it. A conflict runs the closure again, so it must have no other effect. Nothing is
    /// queued before the first poll; dropping the future afterwards changes nothing.
    ///
    /// # Errors
    /// What the closure returns, and [`Error`] for what the database has to say.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run(Access::Write, closure).await
    }

    /// Runs a closure in a read-only transaction: all its statements see one committed state, which
    /// includes every write answered before.
    ///
    /// # Errors
    /// What the closure returns, and [`Error`] for what the database has to say.
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.run(Access::Read, closure).await
    }

    /// Asks the database for an answer, for readiness.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), Error> {
        const ALIVE: Sql = Sql::new("select cast(1 as bigint) as alive");
        self.read(|tx| tx.one(&ALIVE, &[])?.int("alive"))
            .await
            .map(|_: i64| ())
    }

    /// Whether the database takes writes, with the tables in it.
    ///
    /// # Errors
    /// When it does not.
    pub async fn takes_writes(&self) -> Result<(), Error> {
        // Of a row that there is not: it takes what a write takes, and changes nothing.
        const WRITES: Sql = Sql::new("update schema_migrations set checksum = checksum where name = ''");
        // Without a page that changes, SQLite writes nothing, and knows nothing of a disk that is full.
        const ADDS: Sql =
            Sql::new("insert into schema_migrations (name, checksum, created_at) values ('', '', 0)");
        const REMOVES: Sql = Sql::new("delete from schema_migrations where name = ''");
        let engine = self.engine();
        let tried = self.write(move |tx| match engine {
            Engine::Postgres => tx.execute(&WRITES, &[]),
            Engine::Sqlite => {
                tx.execute(&ADDS, &[])?;
                tx.execute(&REMOVES, &[])
            }
        });
        tried.await.map(|_: u64| ())
    }

    /// Reads all of SQLite's file, and says what is damaged in it, if anything is. It takes one of the
    /// connections that read for as long as that takes. PostgreSQL looks after its own.
    ///
    /// # Errors
    /// [`Error`] when nothing can be read.
    pub async fn damage(&self) -> Result<Option<String>, Error> {
        const LOOK: Sql = Sql::per_engine("pragma integrity_check(1)", "select 'ok' as integrity_check");
        // Nobody needs the pages again that were read for this.
        const FORGET: Sql = Sql::per_engine("pragma shrink_memory", "select 'none' as pages where false");
        let said = self.read(|tx| {
            let said = tx.one(&LOOK, &[])?.text("integrity_check")?;
            tx.query(&FORGET, &[])?;
            Ok::<_, Error>(said)
        });
        said.await.map(|said| (said != "ok").then_some(said))
    }

    /// Settings of PostgreSQL's server with which an acknowledged commit can be lost, as `name = off`. Those
    /// of SQLite are made and read back when it is opened.
    ///
    /// # Errors
    /// [`Error`] when nothing can be read.
    pub async fn unsafe_settings(&self) -> Result<Vec<String>, Error> {
        const LOOK: Sql = Sql::per_engine(
            "select '' as name, '' as setting where false",
            "select name, setting from pg_settings
             where name in ('fsync', 'full_page_writes') and setting <> 'on'
             order by name",
        );
        let found = self.read(|tx| {
            let said = |row: &Row| Ok(format!("{} = {}", row.text("name")?, row.text("setting")?));
            tx.query(&LOOK, &[])?.iter().map(said).collect()
        });
        found.await
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        match &*self.backing {
            Backing::Threads(threads) => threads.engine(),
            Backing::Inline { .. } => Engine::Sqlite,
        }
    }

    /// What has been done so far; zeros for an inline database.
    pub fn stats(&self) -> Stats {
        match &*self.backing {
            Backing::Threads(threads) => threads.stats(),
            Backing::Inline { .. } => Stats {
                transactions: 0,
                commits: 0,
                retries: 0,
                waiting: 0,
            },
        }
    }

    /// Refuses new transactions, finishes those that are queued, and closes every connection. Returns when
    /// the file may be opened again.
    pub async fn close(&self) {
        match &*self.backing {
            Backing::Threads(threads) => threads.close().await,
            Backing::Inline { closed, .. } => closed.store(true, Ordering::Relaxed),
        }
    }

    /// A transaction for migrations, which see what another instance committed while they waited for its
    /// lock.
    pub(crate) async fn migrate<T, F>(&self, closure: F) -> Result<T, Error>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.run(Access::Migrate, closure).await
    }

    async fn run<T, E, F>(&self, access: Access, closure: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &*self.backing {
            Backing::Threads(threads) => threads.run(access, closure).await,
            Backing::Inline { closed, .. } if closed.load(Ordering::Relaxed) => {
                Err(E::from(Error::Unavailable("the database is closed".to_owned())))
            }
            Backing::Inline { inline, mishaps, .. } => inline.run(access, mishaps.as_ref(), closure).await,
        }
    }
}
