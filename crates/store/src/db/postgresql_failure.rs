//! PostgreSQL's error codes, read here and nowhere else.

use std::io;

use postgres::error::{DbError, SqlState};

use super::Error;

/// What this failure means for a caller.
pub(super) fn failure(error: postgres::Error, read_only: bool) -> Error {
    let text = error.to_string();
    match error.as_db_error() {
        Some(told) => by_code(told, read_only),
        None if error.is_closed() => Error::Unavailable(text),
        None => match error.into_source() {
            // Lost, refused or timed out on the way.
            Some(source) if source.is::<io::Error>() => Error::Unavailable(format!("{text}: {source}")),
            Some(source) => Error::Bug(format!("{text}: {source}")),
            // "unexpected message" and the like: the connection is of no more use.
            None => Error::Unavailable(text),
        },
    }
}

/// What a failed commit means: when the answer is lost, nobody can say whether it happened.
pub(super) fn commit_failure(error: postgres::Error) -> Error {
    match failure(error, false) {
        Error::Unavailable(why) => Error::Unavailable(format!("commit outcome unknown: {why}")),
        other => other,
    }
}

/// Whether a table changed under a prepared statement, as when a newer instance has migrated.
pub(super) fn is_stale_plan(error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
        && error
            .as_db_error()
            .is_some_and(|told| told.message().contains("cached plan"))
}

fn by_code(told: &DbError, read_only: bool) -> Error {
    let message = || format!("{} ({})", told.message(), told.code().code());
    let constraint = || told.constraint().unwrap_or_default().to_owned();
    match *told.code() {
        SqlState::UNIQUE_VIOLATION => Error::Unique {
            constraint: constraint(),
        },
        SqlState::FOREIGN_KEY_VIOLATION => Error::ForeignKey {
            detail: format!("{} {}", constraint(), message()),
        },
        SqlState::CHECK_VIOLATION => Error::Check {
            constraint: constraint(),
        },
        // `raise exception` of our own triggers.
        SqlState::RAISE_EXCEPTION => Error::Check {
            constraint: told.message().to_owned(),
        },
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Error::Conflict,
        SqlState::READ_ONLY_SQL_TRANSACTION if read_only => {
            Error::Bug(format!("a write in a read-only transaction: {}", message()))
        }
        // In a write: the server has become a standby.
        SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::QUERY_CANCELED
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        | SqlState::INVALID_PASSWORD
        | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | SqlState::INVALID_CATALOG_NAME
        | SqlState::INSUFFICIENT_PRIVILEGE => Error::Unavailable(message()),
        _ => match told.code().code().get(..2) {
            // Connection, resources (disk full, too many clients), operator intervention, the machine.
            Some("08" | "53" | "57" | "58" | "F0" | "XX") => Error::Unavailable(message()),
            _ => Error::Bug(message()),
        },
    }
}
