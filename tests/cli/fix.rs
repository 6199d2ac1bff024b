//! `check --fix`: what it mends, that it mends nothing else, and what it keeps its hands off.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use doorward::compile;
use doorward::review::{cases, rules};
use doorward::text::{Block, Finding};
use serde_json::Value;

use super::run::{BLOCK, Run, bundle, doorward, mkfifo, write};
use crate::support::written::raw;

/// A mistake that can be mended: the rule, the file, its text, and the text mended.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// At least one for every rule that offers a fix.
const CASES: &[Case] = &[
    (
        "host-bits",
        "office.yaml",
        "displayName: Office # where we are\nipRanges:\n  - 203.0.113.9/24 # the router\n  - '198.51.100.7/25'\n  - \"2001:db8::1/32\"\n",
        "displayName: Office # where we are\nipRanges:\n  - 203.0.113.0/24 # the router\n  - '198.51.100.0/25'\n  - \"2001:db8::/32\"\n",
    ),
    (
        "country-code",
        "home.yaml",
        "displayName: Home\ncountriesAndRegions: [NL, UK] # and no others\n",
        "displayName: Home\ncountriesAndRegions: [NL, GB] # and no others\n",
    ),
    (
        "unknown-setting",
        "bundle.yaml",
        "# of us all\ndefault-decision: block\nTenantID: 8f3c2a51-6b7d-4e90-a1c4-3d5e7f9b0a12\nlints: { Host_Bits: error }\n",
        "# of us all\ndefaultDecision: block\ntenantId: 8f3c2a51-6b7d-4e90-a1c4-3d5e7f9b0a12\nlints: { host-bits: error }\n",
    ),
    (
        "unknown-value",
        "policy.yaml",
        "displayName: P\nstate: enabled-for-reporting-but-not-enforced\nconditions:\n  users: { includeUsers: [all] } # everybody\ngrantControls: { builtInControls: ['Compliant-Device'] }\n",
        "displayName: P\nstate: enabledForReportingButNotEnforced\nconditions:\n  users: { includeUsers: [All] } # everybody\ngrantControls: { builtInControls: ['compliantDevice'] }\n",
    ),
    (
        "unknown-value",
        "bundle.yaml",
        "defaultDecision: Block\nmissingIp: outsideall # as Entra has it\n",
        "defaultDecision: block\nmissingIp: outsideAll # as Entra has it\n",
    ),
    (
        "wrong-type",
        "office.yaml",
        "displayName: 42 # so it is called\nisTrusted: 'True'\nipRanges: 203.0.113.0/24\n",
        "displayName: \"42\" # so it is called\nisTrusted: true\nipRanges: [203.0.113.0/24]\n",
    ),
    (
        "wrong-type",
        "office.json",
        "{\"displayName\": 42, \"isTrusted\": \"true\", \"@odata.type\": \"#microsoft.graph.ipNamedLocation\",\n \"ipRanges\": []}",
        "{\"displayName\": \"42\", \"isTrusted\": true, \"@odata.type\": \"#microsoft.graph.ipNamedLocation\",\n \"ipRanges\": []}",
    ),
    (
        "filter-operator",
        "policy.yaml",
        "displayName: P\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  devices:\n    deviceFilter: { mode: include, rule: 'device.isCompliant == True -and device.model != \"x\"' } # old\ngrantControls: { builtInControls: [block] }\n",
        "displayName: P\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  devices:\n    deviceFilter: { mode: include, rule: 'device.isCompliant -eq True -and device.model -ne \"x\"' } # old\ngrantControls: { builtInControls: [block] }\n",
    ),
    (
        "filter-operator",
        "policy.json",
        "{\"displayName\": \"P\", \"state\": \"enabled\", \"grantControls\": {\"builtInControls\": [\"block\"]}, \"conditions\":\n  {\"users\": {\"includeUsers\": [\"All\"]}, \"devices\": {\"deviceFilter\":\n    {\"mode\": \"include\", \"rule\": \"device.model == \\\"x\\\"\"}}}}\n",
        "{\"displayName\": \"P\", \"state\": \"enabled\", \"grantControls\": {\"builtInControls\": [\"block\"]}, \"conditions\":\n  {\"users\": {\"includeUsers\": [\"All\"]}, \"devices\": {\"deviceFilter\":\n    {\"mode\": \"include\", \"rule\": \"device.model -eq \\\"x\\\"\"}}}}\n",
    ),
    (
        "filter-syntax",
        "policy.yaml",
        "displayName: P\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  devices:\n    deviceFilter: { mode: include, rule: 'device.isCompliant==True&&device.model !=\"x\" || device.model -eq \"y\"' } # old\ngrantControls: { builtInControls: [block] }\n",
        "displayName: P\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  devices:\n    deviceFilter: { mode: include, rule: 'device.isCompliant -eq True -and device.model -ne \"x\" -or device.model -eq \"y\"' } # old\ngrantControls: { builtInControls: [block] }\n",
    ),
    (
        "cedar-case",
        "policy.yaml",
        "displayName: P\nstate: enabled\nwhen: |\n  // by hand\n  principal.appId == \"C1A4E2D0-8B3F-4C6A-9E57-0D1B2F3A4C01\"\nconditions:\n  clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }\ngrantControls: { builtInControls: [block] }\n",
        "displayName: P\nstate: enabled\nwhen: |\n  // by hand\n  principal.appId == \"c1a4e2d0-8b3f-4c6a-9e57-0d1b2f3a4c01\"\nconditions:\n  clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }\ngrantControls: { builtInControls: [block] }\n",
    ),
    (
        "yaml-key",
        "office.yaml",
        "1: x # one\ndisplayName: Office\nipRanges: []\n",
        "\"1\": x # one\ndisplayName: Office\nipRanges: []\n",
    ),
    (
        "json-syntax",
        "office.json",
        "{\"displayName\": \"Office\", \"@odata.type\": \"#microsoft.graph.ipNamedLocation\",\n \"ipRanges\": [{\"@odata.type\": \"#microsoft.graph.iPv4CidrRange\", \"cidrAddress\": \"203.0.113.0/24\",},],\n}",
        "{\"displayName\": \"Office\", \"@odata.type\": \"#microsoft.graph.ipNamedLocation\",\n \"ipRanges\": [{\"@odata.type\": \"#microsoft.graph.iPv4CidrRange\", \"cidrAddress\": \"203.0.113.0/24\"}]\n}",
    ),
    (
        "unknown-field",
        "tests/a.yaml",
        "cases:\n  - Name: one # first\n    request: { identity: { type: servicePrincipal, ID: a } }\n    expect: { decision: block }\n",
        "cases:\n  - name: one # first\n    request: { identity: { type: servicePrincipal, id: a } }\n    expect: { decision: block }\n",
    ),
    (
        "field-value",
        "tests/a.yaml",
        "cases:\n  - name: one\n    request: { identity: { type: service-principal, id: a } } # who\n    expect: { decision: block }\n",
        "cases:\n  - name: one\n    request: { identity: { type: servicePrincipal, id: a } } # who\n    expect: { decision: block }\n",
    ),
    (
        "field-type",
        "tests/a.yaml",
        "cases:\n  - name: 1\n    request: { identity: { type: servicePrincipal, id: 7 } } # who\n    expect: { decision: block, policies: Block }\n",
        "cases:\n  - name: \"1\"\n    request: { identity: { type: servicePrincipal, id: \"7\" } } # who\n    expect: { decision: block, policies: [Block] }\n",
    ),
];

