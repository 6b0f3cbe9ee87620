//! What can go wrong at the database, as a closed list. The engines' own codes are read in
//! `sqlite_failure.rs` and `postgresql_failure.rs` and nowhere else.

use std::fmt;

/// A failure of the database, the same on both engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A row with this key exists already.
    Unique {
        /// The name of the unique index or constraint; of a primary key `{table}_pkey`.
        constraint: String,
    },
    /// A row refers to one that is not there, or one that is referred to would go.
    ForeignKey {
        /// The engine's words, for the log. SQLite does not say which key it was, so do not decide by it.
        detail: String,
    },
    /// A check refused the row, or a trigger raised an error.
    Check {
        /// The name of the check; of a trigger the text that it raised.
        constraint: String,
    },
    /// [`super::Tx::one`] found no row.
    NotFound,
    /// Other transactions were in the way at every one of several tries: nothing was changed.
    Conflict,
    /// The database cannot be asked now: disk full, connection lost, locked, overloaded or shutting down.
    /// Nothing was changed, except when the text begins with "commit outcome unknown".
    Unavailable(String),
    /// A file that is copied or put in place is not there, is there already, or cannot be read or written: a
    /// whole sentence, for whoever named it.
    File(String),
    /// A table or column is not what the code expects.
    Schema(String),
    /// Our own mistake: a wrong number of binds, bad SQL, a panic in a transaction.
    Bug(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unique { constraint } => write!(f, "a row with this key exists already ({constraint})"),
            Error::ForeignKey { detail } => write!(f, "a reference does not fit ({detail})"),
            Error::Check { constraint } => write!(f, "a check refused the row ({constraint})"),
            Error::NotFound => f.write_str("no such row"),
            Error::Conflict => f.write_str("other transactions were in the way, several times in a row"),
            Error::Unavailable(why) => write!(f, "the database is not available: {why}"),
            Error::File(why) => f.write_str(why),
            Error::Schema(what) => write!(f, "the database does not have the expected shape: {what}"),
            Error::Bug(what) => write!(f, "a mistake in the program: {what}"),
        }
    }
}

impl std::error::Error for Error {}
