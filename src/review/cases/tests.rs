//! Reading test files and multiplying them out; and running them against a bundle.

mod suite;

use super::*;
use crate::compile::compile;
use crate::model::{Decision, Reason};
use crate::written::raw;

fn told(findings: &[Finding]) -> String {
    let told = findings.iter().map(|finding| {
        let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{}:{} {}: {}{help}", finding.file, finding.line, finding.column, finding.id, finding.what)
    });
    told.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn refused(yaml: &str, expected: &str) {
    let findings = check(&raw([("tests/a.yaml", yaml)]));
    assert_eq!(told(&findings).replace("tests/a.yaml:", ""), expected);
    assert!(!findings.is_empty());
}

/// Reads `yaml`, which has no problem, and hands its cases to `check`.
fn with(yaml: &str, check: impl FnOnce(&[Case<'_>])) {
    let mut diagnostics = Diagnostics::default();
    let sources = decode(&raw([("tests/a.yaml", yaml)]), &mut diagnostics);
    let documents = parse(&sources, &mut diagnostics);
    let fixtures = Fixtures::read(documents.iter().map(|document| &document.node), &mut diagnostics);
    let cases = read::cases(&documents, &fixtures, &mut diagnostics);
    assert_eq!(told(&diagnostics.findings(&sources)), "");
    check(&cases);
}

/// What the requests of a case say of the address and the service principal's risk, cell by cell.
fn facts(case: &Case<'_>) -> Vec<String> {
    let fact = |cell| {
        let node = case.lay(cell, &case.parts.request()).unwrap();
        let mut diagnostics = Diagnostics::default();
        let request = request::read(&node, &mut diagnostics).unwrap().request;
        let address = request.network.ip_address.map_or("nowhere".to_owned(), |address| address.to_string());
        format!("{address} {:?}{}", request.risk.service_principal, case.matrix.label(cell))
    };
    (0..case.matrix.cells()).map(fact).collect()
}

const ASK: &str = "request: {identity: {type: servicePrincipal, id: x}}";

#[test]
fn block_is_expected_unless_the_case_says_otherwise() {
    let yaml = format!(
        "cases:\n  - {{name: a, {ASK}}}\n  - {{name: b, {ASK}, expect: {{policies: [P]}}}}\n  \
         - {{name: c, {ASK}, expect: {{decision: allow, reason: Controls_Met, policies: [], reportOnly: [R], \
         unmetControls: [MFA, 'termsOfUse:t']}}}}\n"
    );
    with(&yaml, |cases| {
        let [a, b, c] = cases else { panic!("{cases:?}") };
        assert_eq!((a.expected.decision, a.expected.policies.is_none()), (Decision::Block, true));
        assert_eq!(b.expected.decision, Decision::Block);
        assert_eq!(b.expected.policies.as_ref().unwrap()[0].value, "P");
        assert_eq!((c.expected.decision, c.expected.reason), (Decision::Allow, Some(Reason::ControlsMet)));
        assert_eq!(c.expected.policies.as_ref().unwrap().len(), 0);
        assert_eq!(c.expected.report_only.as_ref().unwrap()[0].value, "R");
        assert_eq!(c.expected.unmet_controls.as_ref().unwrap(), &["mfa", "termsOfUse:t"]);
    });
}

#[test]
fn defaults_lie_under_each_request_object_by_object() {
    let yaml = r"
defaults:
  request:
    identity: {type: servicePrincipal, id: x}
    network: {ipAddress: 203.0.113.9, compliantNetwork: true}
    risk: {servicePrincipal: high}
cases:
  - name: all of them
  - name: one fact of its own
    request: {risk: {servicePrincipal: low}}
  - name: null takes a default away
    request: {network: {ipAddress: null}, risk: null}
";
    with(yaml, |cases| {
        let said: Vec<_> = cases.iter().flat_map(facts).collect();
        assert_eq!(said, ["203.0.113.9 High", "203.0.113.9 Low", "nowhere None"]);
    });
}

#[test]
fn a_matrix_multiplies_its_case_by_every_combination() {
    let yaml = format!(
        "cases:\n  - name: a\n    {ASK}\n    matrix: {{network.ipAddress: [203.0.113.9, null], \
         risk.servicePrincipal: [none, low, high]}}\n"
    );
    with(&yaml, |cases| {
        assert_eq!(
            facts(&cases[0]),
            [
                "203.0.113.9 None [network.ipAddress=203.0.113.9, risk.servicePrincipal=none]",
                "203.0.113.9 Low [network.ipAddress=203.0.113.9, risk.servicePrincipal=low]",
                "203.0.113.9 High [network.ipAddress=203.0.113.9, risk.servicePrincipal=high]",
                "nowhere None [network.ipAddress=null, risk.servicePrincipal=none]",
                "nowhere Low [network.ipAddress=null, risk.servicePrincipal=low]",
                "nowhere High [network.ipAddress=null, risk.servicePrincipal=high]",
            ]
        );
        let mut samples: Vec<_> = cases[0].matrix.samples().collect();
        samples.sort_unstable();
        assert_eq!(samples, [0, 1, 2, 3], "each value of each axis once, the others at their first");
    });
}

#[test]
fn a_problem_of_one_value_of_a_matrix_is_told_once_and_at_that_value() {
    refused(
        "cases:\n  - name: a\n    request: {identity: {type: user, id: x}, clientApp: brwser}\n    matrix:\n      \
         network.ipAddress: [203.0.113.9, nowhere]\n      risk.sgnIn: [low, high]\n      risk.user: [low, hgh, high]\n",
        "3:57 field-value: `brwser` is no value of `clientApp` (did you mean `browser`?)\n\
         5:40 field-value: `network.ipAddress` of `nowhere` is not an IPv4 or IPv6 address without a zone\n\
         6:7 unknown-field: there is no field `risk.sgnIn` (did you mean `signIn`?)\n\
         7:24 field-value: `hgh` is no value of `risk.user` (did you mean `high`?)",
    );
}

#[test]
fn a_matrix_that_cannot_be_laid_over_the_request_is_refused() {
    refused(
        &format!(
            "cases:\n  - name: a\n    {ASK}\n    matrix: {{identity.id.x: [a], 'a..b': [a], '{}': [a], risk.user: high, \
             platform: []}}\n",
            vec!["a"; limits::REQUEST_DEPTH_MAX + 1].join(".")
        ),
        &format!(
            "4:14 case-matrix: `identity.id.x` leads through text, not an object\n\
             4:34 case-matrix: `a..b` is no path of a request field\n\
             4:47 case-matrix: `{}` is no path of a request field\n\
             4:132 case-matrix: `risk.user` is text, not a list\n\
             4:148 case-matrix: `platform` has no values (name at least one)",
            vec!["a"; limits::REQUEST_DEPTH_MAX + 1].join(".")
        ),
    );
}

#[test]
fn the_requests_of_all_cases_together_are_bounded() {
    let values = |length: usize| vec!["low"; length].join(", ");
    let yaml = format!(
        "cases:\n  - {{name: a, {ASK}, matrix: {{risk.user: [{}], risk.signIn: [{}]}}}}\n  - {{name: b, {ASK}}}\n",
        values(1_000),
        values(limits::CASES_MAX / 1_000),
    );
    refused(
        &yaml,
        "3:12 field-limit: the tests of this bundle ask for more requests than this from here on (at most 100000 in all, \
         matrices multiplied out)",
    );
}

#[test]
fn problems_of_test_files_are_told_all_at_once() {
    refused("cases: x", "1:8 field-type: `cases` is text, not a list");
    refused(
        "case: []",
        "1:1 missing-field: `cases` is missing (list the test cases, each with a `name`, a `request` and what to \
         `expect`)\n\
         1:1 unknown-field: there is no field `case` (did you mean `cases`?)",
    );
    refused(
        &format!(
            "cases:\n  - x\n  - {{{ASK}, skip: ''}}\n  - {{name: a, note: 1, {ASK}}}\n  - {{name: b, {ASK}}}\n  \
             - {{name: b, {ASK}}}\n  - {{name: c, reqest: {{}}}}\n"
        ),
        "2:5 field-type: `cases` is text, not a list of objects\n\
         3:5 missing-field: `name` is missing (name the case after what it claims)\n\
         3:66 field-value: `skip` is empty (write a text, or leave it out)\n\
         4:21 field-type: `note` is a number, not text (put it in quotes)\n\
         6:12 case-name: a second case is called `b` (name it after what it claims)\n\
         7:5 missing-field: `identity` is missing (say who asks, as in `identity: { type: servicePrincipal, id: ... }`)\n\
         7:15 unknown-field: there is no field `reqest` (did you mean `request`?)",
    );
}

#[test]
fn an_expectation_that_no_answer_can_meet_is_refused() {
    refused(
        &format!(
            "cases:\n  - name: a\n    {ASK}\n    expect: {{reason: no_policy_applies, unmetControls: [mfaa, 'terms:t']}}\n  \
             - name: b\n    {ASK}\n    expect: {{decision: alow, reason: no_policy, policie: [x]}}\n"
        ),
        "4:22 field-value: `no_policy_applies` is a reason to allow (add `decision: allow`; without it block is \
         expected)\n\
         4:57 field-value: `mfaa` is no value of `expect.unmetControls` (did you mean `mfa`?)\n\
         4:63 field-value: `terms:t` is no value of `expect.unmetControls` (the values are block, mfa, \
         compliantDevice, domainJoinedDevice, approvedApplication, compliantApplication, passwordChange, \
         riskRemediation, verifiedID, authenticationStrength, termsOfUse, customAuthenticationFactor)\n\
         7:24 field-value: `alow` is no value of `expect.decision` (did you mean `allow`?)\n\
         7:38 field-value: `no_policy` is no value of `expect.reason` (the values are no_policy_applies, controls_met, \
         blocked_by_policy, controls_unmet, default_decision)\n\
         7:49 unknown-field: there is no field `expect.policie` (did you mean `policies`?)",
    );
}

#[test]
fn only_documents_below_tests_are_read() {
    let findings = check(&raw([
        ("cases.yaml", "cases: x"),
        ("policies/tests/a.yaml", "cases: x"),
        ("tests/README.md", "# Tests"),
        ("tests/deep/b.json", r#"{"cases": 1}"#),
        ("tests/c.yml", "cases: x"),
    ]));
    let files: Vec<_> = findings.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(files, ["tests/c.yml", "tests/deep/b.json"]);
}

const POLICIES: &str = "
- displayName: Block workloads outside the office
  id: 11111111-1111-1111-1111-111111111111
  state: enabled
  conditions:
    clientApplications: {includeServicePrincipals: [22222222-2222-2222-2222-222222222222]}
    locations: {includeLocations: [All], excludeLocations: [Office]}
  grantControls: {operator: OR, builtInControls: [block]}
- displayName: Watch risky workloads
  state: enabledForReportingButNotEnforced
  conditions:
    clientApplications: {includeServicePrincipals: [22222222-2222-2222-2222-222222222222]}
    servicePrincipalRiskLevels: [high]
  grantControls: {operator: OR, builtInControls: [block]}
";

const LOCATION: &str = "{displayName: Office, isTrusted: true, ipRanges: [203.0.113.0/24]}";

const DEFAULTS: &str = "defaults:\n  request:\n    identity: {type: servicePrincipal, id: \
                        22222222-2222-2222-2222-222222222222}\n    network: {ipAddress: 203.0.113.9}\ncases:\n";

/// Asks the bundle above the `cases`, which stand below the defaults.
fn ask(cases: &str) -> Report {
    let tests = format!("{DEFAULTS}{cases}");
    let raw = raw([("locations.yaml", LOCATION), ("policies.yaml", POLICIES), ("tests/a.yaml", tests.as_str())]);
    let compilation = compile(&raw);
    let bundle = compilation.bundle.unwrap_or_else(|| panic!("{:?}", compilation.findings));
    run(&bundle, &raw)
}

#[test]
fn a_case_passes_when_everything_it_expects_is_so() {
    let report = ask(
        "  - {name: in, expect: {decision: allow, reason: no_policy_applies, policies: [], unmetControls: []}}\n\
         \x20 - name: out\n    note: The office is a trusted location.\n    request: {network: {ipAddress: 198.51.100.7}}\n\
         \x20   expect: {reason: blocked_by_policy, policies: [11111111-1111-1111-1111-111111111111]}\n\
         \x20 - name: risky\n    request: {risk: {servicePrincipal: high}}\n\
         \x20   expect: {decision: allow, reportOnly: [Watch risky workloads]}\n",
    );
    assert!(report.is_green(), "{report:?}");
    let places: Vec<_> = report.results.iter().map(|result| (&*result.file, result.line, &*result.name)).collect();
    assert_eq!(places, [("tests/a.yaml", 6, "in"), ("tests/a.yaml", 7, "out"), ("tests/a.yaml", 11, "risky")]);
    assert_eq!(report.results[1].note.as_deref(), Some("The office is a trusted location."));
}

#[test]
fn a_case_fails_with_each_difference_and_how_the_policies_came_out() {
    let report =
        ask("  - name: a\n    request: {network: {ipAddress: 198.51.100.7}, risk: {servicePrincipal: high}}\n\
         \x20   expect: {decision: allow, reason: controls_met, policies: [Watch risky workloads], reportOnly: [], \
         unmetControls: [mfa]}\n");
    assert!(!report.is_green());
    let CaseOutcome::Fail { differences, trace } = &report.results[0].outcome else { panic!("{report:?}") };
    let differences: Vec<_> =
        differences.iter().map(|it| format!("{}: {} / {}", it.field, it.expected, it.actual)).collect();
    assert_eq!(
        differences[..2],
        ["decision: allow / block".to_owned(), "reason: controls_met / blocked_by_policy".to_owned()]
    );
    let lists = [
        "policies: Watch risky workloads / Block workloads outside the office",
        "reportOnly: none / Watch risky workloads",
    ];
    for list in lists {
        assert!(differences.iter().any(|difference| difference == list), "{differences:?}");
    }
    assert!(differences.iter().any(|difference| difference.starts_with("unmetControls: mfa / ")), "{differences:?}");
    assert_eq!(trace.len(), 2);
}

#[test]
fn a_missing_expectation_is_a_block() {
    let report = ask("  - {name: allowed}\n  - {name: blocked, request: {network: {ipAddress: 198.51.100.7}}}\n");
    assert!(matches!(report.results[0].outcome, CaseOutcome::Fail { .. }));
    assert!(matches!(report.results[1].outcome, CaseOutcome::Pass));
}

#[test]
fn each_combination_of_a_matrix_has_its_own_result() {
    let report = ask(
        "  - name: a\n    matrix: {network.ipAddress: [203.0.113.9, 198.51.100.7]}\n    expect: {decision: allow}\n",
    );
    assert_eq!(report.results[0].name, "a [network.ipAddress=203.0.113.9]");
    assert!(matches!(report.results[0].outcome, CaseOutcome::Pass));
    assert!(matches!(report.results[1].outcome, CaseOutcome::Fail { .. }));
}

#[test]
fn a_skipped_case_is_not_asked_and_says_why() {
    let report = ask("  - {name: a, skip: waits for the new office}\n");
    assert!(
        matches!(&report.results[0].outcome, CaseOutcome::Skipped { reason } if &**reason == "waits for the new office")
    );
    assert!(report.is_green());
}

#[test]
fn a_request_that_contradicts_the_catalogue_is_broken_and_not_green() {
    let raw = raw([
        ("policies.yaml", POLICIES),
        ("locations.yaml", LOCATION),
        (
            "principals.yaml",
            "id: 22222222-2222-2222-2222-222222222222\nservicePrincipalType: Application\nsignInAudience: AzureADMyOrg\n",
        ),
        (
            "tests/a.yaml",
            &format!("{DEFAULTS}  - {{name: a, request: {{identity: {{audience: AzureADMultipleOrgs}}}}}}\n"),
        ),
    ]);
    let compilation = compile(&raw);
    let report = run(&compilation.bundle.unwrap_or_else(|| panic!("{:?}", compilation.findings)), &raw);
    let CaseOutcome::Broken { error } = &report.results[0].outcome else { panic!("{report:?}") };
    assert_eq!(error.field, "identity.audience");
    assert!(!report.is_green());
}

#[test]
fn an_expected_policy_that_does_not_exist_is_an_error() {
    let report = ask("  - {name: a, expect: {decision: allow, policies: [], reportOnly: [Watch risky workload]}}\n");
    assert_eq!(
        told(&report.findings),
        "tests/a.yaml:6:68 case-policy: no policy is called `Watch risky workload` (did you mean `Watch risky workloads`?)"
    );
    assert!(!report.is_green());
}

/// A case whose identity was a name of the catalogue passed, and proved nothing about whom it named.
#[test]
fn a_name_or_an_app_id_in_the_place_of_an_object_id_is_told_once() {
    let id = |number: u32| format!("5b0f4a86-1f0e-4d55-8a77-00000000000{number}");
    let catalogue = format!(
        "servicePrincipals:\n  - {{id: {}, displayName: Payroll sync, appId: {}}}\n  - {{id: {}, displayName: other}}\n",
        id(1),
        id(2),
        id(3)
    );
    let yaml = format!(
        "defaults: {{request: {{identity: {{type: servicePrincipal, id: Payroll sync}}}}}}\ncases:\n  \
         - {{name: a, expect: {{decision: allow}}}}\n  - {{name: b, expect: {{decision: allow}}}}\n  \
         - {{name: c, matrix: {{identity.id: [{}, {}, other, another]}}, expect: {{decision: allow}}}}\n  \
         - {{name: d, request: {{identity: {{type: user}}}}, expect: {{decision: allow}}}}\n",
        id(2),
        id(1)
    );
    let raw = raw([("catalogue.yaml", &catalogue), ("tests/a.yaml", &yaml)]);
    let report = run(&compile(&raw).bundle.unwrap(), &raw);
    let help = |number| format!("(the object id of that service principal is {})", id(number));
    let expected = [
        format!("tests/a.yaml:1:61 case-identity: `Payroll sync` is a name {}", help(1)),
        format!("tests/a.yaml:5:38 case-identity: `{}` is an app id {}", id(2), help(1)),
        format!("tests/a.yaml:5:114 case-identity: `other` is a name {}", help(3)),
    ];
    assert_eq!(told(&report.findings), expected.join("\n"));
    assert!(report.is_green() && report.results.len() == 7, "a warning, and the cases are asked as they are");
}

#[test]
fn failures_past_a_bound_are_not_explained() {
    let report = ask(&format!(
        "  - name: a\n    matrix: {{risk.user: [{}]}}\n",
        vec!["low"; limits::CASES_EXPLAINED_MAX + 1].join(", ")
    ));
    let explained =
        |result: &CaseResult| matches!(&result.outcome, CaseOutcome::Fail { trace, .. } if !trace.is_empty());
    assert_eq!(report.results.iter().filter(|result| explained(result)).count(), limits::CASES_EXPLAINED_MAX);
    assert_eq!(report.results.len(), limits::CASES_EXPLAINED_MAX + 1);
}

#[test]
fn large_defaults_under_many_cases_are_refused_before_they_are_multiplied() {
    let groups = "'7d9a2c10-0000-4000-8000-000000000001', ".repeat(4_000);
    let cases: String = (0..5_000).map(|number| format!("  - {{name: n{number}}}\n")).collect();
    let yaml =
        format!("defaults: {{request: {{identity: {{type: user, id: x, groups: [{groups}]}}}}}}\ncases:\n{cases}");
    let findings = check(&raw([("tests/a.yaml", yaml.as_str())]));
    let said = told(&findings);
    assert_eq!(findings.len(), 1, "{said}");
    assert!(said.contains("field-limit: the requests of the tests of this bundle come to more than this"), "{said}");
}

#[test]
fn a_large_value_of_a_matrix_is_neither_multiplied_nor_repeated_in_names() {
    let large = "x".repeat(200_000);
    let numbers = (0..200).map(|number| format!("d{number}")).collect::<Vec<_>>().join(", ");
    let yaml = |others: &str| {
        format!(
            "cases:\n  - name: a\n    {ASK}\n    matrix: {{identity.customSecurityAttributes.S.A: [{large}], \
             identity.id: [{others}], resource: [{{appIds: [a]}}]}}\n"
        )
    };
    with(&yaml("a, b"), |cases| {
        let label = cases[0].matrix.label(1);
        let cut = "x".repeat(limits::MATRIX_LABEL_CHARS_MAX);
        assert_eq!(
            label,
            format!(" [identity.customSecurityAttributes.S.A={cut}…, identity.id=b, resource={{appIds: [a]}}]")
        );
    });
    let findings = check(&raw([("tests/a.yaml", &yaml(&[numbers.as_str(); 20].join(", ")))]));
    let said = told(&findings);
    assert!(said.contains("field-limit: the requests of the tests of this bundle come to more than this"), "{said}");
}
