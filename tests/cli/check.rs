//! `check`: findings for people and programs.

use serde_json::Value;

use super::run::{BLOCK, WORKLOAD, bundle, doorward};
use crate::support::found::corpus;

const MISTAKES: (&str, &str) = (
    "policy.yaml",
    "displayName: Office only\nstate: enabled\nconditions:\n  users: { includeUsers: [All], exludeUsers: [0f8fad5b-d9cb-469f-a165-70867728950e] }\n  locations: { includeLocations: [All], excludeLocations: [Head Ofice] }\ngrantControls: { builtInControls: [block] }\n",
);
const OFFICE: (&str, &str) = ("locations.yaml", "displayName: Head Office\nipRanges: [203.0.113.0/24]\n");

#[test]
fn an_invalid_bundle_ends_with_3_and_every_problem() {
    let folder = bundle(&[MISTAKES, OFFICE]);
    let mut run = doorward(&["check", folder.path().to_str().unwrap()]);
    run.stdout = run.stdout.replace(folder.path().to_str().unwrap(), "BUNDLE");
    insta::assert_snapshot!(run.told());
}

#[test]
fn json_has_the_findings_and_their_counts() {
    let folder = bundle(&[MISTAKES, OFFICE]);
    let run = doorward(&["check", folder.path().to_str().unwrap(), "--format", "json"]);
    assert_eq!(run.code, 3);
    let body: Value = serde_json::from_str(&run.stdout).unwrap();
    insta::assert_snapshot!(run.stdout);
    assert_eq!(body["schemaVersion"], 1);
    assert_eq!((&body["errors"], &body["warnings"]), (&1.into(), &1.into()));
    assert_eq!(body["findings"].as_array().unwrap().len(), 2);
    assert_eq!(body.get("bundle"), None);
}

#[test]
fn json_of_a_valid_bundle_says_what_it_holds() {
    let run = doorward(&["check", WORKLOAD, "--format", "json"]);
    assert_eq!(run.code, 0);
    let mut body: Value = serde_json::from_str(&run.stdout).unwrap();
    let contents = body["bundle"].take();
    assert_eq!(contents["digest"].as_str().unwrap().len(), 64);
    assert_eq!(contents["policies"]["enabled"], 4);
    assert_eq!(contents["policies"]["reportOnly"], 1);
    assert_eq!(contents["policies"]["disabled"], 1);
    assert_eq!(contents["servicePrincipals"], 6);
}

#[test]
fn a_mistake_in_a_test_file_makes_the_bundle_invalid() {
    let folder = bundle(&[BLOCK, ("tests/a.yaml", "cases:\n  - name: typo\n    reqest: {}\n")]);
    let run = doorward(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("tests/a.yaml:3:5: error[unknown-field]"), "{}", run.stdout);
}

#[test]
fn a_bundle_that_cannot_be_read_ends_with_1() {
    let run = doorward(&["check", "policies/nowhere"]);
    insta::assert_snapshot!(run.told());
}

#[test]
fn an_archive_is_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    let status = std::process::Command::new("tar")
        .args(["-czf", path.to_str().unwrap(), "-C", WORKLOAD, "."])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success());
    let (of_archive, of_folder) = (
        doorward(&["check", path.to_str().unwrap(), "--format", "json"]),
        doorward(&["check", WORKLOAD, "--format", "json"]),
    );
    assert_eq!(of_archive.stdout, of_folder.stdout);
}

#[test]
fn colour_is_for_terminals() {
    let folder = bundle(&[MISTAKES, OFFICE]);
    let arguments = ["check", folder.path().to_str().unwrap()];
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = super::run::command(&arguments);
        command.envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&[]), "a pipe is no terminal");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn a_rule_is_explained_without_a_bundle() {
    let run = doorward(&["check", "--explain", "app-id"]);
    insta::assert_snapshot!(run.told());
}

