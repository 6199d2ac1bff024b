//! `test`: what authors read when a case fails, and what a pipeline sees.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::run::{BLOCK, WORKLOAD, bundle, command, doorward, write};

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
    tags: [people]
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

#[test]
fn a_tag_runs_the_cases_that_bear_it() {
    let folder = bundle(&[BLOCK, CASES]);
    let path = folder.path().to_str().unwrap();
    let tagged = doorward(&["test", path, "--tag", "people"]);
    assert_eq!(
        (tagged.code, tagged.stdout.contains("0 passed"), tagged.stdout.contains("1 skipped")),
        (0, false, true)
    );
    let both = doorward(&["test", path, "--tag", "people", "--filter", "build"]);
    assert_eq!(both.code, 4);
    assert!(both.stdout.contains("no case's file or name contains `build` and tag is `people`"), "{}", both.stdout);
}

#[test]
fn json_has_every_case_and_every_finding() {
    let folder = bundle(&[BLOCK, CASES, ("tests/unused.yaml", "fixtures: { networks: { office: {} } }\n")]);
    let mut run = doorward(&["test", folder.path().to_str().unwrap(), "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let revision = document["revision"].as_str().unwrap();
    run.stdout = run.stdout.replace(revision, "REVISION");
    insta::assert_snapshot!(run.told());
}

#[test]
fn github_gets_an_annotation_beside_the_line_of_each_failure() {
    let folder = bundle(&[BLOCK, CASES]);
    let mut run = doorward(&["test", folder.path().to_str().unwrap(), "--format", "github"]);
    run.stdout = run.stdout.replace(folder.path().to_str().unwrap(), "BUNDLE");
    insta::assert_snapshot!(run.told());
}

// What a bundle says of its cases was printed as it is written, and the runner of a workflow takes a line that begins with
// `::` for a command.
#[test]
fn nothing_that_a_bundle_says_becomes_a_command_of_the_workflow() {
    let cases = "cases:
  - name: build is blocked
    note: \"fine\\n::stop-commands::x\"
    expect: { decision: allow }
    request: { identity: { type: servicePrincipal, id: build } }
  - name: later
    skip: \"later\\n::error file=x::forged\"
    expect: { decision: block }
    request: { identity: { type: servicePrincipal, id: build } }
";
    let locations = "namedLocations: [{ displayName: \"Of\\n::error::fice\", ipRanges: [192.0.2.0/24] }]";
    let folder = bundle(&[
        (
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions:\n  clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }\n  locations: { includeLocations: [All], excludeLocations: [\"Of\\n::error::fice\"] }\ngrantControls: { builtInControls: [block] }\n",
        ),
        ("locations.yaml", locations),
        ("tests/cases.yaml", cases),
    ]);
    let path = folder.path().to_str().unwrap();
    for format in ["github", "human"] {
        let run = doorward(&["test", path, "--format", format]);
        let is_ours = |line: &str| line.starts_with("::error file=") || line.starts_with("::notice file=");
        let commands = run.stdout.lines().filter(|line| line.trim_start().starts_with("::"));
        assert!(commands.clone().all(is_ours), "{}", run.told());
        assert_eq!((run.code, commands.count()), (4, if format == "github" { 2 } else { 0 }), "{}", run.told());
        assert!(run.stdout.contains("  note: fine\n  note: ::stop-commands::x\n"), "{}", run.told());
    }
    let arguments = ["explain", path, "--id", "build", "--ip", "192.0.2.7", "--all"];
    let explained = doorward(&arguments);
    assert!(explained.stdout.contains("exclude Of\\u000a::error::fice"), "{}", explained.told());
    assert!(!explained.stdout.lines().any(|line| line.starts_with("::")), "{}", explained.told());
}

#[test]
fn a_policy_that_was_expected_and_did_not_apply_is_told_with_the_condition_that_failed() {
    let cases = "cases:
  - name: payroll is blocked in the data centre
    request: { identity: { type: servicePrincipal, id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01 }, network: { ipAddress: 198.51.100.7, country: NL } }
    expect:
      policies: [Payroll only from the data centre]
      conditions: { No tokens at high risk: { servicePrincipalRisk: matched } }
";
    let mut files = Vec::new();
    for name in
        ["bundle.yaml", "locations.yaml", "service-principals.yaml", "policies/payroll.yaml", "policies/high-risk.yaml"]
    {
        files.push((name, std::fs::read_to_string(format!("{WORKLOAD}/{name}")).unwrap()));
    }
    files.push(("tests/cases.yaml", cases.to_owned()));
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = bundle(&files);
    let run = doorward(&["test", folder.path().to_str().unwrap()]);
    insta::assert_snapshot!(run.stdout.replace(folder.path().to_str().unwrap(), "BUNDLE"));
}

#[test]
fn watching_runs_the_tests_again_after_each_change_and_ends_when_nobody_reads() {
    let folder = bundle(&[BLOCK, CASES]);
    let path = folder.path().to_str().unwrap();
    let mut child = command(&["test", path, "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut next =
        || lines.by_ref().take_while(|line| !line.starts_with("waiting for a change")).collect::<Vec<_>>().join("\n");
    assert!(next().ends_with(": 1 passed, 1 failed, 1 skipped"));
    write(
        folder.path(),
        CASES.0,
        "cases: [{ name: a, request: { identity: { type: user, id: u } }, expect: { decision: allow } }]\n",
    );
    assert!(next().ends_with(": 1 passed"));
    write(folder.path(), BLOCK.0, "displayName: Block\nstate: perhaps\n");
    let broken = next();
    assert!(
        broken.contains("error[unrecognised-document]"),
        "a bundle that is broken is told, and watched on: {broken}"
    );
    write(folder.path(), BLOCK.0, BLOCK.1);
    assert!(next().ends_with(": 1 passed"));
    drop(lines);
    write(folder.path(), BLOCK.0, &BLOCK.1.replace("Block", "Blocks"));
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn coverage_below_the_least_fails_and_shows_cases_to_paste() {
    let folder = bundle(&[
        BLOCK,
        (
            "tests/a.yaml",
            "cases: [{ name: a, request: { identity: { type: user, id: u } }, expect: { decision: allow } }]\n",
        ),
    ]);
    let path = folder.path().to_str().unwrap();
    let run = doorward(&["test", path, "--min-coverage", "80"]);
    assert_eq!(run.code, 4);
    insta::assert_snapshot!(run.stdout.replace(path, "BUNDLE"));
    assert_eq!(doorward(&["test", path, "--coverage"]).code, 0, "without a least, coverage only tells");
    let (_, cases) = run.stdout.split_once("\ncases:\n").unwrap();
    let cases = cases.split("error:").next().unwrap();
    write(folder.path(), "tests/b.yaml", &format!("cases:\n{cases}"));
    let again = doorward(&["test", path, "--min-coverage", "100"]);
    assert_eq!(again.code, 0, "{}", again.told());
}

#[test]
fn the_sample_is_covered_in_full() {
    let run = doorward(&["test", WORKLOAD, "--min-coverage", "100", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &document["coverage"]["percent"]), (0, &serde_json::json!(100)));
}

#[test]
fn mistakes_that_no_case_notices_are_listed_with_a_case_that_would() {
    let folder = bundle(&[BLOCK, CASES]);
    let path = folder.path().to_str().unwrap();
    write(folder.path(), "bundle.yaml", "tenantId: 8f3c2a51-6b7d-4e90-a1c4-3d5e7f9b0a12\n");
    write(
        folder.path(),
        CASES.0,
        "cases: [{ name: a, request: { identity: { type: user, id: u } }, expect: { decision: allow } }]\n",
    );
    let run = doorward(&["test", path, "--mutate"]);
    insta::assert_snapshot!(run.told().replace(path, "BUNDLE"));
    let json = doorward(&["test", path, "--mutate", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let mutation = &document["mutation"];
    assert_eq!((&mutation["noticed"], &mutation["of"]), (&serde_json::json!(0), &serde_json::json!(2)));
    let (_, cases) = run.stdout.split_once("\ncases:\n").unwrap();
    write(folder.path(), "tests/b.yaml", &format!("cases:\n{cases}"));
    let again = doorward(&["test", path, "--mutate"]);
    assert!(again.stdout.contains("mutation: 2 of 2 changes of the bundle are noticed"), "{}", again.told());
}
