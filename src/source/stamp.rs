//! Marks by which a change of files is noticed without reading them.
//!
//! Device, inode, length and both times of every file, and the real path of the root. The change time is among them
//! because tools that preserve modification times (`rsync -t`, `cp -p`) cannot set it.

use std::fs::Metadata;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::limits;

/// The marks of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    /// Seconds and nanoseconds since 1970.
    changed: (i64, i64),
}

/// The marks of a whole bundle at one instant.
#[derive(Clone, Debug)]
pub struct Stamp {
    root: PathBuf,
    /// Sorted by name.
    marks: Vec<(Box<str>, Mark)>,
    is_certain: bool,
}

impl Stamp {
    pub(super) fn new(root: PathBuf, marks: Vec<(Box<str>, Mark)>, taken: SystemTime) -> Self {
        let newest = marks.iter().map(|(_, mark)| mark.changed.0.max(mark.modified.0)).max().unwrap_or(i64::MIN);
        let is_certain = newest < seconds(taken) - limits::STAMP_CERTAIN_AFTER.as_secs() as i64;
        Self { root, marks, is_certain }
    }

    /// Whether `later` shows the very files of this stamp.
    pub fn shows_same_as(&self, later: &Self) -> bool {
        self.root == later.root && self.marks == later.marks
    }

    /// Whether an equal later stamp proves that nothing changed. A file written just before this stamp was taken may
    /// have been written once more within the resolution of its times.
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }
}

impl Mark {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let modified = (since.as_secs() as i64, i64::from(since.subsec_nanos()));
        Self { device: 0, inode: 0, length: metadata.len(), modified, changed: modified }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

fn seconds(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
