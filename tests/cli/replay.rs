//! `replay`: what a decision log says of another bundle, and exit codes for pipelines.

use serde_json::Value;

use super::run::{BLOCK, WORKLOAD, bundle, doorward, doorward_reading};

const LOG: &str = "policies/decisions.jsonl";

#[test]
fn a_log_of_the_same_bundle_changes_nothing() {
    let run = doorward(&["replay", WORKLOAD, LOG, "--fail-on", "changed"]);
    insta::assert_snapshot!(run.told());
    let body: Value = serde_json::from_str(&doorward(&["replay", WORKLOAD, LOG, "--format", "json"]).stdout).unwrap();
    let counts = ["lines", "refused", "same"].map(|key| body[key].as_u64().unwrap());
    assert_eq!(counts, [5, 1, 4], "the same for the same reasons");
}

#[test]
fn changes_are_grouped_by_identity_policy_and_location() {
    let folder = bundle(&[BLOCK, ("office.yaml", "displayName: Office\nipRanges: [192.0.2.0/24]\n")]);
    let path = folder.path().to_str().unwrap();
    let run = doorward(&["replay", path, LOG]);
    insta::assert_snapshot!(run.told());
    let body: Value = serde_json::from_str(&doorward(&["replay", path, LOG, "--format", "json"]).stdout).unwrap();
    assert_eq!(body["changed"], serde_json::json!({ "newlyAllowed": 0, "newlyBlocked": 2, "otherwise": 0 }));
}

#[test]
fn a_pipeline_chooses_which_changes_fail() {
    let folder = bundle(&[BLOCK]);
    let path = folder.path().to_str().unwrap();
    for (fail_on, code) in [("newly-blocked", 5), ("changed", 5), ("newly-allowed", 0)] {
        assert_eq!(doorward(&["replay", path, LOG, "--fail-on", fail_on]).code, code, "{fail_on}");
    }
}

