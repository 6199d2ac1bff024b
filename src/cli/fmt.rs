//! `fmt`: files of bundles, laid out alike.
//!
//! Finds the files, shows or writes what changes. What a layout is, and that it keeps what the file says, is
//! `fmt/layout.rs`'s business.

mod json;
mod layout;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use similar::{ChangeTag, TextDiff};

use super::{Exit, Outcome, Stop, paint, write};
use crate::limits;
use crate::source::Source;
use crate::text::{Format, RawFile};
use layout::Laid;

/// Arguments of `fmt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward fmt --check policies

YAML: two spaces for each level, lists indented below their key, one space around what is in brackets and before \
values, double quotes where quotes are needed, no more than one empty line, lists and objects in brackets on one \
line of 120 columns or a line for each part. JSON: two spaces for each level and a line for each part. Comments, the \
order of keys, anchors, texts in blocks and the kind of line break stay. A file whose layout cannot be changed \
without changing more is left as it is, and that is told.

Ends with 3 when a file is no YAML or no JSON; with --check, with 5 when a file would change.")]
pub struct Args {
    /// Files, and folders of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; show what would change.
    #[arg(long)]
    check: bool,
}

/// A file as it was found.
struct Found {
    path: PathBuf,
    raw: RawFile,
}

/// What was done, by counts.
#[derive(Default)]
struct Counts {
    changed: usize,
    same: usize,
    left: usize,
    invalid: usize,
    failed: usize,
}

/// Lays files out.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let mut counts = Counts::default();
    let mut text = String::new();
    for found in files(&args.paths)? {
        text += &one(&found, args.check, &mut counts);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text += &counts.summary(args.check);
    let exit = match counts {
        Counts { failed: 1.., .. } => Exit::Partial,
        Counts { invalid: 1.., .. } => Exit::BundleInvalid,
        Counts { changed: 1.., .. } if args.check => Exit::Changed,
        _ => Exit::Success,
    };
    Ok(Outcome { text, exit })
}

/// Does what is to be done to a file, and says it.
fn one(found: &Found, is_check: bool, counts: &mut Counts) -> String {
    let name = found.path.display();
    match layout::layout(&found.raw) {
        Laid::Same => {
            counts.same += 1;
            String::new()
        }
        Laid::Left(why) => {
            counts.left += 1;
            format!("{} {name}: {why}\n", paint::doubt("left as it is:"))
        }
        Laid::Invalid(findings) => {
            counts.invalid += 1;
            paint::findings(&findings)
        }
        Laid::Changed(after) if is_check => {
            counts.changed += 1;
            let before = String::from_utf8_lossy(&found.raw.bytes);
            format!("{} {name}\n{}", paint::styled(paint::STRONG, "would change:"), difference(&before, &after))
        }
        Laid::Changed(after) => match write::replace(&found.path, &found.raw.bytes, &after) {
            Ok(()) => {
                counts.changed += 1;
                format!("changed: {name}\n")
            }
            Err(error) => {
                counts.failed += 1;
                format!("{} `{name}` cannot be written: {error}\n", paint::error_label())
            }
        },
    }
}

/// The YAML and JSON files of `paths`, none twice. A folder is read as a bundle is, hidden files left out.
fn files(paths: &[PathBuf]) -> Result<Vec<Found>, Stop> {
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for path in paths {
        let found = if path.is_dir() { of_folder(path)? } else { vec![of_file(path)?] };
        for file in found {
            let real = fs::canonicalize(&file.path).with_context(|| format!("`{}`", file.path.display()))?;
            if seen.insert(real) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn of_folder(path: &Path) -> Result<Vec<Found>, Stop> {
    let fetched = Source::new(path).read().with_context(|| format!("`{}`", path.display()))?;
    let of_text = fetched.bundle.files.into_iter().filter(|raw| Format::of(&raw.name).is_some());
    let found = of_text.map(|raw| {
        let path = path.join(&*raw.name);
        Found { raw: RawFile { name: path.display().to_string().into(), bytes: raw.bytes }, path }
    });
    Ok(found.collect())
}

fn of_file(path: &Path) -> Result<Found, Stop> {
    let name = path.display().to_string();
    if Format::of(&name).is_none() {
        return Err(Stop::usage(format!("`{name}` is no folder, and neither YAML nor JSON by its name")));
    }
    let read = || {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            // WHY: a pipe would be waited for, a device has no end, and neither can be written in the place of itself.
            return Err(std::io::Error::other("it is neither a file nor a folder"));
        }
        let length = metadata.len();
        // WHY: the reader of bundles refuses a larger one; that it does, it says of the file's first bytes as well.
        let bytes_max = limits::FILE_BYTES_MAX as u64 + 1;
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(bytes_max)).unwrap_or(0));
        std::io::Read::read_to_end(&mut std::io::Read::take(fs::File::open(path)?, bytes_max), &mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = read().with_context(|| format!("`{name}`"))?;
    Ok(Found { path: path.to_owned(), raw: RawFile { name: name.into(), bytes } })
}

/// The lines that differ, each with a line around it, at most [`limits::LAYOUT_LINES_SHOWN_MAX`].
fn difference(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(1) {
        if let Some(first) = group.first() {
            lines.push(paint::styled(paint::FAINT, &format!("  line {}", first.new_range().start + 1)));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mut line = change.value().trim_end_matches(['\r', '\n']).to_owned();
            if change.missing_newline() {
                line += " (no line break)";
            }
            lines.push(match change.tag() {
                ChangeTag::Delete => paint::verdict(false, &format!("  - {line}")),
                ChangeTag::Insert => paint::verdict(true, &format!("  + {line}")),
                ChangeTag::Equal => format!("    {line}"),
            });
        }
    }
    let more = lines.len().saturating_sub(limits::LAYOUT_LINES_SHOWN_MAX);
    lines.truncate(limits::LAYOUT_LINES_SHOWN_MAX);
    if more > 0 {
        lines.push(format!("  ... and {} more", paint::counted(more, "line")));
    }
    lines.join("\n") + "\n"
}

impl Counts {
    fn summary(&self, is_check: bool) -> String {
        let parts = [
            (self.changed, if is_check { "would change" } else { "changed" }),
            (self.same, "in order"),
            (self.left, "left"),
            (self.invalid, "invalid"),
            (self.failed, "not written"),
        ];
        let told = parts.iter().filter(|(count, _)| *count > 0);
        let told: Vec<_> = told.map(|(count, what)| format!("{} {what}", paint::counted(*count, "file"))).collect();
        if told.is_empty() { "no YAML or JSON files\n".to_owned() } else { told.join(", ") + "\n" }
    }
}
