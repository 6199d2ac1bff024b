//! Every rule of `compile` as a policy author meets it: a small bundle that breaks it, and what is said.
//!
//! The snapshot is the catalogue of messages: read it as an author would. `long_forms` has a bundle for every rule;
//! here are the other ways to break them, and bundles that come close and break none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic, its helpers too")]

#[path = "diagnostics/case.rs"]
mod case;
#[path = "support/written.rs"]
mod written;

use std::fmt::Write;

use doorward::compile::{self, Compilation, rules};
use doorward::text::{Block, Rule, Severity};

use case::{Case, SOUND, cases, lints};
use written::raw;

#[test]
fn every_rule_says_what_is_wrong_where_and_what_to_do() {
    let mut told = String::new();
    tell_all(&cases(), &mut told);
    insta::assert_snapshot!(told);
}

#[test]
fn every_lint_says_what_is_wrong_where_and_what_to_do() {
    let (mut told, cases) = (String::new(), cases());
    for rule in rules::ALL.iter().filter(|rule| !cases.iter().any(|case| case.rule == rule.id)) {
        let files = example(rule);
        if rule.id != rules::TOO_MANY.id {
            tell(rule, "the example of its long form", &compile::compile(&raw(files)), &mut told);
        }
    }
    tell_all(&lints(), &mut told);
    insta::assert_snapshot!(told);
}

fn tell_all(cases: &[Case], told: &mut String) {
    for case in cases.iter().filter(|case| case.told) {
        let compilation = compile::compile(&case.bundle());
        tell(case.rule(), &case.note, &compilation, told);
        let told_as = |severity| compilation.findings.iter().any(|it| it.id == case.rule && it.severity == severity);
        assert!(!case.is_warning || (told_as(Severity::Warning) && !told_as(Severity::Error)), "{}", case.note);
    }
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
    for case in cases().iter().chain(&lints()).filter(|case| !case.told) {
        let compilation = compile::compile(&case.bundle());
        let findings = compilation.findings.iter();
        let loud = findings.filter(|finding| finding.id == case.rule().id || finding.severity == Severity::Error);
        told.extend(loud.map(|finding| format!("# {}\n{finding}", case.note)));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
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
    let compilation = compile::compile(&raw([SOUND, ("locations.yaml", &locations)]));
    assert!(compilation.bundle.is_none());
    let told: Vec<_> = compilation.findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
    assert!(compilation.findings.iter().any(|finding| finding.id == rules::TOO_MANY.id));
}

/// Two obligations of one id were told in YAML alone: clean JSON is read without places, and what stood nowhere was taken
/// for one thing. Now each one too many is told once, however a bundle is written.
#[test]
fn a_second_obligation_of_one_id_is_told_once_in_json_and_yaml() {
    let policy = |name: &str, ids: &[&str]| {
        let obligation = |id| format!(r#"{{"type":"notification","to":"security","id":"{id}"}}"#);
        let obligations: Vec<_> = ids.iter().map(obligation).collect();
        let obligations = obligations.join(", ");
        format!(
            r#"{{"displayName": "{name}", "state": "enabled", "conditions": {{"users": {{"includeUsers": ["All"]}}}},
            "obligations": [{obligations}]}}"#
        )
    };
    let cases: [(&[&[&str]], usize); 5] = [
        (&[&["a", "b"], &["c"]], 0),
        (&[&["a", "a"]], 1),
        (&[&["a"], &["a"]], 1),
        (&[&["a"], &["b"], &["a", "b", "a"]], 3),
        // Made of the name of the policy and its place.
        (&[&["p1#1"], &["a", "p1#1"]], 1),
    ];
    for (policies, expected) in cases {
        let all: Vec<_> = (0..).zip(policies).map(|(number, ids)| policy(&format!("p{number}"), ids)).collect();
        for name in ["all.json", "all.yaml"] {
            let text = format!(r#"{{"value": [{}]}}"#, all.join(", "));
            let compilation = compile::compile(&raw([(name, text.as_str())]));
            let told: Vec<_> = compilation.findings.iter().filter(|it| it.severity == Severity::Error).collect();
            assert!(told.iter().all(|it| it.id == rules::DUPLICATE_ID.id), "{told:?}");
            assert_eq!((told.len(), compilation.bundle.is_none()), (expected, expected > 0), "{name}: {text}");
        }
    }
}
