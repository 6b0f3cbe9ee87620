//! SQLite's result codes and messages, read here and nowhere else. SQLite names the columns of a broken
//! unique index, PostgreSQL the index; the stores hear the name on both.

use rusqlite::{Connection, ffi};

use super::Error;

/// What this failure means for a caller.
pub(super) fn failure(connection: &Connection, error: rusqlite::Error) -> Error {
    let (code, message) = match &error {
        rusqlite::Error::SqliteFailure(code, Some(message)) => (code, message.clone()),
        rusqlite::Error::SqlInputError {
            error: code,
            msg,
            sql,
            ..
        } => (code, format!("{msg}: {sql}")),
        _ => match error.sqlite_error() {
            Some(code) => (code, error.to_string()),
            None => return Error::Bug(error.to_string()),
        },
    };
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Error::Unique {
                constraint: unique_name(connection, &message),
            }
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Error::ForeignKey { detail: message },
        ffi::SQLITE_CONSTRAINT_CHECK => {
            let name = message
                .strip_prefix("CHECK constraint failed: ")
                .unwrap_or(&message);
            Error::Check {
                constraint: name.to_owned(),
            }
        }
        ffi::SQLITE_CONSTRAINT_TRIGGER => Error::Check { constraint: message },
        _ => by_primary_code(connection, code.code, message),
    }
}

/// What a failed commit means. After an I/O error the frames may have reached the disk, and a restart would
/// find them; after any other error, a full disk too, nothing has happened.
pub(super) fn commit_failure(connection: &Connection, error: rusqlite::Error) -> Error {
    let unknown = error.sqlite_error_code() == Some(ffi::ErrorCode::SystemIoFailure);
    match failure(connection, error) {
        Error::Unavailable(why) if unknown => Error::Unavailable(format!("commit outcome unknown: {why}")),
        Error::Conflict => Error::Unavailable("another program holds SQLite's lock".to_owned()),
        other => other,
    }
}

fn by_primary_code(connection: &Connection, code: ffi::ErrorCode, message: String) -> Error {
    use ffi::ErrorCode;
    match code {
        ErrorCode::DatabaseBusy => Error::Conflict,
        ErrorCode::ReadOnly if query_only(connection) => {
            Error::Bug(format!("a write in a read-only transaction: {message}"))
        }
        ErrorCode::DatabaseLocked
        | ErrorCode::OutOfMemory
        | ErrorCode::ReadOnly
        | ErrorCode::OperationInterrupted
        | ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::DiskFull
        | ErrorCode::CannotOpen
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::NoLargeFileSupport
        | ErrorCode::PermissionDenied
        | ErrorCode::NotADatabase => Error::Unavailable(message),
        _ => Error::Bug(message),
    }
}

fn query_only(connection: &Connection) -> bool {
    connection
        .pragma_query_value(None, "query_only", |row| row.get::<_, i64>(0))
        .is_ok_and(|on| on == 1)
}

/// From `UNIQUE constraint failed: payments.tenant_id, payments.id` or `… failed: index 'payments_once'` to
/// a name. Two unique indexes on the same columns cannot be told apart; their names come joined by `|`, so
/// that no caller decides by one of them.
fn unique_name(connection: &Connection, message: &str) -> String {
    let what = message
        .strip_prefix("UNIQUE constraint failed: ")
        .unwrap_or(message);
    if let Some(name) = what
        .strip_prefix("index '")
        .and_then(|rest| rest.strip_suffix('\''))
    {
        return name.to_owned();
    }
    let mut table = "";
    let mut columns = Vec::new();
    for part in what.split(", ") {
        let (of, column) = part.split_once('.').unwrap_or(("", part));
        table = of;
        columns.push(column.to_owned());
    }
    match names_of(connection, table, &columns) {
        Ok(names) if !names.is_empty() => names.join("|"),
        // `integer primary key` has no index of its own.
        Ok(_) => format!("{table}_pkey"),
        Err(error) => {
            tracing::error!(%error, "the name of a unique index could not be read");
            what.to_owned()
        }
    }
}

/// The unique indexes of `table` on exactly these columns. Read when needed: this happens only to
/// the few statements that break one, and migrations change the answer.
fn names_of(connection: &Connection, table: &str, columns: &[String]) -> rusqlite::Result<Vec<String>> {
    let mut indexes = connection.prepare_cached(
        "select name, origin from pragma_index_list($1) where \"unique\" = 1 order by seq desc",
    )?;
    let mut parts = connection.prepare_cached("select name from pragma_index_info($1) order by seqno")?;
    let indexes = indexes.query_map([table], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut names = Vec::new();
    for index in indexes {
        let (name, origin) = index?;
        let of_index: Vec<Option<String>> = parts
            .query_map([&name], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        if of_index.iter().map(Option::as_ref).eq(columns.iter().map(Some)) {
            names.push(match origin.as_str() {
                "pk" => format!("{table}_pkey"),
                "u" => constraint_name(connection, table, columns)?,
                _ => name,
            });
        }
    }
    Ok(names)
}

/// SQLite forgets the name of `constraint name unique (a, b)` but keeps the text of `create table`. Without
/// a name PostgreSQL calls it `{table}_a_b_key`.
fn constraint_name(connection: &Connection, table: &str, columns: &[String]) -> rusqlite::Result<String> {
    let mut tables =
        connection.prepare_cached("select sql from sqlite_schema where type = 'table' and name = $1")?;
    let text: String = tables.query_row([table], |row| row.get(0))?;
    let words = text.replace(['(', ')', ','], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let named = words.windows(columns.len() + 3).find(|words| match words {
        [constraint, _, unique, of @ ..] => {
            *constraint == "constraint" && *unique == "unique" && of == columns
        }
        _ => false,
    });
    match named {
        Some([_, name, ..]) => Ok((*name).to_owned()),
        _ => Ok(format!("{table}_{}_key", columns.join("_"))),
    }
}
