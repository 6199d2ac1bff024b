//! `decide` and `explain`: requests from flags and files, answers, and exit codes that never open by mistake.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use super::run::{BLOCK, INVOICE, PAYROLL, Run, WORKLOAD, bundle, command, doorward, doorward_reading};

#[test]
fn allow_ends_with_0_and_block_with_6() {
    let allowed = doorward(&["decide", WORKLOAD, "--id", INVOICE, "--ip", "192.0.2.7", "--country", "NL"]);
    insta::assert_snapshot!("allow", allowed.told());
    let blocked = doorward(&["decide", WORKLOAD, "--id", PAYROLL, "--ip", "203.0.113.200", "--country", "AQ"]);
    insta::assert_snapshot!("block", blocked.told());
}

#[test]
fn json_is_the_answer_of_the_api() {
    let run = doorward(&[
        "decide",
        WORKLOAD,
        "--id",
        PAYROLL,
        "--ip",
        "203.0.113.200",
        "--country",
        "AQ",
        "--format",
        "json",
    ]);
    insta::assert_snapshot!(run.told());
}

#[test]
fn explain_shows_what_decided() {
    let arguments = ["explain", WORKLOAD, "--id", PAYROLL, "--ip", "203.0.113.200"];
    insta::assert_snapshot!("explain", doorward(&arguments).told());
    let run = doorward(&[&arguments[..], &["--all"]].concat());
    insta::assert_snapshot!("explain_all", run.told());
    let run = doorward(&[&arguments[..], &["--format", "json"]].concat());
    let body: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(body["decision"], "block");
    assert_eq!(body["trace"].as_array().unwrap().len(), 6, "every policy, disabled ones too");
}

/// What enforcement counts as a yes is a no to What If: the request has neither country nor risk.
#[test]
fn explain_what_if_tells_what_would_certainly_apply() {
    let arguments = ["explain", WORKLOAD, "--what-if", "--id", PAYROLL, "--ip", "203.0.113.200"];
    insta::assert_snapshot!("explain_what_if", doorward(&arguments).told());
    let run = doorward(&[&arguments[..], &["--format", "json"]].concat());
    let results: Value = serde_json::from_str(&run.stdout).unwrap();
    let applying: Vec<_> =
        results.as_array().unwrap().iter().filter(|result| result["policyApplies"] == true).collect();
    assert_eq!((run.code, applying.len()), (0, 2), "{results}");
    assert!(applying.iter().all(|result| result["analysisReasons"] == "notSet"));
    assert_eq!(doorward(&[&arguments[..], &["--all"]].concat()).code, 2);
}

/// There is one What If: what goes without saying in Graph's does here too.
#[test]
fn explain_what_if_supposes_what_graph_does() {
    let policy = |name: &str, conditions: &str| {
        let grant = "grantControls: { operator: OR, builtInControls: [block] }";
        format!("- {{ displayName: {name}, state: enabled, conditions: {{ {conditions} }}, {grant} }}\n")
    };
    let policies = [
        policy("Members", "users: { includeUsers: [All], excludeUsers: [GuestsOrExternalUsers] }"),
        policy(
            "Unfit",
            "users: { includeUsers: [All] }, \
             devices: { deviceFilter: { mode: include, rule: 'device.isCompliant -eq False' } }",
        ),
        policy(
            "Applications",
            "users: { includeUsers: [All] }, \
             applications: { includeApplications: [All], excludeApplications: [AllAgentIdResources] }",
        ),
    ];
    let folder = bundle(&[("policies.yaml", &policies.concat())]);
    let path = folder.path().to_str().unwrap();
    let ask = |request: &str| -> Vec<String> {
        let run = doorward_reading(request, &["explain", path, "--what-if", "--format", "json", "--request", "-"]);
        let results: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
        results.as_array().unwrap().iter().map(|it| it["analysisReasons"].as_str().unwrap().to_owned()).collect()
    };
    let said = "identity: { type: user, id: u }\ndevice: { displayName: x }\nresource: { appIds: [app] }\n";
    assert_eq!(ask(said), ["notSet", "notSet", "notSet"]);
    let unsaid = "identity: { type: user, id: u, homeTenant: t }\n";
    assert_eq!(ask(unsaid), ["notEnoughInformation", "devices", "application"]);
}