fn fix(folder: &tempfile::TempDir, more: &[&str]) -> Run {
    let path = folder.path().to_str().unwrap();
    let mut run = doorward(&[&["check", path, "--fix"], more].concat());
    run.stdout = run.stdout.replace(path, "BUNDLE");
    run
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.told()))
}

fn found<'v>(body: &'v Value, list: &str) -> BTreeSet<&'v str> {
    body[list].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn what_can_only_have_been_meant_is_written_and_nothing_else() {
    for (rule, name, before, after) in CASES {
        let folder = bundle(&[BLOCK, (name, before)]);
        let body = json(&fix(&folder, &["--format", "json"]));
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), *after, "{rule}: {body:#}");
        assert!(found(&body, "fixed").contains(rule), "{rule}: {body:#}");
        assert!(!found(&body, "findings").contains(rule), "{rule}: {body:#}");
        assert_eq!(fs::read_to_string(folder.path().join(BLOCK.0)).unwrap(), BLOCK.1);
        let again = json(&fix(&folder, &["--format", "json"]));
        assert_eq!(again["fixed"].as_array().unwrap().len(), 0, "{rule}: {again:#}");
    }
}

/// Of the examples of all rules, and of the bundles here: a new fix needs a case above.
#[test]
fn every_rule_that_offers_a_fix_has_a_case() {
    let mut offered = BTreeSet::new();
    for rule in rules::every() {
        let sections = rule.sections();
        let blocks = sections.iter().filter(|section| section.title == "Example").flat_map(|section| &section.blocks);
        let files: Vec<_> = blocks
            .filter_map(|block| match block {
                Block::File { name, text } => Some((*name, *text)),
                Block::Text(_) => None,
            })
            .collect();
        offered.extend(look(&files).into_iter().filter(|finding| finding.fix.is_some()).map(|finding| finding.id));
    }
    let cased: BTreeSet<_> = CASES.iter().map(|(rule, ..)| *rule).collect();
    assert!(offered.is_subset(&cased), "{offered:?}\n{cased:?}");
    assert!(offered.len() > 3, "{offered:?}");
}

