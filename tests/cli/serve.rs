//! `serve`: the process from its start to its end, with signals and a changing bundle.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::run::{BLOCK, PAYROLL, WORKLOAD, bundle, doorward, write};
use crate::support::process::Process;
use crate::support::{PATIENCE, raw};

fn status_when(server: &Process, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = raw::get(server.operators, "/v1/status", &[]).json();
        if is_wanted(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "the status stays {status}");
        std::thread::yield_now();
    }
}

fn ask(server: &Process, body: &str) -> Value {
    raw::post(server.decisions, "/v1/decide", body).json()
}

#[test]
fn the_line_to_paste_gets_an_answer_and_decide_gives_the_same() {
    let server = Process::start(Path::new(WORKLOAD), &[]);
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let pasted = server.greeting.lines().find(|line| line.contains("/v1/decide")).unwrap().trim();
    let line = pasted.replace(&server.decisions.to_string(), "127.0.0.1:8480");
    assert!(readme.contains(&format!("$ {line}\n")), "the README shows the line: {line}");
    let body = pasted.split("-d '").nth(1).unwrap().strip_suffix('\'').unwrap();
    let mut answer = ask(&server, body);
    assert!(answer.as_object_mut().unwrap().remove("requestId").is_some());
    let run = doorward(&["decide", WORKLOAD, "--id", PAYROLL, "--ip", "203.0.113.200", "--format", "json"]);
    assert_eq!(answer, serde_json::from_str::<Value>(&run.stdout).unwrap());
    assert_eq!(answer["decision"], "block");
}

#[test]
fn sigterm_and_sigint_end_with_0() {
    for signal in ["TERM", "INT"] {
        let server = Process::start(Path::new(WORKLOAD), &[]);
        server.signal(signal);
        let (code, stderr) = server.end();
        assert_eq!(code, Some(0), "{signal}: {stderr}");
        assert!(!stderr.contains('\u{1b}'), "no colour where no terminal is: {stderr}");
    }
}

#[test]
fn sighup_takes_up_a_changed_bundle_and_a_bad_one_changes_nothing() {
    let folder = bundle(&[BLOCK, ("bundle.yaml", "name: live\nrevision: one\n")]);
    let server = Process::start(folder.path(), &[]);
    let request = r#"{"identity":{"type":"servicePrincipal","id":"build"}}"#;
    assert_eq!(ask(&server, request)["decision"], "block");

    write(folder.path(), "bundle.yaml", "name: live\nrevsion: two\n");
    server.signal("HUP");
    let status = status_when(&server, |status| status["state"] == "degraded");
    assert_eq!(status["rejected"]["findings"][0]["id"], "unknown-setting");
    assert_eq!(ask(&server, request)["bundle"]["revision"], "one");

    write(folder.path(), "bundle.yaml", "name: live\nrevision: three\n");
    server.signal("HUP");
    status_when(&server, |status| status["active"]["revision"] == "three" && status["state"] == "serving");
    assert_eq!(ask(&server, request)["bundle"]["revision"], "three");
}

#[test]
fn decisions_are_logged_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("decisions.jsonl");
    let server = Process::start(Path::new(WORKLOAD), &["--decision-log", log.to_str().unwrap()]);
    ask(&server, r#"{"identity":{"type":"servicePrincipal","id":"build"},"requestId":"r1"}"#);
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
    let record: Value = serde_json::from_str(std::fs::read_to_string(log).unwrap().trim()).unwrap();
    assert_eq!((&record["requestId"], &record["decision"]), (&"r1".into(), &"block".into()));
}

