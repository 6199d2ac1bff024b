//! The schemas that editors get agree with the reader: what loads is valid, and a mistake of shape or word is not.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic, its helpers too")]

#[path = "support/found.rs"]
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod found;
#[path = "schemas/mutate.rs"]
mod mutate;

#[path = "diagnostics/case.rs"]
#[allow(dead_code, reason = "shared with another test, which uses all of it")]
mod case;
#[path = "support/written.rs"]
mod written;

use std::path::Path;

use doorward::compile::rules;
use doorward::review::{self, schema};
use doorward::text::Block;
use jsonschema::Validator;
use serde_json::{Value, json};

use case::{Case, cases};

struct Schemas {
    bundle: Validator,
    settings: Validator,
    tests: Validator,
}

impl Schemas {
    fn new() -> Self {
        let validator = |schema: Value| jsonschema::draft202012::new(&schema).unwrap();
        Self {
            bundle: validator(schema::bundle()),
            settings: validator(schema::settings()),
            tests: validator(schema::tests()),
        }
    }

    /// For the file of this name in a bundle.
    fn of(&self, name: &str) -> &Validator {
        if name.starts_with("tests/") {
            &self.tests
        } else if name.starts_with("bundle.") {
            &self.settings
        } else {
            &self.bundle
        }
    }

    fn complaint(&self, name: &str, text: &str) -> Option<String> {
        let document: Value = match name.ends_with(".json") {
            true => serde_json::from_str(text).ok()?,
            false => serde_saphyr::from_str(text).ok()?,
        };
        let errors = self.of(name).iter_errors(&document);
        let told: Vec<_> = errors.map(|error| format!("{}: {error}", error.instance_path())).collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

fn files(folder: &Path, below: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = if below.is_empty() { name } else { format!("{below}/{name}") };
        if folder.join(&name).is_dir() {
            files(folder, &name, found);
        } else if [".yaml", ".json"].iter().any(|end| name.ends_with(end)) {
            found.push((name.clone(), std::fs::read_to_string(folder.join(&name)).unwrap()));
        }
    }
}

#[test]
fn a_suite_with_fixtures_is_valid_and_a_slip_in_it_is_not() {
    const SUITE: &str = "time: 2026-05-01T09:00:00Z
fixtures:
  identities: { payroll: { type: servicePrincipal, id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01 } }
  networks: { data centre: { ipAddress: 198.51.100.7, country: NL } }
  requests: { usual: { identity: payroll, risk: { servicePrincipal: low } } }
cases:
  - name: payroll
    tags: [payroll]
    request: { use: usual, network: { use: data centre, country: DE } }
    expect: { decision: allow, conditions: { P: { location: notMatched } }, sessionControls: [], message: m }
  - { name: usual, request: usual }
";
    let schemas = Schemas::new();
    assert_eq!(schemas.complaint("tests/suite.yaml", SUITE), None);
    for (right, wrong) in [("notMatched", "no"), ("identities:", "identity:"), ("ipAddress", "ip"), ("tags:", "tag:")] {
        assert!(schemas.complaint("tests/suite.yaml", &SUITE.replace(right, wrong)).is_some(), "{wrong}");
    }
}

#[test]
fn every_file_of_every_sample_is_valid() {
    let schemas = Schemas::new();
    let mut judged = 0;
    for sample in
        ["policies/workload", "policies/graph-export", "policies/cedar", "policies/authzen", "tests/serve/bundle"]
    {
        let mut found = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(sample), "", &mut found);
        for (name, text) in found {
            assert_eq!(schemas.complaint(&name, &text), None, "{sample}/{name}");
            judged += 1;
        }
    }
    assert!(judged > 20, "{judged}");
}

/// What the long forms show as right is right for editors too.
#[test]
fn sound_bundles_are_valid() {
    let schemas = Schemas::new();
    let mut judged = 0;
    for rule in review::rules::every() {
        let fix = rule.sections().into_iter().filter(|section| section.title == "Fix");
        for block in fix.flat_map(|section| section.blocks) {
            if let Block::File { name, text } = block
                && !text.is_empty()
                && !name.ends_with(".cedar")
            {
                assert_eq!(schemas.complaint(name, text), None, "{}/{name}", rule.id);
                judged += 1;
            }
        }
    }
    assert!(judged > 100, "{judged}");
}

/// Of these rules every mistake is one of shape or word. A disabled policy is not held to them, and editors cannot know.
#[test]
fn mistakes_of_shape_and_word_are_told_while_typing() {
    let schemas = Schemas::new();
    let structural = [
        &rules::WRONG_TYPE,
        &rules::UNKNOWN_PROPERTY,
        &rules::UNKNOWN_SETTING,
        &rules::UNRECOGNISED_DOCUMENT,
        &rules::MISSING_PROPERTY,
    ];
    let mut told = 0;
    let mut silent = Vec::new();
    let is_document = |case: &&Case| case.files.keys().all(|name| !name.ends_with(".cedar"));
    let of_shape = |case: &&Case| structural.iter().any(|rule| rule.id == case.rule);
    for case in cases().iter().filter(is_document).filter(of_shape) {
        match case.files.iter().find_map(|(name, text)| schemas.complaint(name, text)) {
            Some(_) => told += 1,
            None => silent.push(format!("{}: {}", case.rule, case.note)),
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
    assert!(told >= structural.len(), "{told}");
}

#[test]
fn words_come_from_the_vocabularies() {
    let schemas = Schemas::new();
    let case = |expect: Value| json!({ "cases": [{ "name": "a", "expect": expect }] });
    assert!(schemas.tests.is_valid(&case(json!({ "decision": "block", "reason": "blocked_by_policy" }))));
    assert!(!schemas.tests.is_valid(&case(json!({ "decision": "deny" }))));
    assert!(!schemas.tests.is_valid(&case(json!({ "unmetControls": ["mfaa"] }))));
    let policy = |control: &str, guests: &str| {
        json!({
            "displayName": "P", "state": "enabled", "grantControls": { "builtInControls": [control] },
            "conditions": { "users": { "includeGuestsOrExternalUsers": { "guestOrExternalUserTypes": guests } } },
        })
    };
    assert!(schemas.bundle.is_valid(&policy("mfa", "internalGuest, serviceProvider")));
    assert!(!schemas.bundle.is_valid(&policy("MFA!", "internalGuest")));
    assert!(!schemas.bundle.is_valid(&policy("mfa", "internalGuest; serviceProvider")));
}
