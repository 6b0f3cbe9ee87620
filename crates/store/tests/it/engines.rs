//! A database for each test, an executor of a few lines, and the macro that runs a test on both engines.
//! Where the tests want them with all tables (`crate::MIGRATED`), the tables are made once and copied.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use store::db::{Db, Options};
use store::migrate;

/// Writes `fn name(world: &World) { … }` once and makes `name::sqlite` and `name::postgres` of it.
#[macro_export]
macro_rules! both {
    ($(fn $name:ident($world:ident: &World) $body:block)*) => {$(
        mod $name {
            use super::*;

            fn check($world: &World) $body

            #[test]
            fn sqlite() {
                check(&$crate::engines::World::sqlite());
            }

            #[test]
            fn postgres() {
                if let Some(world) = $crate::engines::World::postgres() {
                    check(&world);
                }
            }
        }
    )*};
}

/// An open database without any rows of ours, removed at the end of the test.
pub struct World {
    pub db: Db,
    pub url: String,
    kept: Kept,
}

enum Kept {
    Folder(PathBuf),
    Database { server: String, name: String },
}

impl World {
    pub fn sqlite() -> World {
        let folder = sqlite_folder().join(unique_name());
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("test.db");
        if crate::MIGRATED {
            std::fs::write(&file, sqlite_template()).unwrap();
        }
        let url = format!("sqlite:{}", file.display());
        let db = block_on(Db::open(&url, Options::default())).unwrap();
        World {
            db,
            url,
            kept: Kept::Folder(folder),
        }
    }

    /// None, and a loud line, where the tests have no PostgreSQL; a failure where they must.
    pub fn postgres() -> Option<World> {
        let Ok(server) = std::env::var("PSA_PAY_TEST_POSTGRES") else {
            eprintln!("PostgreSQL half did not run: set PSA_PAY_TEST_POSTGRES");
            assert_ne!(
                std::env::var("PSA_PAY_REQUIRE_POSTGRES").as_deref(),
                Ok("1"),
                "PSA_PAY_REQUIRE_POSTGRES=1 and no PSA_PAY_TEST_POSTGRES"
            );
            return None;
        };
        let name = unique_name();
        match crate::MIGRATED {
            true => admin(
                &server,
                &format!("create database {name} template {}", postgres_template(&server)),
            ),
            false => admin(&server, &format!("create database {name}")),
        }
        let url = with_database(&server, &name);
        let db = block_on(Db::open(&url, Options::default())).unwrap();
        Some(World {
            db,
            url,
            kept: Kept::Database { server, name },
        })
    }

    /// A further, independent handle on the same database, as another process would have.
    pub fn open_again(&self, options: Options) -> Db {
        block_on(Db::open(&self.url, options)).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        block_on(self.db.close());
        match &self.kept {
            Kept::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Kept::Database { server, name } => {
                admin(server, &format!("drop database {name} with (force)"));
            }
        }
    }
}

/// Where SQLite's files lie: in `PSA_PAY_TEST_SQLITE`, which `./check` sets to a folder in memory, or on a
/// disk.
fn sqlite_folder() -> PathBuf {
    match std::env::var("PSA_PAY_TEST_SQLITE") {
        Ok(folder) => PathBuf::from(folder),
        Err(_) => PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
    }
}

/// A file of SQLite's with all tables.
fn sqlite_template() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = sqlite_folder().join(unique_name());
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("template.db");
        migrated(&format!("sqlite:{}", file.display()));
        into_one_file(&file);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        bytes
    })
}

/// Puts what stands in the write-ahead log into the file itself: connections that close at the same time may
/// each leave it to the other.
fn into_one_file(file: &Path) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let left: i64 = connection
        .query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0, "somebody still has {} open", file.display());
}

/// The name of a database with all tables, which stays on the server for later runs of the same tables.
fn postgres_template(server: &str) -> &'static str {
    static MADE: OnceLock<String> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut tables = DefaultHasher::new();
        for step in migrate::MIGRATIONS {
            (step.name, step.sql).hash(&mut tables);
        }
        let name = format!("psa_pay_template_{:016x}", tables.finish());
        let mut client =
            postgres::Client::connect(&with_database(server, "postgres"), postgres::NoTls).unwrap();
        let known = "select 1 from pg_database where datname = $1";
        if client.query(known, &[&name]).unwrap().is_empty() {
            // Under a name of its own until it is whole; another process may make the same meanwhile.
            let making = unique_name();
            client
                .batch_execute(&format!("create database {making}"))
                .unwrap();
            migrated(&with_database(server, &making));
            if client
                .batch_execute(&format!("alter database {making} rename to {name}"))
                .is_err()
            {
                client
                    .batch_execute(&format!("drop database {making} with (force)"))
                    .unwrap();
            }
        }
        name
    })
}

/// Makes all tables in a database and closes it.
fn migrated(url: &str) {
    let db = block_on(Db::open(url, Options::default())).unwrap();
    block_on(migrate::migrate(&db, 1)).unwrap();
    block_on(db.close());
}

/// Runs a statement as the server's administrator.
pub fn admin(server: &str, statement: &str) {
    let mut client = postgres::Client::connect(&with_database(server, "postgres"), postgres::NoTls).unwrap();
    client.batch_execute(statement).unwrap();
}

/// Runs a future on this thread. The store needs no more than this of a runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Polls a future once, as a caller does who may then go away.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "psa_pay_store_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// `postgres://user@host:port/` with or without a database, to the address of this database.
fn with_database(server: &str, name: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap();
    let authority = rest.split(['/', '?']).next().unwrap();
    format!("{scheme}://{authority}/{name}")
}
