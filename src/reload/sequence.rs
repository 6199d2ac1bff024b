//! The highest sequence of a bundle that was in force, kept in a file: an older bundle is refused after a restart, too.
//!
//! WHY a file of its own, beside no bundle: whoever can put an older bundle back could put this back with it. Knows the
//! file, and not what is made of the number; `super::machine` does.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

use crate::limits;

/// Longest file that is read, bytes: a number and a line's end.
const BYTES_MAX: u64 = 64;

/// The file, and what it says.
#[derive(Debug)]
pub struct KeptSequence {
    /// Without links: a file that is renamed over a link would replace the link.
    path: PathBuf,
    /// What the file must say at least.
    highest: Option<u64>,
    /// The last attempt failed, and nobody knows how far it came.
    is_unsure: bool,
}

impl KeptSequence {
    /// Reads `path`. A file that is not there yet says nothing; a link is followed once, here.
    ///
    /// Several processes may keep one file. Beside it they keep another, of the same name with `.lock` added, which is
    /// empty and stays.
    ///
    /// # Errors
    /// What keeps it from being read, or from being written later as far as that can be known; or it holds something else
    /// than a number. Then nobody knows what was in force, and starting would be a guess.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = resolved(path)?;
        let highest = said(&path)?;
        // WHY: found out now, and not when the first bundle is in force.
        tempfile::NamedTempFile::new_in(folder(&path))?;
        match lock_file(&path)?.try_lock() {
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self { path, highest, is_unsure: false })
    }

    /// What it says, or will when it can be written.
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Whether it is a part of the bundle at `path`: whoever puts the bundle back then puts the number back with it.
    pub fn is_part_of(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|bundle| self.path.starts_with(bundle))
    }

    /// Makes the file say the highest of `sequence`, of what it says, and of what it said or should have said before.
    /// Whenever the machine stops, it holds the old number or the new one.
    ///
    /// # Errors
    /// What the system said, or that another process has the file locked for too long. The file then says the old number
    /// or the new one; to call this again, with `None` too, makes it say the new one. Cost: one reading of the file if it
    /// says enough, otherwise at most [`limits::SEQUENCE_LOCK_ATTEMPTS_MAX`] times [`limits::SEQUENCE_LOCK_PAUSE`] of
    /// waiting, and a write that has reached the disk.
    pub(super) fn keep(&mut self, sequence: Option<u64>) -> io::Result<()> {
        self.highest = self.highest.max(sequence);
        let Some(wanted) = self.highest else { return Ok(()) };
        if !self.is_unsure && said(&self.path)?.is_some_and(|said| said >= wanted) {
            return Ok(());
        }
        self.is_unsure = true;
        let _lock = lock(&self.path)?;
        // WHY again: another process may have written a higher one until it let go of the lock.
        let highest = said(&self.path)?.map_or(wanted, |said| said.max(wanted));
        self.highest = Some(highest);
        let folder = folder(&self.path);
        let mut next = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(next, "{highest}")?;
        next.as_file().sync_all()?;
        next.persist(&self.path).map_err(|error| error.error)?;
        // The name is kept only when the folder is.
        File::open(folder)?.sync_all()?;
        self.is_unsure = false;
        Ok(())
    }
}

/// What the file says.
fn said(path: &Path) -> io::Result<Option<u64>> {
    let length = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return Err(io::Error::other("it is not a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    if length <= BYTES_MAX {
        File::open(path)?.take(BYTES_MAX).read_to_string(&mut text)?;
    }
    text.trim_ascii_end().parse().map(Some).map_err(|_| io::Error::other("it holds no sequence"))
}

/// Waits for other processes, until this is dropped. WHY not for ever: one that hangs must not keep bundles from coming
/// into force here.
fn lock(path: &Path) -> io::Result<File> {
    let file = lock_file(path)?;
    for _ in 0..limits::SEQUENCE_LOCK_ATTEMPTS_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => thread::sleep(limits::SEQUENCE_LOCK_PAUSE),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another process has it locked"))
}

/// WHY a file of its own: the one with the number is replaced, and a lock of what was replaced keeps nobody out.
fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.with_added_extension("lock"))
}

