//! What the project shows is true: the sample bundles, and the commands and outputs of the README.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic, its helpers too")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which need more of it")]
mod run;

#[path = "samples/readme.rs"]
mod readme;

use std::collections::BTreeMap;
use std::path::Path;

use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{Evaluation, evaluate};
use doorward::model::request::{Identity, Network, Risk};
use doorward::model::set::Word;
use doorward::model::{Id, IdentityKind, RiskLevel, TokenRequest};
use doorward::review::cases;
use doorward::source::Source;
use doorward::text::RawBundle;

const SAMPLES: [&str; 2] = ["policies/workload", "policies/graph-export"];

fn raw(sample: &str) -> RawBundle {
    Source::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(sample)).read().unwrap().bundle
}

fn compiled(sample: &str) -> CompiledBundle {
    compile::compile(&raw(sample)).bundle.unwrap()
}

#[test]
fn samples_are_valid_and_warn_only_of_the_missing_country_database() {
    for sample in SAMPLES {
        let compilation = compile::compile(&raw(sample));
        let ids: Vec<_> = compilation.findings.iter().map(|finding| finding.id).collect();
        assert_eq!((compilation.errors, ids.as_slice()), (0, &["no-country-database"][..]), "{sample}");
    }
}

#[test]
fn samples_pass_their_own_tests() {
    for sample in SAMPLES {
        let report = cases::run(&compiled(sample), &raw(sample));
        assert!(report.is_green() && report.results.len() > 40, "{sample}: {report:#?}");
    }
}

#[test]
fn custom_conditions_are_shown_on_every_fact_and_hold_what_the_sample_says() {
    let sample = "policies/cedar";
    let compilation = compile::compile(&raw(sample));
    assert!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    let report = cases::run(&compilation.bundle.unwrap(), &raw(sample));
    assert!(report.is_green() && report.results.len() > 25, "{report:#?}");
    let files = raw(sample).files;
    let text: String = files.iter().map(|file| String::from_utf8_lossy(&file.bytes)).collect();
    let facts = ["credential.type", "federatedIssuer", "federatedSubject", "principal.appId", "resource.appIds"];
    for fact in facts.iter().chain(&["context.time", "context.attributes.text", "context.attributes.number"]) {
        assert!(text.contains(fact), "no policy of {sample} looks at {fact}");
    }
}

#[test]
fn tokens_are_shaped_and_callers_obliged_as_the_sample_says() {
    let sample = "policies/tokens";
    let compilation = compile::compile(&raw(sample));
    assert!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    let report = cases::run(&compilation.bundle.unwrap(), &raw(sample));
    assert!(report.is_green() && report.results.len() > 8, "{report:#?}");
}

#[test]
fn decisions_that_are_not_about_tokens_are_shown_with_entities_and_hold_what_the_sample_says() {
    let sample = "policies/authzen";
    let compilation = compile::compile(&raw(sample));
    assert!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    let bundle = compilation.bundle.unwrap();
    let entities = bundle.entities().all();
    assert_eq!((entities.subjects.len(), entities.resources.len(), entities.actions.len()), (2, 2, 3));
    let report = cases::run(&bundle, &raw(sample));
    assert!(report.is_green() && report.results.len() > 15, "{report:#?}");
}

#[test]
fn every_sample_is_exported_as_policies_that_the_printed_schema_admits() {
    let schema = run::doorward(&["schema", "cedar"]).stdout;
    let (schema, _) = Schema::from_cedarschema_str(&schema).unwrap();
    let validator = Validator::new(schema);
    for sample in SAMPLES.iter().chain(&["policies/cedar"]) {
        let text = run::doorward(&["export", sample, "--format", "cedar"]).stdout;
        let policies: PolicySet = text.parse().unwrap();
        let taking_part = compiled(sample).policies().iter().filter(|policy| policy.takes_part).count();
        assert_eq!(policies.policies().count(), taking_part, "{text}");
        let result = validator.validate(&policies, ValidationMode::Strict);
        assert!(result.validation_passed(), "{sample}: {result:?}");
        assert_eq!(text.contains("takes no part in decisions"), *sample != "policies/cedar", "{text}");
    }
}

#[test]
fn both_samples_have_the_same_tests() {
    let tests = |sample: &str| -> BTreeMap<Box<str>, Vec<u8>> {
        let files = raw(sample).files.into_iter().filter(|file| file.name.starts_with("tests/"));
        files.map(|file| (file.name, file.bytes)).collect()
    };
    assert!(tests(SAMPLES[0]) == tests(SAMPLES[1]), "copy `policies/workload/tests` to `policies/graph-export/tests`");
}

/// Hand-written YAML and a Graph export of the same policies give the same answers, and each policy decides some
/// request and lets another through.
#[test]
fn both_samples_give_the_same_answers() {
    let bundles = SAMPLES.map(compiled);
    let mut evaluation = Evaluation::default();
    let mut decided = BTreeMap::new();
    let mut requests = 0;
    each_request(|request| {
        requests += 1;
        let answers = bundles.each_ref().map(|bundle| {
            evaluate(bundle, request, &mut evaluation).unwrap();
            let names = evaluation.policies().iter().chain(evaluation.report_only());
            let mut names: Vec<_> = names.map(|index| bundle.policy(*index).display_name.to_string()).collect();
            names.sort();
            (evaluation.reason(), names)
        });
        assert_eq!(answers[0], answers[1], "{request:?}");
        for name in answers[0].1.clone() {
            *decided.entry(name).or_insert(0) += 1;
        }
    });
    for policy in bundles[0].policies().iter().filter(|policy| policy.takes_part) {
        let count = decided.get(&*policy.display_name).copied().unwrap_or(0);
        assert!(0 < count && count < requests, "{} decides {count} of {requests}", policy.display_name);
    }
}

fn each_request(mut ask: impl FnMut(&TokenRequest<'_>)) {
    let ids = (1..=7).map(|number| Id::new(&format!("5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e0{number}")));
    let ids: Vec<_> = ids.collect();
    let addresses = ["192.0.2.7", "198.51.100.7", "203.0.113.7", "203.0.113.250", "203.0.113.200", "2001:db8:10::7"];
    let addresses: Vec<_> = addresses.iter().map(|text| Some(text.parse().unwrap())).chain([None]).collect();
    let countries =
        [None, Some("NL"), Some("AQ")].map(|code| code.and_then(doorward::model::location::CountryFact::new));
    for (number, id) in ids.iter().enumerate() {
        let kind = if number == 4 { IdentityKind::ManagedIdentity } else { IdentityKind::ServicePrincipal };
        for ip_address in &addresses {
            for country in countries {
                for risk in RiskLevel::ALL {
                    ask(&TokenRequest {
                        network: Network { ip_address: *ip_address, country, ..Network::default() },
                        risk: Risk { service_principal: *risk, ..Risk::default() },
                        ..TokenRequest::new(Identity::new(kind, id.as_ref()))
                    });
                }
            }
        }
    }
}
