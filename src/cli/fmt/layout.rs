//! The text of a file, laid out anew, and proof that it still says the same.
//!
//! The layout of YAML is pretty_yaml's. Whatever that does, a text leaves here only if the reader of bundles sees the
//! same values in the same order in it, and all comments where they were. Text in, text out: files are the verb's.
//! Start with [`layout`].

use std::panic;

use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions, LineBreak};
use thiserror::Error;

use super::json;
use crate::limits;
use crate::text::{Diagnostics, Finding, Format, Node, RawFile, SourceFile, Sources, decode, parse, yaml};

/// Longest line that a list or an object in brackets may take, columns.
const LINE_COLUMNS_MAX: usize = 120;
/// Most layouts one after the other, should the layout of a layout differ from it.
const ROUNDS_MAX: usize = 4;

/// What becomes of a file.
#[derive(Debug)]
pub enum Laid {
    /// It is laid out already.
    Same,
    /// Its text with the new layout.
    Changed(String),
    /// It stays as it is.
    Left(Left),
    /// It is no YAML or no JSON; at least one finding.
    Invalid(Vec<Finding>),
}

/// Why a file stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Left {
    /// An export, as its tool wrote it.
    #[error("it is not plain UTF-8, as tools that export write it")]
    Encoding,
    /// Beyond what the layout can hold.
    #[error("it is larger than {} MiB", limits::LAYOUT_BYTES_MAX >> 20)]
    Large,
    /// Beyond what the layout can count.
    #[error("a line of it begins with {} spaces or more", limits::LAYOUT_INDENT_MAX)]
    Indentation,
    /// Another reader of YAML than that of bundles does not take it.
    #[error("its YAML is too unusual")]
    Refused,
    /// The layout would say something else.
    #[error("a new layout would change what it says")]
    Meaning,
    /// The layout would lose a comment, or move it to another value.
    #[error("a new layout would move a comment")]
    Comments,
    /// The layout of the layout differs from it, and so on.
    #[error("no layout of it is stable")]
    Unstable,
    /// The layout would not be a file of a bundle any more.
    #[error("a new layout would be larger than a file may be")]
    TooLarge,
}

/// The layout of `raw`, whose name says whether it is JSON or YAML. Laying out the result changes nothing. Cost: linear,
/// a second for some megabytes of YAML.
pub fn layout(raw: &RawFile) -> Laid {
    // WHY first: neither memory nor patience would do for the rest. A file that no bundle may hold is told as that.
    let is_yaml = Format::of(&raw.name) == Some(Format::Yaml);
    if is_yaml && (limits::LAYOUT_BYTES_MAX + 1..=limits::FILE_BYTES_MAX).contains(&raw.bytes.len()) {
        return Laid::Left(Left::Large);
    }
    let (mut sources, mut diagnostics) = Default::default();
    let before = decode::read(raw, &mut sources, &mut diagnostics);
    let before = before.and_then(|file| Some((sources.file(file)?.text(), parse(&sources, file, &mut diagnostics)?)));
    let Some((text, tree)) = before else { return Laid::Invalid(diagnostics.findings(&sources)) };
    if text.as_bytes() != raw.bytes {
        return Laid::Left(Left::Encoding);
    }
    match laid_out(&raw.name, text, &tree) {
        Ok(laid) if laid == text => Laid::Same,
        Ok(laid) => Laid::Changed(laid),
        Err(left) => Laid::Left(left),
    }
}

/// Lays out until that changes nothing any more, and compares.
fn laid_out(name: &str, text: &str, tree: &Node<'_>) -> Result<String, Left> {
    let format = Format::of(name).ok_or(Left::Refused)?;
    // WHY: spaces at the end of a line of a block text are part of what it says; elsewhere nobody wants them.
    match settled(name, format, text, tree, true) {
        Err(Left::Meaning) if format == Format::Yaml => settled(name, format, text, tree, false),
        other => other,
    }
}

fn settled(name: &str, format: Format, text: &str, tree: &Node<'_>, is_trimmed: bool) -> Result<String, Left> {
    let mut laid = once(format, text, is_trimmed)?;
    let mut round = 1;
    loop {
        let next = once(format, &laid, is_trimmed)?;
        if next == laid {
            break;
        }
        if round == ROUNDS_MAX {
            return Err(Left::Unstable);
        }
        (laid, round) = (next, round + 1);
    }
    if laid.len() > limits::FILE_BYTES_MAX {
        return Err(Left::TooLarge);
    }
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let file = sources.add(SourceFile::new(name, laid.clone()));
    if !parse(&sources, file, &mut diagnostics).is_some_and(|after| after.says_same(tree)) {
        return Err(Left::Meaning);
    }
    if format == Format::Yaml && yaml::comments(text).is_none_or(|before| yaml::comments(&laid) != Some(before)) {
        return Err(Left::Comments);
    }
    Ok(laid)
}

/// One layout, with the line breaks that `text` has.
fn once(format: Format, text: &str, is_trimmed: bool) -> Result<String, Left> {
    let is_crlf = text.contains("\r\n");
    if format == Format::Json {
        let laid = json::layout(text);
        return Ok(if is_crlf { laid.replace('\n', "\r\n") } else { laid });
    }
    // WHY: pretty_yaml counts columns of indentation in the bits of a 64-bit number.
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-', '?', '\t']).len();
    if text.lines().any(|line| indent(line) >= limits::LAYOUT_INDENT_MAX) {
        return Err(Left::Indentation);
    }
    let options = FormatOptions {
        layout: LayoutOptions {
            print_width: LINE_COLUMNS_MAX,
            line_break: if is_crlf { LineBreak::Crlf } else { LineBreak::Lf },
            ..LayoutOptions::default()
        },
        language: LanguageOptions {
            trailing_comma: false,
            trim_trailing_whitespaces: is_trimmed,
            // No comment says this, so that none is more than a comment.
            ignore_comment_directive: "\0".to_owned(),
            ..LanguageOptions::default()
        },
    };
    // WHY: a fault in the library must not keep the other files from being laid out.
    let laid = panic::catch_unwind(|| pretty_yaml::format_text(text, &options));
    let laid = laid.ok().and_then(Result::ok).ok_or(Left::Refused)?;
    Ok(if laid.trim().is_empty() { String::new() } else { laid })
}
