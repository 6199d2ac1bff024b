//! Fixtures, clocks, tags, and expectations beyond the decision.

use super::*;
use crate::model::set::Word;

const FIXTURES: &str = "
fixtures:
  identities:
    build: { type: servicePrincipal, id: b, appId: b-app }
    payroll: { type: servicePrincipal, id: p }
  networks:
    office: { ipAddress: 192.0.2.7, country: NL }
  devices:
    laptop: { isCompliant: true, operatingSystem: Windows }
  requests:
    risky: { risk: { servicePrincipal: high }, identity: payroll }
";

/// The whole request of each case, in a line.
fn asked(yaml: &str) -> Vec<String> {
    let mut told = Vec::new();
    with(yaml, |cases| {
        for case in cases {
            for cell in 0..case.matrix.cells() {
                let node = case.lay(cell, &case.parts.request()).unwrap();
                let request = request::read(&node, &mut Diagnostics::default()).unwrap().request;
                let app = request.identity.app_id.map(|id| format!("({id})")).unwrap_or_default();
                let address = request.network.ip_address.map_or("-".to_owned(), |address| address.to_string());
                let country = if request.network.country.is_some() { "+" } else { "" };
                let risk = request.risk.service_principal.as_str();
                let device = if request.device.is_some() { " device" } else { "" };
                let time = request.now.map(|now| format!(" {now}")).unwrap_or_default();
                told.push(format!("{}{app} {address}{country} {risk}{device}{time}", request.identity.id));
            }
        }
    });
    told
}

#[test]
fn a_fixture_takes_the_place_of_what_lies_under_it_and_members_are_laid_on_top() {
    let cases = "
defaults: { request: { identity: build, network: { ipAddress: 203.0.113.9, country: DE } } }
cases:
  - name: the defaults
    request: { device: laptop }
  - name: another identity has nothing of the first
    request: { identity: payroll }
  - name: another network too
    request: { network: office }
  - name: members on top
    request: { network: { use: office, country: null }, identity: { use: build, id: c } }
  - name: plain members change the default
    request: { identity: { id: d } }
  - name: a part of a request leaves the rest alone
    request: risky
  - name: and can be added to
    request: { use: risky, risk: { servicePrincipal: low } }
  - name: a matrix of fixtures
    matrix: { identity: [payroll, build], network.country: [null] }
";
    assert_eq!(
        asked(&format!("{FIXTURES}{cases}")),
        [
            "b(b-app) 203.0.113.9+ none device",
            "p 203.0.113.9+ none",
            "b(b-app) 192.0.2.7+ none",
            "c(b-app) 192.0.2.7 none",
            "d(b-app) 203.0.113.9+ none",
            "p 203.0.113.9+ high",
            "p 203.0.113.9+ low",
            "p 203.0.113.9 none",
            "b(b-app) 203.0.113.9 none",
        ]
    );
}

#[test]
fn the_clock_of_a_request_beats_that_of_its_case_and_that_of_its_file() {
    let yaml = "
time: 2026-01-01T00:00:00Z
defaults: { request: { identity: { type: user, id: u } } }
cases:
  - name: of the file
  - name: of the case
    time: 2026-01-02T00:00:00Z
  - name: of the request
    time: 2026-01-02T00:00:00Z
    request: { time: 2026-01-03T00:00:00Z }
  - name: none
    request: { time: null }
";
    assert_eq!(
        asked(yaml),
        ["u - none 2026-01-01T00:00:00Z", "u - none 2026-01-02T00:00:00Z", "u - none 2026-01-03T00:00:00Z", "u - none"]
    );
    refused(
        "time: noon\ncases:\n  - {name: a, request: {identity: {type: user, id: u}}}\n",
        "1:7 field-value: `time` of `noon` is not a timestamp such as 2026-05-01T00:00:00Z",
    );
}

