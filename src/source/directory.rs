//! A bundle in a folder: one walk that marks every file, one that reads them, one that sees whether they held still.
//!
//! Links are followed to files and folders inside the real root only. That covers Kubernetes volumes, whose visible
//! names link to `..data/<name>` and whose `..data` links to a hidden folder beside it (Kubernetes source, kubelet
//! `AtomicWriter`, read August 2026).

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::SourceError;
use super::name::{self, Kind};
use super::place::Places;
use super::stamp::{Mark, Stamp};
use crate::limits;
use crate::text::RawFile;

/// The marked files below a root, and the places to watch, as far as the walk came.
pub(super) struct Scan {
    root: PathBuf,
    release: Option<PathBuf>,
    taken: SystemTime,
    found: Vec<Found>,
}

struct Found {
    name: String,
    /// Without links.
    path: PathBuf,
    kind: Kind,
    mark: Mark,
}

impl Scan {
    /// Walks the folder at `path` without opening a file; what it finds to watch is added to `places`, on failure too.
    pub(super) fn of(path: &Path, places: &mut Places) -> Result<Self, SourceError> {
        let taken = SystemTime::now();
        let root = fs::canonicalize(path).map_err(|error| SourceError::unreadable("", error))?;
        let mut walk = Walk { root: &root, places, found: Vec::new(), entries: 0, bytes: 0 };
        walk.folder(&root, "", &mut Vec::new())?;
        let mut found = walk.found;
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let release = release(path, &root, &found);
        Ok(Self { root, release, taken, found })
    }

    /// Reads every file, each of which must still bear its mark.
    pub(super) fn read(&self) -> Result<Vec<RawFile>, SourceError> {
        self.found.iter().map(Found::read).collect()
    }

    pub(super) fn into_stamp(self) -> Stamp {
        let marks = self.found.into_iter().map(|found| (found.name.into(), found.mark)).collect();
        Stamp::new(self.root, marks, self.taken).of_release(self.release)
    }
}

/// The folder that a link leads to which is swapped as a whole: `..data` of a Kubernetes volume, or a link on the way to
/// the root.
fn release(path: &Path, root: &Path, found: &[Found]) -> Option<PathBuf> {
    if let Ok(data) = fs::canonicalize(root.join("..data"))
        && found.iter().all(|file| file.path.starts_with(&data))
    {
        return Some(data);
    }
    std::path::absolute(path).is_ok_and(|path| path != root).then(|| root.to_owned())
}

impl Found {
    fn read(&self) -> Result<RawFile, SourceError> {
        let name = self.name.as_str().into();
        if self.kind == Kind::Unrecognised {
            return Ok(RawFile { name, bytes: Vec::new() });
        }
        let unreadable = |error: io::Error| SourceError::unreadable(&self.name, error);
        let file = File::open(&self.path).map_err(unreadable)?;
        if Mark::of(&file.metadata().map_err(unreadable)?) != self.mark {
            return Err(SourceError::Unsettled);
        }
        let length = self.mark.length();
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        // WHY: one byte more than expected shows a file that grew, and none that grew for ever is read to its end.
        file.take(length + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 != length {
            return Err(SourceError::Unsettled);
        }
        Ok(RawFile { name, bytes })
    }
}

struct Walk<'a> {
    root: &'a Path,
    places: &'a mut Places,
    found: Vec<Found>,
    entries: usize,
    bytes: u64,
}

impl Walk<'_> {
    /// `around`: the real folders from the root to `real`'s parent.
    fn folder(&mut self, real: &Path, name: &str, around: &mut Vec<PathBuf>) -> Result<(), SourceError> {
        if around.len() > limits::BUNDLE_FOLDERS_DEEP_MAX {
            return Err(SourceError::TooDeep { name: name.to_owned() });
        }
        self.places.folders.insert(real.to_owned());
        around.push(real.to_owned());
        let unreadable = |error| SourceError::unreadable(name, error);
        for entry in fs::read_dir(real).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let part = entry.file_name();
            if name::is_hidden(part.as_encoded_bytes()) {
                continue;
            }
            self.entries += 1;
            if self.entries > limits::BUNDLE_FILES_MAX {
                return Err(SourceError::TooManyFiles);
            }
            let name = name::join(name, name::text(part.as_encoded_bytes(), name)?);
            self.entry(entry.path(), name, around)?;
        }
        around.pop();
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, name: String, around: &mut Vec<PathBuf>) -> Result<(), SourceError> {
        let unreadable = |error| SourceError::unreadable(&name, error);
        let mut metadata = fs::symlink_metadata(&path).map_err(unreadable)?;
        let mut real = path;
        if metadata.is_symlink() {
            real = fs::canonicalize(&real).map_err(unreadable)?;
            metadata = fs::symlink_metadata(&real).map_err(unreadable)?;
            self.check_link(&real, &name, around)?;
        }
        if metadata.is_dir() {
            return self.folder(&real, &name, around);
        }
        if !metadata.is_file() {
            return Err(SourceError::SpecialFile { name });
        }
        self.file(real, name, &metadata)
    }

    fn check_link(&mut self, target: &Path, name: &str, around: &[PathBuf]) -> Result<(), SourceError> {
        if !target.starts_with(self.root) {
            return Err(SourceError::LinkLeavesBundle { name: name.to_owned() });
        }
        if around.iter().any(|folder| folder == target) {
            return Err(SourceError::LinkLoop { name: name.to_owned() });
        }
        if let Some(folder) = target.parent() {
            self.places.folders.insert(folder.to_owned());
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf, name: String, metadata: &Metadata) -> Result<(), SourceError> {
        let kind = Kind::of(&name);
        if kind == Kind::Aside {
            return Ok(());
        }
        self.bytes += kind.bytes_read(&name, metadata.len())?;
        if self.bytes > limits::BUNDLE_BYTES_MAX as u64 {
            return Err(SourceError::BundleTooLarge);
        }
        let mark = if kind == Kind::Unrecognised { Mark::UNREAD } else { Mark::of(metadata) };
        self.found.push(Found { name, path, kind, mark });
        Ok(())
    }
}
