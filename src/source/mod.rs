//! Where the bytes of a bundle come from: a folder, or a `.tar.gz` of one.
//!
//! A [`Source`] gives one consistent set of files within limits, or an error that names the file. It reads `.yaml`,
//! `.yml`, `.json`, `.cedar` and `.mmdb` files. Names with a leading `.` are skipped at every level; `*.md`, `LICENSE*`
//! and `NOTICE*` are skipped unless they bear one of these extensions, the case of which does not matter; any other file
//! is listed without its bytes, so that a reader can warn of a misspelt extension. This module knows files, not
//! policies, and keeps nothing between two readings. Start with [`Source::read`].

mod archive;
mod directory;
mod error;
mod name;
mod place;
mod stamp;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::limits;
use crate::text::{RawBundle, RawFile};
use directory::Scan;
use name::Kind;
use stamp::Mark;

pub use error::SourceError;
pub use place::Places;
pub use stamp::Stamp;

/// A folder or an archive by its path. The path may be a link that is swapped for another release at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
}

/// One consistent set of files.
#[derive(Debug)]
pub struct Fetched {
    /// The files.
    pub bundle: RawBundle,
    /// The marks they bore while they were read.
    pub stamp: Stamp,
    /// Where their changes come from.
    pub places: Places,
}

/// What can be seen of a bundle without reading it.
#[derive(Debug)]
pub struct Look {
    /// Where changes come from, as far as the look went.
    pub places: Places,
    /// The marks of its files.
    pub stamp: Result<Stamp, SourceError>,
}

impl Source {
    /// The source at `path`. Touches nothing: a path that leads nowhere is an error of [`Source::read`].
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all files as they were at one instant.
    ///
    /// Marks them before and after; if the marks differ, somebody was writing, and everything is read again, at most
    /// [`limits::READ_ATTEMPTS_MAX`] times with a [`limits::READ_PAUSE`] between.
    ///
    /// # Errors
    /// Any [`SourceError`]. Never blocks on a pipe. Cost: two walks over the folder, one read and hash of each byte.
    pub fn read(&self) -> Result<Fetched, SourceError> {
        let mut attempt = 1;
        loop {
            match self.attempt() {
                Err(error) if error.is_passing() && attempt < limits::READ_ATTEMPTS_MAX => {}
                result => return result,
            }
            attempt += 1;
            thread::sleep(limits::READ_PAUSE);
        }
    }

    /// Looks at names and marks only.
    pub fn look(&self) -> Look {
        let mut places = Places::on_the_way_to(&self.path);
        let stamp = match self.open(&mut places) {
            Ok(Opened::Folder(scan)) => Ok(scan.into_stamp()),
            Ok(Opened::Archive { stamp, .. }) => Ok(stamp),
            Err(error) => Err(error),
        };
        Look { places, stamp }
    }

    fn attempt(&self) -> Result<Fetched, SourceError> {
        let mut places = Places::on_the_way_to(&self.path);
        let (files, before) = match self.open(&mut places)? {
            Opened::Folder(scan) => (scan.read()?, scan.into_stamp()),
            Opened::Archive { file, stamp } => (archive::unpack(io::BufReader::new(file))?, stamp),
        };
        let after = self.look();
        if !before.shows_same_as(&after.stamp?) {
            return Err(SourceError::Unsettled);
        }
        if !files.iter().any(|file| Kind::of(&file.name) == Kind::Text) {
            return Err(SourceError::Empty);
        }
        Ok(Fetched { bundle: seal(files), stamp: before, places: after.places })
    }

    fn open(&self, places: &mut Places) -> Result<Opened, SourceError> {
        let unreadable = |error| SourceError::unreadable("", error);
        let metadata = fs::metadata(&self.path).map_err(unreadable)?;
        if metadata.is_dir() {
            return Scan::of(&self.path, places).map(Opened::Folder);
        }
        if !metadata.is_file() || !is_archive_name(&self.path) {
            return Err(SourceError::NotABundle);
        }
        if metadata.len() > limits::BUNDLE_BYTES_MAX as u64 {
            return Err(SourceError::BundleTooLarge);
        }
        let taken = SystemTime::now();
        let file = File::open(&self.path).map_err(unreadable)?;
        let mark = Mark::of(&file.metadata().map_err(unreadable)?);
        let stamp = Stamp::new(PathBuf::new(), vec![("".into(), mark)], taken);
        Ok(Opened::Archive { file, stamp })
    }
}

enum Opened {
    Folder(Scan),
    Archive { file: File, stamp: Stamp },
}

/// Makes a bundle of files: sorts them by name and takes their digest.
///
/// The digest is SHA-256 over, for each file in order, the length of its name as eight little-endian bytes, the name,
/// the length of its content likewise, and the content. Two files of one name are the caller's mistake; both are kept.
pub fn seal(mut files: Vec<RawFile>) -> RawBundle {
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for file in &files {
        for part in [file.name.as_bytes(), &file.bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    RawBundle { files, digest: digest.into() }
}

fn is_archive_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}