#[test]
fn every_rule_is_listed_and_explained() {
    let list = doorward(&["check", "--explain"]);
    assert_eq!((list.code, list.stderr.as_str()), (0, ""));
    let rules: Vec<_> = doorward::review::rules::every().collect();
    assert_eq!(list.stdout.lines().count(), rules.len());
    for rule in rules {
        assert!(list.stdout.lines().any(|line| line.starts_with(&format!("{} ", rule.id))), "{}", rule.id);
        let run = doorward(&["check", "--explain", rule.id]);
        assert!(run.code == 0 && run.stdout.contains(&format!("[{}]: {}\n", rule.id, rule.why)), "{}", run.told());
        for section in ["Example", "Fix", "Source"] {
            assert!(run.stdout.contains(&format!("\n{section}\n")), "{}", run.stdout);
        }
    }
}

#[test]
fn a_summary_counts_what_a_bundle_contains() {
    for (name, sample) in [("workload", "policies/workload"), ("graph_export", "policies/graph-export")] {
        let run = doorward(&["check", sample, "--summary"]);
        assert_eq!(run.code, 0);
        insta::assert_snapshot!(format!("summary_of_{name}"), run.stdout);
    }
}

#[test]
fn an_unknown_rule_is_answered_with_the_nearest_or_with_all() {
    let near = doorward(&["check", "--explain", "hostbits"]);
    assert_eq!((near.code, near.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(near.stderr, @"error: no rule is called `hostbits`; did you mean `host-bits`? `doorward check --explain` lists all");
    let far = doorward(&["check", "--explain", "policies/workload"]);
    assert_eq!(far.code, 2);
    assert!(far.stderr.contains("no rule is called `policies/workload`; these are all:"), "{}", far.stderr);
    assert!(far.stderr.contains("unknown-location"));
    for arguments in [&["check"][..], &["check", "policies/workload", "--explain", "host-bits"]] {
        assert_eq!(doorward(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_summary_counts_conditions_in_cedar() {
    let policy = "displayName: Secrets\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\nwhen: context.credential.type == \"clientSecret\"\ngrantControls: { builtInControls: [block] }\n";
    let folder = bundle(&[("secrets.yaml", policy)]);
    let run = doorward(&["check", folder.path().to_str().unwrap(), "--summary", "--format", "json"]);
    let body: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(body["summary"].to_string().contains("\"when\""), "{}", run.told());
}

#[test]
fn lint_is_another_name_of_check() {
    assert_eq!(doorward(&["lint", WORKLOAD]).told(), doorward(&["check", WORKLOAD]).told());
}

#[test]
fn a_summary_in_json_has_the_same_counts_and_comes_with_an_invalid_bundle_too() {
    let folder = bundle(&[MISTAKES, OFFICE]);
    let run = doorward(&["check", folder.path().to_str().unwrap(), "--summary", "--format", "json"]);
    assert_eq!(run.code, 3);
    let body: Value = serde_json::from_str(&run.stdout).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&body["summary"]).unwrap());
}

#[test]
fn sarif_has_every_finding_with_its_place_and_every_rule_that_was_broken() {
    let folder = bundle(&[MISTAKES, OFFICE]);
    let path = folder.path().to_str().unwrap();
    let run = doorward(&["check", path, "--format", "sarif"]);
    assert_eq!(run.code, 3);
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    let found: Value = serde_json::from_str(&doorward(&["check", path, "--format", "json"]).stdout).unwrap();
    let (results, rules) = (&log["runs"][0]["results"], &log["runs"][0]["tool"]["driver"]["rules"]);
    assert_eq!(log["version"], "2.1.0");
    for (result, finding) in results.as_array().unwrap().iter().zip(found["findings"].as_array().unwrap()) {
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!((&result["ruleId"], &result["level"]), (&finding["id"], &finding["severity"]));
        assert_eq!(place["artifactLocation"]["uri"], format!("{path}/policy.yaml"));
        assert_eq!(place["region"]["startLine"], finding["line"]);
        assert!(rules.as_array().unwrap().iter().any(|rule| rule["id"] == result["ruleId"]));
    }
    assert_eq!((results.as_array().unwrap().len(), rules.as_array().unwrap().len()), (2, 2));
}

#[test]
fn annotations_of_github_are_a_line_each() {
    let folder = bundle(&[MISTAKES, OFFICE]);
    let path = folder.path().to_str().unwrap();
    let run = doorward(&["check", path, "--format", "github"]);
    assert_eq!(run.code, 3);
    insta::assert_snapshot!(run.stdout.replace(path, "BUNDLE"));
}

/// The unknown property is a warning, the unknown location an error.
#[test]
fn a_bundle_says_what_becomes_of_warnings_and_never_of_errors() {
    let counts = |lints: &str, policy: (&str, &str)| {
        let folder = bundle(&[policy, OFFICE, ("bundle.yaml", &format!("lints: {lints}\n"))]);
        let run = doorward(&["check", folder.path().to_str().unwrap(), "--format", "json"]);
        let body: Value = serde_json::from_str(&run.stdout).unwrap();
        (body["errors"].as_u64().unwrap(), body["warnings"].as_u64().unwrap())
    };
    let sound = MISTAKES.1.replace("Head Ofice", "Head Office");
    let disabled = sound.replace("state: enabled", "state: disabled");
    let (sound, disabled) = (("policy.yaml", sound.as_str()), ("policy.yaml", disabled.as_str()));
    // The policy locks out everybody outside the office, which is the second warning.
    assert_eq!(counts("{}", sound), (0, 2));
    assert_eq!(counts("{ unknown-property: warn }", sound), (0, 2));
    assert_eq!(counts("{ unknown-property: allow }", sound), (0, 1));
    assert_eq!(counts("{ unknown-property: error }", sound), (1, 1));
    assert_eq!(counts("{ unknown-property: error }", disabled), (0, 1), "a disabled policy refuses no bundle");
    assert_eq!(counts("{ unknown-location: error }", sound), (0, 2));
    for wrong in
        ["unknown-location: allow", "unknown-location: warn", "unknown-property: off", "unknown-proprety: allow"]
    {
        assert_eq!(counts(&format!("{{ {wrong} }}"), sound), (1, 2), "{wrong}");
    }
    assert_eq!(counts("[]", sound), (1, 2));
    assert_eq!(counts("{ unknown-location: allow }", MISTAKES), (2, 1), "the error stays, and one more");
}

/// Files are looked at before the settings are read.
#[test]
fn a_file_that_is_none_of_the_bundles_can_be_allowed_or_refused() {
    for (level, counts) in [("allow", (0, 0)), ("warn", (0, 1)), ("error", (1, 0))] {
        let lints = format!("lints: {{ unrecognised-file: {level} }}\n");
        let folder = bundle(&[BLOCK, ("notes.txt", "x"), ("bundle.yaml", &lints)]);
        let run = doorward(&["check", folder.path().to_str().unwrap(), "--format", "json"]);
        let body: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((body["errors"].as_u64().unwrap(), body["warnings"].as_u64().unwrap()), counts, "{level}");
    }
}

/// A bundle was called valid that no sidecar takes up: its tests expect a policy that it does not have.
#[test]
fn what_cases_name_must_be_in_the_bundle() {
    let case = "cases:\n  - name: a\n    request: { identity: { type: servicePrincipal, id: x } }\n    expect: { policies: [NAME] }\n";
    for (name, code) in [("Block", 0), ("Blok", 3)] {
        let folder = bundle(&[BLOCK, ("tests/a.yaml", &case.replace("NAME", name))]);
        let run = doorward(&["check", folder.path().to_str().unwrap()]);
        assert_eq!(run.code, code, "{}", run.told());
        assert_eq!(run.stdout.contains("error[case-policy]: no policy is called `Blok`"), code == 3, "{}", run.told());
    }
}

/// What a set leaves to its users is copied from what `--beside` prints, and filled in; what may block is left out on
/// purpose.
fn filled_in(told: &str) -> [(&'static str, String); 2] {
    let (bundle, locations) = told.split_once("# locations.yaml").unwrap_or((told, ""));
    let line = |line: &str| match line.split_once(": # in ") {
        Some((placeholder, _)) => format!("{placeholder}: 5b1d0c52-5d0e-4c53-8a5e-1f1c7a3a0001\n"),
        None => format!("{}\n", line.replace("  # - ", "  - ")),
    };
    let bundle: String = bundle.lines().map(line).collect();
    let locations = locations.replace("ipRanges:", "ipRanges: [203.0.113.0/24]\n  isTrusted: true");
    [("bundle.yaml", bundle), ("locations.yaml", format!("#{locations}"))]
}

#[test]
fn what_a_published_set_needs_beside_it_is_printed_to_be_copied() {
    let Some(sets) = corpus("graph") else { return };
    let mut needy = 0;
    for set in std::fs::read_dir(sets).unwrap().map(|set| set.unwrap().path()).filter(|path| path.is_dir()) {
        let run = doorward(&["check", set.to_str().unwrap(), "--beside"]);
        assert_eq!(run.code, 0, "{}", run.told());
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("set");
        let copied = std::process::Command::new("cp").arg("-R").arg(&set).arg(&copy).status().unwrap();
        assert!(copied.success());
        if doorward(&["check", set.to_str().unwrap()]).code == 0 {
            assert_eq!(run.stdout, "# nothing has to be written beside it\n", "{}", set.display());
            continue;
        }
        needy += 1;
        for (name, text) in filled_in(&run.stdout) {
            std::fs::write(copy.join(name), text).unwrap();
        }
        let run = doorward(&["check", copy.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.told());
    }
    assert!(needy >= 3, "{needy} sets need something");
}

#[test]
fn what_is_to_stand_beside_a_set_is_refused_before_it_is_filled_in() {
    let policy = |name: &str, more: &str| {
        format!(
            "{{ displayName: '{name}', state: enabled, grantControls: {{ builtInControls: [block] }}, conditions: {{ \
             applications: {{ includeApplications: [All] }}, {more} }} }}\n"
        )
    };
    let placeholders =
        policy("A", "users: { includeUsers: ['<Staff `a`>', 'Me: #1'], excludeGroups: ['<Staff `a`>'] }");
    let location = policy("B", "users: { includeUsers: [All] }, locations: { includeLocations: [Head office] }");
    let unsupported =
        policy("C: '\"x", "users: { includeUsers: [All] }, times: { all: true }").replace("C: '", "C: ''");
    let two = format!("- {}- {}", policy("D", "users: { includeUsers: [All] }, times: 1"), policy("E", "users: 1"));
    let files = [
        ("a.yaml", &*placeholders),
        ("b.yaml", &location),
        ("c.yaml", &unsupported),
        ("d.yaml", &two),
        ("scripts/x.json", r#"{"a": 1}"#),
    ];
    let folder = bundle(&files);
    let run = doorward(&["check", folder.path().to_str().unwrap(), "--beside"]);
    insta::assert_snapshot!(run.told());
    let (beside, _) = run.stdout.split_once("\n# Nothing").unwrap();
    let (settings, locations) = beside.split_once("# locations.yaml").unwrap();
    let folder = bundle(&files[..3]);
    let settings = settings.split("# These cannot be read").next().unwrap().replace("# - ", "- ");
    std::fs::write(folder.path().join("bundle.yaml"), settings).unwrap();
    std::fs::write(folder.path().join("locations.yaml"), format!("#{locations}")).unwrap();
    let run = doorward(&["check", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 3);
    for expected in ["`placeholders.<Staff `a`>` is null", "locations.yaml:"] {
        assert!(run.stdout.contains(expected), "{}", run.stdout);
    }
}

/// Runs `check --beside` on `files`.
fn beside(files: &[(&str, &str)]) -> (i32, String) {
    let folder = bundle(files);
    let run = doorward(&["check", folder.path().to_str().unwrap(), "--beside"]);
    (run.code, run.stdout)
}

const NOTHING: &str = "\n# Nothing beside the set mends this:\n";

fn written(name: &str, control: &str, more: &str) -> String {
    format!(
        "- {{ displayName: {name}, state: enabled, grantControls: {{ builtInControls: [{control}] }}, conditions: {{ users: \
         {{ includeUsers: [All] }}, applications: {{ includeApplications: [All] }}, {more} }} }}\n"
    )
}

#[test]
fn what_an_author_has_to_mend_is_no_reason_to_leave_anything_out() {
    let sound = written("Sound", "block", "locations: {}");
    let office = "- { displayName: Head office, ipRanges: [192.0.2.0/24] }\n";
    let near = sound.clone() + &written("Near", "block", "locations: { includeLocations: [Head ofice] }");
    let with = |broken: &str| sound.clone() + broken;
    let cases = [
        ("near miss", vec![("a.yaml", near), ("b.yaml", office.to_owned())]),
        ("not an object", vec![("a.yaml", with("- { displayName: Broken, state: enabled, grantControls: 1 }\n"))]),
        ("no kind, beside a policy", vec![("a.yaml", with("- { what: ever }\n"))]),
        ("misspelt state", vec![("a.yaml", sound.replace("enabled", "enabld"))]),
        ("no name", vec![("a.yaml", sound.replace("displayName: Sound", "description: Sound"))]),
        ("syntax", vec![("a.yaml", with("- { displayName: [\n"))]),
        ("one id twice", {
            let one = sound.replace("displayName", "id: one, displayName");
            vec![("a.yaml", one.clone()), ("b.yaml", one)]
        }),
        ("raised warning", {
            let lint = "lints: { unknown-property: error }\n".to_owned();
            vec![("a.yaml", sound.replace("state:", "stat: 1, state:")), ("bundle.json", json_of(&lint))]
        }),
        ("settings by their stem", vec![("bundle.yml", "maxAge: 1h\n".to_owned()), ("a.yaml", sound.clone())]),
        ("settings in another place", vec![("a.yaml", sound.clone()), ("set.yaml", "breakGlass: [x]\n".to_owned())]),
        ("tests", vec![("a.yaml", sound.clone()), ("tests/a.yaml", "cases: 1\n".to_owned())]),
        ("statement", vec![("a.yaml", sound.clone()), ("statements/a.yaml", with("- 1\n"))]),
    ];
    for (name, files) in cases {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, &**text)).collect();
        let (code, told) = beside(&files);
        assert!(code == 3 && told.starts_with(NOTHING), "{name}: exit {code}\n{told}");
    }
}

/// The one pair of `text`, `lints: { rule: error }`, as JSON.
fn json_of(text: &str) -> String {
    text.replace("lints: { ", "{\"lints\": {\"").replace(": error }", "\": \"error\"}}")
}

#[test]
fn a_block_is_left_out_by_nobody_who_has_not_read_why() {
    let policies = written("Blocks", "block", "times: { all: true }") + &written("Asks", "mfa", "times: { all: true }");
    let twice = "{ \"displayName\": \"x\", \"state\": \"enabled\", \"state\": \"disabled\" }";
    let misspelt = "{ displayName: Misspelt, state: enabled, grantControl: { builtInControls: [block] } }\n";
    let files = [("a.yaml", &*policies), ("b.json", twice), ("bundle.d.yaml", "what: ever\n"), ("c.yaml", misspelt)];
    let (code, told) = beside(&files);
    assert_eq!(code, 0, "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn more_problems_than_are_looked_at_are_not_called_mended() {
    let groups: Vec<_> = (0..1_200).map(|number| format!("<Group {number}>")).collect();
    let policy = written("Many", "block", "locations: {}")
        .replace("includeUsers: [All]", &format!("includeUsers: [All], excludeGroups: ['{}']", groups.join("', '")));
    let (code, told) = beside(&[("a.yaml", &policy)]);
    assert!(code == 3 && told.contains("and 200 errors more"), "{code}\n{}", told.split(NOTHING).last().unwrap());
}

#[test]
fn what_stands_for_a_placeholder_is_no_placeholder_itself() {
    let policy = written("A", "block", "locations: {}").replace("[All] }, a", "[All], excludeGroups: ['<A>'] }, a");
    let (code, told) = beside(&[("a.yaml", &policy), ("bundle.yaml", "placeholders: { <A>: <B> }\n")]);
    assert!(code == 3 && told.starts_with(NOTHING), "{code}\n{told}");
}
