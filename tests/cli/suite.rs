//! `test`: what authors read when a case fails, and what a pipeline sees.

use super::run::{BLOCK, WORKLOAD, bundle, doorward};

const CASES: (&str, &str) = (
    "tests/cases.yaml",
    "defaults: { request: { identity: { type: servicePrincipal, id: build } } }
cases:
  - name: build is blocked
    expect: { decision: block, policies: [Block] }
  - name: build gets a token
    note: It never did.
    matrix: { network.ipAddress: [192.0.2.7] }
    expect: { decision: allow, reason: no_policy_applies, policies: [] }
  - name: a person gets a token
    skip: users come next month
    request: { identity: { type: user, id: someone } }
    expect: { decision: allow }
",
);

#[test]
fn a_failing_case_says_what_was_expected_what_came_and_why() {
    let folder = bundle(&[BLOCK, CASES]);
    let mut run = doorward(&["test", folder.path().to_str().unwrap()]);
    run.stdout = run.stdout.replace(folder.path().to_str().unwrap(), "BUNDLE");
    insta::assert_snapshot!(run.told());
}

#[test]
fn junit_has_every_case() {
    let folder = bundle(&[BLOCK, CASES]);
    let run = doorward(&["test", folder.path().to_str().unwrap(), "--format", "junit"]);
    insta::assert_snapshot!(run.told());
}

#[test]
fn a_filter_runs_the_cases_that_it_names() {
    let folder = bundle(&[BLOCK, CASES]);
    let path = folder.path().to_str().unwrap();
    assert_eq!(doorward(&["test", path]).code, 4);
    assert_eq!(doorward(&["test", path, "--filter", "is blocked"]).code, 0);
}

#[test]
fn no_case_at_all_is_a_failure() {
    let folder = bundle(&[BLOCK]);
    let without = doorward(&["test", folder.path().to_str().unwrap()]);
    assert_eq!(without.code, 4);
    assert!(without.stdout.contains("the bundle has no cases"), "{}", without.stdout);
    let filtered = doorward(&["test", WORKLOAD, "--filter", "no such case"]);
    assert_eq!(filtered.code, 4);
    assert!(filtered.stdout.contains("no case's file or name contains `no such case`"), "{}", filtered.stdout);
    let junit = doorward(&["test", folder.path().to_str().unwrap(), "--format", "junit"]);
    assert_eq!(junit.code, 4);
    assert!(junit.stdout.contains("errors=\"1\""), "{}", junit.stdout);
}

#[test]
fn a_test_file_with_a_mistake_is_a_failure() {
    let folder = bundle(&[BLOCK, CASES, ("tests/typo.yaml", "case: []\n")]);
    let run = doorward(&["test", folder.path().to_str().unwrap(), "--filter", "is blocked"]);
    assert_eq!(run.code, 4);
    assert!(run.stdout.contains("tests/typo.yaml:1:1: error[unknown-field]"), "{}", run.stdout);
}
