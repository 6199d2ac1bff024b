//! Reading the members of an object: every member is either asked for, kept, or warned about.
//!
//! Knows documents and diagnostics, not what the properties mean. A member that is null counts as missing.

use std::fmt;
use std::sync::Arc;

use super::super::rules;
use super::placeholder::Placeholders;
use super::target::misspelt_id;
use crate::limits;
use crate::model::attribute::is_annotation;
use crate::model::location::Kept;
use crate::model::set::Word;
use crate::model::{IdFlaw, IdRef, Set};
use crate::text::{Diagnostic, Diagnostics, Entry, Mend, Node, Rule, Severity, Span, Spanned, Value, mend, suggest};

/// Where reading reports to, and what it keeps.
#[derive(Debug, Default)]
pub struct Context {
    /// Problems so far, of those that are reported at most [`limits::DIAGNOSTICS_MAX`].
    pub diagnostics: Vec<Diagnostic>,
    /// The first of each kind of the others, and how many of that kind there are.
    further: Vec<(Diagnostic, usize)>,
    /// Properties that decide nothing.
    pub kept: Vec<Kept>,
    /// What placeholders stand for; `None`: the bundle says nothing of any.
    pub placeholders: Option<Arc<Placeholders>>,
}

impl Context {
    /// Nothing reported yet.
    pub fn new(placeholders: Option<Arc<Placeholders>>) -> Self {
        Self { placeholders, ..Self::default() }
    }

    /// Reports a problem. WHY not all of them are kept: one object may have millions.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < limits::DIAGNOSTICS_MAX {
            return self.diagnostics.push(diagnostic);
        }
        match self.further.iter_mut().find(|(first, _)| first.rule.id == diagnostic.rule.id) {
            Some((_, times)) => *times += 1,
            None => self.further.push((diagnostic, 1)),
        }
    }

    /// Whether there is a problem that refuses the object.
    pub fn has_error(&self) -> bool {
        let further = self.further.iter().map(|(first, _)| first);
        self.diagnostics.iter().chain(further).any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Hands the problems over, as warnings if the object takes no part in decisions.
    pub fn flush(&mut self, takes_part: bool, diagnostics: &mut Diagnostics) {
        let all = self.diagnostics.drain(..).map(|diagnostic| (diagnostic, 1)).chain(self.further.drain(..));
        for (diagnostic, times) in all {
            diagnostics.push_first(if takes_part { diagnostic } else { diagnostic.as_warning() }, times);
        }
    }
}

/// The properties that lead from a document to a value; put together as text only for a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path {
    parts: [&'static str; 4],
}

impl Path {
    /// The path of the member `key` of the value at this path.
    #[must_use]
    pub fn join(mut self, key: &'static str) -> Self {
        if let Some(part) = self.parts.iter_mut().find(|part| part.is_empty()) {
            *part = key;
        }
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().filter(|part| !part.is_empty()).enumerate() {
            let dot = if index > 0 { "." } else { "" };
            write!(f, "{dot}{part}")?;
        }
        Ok(())
    }
}

/// An object being read.
#[derive(Debug)]
pub struct Object<'n, 'a> {
    entries: &'n [Entry<'a>],
    span: Span,
    path: Path,
    asked: Vec<&'static str>,
}

impl<'n, 'a> Object<'n, 'a> {
    /// Reads `node` as an object that messages call `path`; reports and gives `None` if it is something else.
    pub fn new(node: &'n Node<'a>, path: Path, context: &mut Context) -> Option<Self> {
        match node.as_map() {
            Some(entries) => Some(Self { entries, span: node.span, path, asked: Vec::with_capacity(16) }),
            None => {
                context.report(wrong_type(node, path, "an object"));
                None
            }
        }
    }

    /// Where the object stands.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether nothing is said in it: Graph makes no difference between missing, null and empty.
    pub fn is_empty(&self) -> bool {
        self.entries.iter().all(is_empty_entry)
    }

    /// The path of a member whose name is the author's.
    fn path_of(&self, key: &str) -> String {
        let path = self.path.to_string();
        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
    }