/// Where `path` leads, although the file may be missing. Ends: a ring of links is an error other than that one is missing.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    if let Ok(target) = fs::read_link(path) {
        return resolved(&folder(path).join(target));
    }
    let name = path.file_name().ok_or_else(|| io::Error::other("it is not the name of a file"))?;
    Ok(fs::canonicalize(folder(path))?.join(name))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_highest_sequence_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sequence");
        let mut kept = KeptSequence::open(&path).unwrap();
        assert_eq!(kept.highest(), None);
        kept.keep(None).unwrap();
        assert!(!path.exists(), "there is nothing to say");
        for (sequence, highest) in [(7, 7), (3, 7), (7, 7), (u64::MAX, u64::MAX)] {
            kept.keep(Some(sequence)).unwrap();
            assert_eq!((kept.highest(), said(&path).unwrap()), (Some(highest), Some(highest)));
            assert_eq!(KeptSequence::open(&path).unwrap().highest(), Some(highest));
        }
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["sequence", "sequence.lock"], "nothing else is left beside it");
    }

    #[test]
    fn a_file_that_says_something_else_is_no_file_that_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sequence");
        for text in
            ["", "seven", "-1", "7 8", "18446744073709551616", &"1".repeat(100), &format!("7{}8", " ".repeat(99))]
        {
            fs::write(&path, text).unwrap();
            assert!(KeptSequence::open(&path).is_err(), "{text}");
        }
        assert!(KeptSequence::open(folder.path()).is_err(), "a folder");
        assert!(KeptSequence::open(Path::new("/dev/null")).is_err(), "a device");
        assert!(KeptSequence::open(Path::new("")).is_err());
        assert!(KeptSequence::open(&folder.path().join("no/such/folder/sequence")).is_err());
    }

    /// A process that had started with 7 wrote 8 over the 9 of its successor.
    #[test]
    fn a_process_never_lowers_what_another_has_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sequence");
        let mut old = KeptSequence::open(&path).unwrap();
        old.keep(Some(7)).unwrap();
        let mut new = KeptSequence::open(&path).unwrap();
        new.keep(Some(9)).unwrap();
        old.keep(Some(8)).unwrap();
        assert_eq!(said(&path).unwrap(), Some(9));
        fs::remove_file(&path).unwrap();
        new.keep(None).unwrap();
        assert_eq!(said(&path).unwrap(), Some(9), "lost, and kept again");
    }

    #[test]
    fn processes_that_keep_at_once_leave_the_highest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sequence");
        thread::scope(|scope| {
            for first in 0..2 {
                let mut kept = KeptSequence::open(&path).unwrap();
                let path = &path;
                scope.spawn(move || {
                    for sequence in (first..40).step_by(2) {
                        kept.keep(Some(sequence)).unwrap();
                        assert!(said(path).unwrap() >= Some(sequence));
                    }
                });
            }
        });
        assert_eq!(said(&path).unwrap(), Some(39));
    }

    #[test]
    fn a_process_that_never_lets_go_is_not_waited_for_in_vain() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sequence");
        let mut kept = KeptSequence::open(&path).unwrap();
        let held = lock(&path).unwrap();
        assert_eq!(kept.keep(Some(7)).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(KeptSequence::open(&path).unwrap().highest(), None, "to start it need not be written");
        fs::write(&path, "9\n").unwrap();
        drop(held);
        kept.keep(None).unwrap();
        assert_eq!(
            (said(&path).unwrap(), kept.highest()),
            (Some(9), Some(9)),
            "what the other wrote meanwhile is higher"
        );
        kept.keep(Some(10)).unwrap();
        assert_eq!(said(&path).unwrap(), Some(10));
    }

    /// The file was read through the link and written over it: whoever followed another link to it saw the old number.
    #[test]
    fn a_link_stays_a_link_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        symlink("disk/sequence", at("inner")).unwrap();
        symlink(at("inner"), at("link")).unwrap();
        for (sequence, is_there) in [(7, false), (8, true)] {
            assert_eq!(at("disk/sequence").exists(), is_there);
            KeptSequence::open(&at("link")).unwrap().keep(Some(sequence)).unwrap();
            assert_eq!(said(&at("disk/sequence")).unwrap(), Some(sequence));
            assert!(at("link").is_symlink() && at("inner").is_symlink());
        }
        symlink(at("ring"), at("ring")).unwrap();
        assert!(KeptSequence::open(&at("ring")).is_err());
    }
}
