//! From files to the model, every problem of the text collected.
//!
//! Knows which files and shapes a bundle may hold and hands each document to its reader; resolves no reference.
//! A document is told by its shape: `@odata.type` where Graph writes it, else the properties that only one kind has.

mod beside;
mod cedar;
mod combination;
mod entity;
mod fast;
mod guest;
mod location;
mod object;
mod placeholder;
mod policy;
mod prefix;
mod principal;
mod session;
mod settings;
mod statement;
mod strength;
mod target;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserializer;

use fast::PackedRanges;
use object::{Context, Object, Path};
use placeholder::Placeholders;

use super::rules;
use crate::limits;
use crate::model::policy::Policy;
use crate::model::{Bundle, Entities, State};
use crate::text::json::Pack;
use crate::text::{
    self, Diagnostic, Diagnostics, Entry, FileId, Format, Node, RawBundle, Rule, Sources, Span, Spanned, Value,
};

/// What reading gives: the model, its sources, and every problem of the text.
#[derive(Debug)]
pub struct Reading {
    /// The model; what could not be read is missing from it, and an error says so.
    pub bundle: Bundle,
    /// The decoded files, to resolve spans with; without the text of those that were read the fast way.
    pub sources: Sources,
    /// The problems.
    pub diagnostics: Diagnostics,
}

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// JSON in one pass without spans: three times as fast; diagnostics then have no places.
    Fast,
    /// With spans.
    Spanned,
}

/// Reads every file but the bundle's own tests. Cost: linear in the text; the fast way copies none of it.
pub fn read(raw: &RawBundle, mode: Mode) -> Reading {
    read_with(raw, &[], mode)
}

/// As [`read`], with the statements of `more`, whatever the files are called.
pub fn read_with(raw: &RawBundle, more: &[text::RawFile], mode: Mode) -> Reading {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let beside = beside::read(&raw.files, &mut sources, &mut diagnostics);
    let (mut documents, mut statements) = (Vec::new(), Vec::new());
    let files = beside.files.into_iter().map(|file| (file, kind_of(&file.name)));
    for (file, kind) in files.chain(more.iter().map(|file| (file, FileKind::Statement))) {
        match kind {
            FileKind::Document if mode == Mode::Fast && is_fast(&file.name) => {
                documents.push((sources.add(text::SourceFile::new(&*file.name, String::new())), file));
            }
            FileKind::Document | FileKind::Cedar => {
                let id = text::decode::read(file, &mut sources, &mut diagnostics);
                documents.extend(id.map(|id| (id, file)));
            }
            FileKind::Statement => statements.extend(text::decode::read(file, &mut sources, &mut diagnostics)),
            FileKind::Test | FileKind::CountryDatabase => {}
            FileKind::Other => {
                let help = "rename it if it was meant to be read, or keep it outside the bundle";
                whole_file(file, &rules::UNRECOGNISED_FILE, help, &mut sources, &mut diagnostics);
            }
        }
    }
    let bundle = Bundle { settings: beside.settings, ..Bundle::default() };
    let placeholders = beside.placeholders;
    let mut reader = Reader { sources: &sources, bundle, diagnostics, placeholders, is_in_statements: false };
    for (id, file) in documents {
        if matches!(kind_of(&file.name), FileKind::Cedar) {
            reader.cedar(id);
        } else if mode == Mode::Fast && is_fast(&file.name) {
            reader.fast_file(id, file);
        } else if let Some(node) = text::parse(&sources, id, &mut reader.diagnostics) {
            reader.document(&node, &mut PackedRanges::default());
        }
    }
    reader.statements(&statements);
    let Reader { mut bundle, mut diagnostics, .. } = reader;
    tell_apart(&mut bundle.policies, &mut diagnostics);
    bundle.policies.shrink_to_fit();
    bundle.principals.shrink_to_fit();
    Reading { bundle, sources, diagnostics }
}

/// Whether the file of this name holds statements.
pub fn has_statements(name: &str) -> bool {
    matches!(kind_of(name), FileKind::Statement)
}

/// A policy without an id goes by its name, and each further one of that name by the name and a number.
///
/// WHY: names are not unique in Graph, which gives each policy an id of its own; all of them are in force.
fn tell_apart(policies: &mut [Policy], diagnostics: &mut Diagnostics) {
    let mut seen = HashMap::<Box<str>, (u32, Span)>::new();
    for policy in policies.iter_mut().filter(|policy| policy.id.is_none()) {
        let Spanned { value: name, span } = &policy.display_name;
        let (count, first) = seen.entry(name.clone()).or_insert((0, *span));
        *count += 1;
        if *count > 1 {
            let id = format!("{name} ({count})");
            let what = format!("a second policy is called `{name}`, and neither has an id");
            let help = format!("give each a name or an id of its own; this one goes by `{id}`");
            let diagnostic = Diagnostic::new(&rules::DUPLICATE_NAME, *span, what).help(help);
            diagnostics.push(diagnostic.related(*first, "the first"));
            policy.id = Some(Spanned::new(id.into(), *span));
        }
    }
}

