//! A transaction as the stores see it: a few verbs on either engine. A failed statement ends it on both,
//! because PostgreSQL refuses every further statement, and code must not work on one engine only.

use super::known::Known;
use super::postgresql::Postgresql;
use super::sql::refuse_nul;
use super::sqlite::Sqlite;
use super::{Engine, Error, Row, Sql, Value};

/// An open transaction. It commits when the closure that was given it returns `Ok`.
pub struct Tx<'a> {
    connection: Connection<'a>,
    failed: Option<Error>,
    first_statement: Option<&'static str>,
    known: Known,
}

/// The connection that a transaction runs on.
pub(super) enum Connection<'a> {
    Sqlite(&'a Sqlite),
    Postgresql(&'a mut Postgresql),
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// As `Write`, but each statement sees what has been committed before it, which waiting for a lock needs.
    Migrate,
}

impl<'a> Tx<'a> {
    pub(super) fn new(connection: Connection<'a>) -> Tx<'a> {
        Tx {
            connection,
            failed: None,
            first_statement: None,
            known: Known::default(),
        }
    }

    /// Runs a statement and says how many rows it inserted, updated or deleted.
    ///
    /// # Errors
    /// What the database says; afterwards the transaction takes no statement and cannot commit.
    pub fn execute(&mut self, sql: &Sql, binds: &[Value]) -> Result<u64, Error> {
        let text = self.next_statement(sql)?;
        let answer = refuse_nul(binds).and_then(|()| match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.execute(text, binds),
            Connection::Postgresql(postgresql) => postgresql.execute(text, binds),
        });
        self.remember(answer)
    }

    /// Runs a statement and gives its rows, all of them at once: bound a list with `limit`.
    ///
    /// # Errors
    /// What the database says; afterwards the transaction takes no statement and cannot commit.
    /// [`Error::Schema`] for a column that is neither bigint nor text.
    pub fn query(&mut self, sql: &Sql, binds: &[Value]) -> Result<Vec<Row>, Error> {
        let text = self.next_statement(sql)?;
        let answer = refuse_nul(binds).and_then(|()| match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.query(text, binds),
            Connection::Postgresql(postgresql) => postgresql.query(text, binds),
        });
        self.remember(answer)
    }

    /// As [`Tx::query`], and a statement with the same binds is asked once until something writes to a table
    /// that it reads: for what is read anew with every event of a tenant, such as its name and settings. No
    /// trigger may write to these tables.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub fn query_once(&mut self, sql: &Sql, binds: &[Value]) -> Result<Vec<Row>, Error> {
        let text = sql.text(self.engine());
        if self.failed.is_none()
            && let Some(rows) = self.known.find(text, binds)
        {
            return Ok(rows);
        }
        let rows = self.query(sql, binds)?;
        self.known.keep(text, binds, &rows);
        Ok(rows)
    }

    /// The one row of an answer, or none.
    ///
    /// # Errors
    /// As [`Tx::query`]; [`Error::Bug`] when there are several rows.
    pub fn optional(&mut self, sql: &Sql, binds: &[Value]) -> Result<Option<Row>, Error> {
        let rows = self.query(sql, binds)?;
        self.at_most_one(sql, rows)
    }

    /// The one row of an answer, or none, asked as by [`Tx::query_once`].
    ///
    /// # Errors
    /// As [`Tx::optional`].
    pub fn optional_once(&mut self, sql: &Sql, binds: &[Value]) -> Result<Option<Row>, Error> {
        let rows = self.query_once(sql, binds)?;
        self.at_most_one(sql, rows)
    }

    fn at_most_one(&mut self, sql: &Sql, mut rows: Vec<Row>) -> Result<Option<Row>, Error> {
        if rows.len() > 1 {
            let text = sql.text(self.engine());
            return self.remember(Err(Error::Bug(format!(
                "several rows where one was expected: {text}"
            ))));
        }
        Ok(rows.pop())
    }

    /// The one row of an answer.
    ///
    /// # Errors
    /// As [`Tx::optional`]; [`Error::NotFound`] when there is no row, after which the transaction goes on.
    pub fn one(&mut self, sql: &Sql, binds: &[Value]) -> Result<Row, Error> {
        self.optional(sql, binds)?.ok_or(Error::NotFound)
    }

    /// Prepares a statement without running it: the tests check every statement of the stores this way.
    ///
    /// # Errors
    /// What the engine has against the text, its binds or, on PostgreSQL, the types of its columns.
    pub fn prepare_check(&mut self, sql: &Sql) -> Result<(), Error> {
        let text = self.next_statement(sql)?;
        let answer = match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.prepare_check(text),
            Connection::Postgresql(postgresql) => postgresql.prepare_check(text),
        };
        self.remember(answer)
    }

    /// The engine this runs on.
    pub fn engine(&self) -> Engine {
        match self.connection {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgresql(_) => Engine::Postgres,
        }
    }

    /// Runs several statements without binds, as a migration has them.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), Error> {
        self.known.forget_all();
        let answer = match &mut self.connection {
            Connection::Sqlite(sqlite) => sqlite.batch(text),
            Connection::Postgresql(postgresql) => postgresql.batch(text),
        };
        self.remember(answer)
    }

    /// What ended this transaction, whatever its closure made of it.
    pub(super) fn failed(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    pub(super) fn first_statement(&self) -> Option<&'static str> {
        self.first_statement
    }

    fn next_statement(&mut self, sql: &Sql) -> Result<&'static str, Error> {
        let text = sql.text(self.engine());
        match &self.failed {
            None => {
                self.first_statement.get_or_insert(text);
                self.known.about_to_run(text);
                Ok(text)
            }
            Some(error @ (Error::Conflict | Error::Unavailable(_))) => Err(error.clone()),
            Some(error) => Err(Error::Bug(format!(
                "a statement after one that failed ({error}): {text}"
            ))),
        }
    }

    fn remember<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &answer
            && self.failed.is_none()
        {
            self.failed = Some(error.clone());
        }
        answer
    }
}
