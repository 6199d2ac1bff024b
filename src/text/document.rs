//! The document tree: what YAML and JSON have in common, with spans.
//!
//! Both readers ([`super::json`], [`super::yaml`]) produce it; nothing above this module knows which one did.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::rules;
use super::source::Span;

/// A value of a document and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    /// Where the value stands; [`Span::NONE`] when it was read the fast way.
    pub span: Span,
    /// The value.
    pub value: Value<'a>,
}

/// What a document can hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`, or nothing after a key.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(Cow<'a, str>),
    /// A list, in document order.
    List(Vec<Node<'a>>),
    /// An object, in document order; keys are unique (the readers refuse duplicates).
    Map(Vec<Entry<'a>>),
    /// A part that the fast reading took out of the tree; the index is the taker's. Never made by the spanned readers.
    Packed(usize),
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub node: Node<'a>,
}

impl<'a> Node<'a> {
    /// A node without a place.
    pub const fn unplaced(value: Value<'a>) -> Self {
        Self { span: Span::NONE, value }
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The members, if this is an object.
    pub fn as_map(&self) -> Option<&[Entry<'a>]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// The member called `key`, if this is an object that has one. Cost: linear in the members.
    pub fn member(&self, key: &str) -> Option<&Self> {
        self.as_map()?.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Puts `value` at `path`, keys with dots between. Objects that are missing on the way, or null, are made; what is
    /// made stands at `span`.
    ///
    /// Errors: where something stands on the way that is no object, and its kind; nothing is changed then.
    pub fn put(&mut self, path: &'a str, value: Self, span: Span) -> Result<(), (Span, &'static str)> {
        let mut place = self;
        for key in path.split('.') {
            if place.value == Value::Null {
                place.value = Value::Map(Vec::new());
            }
            let (at, kind) = (place.span, place.kind());
            let Value::Map(entries) = &mut place.value else { return Err((at, kind)) };
            let found = entries.iter().position(|entry| entry.key == key);
            if found.is_none() {
                let node = Node { span, value: Value::Null };
                entries.push(Entry { key: Cow::Borrowed(key), key_span: span, node });
            }
            let index = found.unwrap_or(entries.len() - 1);
            // INVARIANT: the entry was found or has just been pushed.
            let Some(entry) = entries.get_mut(index) else { return Ok(()) };
            place = &mut entry.node;
        }
        *place = value;
        Ok(())
    }

    /// Whether both say the same, wherever it is written: the same values, and the same members in the same order.
    pub fn says_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::List(mine), Value::List(theirs)) => {
                mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(mine, theirs)| mine.says_same(theirs))
            }
            (Value::Map(mine), Value::Map(theirs)) => {
                let is_same = |(mine, theirs): (&Entry<'_>, &Entry<'_>)| {
                    mine.key == theirs.key && mine.node.says_same(&theirs.node)
                };
                mine.len() == theirs.len() && mine.iter().zip(theirs).all(is_same)
            }
            (mine, theirs) => mine == theirs,
        }
    }

    /// What this is, in the words of a diagnostic: `a list`, `an object`, ...
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::String(_) => "text",
            Value::List(_) | Value::Packed(_) => "a list",
            Value::Map(_) => "an object",
        }
    }
}

/// Up to so many members, comparing every two is faster than hashing each.
const FEW_ENTRIES: usize = 16;

/// Whether two members of an object have the same key. Cost: linear.
pub(super) fn has_repeated_keys(entries: &[Entry<'_>]) -> bool {
    if entries.len() > FEW_ENTRIES {
        let mut keys = HashSet::with_capacity(entries.len());
        return !entries.iter().all(|entry| keys.insert(&*entry.key));
    }
    let mut rest = entries.iter();
    while let Some(entry) = rest.next() {
        if rest.as_slice().iter().any(|later| later.key == entry.key) {
            return true;
        }
    }
    false
}

/// Reports every member whose key an earlier one of the object has. Cost: linear.
pub(super) fn report_repeated_keys(entries: &[Entry<'_>], diagnostics: &mut Diagnostics) {
    if !has_repeated_keys(entries) {
        return;
    }
    let mut first = HashMap::with_capacity(entries.len());
    for entry in entries {
        let first_span = *first.entry(&*entry.key).or_insert(entry.key_span);
        if first_span != entry.key_span {
            diagnostics.push(
                Diagnostic::new(&rules::DUPLICATE_KEY, entry.key_span, format!("the key `{}` stands twice", entry.key))
                    .help("keep one of the two")
                    .related(first_span, "the first one"),
            );
        }
    }
}