    /// The member `key`, unless it is missing or null.
    pub fn member(&mut self, key: &'static str) -> Option<&'n Node<'a>> {
        self.asked.push(key);
        let node = self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)?;
        (node.value != Value::Null).then_some(node)
    }

    /// Keeps the member `key`, whatever it is, because it decides nothing.
    pub fn keep(&mut self, key: &'static str, context: &mut Context) {
        self.asked.push(key);
        if let Some(entry) = self.entries.iter().find(|entry| entry.key == key) {
            self.keep_entry(entry, context);
        }
    }

    fn keep_entry(&self, entry: &Entry<'a>, context: &mut Context) {
        let json = to_json(&entry.node).to_string();
        context.kept.push(Kept { path: self.path_of(&entry.key).into(), json: json.into(), span: entry.key_span });
    }

    /// Refuses the member `key` unless it is missing, null or empty: it cannot be evaluated. It is kept all the same,
    /// for a policy that takes no part and is written out again.
    pub fn refuse(&mut self, key: &'static str, help: &str, context: &mut Context) {
        if let Some(node) = self.member(key)
            && !is_empty(node)
        {
            self.keep(key, context);
            let what = format!("`{}` cannot be evaluated", self.path_of(key));
            context.report(Diagnostic::new(&rules::UNSUPPORTED, node.span, what).help(help));
        }
    }

    /// Text.
    pub fn text(&mut self, key: &'static str, context: &mut Context) -> Option<Spanned<&'n str>> {
        let node = self.member(key)?;
        let text = node.as_str();
        if text.is_none() {
            context.report(wrong_type(node, self.path.join(key), "text"));
        }
        text.map(|text| Spanned::new(text, node.span))
    }

    /// The text of an id.
    pub fn id(&mut self, key: &'static str, context: &mut Context) -> Option<Spanned<&'n str>> {
        let text = self.text(key, context)?;
        match IdRef::read(text.value) {
            Ok(_) => return Some(text),
            Err(IdFlaw::Blank) => {
                let what = format!("`{}` is empty", self.path_of(key));
                let help = "write the id, or take the property out";
                context.report(Diagnostic::new(&rules::MISSING_PROPERTY, text.span, what).help(help));
            }
            Err(flaw) => context.report(misspelt_id(text, flaw)),
        }
        None
    }

    /// A boolean.
    pub fn boolean(&mut self, key: &'static str, context: &mut Context) -> Option<bool> {
        let node = self.member(key)?;
        match node.value {
            Value::Bool(value) => Some(value),
            _ => {
                context.report(wrong_type(node, self.path.join(key), "a boolean"));
                None
            }
        }
    }

    /// A list of text; missing is empty.
    pub fn texts(&mut self, key: &'static str, context: &mut Context) -> Vec<Spanned<&'n str>> {
        self.list(key, context)
            .iter()
            .filter_map(|node| {
                let text = node.as_str();
                if text.is_none() {
                    context.report(wrong_type(node, self.path.join(key), "a list of text"));
                }
                text.map(|text| Spanned::new(text, node.span))
            })
            .collect()
    }

    /// As [`Object::texts`], of a list that has no more than `most` entries; of a longer one the first.
    pub fn texts_up_to(&mut self, most: usize, key: &'static str, context: &mut Context) -> Vec<Spanned<&'n str>> {
        if let Some(node) = self.member(key) {
            has_room(node, most, key, context);
        }
        let mut texts = self.texts(key, context);
        texts.truncate(most);
        texts
    }

    /// A list; missing is empty.
    pub fn list(&mut self, key: &'static str, context: &mut Context) -> &'n [Node<'a>] {
        let Some(node) = self.member(key) else { return &[] };
        node.as_list().unwrap_or_else(|| {
            context.report(wrong_type(node, self.path.join(key), "a list"));
            &[]
        })
    }

    /// An object; an empty list counts as missing, because scripts write it in the place of an empty object.
    pub fn object(&mut self, key: &'static str, context: &mut Context) -> Option<Object<'n, 'a>> {
        let node = self.member(key).filter(|node| node.as_list().is_none_or(|nodes| !nodes.is_empty()))?;
        Object::new(node, self.path.join(key), context)
    }

    /// One word of a vocabulary, in any case.
    pub fn word<T: Word>(&mut self, key: &'static str, context: &mut Context) -> Option<T> {
        let text = self.text(key, context)?;
        parse_word(text, self.path.join(key), context)
    }

    /// A list of words.
    pub fn words<T: Word>(&mut self, key: &'static str, context: &mut Context) -> Set<T> {
        let path = self.path.join(key);
        self.texts(key, context).into_iter().filter_map(|text| parse_word(text, path, context)).collect()
    }

    /// One text of words of `all` separated by commas, as Graph writes flags; missing or empty is none.
    pub fn flags<T: Word>(&mut self, key: &'static str, all: &[T], context: &mut Context) -> Set<T> {
        let path = self.path.join(key);
        let Some(text) = self.text(key, context).filter(|text| !text.value.trim().is_empty()) else {
            return Set::EMPTY;
        };
        // WHY an empty word is none: `,` would name nothing, and a condition that names nothing is not configured.
        let words = text.value.split(',').map(|word| Spanned::new(word.trim(), text.span));
        words.filter_map(|word| parse_word_of(all, word, path, context)).collect()
    }

    /// Ends the reading: members nobody asked for are kept, and reported as `rule` with a near miss. OData
    /// annotations are kept without a word.
    pub fn finish(self, rule: &'static Rule, context: &mut Context) {
        let mut unread = self.entries.iter().filter(|entry| !self.asked.contains(&&*entry.key));
        for entry in unread.by_ref().take(limits::UNREAD_MEMBERS_MAX) {
            self.keep_entry(entry, context);
            if !is_annotation(&entry.key) && !entry.key.starts_with("@microsoft.graph.") {
                let what = format!("nothing here is called `{}`", self.path_of(&entry.key));
                let mut diagnostic = Diagnostic::new(rule, entry.key_span, what);
                if let Some(near) = suggest::nearest(&entry.key, self.asked.iter().copied()) {
                    let is_free =
                        rule.severity == Severity::Error && !self.entries.iter().any(|entry| entry.key == near);
                    let mend = Mend::spelling(&entry.key, near).filter(|_| is_free);
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?")).mend(mend);
                }
                context.report(diagnostic);
            }
        }
        if let Some(entry) = unread.next() {
            let what =
                format!("more than {} members of one object that nothing here reads", limits::UNREAD_MEMBERS_MAX);
            context.report(Diagnostic::new(&rules::TOO_MANY, entry.key_span, what));
        }
    }
}

/// The word that `text` spells; reports an unknown one with the nearest word.
pub fn parse_word<T: Word>(text: Spanned<&str>, path: Path, context: &mut Context) -> Option<T> {
    parse_word_of(T::ALL, text, path, context)
}

/// The word of `all` that `text` spells; reports any other with the nearest word.
fn parse_word_of<T: Word>(all: &[T], text: Spanned<&str>, path: Path, context: &mut Context) -> Option<T> {
    let word = T::parse(text.value).filter(|word| all.contains(word));
    if word.is_none() {
        let what = format!("`{}` is no value of `{path}`", text.value);
        let all = || all.iter().map(|word| word.as_str());
        let near = suggest::nearest(text.value, all());
        let help = match (text.value.eq_ignore_ascii_case("unknownFutureValue"), near) {
            (true, _) => "export again with the header `Prefer: include-unknown-enum-members`".to_owned(),
            (false, Some(near)) => format!("did you mean `{near}`?"),
            (false, None) => format!("it is one of {}", all().collect::<Vec<_>>().join(", ")),
        };
        let mend = near.and_then(|near| Mend::spelling(text.value, near));
        context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help(help).mend(mend));
    }
    word
}

/// Reports a list of more than `most` entries.
pub fn has_room(node: &Node<'_>, most: usize, name: &str, context: &mut Context) {
    if node.as_list().is_some_and(|entries| entries.len() > most) {
        context.report(Diagnostic::new(&rules::TOO_MANY, node.span, format!("`{name}` has more than {most} entries")));
    }
}

/// A diagnostic for a value of the wrong kind.
pub fn wrong_type(node: &Node<'_>, path: impl fmt::Display, expected: &str) -> Diagnostic {
    let path = path.to_string();
    let name = if path.is_empty() { "the document" } else { &path };
    let diagnostic =
        Diagnostic::new(&rules::WRONG_TYPE, node.span, format!("`{name}` is {}, not {expected}", node.kind()));
    let mend = mend::of_type(node, expected);
    match &node.value {
        Value::String(text) if expected.starts_with("a list") => {
            diagnostic.help(format!("write `[{text}]`")).mend(mend)
        }
        _ => diagnostic.mend(mend),
    }
}

/// Null, an empty list or object, or an object of such.
fn is_empty(node: &Node<'_>) -> bool {
    match &node.value {
        Value::Null => true,
        Value::List(nodes) => nodes.is_empty(),
        Value::Map(entries) => entries.iter().all(is_empty_entry),
        _ => false,
    }
}

fn is_empty_entry(entry: &Entry<'_>) -> bool {
    is_annotation(&entry.key) || is_empty(&entry.node)
}

/// The same value as JSON.
pub fn to_json(node: &Node<'_>) -> serde_json::Value {
    match &node.value {
        Value::Null | Value::Packed(_) => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.as_ref().into(),
        Value::List(nodes) => nodes.iter().map(to_json).collect(),
        Value::Map(entries) => entries.iter().map(|entry| (entry.key.to_string(), to_json(&entry.node))).collect(),
    }
}