#[test]
fn explain_ends_with_0_whatever_the_decision() {
    for ip in ["192.0.2.7", "203.0.113.200"] {
        assert_eq!(doorward(&["explain", WORKLOAD, "--id", INVOICE, "--ip", ip]).code, 0);
    }
}

// A path that ends in `.json` was taken for the name of a file, so its value had to be JSON.
#[test]
fn the_value_of_a_field_is_yaml_whatever_the_field_is_called() {
    for field in ["attributes.a", "attributes.json", "attributes.a.json"] {
        let set = format!("{field}=abc");
        let run = doorward(&["decide", WORKLOAD, "--id", INVOICE, "--ip", "192.0.2.7", "--set", &set]);
        assert!(!run.stderr.contains("json-syntax") && !run.stderr.contains("JSON"), "{}", run.told());
    }
}

#[test]
fn a_request_comes_from_a_file_with_flags_on_top() {
    let request =
        format!("identity: {{ type: servicePrincipal, id: {INVOICE} }}\nnetwork: {{ ipAddress: 192.0.2.7 }}\n");
    let folder = bundle(&[("request.yaml", &request)]);
    let file = folder.path().join("request.yaml");
    let file = file.to_str().unwrap();
    assert_eq!(doorward(&["decide", WORKLOAD, "--request", file]).code, 0);
    assert_eq!(doorward(&["decide", WORKLOAD, "--request", file, "--ip", "203.0.113.200"]).code, 6);
    assert_eq!(doorward(&["decide", WORKLOAD, "--request", file, "--risk", "High"]).code, 6);
    assert_eq!(doorward(&["decide", WORKLOAD, "--request", file, "--set", "risk.servicePrincipal=high"]).code, 6);
}

#[test]
fn a_request_comes_from_standard_input_as_yaml_or_json() {
    let json = format!(
        "{{\"identity\":{{\"type\":\"servicePrincipal\",\"id\":\"{INVOICE}\"}},\"network\":{{\"ipAddress\":\"192.0.2.7\"}}}}"
    );
    assert_eq!(doorward_reading(&json, &["decide", WORKLOAD, "--request", "-"]).code, 0);
    let yaml =
        format!("identity: {{ type: servicePrincipal, id: {INVOICE} }}\nnetwork: {{ ipAddress: 203.0.113.200 }}\n");
    assert_eq!(doorward_reading(&yaml, &["decide", WORKLOAD, "--request", "-"]).code, 6);
}

