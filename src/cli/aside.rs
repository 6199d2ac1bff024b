//! What is said beside a result, on standard error: notes, and how far a long job is.
//!
//! The result alone goes to standard output, so that it can be piped on.

use std::io::{IsTerminal, Write};

use super::paint;

/// Prints `text`; nobody listening is no failure.
pub fn say(text: &str) {
    let mut stream = anstream::stderr();
    let _ = stream.write_all(paint::harmless(text).as_bytes()).and_then(|()| stream.flush());
}

/// Whether a person watches standard error.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}
