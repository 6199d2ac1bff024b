//! Every rule of `compile` as a policy author meets it: a small bundle that breaks it, and what is said.
//!
//! The snapshot is the catalogue of messages: read it as an author would.

#[path = "diagnostics/cases.rs"]
mod cases;

use std::fmt::Write;

use doorward::compile::{self, rules};
use doorward::text::{RawBundle, RawFile};

use cases::{CASES, Case, SOUND};

#[test]
fn every_rule_says_what_is_wrong_where_and_what_to_do() {
    let mut told = String::new();
    for Case { rule, note, files } in CASES {
        let compilation = compile::compile(&bundle(files));
        assert!(compilation.findings.iter().any(|finding| finding.id == rule.id), "{}: {note}", rule.id);
        assert_eq!(compilation.bundle.is_none(), compilation.errors > 0, "errors, and nothing else, refuse: {note}");
        writeln!(told, "# {}: {note}\n", rule.id).unwrap();
        for finding in compilation.findings {
            writeln!(told, "{finding}").unwrap();
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_rule_has_a_case() {
    let lacking: Vec<_> = rules::ALL
        .iter()
        .map(|rule| rule.id)
        .filter(|id| *id != rules::TOO_MANY.id && !CASES.iter().any(|case| case.rule.id == *id))
        .collect();
    assert!(lacking.is_empty(), "rules without a case: {lacking:?}");
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