#[test]
fn whose_request_a_file_holds_is_never_guessed() {
    let yaml = format!("identity: {{ id: {INVOICE} }}\n");
    let run = doorward_reading(&yaml, &["decide", WORKLOAD, "--request", "-"]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(run.stderr.contains("missing-field"), "{}", run.stderr);
    let arguments = ["decide", WORKLOAD, "--request", "-", "--type", "servicePrincipal"];
    assert_eq!(doorward_reading(&yaml, &arguments).code, 6);
}

#[test]
fn set_reaches_every_field() {
    let bundle = bundle(&[(
        "mfa.yaml",
        "displayName: MFA\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [mfa] }\n",
    )]);
    let path = bundle.path().to_str().unwrap();
    let user = ["decide", path, "--type", "user", "--id", "someone"];
    let run = doorward(&user);
    assert_eq!(run.code, 6);
    assert!(run.stdout.contains("`MFA` applies, and mfa is not satisfied"), "{}", run.stdout);
    assert_eq!(doorward(&[&user[..], &["--set", "satisfied.builtInControls=[mfa]"]].concat()).code, 0);
}

#[test]
fn a_request_that_cannot_be_used_is_a_usage_error() {
    let mut told = String::new();
    for arguments in [
        &["--id", INVOICE, "--ip", "192.0.2"][..],
        &["--id", INVOICE, "--set", "risk.servicePrincipal=severe"],
        &["--id", INVOICE, "--set", "network.ip=192.0.2.7"],
        &["--id", INVOICE, "--set", "network"],
        &["--id", INVOICE, "--set", "risk=high", "--set", "risk.signIn=low"],
        &["--id", INVOICE, "--set", "satisfied.builtInControls=[mfa"],
        &["--ip", "192.0.2.7"],
        &["--id", PAYROLL, "--app-id", "another"],
        &["--id", INVOICE, "--request", "no-such-file.yaml"],
    ] {
        let run = doorward(&[&["decide", WORKLOAD], arguments].concat());
        assert_eq!(run.stdout, "", "nothing that looks like an answer");
        told += &format!("# {}\n{}\n", arguments.join(" "), run.told());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_invalid_bundle_decides_nothing() {
    let folder = bundle(&[BLOCK, ("bundle.yaml", "defaultDecison: block\n")]);
    for verb in ["decide", "explain"] {
        let run = doorward(&[verb, folder.path().to_str().unwrap(), "--id", INVOICE]);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{verb}");
        assert!(run.stderr.contains("bundle.yaml:1:1: error[unknown-setting]"), "{}", run.stderr);
    }
}

/// A reader that goes away must neither make the tool panic nor turn a block into anything else.
#[test]
fn a_closed_pipe_changes_nothing() {
    let mut child = command(&["decide", WORKLOAD, "--id", INVOICE, "--ip", "203.0.113.200"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(6), ""));
}

#[test]
fn session_controls_and_what_to_tell_the_user_are_shown() {
    let bundle = bundle(&[
        ("bundle.yaml", "revision: 1\n"),
        (
            "daily.yaml",
            "displayName: Daily\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\nsessionControls: { signInFrequency: { isEnabled: true, value: 1, type: days }, persistentBrowser: { isEnabled: true, mode: never }, secureSignInSession: { isEnabled: true } }\n",
        ),
        (
            "personal.yaml",
            "displayName: No personal accounts\nstate: enabled\nconditions: { users: { includeGuestsOrExternalUsers: { guestOrExternalUserTypes: personalMicrosoftAccount } } }\ngrantControls: { builtInControls: [block] }\n",
        ),
    ]);
    let folder = bundle.path().to_str().unwrap();
    let ask = |more: &[&str]| {
        let of = ["--type", "user", "--id", "u1"];
        let runs = ["decide", "explain"].map(|verb| doorward(&[&[verb, folder], &of[..], more].concat()).stdout);
        runs.join("\n")
    };
    insta::assert_snapshot!("allowed_with_a_session", ask(&["--set", "identity.guestType=none"]));
    insta::assert_snapshot!("personal_account", ask(&["--set", "identity.guestType=personalMicrosoftAccount"]));
}

#[test]
fn how_a_token_is_shaped_and_what_is_owed_are_shown() {
    let ask = |risk: &str| {
        let risk = format!("risk.signIn={risk}");
        let of = ["policies/tokens", "--type", "user", "--id", "u1", "--ip", "203.0.113.9", "--set", &risk];
        doorward(&[&["decide"], &of[..]].concat()).stdout
    };
    insta::assert_snapshot!("shaped_token", ask("medium") + &ask("high"));
}

/// A name passed for the object id of somebody whom no policy names, and got a token.
#[test]
fn an_id_that_is_a_name_or_an_app_id_is_warned_of() {
    let cases = [
        ("Payroll sync", "`Payroll sync` is a name"),
        ("C1A4E2D0-8B3F-4C6A-9E57-0D1B2F3A4C01", "`c1a4e2d0-8b3f-4c6a-9e57-0d1b2f3a4c01` is an app id"),
    ];
    for (id, what) in cases {
        let run = doorward(&["decide", WORKLOAD, "--id", id, "--ip", "192.0.2.7", "--country", "NL"]);
        let told = format!("warning: {what}; the object id of that service principal is {PAYROLL}\n");
        assert_eq!((run.code, run.stderr), (6, told), "the decision is about the id as it was said");
    }
    for arguments in [["--id", PAYROLL], ["--id", "somebody else"]] {
        assert_eq!(doorward(&[&["decide", WORKLOAD], &arguments[..]].concat()).stderr, "");
    }
    let person = doorward(&["decide", WORKLOAD, "--type", "user", "--id", "Payroll sync"]);
    assert_eq!(person.stderr, "", "a person may be called so");
}

/// A name could clear the screen of whoever looked at the policy, or hide what was said about it.
#[test]
fn names_cannot_command_the_terminal() {
    let policy = BLOCK.1.replace("displayName: Block", r#"displayName: "Block \e[2J\e]0;title\a\e[8m\x9b2J""#);
    let folder = bundle(&[("block.yaml", &policy)]);
    let path = folder.path().to_str().unwrap();
    for arguments in
        [&["explain", path, "--id", "x"][..], &["decide", path, "--id", "x"], &["gaps", path], &["check", path]]
    {
        for forced in ["0", "1"] {
            let run = Run::from(command(arguments).env("CLICOLOR_FORCE", forced).output().unwrap());
            let left = run.stdout.replace("\u{1b}[1m", "").replace("\u{1b}[2m", "").replace("\u{1b}[0m", "");
            let left =
                ["31", "32", "33", "36"].iter().fold(left, |left, code| left.replace(&format!("\u{1b}[{code}m"), ""));
            assert!(!left.contains(|it: char| it.is_control() && it != '\n'), "{arguments:?}: {left:?}");
        }
    }
    let told = doorward(&["explain", path, "--id", "x"]).stdout;
    assert!(told.contains(r"Block \u001b[2J\u001b]0;title\u0007\u001b[8m\u009b2J: blocks"), "{told}");
    let json = doorward(&["decide", path, "--id", "x", "--format", "json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["policies"][0]["displayName"], "Block \u{1b}[2J\u{1b}]0;title\u{7}\u{1b}[8m\u{9b}2J");
}

/// A name could write a line of its own, as what was decided, or be shown in another order than it is written in.
#[test]
fn names_stay_within_their_line_and_in_their_style() {
    let name = "Block x\\ndecision  allow\\e[32m\\r\\n\\u202ewolla\\u2028";
    let policy = BLOCK.1.replace("displayName: Block", &format!("displayName: \"{name}\""));
    let case = format!(
        "cases:\n- {{ name: \"{name}\", request: {{ identity: {{ type: servicePrincipal, id: x }} }}, expect: {{ decision: allow }} }}\n"
    );
    let folder = bundle(&[("block.yaml", &policy), ("twin.yaml", &policy), ("tests/a.yaml", &case)]);
    let other = bundle(&[("block.yaml", &policy.replace("state: enabled", "state: disabled"))]);
    let (path, other) = (folder.path().to_str().unwrap(), other.path().to_str().unwrap());
    let escaped = r"Block x\u000adecision  allow\u001b[32m\u000d\u000a\u202ewolla\u2028";
    for arguments in [
        &["decide", path, "--id", "x"][..],
        &["explain", path, "--id", "x"],
        &["gaps", path],
        &["test", path],
        &["test", path, "--coverage"],
        &["diff", path, other],
        &["impact", path, other],
    ] {
        for forced in ["0", "1"] {
            let run = Run::from(command(arguments).env("CLICOLOR_FORCE", forced).output().unwrap());
            let told = run.told();
            assert!(told.contains(escaped), "{arguments:?}: {told}");
            assert!(!told.lines().any(|line| line.starts_with("decision  allow")), "{arguments:?}: {told}");
            assert!(!told.contains(['\u{202e}', '\u{2028}', '\r']), "{arguments:?}: {told}");
        }
    }
}
