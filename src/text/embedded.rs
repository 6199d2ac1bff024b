//! Text of another language inside of a file: what it says, and where each part of it was written.
//!
//! A scalar of a document and the text it stands for differ where quotes, escapes or indentation come between. Knows
//! the shapes of scalars and nothing of the language inside. Start with [`Embedded`].

use std::fmt;
use std::ops::Range;

use super::source::{Sources, Span, offset};

/// A text and where it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Embedded {
    /// What it says.
    pub text: Box<str>,
    /// All of what was written, quotes and block header included.
    pub span: Span,
    /// Where parts of the text begin in the file: from each offset of `text` on, up to the next, both run in parallel.
    /// Ascending. Empty: only the whole can be pointed at.
    stretches: Box<[(u32, u32)]>,
}

impl Embedded {
    /// A text that stands at `span` as it is, or of which only that is known.
    pub fn new(text: impl Into<Box<str>>, span: Span) -> Self {
        let text = text.into();
        let is_verbatim = (span.end.saturating_sub(span.start)) as usize == text.len();
        let stretches = if is_verbatim { Box::from([(0, span.start)]) } else { Box::default() };
        Self { text, span, stretches }
    }

    /// Finds out where each part of the text stands, where that can be told exactly: in a plain scalar or a quoted one
    /// on one line, with escapes or without, and in a literal block.
    pub fn locate(&mut self, sources: &Sources) {
        let span = self.span;
        let range = span.start as usize..span.end as usize;
        let Some(written) = sources.file(span.file).and_then(|file| file.text().get(range)) else { return };
        let places = match written.as_bytes().first() {
            Some(b'|') => literal_block(written, &self.text),
            Some(b'"') => quoted(written, &self.text, escape_in_double_quotes),
            Some(b'\'') => quoted(written, &self.text, escape_in_single_quotes),
            _ if *written == *self.text => Some(vec![(0, 0)]),
            // WHY: the span of a literal block may begin behind its header.
            _ => block_lines(written, 0, &self.text),
        };
        let absolute = |(inner, outer): (usize, usize)| (offset(inner), span.start.saturating_add(offset(outer)));
        self.stretches = places.unwrap_or_default().into_iter().map(absolute).collect();
    }

    /// Where a part of the text stands; all of it where that cannot be told.
    pub fn within(&self, range: Range<usize>) -> Span {
        let (Some(start), Some(end)) = (self.place(range.start), self.place(range.end.max(range.start))) else {
            return self.span;
        };
        Span::new(self.span.file, start, end.max(start))
    }

    fn place(&self, at: usize) -> Option<u32> {
        let at = offset(at);
        let index = self.stretches.partition_point(|(inner, _)| *inner <= at).checked_sub(1)?;
        let (inner, outer) = self.stretches.get(index)?;
        Some(outer.saturating_add(at - inner))
    }
}

/// What it says and where as a whole: the parts follow from both.
impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("text", &self.text).field("span", &self.span).finish()
    }
}

/// Offsets in the text, and in what was written, of places from which on both run in parallel.
type Places = Vec<(usize, usize)>;

/// How long the escape at the beginning of `written` is; `None`: there is none.
type Escape = fn(&str) -> Option<usize>;

fn escape_in_double_quotes(written: &str) -> Option<usize> {
    let is_surrogate = |hex: &str| hex.starts_with(['d', 'D']) && hex.get(1..2).is_some_and(|digit| digit >= "8");
    match written.as_bytes() {
        [b'\\', b'u', ..] if written.get(2..6).is_some_and(is_surrogate) => Some(12),
        [b'\\', b'u', ..] => Some(6),
        [b'\\', b'x', ..] => Some(4),
        [b'\\', b'U', ..] => Some(10),
        [b'\\', ..] => Some(2),
        _ => None,
    }
}

fn escape_in_single_quotes(written: &str) -> Option<usize> {
    written.starts_with("''").then_some(2)
}

/// A quoted scalar on one line: each character stands for itself, or an escape for it.
fn quoted(written: &str, text: &str, escape: Escape) -> Option<Places> {
    let inner = written.get(1..written.len().checked_sub(1)?)?;
    let (mut places, mut at) = (vec![(0, 1)], 0);
    for (index, character) in text.char_indices() {
        let rest = inner.get(at..)?;
        match escape(rest) {
            Some(length) => {
                at += length;
                places.push((index + character.len_utf8(), at + 1));
            }
            None if rest.starts_with(character) => at += character.len_utf8(),
            None => return None,
        }
    }
    (at == inner.len()).then_some(places)
}

/// A literal block: after the header each line of the text stands on a line of its own, indented.
fn literal_block(written: &str, text: &str) -> Option<Places> {
    let body = written.find('\n')? + 1;
    block_lines(written, body, text)
}

fn block_lines(written: &str, body: usize, text: &str) -> Option<Places> {
    let mut places = Places::new();
    let mut lines = written.get(body..)?.split_inclusive('\n');
    let (mut inner, mut outer) = (0, body);
    for line in text.split_inclusive('\n') {
        let source = lines.next()?;
        let content = source.trim_end_matches(['\r', '\n']);
        let wanted = line.trim_end_matches('\n');
        let indent = content.strip_suffix(wanted)?;
        if !indent.bytes().all(|byte| byte == b' ') {
            return None;
        }
        places.push((inner, outer + indent.len()));
        inner += line.len();
        outer += source.len();
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Diagnostics, SourceFile, Value, parse};

    /// Parses `document`, and holds each character of its text `when` against what stands at its place.
    fn check(name: &str, document: &str, is_exact: bool) {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new(name, document.to_owned()));
        let node = parse(&sources, file, &mut Diagnostics::default()).unwrap();
        let when = node.member("when").unwrap();
        let Value::String(text) = &when.value else { panic!("{document}: no text") };
        let mut embedded = Embedded::new(&**text, when.span);
        embedded.locate(&sources);
        assert_eq!(!embedded.stretches.is_empty(), is_exact, "{document:?} {when:?}");
        for (index, character) in text.char_indices().filter(|(_, character)| character.is_ascii_alphanumeric()) {
            let span = embedded.within(index..index + 1);
            let there = &document[span.start as usize..span.end as usize];
            assert!(there == character.to_string() || !is_exact, "{document:?}: {character} at {there:?}");
        }
    }

    #[test]
    fn every_character_of_a_scalar_on_one_line_is_found() {
        check("a.yaml", "when: risk == 3\n", true);
        check("a.yaml", "when: 'it''s == ''3'' && done'\n", true);
        check("a.yaml", "when: \"a == \\\"b\\\" && \\u0026 \\x26 e\"\n", true);
        check("a.json", "{\"x\": 1, \"when\": \"a == \\\"b\\\" \\ud83d\\ude00 c\\n d\"}", true);
    }

    #[test]
    fn every_character_of_a_literal_block_is_found() {
        check("a.yaml", "when: |\n  one &&\n    two\n\n  three\nx: 1\n", true);
        check("a.yaml", "when: |-\r\n  one &&\r\n  two\r\nx: 1\r\n", true);
        check("a.yaml", "a: b\nwhen: |2\n   one\n  two", true);
    }

    #[test]
    fn folded_text_is_pointed_at_as_a_whole() {
        check("a.yaml", "when: >\n  one &&\n  two\n", false);
        check("a.yaml", "when: \"one\n  two\"\n", false);
    }
}
