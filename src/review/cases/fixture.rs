//! Fixtures: identities, networks, devices and parts of requests that cases refer to by name.
//!
//! Fixtures of a file with cases are its own; those of a file without cases are shared by all. A request names one in
//! the place of the object (`network: office`), or with members of its own laid on top
//! (`network: { use: office, country: DE }`). An identity, network or device that is named takes the place of what lies
//! under it, so that nothing of another one shines through; a named request is laid over the defaults like any other.
//!
//! Knows documents, not what a request means.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use super::super::matrix::{merged, weight};
use super::super::members::{Members, wrong_type};
use super::super::rules;
use crate::text::suggest::nearest;
use crate::text::{Diagnostic, Diagnostics, Entry, FileId, Node, Span, Value};

/// The fixtures of all test files.
#[derive(Debug, Default)]
pub(super) struct Fixtures<'n> {
    by_name: HashMap<(Scope, Kind), HashMap<&'n str, Fixture<'n>>>,
}

/// Who sees a fixture: the cases of one file, or all.
type Scope = Option<FileId>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Identity,
    Network,
    Device,
    Request,
}

#[derive(Debug)]
struct Fixture<'n> {
    node: &'n Node<'n>,
    name_span: Span,
    is_used: Cell<bool>,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Identity, Self::Network, Self::Device, Self::Request];

    /// The member of `fixtures`.
    const fn plural(self) -> &'static str {
        match self {
            Self::Identity => "identities",
            Self::Network => "networks",
            Self::Device => "devices",
            Self::Request => "requests",
        }
    }

    /// The member of a request that one stands for.
    fn of_member(key: &str) -> Option<Self> {
        match key {
            "identity" => Some(Self::Identity),
            "network" => Some(Self::Network),
            "device" => Some(Self::Device),
            _ => None,
        }
    }

    const fn singular(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Network => "network",
            Self::Device => "device",
            Self::Request => "request",
        }
    }
}

/// The member that names a fixture and leaves room for others.
const USE: &str = "use";

impl<'n> Fixtures<'n> {
    /// Reads `fixtures` of the documents, shared ones first. Whether each is a usable part of a request shows in the
    /// cases that use it.
    pub(super) fn read(documents: impl Iterator<Item = &'n Node<'n>>, diagnostics: &mut Diagnostics) -> Self {
        let mut fixtures = Self::default();
        let with_fixtures = documents.filter_map(|document| Some((document, document.member("fixtures")?)));
        let (own, shared): (Vec<_>, Vec<_>) =
            with_fixtures.partition(|(document, _)| document.member("cases").is_some());
        shared.into_iter().for_each(|(_, node)| fixtures.add_all(node, None, diagnostics));
        own.into_iter().for_each(|(_, node)| fixtures.add_all(node, Some(node.span.file), diagnostics));
        fixtures
    }

    fn add_all(&mut self, node: &'n Node<'n>, scope: Scope, diagnostics: &mut Diagnostics) {
        if node.value == Value::Null {
            return;
        }
        let Some(mut fields) = Members::new(node, "fixtures", diagnostics) else { return };
        for kind in Kind::ALL {
            let Some(named) = fields.member(kind.plural()) else { continue };
            let Some(entries) = named.as_map() else {
                diagnostics.push(wrong_type(named, &fields.path_of(kind.plural()), "an object of named objects"));
                continue;
            };
            for entry in entries {
                self.add(kind, entry, scope, diagnostics);
            }
        }
        fields.finish(diagnostics);
    }

    fn add(&mut self, kind: Kind, entry: &'n Entry<'n>, scope: Scope, diagnostics: &mut Diagnostics) {
        let (path, name) = (format!("fixtures.{}.{}", kind.plural(), entry.key), &*entry.key);
        if entry.node.as_map().is_none() {
            diagnostics.push(wrong_type(&entry.node, &path, "an object"));
            return;
        }
        if let Some(other) = self.named_so(None, kind, name) {
            let what = format!("a second {} is called `{name}`", kind.singular());
            let diagnostic = Diagnostic::new(&rules::CASE_FIXTURE, entry.key_span, what);
            diagnostics.push(diagnostic.help("name it otherwise").related(other.name_span, "the first one"));
            return;
        }
        let fixture = Fixture { node: &entry.node, name_span: entry.key_span, is_used: Cell::new(false) };
        self.by_name.entry((scope, kind)).or_default().insert(name, fixture);
    }

