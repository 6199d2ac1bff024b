//! YAML to the document tree, with the place of every value.
//!
//! A composer over the events of granit-parser: the tree, the core schema, aliases and limits are here, the grammar is
//! not. What is taken is YAML 1.2 with its core schema, less what makes a policy say something else than it seems to:
//! one document to a file, no merge keys, no directives, no tags but those of the core schema, no keys but text, and no
//! number that begins with a needless zero (it stays text). So `no`, `off` and `NO` are text. Must not know what a
//! document means. Start with [`parse`].

mod comment;
mod schema;
mod syntax;

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

pub use self::comment::{Comment, comments};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::{self, Entry, Node, Value};
use super::mend::Mend;
use super::rules;
use super::source::{FileId, Span, offset};
use crate::limits;

/// The document that `text`, the text of `file`, states, with spans; keys in document order; [`Value::Null`] if there
/// is none. A value that an alias repeats stands where the alias stands, its parts where they are written.
///
/// Errors: `None`, and at least one diagnostic: of [`rules::YAML_SYNTAX`], [`rules::YAML_MANY_DOCUMENTS`],
/// [`rules::YAML_ALIAS`], [`rules::DOCUMENT_DEPTH`] or [`rules::DOCUMENT_SIZE`], after which reading stops, or any
/// number of [`rules::DUPLICATE_KEY`], [`rules::YAML_KEY`], [`rules::YAML_MERGE_KEY`], [`rules::YAML_TAG`] and
/// [`rules::NUMBER_RANGE`]. Cost: linear in the text, and in what aliases repeat.
pub fn parse<'a>(text: &'a str, file: FileId, diagnostics: &mut Diagnostics) -> Option<Node<'a>> {
    parse_within(limits::DOCUMENT_NODES_MAX, text, file, diagnostics)
}

fn parse_within<'a>(nodes_max: usize, text: &'a str, file: FileId, diagnostics: &mut Diagnostics) -> Option<Node<'a>> {
    let errors = diagnostics.errors();
    let mut composer = Composer::new(nodes_max, file, diagnostics);
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: limits::DOCUMENT_DEPTH_MAX,
        block_nesting_limit: limits::DOCUMENT_DEPTH_MAX,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => composer.event(event, &span),
            Err(error) => Err(syntax::diagnostic(text, file, &error)),
        };
        if let Err(diagnostic) = step {
            diagnostics.push(diagnostic);
            return None;
        }
    }
    let node = composer.root.unwrap_or(Node { span: Span::new(file, 0, 0), value: Value::Null });
    (diagnostics.errors() == errors).then_some(node)
}

/// Builds the tree from events. Not recursive: the lists and objects that are still open are in `open`.
struct Composer<'a, 'd> {
    file: FileId,
    diagnostics: &'d mut Diagnostics,
    documents: usize,
    nodes: usize,
    nodes_max: usize,
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    /// Values with an anchor, by its id; `None` if what anchors may hold was used up.
    anchored: HashMap<usize, Option<(Node<'a>, Cost)>>,
    /// What the values in `anchored` take.
    held: Cost,
    /// What aliases have added to the document.
    repeated: Cost,
}

/// A list or an object that is still open.
struct Open<'a> {
    content: Content<'a>,
    anchor: usize,
    cost: Cost,
    /// From its beginning to the end of its last part so far.
    span: Span,
}

enum Content<'a> {
    List(Vec<Node<'a>>),
    Map { entries: Vec<Entry<'a>>, key: Option<(Cow<'a, str>, Span)> },
}

/// What repeating a value costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    nodes: usize,
    bytes: usize,
}

type Step = Result<(), Diagnostic>;

impl<'a, 'd> Composer<'a, 'd> {
    fn new(nodes_max: usize, file: FileId, diagnostics: &'d mut Diagnostics) -> Self {
        Self {
            file,
            diagnostics,
            documents: 0,
            nodes: 0,
            nodes_max,
            open: Vec::new(),
            root: None,
            anchored: HashMap::new(),
            held: Cost::default(),
            repeated: Cost::default(),
        }
    }

