//! JSON to the document tree: once with the place of every value, once fast and without.
//!
//! A large, clean export is read by [`parse_fast`]; only when it has a fault is it read again by [`parse`], which says
//! where. Both give the same tree but for spans. Must not know what a document means. Syntax is serde_json's; what is
//! added here: places, duplicate keys, and limits. Start with [`parse`].

mod fast;
mod syntax;

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

pub use self::fast::{Pack, parse_fast};
use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::{self, Entry, Node, Value};
use super::rules;
use super::source::{FileId, Span, offset};
use crate::limits;

/// The document that `text`, the text of `file`, states, with spans; keys in document order.
///
/// Errors: `None`, and at least one diagnostic of [`rules::JSON_SYNTAX`] (the first fault only), or of
/// [`rules::DUPLICATE_KEY`] and [`rules::NUMBER_RANGE`] (all of them), [`rules::DOCUMENT_DEPTH`] or
/// [`rules::DOCUMENT_SIZE`]. Whole numbers beyond 64 bits are floats. Cost: reads the text once for every level of
/// nesting, of which there are at most [`limits::DOCUMENT_DEPTH_MAX`]; text without escapes is borrowed.
pub fn parse<'a>(text: &'a str, file: FileId, diagnostics: &mut Diagnostics) -> Option<Node<'a>> {
    parse_within(limits::DOCUMENT_NODES_MAX, text, file, diagnostics)
}

fn parse_within<'a>(nodes_max: usize, text: &'a str, file: FileId, diagnostics: &mut Diagnostics) -> Option<Node<'a>> {
    let outline = match syntax::Outline::of(text) {
        Ok(outline) => outline,
        Err(start) => {
            let what = format!("lists and objects nest deeper than {}", limits::DOCUMENT_DEPTH_MAX);
            let span = Span::new(file, offset(start), offset(start + 1));
            diagnostics.push(Diagnostic::new(&rules::DOCUMENT_DEPTH, span, what));
            return None;
        }
    };
    // WHY: one pass over all of it first, so that below every value is known to be well-formed.
    let raw: &RawValue = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            diagnostics.push(syntax::diagnostic(text, file, &outline, &error));
            return None;
        }
    };
    let errors = diagnostics.errors();
    let mut reader = Reader { text, file, diagnostics, nodes_left: nodes_max, nodes_max };
    let node = reader.node(raw.get());
    if diagnostics.errors() > errors {
        return None;
    }
    if node.is_none() {
        diagnostics.push(Diagnostic::new(&rules::JSON_SYNTAX, Span::whole(file), "the file cannot be read as JSON"));
    }
    node
}

/// Builds the tree from slices of the text. A value's place is where its slice lies in the text.
struct Reader<'a, 'd> {
    text: &'a str,
    file: FileId,
    diagnostics: &'d mut Diagnostics,
    nodes_left: usize,
    nodes_max: usize,
}

impl<'a> Reader<'a, '_> {
    /// The value that `raw`, a slice of the text, states. `None` ends the reading; why is in the diagnostics.
    fn node(&mut self, raw: &'a str) -> Option<Node<'a>> {
        let span = self.span(raw);
        let Some(nodes_left) = self.nodes_left.checked_sub(1) else {
            let what = format!("the document has more than {} values", self.nodes_max);
            self.diagnostics.push(Diagnostic::new(&rules::DOCUMENT_SIZE, span, what).help("split the file"));
            return None;
        };
        self.nodes_left = nodes_left;
        let value = match raw.as_bytes().first() {
            Some(b'[') => serde_json::Deserializer::from_str(raw).deserialize_seq(Children(self)).ok()?,
            Some(b'{') => serde_json::Deserializer::from_str(raw).deserialize_map(Children(self)).ok()?,
            _ => match fast::scalar(raw) {
                Ok(value) => value,
                Err(error) => {
                    self.diagnostics.push(syntax::scalar_diagnostic(raw, span, &error));
                    Value::Null
                }
            },
        };
        Some(Node { span, value })
    }

    fn key(&mut self, raw: &'a str) -> Option<(Cow<'a, str>, Span)> {
        match self.node(raw)? {
            Node { span, value: Value::String(key) } => Some((key, span)),
            // An escape that is no character: told already, reading goes on.
            Node { span, .. } => Some((raw.into(), span)),
        }
    }

    fn span(&self, raw: &str) -> Span {
        let start = (raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Span::new(self.file, offset(start), offset(start + raw.len()))
    }
}

/// Visits the members of a list or an object.
struct Children<'r, 'a, 'd>(&'r mut Reader<'a, 'd>);

impl<'a> Visitor<'a> for Children<'_, 'a, '_> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Value<'a>, A::Error> {
        let mut nodes = Vec::new();
        while let Some(raw) = seq.next_element::<&'a RawValue>()? {
            nodes.push(self.0.node(raw.get()).ok_or_else(stopped)?);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Value<'a>, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<&'a RawValue, &'a RawValue>()? {
            let (key, key_span) = self.0.key(key.get()).ok_or_else(stopped)?;
            let node = self.0.node(value.get()).ok_or_else(stopped)?;
            entries.push(Entry { key, key_span, node });
        }
        document::report_repeated_keys(&entries, self.0.diagnostics);
        Ok(Value::Map(entries))
    }
}

/// Ends the reading; the reason is among the diagnostics already.
fn stopped<E: serde::de::Error>() -> E {
    E::custom("reading has ended")
}

#[cfg(test)]
mod tests;
