//! `run`: a real command beside a real sidecar, and how both end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::run::{PAYROLL, Run, WORKLOAD, bundle, command, doorward};

fn sh(script: &str) -> Run {
    doorward(&["run", WORKLOAD, "--", "sh", "-c", script])
}

#[test]
fn the_command_asks_the_sidecar_over_tcp_and_over_its_socket() {
    let body = format!(
        r#"{{"identity":{{"type":"servicePrincipal","id":"{PAYROLL}"}},"network":{{"ipAddress":"203.0.113.200"}}}}"#
    );
    let post = format!("curl -s -H 'content-type: application/json' -d '{body}'");
    let run = sh(&format!(
        "{post} $DOORWARD_URL/v1/decide && {post} --unix-socket $DOORWARD_SOCKET http://x/v1/decide && curl -s -o /dev/null -w '%{{http_code}}' $DOORWARD_OPS_URL/readyz"
    ));
    assert_eq!((run.code, run.stdout.matches("\"decision\":\"block\"").count()), (0, 2), "{}", run.told());
    assert!(run.stdout.ends_with("200"), "{}", run.told());
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    for code in [0, 1, 3, 42, 255] {
        assert_eq!(sh(&format!("exit {code}")).code, code);
    }
    assert_eq!(sh("kill -KILL $$").code, 128 + 9);
}

#[test]
fn the_socket_goes_with_the_command() {
    let run = sh("test -S $DOORWARD_SOCKET && echo $DOORWARD_SOCKET");
    assert_eq!(run.code, 0, "{}", run.told());
    let socket = Path::new(run.stdout.trim_end());
    assert!(!socket.exists() && !socket.parent().unwrap().exists(), "{}", socket.display());
}

#[test]
fn sigterm_is_passed_on_and_the_command_says_how_it_ends() {
    let script = "trap 'kill $!; exit 7' TERM; tail -f /dev/null & echo ready; wait";
    let mut child = command(&["run", WORKLOAD, "--", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    // WHY: held to the end, since `tail` ends by itself, and with it the script, when nobody reads what it writes.
    let mut told = BufReader::new(child.stdout.take().unwrap());
    told.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    assert!(Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(7));
    drop(told);
}

#[test]
fn a_bundle_that_is_invalid_starts_no_command() {
    let folder = bundle(&[("bundle.yaml", "defaultDecison: block\n")]);
    let mark = folder.path().join("started");
    let run = doorward(&["run", folder.path().to_str().unwrap(), "--", "touch", mark.to_str().unwrap()]);
    assert_eq!((run.code, mark.exists()), (3, false), "{}", run.told());
}

#[test]
fn a_command_that_is_not_there_is_a_failure() {
    let run = doorward(&["run", WORKLOAD, "--", "no-such-command-anywhere"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("cannot start `no-such-command-anywhere`"), "{}", run.told());
}