    /// `over`, a request or the name of one, laid on `under`.
    pub(super) fn lay(&self, under: Node<'n>, over: &Node<'n>, problems: &mut Vec<Diagnostic>) -> Node<'n> {
        let (fixture, rest) = self.named(Kind::Request, over, problems);
        let under = match fixture {
            Some(fixture) => self.lay_members(under, fixture, problems),
            None => under,
        };
        self.lay_members(under, &rest, problems)
    }

    /// `request` with every part that is still a name put in.
    pub(super) fn resolve(&self, request: Node<'n>, problems: &mut Vec<Diagnostic>) -> Node<'n> {
        let is_name = |entry: &Entry<'n>| Kind::of_member(&entry.key).is_some() && names_one(&entry.node);
        match request.as_map() {
            Some(entries) if entries.iter().any(is_name) => self.lay_members(empty(request.span), &request, problems),
            _ => request,
        }
    }

    /// What `request` takes, about, bytes, with all that it names.
    pub(super) fn weight(&self, request: &Node<'n>) -> usize {
        let parts = |request: &Node<'n>| -> usize {
            let named = request.as_map().unwrap_or_default().iter().filter_map(|entry| {
                let kind = Kind::of_member(&entry.key)?;
                self.find(kind, name_of(&entry.node)?)
            });
            named.map(|fixture| weight(fixture.node)).sum()
        };
        let whole = name_of(request).and_then(|name| self.find(Kind::Request, name));
        weight(request) + parts(request) + whole.map_or(0, |fixture| weight(fixture.node) + parts(fixture.node))
    }

    /// What a part of a request takes beyond itself, if it names a fixture. Which kind does not matter for a bound.
    pub(super) fn named_weight(&self, part: &Node<'n>) -> usize {
        let Some(name) = name_of(part) else { return 0 };
        Kind::ALL.iter().filter_map(|kind| self.find(*kind, name)).map(|fixture| weight(fixture.node)).sum()
    }

    /// Tells the fixtures that nothing uses.
    pub(super) fn tell_unused(&self, diagnostics: &mut Diagnostics) {
        let all =
            self.by_name.iter().flat_map(|((_, kind), named)| named.iter().map(move |(name, it)| (kind, name, it)));
        for (kind, name, fixture) in all.filter(|(.., fixture)| !fixture.is_used.get()) {
            let what = format!("no case uses the {} `{name}`", kind.singular());
            let diagnostic = Diagnostic::new(&rules::UNUSED_FIXTURE, fixture.name_span, what);
            diagnostics.push(diagnostic.help("use it, or take it out"));
        }
    }

    fn lay_members(&self, under: Node<'n>, over: &Node<'n>, problems: &mut Vec<Diagnostic>) -> Node<'n> {
        let Value::Map(entries) = &over.value else { return merged(&under, over) };
        let (mut under, mut own) = (under, Vec::with_capacity(entries.len()));
        for entry in entries {
            let Some(kind) = Kind::of_member(&entry.key).filter(|_| names_one(&entry.node)) else {
                own.push(entry.clone());
                continue;
            };
            let (fixture, rest) = self.named(kind, &entry.node, problems);
            let node = fixture.map_or_else(|| rest.clone(), |fixture| merged(fixture, &rest));
            own.push(Entry { node, ..entry.clone() });
            if let Value::Map(below) = &mut under.value {
                below.retain(|other| other.key != entry.key);
            }
        }
        merged(&under, &Node { span: over.span, value: Value::Map(own) })
    }

    /// The fixture that `node` names, and what `node` says itself.
    fn named(&self, kind: Kind, node: &Node<'n>, problems: &mut Vec<Diagnostic>) -> (Option<&'n Node<'n>>, Node<'n>) {
        let Some(name) = name_of(node) else { return (None, node.clone()) };
        let others = node.as_map().unwrap_or_default().iter().filter(|entry| entry.key != USE);
        let rest = Node { span: node.span, value: Value::Map(others.cloned().collect()) };
        match self.find(kind, name) {
            Some(fixture) => {
                fixture.is_used.set(true);
                (Some(fixture.node), rest)
            }
            None => {
                problems.push(self.unknown(kind, name));
                (None, rest)
            }
        }
    }

    fn find(&self, kind: Kind, name: &Node<'_>) -> Option<&Fixture<'n>> {
        let text = name.as_str()?;
        self.named_so(Some(name.span.file), kind, text).or_else(|| self.named_so(None, kind, text))
    }

    fn named_so(&self, scope: Scope, kind: Kind, name: &str) -> Option<&Fixture<'n>> {
        self.by_name.get(&(scope, kind))?.get(name)
    }

    fn unknown(&self, kind: Kind, name: &Node<'n>) -> Diagnostic {
        let Some(text) = name.as_str() else {
            return wrong_type(name, USE, "the name of a fixture");
        };
        let seen = [Some(name.span.file), None].into_iter().filter_map(|scope| self.by_name.get(&(scope, kind)));
        let known = seen.flat_map(|named| named.keys().copied());
        let what = format!("no fixture of `{}` is called `{text}`", kind.plural());
        Diagnostic::new(&rules::CASE_FIXTURE, name.span, what).help(match nearest(text, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!(
                    "write `fixtures: {{ {}: {{ {text}: ... }} }}` in this file, or in one without cases",
                    kind.plural()
                )
            }
        })
    }
}

/// Whether `node` names a fixture in the place of, or beside, members of its own.
fn names_one(node: &Node<'_>) -> bool {
    name_of(node).is_some()
}

fn name_of<'a, 'n>(node: &'a Node<'n>) -> Option<&'a Node<'n>> {
    if node.as_str().is_some() { Some(node) } else { node.member(USE) }
}

/// An object without members.
pub(super) fn empty<'n>(span: Span) -> Node<'n> {
    Node { span, value: Value::Map(Vec::new()) }
}

/// `request` with the member `time` in the place of its own.
pub(super) fn with_time<'n>(mut request: Node<'n>, time: &Node<'n>) -> Node<'n> {
    if let Value::Map(entries) = &mut request.value {
        entries.retain(|entry| entry.key != "time");
        entries.push(Entry { key: Cow::Borrowed("time"), key_span: time.span, node: time.clone() });
    }
    request
}
