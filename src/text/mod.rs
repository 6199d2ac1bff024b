//! Author text: source files, spans, diagnostics as data, and a document tree for YAML and JSON.
//!
//! This module knows files and positions, and nothing of policies. Start with [`source`], then [`document`] for the
//! tree that the readers in `compile` walk, [`diagnostic`] for how a problem is told, and [`mend`] for how some are
//! fixed. [`decode::read`] and [`parse`] are the way from bytes to a tree.

pub mod decode;
pub mod diagnostic;
pub mod document;
pub mod embedded;
pub mod json;
pub mod mend;
pub mod plain;
pub mod rule;
pub mod rules;
pub mod source;
pub mod suggest;
pub mod yaml;

pub use diagnostic::{Diagnostic, Diagnostics, Finding, Level, Severity};
pub use document::{Entry, Node, Value};
pub use embedded::Embedded;
pub use mend::{Fix, Mend};
pub use plain::plain;
pub(crate) use rule::rules as declare_rules;
pub use rule::{Block, Rule, Section};
pub use source::{FileId, RawBundle, RawFile, SourceFile, Sources, Span, Spanned};

/// How a file writes its document down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, as RFC 8259 defines it.
    Json,
    /// YAML 1.2 with its core schema.
    Yaml,
}

impl Format {
    /// The format of a file called `name`, by its extension in any case; `None` if it is neither `.json` nor `.yaml` nor
    /// `.yml`.
    pub fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        if extension.eq_ignore_ascii_case("json") {
            Some(Self::Json)
        } else if extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml") {
            Some(Self::Yaml)
        } else {
            None
        }
    }
}

/// The document of `file`, with spans. An empty YAML file is [`Value::Null`].
///
/// Errors: `None`, and at least one diagnostic: [`rules::FILE_FORMAT`], or those of [`json::parse`] or [`yaml::parse`].
pub fn parse<'s>(sources: &'s Sources, file: FileId, diagnostics: &mut Diagnostics) -> Option<Node<'s>> {
    let source = sources.file(file)?;
    match Format::of(source.name()) {
        Some(Format::Json) => json::parse(source.text(), file, diagnostics),
        Some(Format::Yaml) => yaml::parse(source.text(), file, diagnostics),
        None => {
            let what = format!("`{}` is neither JSON nor YAML by its name", source.name());
            diagnostics.push(
                Diagnostic::new(&rules::FILE_FORMAT, Span::whole(file), what)
                    .help("call it `.json`, `.yaml` or `.yml`, or move it out of the bundle"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests;