fn look(files: &[(&str, &str)]) -> Vec<Finding> {
    let raw = raw(files.iter().copied());
    let mut findings = compile::compile(&raw).findings;
    findings.extend(cases::check(&raw));
    findings
}

/// Where a bundle is accepted as it is, no request may be decided otherwise afterwards.
#[test]
fn a_warning_is_mended_without_a_change_of_any_decision() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut locations = String::new();
    for number in 0..40 {
        locations += &format!("- displayName: L{number} # c{number}\n  isTrusted: {}\n  ipRanges:\n", random.bool());
        for _ in 0..random.usize(1..6) {
            let range = match random.usize(0..3) {
                0 => format!("{}/{}", std::net::Ipv4Addr::from(random.u32(..)), random.u8(1..=32)),
                1 => format!("{}/{}", std::net::Ipv6Addr::from(random.u128(..)), random.u8(1..=128)),
                _ => format!("2001:db8::{:x}/{}", random.u16(..), random.u8(96..=128)),
            };
            let range = match random.usize(0..3) {
                0 => range,
                1 => format!("'{range}'"),
                _ => format!("\"{range}\""),
            };
            locations += &format!("    - {range} # of L{number}\n");
        }
    }
    let policies: String = (0..40)
        .map(|number| {
            format!("- displayName: P{number}\n  state: enabled\n  conditions:\n    clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }}\n    locations: {{ includeLocations: [All], excludeLocations: [L{number}] }}\n  grantControls: {{ builtInControls: [block] }}\n")
        })
        .collect();
    let files = [("locations.yaml", locations.as_str()), ("policies.yaml", policies.as_str())];
    let (before, after) = (bundle(&files), bundle(&files));
    let body = json(&fix(&after, &["--format", "json"]));
    assert!(body["fixed"].as_array().unwrap().len() > 30, "{body:#}");
    assert!(!found(&body, "findings").contains("host-bits"));
    let mended = fs::read_to_string(after.path().join("locations.yaml")).unwrap();
    let comments = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment.to_owned()).collect()
    };
    assert_eq!(comments(&mended), comments(&locations));
    let path = |folder: &tempfile::TempDir| folder.path().to_str().unwrap().to_owned();
    let difference = doorward(&["diff", &path(&before), &path(&after), "--fail-on", "any"]);
    assert_eq!(difference.code, 0, "{}", difference.told());
}