#[test]
fn fixtures_of_a_file_without_cases_are_for_all_files() {
    let shared = ("tests/fixtures.yaml", "fixtures: { identities: { build: { type: user, id: b } } }");
    let cases = ("tests/a.yaml", "cases: [{ name: a, request: { identity: build } }]");
    assert_eq!(told(&check(&raw([shared, cases]))), "");
    let apart = (
        "tests/b.yaml",
        "fixtures: { identities: { own: { type: user, id: o } } }\ncases: [{ name: b, request: { identity: own } }]",
    );
    let others = ("tests/c.yaml", "cases: [{ name: c, request: { identity: own } }]");
    assert_eq!(
        told(&check(&raw([shared, cases, apart, others]))),
        "tests/c.yaml:1:41 case-fixture: no fixture of `identities` is called `own` (write `fixtures: { identities: { own: \
         ... } }` in this file, or in one without cases)"
    );
}

#[test]
fn a_fixture_that_is_unknown_unused_double_or_no_object_is_told() {
    refused(
        "fixtures:\n  identities: { build: { type: user, id: b }, spare: { type: user, id: s } }\n  networks: [office]\n  \
         devices: { laptop: Windows }\n  phones: {}\ncases:\n  - { name: a, request: { identity: biuld } }\n  - { name: b, \
         request: { identity: build, network: { use: 7 } } }\n",
        "2:47 unused-fixture: no case uses the identity `spare` (use it, or take it out)\n\
         3:13 field-type: `fixtures.networks` is a list, not an object of named objects\n\
         4:22 field-type: `fixtures.devices.laptop` is text, not an object\n\
         5:3 unknown-field: there is no field `fixtures.phones` (the fields here are identities, networks, devices, requests)\n\
         7:37 case-fixture: no fixture of `identities` is called `biuld` (did you mean `build`?)\n\
         8:60 field-type: `use` is a number, not the name of a fixture",
    );
    let shared = ("tests/fixtures.yaml", "fixtures: { identities: { build: { type: user, id: b } } }");
    let again = (
        "tests/a.yaml",
        "fixtures: { identities: { build: { type: user, id: c } } }\ncases: [{ name: a, request: { identity: build } }]",
    );
    assert_eq!(
        told(&check(&raw([shared, again]))),
        "tests/a.yaml:1:27 case-fixture: a second identity is called `build` (name it otherwise)"
    );
}

#[test]
fn a_mistake_in_a_fixture_is_told_once_however_many_cases_use_it() {
    refused(
        "fixtures: { networks: { office: { ipAdress: 192.0.2.7 } } }\ndefaults: { request: { identity: { type: user, id: u }, \
         network: office } }\ncases: [{ name: a }, { name: b }]\n",
        "1:35 unknown-field: there is no field `network.ipAdress` (did you mean `ipAddress`?)",
    );
}

#[test]
fn large_fixtures_under_many_cells_are_refused_before_they_are_multiplied() {
    let groups = vec!["0f8fad5b-d9cb-469f-a165-70867728950e"; limits::GROUPS_MAX].join(", ");
    let cells = vec!["low"; 5_000].join(", ");
    for case in ["request: { identity: many }", "request: whole", "matrix: { identity: [many] }"] {
        let yaml = format!(
            "fixtures: {{ identities: {{ many: {{ type: user, id: u, groups: [{groups}] }} }}, requests: {{ whole: {{ identity: \
             many }} }} }}\ncases:\n  - {{ name: a, {} }}\n",
            match case.starts_with("matrix") {
                true => format!("matrix: {{ identity: [many], risk.user: [{cells}] }}"),
                false => format!("{case}, matrix: {{ risk.user: [{cells}] }}"),
            }
        );
        let findings = check(&raw([("tests/a.yaml", &yaml)]));
        assert!(findings.iter().any(|finding| finding.id == "field-limit"), "{case}: {}", told(&findings));
    }
}

#[test]
fn skipping_needs_a_reason_in_words() {
    refused(
        &format!("cases:\n  - {{name: a, {ASK}, skip: true}}\n  - {{name: b, {ASK}, skip: ''}}\n"),
        "2:75 field-type: `skip` is a boolean, not a reason in words (say why, as in `skip: users come next month`)\n\
         3:75 field-value: `skip` is empty (write a text, or leave it out)",
    );
}

