//! `check --beside`: what to write beside a policy set that others keep up to date, so that it is used as it is.
//!
//! What a set leaves to whoever uses it shows as errors: ids that placeholders stand for, locations that only a tenant
//! has, policies and files that are nothing for this engine. Each becomes a line that has to be filled in, or that says
//! what is left out; no line is a guess, and before all are filled in the set is refused as before. Start with [`told`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Exit, Outcome};
use crate::compile::{self, Mode, rules};
use crate::model::Id;
use crate::text::{Finding, RawBundle, Severity, Span};

/// What has to stand beside a set.
#[derive(Debug, Default)]
struct Beside {
    /// Placeholders, and in how many places each stands.
    placeholders: BTreeMap<String, usize>,
    /// Policies that cannot be judged, by id or name.
    policies: BTreeSet<String>,
    /// Files of which nothing can be read.
    files: BTreeSet<String>,
    /// Locations that policies name.
    locations: BTreeSet<String>,
}

/// What has to be written beside `raw`, as text to be copied; errors that this does not help are comments at its end, and
/// then the bundle is invalid.
pub fn told(raw: &RawBundle) -> Outcome {
    let findings = compile::compile(raw).findings;
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let objects = Objects::of(raw);
    let (mut beside, mut left) = (Beside::default(), String::new());
    for finding in errors {
        if !beside.take(finding, &objects) {
            let Finding { file, line, column, id, what, .. } = finding;
            let _ = writeln!(left, "# {file}:{line}:{column}: error[{id}]: {what}");
        }
    }
    let has_settings = raw.files.iter().any(|file| file.name.starts_with("bundle."));
    let mut text = beside.text(if has_settings { "Add this to bundle.yaml." } else { "bundle.yaml." });
    match (text.is_empty(), left.is_empty()) {
        (true, true) => text += "# nothing has to be written beside it\n",
        (_, false) => text += &format!("\n# Nothing beside the set mends this:\n{left}"),
        (false, true) => {}
    }
    Outcome { text, exit: if left.is_empty() { Exit::Success } else { Exit::BundleInvalid } }
}

/// What was read of which file.
struct Objects {
    /// Policies by file, as `ignoredPolicies` can name them.
    policies: BTreeMap<String, Vec<String>>,
    /// Files that hold anything else.
    others: BTreeSet<String>,
}

impl Objects {
    fn of(raw: &RawBundle) -> Self {
        let reading = compile::read(raw, Mode::Spanned);
        let file = |span: Span| reading.sources.file(span.file).map_or_else(String::new, |file| file.name().to_owned());
        let bundle = &reading.bundle;
        let mut policies: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for policy in &bundle.policies {
            let name = policy.id.as_ref().map_or(&*policy.display_name.value, |id| &*id.value);
            policies.entry(file(policy.display_name.span)).or_default().push(name.to_owned());
        }
        let locations = bundle.locations.iter().map(|location| location.display_name.span);
        let principals = bundle.principals.iter().map(|principal| principal.id.span);
        let others = locations.chain(principals).map(file).collect();
        Self { policies, others }
    }
}

impl Beside {
    /// Notes what mends `finding`; whether anything beside the set does.
    fn take(&mut self, finding: &Finding, objects: &Objects) -> bool {
        if finding.id == rules::PLACEHOLDER.id {
            // WHY brackets: what has none stands for nothing but itself, and has to be mended where it stands.
            let named = quoted(&finding.what).filter(|text| text.contains(['<', '>', '{', '}', '[', ']']));
            named.into_iter().for_each(|text| *self.placeholders.entry(text.to_owned()).or_default() += 1);
            return named.is_some();
        }
        if finding.id == rules::UNKNOWN_LOCATION.id
            && let Some(name) = quoted(&finding.what)
        {
            self.locations.insert(name.to_owned());
            return true;
        }
        match objects.policies.get(&finding.file).map(Vec::as_slice) {
            Some([policy]) if !objects.others.contains(&finding.file) => {
                self.policies.insert(policy.clone());
                true
            }
            None if is_document(&finding.file) && !objects.others.contains(&finding.file) => {
                self.files.insert(finding.file.clone());
                true
            }
            _ => false,
        }
    }

    fn text(&self, settings: &str) -> String {
        let mut text = String::new();
        let Self { placeholders, policies, files, locations } = self;
        if !(placeholders.is_empty() && policies.is_empty() && files.is_empty()) {
            let _ =
                writeln!(text, "# {settings} What is empty has to be filled in; before that the bundle is refused.");
        }
        if !placeholders.is_empty() {
            text += "# Ids of what each stands for; a list of them, or [] for nobody.\nplaceholders:\n";
        }
        for (name, places) in placeholders {
            let _ = writeln!(text, "  {}: # in {}", scalar(name), super::paint::counted(*places, "place"));
        }
        let lists = [
            ("ignoredPolicies", policies, "These cannot be judged. Left out, they hold nobody back."),
            ("ignoredFiles", files, "These cannot be read as what they are. Left out, nothing in them counts."),
        ];
        for (key, names, why) in lists.into_iter().filter(|(_, names, _)| !names.is_empty()) {
            let _ = writeln!(text, "# {why}\n{key}:");
            names.iter().for_each(|name| text += &format!("  - {}\n", scalar(name)));
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

/// Whether a file can be left out by `ignoredFiles`.
fn is_document(file: &str) -> bool {
    !file.is_empty() && !file.starts_with("tests/") && !file.starts_with("statements/") && !file.starts_with("bundle.")
}

/// What a message says in backticks, first to last: it quotes one thing.
fn quoted(what: &str) -> Option<&str> {
    let (_, rest) = what.split_once('`')?;
    rest.rsplit_once('`').map(|(quoted, _)| quoted)
}

/// A text in YAML: JSON's spelling is one of YAML's.
fn scalar(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