    /// Takes one event. An error ends the reading.
    fn event(&mut self, event: Event<'a>, at: &granit_parser::Span) -> Step {
        let span = self.span(at);
        match event {
            Event::DocumentStart(..) => self.document(span),
            Event::Scalar(text, style, anchor, tag) => {
                self.count(span)?;
                let tag = tag.as_deref().map(|tag| (tag, self.tag_span(at)));
                if self.is_key_next() {
                    return self.key(text, style, anchor, tag, span);
                }
                let cost = Cost { nodes: 1, bytes: text.len() };
                let value = schema::value(text, style, tag, span).unwrap_or_else(|diagnostic| {
                    self.diagnostics.push(diagnostic);
                    Value::Null
                });
                self.complete(Node { span, value }, anchor, cost);
                Ok(())
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", at);
                self.open(Content::List(Vec::new()), anchor, span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", at);
                self.open(Content::Map { entries: Vec::new(), key: None }, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Ok(())
            }
            Event::Alias(id) => self.alias(id, span),
            _ => Ok(()),
        }
    }

    fn document(&mut self, span: Span) -> Step {
        self.documents += 1;
        if self.documents > 1 {
            return Err(Diagnostic::new(&rules::YAML_MANY_DOCUMENTS, span, "a second document begins here")
                .help("give each document a file of its own, or make them one list"));
        }
        Ok(())
    }

    fn open(&mut self, content: Content<'a>, anchor: usize, span: Span) -> Step {
        self.count(span)?;
        if self.is_key_next() {
            return Err(Diagnostic::new(&rules::YAML_KEY, span, "a key that is a list or an object"));
        }
        if self.open.len() == limits::DOCUMENT_DEPTH_MAX {
            return Err(syntax::too_deep(span));
        }
        self.open.push(Open { content, anchor, cost: Cost { nodes: 1, bytes: 0 }, span });
        Ok(())
    }

    fn close(&mut self, end: Span) {
        let Some(Open { content, anchor, cost, mut span }) = self.open.pop() else { return };
        // A block ends where its last part ends, a flow collection with a bracket.
        if end.end > end.start {
            span.end = span.end.max(end.end);
        }
        let value = match content {
            Content::List(nodes) => Value::List(nodes),
            Content::Map { entries, .. } => {
                document::report_repeated_keys(&entries, self.diagnostics);
                Value::Map(entries)
            }
        };
        self.complete(Node { span, value }, anchor, cost);
    }

    /// Puts a value where it belongs.
    fn complete(&mut self, node: Node<'a>, anchor: usize, cost: Cost) {
        if anchor != 0 {
            let kept = self.held.add_within_limits(cost).then(|| (node.clone(), cost));
            self.anchored.insert(anchor, kept);
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        parent.span.end = parent.span.end.max(node.span.end);
        parent.cost.nodes += cost.nodes;
        parent.cost.bytes += cost.bytes;
        match &mut parent.content {
            Content::List(nodes) => nodes.push(node),
            Content::Map { entries, key } => {
                if let Some((key, key_span)) = key.take() {
                    entries.push(Entry { key, key_span, node });
                }
            }
        }
    }

    fn alias(&mut self, id: usize, span: Span) -> Step {
        let refuse = |what: &str| Diagnostic::new(&rules::YAML_ALIAS, span, what);
        if self.is_key_next() {
            return Err(Diagnostic::new(&rules::YAML_KEY, span, "an alias as a key").help("write the key out"));
        }
        let Some(anchored) = self.anchored.get(&id) else {
            return Err(refuse("an alias inside the value that it repeats"));
        };
        let (node, cost) = match anchored {
            Some((node, cost)) if self.repeated.add_within_limits(*cost) => (node.clone(), *cost),
            _ => return Err(refuse("aliases repeat too much").help("write less with aliases, or split the file")),
        };
        // WHY: repeating a deep value deep inside the document could exceed what later readers are promised.
        if self.open.len() + depth(&node) > limits::DOCUMENT_DEPTH_MAX {
            return Err(syntax::too_deep(span));
        }
        self.nodes += cost.nodes - 1;
        self.count(span)?;
        self.complete(Node { span, ..node }, 0, cost);
        Ok(())
    }

    fn key(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<(&Tag, Span)>,
        span: Span,
    ) -> Step {
        if style == ScalarStyle::Plain && text == "<<" {
            self.diagnostics.push(
                Diagnostic::new(&rules::YAML_MERGE_KEY, span, "a merge key")
                    .help("write the members out, or repeat a whole value with an alias"),
            );
        }
        let words = text.clone();
        match schema::value(text, style, tag, span) {
            Ok(Value::String(_)) => {}
            Ok(_) => {
                self.diagnostics.push(match span.end > span.start {
                    true => Diagnostic::new(&rules::YAML_KEY, span, format!("the key `{words}` is not text"))
                        .help("put the key in quotes")
                        .mend(Mend::Quote),
                    false => Diagnostic::new(&rules::YAML_KEY, span, "a value without a key")
                        .help("write a key before the `:`"),
                });
            }
            Err(diagnostic) => self.diagnostics.push(diagnostic),
        }
        if anchor != 0 {
            let node = Node { span, value: Value::String(words.clone()) };
            let cost = Cost { nodes: 1, bytes: words.len() };
            let kept = self.held.add_within_limits(cost).then_some((node, cost));
            self.anchored.insert(anchor, kept);
        }
        if let Some(Open { content: Content::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Some((words, span));
        }
        Ok(())
    }

    fn is_key_next(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn count(&mut self, span: Span) -> Step {
        self.nodes += 1;
        if self.nodes > self.nodes_max {
            let what = format!("the document has more than {} values", self.nodes_max);
            return Err(Diagnostic::new(&rules::DOCUMENT_SIZE, span, what).help("split the file"));
        }
        Ok(())
    }

    fn check_tag(&mut self, tag: Option<&Tag>, allowed: &str, at: &granit_parser::Span) {
        if let Some(tag) = tag
            && tag.core_suffix() != Some(allowed)
        {
            self.diagnostics.push(schema::wrong_tag(tag, self.tag_span(at)));
        }
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or_default();
        Span::new(self.file, offset(range.start), offset(range.end))
    }

    fn tag_span(&self, span: &granit_parser::Span) -> Span {
        self.span(&span.tag_span().unwrap_or(*span))
    }
}

impl Cost {
    /// Adds `cost`, unless the sum exceeds what aliases may cost.
    fn add_within_limits(&mut self, cost: Self) -> bool {
        let sum = Self { nodes: self.nodes + cost.nodes, bytes: self.bytes + cost.bytes };
        let is_within = sum.nodes <= limits::ALIAS_NODES_MAX && sum.bytes <= limits::ALIAS_BYTES_MAX;
        if is_within {
            *self = sum;
        }
        is_within
    }
}

/// How deep lists and objects nest in `node`. It is not deeper than [`limits::DOCUMENT_DEPTH_MAX`] itself.
fn depth(node: &Node<'_>) -> usize {
    match &node.value {
        Value::List(nodes) => 1 + nodes.iter().map(depth).max().unwrap_or_default(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.node)).max().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
