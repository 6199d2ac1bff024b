//! What is wrong with text that is not YAML, where, and how to mend it.
//!
//! Where and what are granit-parser's word; frequent mistakes get plainer words and a way out. Start with
//! [`diagnostic`].

use granit_parser::{ErrorKind, ScanError};

use crate::limits;
use crate::text::diagnostic::Diagnostic;
use crate::text::rules;
use crate::text::source::{FileId, Span, offset};

/// What `error` says of `text`, the text of `file`.
pub(super) fn diagnostic(text: &str, file: FileId, error: &ScanError) -> Diagnostic {
    let span = place(text, file, error);
    let diagnostic = |what: &str| Diagnostic::new(&rules::YAML_SYNTAX, span, what);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(span);
    }
    match plain_words(error.kind()) {
        Some((what, help)) => diagnostic(what).help(help),
        None => match error.kind() {
            ErrorKind::UnexpectedCharacter { character } if is_forbidden(*character) => {
                diagnostic(&format!("the character U+{:04X}, which YAML does not take", u32::from(*character)))
                    .help("remove it, or write it as an escape in double quotes: `\"\\u001f\"`")
            }
            ErrorKind::UnexpectedCharacter { character } => {
                diagnostic(&format!("a value cannot begin with `{character}`")).help("put the value in quotes")
            }
            ErrorKind::UnclosedFlowCollection { open } => {
                diagnostic(&format!("nothing closes this `{open}`")).help("close it; text that begins so needs quotes")
            }
            ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
                diagnostic(&format!("`{close}` closes a `{open}`"))
                    .help("close brackets in the reverse order of opening")
            }
            kind => diagnostic(&fragment(&kind.to_string())),
        },
    }
}

/// Says that nesting exceeds [`limits::DOCUMENT_DEPTH_MAX`].
pub(super) fn too_deep(span: Span) -> Diagnostic {
    let what = format!("lists and objects nest deeper than {}", limits::DOCUMENT_DEPTH_MAX);
    Diagnostic::new(&rules::DOCUMENT_DEPTH, span, what)
}

/// What and help for the mistakes that are made often.
fn plain_words(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::MappingValueNotAllowed => (
            "a `:` where no key can be",
            "put text that holds `: ` in quotes; begin a new line for a new key, indented like its neighbours",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "a line without a `:` among keys",
            "write `key: value`, or indent the line if it goes on with the one above",
        ),
        ErrorKind::ExpectedBlockMappingKey => {
            ("no key where the object goes on", "indent the line like the keys above it, and write `key: value`")
        }
        ErrorKind::ExpectedBlockSequenceEntry => (
            "no `- ` where the list goes on",
            "begin the line with `- `, or indent it further if it belongs to the entry above",
        ),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("a tab where YAML takes only spaces", "indent with spaces"),
        ErrorKind::InvalidColonPlacement => {
            ("a `:` inside a list in brackets", "close the list with `]` above, or put text that holds `:` in quotes")
        }
        ErrorKind::InvalidQuotedScalarIndent => {
            ("text in quotes that goes on where a key would begin", "close the quote above, or indent the line")
        }
        ErrorKind::InvalidIndentation | ErrorKind::InvalidFlowScalarIndent => {
            ("the indentation fits no line above", "indent the line like its neighbours, with spaces")
        }
        ErrorKind::UnclosedQuotedScalar => ("nothing closes this quote", "close it with the same quote"),
        ErrorKind::UnknownAnchor => ("no anchor of this name stands above", "put text that begins with `*` in quotes"),
        ErrorKind::DirectiveDisallowed => {
            ("a directive", "remove the line; a file is read as YAML 1.2 whatever it says")
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("`\\` begins no escape that YAML has", "write a backslash as `\\\\`, or use single quotes")
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            ("text after the closing quote", "put the whole value in quotes, and quotes within it as the other kind")
        }
        ErrorKind::BlockSequenceEntryNotAllowed => {
            ("a `- ` where no list can begin", "begin the list on a line of its own")
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            ("a closing bracket that nothing opens", "remove it, or put the value in quotes")
        }
        ErrorKind::ExpectedFlowMappingSeparator => {
            ("expected `,` or `}`", "put a comma between members, and text in quotes")
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            ("expected `,` or `]`", "put a comma between values, and text in quotes")
        }
        ErrorKind::BomInsideDocument => {
            ("a byte order mark in the middle of the file", "remove it; it is allowed at the beginning of a file only")
        }
        _ => return None,
    })
}

/// Whether YAML takes `character` nowhere but as an escape (YAML 1.2.2, section 5.1).
fn is_forbidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// The parser's message without what it was doing, as a lowercase fragment.
fn fragment(message: &str) -> String {
    let message = match message.split_once(", ") {
        Some((doing, rest)) if doing.starts_with("while ") => rest,
        _ => message,
    };
    let mut fragment = message.trim_end_matches('.').replace('`', "'");
    if let Some(first) = fragment.get_mut(..1)
        && !message.starts_with("YAML")
    {
        first.make_ascii_lowercase();
    }
    fragment
}

/// The character that the error is about.
fn place(text: &str, file: FileId, error: &ScanError) -> Span {
    let at = error.marker().byte_offset().unwrap_or_default().min(text.len());
    let start = text.floor_char_boundary(at);
    // Past the last line there is nothing to show; the end of the last line says as much.
    let start = start.min(text.trim_end().len());
    let length = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    Span::new(file, offset(start), offset(start + length))
}