/// Another word may have been meant, or the text is written in a way that a replacement would break.
#[test]
fn what_leaves_a_doubt_is_not_touched() {
    let policy = |conditions: &str| {
        format!(
            "displayName: P\nstate: enabled\nconditions:\n  {conditions}\ngrantControls: {{ builtInControls: [block] }}\n"
        )
    };
    for (note, name, text) in [
        ("another letter", "bundle.yaml", "defaultDecison: block\n".to_owned()),
        ("both are there", "bundle.yaml", "defaultDecision: block\ndefaultdecision: allow\n".to_owned()),
        ("another letter", "p.yaml", policy("users: { includeUsers: [All] }\n  signInRiskLevels: [hgih]")),
        (
            "a warning whose fix would decide otherwise",
            "p.yaml",
            policy("users: { includeUsers: [All], ExcludeUsers: [0f8fad5b-d9cb-469f-a165-70867728950e] }"),
        ),
        ("perhaps two ids", "p.yaml", policy("users: { includeUsers: 'a,b' }")),
        (
            "a name that is near",
            "p.yaml",
            policy(
                "users: { includeUsers: [All] }\n  locations: { includeLocations: [All], excludeLocations: [office] }",
            ),
        ),
        (
            "the same text twice",
            "p.yaml",
            policy(
                "users: { includeUsers: [All] }\nwhen: principal.id == \"0F8FAD5B-D9CB-469F-A165-70867728950E\" || principal.id == \"0F8FAD5B-D9CB-469F-A165-70867728950E\"",
            ),
        ),
        ("an alias", "l.yaml", "x: &x true\ndisplayName: *x\nipRanges: []\n".to_owned()),
        ("one of several words", "p.yaml", policy("users: { includeUsers: [All] }\n  clientAppTypes: [browse]")),
        ("a text in a block", "l.yaml", "displayName: L\nipRanges:\n  - |-\n    203.0.113.9/24\n".to_owned()),
    ] {
        let folder =
            bundle(&[BLOCK, ("office.yaml", "displayName: Office\nipRanges: [203.0.113.0/24]\n"), (name, &text)]);
        let body = json(&fix(&folder, &["--format", "json"]));
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), text, "{note}");
        assert_eq!(body["fixed"], Value::Array(Vec::new()), "{note}");
        assert!(!body["findings"].as_array().unwrap().is_empty(), "{note}: the mistake is one");
    }
}

#[test]
fn a_file_in_another_encoding_is_not_touched_and_nothing_is_promised() {
    let folder = bundle(&[BLOCK]);
    let marked = "\u{feff}displayName: L\nipRanges: [203.0.113.9/24]\n";
    write(folder.path(), "l.yaml", marked);
    let run = fix(&folder, &[]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("host-bits") && !run.stdout.contains("--fix"), "{}", run.stdout);
    assert_eq!(fs::read_to_string(folder.path().join("l.yaml")).unwrap(), marked);
}

const MISTAKES: [(&str, &str); 2] = [
    ("office.yaml", "displayName: Office\nisTrusted: \"true\"\nipRanges: [203.0.113.9/24] # here\n"),
    (
        "policy.yaml",
        "displayName: P\nstate: enabled\nconditions:\n  users: { includeUsers: [all] }\n  locations: { includeLocations: [All], excludeLocations: [Ofice] }\ngrantControls: { builtInControls: [block] }\n",
    ),
];

#[test]
fn a_check_says_what_could_be_fixed_and_a_fix_what_was_and_what_remains() {
    let folder = bundle(&MISTAKES);
    let path = folder.path().to_str().unwrap();
    let mut check = doorward(&["check", path]);
    check.stdout = check.stdout.replace(path, "BUNDLE");
    insta::assert_snapshot!(format!("{}\n=== --fix\n{}", check.told(), fix(&folder, &[]).told()));
    assert_eq!(
        fs::read_to_string(folder.path().join("office.yaml")).unwrap(),
        "displayName: Office\nisTrusted: true\nipRanges: [203.0.113.0/24] # here\n"
    );
}

