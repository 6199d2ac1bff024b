//! Workflow commands of GitHub Actions: what it shows beside a line of a pull request.
//!
//! Source: GitHub documentation, Workflow commands for GitHub Actions, and the `actions/toolkit` package `core`, read
//! August 2026.

use std::path::Path;

use crate::text::Finding;

/// `message` under `title` beside a place of `file`, from the working directory: its line and column, the column 0 when
/// none is meant; line 0 is the file as a whole.
pub fn annotation(level: &str, file: &str, (line, column): (u32, u32), title: &str, message: &str) -> String {
    let line = if line == 0 { String::new() } else { format!(",line={line}") };
    let column = if line.is_empty() || column == 0 { String::new() } else { format!(",col={column}") };
    let (file, title) = (property(file), property(title));
    format!("::{level} file={file}{line}{column},title={title}::{}\n", data(message.trim_end()))
}

/// A finding beside its place; `bundle` leads from the working directory to the files.
pub fn finding(bundle: &Path, finding: &Finding) -> String {
    let level = finding.severity.to_string();
    annotation(&level, &file(bundle, &finding.file), (finding.line, finding.column), finding.id, &message(finding))
}

/// An error that has no place.
pub fn error(message: &str) -> String {
    format!("::error::{}\n", data(message))
}

/// What is wrong, why, and what helps, in a line.
pub fn message(finding: &Finding) -> String {
    let help = finding.help.as_ref().map(|help| format!("; {help}"));
    format!("{}: {}{}", finding.what, finding.why, help.unwrap_or_default())
}

/// A file of `bundle` from the working directory; the bundle itself when it as a whole is meant.
pub fn file(bundle: &Path, name: &str) -> String {
    if name.is_empty() { bundle.display().to_string() } else { bundle.join(name).display().to_string() }
}

/// What would end a command, escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_place_is_not_told_as_line_0() {
        let told = |place| annotation("error", "a,b.yaml", place, "id", "100%\n");
        assert_eq!(told((0, 0)), "::error file=a%2Cb.yaml,title=id::100%25\n");
        assert_eq!(told((3, 0)), "::error file=a%2Cb.yaml,line=3,title=id::100%25\n");
        assert_eq!(told((3, 9)), "::error file=a%2Cb.yaml,line=3,col=9,title=id::100%25\n");
    }
}
