//! A connection to SQLite with the settings that money needs, and statements on it.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::types::{Null, ValueRef};
use rusqlite::{CachedStatement, OpenFlags};

use super::sql::refuse_twins;
use super::sqlite_failure::{commit_failure, failure};
use super::tx::Access;
use super::{Error, ROWS_MAX, Row, Value};

/// An open connection. In a transaction it belongs to one thread.
pub(super) struct Sqlite {
    connection: rusqlite::Connection,
    /// Whether writes are refused before they are run: inline, where a transaction may only read.
    refuses_writes: Cell<bool>,
}

/// More than the product has statements, so that each is parsed once per connection.
const STATEMENTS_MAX: usize = 1000;
/// Of the connection that writes, in KiB as SQLite has it: negative. It grows to that under load only.
const CACHE: &str = "-8000";
/// The log is brought into the file after so many pages of 4 KiB. With SQLite's thousand nearly each page of
/// the log is written a second time; what is written often in between is now written once.
const LOG_PAGES: &str = "8000";

impl Sqlite {
    /// Opens or makes the file. Every setting that durability rests on is read back.
    pub(super) fn open_file(path: &Path) -> Result<Sqlite, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = rusqlite::Connection::open_with_flags(path, flags)
            .map_err(|error| Error::Unavailable(format!("cannot open {}: {error}", path.display())))?;
        Sqlite::over(connection).set_up("wal")
    }

    pub(super) fn open_in_memory() -> Result<Sqlite, Error> {
        let connection = rusqlite::Connection::open_in_memory()
            .map_err(|error| Error::Unavailable(format!("cannot open a database in memory: {error}")))?;
        Sqlite::over(connection).set_up("memory")
    }

    /// A database in memory with all that is committed in this one.
    pub(super) fn copy_in_memory(&self) -> Result<Sqlite, Error> {
        let unable = |error| Error::Unavailable(format!("cannot copy a database in memory: {error}"));
        let mut copy = Sqlite::open_in_memory()?;
        Backup::new(&self.connection, &mut copy.connection)
            .and_then(|backup| backup.step(-1))
            .map_err(unable)?;
        Ok(copy)
    }

    fn over(connection: rusqlite::Connection) -> Sqlite {
        Sqlite {
            connection,
            refuses_writes: Cell::new(false),
        }
    }

    fn set_up(self, journal_mode: &str) -> Result<Sqlite, Error> {
        self.connection
            .set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Otherwise a value that is bound may change the plan, and SQLite compiles a statement anew each time
        // that it is run: a third of what the simulation took.
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|error| Error::Unavailable(format!("stable plans: {error}")))?;
        // Before anything that could meet another connection's lock.
        self.set_pragma("busy_timeout", "5000", "5000")?;
        self.set_pragma("journal_mode", "wal", journal_mode)?;
        // One sync per commit. With NORMAL a power cut loses the last acknowledged commits.
        self.set_pragma("synchronous", "full", "2")?;
        // macOS only: a plain fsync there leaves the data in the drive's cache.
        self.set_pragma("fullfsync", "on", "1")?;
        self.set_pragma("foreign_keys", "on", "1")?;
        self.set_pragma("trusted_schema", "off", "0")?;
        self.set_pragma("cell_size_check", "on", "1")?;
        Ok(self)
    }

    fn set_pragma(&self, name: &str, value: &str, expected: &str) -> Result<(), Error> {
        let unable = |error| Error::Unavailable(format!("pragma {name}: {error}"));
        self.connection.pragma_update(None, name, value).map_err(unable)?;
        let answer = self.pragma(name)?;
        if answer == expected {
            return Ok(());
        }
        Err(Error::Unavailable(format!(
            "SQLite answers {name} = {answer} where {expected} is needed"
        )))
    }

    pub(super) fn pragma(&self, name: &str) -> Result<String, Error> {
        let read = |row: &rusqlite::Row<'_>| match row.get_ref(0)? {
            ValueRef::Integer(value) => Ok(value.to_string()),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Ok(String::new()),
            ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        };
        self.connection
            .pragma_query_value(None, name, read)
            .map_err(|error| Error::Unavailable(format!("pragma {name}: {error}")))
    }

    /// For the connection that writes many transactions in one commit: what undoes one of them stays in
    /// memory, where it would otherwise go to a temporary file, as much again as the log itself; and so do
    /// the pages that they touch.
    pub(super) fn hold_more(&self) -> Result<(), Error> {
        self.set_pragma("wal_autocheckpoint", LOG_PAGES, LOG_PAGES)?;
        self.set_pragma("temp_store", "memory", "2")?;
        self.set_pragma("cache_size", CACHE, CACHE)
    }

    /// From here on every write on this connection is refused, or none.
    pub(super) fn set_read_only(&self, read_only: bool) -> Result<(), Error> {
        self.batch(if read_only {
            "pragma query_only = on"
        } else {
            "pragma query_only = off"
        })
    }

    /// The same as [`Sqlite::set_read_only`] for a connection on which reads and writes take turns: with the
    /// pragma, SQLite would compile every statement anew each time.
    pub(super) fn refuse_writes(&self, refused: bool) {
        self.refuses_writes.set(refused);
    }

    /// Says what is damaged in the file, if anything is.
    pub(super) fn check_integrity(&self) -> Result<(), Error> {
        let damaged = |what: String| Error::Unavailable(format!("the database file is damaged: {what}"));
        let found: String = self
            .connection
            .query_row("pragma integrity_check(1)", [], |row| row.get(0))
            .map_err(|error| damaged(error.to_string()))?;
        if found == "ok" {
            Ok(())
        } else {
            Err(damaged(found))
        }
    }

    pub(super) fn begin(&self, access: Access) -> Result<(), Error> {
        match access {
            Access::Read => self.batch("begin"),
            // With a plain `begin` two writers could each hold a read lock that the other waits for.
            Access::Write | Access::Migrate => self.batch("begin immediate"),
        }
    }

    pub(super) fn commit(&self) -> Result<(), Error> {
        self.connection
            .execute_batch("commit")
            .map_err(|error| commit_failure(&self.connection, error))
    }

    /// Ends the transaction without a trace. After a full disk SQLite has done so by itself.
    pub(super) fn rollback(&self) {
        if self.in_transaction()
            && let Err(error) = self.batch("rollback")
        {
            tracing::error!(%error, "a rollback failed");
        }
    }

    pub(super) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(super) fn batch(&self, text: &str) -> Result<(), Error> {
        self.connection
            .execute_batch(text)
            .map_err(|error| failure(&self.connection, error))
    }

    pub(super) fn execute(&self, text: &'static str, binds: &[Value]) -> Result<u64, Error> {
        let mut statement = self.bound(text, binds)?;
        let rows = statement
            .raw_execute()
            .map_err(|error| failure(&self.connection, error))?;
        u64::try_from(rows).map_err(|_| Error::Bug(format!("{rows} rows do not fit a count")))
    }

    pub(super) fn query(&self, text: &'static str, binds: &[Value]) -> Result<Vec<Row>, Error> {
        let mut statement = self.bound(text, binds)?;
        let columns = columns_of(&statement);
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| failure(&self.connection, error))? {
            if found.len() == ROWS_MAX {
                return Err(Error::Bug(format!("more than {ROWS_MAX} rows: {text}")));
            }
            let values = columns
                .iter()
                .enumerate()
                .map(|(place, column)| read(row, place, column));
            let values = values.collect::<Result<Vec<Value>, Error>>()?;
            found.push(Row::new(Arc::clone(&columns), values));
        }
        Ok(found)
    }

    pub(super) fn prepare_check(&self, text: &'static str) -> Result<(), Error> {
        let statement = self.prepare(text)?;
        bind_places(&statement, text, statement.parameter_count())?;
        refuse_twins(&columns_of(&statement))
    }

    fn bound(&self, text: &'static str, binds: &[Value]) -> Result<CachedStatement<'_>, Error> {
        let mut statement = self.prepare(text)?;
        if self.refuses_writes.get() && !statement.readonly() {
            return Err(Error::Bug(format!("a write in a read-only transaction: {text}")));
        }
        let places = bind_places(&statement, text, binds.len())?;
        for (index, place) in (1..).zip(places) {
            let bound = match binds.get(place) {
                Some(Value::Null) => statement.raw_bind_parameter(index, Null),
                Some(Value::Int(value)) => statement.raw_bind_parameter(index, value),
                Some(Value::Text(value)) => statement.raw_bind_parameter(index, value),
                None => return Err(Error::Bug(format!("no bind ${}: {text}", place + 1))),
            };
            bound.map_err(|error| failure(&self.connection, error))?;
        }
        Ok(statement)
    }

    fn prepare(&self, text: &'static str) -> Result<CachedStatement<'_>, Error> {
        self.connection
            .prepare_cached(text)
            .map_err(|error| failure(&self.connection, error))
    }
}

/// For each parameter of SQLite, in its order, the place of its bind. SQLite takes `$2` for a name and counts
/// in order of appearance, so `values ($2, $1)` would otherwise swap them, and a missing bind would be NULL.
fn bind_places(statement: &CachedStatement<'_>, text: &str, binds: usize) -> Result<Vec<usize>, Error> {
    let count = statement.parameter_count();
    if count != binds {
        return Err(Error::Bug(format!(
            "{binds} binds for {count} parameters: {text}"
        )));
    }
    let place = |index| {
        let name = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'));
        let number = name.and_then(|digits| digits.parse::<usize>().ok());
        number
            .filter(|number| (1..=count).contains(number))
            .map(|number| number - 1)
            .ok_or_else(|| Error::Bug(format!("binds must be $1 to ${count}: {text}")))
    };
    (1..=count).map(place).collect()
}

fn columns_of(statement: &CachedStatement<'_>) -> Arc<[String]> {
    statement.column_names().map(str::to_owned).collect()
}

fn read(row: &rusqlite::Row<'_>, place: usize, column: &str) -> Result<Value, Error> {
    let unreadable = |what: String| Error::Schema(format!("column {column} {what}"));
    match row
        .get_ref(place)
        .map_err(|error| unreadable(error.to_string()))?
    {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(unreadable(format!("is not UTF-8: {error}"))),
        },
        ValueRef::Real(_) => Err(unreadable(
            "holds a real number; only bigint and text are read".to_owned(),
        )),
        ValueRef::Blob(_) => Err(unreadable(
            "holds a blob; only bigint and text are read".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::binds;

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound_to_it() {
        const FIND: &str = "select n from t where word = $1 and n >= $2 order by n limit $3";
        let sqlite = Sqlite::open_in_memory().unwrap();
        sqlite
            .batch("create table t (n bigint, word text); create index t_word on t (word, n)")
            .unwrap();
        for n in 0..100_i64 {
            let fill = "insert into t (n, word) values ($1, $2)";
            sqlite.execute(fill, binds![n, format!("w{}", n % 3)]).unwrap();
            let found = sqlite.query(FIND, binds![format!("w{}", n % 5), n / 2, 10_i64]);
            assert!(found.unwrap().len() <= 10);
        }
        let statement = sqlite.prepare(FIND).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 100);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    /// A disk that went read-only is nobody's mistake, and passes: whoever delivers is told to come again.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a file of the test's own")]
    fn a_file_that_can_only_be_read_is_not_available_for_writes() {
        let path = std::env::temp_dir().join(format!("psa_pay_read_only_{}.db", std::process::id()));
        let whole = Sqlite::open_file(&path).unwrap();
        whole.batch("create table t (n bigint)").unwrap();
        drop(whole);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let read_only = Sqlite::over(rusqlite::Connection::open_with_flags(&path, flags).unwrap());
        assert!(read_only.query("select n from t", &[]).unwrap().is_empty());
        let written = read_only.execute("insert into t (n) values (1)", &[]);
        assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
        drop(read_only);
        for ending in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(ending);
            let _gone_already = std::fs::remove_file(file);
        }
    }
}
