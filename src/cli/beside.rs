//! `check --beside`: what to write beside a policy set that others keep up to date, so that it is used as it is.
//!
//! A published set leaves some things to whoever uses it: ids that placeholders stand for, locations that only a tenant
//! has, and what this engine cannot judge. Each becomes a line that has to be filled in, or that says what is left out;
//! no line is a guess, and before all are filled in the set is refused as before. Every other error is its author's to
//! mend, and is told as that: a policy that is left out holds nobody back. Start with [`told`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Exit, Outcome, Stop, fix, paint, prove};
use crate::compile::{self, Mode, Reading, rules};
use crate::model::policy::Policy;
use crate::model::{GrantControl, Id, State};
use crate::text::plain::is_unprintable;
use crate::text::{self, Diagnostics, Finding, Node, RawBundle, Severity, Span, plain, suggest};

/// What has to stand beside a set.
#[derive(Debug, Default)]
struct Beside {
    /// Placeholders, and in how many places each stands.
    placeholders: BTreeMap<String, usize>,
    /// Policies that cannot be judged, by id or name.
    policies: BTreeMap<String, LeftOut>,
    /// Files that hold nothing for this engine, or say something twice.
    files: BTreeMap<String, LeftOut>,
    /// Locations that policies name.
    locations: BTreeSet<String>,
}

/// Why something has to be left out.
#[derive(Debug, Default)]
struct LeftOut {
    reasons: BTreeSet<String>,
    /// Whether it holds somebody back, or may: then nobody leaves it out who has not read why.
    may_block: bool,
}

/// What has to be written beside `raw`, as text to be copied; errors that this does not help are comments at its end, and
/// then the bundle is invalid.
///
/// Errors: what `raw` states cannot be proved.
pub fn told(raw: &RawBundle) -> Result<Outcome, Stop> {
    let (compilation, _, of_tests) = fix::look(raw);
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    let mut count = compilation.errors + of_tests.iter().filter(is_error).count();
    let mut findings: Vec<_> = compilation.findings.into_iter().chain(of_tests).collect();
    if let Some(bundle) = compilation.bundle.as_ref().filter(|_| count == 0) {
        findings.extend(prove::proofs(bundle, raw, &[])?.findings());
        count = findings.iter().filter(is_error).count();
    }
    let reading = compile::read(raw, Mode::Spanned);
    let set = Set::of(raw, &reading, &findings);
    let (mut beside, mut left) = (Beside::default(), String::new());
    for finding in findings.iter().filter(is_error) {
        count = count.saturating_sub(1);
        if !beside.take(finding, &set) {
            let _ = writeln!(left, "# {}", reason(finding));
        }
    }
    if count > 0 {
        let _ =
            writeln!(left, "# ... and {} more; look again when the others are mended", paint::counted(count, "error"));
    }
    let mut text = beside.text(&set);
    match (text.is_empty(), left.is_empty()) {
        (true, true) => text += "# nothing has to be written beside it\n",
        (_, false) => text += &format!("\n# Nothing beside the set mends this:\n{left}"),
        (false, true) => {}
    }
    Ok(Outcome { text, exit: if left.is_empty() { Exit::Success } else { Exit::BundleInvalid } })
}

/// A set, and what was found in it.
struct Set<'a> {
    raw: &'a RawBundle,
    reading: &'a Reading,
    findings: &'a [Finding],
    /// The documents in which errors are; `None`: it cannot be read.
    roots: BTreeMap<&'a str, Option<Node<'a>>>,
}

impl<'a> Set<'a> {
    fn of(raw: &'a RawBundle, reading: &'a Reading, findings: &'a [Finding]) -> Self {
        let faulty = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let faulty: BTreeSet<&str> = faulty.map(|finding| &*finding.file).collect();
        let files = reading.sources.iter().map(|(id, file)| (id, file.name()));
        let documents = files.filter(|(_, name)| faulty.contains(name) && compile::is_document(name));
        let parse = |id| text::parse(&reading.sources, id, &mut Diagnostics::default());
        Self { raw, reading, findings, roots: documents.map(|(id, name)| (name, parse(id))).collect() }
    }

    /// The file of settings, if there is one.
    fn settings(&self) -> Option<&str> {
        self.raw.files.iter().map(|file| &*file.name).find(|name| compile::is_settings(name))
    }