/// Whether the fast way knows the format.
fn is_fast(name: &str) -> bool {
    name.ends_with(".json")
}

fn whole_file(
    file: &text::RawFile,
    rule: &'static Rule,
    help: &str,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let id = sources.add(text::SourceFile::new(&*file.name, String::new()));
    diagnostics.push(Diagnostic::new(rule, Span::whole(id), "the file is not read").help(help));
}

enum FileKind {
    Document,
    Test,
    Statement,
    CountryDatabase,
    Cedar,
    Other,
}

fn kind_of(name: &str) -> FileKind {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match Format::of(name) {
        Some(_) if name.starts_with("tests/") => FileKind::Test,
        Some(_) if statement::is_below(name) => FileKind::Statement,
        Some(_) => FileKind::Document,
        None if extension.eq_ignore_ascii_case("mmdb") => FileKind::CountryDatabase,
        // WHY: what lies with the tests or the statements is no policy, whatever it is.
        None if extension.eq_ignore_ascii_case("cedar")
            && !name.starts_with("tests/")
            && !statement::is_below(name) =>
        {
            FileKind::Cedar
        }
        None => FileKind::Other,
    }
}

fn is_settings(name: &str) -> bool {
    Format::of(name).is_some() && name.rsplit_once('.').is_some_and(|(stem, _)| stem == "bundle")
}

struct Reader<'s> {
    sources: &'s Sources,
    bundle: Bundle,
    diagnostics: Diagnostics,
    placeholders: Option<Arc<Placeholders>>,
    /// Whether what is read are statements.
    is_in_statements: bool,
}