#[test]
fn words_that_no_answer_has_are_refused_in_expectations() {
    refused(
        &format!(
            "cases:\n  - name: a\n    {ASK}\n    expect:\n      sessionControls: [signInFrequenzy 4 hours]\n      \
             conditions: {{ P: {{ loction: matched, location: maybe }}, Q: matched }}\n"
        ),
        "5:25 field-value: `signInFrequenzy` is no value of `expect.sessionControls` (did you mean `signInFrequency`?)\n\
         6:26 field-value: `loction` is no value of `expect.conditions.P` (did you mean `location`?)\n\
         6:54 field-value: `maybe` is no value of `expect.conditions.P.location` (the values are matched, notMatched, \
         unknown)\n\
         6:66 field-type: `expect.conditions.Q` is text, not an object of conditions (as in `location: matched`)",
    );
}

const BUNDLE: [(&str, &str); 2] = [
    (
        "policies.yaml",
        "
policies:
  - displayName: Browsers sign in daily
    state: enabled
    conditions: { users: { includeUsers: [All] }, applications: { includeApplications: [All] }, clientAppTypes: [browser] }
    sessionControls: { signInFrequency: { isEnabled: true, value: 1, type: days, frequencyInterval: timeBased, authenticationType: primaryAndSecondaryAuthentication } }
  - displayName: Outside with a second factor
    state: enabled
    conditions: { users: { includeUsers: [All] }, applications: { includeApplications: [All] }, locations: { includeLocations: [All], excludeLocations: [Office] } }
    grantControls: { operator: OR, builtInControls: [mfa] }
",
    ),
    ("locations.yaml", "namedLocations: [{ displayName: Office, ipRanges: [192.0.2.0/24] }]"),
];

/// How the single case of a request by a user comes out: what differs, and which policies are told of.
fn outcome(case: &str) -> (Vec<String>, Vec<u32>) {
    let yaml = format!(
        "cases:\n  - name: a\n    request: {{ identity: {{ type: user, id: u }}, clientApp: browser, network: {{ ipAddress: \
         203.0.113.9 }} }}\n    expect: {case}\n"
    );
    let raw = raw([BUNDLE[0], BUNDLE[1], ("tests/a.yaml", &yaml)]);
    let compilation = compile(&raw);
    let bundle = compilation.bundle.unwrap_or_else(|| panic!("{}", told(&compilation.findings)));
    let report = run(&bundle, &raw);
    assert_eq!(told(&report.findings), "");
    match &report.results[0].outcome {
        CaseOutcome::Pass => (Vec::new(), Vec::new()),
        CaseOutcome::Fail { differences, trace } => (
            differences.iter().map(|it| format!("{}: {} / {}", it.field, it.expected, it.actual)).collect(),
            trace.iter().map(|trace| trace.policy.0).collect(),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_part_of_an_answer_can_be_expected() {
    let right = "{ decision: block, reason: controls_unmet, policies: [Outside with a second factor], reportOnly: [], \
                 unmetControls: [mfa], conditions: { Outside with a second factor: { location: matched, users: matched }, \
                 Browsers sign in daily: { clientType: matched } } }";
    assert_eq!(outcome(right), (Vec::new(), Vec::new()));
    let wrong = "{ decision: allow, reason: controls_met, policies: [Browsers sign in daily], unmetControls: [], \
                 sessionControls: [signInFrequency 1 hours], message: Come in, conditions: { Outside with a second factor: \
                 { location: notMatched, when: matched } } }";
    let (differences, policies) = outcome(wrong);
    assert_eq!(
        differences,
        [
            "decision: allow / block",
            "reason: controls_met / controls_unmet",
            "policies: Browsers sign in daily / Outside with a second factor",
            "unmetControls: none / mfa",
            "sessionControls: signInFrequency 1 hours / none",
            "message: Come in / none",
            "conditions: location of Outside with a second factor notMatched / location of Outside with a second factor \
             matched (include All)",
            "conditions: when of Outside with a second factor matched / when of Outside with a second factor is no condition \
             of this request",
        ]
    );
    assert_eq!(policies, [0, 1]);
}

#[test]
fn a_failure_tells_of_the_policies_that_the_difference_is_about() {
    assert_eq!(outcome("{ decision: allow }").1, [1], "what blocked");
    assert_eq!(outcome("{ decision: block, policies: [] }").1, [1], "what was not expected");
    let about_one = "{ decision: block, conditions: { Browsers sign in daily: { clientType: notMatched } } }";
    assert_eq!(outcome(about_one).1, [0], "whose condition came out otherwise");
}
