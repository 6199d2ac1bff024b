//! What is said beside a result, on standard error: notes, and how far a long job is.
//!
//! The result alone goes to standard output, so that it can be piped on.

use std::io::{IsTerminal, Write};

use super::paint;
use crate::text::plain;

/// Prints `text`; nobody listening is no failure.
pub fn say(text: &str) {
    let mut stream = anstream::stderr();
    let _ = stream.write_all(paint::harmless(text).as_bytes()).and_then(|()| stream.flush());
}

/// Puts `text` in the place of the line that is being written; empty: clears it. Only where a person watches.
pub fn progress(text: &str) {
    let _ = replace(&mut anstream::stderr(), text);
}

/// The control codes are ours, so only `text` must be harmless.
fn replace(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    write!(stream, "\r\u{1b}[K{}", plain(text))?;
    stream.flush()
}

/// Whether a person watches standard error.
pub fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The codes went through what takes them out of names, and stood on the terminal as text.
    #[test]
    fn a_counter_is_written_over_the_last_one() {
        let mut stream = Vec::new();
        for text in ["20000 lines, 3 changed", "of \u{1b}[31m", ""] {
            replace(&mut stream, text).unwrap();
        }
        let told = "\r\u{1b}[K20000 lines, 3 changed\r\u{1b}[Kof \\u001b[31m\r\u{1b}[K";
        assert_eq!(String::from_utf8(stream).unwrap(), told);
    }
}
