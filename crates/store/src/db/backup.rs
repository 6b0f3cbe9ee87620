//! A copy of SQLite's file while a server works with it, and a file that is put in place of another.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::Error;
use super::sqlite_file::{Lock, beside, make_private};

/// Copies all that is committed, as of one moment, by SQLite's online backup: writers go on meanwhile. The
/// copy is checked, is on the disk when this returns, and is one file without a write-ahead log.
///
/// # Errors
/// [`Error::Unavailable`] when a file cannot be read or written, or the copy is damaged; then there is none.
pub fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.is_file() {
        return Err(Error::Unavailable(format!("there is no file {}", from.display())));
    }
    if to.exists() {
        return Err(Error::Unavailable(format!("{} is there already", to.display())));
    }
    let part = beside(to, ".part");
    remove(&part)?;
    make_private(&part)?;
    let copied = copy_pages(from, &part).and_then(|()| check(&part));
    if let Err(error) = copied {
        remove(&part)?;
        return Err(error);
    }
    File::open(&part)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&part, to))
        .map_err(|error| unable(to, &error))?;
    sync_folder(to)
}

fn copy_pages(from: &Path, to: &Path) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(|error| unable(from, &error))?;
    source
        .pragma_update(None, "query_only", "on")
        .map_err(|error| unable(from, &error))?;
    let mut copy = Connection::open(to).map_err(|error| unable(to, &error))?;
    {
        let backup = Backup::new(&source, &mut copy).map_err(|error| unable(to, &error))?;
        // All pages at once: one moment's state, however much is written meanwhile.
        for _ in 0..TRIES {
            match backup.step(-1).map_err(|error| unable(to, &error))? {
                StepResult::Done => break,
                _ => std::thread::yield_now(),
            }
        }
        if backup.progress().remaining != 0 {
            return Err(Error::Unavailable(format!(
                "{} was busy all the time; try again",
                from.display()
            )));
        }
    }
    copy.pragma_update(None, "journal_mode", "delete")
        .map_err(|error| unable(to, &error))
}

/// How often a step is tried while another connection is in the way.
const TRIES: usize = 10_000;

/// Reads the whole file, and says what is damaged.
///
/// # Errors
/// [`Error::Unavailable`] with the first thing that is.
pub fn check(path: &Path) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags).map_err(|error| unable(path, &error))?;
    let found: String = file
        .query_row("pragma integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| unable(path, &error))?;
    match found.as_str() {
        "ok" => Ok(()),
        damage => Err(unable(path, &damage)),
    }
}

/// Puts a backup where the server looks for its database. What was there is kept beside it, and nothing is
/// done while a server works with it. Answers where the old file went, if there was one.
///
/// # Errors
/// [`Error::Unavailable`] when a server runs, when there is a file and `replace` is not said, and for files
/// that cannot be read or written.
pub fn put_in_place(backup: &Path, target: &Path, replace: bool) -> Result<Option<PathBuf>, Error> {
    check(backup)?;
    let _lock = Lock::take(target)?;
    let old = target.exists().then(|| free_name(target));
    if old.is_some() && !replace {
        return Err(Error::Unavailable(format!(
            "{} is there already; with --replace it is kept beside the restored one",
            target.display()
        )));
    }
    let part = beside(target, ".part");
    remove(&part)?;
    make_private(&part)?;
    fs::copy(backup, &part).map_err(|error| unable(&part, &error))?;
    File::open(&part)
        .and_then(|file| file.sync_all())
        .map_err(|error| unable(&part, &error))?;
    if let Some(old) = &old {
        for ending in ["", "-wal", "-shm"] {
            let file = beside(target, ending);
            if file.exists() {
                fs::rename(&file, beside(old, ending)).map_err(|error| unable(&file, &error))?;
            }
        }
    }
    fs::rename(&part, target).map_err(|error| unable(target, &error))?;
    sync_folder(target)?;
    Ok(old)
}

/// A name beside it that nothing has.
fn free_name(target: &Path) -> PathBuf {
    let names = (1..).map(|nth: u32| beside(target, &format!(".before-restore-{nth}")));
    let mut free = names.skip_while(|name| name.exists());
    free.next().unwrap_or_else(|| beside(target, ".before-restore"))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unable(path, &error)),
        _ => Ok(()),
    }
}

/// A rename lasts once its folder is on the disk.
fn sync_folder(of: &Path) -> Result<(), Error> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or_else(|| Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| unable(folder, &error))
}

fn unable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Unavailable(format!("{}: {why}", path.display()))
}
