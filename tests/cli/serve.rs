//! `serve`: the process from its start to its end, with signals and a changing bundle.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::run::{BLOCK, PAYROLL, Run, WORKLOAD, bundle, command, doorward, write};

/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when a test ends early.
struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The line to paste.
    line: String,
    decisions: String,
    operators: String,
}

impl Server {
    fn start(bundle: &Path, arguments: &[&str]) -> Self {
        let fixed = ["serve", bundle.to_str().unwrap(), "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"];
        let mut child =
            command(&[&fixed[..], arguments].concat()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut operators) = (String::new(), String::new());
        while operators.is_empty() {
            let mut text = String::new();
            assert_ne!(stdout.read_line(&mut text).unwrap(), 0, "the server ended: {:?}", child.wait());
            if text.contains("/v1/decide") {
                line = text.trim().to_owned();
            } else if let Some((_, rest)) = text.split_once("Metrics  curl -s http://") {
                operators = rest.split('/').next().unwrap().to_owned();
            }
        }
        let decisions = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { child, stdout, line, decisions, operators }
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill {name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    fn end(mut self) -> Run {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Run { code: self.child.wait().unwrap().code().unwrap(), stdout, stderr }
    }

    fn status(&self) -> Value {
        get(&self.operators, "/v1/status")
    }

    fn status_when(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status();
            if is_wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "the status stays {status}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> Value {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
}

fn post(address: &str, path: &str, body: &str) -> Value {
    let length = body.len();
    exchange(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    )
}

fn exchange(address: &str, request: &str) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap_or_else(|_| panic!("no JSON: {response}"))
}

#[test]
fn the_line_to_paste_gets_an_answer_and_decide_gives_the_same() {
    let server = Server::start(Path::new(WORKLOAD), &[]);
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let line = server.line.replace(&server.decisions, "127.0.0.1:8480");
    assert!(readme.contains(&format!("$ {line}\n")), "the README shows the line: {line}");
    let body = server.line.split("-d '").nth(1).unwrap().strip_suffix('\'').unwrap();
    let mut answer = post(&server.decisions, "/v1/decide", body);
    assert!(answer.as_object_mut().unwrap().remove("requestId").is_some());
    let run = doorward(&["decide", WORKLOAD, "--id", PAYROLL, "--ip", "203.0.113.200", "--format", "json"]);
    assert_eq!(answer, serde_json::from_str::<Value>(&run.stdout).unwrap());
    assert_eq!(answer["decision"], "block");
}

#[test]
fn sigterm_and_sigint_end_with_0() {
    for signal in ["-TERM", "-INT"] {
        let server = Server::start(Path::new(WORKLOAD), &[]);
        server.signal(signal);
        let run = server.end();
        assert_eq!(run.code, 0, "{signal}: {}", run.told());
        assert!(!run.stderr.contains('\u{1b}'), "no colour where no terminal is: {}", run.stderr);
    }
}

#[test]
fn sighup_takes_up_a_changed_bundle_and_a_bad_one_changes_nothing() {
    let folder = bundle(&[BLOCK, ("bundle.yaml", "name: live\nrevision: one\n")]);
    let server = Server::start(folder.path(), &[]);
    let request = r#"{"identity":{"type":"servicePrincipal","id":"build"}}"#;
    assert_eq!(post(&server.decisions, "/v1/decide", request)["decision"], "block");

    write(folder.path(), "bundle.yaml", "name: live\nrevsion: two\n");
    server.signal("-HUP");
    let status = server.status_when(|status| status["state"] == "degraded");
    assert_eq!(status["rejected"]["findings"][0]["id"], "unknown-setting");
    assert_eq!(post(&server.decisions, "/v1/decide", request)["bundle"]["revision"], "one");

    write(folder.path(), "bundle.yaml", "name: live\nrevision: three\n");
    server.signal("-HUP");
    server.status_when(|status| status["active"]["revision"] == "three" && status["state"] == "serving");
    assert_eq!(post(&server.decisions, "/v1/decide", request)["bundle"]["revision"], "three");
}

#[test]
fn decisions_are_logged_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("decisions.jsonl");
    let server = Server::start(Path::new(WORKLOAD), &["--decision-log", log.to_str().unwrap()]);
    post(&server.decisions, "/v1/decide", r#"{"identity":{"type":"servicePrincipal","id":"build"},"requestId":"r1"}"#);
    server.signal("-TERM");
    assert_eq!(server.end().code, 0);
    let record: Value = serde_json::from_str(std::fs::read_to_string(log).unwrap().trim()).unwrap();
    assert_eq!((&record["requestId"], &record["decision"]), (&"r1".into(), &"block".into()));
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
    let server = Server::start(Path::new(WORKLOAD), &["--threads", "2"]);
    let run = doorward(&["serve", WORKLOAD, "--listen", &server.decisions, "--ops", "127.0.0.1:0"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("cannot listen on"), "{}", run.stderr);
}

#[test]
fn a_unix_socket_is_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.sock");
    let listen = format!("unix:{}", path.display());
    let server = Server::start(Path::new(WORKLOAD), &["--listen", &listen]);
    std::os::unix::net::UnixStream::connect(&path).unwrap();
    server.signal("-TERM");
    assert_eq!(server.end().code, 0);
    assert!(!path.exists(), "the socket goes away with the process");
}

#[test]
fn clients_of_graph_are_answered_only_where_the_operator_says_so() {
    const PATH: &str = "/v1.0/identity/conditionalAccess/policies";
    let open = Server::start(Path::new(WORKLOAD), &["--graph"]);
    let policies = get(&open.decisions, PATH);
    assert_eq!(policies["value"].as_array().unwrap().len(), 6, "{policies}");
    let shut = Server::start(Path::new(WORKLOAD), &[]);
    assert_eq!(get(&shut.decisions, PATH)["error"]["reason"], "not_found");
}

#[test]
fn a_hook_that_tells_no_address_is_warned_of_where_policies_look_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("doorward.yaml");
    let told = |settings: &str| {
        std::fs::write(&config, settings).unwrap();
        let server = Server::start(Path::new(WORKLOAD), &["--config", config.to_str().unwrap()]);
        server.signal("-TERM");
        server.end().stderr
    };
    let warning = "requests of this hook carry no address";
    assert!(told("doors: { hooks: { hydra: {} } }").contains(warning));
    assert!(!told("doors: { hooks: { hydra: { ipClaim: ip } } }").contains(warning));
    assert!(!told("doors: {}").contains(warning));
}
