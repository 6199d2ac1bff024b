//! Diagnostics are an interface: ids are unique and well formed. That each has a bundle that breaks it is asked in
//! `tests/long_forms.rs`.

use std::collections::BTreeSet;

use doorward::review;
use doorward::text::Rule;

use super::tree::none;

fn rules() -> Vec<&'static Rule> {
    review::rules::every().collect()
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