#[test]
fn sighup_goes_on_with_a_new_decision_log_where_the_old_one_was_moved_away() {
    let folder = bundle(&[BLOCK, ("bundle.yaml", "name: live\nrevision: one\n")]);
    let logs = tempfile::tempdir().unwrap();
    let (log, old) = (logs.path().join("decisions.jsonl"), logs.path().join("decisions.jsonl.1"));
    let server = Process::start(folder.path(), &["--decision-log", log.to_str().unwrap()]);
    let request = |id: &str| format!(r#"{{"identity":{{"type":"servicePrincipal","id":"build"}},"requestId":"{id}"}}"#);
    ask(&server, &request("before"));
    let begun = Instant::now();
    while std::fs::metadata(&log).unwrap().len() == 0 {
        assert!(begun.elapsed() < PATIENCE, "the record is not written");
        std::thread::yield_now();
    }
    std::fs::rename(&log, &old).unwrap();
    write(folder.path(), "bundle.yaml", "name: live\nrevision: two\n");
    server.signal("HUP");
    status_when(&server, |status| status["active"]["revision"] == "two");
    ask(&server, &request("after"));
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
    for (file, id) in [(old, "before"), (log, "after")] {
        let text = std::fs::read_to_string(&file).unwrap();
        let ids: Vec<_> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["requestId"].clone()).collect();
        assert_eq!(ids, [id], "{}", file.display());
    }
}

#[test]
fn a_first_bundle_that_is_bad_ends_the_process_and_says_why() {
    let serve = |folder: &Path| {
        doorward(&["serve", folder.to_str().unwrap(), "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
    };
    let invalid = bundle(&[BLOCK, ("bundle.yaml", "defaultDecison: block\n")]);
    let run = serve(invalid.path());
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("bundle.yaml:1:1: error[unknown-setting]"), "{}", run.stderr);

    let cases = "cases:\n  - name: build gets a token\n    request: { identity: { type: servicePrincipal, id: build } }\n    expect: { decision: allow }\n";
    let failing = bundle(&[BLOCK, ("tests/a.yaml", cases)]);
    assert_eq!(serve(failing.path()).code, 4);
    assert_eq!(serve(Path::new("policies/nowhere")).code, 1);
}

#[test]
fn an_address_that_others_can_reach_is_refused_unless_asked_for() {
    let run = doorward(&["serve", WORKLOAD, "--listen", "0.0.0.0:0", "--ops", "127.0.0.1:0"]);
    insta::assert_snapshot!(run.told());
    let run = doorward(&["serve", WORKLOAD, "--listen", "127.0.0.1:0", "--ops", "0.0.0.0:0"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("`--ops 0.0.0.0:0`"), "{}", run.stderr);
    assert!(run.stderr.contains("add `--allow-unauthenticated`"), "{}", run.stderr);
    for listen in ["localhost", "unix:", "127.0.0.1"] {
        assert_eq!(doorward(&["serve", WORKLOAD, "--listen", listen]).code, 2, "{listen}");
    }
    let twice = doorward(&["serve", WORKLOAD, "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]);
    assert_eq!(twice.code, 2);
}

/// Threads share a port, so the system would let a second process share it too, and callers would get either's answers.
#[test]
fn a_port_that_another_server_has_is_refused() {
    let server = Process::start(Path::new(WORKLOAD), &[]);
    let run = doorward(&["serve", WORKLOAD, "--listen", &server.decisions.to_string(), "--ops", "127.0.0.1:0"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("cannot listen on"), "{}", run.stderr);
}

#[test]
fn a_unix_socket_is_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sock");
    let listen = format!("unix:{}", path.display());
    let server = Process::start(Path::new(WORKLOAD), &["--listen", &listen]);
    std::os::unix::net::UnixStream::connect(&path).unwrap();
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
    assert!(!path.exists(), "the socket goes away with the process");
}

#[test]
fn clients_of_graph_are_answered_only_where_the_operator_says_so() {
    const PATH: &str = "/v1.0/identity/conditionalAccess/policies";
    let open = Process::start(Path::new(WORKLOAD), &["--graph"]);
    let policies = raw::get(open.decisions, PATH, &[]).json();
    assert_eq!(policies["value"].as_array().unwrap().len(), 6, "{policies}");
    let shut = Process::start(Path::new(WORKLOAD), &[]);
    assert_eq!(raw::get(shut.decisions, PATH, &[]).json()["error"]["reason"], "not_found");
}

#[test]
fn a_hook_that_tells_no_address_is_warned_of_where_policies_look_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("doorward.yaml");
    let told = |settings: &str| {
        std::fs::write(&config, settings).unwrap();
        let server = Process::start(Path::new(WORKLOAD), &["--config", config.to_str().unwrap()]);
        server.signal("TERM");
        server.end().1
    };
    let warning = "requests of this hook carry no address";
    assert!(told("doors: { hooks: { hydra: {} } }").contains(warning));
    assert!(!told("doors: { hooks: { hydra: { ipClaim: ip } } }").contains(warning));
    assert!(!told("doors: {}").contains(warning));
}

/// A restart forgot which bundles had been in force.
#[test]
fn an_older_bundle_is_refused_after_a_restart_too() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("sequence");
    let flags = ["--sequence-file", file.to_str().unwrap()];
    let folder = bundle(&[BLOCK, ("bundle.yaml", "name: live\nsequence: 7\n")]);
    let server = Process::start(folder.path(), &flags);
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "7\n");

    write(folder.path(), "bundle.yaml", "name: live\nsequence: 6\n");
    let serve = |file: &Path| {
        let path = folder.path().to_str().unwrap();
        let any = ["--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"];
        doorward(&[&["serve", path, "--sequence-file", file.to_str().unwrap()], &any[..]].concat())
    };
    let run = serve(&file);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("sequence 6 is lower than 7, which was in force before"), "{}", run.stderr);

    write(folder.path(), "bundle.yaml", "name: live\nsequence: 8\n");
    let server = Process::start(folder.path(), &flags);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "8\n");
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));

    std::fs::write(&file, "eight\n").unwrap();
    let run = serve(&file);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("it holds no sequence"), "{}", run.stderr);
}

