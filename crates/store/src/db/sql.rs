//! Statement texts, the values bound to them and the rows they give. Two types only: whole numbers and text.

use std::sync::Arc;

use super::{Engine, Error};

/// A statement, lower case, with binds `$1`, `$2`, … Its text is part of the program and so cannot be
/// assembled from input.
#[derive(Debug)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    /// One text for both engines.
    pub const fn new(text: &'static str) -> Sql {
        Sql {
            sqlite: text,
            postgres: text,
        }
    }

    /// A text for each engine, for the few statements that differ.
    pub const fn per_engine(sqlite: &'static str, postgres: &'static str) -> Sql {
        Sql { sqlite, postgres }
    }

    /// The text for this engine.
    pub const fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// A value bound to a statement or read from a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// No value.
    Null,
    /// A whole number: money in minor units, milliseconds, counts.
    Int(i64),
    /// Text without NUL characters, which PostgreSQL cannot store.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Value {
        Value::Text(value.clone())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// The binds of a statement: `binds![id, amount_minor]` is a `&[Value]`.
#[macro_export]
macro_rules! binds {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*][..] };
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Row {
        Row { columns, values }
    }

    /// The number in this column.
    ///
    /// # Errors
    /// [`Error::Schema`] when there is no such column, or it holds text or nothing.
    pub fn int(&self, column: &str) -> Result<i64, Error> {
        match self.value(column)? {
            Value::Int(value) => Ok(*value),
            Value::Null | Value::Text(_) => Err(self.not(column, "a number")),
        }
    }

    /// The number in this column, if it holds one.
    ///
    /// # Errors
    /// [`Error::Schema`] when there is no such column, or it holds text.
    pub fn int_opt(&self, column: &str) -> Result<Option<i64>, Error> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(value) => Ok(Some(*value)),
            Value::Text(_) => Err(self.not(column, "a number or null")),
        }
    }

    /// The text in this column.
    ///
    /// # Errors
    /// [`Error::Schema`] when there is no such column, or it holds a number or nothing.
    pub fn text(&self, column: &str) -> Result<String, Error> {
        match self.value(column)? {
            Value::Text(value) => Ok(value.clone()),
            Value::Null | Value::Int(_) => Err(self.not(column, "text")),
        }
    }

    /// The text in this column, if it holds one.
    ///
    /// # Errors
    /// [`Error::Schema`] when there is no such column, or it holds a number.
    pub fn text_opt(&self, column: &str) -> Result<Option<String>, Error> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value.clone())),
            Value::Int(_) => Err(self.not(column, "text or null")),
        }
    }

    fn value(&self, column: &str) -> Result<&Value, Error> {
        let place = self.columns.iter().position(|name| name == column);
        place
            .and_then(|place| self.values.get(place))
            .ok_or_else(|| Error::Schema(format!("no column {column} among {}", self.columns.join(", "))))
    }

    /// The value itself stays out of the message: it may be a person's.
    fn not(&self, column: &str, wanted: &str) -> Error {
        let found = match self.value(column) {
            Ok(Value::Null) => "null",
            Ok(Value::Int(_)) => "a number",
            Ok(Value::Text(_)) => "text",
            Err(error) => return error,
        };
        Error::Schema(format!("column {column} should hold {wanted} but holds {found}"))
    }
}

/// Both engines would treat a NUL differently, so neither sees one.
pub(super) fn refuse_nul(binds: &[Value]) -> Result<(), Error> {
    let nul = binds
        .iter()
        .position(|value| matches!(value, Value::Text(text) if text.contains('\0')));
    match nul {
        Some(place) => Err(Error::Bug(format!("bind ${} holds a NUL character", place + 1))),
        None => Ok(()),
    }
}

/// A column's name must be alone in its answer, else [`Row`] would silently give the first.
pub(super) fn refuse_twins(columns: &[String]) -> Result<(), Error> {
    let twin = columns
        .iter()
        .enumerate()
        .find(|(place, name)| columns[..*place].contains(name));
    match twin {
        Some((_, name)) => Err(Error::Schema(format!(
            "two columns of the answer are called {name}"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row::new(
            Arc::from(["a".to_owned(), "b".to_owned()]),
            vec![Value::Int(1), Value::Null],
        )
    }

    #[test]
    fn a_row_answers_only_what_was_asked_for() {
        assert_eq!(row().int("a"), Ok(1));
        assert_eq!(row().int_opt("b"), Ok(None));
        assert_eq!(row().text_opt("b"), Ok(None));
        for answer in [
            row().text("a").err(),
            row().text("b").err(),
            row().int("b").err(),
            row().int("c").err(),
        ] {
            assert!(matches!(answer, Some(Error::Schema(_))), "{answer:?}");
        }
    }

    #[test]
    fn binds_take_what_the_stores_have() {
        let name = "n".to_owned();
        let none: Option<String> = None;
        let binds: &[Value] = binds![1, "t", &name, Some(2), none];
        assert_eq!(binds.len(), 5);
        assert_eq!(binds.last(), Some(&Value::Null));
        assert!(refuse_nul(binds).is_ok());
        assert!(refuse_nul(binds!["a\0b"]).is_err());
    }
}