#[test]
fn programs_get_the_fix_with_its_place() {
    let folder = bundle(&MISTAKES);
    let path = folder.path().to_str().unwrap();
    let run = |format| doorward(&["check", path, "--format", format]);
    let findings = json(&run("json"));
    let fixes: BTreeMap<_, _> = findings["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["id"].as_str().unwrap(), &finding["fix"]))
        .collect();
    assert_eq!(fixes["unknown-location"], &Value::Null);
    assert_eq!(
        fixes["host-bits"],
        &serde_json::json!({ "startLine": 3, "startColumn": 12, "endLine": 3, "endColumn": 26, "replacement": "203.0.113.0/24" })
    );
    let log = json(&run("sarif"));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let fixed: Vec<_> = results.iter().filter(|result| result.get("fixes").is_some()).collect();
    assert_eq!((results.len(), fixed.len()), (4, 3));
    let change = &fixed[0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], format!("{path}/office.yaml"));
    assert_eq!(change["replacements"][0]["deletedRegion"]["endColumn"], 18);
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "true");
}

#[test]
fn an_archive_is_not_written_into() {
    let folder = bundle(&[BLOCK, ("bundle.tar.gz", "")]);
    let run = doorward(&["check", "--fix", folder.path().join("bundle.tar.gz").to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("--fix writes into a folder"), "{}", run.stderr);
    assert_eq!(doorward(&["check", "--fix", "--explain", "host-bits"]).code, 2);
}

const OFFICE: &str = "displayName: Office\r\nipRanges:\r\n- 203.0.113.9/24";
const MENDED: &str = "displayName: Office\r\nipRanges:\r\n- 203.0.113.0/24";

#[test]
fn line_ends_and_a_link_within_the_bundle_stay() {
    let folder = bundle(&[("shared/office", OFFICE)]);
    let link = folder.path().join("office.yaml");
    symlink("shared/office", &link).unwrap();
    let run = doorward(&["check", "--fix", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.told());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(folder.path().join("shared/office")).unwrap(), MENDED);
}

#[test]
fn a_read_only_file_is_not_mended_and_what_was_mended_before_it_is_told() {
    let folder = bundle(&[("a.yaml", OFFICE), ("b.yaml", &OFFICE.replace("Office", "Home"))]);
    let path = folder.path().to_str().unwrap();
    let make = |mode| fs::set_permissions(folder.path().join("b.yaml"), fs::Permissions::from_mode(mode)).unwrap();
    make(0o444);
    let run = doorward(&["check", "--fix", path]);
    let told = format!("error: 1 file mended, but `{path}/b.yaml` cannot be written: it is read-only\n");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr), (1, "", told));
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).unwrap(), MENDED);
    let run = doorward(&["check", "--fix", path]);
    assert_eq!(run.stderr, format!("error: `{path}/b.yaml` cannot be written: it is read-only\n"));
    make(0o644);
    assert_eq!(doorward(&["check", "--fix", path]).code, 0);
}

#[test]
fn a_pipe_in_the_bundle_is_refused_before_anything_is_mended() {
    let folder = bundle(&[("a.yaml", OFFICE)]);
    mkfifo(&folder.path().join("b.yaml"));
    let run = doorward(&["check", "--fix", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("`b.yaml` is neither a file nor a folder"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).unwrap(), OFFICE);
}

/// What tools wrote with a byte order mark or in UTF-16 is not mended, and nothing says that it could be.
#[test]
fn a_file_that_is_no_plain_text_is_told_and_left() {
    let utf16 = [0xff, 0xfe].into_iter().chain(OFFICE.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<_>>();
    for bytes in [format!("\u{feff}{OFFICE}").into_bytes(), utf16] {
        let folder = bundle(&[]);
        fs::write(folder.path().join("a.yaml"), &bytes).unwrap();
        let run = doorward(&["check", "--fix", folder.path().to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.told());
        assert!(run.stdout.contains("warning[host-bits]") && !run.stdout.contains("fixable"), "{}", run.told());
        assert_eq!(fs::read(folder.path().join("a.yaml")).unwrap(), bytes);
    }
}
