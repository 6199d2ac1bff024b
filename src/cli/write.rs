//! Files in the place of others: whole or not at all.
//!
//! Knows files and nothing of what is in them. Start with [`replace`].

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// Puts `after` in the place of `before`, the bytes that were read from `path`.
///
/// Whoever reads the file meanwhile sees the one or the other. Links on the way stay, and so do the permissions and, as
/// far as this process may, the owner.
///
/// Errors: the file cannot be read or written, nobody may write it, or somebody has written it since.
pub fn replace(path: &Path, before: &[u8], after: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().ok_or(io::ErrorKind::IsADirectory)?;
    let metadata = fs::metadata(&path)?;
    if metadata.permissions().readonly() {
        // WHY: putting a file in its place needs no leave to write it, but whoever took that away meant it to stay.
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    // WHY hidden: nobody who reads the folder as a bundle takes it for a file of that.
    let file = tempfile::Builder::new().prefix(".doorward-").tempfile_in(folder);
    // Without the name of a file that the reader has never heard of.
    let mut file = file.map_err(|error| io::Error::new(error.kind(), format!("in its folder: {}", error.kind())))?;
    file.write_all(after.as_bytes())?;
    // Only root may give files away; whoever else may write here owns what is written.
    let _ = fchown(file.as_file(), Some(metadata.uid()), Some(metadata.gid()));
    file.as_file().set_permissions(metadata.permissions())?;
    file.as_file().sync_all()?;
    if fs::read(&path)? != before {
        return Err(io::Error::other("it has changed meanwhile"));
    }
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_somebody_else_has_written_stays_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "theirs").unwrap();
        let error = replace(&path, b"as it was read", "ours").unwrap_err();
        assert_eq!(error.to_string(), "it has changed meanwhile");
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
