//! SQLite's file on disk: who may open it, and whether the last stop left it whole.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::Error;
use super::sqlite::Sqlite;

/// Held as long as the file is open. The system lets go of it when the process ends, however it ends.
pub(super) struct Lock {
    /// Locked until dropped.
    file: File,
}

impl Drop for Lock {
    /// A process that was forked a moment ago, and has not become its program yet, has the file open as well:
    /// closing it here alone would leave the lock with that one.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the database's lock file could not be unlocked");
        }
    }
}

impl Lock {
    /// Two processes on one file would each believe to be the only writer and the only worker.
    pub(super) fn take(path: &Path) -> Result<Lock, Error> {
        let lock_path = beside(path, ".lock");
        let unable = |error: std::io::Error| {
            Error::Unavailable(format!(
                "cannot open the lock file {}: {error}",
                lock_path.display()
            ))
        };
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(unable)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => Err(Error::Unavailable(format!(
                "{} is in use by another psa-pay process; stop that one first, or use PostgreSQL for several \
                 (the lock file is {})",
                path.display(),
                lock_path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unable(error)),
        }
    }
}

/// Opens the connection that writes. After a kill or a power cut, which leave a write-ahead log behind, the
/// whole file is checked first.
pub(super) fn open_writer(path: &Path) -> Result<Sqlite, Error> {
    let stopped_uncleanly = std::fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0);
    make_private(path)?;
    let sqlite = Sqlite::open_file(path)?;
    sqlite.hold_more()?;
    if stopped_uncleanly {
        tracing::info!("the last stop was not clean: checking the database file");
        sqlite.check_integrity()?;
    }
    Ok(sqlite)
}

/// A file that is not there yet is made for its owner alone; SQLite gives its write-ahead log the same
/// rights.
pub(super) fn make_private(path: &Path) -> Result<(), Error> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(Error::Unavailable(format!(
            "cannot open {}: {error}",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Sqlite, Error> {
    let sqlite = Sqlite::open_file(path)?;
    sqlite.set_read_only(true)?;
    Ok(sqlite)
}

/// Opens a connection that only reads a file that another process works with: SQLite lets it see what is
/// committed, and keeps nobody waiting. It makes no file.
pub(super) fn open_beside(path: &Path) -> Result<Sqlite, Error> {
    if !path.is_file() {
        return Err(Error::Unavailable(format!("there is no file {}", path.display())));
    }
    open_reader(path)
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a file of the test's own")]
    fn the_lock_goes_with_its_holder_though_a_forked_process_has_the_file_open() {
        let path = std::env::temp_dir().join(format!("psa_pay_lock_{}.db", std::process::id()));
        let lock = Lock::take(&path).unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert!(Lock::take(&path).is_err(), "one process at a time");
        drop(lock);
        assert!(Lock::take(&path).is_ok());
        drop(inherited);
        std::fs::remove_file(beside(&path, ".lock")).unwrap();
    }
}