    /// The policy in which `finding` stands, as `ignoredPolicies` can name it and no other, and whether it may block.
    fn policy(&self, finding: &Finding) -> Option<(String, bool)> {
        let root = self.roots.get(&*finding.file)?.as_ref()?;
        let own = elements(root).iter().find(|node| self.contains(node.span, finding))?.span;
        let policies = &self.reading.bundle.policies;
        let is_within = |span: Span| span.file == own.file && own.start <= span.start && span.end <= own.end;
        let mut within = policies.iter().filter(|policy| is_within(policy.display_name.span));
        let (Some(policy), None) = (within.next(), within.next()) else { return None };
        let name = policy.id.as_ref().map_or(&*policy.display_name.value, |id| &*id.value);
        let is_alone = policies.iter().filter(|policy| policy.is_called(name)).count() == 1;
        // WHY: of what cannot be read nobody knows whether it blocks.
        let mut own_findings = self.findings.iter().filter(|other| other.file == finding.file);
        let is_read = own_findings.all(|other| {
            other.severity != Severity::Error || may_be_left_to_users(other.id) || !self.contains(own, other)
        });
        is_alone.then(|| (name.to_owned(), !is_read || may_block(policy)))
    }

    /// Whether `finding`, of the file of `span`, stands within it.
    fn contains(&self, span: Span, finding: &Finding) -> bool {
        let place = |offset| self.reading.sources.position(span.file, offset).map(|at| (at.line, at.column));
        let at = Some((finding.line, finding.column));
        place(span.start) <= at && at < place(span.end)
    }

    /// Whether all that is found in the file of `finding` is that there is nothing of a known kind in it; or that it says
    /// something twice, of which only its author knows which counts: then it may block too.
    fn is_left_out(&self, finding: &Finding) -> Option<bool> {
        let root = self.roots.get(&*finding.file)?;
        let own = || self.findings.iter().filter(|other| other.file == finding.file);
        if !own().all(|other| other.id == finding.id) {
            return None;
        }
        match root {
            None => (finding.id == text::rules::DUPLICATE_KEY.id).then_some(true),
            Some(root) => {
                let elements = elements(root);
                // WHY: what belongs elsewhere is meant for this engine, and is lost if it is left out.
                let is_foreign = own().all(|other| !other.help.as_deref().is_some_and(|help| help.contains("belong")));
                let is_nothing = finding.id == rules::UNRECOGNISED_DOCUMENT.id && own().count() == elements.len();
                // WHY: a policy whose properties are all misspelt is an object of no known kind too.
                let is_named = |node: &Node<'_>| ["displayName", "state"].iter().any(|key| node.member(key).is_some());
                (is_nothing && is_foreign).then(|| elements.iter().any(is_named))
            }
        }
    }

    /// Whether `name` may be a slip for the name of a location that the set has.
    fn has_near_miss(&self, name: &str) -> bool {
        let known = self.reading.bundle.locations.iter().map(|location| &*location.display_name.value);
        suggest::nearest(name, known.chain(["AllTrusted"])).is_some()
    }
}

impl Beside {
    /// Notes what mends `finding`; whether anything beside the set does.
    fn take(&mut self, finding: &Finding, set: &Set<'_>) -> bool {
        if finding.fix.is_some() {
            return false;
        }
        if finding.id == rules::PLACEHOLDER.id {
            let named = placeholder(finding, set);
            named.into_iter().for_each(|text| *self.placeholders.entry(text.to_owned()).or_default() += 1);
            return named.is_some();
        }
        if finding.id == rules::UNKNOWN_LOCATION.id {
            let named = between(&finding.what, "no named location is called `", "`");
            let named = named.filter(|name| !set.has_near_miss(name));
            self.locations.extend(named.map(str::to_owned));
            return named.is_some();
        }
        let (names, (name, may_block)) = if is_unjudgeable(finding.id) {
            let Some(policy) = set.policy(finding) else { return false };
            (&mut self.policies, policy)
        } else {
            let Some(may_block) = set.is_left_out(finding) else { return false };
            (&mut self.files, (finding.file.clone(), may_block))
        };
        let left_out = names.entry(name).or_default();
        left_out.reasons.insert(reason(finding));
        left_out.may_block |= may_block;
        true
    }

