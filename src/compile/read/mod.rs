//! From files to the model, every problem of the text collected.
//!
//! `files -> beside (settings) -> reader (documents) -> policy, location, ... (objects) -> part -> model::Bundle`
//!
//! Knows which files a bundle may hold; resolves no reference. An object is told by its `shape`: `@odata.type` where Graph
//! writes it, else the properties that only one kind has. Reading stops where a bound is crossed, so that no text takes
//! more memory than the largest bundle. Start with [`read`], then `reader`.

mod beside;
mod cedar;
mod combination;
mod entity;
mod fast;
mod guest;
mod location;
mod names;
mod object;
mod part;
mod placeholder;
mod policy;
mod principal;
mod reader;
mod session;
mod settings;
mod shape;
mod shaping;
mod statement;
mod strength;
mod target;
mod word;

use fast::PackedRanges;
use names::Names;
use part::Part;
use reader::Reader;

use super::rules;
use crate::model::Bundle;
use crate::text::{self, Diagnostic, Diagnostics, Format, RawBundle, Rule, Sources, Span};

/// What reading gives: the model, its sources, and every problem of the text.
#[derive(Debug)]
pub struct Reading {
    /// The model; what could not be read is missing from it, and an error says so.
    pub bundle: Bundle,
    /// The decoded files, to resolve spans with; without the text of those that were read the fast way.
    pub sources: Sources,
    /// The problems.
    pub diagnostics: Diagnostics,
    /// Whether all of it was read. If not a bound is crossed, as an error says, and what is missing from the model is
    /// missing for that.
    pub is_complete: bool,
}

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// JSON in one pass without spans: three times as fast; diagnostics then have no places.
    Fast,
    /// With spans.
    Spanned,
}

/// Reads every file but the bundle's own tests. Cost: linear in the text; the fast way copies none of it.
pub fn read(raw: &RawBundle, mode: Mode) -> Reading {
    read_with(raw, &[], mode)
}

/// As [`read`], with the statements of `more`, whatever the files are called.
pub fn read_with(raw: &RawBundle, more: &[text::RawFile], mode: Mode) -> Reading {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let beside = beside::read(&raw.files, &mut sources, &mut diagnostics);
    let (mut documents, mut statements) = (Vec::new(), Vec::new());
    let files = beside.files.into_iter().map(|file| (file, kind_of(&file.name)));
    for (file, kind) in files.chain(more.iter().map(|file| (file, FileKind::Statement))) {
        match kind {
            FileKind::Document if mode == Mode::Fast && is_fast(&file.name) => {
                documents.push((sources.add(text::SourceFile::new(&*file.name, String::new())), file));
            }
            FileKind::Document | FileKind::Cedar => {
                let id = text::decode::read(file, &mut sources, &mut diagnostics);
                documents.extend(id.map(|id| (id, file)));
            }
            FileKind::Statement => statements.extend(text::decode::read(file, &mut sources, &mut diagnostics)),
            FileKind::Test | FileKind::CountryDatabase => {}
            FileKind::Other => {
                let help = "rename it if it was meant to be read, or keep it outside the bundle";
                whole_file(file, &rules::UNRECOGNISED_FILE, help, &mut sources, &mut diagnostics);
            }
        }
    }
    let beside::Beside { settings, placeholders, .. } = beside;
    let mut reader = Reader {
        sources: &sources,
        settings: &settings,
        placeholders,
        names: Names::default(),
        read: Part::new(diagnostics),
        is_in_statements: false,
    };
    for (id, file) in documents {
        if reader.read.is_full() {
            break;
        }
        if matches!(kind_of(&file.name), FileKind::Cedar) {
            reader.cedar(id);
        } else if mode == Mode::Fast && is_fast(&file.name) {
            reader.fast_file(id, file);
        } else if let Some(node) = text::parse(&sources, id, &mut reader.read.diagnostics) {
            reader.document(&node, &mut PackedRanges::default());
        }
    }
    reader.statements(&statements);
    let is_complete = !reader.read.is_full();
    let Part { mut bundle, diagnostics, .. } = reader.read;
    bundle.policies.shrink_to_fit();
    bundle.principals.shrink_to_fit();
    Reading { bundle: Bundle { settings, ..bundle }, sources, diagnostics, is_complete }
}

/// Whether the file of this name holds statements.
pub fn has_statements(name: &str) -> bool {
    matches!(kind_of(name), FileKind::Statement)
}

/// Whether the file of this name holds policies, locations or other objects: the one kind of file that is read as it is, and
/// that settings can leave out.
pub fn is_document(name: &str) -> bool {
    matches!(kind_of(name), FileKind::Document) && !is_settings(name)
}

/// Whether the file of this name holds the settings.
pub fn is_settings(name: &str) -> bool {
    Format::of(name).is_some() && name.rsplit_once('.').is_some_and(|(stem, _)| stem == "bundle")
}

/// Whether the fast way knows the format.
fn is_fast(name: &str) -> bool {
    name.ends_with(".json")
}

fn whole_file(
    file: &text::RawFile,
    rule: &'static Rule,
    help: &str,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let id = sources.add(text::SourceFile::new(&*file.name, String::new()));
    diagnostics.push(Diagnostic::new(rule, Span::whole(id), "the file is not read").help(help));
}

enum FileKind {
    Document,
    Test,
    Statement,
    CountryDatabase,
    Cedar,
    Other,
}

fn kind_of(name: &str) -> FileKind {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match Format::of(name) {
        Some(_) if name.starts_with("tests/") => FileKind::Test,
        Some(_) if statement::is_below(name) => FileKind::Statement,
        Some(_) => FileKind::Document,
        None if extension.eq_ignore_ascii_case("mmdb") => FileKind::CountryDatabase,
        // WHY: what lies with the tests or the statements is no policy, whatever it is.
        None if extension.eq_ignore_ascii_case("cedar")
            && !name.starts_with("tests/")
            && !statement::is_below(name) =>
        {
            FileKind::Cedar
        }
        None => FileKind::Other,
    }
}

#[cfg(test)]
mod tests;
