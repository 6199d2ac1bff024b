//! `check --fix`: what can be mended safely, written into the files.
//!
//! Which problem can be mended, and how, its rule says; here the mends of a file are put together, the bundle is checked
//! again until there are none, and what changed is written. Start with [`write`].

use std::borrow::Cow;
use std::path::Path;

use anyhow::Context;

use super::{Stop, load, paint, write};
use crate::compile::{self, Compilation};
use crate::limits;
use crate::review::cases;
use crate::review::summary::Summary;
use crate::source;
use crate::text::{Finding, Fix, RawBundle, RawFile, decode};

/// What a bundle comes to, what it contains, and what is found in its tests. Only those fixes are in the findings that
/// can be written.
pub fn look(raw: &RawBundle) -> (Compilation, Summary, Vec<Finding>) {
    let (mut compilation, summary) = compile::compile_and(raw, Summary::of);
    let mut of_tests = match &compilation.bundle {
        Some(bundle) => cases::check_against(bundle, raw),
        None => cases::check(raw),
    };
    let is_plain = |name: &str| raw.files.iter().any(|file| *file.name == *name && plain(file).is_some());
    for finding in compilation.findings.iter_mut().chain(&mut of_tests) {
        finding.fix = finding.fix.take().filter(|_| is_plain(&finding.file));
    }
    (compilation, summary, of_tests)
}

/// Mends the bundle in the folder at `path`: the bundle as it is then, and what was mended.
///
/// Errors: `path` is no folder, or a file cannot be read or written; files before it are written then.
pub fn write(path: &Path) -> Result<(RawBundle, Vec<Finding>), Stop> {
    if path.is_file() {
        return Err(Stop::usage(format!("--fix writes into a folder, and `{}` is none", path.display())));
    }
    let before = load::read(path)?;
    let (after, fixed) = mended(before.clone());
    let changed = before.files.iter().zip(&after.files).filter(|(before, after)| before != after);
    for (written, (before, after)) in changed.enumerate() {
        let path = path.join(&*before.name);
        let text = String::from_utf8_lossy(&after.bytes);
        write::replace(&path, &before.bytes, &text).with_context(|| {
            let name = path.display();
            match written {
                0 => format!("`{name}` cannot be written"),
                _ => format!("{} mended, but `{name}` cannot be written", paint::counted(written, "file")),
            }
        })?;
    }
    Ok((after, fixed))
}

/// `raw` without what can be mended, and what was.
fn mended(mut raw: RawBundle) -> (RawBundle, Vec<Finding>) {
    let mut fixed = Vec::new();
    for _ in 0..limits::FIX_ROUNDS_MAX {
        let (compilation, _, of_tests) = look(&raw);
        let mut findings: Vec<_> = compilation.findings.into_iter().chain(of_tests).collect();
        findings.retain(|finding| finding.fix.is_some());
        let known = fixed.len();
        for file in &mut raw.files {
            fixed.extend(mend(file, &findings));
        }
        if fixed.len() == known {
            break;
        }
    }
    (source::seal(raw.files), fixed)
}

/// Mends those of `findings` that are in `file`. Of two that overlap, the later waits for the next round.
fn mend(file: &mut RawFile, findings: &[Finding]) -> Vec<Finding> {
    let mine = findings.iter().filter(|finding| *finding.file == *file.name);
    let mut mine: Vec<(&Finding, &Fix)> =
        mine.filter_map(|finding| finding.fix.as_ref().map(|fix| (finding, fix))).collect();
    mine.sort_by_key(|(_, fix)| (fix.bytes.start, fix.bytes.end));
    let Some(text) = plain(file) else { return Vec::new() };
    let (mut mended, mut fixed, mut end) = (String::with_capacity(text.len()), Vec::new(), 0);
    for (finding, fix) in mine {
        let between = text.get(end..fix.bytes.start);
        if let Some(between) = between.filter(|_| text.get(fix.bytes.clone()) == Some(&fix.written)) {
            mended += between;
            mended += &fix.replacement;
            end = fix.bytes.end;
            fixed.push(finding.clone());
        }
    }
    mended += text.get(end..).unwrap_or_default();
    file.bytes = mended.into_bytes();
    fixed
}

/// The text of a file whose bytes are that and nothing else: no byte order mark, no other encoding.
fn plain(file: &RawFile) -> Option<&str> {
    match decode::decode(&file.bytes) {
        Ok(Cow::Borrowed(text)) if text.len() == file.bytes.len() => Some(text),
        _ => None,
    }
}

/// A line for each of `fixed`, and an empty one.
pub fn told(bundle: &Path, fixed: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let Finding { id, file, line, column, .. } = finding;
        let (written, becomes) = finding.fix.as_ref().map_or(("", ""), |fix| (&*fix.written, &*fix.replacement));
        let change = if becomes.is_empty() { "is gone".to_owned() } else { format!("is now `{becomes}`") };
        let place = bundle.join(file);
        let label = paint::verdict(true, &format!("fixed[{id}]:"));
        format!("{label} {}:{line}:{column}: `{written}` {change}\n", place.display())
    };
    let lines: String = fixed.iter().map(line).collect();
    if lines.is_empty() { lines } else { lines + "\n" }
}

/// The line below a finding that can be fixed.
pub fn hint(finding: &Finding) -> String {
    match &finding.fix {
        None => String::new(),
        Some(fix) if fix.replacement.is_empty() => format!("  fix: --fix takes `{}` out\n", fix.written),
        Some(fix) => format!("  fix: --fix writes `{}`\n", fix.replacement),
    }
}
