//! `run`: a real command beside a real sidecar, and how both end.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

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

/// A hang-up ended the sidecar alone: the command went on without it, and the folder of the socket stayed.
#[test]
fn signals_are_passed_on_and_the_command_says_how_it_ends() {
    // WHY: what these tests were started with, as by `nohup`, stays ignored below them, and a shell cannot trap it.
    let is_ignored = std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
    });
    let hangup = (!is_ignored).then_some(("HUP", 8));
    for (signal, code) in [("TERM", 7)].into_iter().chain(hangup) {
        // WHY `-KILL`: what has not become `tail` yet may lose any other signal.
        let script = "trap 'kill -KILL $!; exit 7' TERM; trap 'kill -KILL $!; exit 8' HUP; \
                      tail -f /dev/null & echo $DOORWARD_SOCKET; wait";
        let (mut child, mut told, socket) = begun(script);
        send(signal, &child);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        assert!(!Path::new(&socket).parent().unwrap().exists(), "{signal}: {socket}");
        told.read_line(&mut String::new()).unwrap();
    }
}

/// A terminal sends these to the command as well; the sidecar serves it until it has ended.
#[test]
fn what_a_terminal_sends_to_both_leaves_the_sidecar_to_the_command() {
    for signal in ["INT", "QUIT"] {
        let (mut child, mut told, _) =
            begun("echo $DOORWARD_SOCKET; read line; test -S $DOORWARD_SOCKET && echo serving");
        send(signal, &child);
        child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        assert_eq!((line.as_str(), child.wait().unwrap().code()), ("serving\n", Some(0)), "{signal}");
    }
}

/// What was ignored, as by `nohup`, ended the command: listening for it was no longer ignoring it.
#[test]
fn a_signal_that_is_ignored_from_the_start_stays_so() {
    let signals = ["HUP", "QUIT", "INT", "TERM"];
    let script = "echo $DOORWARD_SOCKET; for it in HUP QUIT INT TERM; do kill -$it $$; done; read line; \
                  test -S $DOORWARD_SOCKET && echo serving";
    let doorward = command(&["run", WORKLOAD, "--", "sh", "-c", script]);
    let mut ignoring = Command::new("sh");
    ignoring.args(["-c", &format!("trap '' {}; exec \"$0\" \"$@\"", signals.join(" "))]);
    ignoring.arg(doorward.get_program()).args(doorward.get_args()).current_dir(env!("CARGO_MANIFEST_DIR"));
    let (mut child, mut told, _) = started(ignoring);
    signals.iter().for_each(|signal| send(signal, &child));
    child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert_eq!((line.as_str(), child.wait().unwrap().code()), ("serving\n", Some(0)));
}

/// A command that has begun, what it says from then on, and the socket that it was told.
fn begun(script: &str) -> (Child, BufReader<ChildStdout>, String) {
    started(command(&["run", WORKLOAD, "--", "sh", "-c", script]))
}

fn started(mut command: Command) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // WHY held to the end: `tail` ends by itself, and with it the script, when nobody reads what it writes.
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    (child, told, line.trim_end().to_owned())
}

fn send(signal: &str, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[test]
fn decisions_are_logged_to_a_file_or_to_standard_output() {
    let post = "curl -s -o asked -H 'content-type: application/json' -d '{\"identity\":{\"type\":\"user\",\"id\":\"x\"}}' $DOORWARD_URL/v1/decide";
    let workload = Path::new(env!("CARGO_MANIFEST_DIR")).join(WORKLOAD);
    for (log, name) in [("-", None), ("log.jsonl", Some("log.jsonl"))] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["run", workload.to_str().unwrap(), "--decision-log", log, "--", "sh", "-c", post];
        let run = Run::from(command(&arguments).current_dir(folder.path()).output().unwrap());
        assert_eq!(run.code, 0, "{}", run.told());
        assert!(!folder.path().join("-").exists());
        let written = name.map_or(run.stdout, |name| std::fs::read_to_string(folder.path().join(name)).unwrap());
        assert_eq!(written.matches("\"decision\":\"allow\"").count(), 1, "{log}: {written}");
    }
}

#[test]
fn a_bundle_that_is_invalid_starts_no_command() {
    let folder = bundle(&[("bundle.yaml", "defaultDecison: block\n")]);
    let mark = folder.path().join("started");
    let run = doorward(&["run", folder.path().to_str().unwrap(), "--", "touch", mark.to_str().unwrap()]);
    assert_eq!((run.code, mark.exists()), (3, false), "{}", run.told());
}

#[test]
fn a_command_that_cannot_be_started_is_a_failure() {
    for (program, why) in
        [("no-such-command-anywhere", "No such file"), ("/etc/passwd", "Permission denied"), ("", "No such file")]
    {
        let run = doorward(&["run", WORKLOAD, "--", program]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.told());
        assert!(run.stderr.starts_with(&format!("error: cannot start `{program}`: {why}")), "{}", run.told());
    }
    for arguments in [&["run", WORKLOAD][..], &["run", WORKLOAD, "--"], &["run", WORKLOAD, "true"]] {
        assert_eq!(doorward(arguments).code, 2, "{arguments:?}");
    }
}
