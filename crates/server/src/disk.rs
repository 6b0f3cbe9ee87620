//! The disk that SQLite's file is on.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What is free of a disk, and what it holds in all, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What a program without privileges may still write.
    pub free: u64,
    /// All of it.
    pub size: u64,
}

/// With so much free a disk is not filling up, however large it is: years of a large platform.
const PLENTY: u64 = 20 << 30;

impl Room {
    /// Whether the disk is filling up: less than a fifth is free, and that is not plenty.
    pub fn is_little(&self) -> bool {
        self.free < self.size / 5 && self.free < PLENTY
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        write!(f, "{} / {} MB", megabytes(self.free), megabytes(self.size))
    }
}

/// The room on a file's disk; nothing where the system does not say it.
pub fn room(file: &Path) -> Option<Room> {
    let said = rustix::fs::statvfs(folder_of(file)).ok()?;
    // Some file systems count nothing, as one in memory without a bound.
    (said.f_blocks > 0).then(|| Room {
        free: said.f_bavail.saturating_mul(said.f_frsize),
        size: said.f_blocks.saturating_mul(said.f_frsize),
    })
}

/// The folder that a file is in; of a link that of what it leads to, where SQLite keeps its log, too.
pub fn folder_of(file: &Path) -> PathBuf {
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_fills_up_when_little_of_it_and_little_in_all_is_free() {
        let is_little = |free, size| Room { free, size }.is_little();
        assert!(is_little(0, 100 << 20));
        assert!(is_little((20 << 20) - 1, 100 << 20));
        assert!(!is_little(20 << 20, 100 << 20));
        // A tenth of four terabytes is enough for long.
        assert!(!is_little(400 << 30, 4 << 40));
        assert!(is_little(PLENTY - 1, 4 << 40));
    }

    #[test]
    fn the_room_beside_a_file_is_known_before_the_file_is_there() {
        let beside = room(Path::new("not-there.db")).unwrap();
        assert!(beside.size > 0 && beside.free <= beside.size, "{beside}");
        assert!(beside.to_string().ends_with(" MB"), "{beside}");
    }
}
