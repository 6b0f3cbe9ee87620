//! A connection to PostgreSQL with the settings that money needs, and statements on it. The `postgres` crate
//! panics when used or dropped on a thread that runs async code, so this stays on a thread of its own.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Statement};

use super::postgresql_failure::{commit_failure, failure, is_stale_plan};
use super::sql::refuse_twins;
use super::tx::Access;
use super::{Error, ROWS_MAX, Row, Value};

/// An open connection.
pub(super) struct Postgresql {
    client: Client,
    /// Prepared on this connection, by their text.
    prepared: HashMap<&'static str, Arc<Prepared>>,
    read_only: bool,
}

/// A statement whose binds and columns are known to be of the two types.
struct Prepared {
    statement: Statement,
    columns: Arc<[String]>,
}

/// Set on every connection, so that a weaker default of the server does not count.
const SESSION: &str = "
    set synchronous_commit = on;
    set statement_timeout = '10s';
    set lock_timeout = '3s';
    set idle_in_transaction_session_timeout = '15s';
    set default_transaction_isolation = 'serializable';
";

impl Postgresql {
    /// Takes a fresh client and makes its session safe for money.
    pub(super) fn set_up(client: Client, schema: Option<&str>) -> Result<Postgresql, Error> {
        let mut postgresql = Postgresql {
            client,
            prepared: HashMap::new(),
            read_only: false,
        };
        postgresql.batch(SESSION)?;
        if let Some(schema) = schema {
            postgresql.batch(&format!("set search_path = \"{}\"", schema.replace('"', "\"\"")))?;
        }
        Ok(postgresql)
    }

    /// Settings of the server with which an acknowledged commit can be lost, as `name = off`.
    pub(super) fn unsafe_settings(&mut self) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for name in ["fsync", "full_page_writes"] {
            let answer = self.client.query_one(&format!("show {name}"), &[]);
            let value: String = answer
                .and_then(|row| row.try_get(0))
                .map_err(|error| failure(error, self.read_only))?;
            if value != "on" {
                found.push(format!("{name} = {value}"));
            }
        }
        Ok(found)
    }

    pub(super) fn begin(&mut self, access: Access) -> Result<(), Error> {
        self.read_only = access == Access::Read;
        self.batch(match access {
            // One snapshot for all its statements, and never a conflict.
            Access::Read => "begin isolation level repeatable read read only",
            Access::Write => "begin isolation level serializable",
            Access::Migrate => "begin isolation level read committed",
        })
    }

    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.client.batch_execute("commit").map_err(commit_failure)
    }

    /// A rollback that fails leaves a lost connection, and the server rolls back what that had open.
    pub(super) fn rollback(&mut self) {
        if let Err(error) = self.batch("rollback") {
            tracing::warn!(%error, "a rollback failed");
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) fn batch(&mut self, text: &str) -> Result<(), Error> {
        self.client
            .batch_execute(text)
            .map_err(|error| failure(error, self.read_only))
    }

    pub(super) fn execute(&mut self, text: &'static str, binds: &[Value]) -> Result<u64, Error> {
        let prepared = self.prepare(text, Some(binds.len()))?;
        let answer = self.client.execute(&prepared.statement, &parameters(binds));
        answer.map_err(|error| self.statement_failure(error, text))
    }

    pub(super) fn query(&mut self, text: &'static str, binds: &[Value]) -> Result<Vec<Row>, Error> {
        let prepared = self.prepare(text, Some(binds.len()))?;
        let answer = self.client.query(&prepared.statement, &parameters(binds));
        let rows = answer.map_err(|error| self.statement_failure(error, text))?;
        if rows.len() > ROWS_MAX {
            return Err(Error::Bug(format!("more than {ROWS_MAX} rows: {text}")));
        }
        rows.iter().map(|row| read(row, &prepared.columns)).collect()
    }

    pub(super) fn prepare_check(&mut self, text: &'static str) -> Result<(), Error> {
        let prepared = self.prepare(text, None)?;
        refuse_twins(&prepared.columns)
    }

    fn prepare(&mut self, text: &'static str, binds: Option<usize>) -> Result<Arc<Prepared>, Error> {
        let prepared = match self.prepared.get(text) {
            Some(prepared) => Arc::clone(prepared),
            None => {
                let statement = self
                    .client
                    .prepare(text)
                    .map_err(|error| self.statement_failure(error, text))?;
                let prepared = Arc::new(checked(statement, text)?);
                self.prepared.insert(text, Arc::clone(&prepared));
                prepared
            }
        };
        let parameters = prepared.statement.params().len();
        match binds {
            Some(binds) if binds != parameters => Err(Error::Bug(format!(
                "{binds} binds for {parameters} parameters: {text}"
            ))),
            Some(_) | None => Ok(prepared),
        }
    }

    fn statement_failure(&mut self, error: postgres::Error, text: &str) -> Error {
        if is_stale_plan(&error) {
            self.prepared.clear();
            return Error::Conflict;
        }
        match failure(error, self.read_only) {
            Error::Bug(what) => Error::Bug(format!("{what}: {text}")),
            other => other,
        }
    }
}

fn checked(statement: Statement, text: &str) -> Result<Prepared, Error> {
    for (place, kind) in statement.params().iter().enumerate() {
        if !matches!(*kind, Type::INT8 | Type::TEXT) {
            let number = place + 1;
            let what = format!("bind ${number} is taken for {kind}; cast it to bigint or text: {text}");
            return Err(Error::Schema(what));
        }
    }
    for column in statement.columns() {
        if !matches!(*column.type_(), Type::INT8 | Type::TEXT) {
            let (name, kind) = (column.name(), column.type_());
            return Err(Error::Schema(format!(
                "column {name} is {kind}; only bigint and text are read: {text}"
            )));
        }
    }
    let columns = statement
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    Ok(Prepared { statement, columns })
}

fn parameters(binds: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    binds
        .iter()
        .map(|value| -> &(dyn ToSql + Sync) { value })
        .collect()
}

fn read(row: &postgres::Row, columns: &Arc<[String]>) -> Result<Row, Error> {
    let values = row.columns().iter().enumerate().map(|(place, column)| {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(place).map(Value::from),
            _ => row.try_get::<_, Option<String>>(place).map(Value::from),
        };
        value.map_err(|error| Error::Schema(format!("column {}: {error}", column.name())))
    });
    Ok(Row::new(Arc::clone(columns), values.collect::<Result<_, _>>()?))
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match (self, kind) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(value), &Type::INT8) => value.to_sql(kind, out),
            (Value::Text(value), &Type::TEXT) => value.to_sql(kind, out),
            (Value::Int(_), _) => Err(format!("a number is bound where {kind} is needed").into()),
            (Value::Text(_), _) => Err(format!("text is bound where {kind} is needed").into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}
