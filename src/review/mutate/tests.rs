//! What is changed, what tests notice, and that the cases for the rest notice it.

use super::*;
use crate::compile::compile_and;
use crate::review::tests::{sample, with_cases};

fn mutated(raw: &RawBundle) -> Mutation {
    let (compilation, model) = compile_and(raw, Bundle::clone);
    mutate(&compilation.bundle.unwrap(), &model, raw, &Selection::default())
}

#[test]
fn a_proposed_case_kills_its_mutant() {
    for name in ["workload", "graph-export"] {
        let raw = with_cases(&sample(name), "cases: []\n");
        let mutation = mutated(&raw);
        assert_eq!(mutation.untried, 0);
        let mut without = Vec::new();
        for mutant in mutation.survivors() {
            let Fate::Survived { case: Some(case) } = &mutant.fate else {
                without.push(mutant.what.as_str());
                continue;
            };
            let again = mutated(&with_cases(&raw, &format!("cases:\n{case}")));
            let fate = &again.mutants.iter().find(|other| other.what == mutant.what).unwrap().fate;
            assert_eq!(*fate, Fate::Killed, "{name}: {}\n{case}", mutant.what);
        }
        assert_eq!(without, [""; 0], "{name}");
    }
}

#[test]
fn every_kind_of_change_is_made_and_none_that_cannot_matter() {
    let told = |raw: &RawBundle| mutated(raw).mutants.iter().map(|it| it.what.clone()).collect::<Vec<_>>();
    let all = told(&sample("workload"));
    for expected in [
        "No tokens at high risk: dropped",
        "No tokens at high risk: state enabledForReportingButNotEnforced",
        "No tokens at high risk: risk medium in the place of high",
        "No tokens from countries without staff: state enabled",
        "Freeze: state enabled",
        "Payroll only from the data centre: include and exclude of service principals flipped",
        "Payroll only from the data centre: include and exclude of locations flipped",
        "Test workloads only from the build farm: include and exclude of the service principal filter flipped",
        "Headquarters: 192.0.2.0/23 in the place of 192.0.2.0/24",
        "Headquarters: 2001:db8:10::/49 in the place of 2001:db8:10::/48",
        "MFA trusted IPs: 203.0.113.240/29 in the place of 203.0.113.240/28",
    ] {
        assert!(all.iter().any(|told| told == expected), "{expected} is not among {all:#?}");
    }
    assert!(!all.iter().any(|told| told.starts_with("Freeze: dropped")), "it takes no part already");
    let mut without = sample("workload");
    without.files.retain(|file| *file.name != *"policies/trusted-networks.yaml" && !file.name.starts_with("tests/"));
    assert!(!told(&without).iter().any(|told| told.starts_with("Headquarters")), "no policy looks at it any more");
}

#[test]
fn a_case_that_fails_anyway_notices_nothing() {
    let person = "identity: { type: user, id: u }";
    let case = |decision: &str| {
        format!("cases: [{{ name: a, request: {{ {person} }}, expect: {{ decision: {decision} }} }}]\n")
    };
    for decision in ["allow", "block"] {
        let mutation = mutated(&with_cases(&sample("workload"), &case(decision)));
        assert!(mutation.mutants.iter().all(|mutant| mutant.fate != Fate::Killed), "{decision}");
    }
}
