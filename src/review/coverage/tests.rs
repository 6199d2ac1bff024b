//! What counts as exercised, and that the cases for the rest do what they are for.

use super::*;
use crate::compile;
use crate::review::cases::run;
use crate::review::tests::{sample, with_cases};

fn measured(raw: &RawBundle) -> (CompiledBundle, Coverage) {
    let (compilation, model) = compile::compile_and(raw, Bundle::clone);
    let bundle = compilation.bundle.unwrap();
    let coverage = measure(&bundle, &model, raw, &Selection::default());
    (bundle, coverage)
}

#[test]
fn a_proposed_case_passes_and_covers_what_it_is_for() {
    for name in ["workload", "graph-export", "cedar"] {
        let raw = with_cases(&sample(name), "cases: []\n");
        let (bundle, coverage) = measured(&raw);
        assert!(coverage.items.iter().all(|item| !item.is_covered), "{name}: nothing is asked");
        for item in &coverage.items {
            let told = item.subject.told(&bundle);
            let Some(case) = &item.case else {
                assert!(name == "cedar", "{name}: no case for {told}");
                continue;
            };
            let raw = with_cases(&raw, &format!("cases:\n{case}"));
            let report = run(&bundle, &raw);
            assert!(report.is_green() && report.results.len() == 1, "{name}: {report:#?}\n{case}");
            let mut covered = HashSet::new();
            each(&bundle, &raw, &Selection::default(), |case| exercised(&bundle, case.request.unwrap(), &mut covered));
            assert!(covered.contains(&item.subject), "{name}: {told}\n{case}");
        }
    }
}

#[test]
fn cases_start_from_those_that_exist() {
    let (bundle, coverage) = measured(&sample("cedar"));
    let lacking: Vec<_> = coverage.items.iter().filter(|item| !item.is_covered && item.case.is_none()).collect();
    let told: Vec<_> = lacking.iter().map(|item| item.subject.told(&bundle)).collect();
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn a_condition_behind_one_that_fails_and_an_unknown_one_do_not_count() {
    let yaml = "cases:\n  - name: a person\n    request: { identity: { type: user, id: u }, risk: { servicePrincipal: high } }\n  \
                - name: nobody knows where\n    request: { identity: { type: servicePrincipal, id: \
                5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02 } }\n";
    let (bundle, coverage) = measured(&with_cases(&sample("workload"), yaml));
    let covered: Vec<_> =
        coverage.items.iter().filter(|item| item.is_covered).map(|item| item.subject.told(&bundle)).collect();
    assert_eq!(
        covered,
        [
            "No tokens from countries without staff applies",
            "No tokens from countries without staff does not apply",
            "No tokens from countries without staff matches: servicePrincipals",
            "No tokens at high risk does not apply",
            "No tokens at high risk matches: servicePrincipals",
            "No tokens at high risk does not match: servicePrincipalRisk",
            "Payroll only from the data centre does not apply",
            "Payroll only from the data centre does not match: servicePrincipals",
            "Test workloads only from the build farm does not apply",
            "Test workloads only from the build farm does not match: servicePrincipals",
            "Workloads only from trusted networks applies",
            "Workloads only from trusted networks does not apply",
            "Workloads only from trusted networks matches: servicePrincipals",
        ]
    );
    assert_eq!((coverage.counts(), coverage.percent()), ((39, 13), 33));
}
