//! Files that settings name, read within a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A whole file of at most `most` bytes.
///
/// # Errors
/// What the system says; a file that is larger. Cost: no more is read than that.
pub fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let (mut bytes, most) = (Vec::new(), most as u64);
    if File::open(path)?.take(most + 1).read_to_end(&mut bytes)? as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}