impl Reader<'_> {
    /// The text of a file of which the sources have only the name.
    fn decode<'f>(&mut self, file: &'f text::RawFile) -> Option<Cow<'f, str>> {
        let text = text::decode::decode(&file.bytes);
        if text.is_err() {
            // WHY: this reading tells no places, only that there is something to tell.
            text::decode::read(file, &mut Sources::default(), &mut self.diagnostics);
        }
        text.ok()
    }

    fn cedar(&mut self, file: FileId) {
        let mut context = Context::default();
        for text in cedar::statements(self.sources, file, &mut context) {
            let (before, span) = (self.counts(), text.span);
            let policy = cedar::policy(text, &mut context);
            let takes_part = policy.as_ref().is_none_or(|policy| {
                let names = [policy.id.as_ref(), Some(&policy.display_name)];
                policy.state != State::Disabled && !names.into_iter().flatten().any(|name| self.ignores(&name.value))
            });
            context.flush(takes_part, &mut self.diagnostics);
            self.bundle.policies.extend(policy);
            self.bound(before, span);
        }
        context.flush(true, &mut self.diagnostics);
    }

    /// Reads a JSON file in one pass, each of its objects as soon as it is complete; with spans if it has to be.
    fn fast_file(&mut self, id: FileId, file: &text::RawFile) {
        let Some(text) = self.decode(file) else { return };
        let (before, diagnostics) = (self.counts(), self.diagnostics.clone());
        let mut pack = Packing { reader: self, ranges: PackedRanges::default() };
        let node = text::json::parse_fast(&text, &mut pack);
        let mut ranges = pack.ranges;
        if let Some(node) = node {
            return self.document(&node, &mut ranges);
        }
        let [policies, locations, principals, strengths, _] = before;
        self.bundle.policies.truncate(policies);
        self.bundle.locations.truncate(locations);
        self.bundle.principals.truncate(principals);
        self.bundle.strengths.truncate(strengths);
        self.diagnostics = diagnostics;
        if let Some(node) = text::json::parse(&text, id, &mut self.diagnostics) {
            self.document(&node, &mut ranges);
        }
    }

    /// A list response, a bare list, a bare object, or an object of lists written by hand.
    fn document(&mut self, node: &Node<'_>, packed: &mut PackedRanges) {
        match &node.value {
            Value::Null => {
                let what = "the file holds nothing";
                self.diagnostics.push(Diagnostic::new(&rules::EMPTY_DOCUMENT, node.span, what));
            }
            Value::List(nodes) => nodes.iter().for_each(|node| self.element(node, packed)),
            Value::Map(entries) => {
                if let Some(next) = node.member("@odata.nextLink").filter(|next| next.value != Value::Null) {
                    let what = "the list goes on on another page";
                    let help = "export all pages, one file for each, without their next links";
                    self.diagnostics.push(Diagnostic::new(&rules::INCOMPLETE_EXPORT, next.span, what).help(help));
                }
                if let Some(Node { value: Value::List(nodes), .. }) = node.member("value") {
                    for entry in entries.iter().filter(|entry| entry.key != "value" && !entry.key.starts_with('@')) {
                        let what = format!("`{}` stands beside a `value` list", entry.key);
                        let help = "put it into a file of its own";
                        self.diagnostics.push(Diagnostic::new(&rules::STRAY_MEMBER, entry.key_span, what).help(help));
                    }
                    nodes.iter().for_each(|node| self.element(node, packed));
                } else if !entries.is_empty()
                    && entries.iter().all(|entry| list_kind(&entry.key).is_some() || is_entities(entry))
                {
                    for entry in entries {
                        if is_entities(entry) {
                            self.entities(&entry.node);
                            continue;
                        }
                        let kind = list_kind(&entry.key);
                        match (&entry.node.value, entry.node.as_list()) {
                            (_, Some(nodes)) => nodes.iter().for_each(|node| self.object(node, kind, packed)),
                            (Value::Null, None) => {}
                            // WHY: one policy in the place of a list must not be lost without a word.
                            _ => self.diagnostics.push(object::wrong_type(&entry.node, &entry.key, "a list")),
                        }
                    }
                } else {
                    self.element(node, packed);
                }
            }
            _ => self.element(node, packed),
        }
    }

    fn entities(&mut self, node: &Node<'_>) {
        let mut context = Context::default();
        let Entities { subjects, resources, actions } = entity::entities(node, &mut context);
        let all = &mut self.bundle.entities;
        all.subjects.extend(subjects);
        all.resources.extend(resources);
        all.actions.extend(actions);
        context.flush(true, &mut self.diagnostics);
    }

    fn element(&mut self, node: &Node<'_>, packed: &mut PackedRanges) {
        self.object(node, object_kind(node), packed);
    }

    fn object(&mut self, node: &Node<'_>, kind: Option<ObjectKind>, packed: &mut PackedRanges) {
        let mut context = Context { placeholders: self.placeholders.clone(), ..Context::default() };
        let mut takes_part = true;
        let before = self.counts();
        match kind {
            Some(_) if self.is_in_statements => takes_part = self.statement(node, kind, &mut context),
            Some(ObjectKind::Policy) => {
                let mut policy = policy::policy(node, &mut context);
                if let Some(when) = policy.as_mut().and_then(|policy| policy.when.as_mut()) {
                    when.text.locate(self.sources);
                }
                takes_part = !self.is_ignored(node)
                    && policy.as_ref().is_none_or(|policy| policy.state != State::Disabled && !policy.is_deleted);
                self.bundle.policies.extend(policy);
            }
            Some(ObjectKind::Location) => {
                self.bundle.locations.extend(location::location(node, packed, &mut context));
            }
            Some(ObjectKind::Strength) => {
                let object = Object::new(node, Path::default(), &mut context);
                self.bundle.strengths.extend(object.and_then(|object| strength::strength(object, &mut context)));
            }
            Some(ObjectKind::Principal) => self.bundle.principals.extend(principal::principal(node, &mut context)),
            Some(ObjectKind::Template) => {
                takes_part = false;
                self.bundle.policies.extend(policy::template(node, &mut context));
                let what = "a template in the place of a policy";
                let help = "create a policy from it, and give that a state";
                context.report(Diagnostic::new(&rules::POLICY_TEMPLATE, node.span, what).help(help));
            }
            Some(ObjectKind::AppRegistration) => {
                let what = "an app registration in the place of a service principal";
                let help = "export `/servicePrincipals` in the place of `/applications`";
                context.report(Diagnostic::new(&rules::APP_REGISTRATION, node.span, what).help(help));
            }
            None => {
                let keys = node.as_map().unwrap_or_default().iter().take(4).map(|entry| format!("`{}`", entry.key));
                let keys = keys.collect::<Vec<_>>().join(", ");
                let what = match keys.as_str() {
                    "" => format!("{} in the place of a policy or location", node.kind()),
                    keys => format!("an object with {keys} is nothing that a bundle holds"),
                };
                context.report(Diagnostic::new(&rules::UNRECOGNISED_DOCUMENT, node.span, what).help(meant(node)));
            }
        }
        context.flush(takes_part, &mut self.diagnostics);
        self.bound(before, node.span);
    }

    fn is_ignored(&self, node: &Node<'_>) -> bool {
        let names = [node.member("id"), node.member("displayName")];
        names.into_iter().flatten().filter_map(Node::as_str).any(|name| self.ignores(name))
    }

    fn ignores(&self, name: &str) -> bool {
        self.bundle.settings.ignored_policies.iter().any(|ignored| *ignored.value == *name)
    }

    fn counts(&self) -> [usize; 5] {
        let Bundle { policies, statements, locations, principals, strengths, .. } = &self.bundle;
        [policies.len(), locations.len(), principals.len(), strengths.len(), statements.len()]
    }

    /// Reports once when a bound is crossed; `build` refuses the bundle by the same bounds.
    fn bound(&mut self, before: [usize; 5], span: Span) {
        let most = [
            limits::POLICIES_MAX,
            limits::LOCATIONS_MAX,
            limits::CATALOGUE_MAX,
            limits::STRENGTHS_MAX,
            limits::STATEMENTS_MAX,
        ];
        let kinds = ["policies", "named locations", "service principals", "authentication strengths", "statements"];
        for ((before, after), (most, kind)) in before.into_iter().zip(self.counts()).zip(most.into_iter().zip(kinds)) {
            if before == most && after > most {
                let what = format!("from here on there are more than {most} {kind}");
                self.diagnostics.push(Diagnostic::new(&rules::TOO_MANY, span, what));
            }
        }
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
        self.ranges.read(deserializer)
    }

    fn element(&mut self, node: Node<'a>) -> Option<Node<'a>> {
        self.reader.element(&node, &mut self.ranges);
        None
    }
}

