//! Marks by which a change of files is noticed without reading them.
//!
//! Device, inode, length and both times of every file, and the real path of the root. The change time is among them
//! because tools that preserve modification times (`rsync -t`, `cp -p`) cannot set it.

use std::fs::Metadata;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
    /// What a link that can be swapped led to, if all files lie there.
    release: Option<PathBuf>,
    /// Sorted by name.
    marks: Vec<(Box<str>, Mark)>,
    is_certain: bool,
    age: Duration,
}

impl Stamp {
    pub(super) fn new(root: PathBuf, marks: Vec<(Box<str>, Mark)>, taken: SystemTime) -> Self {
        let newest = marks.iter().map(|(_, mark)| mark.changed.max(mark.modified)).max().unwrap_or((0, 0));
        let is_certain = newest.0 < seconds(taken) - limits::STAMP_CERTAIN_AFTER.as_secs() as i64;
        let newest = Duration::new(u64::try_from(newest.0).unwrap_or(0), u32::try_from(newest.1).unwrap_or(0));
        let age = taken.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(newest);
        Self { root, release: None, marks, is_certain, age }
    }

    pub(super) fn of_release(self, release: Option<PathBuf>) -> Self {
        Self { release, ..self }
    }

    /// Whether `later` shows the very files of this stamp.
    pub fn shows_same_as(&self, later: &Self) -> bool {
        self.root == later.root && self.marks == later.marks
    }

    /// Whether a link was made to lead elsewhere since `earlier`, be it the bundle itself or `..data` of a Kubernetes
    /// volume: the files were complete before they became visible.
    pub fn is_swapped_since(&self, earlier: &Self) -> bool {
        self.release.is_some() && self.release != earlier.release
    }

    /// Whether a file of `earlier` that is read is missing here. Cost: one search for each file of `earlier`.
    pub fn lacks_files_of(&self, earlier: &Self) -> bool {
        let is_here = |name: &str| self.marks.binary_search_by(|(known, _)| (**known).cmp(name)).is_ok();
        earlier.marks.iter().any(|(name, mark)| *mark != Mark::UNREAD && !is_here(name))
    }

    /// How long before this stamp was taken a file changed last; zero if the file's clock is ahead.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Whether an equal later stamp proves that nothing changed. A file written just before this stamp was taken may
    /// have been written once more within the resolution of its times.
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }
}

impl Mark {
    /// The mark of a file that is never read: only its name matters.
    pub(super) const UNREAD: Self = Self { device: 0, inode: 0, length: 0, modified: (0, 0), changed: (0, 0) };

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
