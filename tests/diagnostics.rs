//! Every rule of `compile` as a policy author meets it: a small bundle that breaks it, and what is said.
//!
//! The snapshot is the catalogue of messages: read it as an author would. `long_forms` has a bundle for every rule;
//! here are the other ways to break them, and bundles that come close and break none.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[path = "diagnostics/cases.rs"]
mod cases;

use std::collections::BTreeMap;
use std::fmt::Write;

use doorward::compile::{self, Compilation, rules};
use doorward::text::{Block, RawBundle, RawFile, Rule, Severity};
use serde::Deserialize;

use cases::{CASES, Case, SOUND};

#[test]
fn every_rule_says_what_is_wrong_where_and_what_to_do() {
    let mut told = String::new();
    for Case { rule, note, files } in CASES {
        tell(rule, note, &compile::compile(&bundle(files)), &mut told);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_lint_says_what_is_wrong_where_and_what_to_do() {
    let mut told = String::new();
    for rule in rules::ALL.iter().filter(|rule| !CASES.iter().any(|case| case.rule.id == rule.id)) {
        let files = example(rule);
        if rule.id != rules::TOO_MANY.id {
            tell(rule, "the example of its long form", &compile::compile(&bundle(&files)), &mut told);
        }
    }
    for lint in lints().iter().filter(|lint| lint.told) {
        let compilation = compile::compile(&lint.bundle());
        tell(lint.rule(), &lint.note, &compilation, &mut told);
        let told_as = |severity| compilation.findings.iter().any(|it| it.id == lint.rule && it.severity == severity);
        assert!(!lint.is_warning || (told_as(Severity::Warning) && !told_as(Severity::Error)), "{}", lint.note);
    }
    insta::assert_snapshot!(told);
}

fn tell(rule: &Rule, note: &str, compilation: &Compilation, told: &mut String) {
    assert!(compilation.findings.iter().any(|finding| finding.id == rule.id), "{}: {note}", rule.id);
    assert_eq!(compilation.bundle.is_none(), compilation.errors > 0, "errors, and nothing else, refuse: {note}");
    writeln!(told, "# {}: {note}\n", rule.id).unwrap();
    for finding in &compilation.findings {
        writeln!(told, "{finding}").unwrap();
    }
}

#[test]
fn lints_are_quiet_where_nothing_surprises() {
    let mut told = Vec::new();
    for lint in lints().iter().filter(|lint| !lint.told) {
        let compilation = compile::compile(&lint.bundle());
        let findings = compilation.findings.iter();
        let loud = findings.filter(|finding| finding.id == lint.rule || finding.severity == Severity::Error);
        told.extend(loud.map(|finding| format!("# {}\n{finding}", lint.note)));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// A bundle that breaks a rule, or comes close to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lint {
    rule: String,
    note: String,
    /// Whether the rule is broken.
    told: bool,
    /// Whether it is told as a warning although it is an error elsewhere.
    #[serde(default)]
    is_warning: bool,
    files: BTreeMap<String, String>,
}

impl Lint {
    fn rule(&self) -> &'static Rule {
        rules::ALL.iter().find(|rule| rule.id == self.rule).unwrap()
    }

    fn bundle(&self) -> RawBundle {
        bundle(&self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
    }
}

fn lints() -> Vec<Lint> {
    let lints: Vec<Lint> = serde_saphyr::from_str(include_str!("diagnostics/lints.yaml")).unwrap();
    for lint in &lints {
        assert!(rules::ALL.iter().any(|rule| rule.id == lint.rule), "{}", lint.rule);
    }
    lints
}

fn example(rule: &Rule) -> Vec<(&'static str, &'static str)> {
    let sections = rule.sections().into_iter().filter(|section| section.title == "Example");
    let blocks = sections.flat_map(|section| section.blocks).filter_map(|block| match block {
        Block::File { name, text } => Some((name, text)),
        Block::Text(_) => None,
    });
    blocks.collect()
}

#[test]
fn a_bundle_past_its_bounds_is_refused_and_says_so() {
    let locations: String = (0..=doorward::limits::LOCATIONS_MAX)
        .map(|number| format!("- {{ displayName: L{number}, ipRanges: [192.0.2.0/24] }}\n"))
        .collect();
    let compilation = compile::compile(&bundle(&[SOUND, ("locations.yaml", &locations)]));
    assert!(compilation.bundle.is_none());
    let told: Vec<_> = compilation.findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
    assert!(compilation.findings.iter().any(|finding| finding.id == rules::TOO_MANY.id));
}

fn bundle(files: &[(&str, &str)]) -> RawBundle {
    let mut files: Vec<_> =
        files.iter().map(|(name, text)| RawFile { name: (*name).into(), bytes: text.as_bytes().to_vec() }).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    RawBundle { files, digest: "0".repeat(64).into() }
}
