//! What is wrong with text that is not JSON, where, and how to mend it.
//!
//! Where is serde_json's word, made more exact; how to mend it is guessed from the text around. Start with
//! [`diagnostic`].

use serde_json::Error;

use crate::limits;
use crate::text::diagnostic::Diagnostic;
use crate::text::mend::Mend;
use crate::text::rules;
use crate::text::source::{FileId, Span, offset};

/// Longest word that is shown as the faulty one, characters.
const WORD_CHARS_MAX: usize = 40;

/// What the end of a text leaves open. Exact for JSON, a guess for anything else.
#[derive(Debug)]
pub(super) struct Outline {
    /// Where the innermost list or object begins that is not closed.
    bracket: Option<usize>,
    /// Where the text begins that is not closed.
    quote: Option<usize>,
}

impl Outline {
    /// Looks at brackets and quotes only. `Err` is where nesting exceeds [`limits::DOCUMENT_DEPTH_MAX`]; it comes
    /// before anything else is done with a text, so that depth costs nothing.
    pub(super) fn of(text: &str) -> Result<Self, usize> {
        let mut open = Vec::with_capacity(limits::DOCUMENT_DEPTH_MAX);
        let mut quote = None;
        let mut is_escaped = false;
        for (index, byte) in text.bytes().enumerate() {
            match (quote, byte) {
                (Some(_), _) if is_escaped => is_escaped = false,
                (Some(_), b'\\') => is_escaped = true,
                (Some(_), b'"') => quote = None,
                (None, b'"') => quote = Some(index),
                (None, b'[' | b'{') if open.len() == limits::DOCUMENT_DEPTH_MAX => return Err(index),
                (None, b'[' | b'{') => open.push(index),
                (None, b']' | b'}') => {
                    open.pop();
                }
                _ => {}
            }
        }
        Ok(Self { bracket: open.pop(), quote })
    }
}

