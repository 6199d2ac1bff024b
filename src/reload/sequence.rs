//! The highest sequence of a bundle that was in force, kept in a file: an older bundle is refused after a restart, too.
//!
//! WHY a file of its own, beside no bundle: whoever can put an older bundle back could put this back with it. Knows the
//! file, and not what is made of the number; `super::machine` does.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Longest file that is read, bytes: a number and a line's end.
const BYTES_MAX: u64 = 64;

/// The file, and what it says.
#[derive(Debug)]
pub struct KeptSequence {
    path: PathBuf,
    highest: Option<u64>,
}

impl KeptSequence {
    /// Reads `path`. A file that is not there yet says nothing.
    ///
    /// # Errors
    /// What keeps it from being read, or from being written later as far as that can be known; or it holds something else
    /// than a number. Then nobody knows what was in force, and starting would be a guess.
    pub fn open(path: &Path) -> io::Result<Self> {
        let highest = match File::open(path) {
            Ok(file) => {
                let mut text = String::new();
                file.take(BYTES_MAX).read_to_string(&mut text)?;
                let number = text.trim_ascii_end().parse().map_err(|_| io::Error::other("it holds no sequence"))?;
                Some(number)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // WHY: found out now, and not when the first bundle is in force.
        tempfile::NamedTempFile::new_in(folder(path))?;
        Ok(Self { path: path.to_owned(), highest })
    }

    /// What it says.
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Makes it say `sequence`, unless it says that or more. It holds the one or the other whenever the machine stops.
    ///
    /// # Errors
    /// What the system said; the file then says what it said before.
    pub(super) fn keep(&mut self, sequence: u64) -> io::Result<()> {
        if self.highest.is_some_and(|highest| highest >= sequence) {
            return Ok(());
        }
        let folder = folder(&self.path);
        let mut next = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(next, "{sequence}")?;
        next.as_file().sync_all()?;
        next.persist(&self.path).map_err(|error| error.error)?;
        self.highest = Some(sequence);
        // The name is kept only when the folder is.
        fs::File::open(folder)?.sync_all()
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_sequence_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sequence");
        let mut kept = KeptSequence::open(&path).unwrap();
        assert_eq!(kept.highest(), None);
        for (sequence, highest) in [(7, 7), (3, 7), (7, 7), (u64::MAX, u64::MAX)] {
            kept.keep(sequence).unwrap();
            assert_eq!((kept.highest(), KeptSequence::open(&path).unwrap().highest()), (Some(highest), Some(highest)));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_that_says_something_else_is_no_file_that_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sequence");
        for text in ["", "seven", "-1", "7 8", "18446744073709551616", &"1".repeat(100)] {
            fs::write(&path, text).unwrap();
            assert!(KeptSequence::open(&path).is_err(), "{text}");
        }
        assert!(KeptSequence::open(folder.path()).is_err(), "a folder");
        assert!(KeptSequence::open(&folder.path().join("no/such/folder/sequence")).is_err());
    }
}
