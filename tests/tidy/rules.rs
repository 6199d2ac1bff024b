//! Diagnostics are an interface: ids are unique, well formed, and each is triggered by a test.

use std::collections::BTreeSet;

use doorward::review;
use doorward::text::Rule;

use super::tree::{File, all, none};

fn rules() -> Vec<&'static Rule> {
    review::rules::every().collect()
}

#[test]
fn every_rule_occurs_in_a_test() {
    let tests: Vec<_> = all(&["tests", "src"])
        .into_iter()
        .filter(|file: &File| (file.is_test() || file.name.ends_with(".snap")) && !file.name.starts_with("tests/tidy"))
        .collect();
    let lacking = rules().into_iter().filter(|rule| {
        let constant = format!("rules::{}", rule.id.to_uppercase().replace('-', "_"));
        !tests.iter().any(|file| file.text.contains(rule.id) || file.text.contains(&constant))
    });
    let findings: Vec<_> = lacking.map(|rule| rule.id.to_owned()).collect();
    none(&findings, "write a test with a bundle that breaks the rule");
}

#[test]
fn ids_are_unique_kebab_case_nouns_and_reasons_are_fragments() {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for rule in rules() {
        if !seen.insert(rule.id) {
            findings.push(format!("{}: twice", rule.id));
        }
        if !rule
            .id
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-')
        {
            findings.push(format!("{}: not kebab-case", rule.id));
        }
        if rule.why.is_empty() || rule.why.ends_with('.') || rule.why.contains('\n') {
            findings.push(format!("{}: `{}`", rule.id, rule.why));
        }
    }
    none(&findings, "give each rule an id of its own, and one sentence without a final period");
}