#[derive(Clone, Copy)]
enum ObjectKind {
    Policy,
    Location,
    Principal,
    Strength,
    AppRegistration,
    Template,
}

fn list_kind(key: &str) -> Option<ObjectKind> {
    match key {
        "policies" => Some(ObjectKind::Policy),
        "namedLocations" => Some(ObjectKind::Location),
        "servicePrincipals" => Some(ObjectKind::Principal),
        "authenticationStrengthPolicies" => Some(ObjectKind::Strength),
        _ => None,
    }
}

/// Whether a member of a document is the catalogue of entities.
fn is_entities(entry: &Entry<'_>) -> bool {
    entry.key == "entities"
}

/// What to do about an object of no kind: what it was probably meant to be, and where that belongs.
fn meant(node: &Node<'_>) -> &'static str {
    let has = |key: &str| node.member(key).is_some();
    if has("cases") || has("fixtures") {
        "test cases belong below `tests/` at the root of the bundle"
    } else if ["tenantId", "revision", "defaultDecision", "breakGlass", "lints"].into_iter().any(has) {
        "settings belong into `bundle.yaml` at the root of the bundle"
    } else {
        "a policy has `conditions`, an IP location `ipRanges`, a service principal `servicePrincipalType`"
    }
}

fn object_kind(node: &Node<'_>) -> Option<ObjectKind> {
    let has = |key: &str| node.member(key).is_some();
    let is_policy = || has("conditions") || has("grantControls") || has("sessionControls");
    // WHY: what says a state of its own is meant to be in force, and must not pass for a template that is not.
    let is_template = || !has("state") && !is_policy();
    if let Some(odata_type) = node.member("@odata.type").and_then(Node::as_str) {
        let short = odata_type.trim_start_matches("#microsoft.graph.");
        match short {
            "conditionalAccessPolicy" => return Some(ObjectKind::Policy),
            "servicePrincipal" => return Some(ObjectKind::Principal),
            "authenticationStrengthPolicy" => return Some(ObjectKind::Strength),
            "conditionalAccessTemplate" if is_template() => return Some(ObjectKind::Template),
            _ if short.ends_with("NamedLocation") => return Some(ObjectKind::Location),
            _ => {}
        }
    }
    if node.member("details").is_some_and(|details| details.member("conditions").is_some()) {
        Some(if is_template() { ObjectKind::Template } else { ObjectKind::Policy })
    } else if is_policy() {
        Some(ObjectKind::Policy)
    } else if has("allowedCombinations") {
        Some(ObjectKind::Strength)
    } else if has("ipRanges") || has("countriesAndRegions") || has("compliantNetworkType") {
        Some(ObjectKind::Location)
    } else if !has("servicePrincipalType") && (has("publisherDomain") || has("identifierUris")) {
        Some(ObjectKind::AppRegistration)
    } else if has("servicePrincipalType") || has("appId") || has("signInAudience") {
        Some(ObjectKind::Principal)
    } else {
        None
    }
}
