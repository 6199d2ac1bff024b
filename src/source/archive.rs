//! A bundle in a gzip-compressed tar: read as a stream into memory, nothing is ever unpacked to disk.
//!
//! An archive comes from elsewhere, so it is read as hostile input: what does not look like plain files in plain
//! folders is refused, and a counter bounds what a small archive can decompress to.

use std::collections::BTreeSet;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::error::SourceError;
use super::name::{self, Kind};
use crate::limits;
use crate::text::RawFile;

/// The files of an archive, in its order, their common top folder removed.
///
/// The folder is removed if all entries lie in it and none is written with a leading `./`: `tar -czf b.tgz bundle/`
/// has such a folder, `tar -czf b.tgz -C bundle .` has not.
///
/// # Errors
/// Everything but [`SourceError::NotABundle`] and [`SourceError::Unsettled`]. Cost: one pass, at most
/// [`limits::BUNDLE_BYTES_MAX`] and [`limits::ARCHIVE_OVERHEAD_BYTES_MAX`] of memory.
pub(super) fn unpack(compressed: impl Read) -> Result<Vec<RawFile>, SourceError> {
    let bounded = Bounded {
        inner: MultiGzDecoder::new(compressed),
        left: limits::BUNDLE_BYTES_MAX + limits::ARCHIVE_OVERHEAD_BYTES_MAX,
    };
    let mut archive = Archive::new(bounded);
    let mut unpacking = Unpacking::default();
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        unpacking.entry(entry)?;
    }
    finish(archive.into_inner())?;
    let mut files = unpacking.files;
    if let Top::Folder(folder) = unpacking.top {
        let prefix = folder.len() + 1;
        for file in &mut files {
            file.name = file.name.get(prefix..).unwrap_or_default().into();
        }
    }
    match files.iter().find(|file| file.name.split('/').count() > limits::BUNDLE_FOLDERS_DEEP_MAX + 1) {
        Some(file) => Err(SourceError::TooDeep { name: file.name.to_string() }),
        None => Ok(files),
    }
}

#[derive(Default)]
struct Unpacking {
    files: Vec<RawFile>,
    names: BTreeSet<String>,
    top: Top,
    entries: usize,
    bytes: u64,
}

/// What all entries have in common.
#[derive(Default, PartialEq)]
enum Top {
    #[default]
    Unseen,
    Folder(String),
    Root,
}

impl Unpacking {
    fn entry(&mut self, mut entry: tar::Entry<'_, impl Read>) -> Result<(), SourceError> {
        self.entries += 1;
        if self.entries > limits::BUNDLE_FILES_MAX {
            return Err(SourceError::TooManyFiles);
        }
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let written = entry.path_bytes().into_owned();
        let Some(name) = entry_name(&written)? else {
            self.top = Top::Root;
            return Ok(());
        };
        match kind {
            EntryType::Directory | EntryType::Regular => {}
            EntryType::Link | EntryType::Symlink => return Err(SourceError::LinkInArchive { name }),
            _ => return Err(SourceError::SpecialFile { name }),
        }
        if name.split('/').any(|part| name::is_hidden(part.as_bytes())) {
            return Ok(());
        }
        let is_folder = kind == EntryType::Directory || written.ends_with(b"/");
        self.meet(&name, is_folder, written.starts_with(b"./"));
        if is_folder { Ok(()) } else { self.file(name, &mut entry) }
    }

    fn meet(&mut self, name: &str, is_folder: bool, is_rooted: bool) {
        let first = match name.split_once('/') {
            Some((first, _)) => first,
            None if is_folder => name,
            None => return self.top = Top::Root,
        };
        match &self.top {
            Top::Unseen if !is_rooted => self.top = Top::Folder(first.to_owned()),
            Top::Folder(folder) if folder == first && !is_rooted => {}
            _ => self.top = Top::Root,
        }
    }

    fn file(&mut self, name: String, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), SourceError> {
        if !self.names.insert(name.clone()) {
            return Err(SourceError::DuplicateName { name });
        }
        let kind = Kind::of(&name);
        if kind == Kind::Aside {
            return Ok(());
        }
        let length = kind.bytes_read(&name, entry.size())?;
        self.bytes += length;
        if self.bytes > limits::BUNDLE_BYTES_MAX as u64 {
            return Err(SourceError::BundleTooLarge);
        }
        let mut bytes = Vec::new();
        entry.take(length).read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() as u64 != length {
            return Err(damaged(io::ErrorKind::UnexpectedEof.into()));
        }
        self.files.push(RawFile { name: name.into(), bytes });
        Ok(())
    }
}

/// The name below the archive's root, `None` for the root itself.
fn entry_name(written: &[u8]) -> Result<Option<String>, SourceError> {
    let outside = || SourceError::EntryOutside { name: String::from_utf8_lossy(written).into_owned() };
    if written.starts_with(b"/") {
        return Err(outside());
    }
    let mut name = String::new();
    for part in written.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(outside()),
            _ => name = name::join(&name, name::text(part, &name)?),
        }
    }
    Ok(if name.is_empty() { None } else { Some(name) })
}

/// Reads what follows the end of the archive: padding, and gzip's checksum, which is checked only when it is reached.
fn finish(mut rest: impl Read) -> Result<(), SourceError> {
    let mut buffer = [0; 4096];
    loop {
        let length = rest.read(&mut buffer).map_err(damaged)?;
        if length == 0 {
            return Ok(());
        }
        if buffer.iter().take(length).any(|byte| *byte != 0) {
            return Err(damaged(io::Error::new(io::ErrorKind::InvalidData, "something follows its end")));
        }
    }
}

struct Bounded<R> {
    inner: R,
    left: usize,
}

/// Marks the one error of [`Bounded`] among those of the decoders.
#[derive(Debug, thiserror::Error)]
#[error("more bytes than a bundle may have")]
struct BoundReached;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(length).ok_or_else(|| io::Error::other(BoundReached))?;
        Ok(length)
    }
}

fn damaged(error: io::Error) -> SourceError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(inner) = cause {
        if inner.is::<BoundReached>() {
            return SourceError::BundleTooLarge;
        }
        cause = match inner.downcast_ref::<io::Error>() {
            Some(wrapped) => wrapped.get_ref().map(|inner| inner as _),
            None => inner.source(),
        };
    }
    SourceError::DamagedArchive { source: error }
}