/// What `error` says of `text`, the text of `file`.
pub(super) fn diagnostic(text: &str, file: FileId, outline: &Outline, error: &Error) -> Diagnostic {
    if error.is_eof() {
        return unfinished(text, file, outline);
    }
    let at = place(text, error);
    let message = message(error);
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    // A comma before a closing bracket is noticed at the bracket; the comma is what has to go.
    if let Some(rest) = before.trim_end().strip_suffix(',')
        && after.starts_with([']', '}'])
    {
        let comma = Span::new(file, offset(rest.len()), offset(rest.len() + 1));
        let bracket = after.get(..1).unwrap_or_default();
        return Diagnostic::new(&rules::JSON_SYNTAX, comma, format!("a comma before `{bracket}`"))
            .help("remove the comma; JSON has commas only between values")
            .mend(Mend::write(",", ""));
    }
    let word = word(after);
    let span = match message == "invalid escape" && before.ends_with('\\') {
        true => Span::new(file, offset(at - 1), offset(at + after.chars().next().map_or(0, char::len_utf8))),
        false => Span::new(file, offset(at), offset(at + word.len())),
    };
    let what = match message.as_str() {
        "trailing characters" => format!("`{word}` after the end of the value"),
        "key must be a string" => format!("expected a key in double quotes, found `{word}`"),
        "expected value" => format!("expected a value, found `{word}`"),
        "expected ident" => format!("expected `true`, `false` or `null`, found `{word}`"),
        expected if expected.starts_with("expected ") => format!("{expected}, found `{word}`"),
        other => in_text(other).map_or(other, |(what, _)| what).to_owned(),
    };
    let diagnostic = Diagnostic::new(&rules::JSON_SYNTAX, span, what);
    match in_text(&message).map(|(_, help)| help).or_else(|| mend(&message, before, after, word)) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// What `error` says of `raw`, a scalar at `span` that is well-formed and yet has no value.
pub(super) fn scalar_diagnostic(raw: &str, span: Span, error: &Error) -> Diagnostic {
    let message = message(error);
    if message == "number out of range" {
        let what = format!("`{}` is out of range", word(raw));
        return Diagnostic::new(&rules::NUMBER_RANGE, span, what);
    }
    match in_text(&message) {
        Some((what, help)) => Diagnostic::new(&rules::JSON_SYNTAX, span, what).help(help),
        None => Diagnostic::new(&rules::JSON_SYNTAX, span, message),
    }
}

fn unfinished(text: &str, file: FileId, outline: &Outline) -> Diagnostic {
    let end = offset(text.trim_end().len());
    let diagnostic = |what: &str| Diagnostic::new(&rules::JSON_SYNTAX, Span::new(file, end, end), what);
    if end == 0 {
        return diagnostic("the file is empty").help("write an object `{...}` or a list `[...]`, or remove the file");
    }
    let opened = |start: usize| Span::new(file, offset(start), offset(start + 1));
    match (outline.quote, outline.bracket) {
        (Some(start), _) => diagnostic("the file ends inside a text")
            .help("close it with `\"`")
            .related(opened(start), "it begins here"),
        (None, Some(start)) if text.as_bytes().get(start) == Some(&b'[') => {
            diagnostic("the file ends inside a list").help("close it with `]`").related(opened(start), "it begins here")
        }
        (None, Some(start)) => diagnostic("the file ends inside an object")
            .help("close it with `}`")
            .related(opened(start), "it begins here"),
        (None, None) => diagnostic("the file ends inside a value"),
    }
}

/// What is said of a fault inside a text, and how to mend it.
fn in_text(message: &str) -> Option<(&'static str, &'static str)> {
    Some(match message {
        "invalid escape" => ("`\\` begins no escape that JSON has", "write a backslash as `\\\\`"),
        "unexpected end of hex escape" | "lone leading surrogate in hex escape" | "invalid unicode code point" => {
            ("a `\\u` escape that is half a character", "write the character itself, or both halves")
        }
        _ if message.starts_with("control character") => (
            "a line break or control character inside a text",
            "close the text with `\"`, or write the character as an escape: `\\n`, `\\t`, `\\u001f`",
        ),
        "invalid number" => (
            "not a number as JSON writes them",
            "a number has no leading `+` or zero, and digits on both sides of its point; put anything else in double quotes",
        ),
        _ => return None,
    })
}

/// A guess at the author's mistake where `word`, the beginning of `after`, was not expected.
fn mend(message: &str, before: &str, after: &str, word: &str) -> Option<&'static str> {
    let first = after.chars().next()?;
    Some(match (first, word) {
        ('/' | '#', _) => "JSON has no comments: remove it, or write the file as YAML, where a comment begins with `#`",
        ('\'', _) => "put text in double quotes",
        ('\u{201c}' | '\u{201d}' | '\u{201e}', _) => "replace the typographic quotes by `\"`",
        ('\u{feff}', _) => "remove the byte order mark, which is allowed at the beginning of a file only",
        ('\u{a0}', _) => "replace the no-break space by a space",
        (_, "True" | "False" | "None" | "TRUE" | "FALSE" | "NULL" | "Null" | "nil") => {
            "write `true`, `false` or `null`"
        }
        (_, "NaN" | "Infinity" | "undefined") => "write a number, or `null`",
        ('.', "...") => "write out what the dots stand for, or remove them",
        (',', _) => "remove the comma",
        ('+' | '.', _) => {
            "a number has no leading `+` or zero, and digits on both sides of its point; put anything else in double quotes"
        }
        ('=', _) => "write `:` between key and value",
        ('"' | '[' | '{' | '0'..='9' | 't' | 'f' | 'n', _) if message.starts_with("expected `,`") => {
            "put a comma between the two"
        }
        ('[' | '{' | '"', _) if message == "trailing characters" => {
            "a file holds one value: put several into one list, `[..., ...]`"
        }
        (']' | '}', _) if message == "trailing characters" => "remove it; nothing is left to close",
        (']' | '}', _) if before.trim_end().ends_with(':') => "write a value after the `:`",
        (']' | '}', _) => "close brackets in the reverse order of opening them",
        _ if message == "key must be a string" => "put the key in double quotes",
        _ if message == "expected value" || message == "expected ident" => "put text in double quotes",
        _ => return None,
    })
}

/// What serde_json says, without the place it adds.
fn message(error: &Error) -> String {
    let said = error.to_string();
    said.split_once(" at line ").map_or(said.clone(), |(message, _)| message.to_owned())
}

/// The byte offset that `error` means, at the beginning of a character; the end of `text` at most.
///
/// WHY: serde_json counts columns in bytes, from 1 for the first.
fn place(text: &str, error: &Error) -> usize {
    let before_line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = (before_line + error.column().saturating_sub(1)).min(text.len());
    text.floor_char_boundary(offset)
}

/// The word that `text` begins with, or its first character.
fn word(text: &str) -> &str {
    let is_of_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '+');
    let end = text.char_indices().take(WORD_CHARS_MAX).find(|(_, character)| !is_of_word(*character));
    let end = match end {
        Some((0, first)) => first.len_utf8(),
        Some((end, _)) => end,
        None => text.char_indices().nth(WORD_CHARS_MAX).map_or(text.len(), |(end, _)| end),
    };
    text.get(..end).unwrap_or_default()
}