    fn text(&self, set: &Set<'_>) -> String {
        let mut text = String::new();
        let Self { placeholders, policies, files, locations } = self;
        if !(placeholders.is_empty() && policies.is_empty() && files.is_empty()) {
            let settings =
                set.settings().map_or_else(|| "bundle.yaml.".to_owned(), |name| format!("Add this to {name}."));
            let _ =
                writeln!(text, "# {settings} What is empty has to be filled in; before that the bundle is refused.");
        }
        if !placeholders.is_empty() {
            text += "# Ids of what each stands for; a list of them, or [] for nobody.\nplaceholders:\n";
        }
        for (name, places) in placeholders {
            let _ = writeln!(text, "  {}: # in {}", scalar(name), paint::counted(*places, "place"));
        }
        let lists = [
            ("ignoredPolicies", policies, "These cannot be judged. Left out, they hold nobody back."),
            ("ignoredFiles", files, "These cannot be read as what they are. Left out, nothing in them counts."),
        ];
        for (key, names, why) in lists.into_iter().filter(|(_, names, _)| !names.is_empty()) {
            let _ = writeln!(text, "# {why}");
            if names.values().any(|left_out| left_out.may_block) {
                text += "# What blocks, or may, is not left out before its `#` is taken away.\n";
            }
            let _ = writeln!(text, "{key}:");
            for (name, LeftOut { reasons, may_block }) in names {
                reasons.iter().for_each(|reason| text += &format!("  # {reason}\n"));
                let _ = writeln!(text, "  {}- {}", if *may_block { "# " } else { "" }, scalar(name));
            }
        }
        if !locations.is_empty() {
            let empty = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{empty}# locations.yaml. The ranges of each, and `isTrusted: true` if it is.");
        }
        for name in locations {
            let name = match Id::new(name) {
                Id::Guid(_) => format!("id: {name}\n  displayName: {}", scalar(name)),
                Id::Text(_) => format!("displayName: {}", scalar(name)),
            };
            let _ = writeln!(text, "- {name}\n  ipRanges:");
        }
        text
    }
}

/// The rules about policies that are sound, and that no request can be held against.
fn is_unjudgeable(rule: &str) -> bool {
    [rules::UNSUPPORTED.id, rules::UNJUDGEABLE_LOCATION.id].contains(&rule)
}

/// The rules about what is left to users: beside such an error a policy is read as it is meant.
fn may_be_left_to_users(rule: &str) -> bool {
    is_unjudgeable(rule) || [rules::PLACEHOLDER.id, rules::UNKNOWN_LOCATION.id].contains(&rule)
}

/// Whether `policy` blocks today, or does something that could not be read.
fn may_block(policy: &Policy) -> bool {
    let has_block =
        policy.grant.as_ref().is_none_or(|grant| grant.is_empty() || grant.built_in.contains(GrantControl::Block));
    policy.state == State::Enabled && has_block
}

/// The placeholder of which `finding` tells, if what it stands for can be said.
fn placeholder<'f>(finding: &'f Finding, set: &Set<'_>) -> Option<&'f str> {
    // WHY brackets: what has none stands for nothing but itself, and has to be mended where it stands.
    let named =
        between(&finding.what, "`", "` is not an id").filter(|text| text.contains(['<', '>', '{', '}', '[', ']']))?;
    // WHY: what is written in the place of another placeholder stands for nothing itself.
    let is_written = || {
        let excerpt = finding.excerpt.as_ref()?;
        let written: String = excerpt.text.chars().skip(excerpt.start).collect();
        written.trim_start_matches(['"', '\'']).starts_with(named).then_some(())
    };
    let is_own = !compile::is_settings(&finding.file) && (set.settings().is_none() || is_written().is_some());
    is_own.then_some(named)
}

/// The objects of a document: those of its list, or itself.
fn elements<'n, 'a>(root: &'n Node<'a>) -> &'n [Node<'a>] {
    let list = |key| root.member(key).and_then(Node::as_list);
    root.as_list().or_else(|| list("value")).or_else(|| list("policies")).unwrap_or(std::slice::from_ref(root))
}

/// What `check` says of `finding`, on one line.
fn reason(finding: &Finding) -> String {
    let Finding { file, line, column, id, what, .. } = finding;
    format!("{}:{line}:{column}: error[{id}]: {what}", plain(file))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

/// A text in YAML: JSON's spelling is one of YAML's.
fn scalar(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let spelled = |character| match is_unprintable(character) {
        true => text::plain::escaped(character),
        false => String::from(character),
    };
    quoted.chars().map(spelled).collect()
}