/// Whoever put the folder of an older bundle back put its number back too, and each number written was a change of the bundle.
#[test]
fn a_file_for_the_sequence_inside_the_bundle_is_refused() {
    // An invalid bundle, so that a file that is taken ends the process too, with 3.
    let folder = bundle(&[BLOCK, ("bundle.yaml", "nam: live\n")]);
    let outside = tempfile::tempdir().unwrap();
    let (link, path) = (outside.path().join("bundle"), folder.path());
    std::os::unix::fs::symlink(path, &link).unwrap();
    std::fs::create_dir(path.join(".state")).unwrap();
    for (bundle, file) in [(path, path.join("sequence")), (path, link.join(".state/sequence")), (&link, path.join("n"))]
    {
        let run = doorward(&["serve", bundle.to_str().unwrap(), "--sequence-file", file.to_str().unwrap()]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("is a part of the bundle"), "{}", run.stderr);
        assert!(!file.exists());
    }
}

/// A container that holds nothing but this program had nobody to ask how it is.
#[test]
fn a_container_asks_how_its_sidecar_is() {
    let folder = bundle(&[BLOCK]);
    let server = Process::start(folder.path(), &[]);
    let ops = server.operators.to_string();
    let ask = |words: &[&str]| doorward(&[&["healthcheck", "--ops", &ops], words].concat());
    for words in [&[][..], &["ready"], &["live"], &["startup"]] {
        assert_eq!(ask(words).told(), "exit 0\n--- stdout\nok\n", "{words:?}");
    }
    write(folder.path(), "bundle.yaml", "nam: live\n");
    server.signal("HUP");
    status_when(&server, |status| status["state"] == "degraded");
    assert_eq!(ask(&[]).told(), "exit 0\n--- stdout\ndegraded: bundle_rejected\n");
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
    let run = ask(&[]);
    assert!(run.code == 1 && run.stderr.contains("does not answer"), "{}", run.told());
}

#[test]
fn a_sidecar_that_is_not_ready_or_says_nothing_is_not_well() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ops = listener.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || {
        // The last one says nothing; whoever asks does not wait for ever.
        let answers = ["HTTP/1.1 503 Service Unavailable\r\n\r\nno bundle yet\n", "200 ok\n", ""];
        let mut open = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            open.extend(answer.is_empty().then_some(stream));
        }
        open
    });
    let ask = || doorward(&["healthcheck", "--ops", &ops, "--timeout", "1"]);
    assert_eq!(ask().told(), "exit 1\n--- stdout\nno bundle yet\n");
    assert!(ask().stderr.contains("is no operators' listener"));
    let run = ask();
    assert!(run.code == 1 && run.stderr.contains("does not answer within 1 second\n"), "{}", run.told());
    drop(answering.join().unwrap());
}
