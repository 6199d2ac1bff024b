//! Documents to the model: takes each apart, and hands every object to the reader of its kind.
//!
//! Knows which documents a bundle may hold; what an object is, `shape` says. Reading stops where a bound is crossed. Start
//! with [`Reader::fast_file`] and [`Reader::document`].

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::super::bound::{self, Kind};
use super::super::rules;
use super::fast::PackedRanges;
use super::names::Names;
use super::object::{Context, Object, Path, wrong_type};
use super::part::Part;
use super::placeholder::Placeholders;
use super::shape::{self, ObjectKind};
use super::{cedar, entity, location, policy, principal, strength};
use crate::model::bundle::BundleSettings;
use crate::model::policy::Policy;
use crate::text::json::Pack;
use crate::text::{self, Diagnostic, FileId, Node, Sources, Span, Value};

/// Reads documents.
pub struct Reader<'s> {
    pub(super) sources: &'s Sources,
    pub(super) settings: &'s BundleSettings,
    pub(super) placeholders: Option<Arc<Placeholders>>,
    pub(super) names: Names,
    /// What was read.
    pub(super) read: Part,
    /// Whether what is read are statements.
    pub(super) is_in_statements: bool,
}

impl Reader<'_> {
    /// The text of a file of which the sources have only the name.
    fn decode<'f>(&mut self, file: &'f text::RawFile) -> Option<Cow<'f, str>> {
        let text = text::decode::decode(&file.bytes);
        if text.is_err() {
            // WHY: this reading tells no places, only that there is something to tell.
            text::decode::read(file, &mut Sources::default(), &mut self.read.diagnostics);
        }
        text.ok()
    }

    /// Reads a file of policies in Cedar.
    pub fn cedar(&mut self, file: FileId) {
        let mut context = Context::default();
        let statements = cedar::statements(self.sources, file, &mut context);
        context.flush(true, &mut self.read.diagnostics);
        for statement in statements {
            let span = statement.span;
            // WHY first: to parse a statement takes longer than to read all else of it.
            self.read.count(Kind::CedarBytes, statement.text.len(), span);
            if self.read.is_full() {
                return;
            }
            let mut context = Context::default();
            let policy = cedar::policy(statement, &mut context);
            self.policy(policy, context, span);
        }
    }

    /// Reads a JSON file in one pass, each of its objects as soon as it is complete; with spans if it has to be.
    pub fn fast_file(&mut self, id: FileId, file: &text::RawFile) {
        let Some(text) = self.decode(file) else { return };
        let part = self.read.begin();
        let spent = self.placeholders.as_ref().map(|placeholders| placeholders.spent());
        let whole = std::mem::replace(&mut self.read, part);
        self.names.begin();
        let mut pack = Packing { reader: self, ranges: PackedRanges::default() };
        let node = text::json::parse_fast(&text, &mut pack);
        let mut ranges = pack.ranges;
        let part = std::mem::replace(&mut self.read, whole);
        self.names.end(node.is_some());
        if let Some(node) = node {
            self.read.append(part);
            return self.document(&node, &mut ranges);
        }
        drop(part);
        if let (Some(placeholders), Some(spent)) = (&self.placeholders, spent) {
            placeholders.forget(spent);
        }
        if let Some(node) = text::json::parse(&text, id, &mut self.read.diagnostics) {
            self.document(&node, &mut ranges);
        }
    }

    /// A list response, a bare list, a bare object, or an object of lists written by hand.
    pub fn document(&mut self, node: &Node<'_>, packed: &mut PackedRanges) {
        match &node.value {
            Value::Null => {
                let what = "the file holds nothing";
                self.report(Diagnostic::new(&rules::EMPTY_DOCUMENT, node.span, what));
            }
            Value::List(nodes) => nodes.iter().for_each(|node| self.element(node, packed)),
            Value::Map(entries) => {
                if let Some(next) = node.member("@odata.nextLink").filter(|next| next.value != Value::Null) {
                    let what = "the list goes on on another page";
                    let help = "export all pages, one file for each, without their next links";
                    self.report(Diagnostic::new(&rules::INCOMPLETE_EXPORT, next.span, what).help(help));
                }
                if let Some(Node { value: Value::List(nodes), .. }) = node.member("value") {
                    for entry in entries.iter().filter(|entry| entry.key != "value" && !entry.key.starts_with('@')) {
                        let what = format!("`{}` stands beside a `value` list", entry.key);
                        let help = "put it into a file of its own";
                        self.report(Diagnostic::new(&rules::STRAY_MEMBER, entry.key_span, what).help(help));
                    }
                    nodes.iter().for_each(|node| self.element(node, packed));
                } else if !entries.is_empty()
                    && entries.iter().all(|entry| shape::list_kind(&entry.key).is_some() || shape::is_entities(entry))
                {
                    for entry in entries {
                        if shape::is_entities(entry) {
                            self.entities(&entry.node);
                            continue;
                        }
                        let kind = shape::list_kind(&entry.key);
                        match (&entry.node.value, entry.node.as_list()) {
                            (_, Some(nodes)) => nodes.iter().for_each(|node| self.object(node, kind, packed)),
                            (Value::Null, None) => {}
                            // WHY: one policy in the place of a list must not be lost without a word.
                            _ => self.report(wrong_type(&entry.node, &entry.key, "a list")),
                        }
                    }
                } else {
                    self.element(node, packed);
                }
            }
            _ => self.element(node, packed),
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.read.diagnostics.push(diagnostic);
    }

    fn entities(&mut self, node: &Node<'_>) {
        let mut context = Context::default();
        for (list, nodes) in entity::lists(node, &mut context) {
            for node in nodes {
                if self.read.is_full() {
                    return;
                }
                if let Some(entity) = list.entity(node, &mut context) {
                    self.read.entity(entity, list, node.span);
                }
                context.flush(true, &mut self.read.diagnostics);
            }
        }
        context.flush(true, &mut self.read.diagnostics);
    }

    fn element(&mut self, node: &Node<'_>, packed: &mut PackedRanges) {
        self.object(node, shape::object_kind(node), packed);
    }

    fn object(&mut self, node: &Node<'_>, kind: Option<ObjectKind>, packed: &mut PackedRanges) {
        if self.read.is_full() {
            return;
        }
        let mut context = Context::new(self.placeholders.clone());
        match kind {
            Some(_) if self.is_in_statements => return self.statement(node, kind, context),
            Some(ObjectKind::Policy) => {
                let policy = self.located(policy::policy(node, &mut context), node.span);
                return self.policy(policy, context, node.span);
            }
            Some(ObjectKind::Template) => return self.template(node, context),
            Some(ObjectKind::Location) => {
                if let Some(location) = location::location(node, packed, &mut context) {
                    self.read.location(location, node.span);
                }
            }
            Some(ObjectKind::Strength) => {
                let object = Object::new(node, Path::default(), &mut context);
                if let Some(strength) = object.and_then(|object| strength::strength(object, &mut context)) {
                    self.read.strength(strength, node.span);
                }
            }
            Some(ObjectKind::Principal) => {
                if let Some(principal) = principal::principal(node, &mut context) {
                    self.read.principal(principal, node.span);
                }
            }
            Some(ObjectKind::AppRegistration) => {
                let what = "an app registration in the place of a service principal";
                let help = "export `/servicePrincipals` in the place of `/applications`";
                context.report(Diagnostic::new(&rules::APP_REGISTRATION, node.span, what).help(help));
            }
            None => context.report(shape::unrecognised(node)),
        }
        context.flush(true, &mut self.read.diagnostics);
    }

    fn template(&mut self, node: &Node<'_>, mut context: Context) {
        let policy = policy::template(node, &mut context);
        let what = "a template in the place of a policy";
        let help = "create a policy from it, and give that a state";
        context.report(Diagnostic::new(&rules::POLICY_TEMPLATE, node.span, what).help(help));
        match policy {
            Some(policy) => self.policy(Some(policy), context, node.span),
            None => context.flush(false, &mut self.read.diagnostics),
        }
    }

    /// Takes a policy over. Its problems are warnings if it takes no part; of one that cannot be read nobody knows.
    fn policy(&mut self, mut policy: Option<Policy>, mut context: Context, span: Span) {
        if let Some(policy) = &mut policy {
            self.names.tell_apart(policy, &mut context);
        }
        let takes_part = policy.as_ref().is_none_or(|policy| self.settings.admits(policy));
        context.flush(takes_part, &mut self.read.diagnostics);
        if let Some(policy) = policy {
            self.read.policy(policy, span);
        }
    }

    /// Finds out where the parts of its filters and of the condition in Cedar stand, and counts the latter.
    pub(super) fn located(&mut self, mut policy: Option<Policy>, span: Span) -> Option<Policy> {
        for text in policy.iter_mut().flat_map(Policy::embedded_mut) {
            text.locate(self.sources);
        }
        if let Some(when) = policy.as_ref().and_then(|policy| policy.when.as_ref()) {
            self.read.count(Kind::CedarBytes, bound::cedar_bytes(when), span);
        }
        policy
    }
}

/// Reads the objects of a file while the file is parsed, so that there never is a tree of all of them.
struct Packing<'r, 's> {
    reader: &'r mut Reader<'s>,
    ranges: PackedRanges,
}

impl<'a> Pack<'a> for Packing<'_, '_> {
    fn wants(&self, key: &str) -> bool {
        self.ranges.wants(key)
    }

    fn take<D: Deserializer<'a>>(&mut self, deserializer: D) -> Result<usize, D::Error> {
        if self.reader.read.is_full() {
            // No list has this number: the object of these ranges is not read either.
            return IgnoredAny::deserialize(deserializer).map(|_| usize::MAX);
        }
        self.ranges.read(deserializer)
    }

    fn element(&mut self, node: Node<'a>) -> Option<Node<'a>> {
        self.reader.element(&node, &mut self.ranges);
        None
    }
}