/// A request that was allowed and is refused gets no token any more. It was counted beside the changes between block and
/// refusal, and the gate let it pass.
#[test]
fn who_was_allowed_and_is_refused_is_newly_blocked() {
    let log = std::fs::read_to_string(LOG).unwrap();
    let allowed = log.lines().find(|line| line.contains(r#""decision":"allow""#)).unwrap();
    let refused = allowed.replace(r#""ipAddress":"192.0.2.7""#, r#""ipAddress":"the office""#);
    assert_ne!(refused, allowed);
    let run = doorward_reading(&refused, &["replay", WORKLOAD, "-", "--fail-on", "newly-blocked", "--format", "json"]);
    let body: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(body["changed"], serde_json::json!({ "newlyAllowed": 0, "newlyBlocked": 1, "otherwise": 0 }));
    assert_eq!(run.code, 5);
}

#[test]
fn lines_that_are_no_records_are_counted_and_named() {
    let log = std::fs::read_to_string(LOG).unwrap();
    let lines: Vec<_> = log.lines().collect();
    let no_time = lines[0].replace("2026-", "in ");
    let no_decision = lines[0].replace("\"decision\":\"block\"", "\"decision\":\"maybe\"");
    let cut = &lines[1][..100];
    let log = [lines[0], cut, "", &no_time, &no_decision, lines[1], "[]", "null", "{}"].join("\n");
    let run = doorward_reading(&log, &["replay", WORKLOAD, "-"]);
    insta::assert_snapshot!(run.told());
}

#[test]
fn a_line_without_end_is_not_kept() {
    let log = std::fs::read_to_string(LOG).unwrap();
    let endless = format!("{{\"time\":\"{}\n{log}", "x".repeat(5 << 20));
    let run = doorward_reading(&endless, &["replay", WORKLOAD, "-", "--format", "json"]);
    let body: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &body["lines"], &body["unreadable"], &body["same"]), (7, &6.into(), &1.into(), &4.into()));
}

#[test]
fn a_log_that_is_not_there_is_a_failure() {
    assert_eq!(doorward(&["replay", WORKLOAD, "no-such-log.jsonl"]).code, 1);
}

#[test]
fn a_log_with_nothing_in_it_changes_nothing_and_says_so() {
    let told = doorward(&["replay", WORKLOAD, "/dev/null"]).told();
    assert_eq!(told, "exit 0\n--- stdout\nno records: nothing was compared\n");
}

/// A pipeline whose log was rotated away, or was another file, was green.
#[test]
fn a_gate_that_has_compared_nothing_fails() {
    for log in ["", "no record\n", "{}\n{}\n"] {
        let run = doorward_reading(log, &["replay", WORKLOAD, "-", "--fail-on", "newly-allowed"]);
        assert_eq!(run.code, 5, "{log:?}");
        assert!(run.stdout.starts_with("no records: nothing was compared\n"), "{}", run.stdout);
        let run = doorward_reading(log, &["replay", WORKLOAD, "-", "--fail-on", "changed", "--format", "json"]);
        let body: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((run.code, &body["compared"]), (5, &0.into()), "{log:?}");
    }
}

/// A log of requests that nobody could decide was taken for one in which no decision changes.
#[test]
fn what_was_refused_then_and_is_now_is_not_compared() {
    let log = std::fs::read_to_string(LOG).unwrap();
    let allowed = log.lines().find(|line| line.contains(r#""decision":"allow""#)).unwrap();
    let refused = allowed
        .replace(r#""ipAddress":"192.0.2.7""#, r#""ipAddress":"the office""#)
        .replace(r#""decision":"allow""#, r#""decision":"error""#);
    let run = doorward_reading(&refused, &["replay", WORKLOAD, "-", "--fail-on", "changed"]);
    let told = "no decisions: nothing was compared\n  1 request refused then and now, and not compared\n";
    assert_eq!((run.code, &*run.stdout), (5, told));
    let both = format!("{allowed}\n{refused}\n");
    let run = doorward_reading(&both, &["replay", WORKLOAD, "-", "--fail-on", "changed", "--format", "json"]);
    let body: Value = serde_json::from_str(&run.stdout).unwrap();
    let counts = ["lines", "compared", "refused", "same"].map(|key| body[key].as_u64().unwrap());
    assert_eq!((run.code, counts), (0, [2, 1, 1, 1]));
}

/// Each piece of it was told as a line that is no JSON.
#[test]
fn a_compressed_log_is_refused_with_the_way_to_read_it() {
    let folder = bundle(&[]);
    let path = folder.path().join("log.jsonl.gz");
    std::fs::write(&path, [0x1f, 0x8b, 8, 0, b'\n', 0]).unwrap();
    let run = doorward(&["replay", WORKLOAD, path.to_str().unwrap()]);
    let why = "it is compressed; `gzip -dc FILE | doorward replay BUNDLE -` reads it";
    assert_eq!(run.told(), format!("exit 1\n--- stderr\nerror: cannot read `{}`: {why}\n", path.display()));
}

/// The decision stays what it was; a token of another shape, or another obligation, is told as another reason is.
#[test]
fn a_token_that_is_shaped_otherwise_is_not_the_same() {
    let policy = |token: &str, to: &str| {
        format!(
            "displayName: P\nid: p\nstate: enabled\nconditions: {{ users: {{ includeUsers: [All] }} }}\ntoken: {token}\n\
             obligations: [{{ type: notification, to: {to} }}]\n"
        )
    };
    let line = r#"{"time":"2026-08-31T09:30:27Z","requestId":"r","surface":"http","input":{"identity":{"type":"user","id":"u"}},"decision":"allow","reason":"controls_met","policies":["p"],"reportOnly":[],"unmetControls":[],"token":{"lifetimeSeconds":300,"claims":{"tags":["a","b"]},"criticalClaims":[]},"obligations":[{"id":"p#1","type":"notification","properties":{"to":"soc"}}],"bundle":{"name":"b","revision":"1","digest":"d"},"durationNs":1}"#;
    for (token, to, same) in [
        ("{ lifetime: 300, claims: { tags: [b, a] } }", "soc", 1),
        ("{ lifetime: 600, claims: { tags: [b, a] } }", "soc", 0),
        ("{ lifetime: 300, claims: { tags: [a] } }", "soc", 0),
        ("{ lifetime: 300, claims: { tags: [a, b] }, critical: [tags] }", "soc", 0),
        ("{ lifetime: 300, claims: { tags: [b, a] } }", "helpdesk", 0),
    ] {
        let folder = bundle(&[("p.yaml", &policy(token, to))]);
        let run = doorward_reading(line, &["replay", folder.path().to_str().unwrap(), "-", "--format", "json"]);
        let body: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&body["lines"], &body["same"]), (&1.into(), &same.into()), "{token} {to}: {}", run.stdout);
        assert_eq!(body["changed"], serde_json::json!({ "newlyAllowed": 0, "newlyBlocked": 0, "otherwise": 0 }));
    }
}
