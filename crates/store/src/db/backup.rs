//! A copy of SQLite's file while a server works with it, and a file that is put in place of another.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::Error;
use super::sqlite_file::{Lock, beside, make_private};

/// Copies all that is committed, as of one moment, by SQLite's online backup: writers go on meanwhile. The
/// copy is checked, is on the disk when this returns, and is one file without a write-ahead log.
///
/// # Errors
/// [`Error::File`] when a file cannot be read or written, or the copy is damaged; then there is none.
pub fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.is_file() {
        return Err(Error::File(format!("there is no file {}", from.display())));
    }
    if to.exists() {
        return Err(Error::File(format!("{} is there already", to.display())));
    }
    let part = beside(to, ".part");
    remove(&part)?;
    make_private(&part)?;
    let copied = copy_pages(from, &part).and_then(|()| check(&part));
    if let Err(error) = copied {
        remove(&part)?;
        return Err(error);
    }
    sync_file(&part)?;
    fs::rename(&part, to).map_err(|error| unable(to, &error))?;
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
            return Err(Error::File(format!(
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
/// [`Error::File`] with the first thing that is.
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

/// A backup beside the database that it is to replace: to be checked, and brought to this version's tables,
/// before anything is replaced. Nobody can work with that database meanwhile. Dropped, it is gone, and what
/// was there is as it was.
pub struct Staged {
    copy: PathBuf,
    target: PathBuf,
    _lock: Lock,
}

/// Copies a backup beside the database that it is to replace.
///
/// # Errors
/// [`Error::Unavailable`] when a server runs; [`Error::File`] when there is a database and `replace` is not
/// said, when the backup is damaged, and for files that cannot be read or written.
pub fn stage(backup: &Path, target: &Path, replace: bool) -> Result<Staged, Error> {
    check(backup)?;
    let staged = Staged {
        copy: beside(target, ".part"),
        target: target.to_owned(),
        _lock: Lock::take(target)?,
    };
    if target.exists() && !replace {
        return Err(Error::File(format!(
            "{} is there already; with --replace it is kept beside the restored one",
            target.display()
        )));
    }
    // One that was interrupted has left them.
    staged.clear()?;
    make_private(&staged.copy)?;
    // By SQLite, so that it has what a write-ahead log beside the file holds.
    copy_pages(backup, &staged.copy)?;
    Ok(staged)
}

impl Staged {
    /// The copy, which is closed when [`Staged::put_in_place`] is called.
    pub fn path(&self) -> &Path {
        &self.copy
    }

    /// Puts the copy where the server looks for its database, in one step of the file system: whenever that
    /// is interrupted, either the old one is there, whole, or the new one. Answers under which name the old
    /// one is kept, if there was one.
    ///
    /// # Errors
    /// [`Error::File`] for files that cannot be read or written.
    pub fn put_in_place(self) -> Result<Option<PathBuf>, Error> {
        let target = &self.target;
        settle(&self.copy)?;
        give_to_the_owner(&self.copy, target)?;
        let old = target.exists().then(|| keep(target)).transpose()?;
        // A log of another file would be played into this one.
        for ending in ["-wal", "-shm"] {
            remove(&beside(target, ending))?;
        }
        fs::rename(&self.copy, target).map_err(|error| unable(target, &error))?;
        sync_folder(target)?;
        Ok(old)
    }

    fn clear(&self) -> Result<(), Error> {
        for ending in ["", "-wal", "-shm", ".lock"] {
            remove(&beside(&self.copy, ending))?;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(%error, "what is left of a restore could not be removed");
        }
    }
}

/// Makes one file of a database that nobody has open: what its write-ahead log holds goes into it, and it is
/// on the disk.
///
/// # Errors
/// [`Error::File`] for a file that is damaged, in use, or cannot be written.
pub fn settle(path: &Path) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags).map_err(|error| unable(path, &error))?;
    file.pragma_update(None, "journal_mode", "delete")
        .map_err(|error| unable(path, &error))?;
    file.close().map_err(|(_, error)| unable(path, &error))?;
    let wal = beside(path, "-wal");
    if fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        return Err(unable(&wal, &"it could not be taken into the file"));
    }
    sync_file(path)?;
    sync_folder(path)
}

/// A restore is often root's, and the server is not: the file, and the lock beside it, become theirs whose
/// the old one or its folder is. Whoever may not give files away keeps them.
fn give_to_the_owner(copy: &Path, target: &Path) -> Result<(), Error> {
    let whose = fs::metadata(target).or_else(|_| fs::metadata(folder_of(target)));
    let whose = whose.map_err(|error| unable(target, &error))?;
    for file in [copy.to_owned(), beside(target, ".lock")] {
        let ours = fs::metadata(&file).map_err(|error| unable(&file, &error))?;
        if (ours.uid(), ours.gid()) == (whose.uid(), whose.gid()) {
            continue;
        }
        match std::os::unix::fs::chown(&file, Some(whose.uid()), Some(whose.gid())) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                let uid = whose.uid();
                tracing::warn!(uid, file = %file.display(), "it could not be given to the old one's owner");
            }
            given => given.map_err(|error| unable(&file, &error))?,
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new("."))
}

/// Gives the database that is there a second name, under which it stays. A damaged one, whose log cannot be
/// taken into it, keeps it there.
fn keep(target: &Path) -> Result<PathBuf, Error> {
    if let Err(error) = settle(target) {
        tracing::warn!(%error, "the database that is replaced is kept with its write-ahead log");
    }
    let kept = free_name(target);
    for ending in ["", "-wal", "-shm"] {
        let (file, name) = (beside(target, ending), beside(&kept, ending));
        if file.exists() && !name.exists() {
            // Not every file system has second names.
            fs::hard_link(&file, &name)
                .or_else(|_| fs::copy(&file, &name).map(|_bytes| ()))
                .map_err(|error| unable(&name, &error))?;
            sync_file(&name)?;
        }
    }
    sync_folder(target)?;
    Ok(kept)
}

/// A name beside it that nothing has, or that a restore which was interrupted gave to it.
fn free_name(target: &Path) -> PathBuf {
    let mut names = (1..).map(|nth: u32| beside(target, &format!(".before-restore-{nth}")));
    let free = names.find(|name| !name.exists() || is_same(name, target));
    free.unwrap_or_else(|| beside(target, ".before-restore"))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let of = |path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    matches!((of(one), of(other)), (Ok(one), Ok(other)) if one == other)
}

fn sync_file(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| unable(path, &error))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unable(path, &error)),
        _ => Ok(()),
    }
}

/// Brings the folder of a file to the disk: a file that was made or renamed there lasts only then.
///
/// # Errors
/// [`Error::File`] when the folder cannot be read.
pub fn sync_folder(of: &Path) -> Result<(), Error> {
    let folder = folder_of(of);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| unable(folder, &error))
}

fn unable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::File(format!("{}: {why}", path.display()))
}
