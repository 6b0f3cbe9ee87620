//! What keeps a database from working, in a word: for whoever asks whether this server is ready, and may
//! learn nothing of where its database is.

use std::fmt;

use super::Error;

/// Why the database does not do what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// There is no room for its files.
    DiskFull,
    /// It only reads: a file without the right to write, a server that has become a standby.
    ReadOnly,
    /// The login is refused, or what it may do.
    AccessDenied,
    /// The server takes no more connections.
    TooManyConnections,
    /// The disk does not read or write.
    IoError,
    /// Its pages do not hold together.
    Damaged,
    /// It is too slow: what is asked of it waits, or is given up.
    Busy,
    /// This process has closed it.
    Closed,
    /// There is no way to its server, or that is starting or ending.
    Unreachable,
    /// It answers something that this program does not expect.
    Fault,
}

/// What stands in an error of each kind: SQLite's own sentences, PostgreSQL's codes and our own words.
const MARKS: [(&str, Outage); 20] = [
    ("database or disk is full", Outage::DiskFull),
    ("(53100)", Outage::DiskFull),
    ("No space left on device", Outage::DiskFull),
    ("attempt to write a readonly database", Outage::ReadOnly),
    ("(25006)", Outage::ReadOnly),
    ("(28P01)", Outage::AccessDenied),
    ("(28000)", Outage::AccessDenied),
    ("(42501)", Outage::AccessDenied),
    ("access permission denied", Outage::AccessDenied),
    ("(53300)", Outage::TooManyConnections),
    ("disk I/O error", Outage::IoError),
    ("unable to open database file", Outage::IoError),
    ("(58030)", Outage::IoError),
    ("malformed", Outage::Damaged),
    ("file is not a database", Outage::Damaged),
    ("(XX001)", Outage::Damaged),
    ("waited too long", Outage::Busy),
    ("too many", Outage::Busy),
    ("(57014)", Outage::Busy),
    ("the database is closed", Outage::Closed),
];

impl Error {
    /// What it says of the database, in a word.
    pub fn outage(&self) -> Outage {
        match self {
            Error::Unavailable(why) => MARKS
                .iter()
                .find(|(mark, _)| why.contains(mark))
                .map_or(Outage::Unreachable, |(_, outage)| *outage),
            Error::Conflict => Outage::Busy,
            Error::File(_) => Outage::IoError,
            Error::Unique { .. }
            | Error::ForeignKey { .. }
            | Error::Check { .. }
            | Error::NotFound
            | Error::Schema(_)
            | Error::Bug(_) => Outage::Fault,
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outage::DiskFull => "disk_full",
            Outage::ReadOnly => "read_only",
            Outage::AccessDenied => "access_denied",
            Outage::TooManyConnections => "too_many_connections",
            Outage::IoError => "io_error",
            Outage::Damaged => "damaged",
            Outage::Busy => "busy",
            Outage::Closed => "closed",
            Outage::Unreachable => "unreachable",
            Outage::Fault => "fault",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_says_comes_to_a_word_and_nothing_of_its_address() {
        for (said, word) in [
            ("database or disk is full", "disk_full"),
            (
                "could not extend file: No space left on device (53100)",
                "disk_full",
            ),
            (
                "cannot execute UPDATE in a read-only transaction (25006)",
                "read_only",
            ),
            ("permission denied for table invoices (42501)", "access_denied"),
            ("sorry, too many clients already (53300)", "too_many_connections"),
            ("error connecting to server: Connection refused", "unreachable"),
            (
                "cannot connect to PostgreSQL: db.internal: no such host",
                "unreachable",
            ),
            ("connection closed", "unreachable"),
            ("the database is closed", "closed"),
            ("commit outcome unknown: disk I/O error", "io_error"),
        ] {
            let error = Error::Unavailable(said.to_owned());
            assert_eq!(error.outage().to_string(), word, "{said}");
        }
        assert_eq!(Error::Conflict.outage(), Outage::Busy);
        assert_eq!(Error::Bug("x".to_owned()).outage(), Outage::Fault);
    }
}
