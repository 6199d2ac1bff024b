//! Reading the members of an object strictly: each is asked for by name, and what nobody asked for is an error.
//!
//! Knows documents and diagnostics, not what a field means. A member that is null counts as missing.

use super::rules;
use crate::model::Id;
use crate::model::set::Word;
use crate::text::suggest::nearest;
use crate::text::{Diagnostic, Diagnostics, Entry, Mend, Node, Span, Value, mend};

/// An object being read.
#[derive(Debug)]
pub(super) struct Members<'n> {
    entries: &'n [Entry<'n>],
    span: Span,
    path: String,
    asked: Vec<&'static str>,
}

impl<'n> Members<'n> {
    /// Reads `node`, which diagnostics call `path`; tells and gives `None` if it is not an object.
    pub(super) fn new(node: &'n Node<'n>, path: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let entries = node.as_map();
        if entries.is_none() {
            diagnostics.push(wrong_type(node, path, "an object"));
        }
        Some(Self { entries: entries?, span: node.span, path: path.to_owned(), asked: Vec::new() })
    }

    /// The path of the member `key` from the root of the document.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The member `key`, unless it is missing or null.
    pub(super) fn member(&mut self, key: &'static str) -> Option<&'n Node<'n>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let node = self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)?;
        (node.value != Value::Null).then_some(node)
    }

    /// Text.
    pub(super) fn text(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<&'n str> {
        let node = self.member(key)?;
        text(node, &self.path_of(key), diagnostics)
    }

    /// Text that is not empty.
    pub(super) fn name(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<&'n str> {
        let node = self.member(key)?;
        name(node, &self.path_of(key), diagnostics)
    }

    /// A boolean.
    pub(super) fn boolean(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<bool> {
        let node = self.member(key)?;
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        diagnostics.push(wrong_type(node, &self.path_of(key), "a boolean"));
        None
    }

    /// A list of at most `max` elements; `None` when it is missing.
    pub(super) fn list(
        &mut self,
        key: &'static str,
        max: usize,
        diagnostics: &mut Diagnostics,
    ) -> Option<&'n [Node<'n>]> {
        let node = self.member(key)?;
        let Some(nodes) = node.as_list() else {
            diagnostics.push(wrong_type(node, &self.path_of(key), "a list"));
            return None;
        };
        if nodes.len() > max {
            let what = format!("`{}` has {} elements", self.path_of(key), nodes.len());
            diagnostics.push(Diagnostic::new(&rules::FIELD_LIMIT, node.span, what).help(format!("at most {max}")));
            return None;
        }
        Some(nodes)
    }

    /// A list of texts that are not empty; `None` when it is missing.
    pub(super) fn names(
        &mut self,
        key: &'static str,
        max: usize,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<&'n str>> {
        let nodes = self.list(key, max, diagnostics)?;
        let path = self.path_of(key);
        Some(nodes.iter().filter_map(|node| name(node, &path, diagnostics)).collect())
    }

    /// A word of a vocabulary, in any case, but none of `except`.
    pub(super) fn word<T: Word>(
        &mut self,
        key: &'static str,
        except: &[T],
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        let node = self.member(key)?;
        word(node, &self.path_of(key), except, diagnostics)
    }

    /// An object.
    pub(super) fn object(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let node = self.member(key)?;
        Self::new(node, &self.path_of(key), diagnostics)
    }

    /// Tells that `key` is missing.
    pub(super) fn missing(&self, key: &str, help: &str, diagnostics: &mut Diagnostics) {
        let what = format!("`{}` is missing", self.path_of(key));
        diagnostics.push(Diagnostic::new(&rules::MISSING_FIELD, self.span, what).help(help));
    }

    /// Ends the reading: a member nobody asked for is an error.
    pub(super) fn finish(self, diagnostics: &mut Diagnostics) {
        self.finish_but(|_| false, diagnostics);
    }

    /// Ends the reading of an object of OData: as [`Self::finish`], but annotations that nobody knows are passed over.
    pub(super) fn finish_odata(self, diagnostics: &mut Diagnostics) {
        self.finish_but(|key| key.contains('@'), diagnostics);
    }

    fn finish_but(self, is_passed_over: impl Fn(&str) -> bool, diagnostics: &mut Diagnostics) {
        let is_unknown = |entry: &&Entry<'_>| !self.asked.contains(&&*entry.key) && !is_passed_over(&entry.key);
        for entry in self.entries.iter().filter(is_unknown) {
            let what = format!("there is no field `{}`", self.path_of(&entry.key));
            let near = nearest(&entry.key, self.asked.iter().copied());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields here are {}", self.asked.join(", ")),
            };
            let is_free = |near: &&str| !self.entries.iter().any(|entry| entry.key == *near);
            let mend = near.filter(is_free).and_then(|near| Mend::spelling(&entry.key, near));
            diagnostics.push(Diagnostic::new(&rules::UNKNOWN_FIELD, entry.key_span, what).help(help).mend(mend));
        }
    }
}

/// The text of `node`.
pub(super) fn text<'n>(node: &'n Node<'n>, path: &str, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let text = node.as_str();
    if text.is_none() {
        let diagnostic = wrong_type(node, path, "text");
        diagnostics.push(match node.value {
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) => diagnostic.help("put it in quotes"),
            _ => diagnostic,
        });
    }
    text
}

/// The text of `node`, which must not be empty.
pub(super) fn name<'n>(node: &'n Node<'n>, path: &str, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let text = text(node, path, diagnostics)?;
    if Id::is_blank(text) {
        diagnostics.push(
            Diagnostic::new(&rules::FIELD_VALUE, node.span, format!("`{path}` is empty"))
                .help("write a text, or leave it out"),
        );
        return None;
    }
    Some(text)
}

/// The word that `node` spells, in any case, but none of `except`.
pub(super) fn word<T: Word>(node: &Node<'_>, path: &str, except: &[T], diagnostics: &mut Diagnostics) -> Option<T> {
    let text = text(node, path, diagnostics)?;
    let words = || T::ALL.iter().filter(|word| !except.contains(word));
    let found = words().find(|word| word.as_str().eq_ignore_ascii_case(text));
    if found.is_none() {
        diagnostics.push(unknown_value(node, path, text, || words().map(|word| word.as_str())));
    }
    found.copied()
}

/// A diagnostic for a value outside of `known`.
pub(super) fn unknown_value<'k, I: Iterator<Item = &'k str>>(
    node: &Node<'_>,
    path: &str,
    text: &str,
    known: impl Fn() -> I,
) -> Diagnostic {
    let near = nearest(text, known());
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the values are {}", known().collect::<Vec<_>>().join(", ")),
    };
    let mend = near.and_then(|near| Mend::spelling(text, near));
    Diagnostic::new(&rules::FIELD_VALUE, node.span, format!("`{text}` is no value of `{path}`")).help(help).mend(mend)
}

/// A diagnostic for a value of another type than `expected`.
pub(super) fn wrong_type(node: &Node<'_>, path: &str, expected: &str) -> Diagnostic {
    let name = if path.is_empty() { "the document".to_owned() } else { format!("`{path}`") };
    Diagnostic::new(&rules::FIELD_TYPE, node.span, format!("{name} is {}, not {expected}", node.kind()))
        .mend(mend::of_type(node, expected))
}
