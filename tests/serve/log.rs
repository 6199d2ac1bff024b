//! The decision log.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use doorward::compile::{self, CompiledBundle};
use doorward::observe::log::Target;
use doorward::serve::authzen;
use doorward::serve::replay::{Replayed, Replayer, Verdict};
use doorward::serve::wire::v1;
use serde_json::{Value, json};

use doorward::source::Source;
use doorward::text::RawFile;

use crate::server::outside;
use crate::support::countries;
use crate::support::http::changed;
use crate::support::server::Server;

#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub fn read(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn rich() -> Value {
    json!({
        "identity": {
            "type": "user", "id": "u1", "groups": [], "roles": ["r1"], "guestType": "b2bCollaborationGuest",
            "customSecurityAttributes": {"Set": {"A": "x", "B": ["y", "z"], "C": true, "D": 1.5}},
        },
        "resource": {"appIds": ["a1"], "type": "application", "authenticationContext": "c7"},
        "network": {"ipAddress": "2001:db8::1", "country": "DE", "compliantNetwork": false},
        "risk": {"signIn": "none", "insider": "minor"},
        "clientApp": "browser", "platform": "iOS",
        "device": {"deviceId": "d", "isCompliant": true, "physicalIds": ["p"], "extensionAttribute15": "e"},
        "authenticationFlow": "deviceCodeFlow",
        "credential": {"type": "password", "keyId": "k"},
        "satisfied": {"builtInControls": ["verifiedID", "mfa"], "termsOfUse": ["t"]},
        "attributes": {"any": [{"thing": null}]},
        "explain": false,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_line_of_the_log_decides_the_same_again() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| settings.log = Target::Writer(sink));
    let requests = [outside(), changed(outside(), "/risk/servicePrincipal", json!("high")), rich()];
    let mut answers = Vec::new();
    for request in &requests {
        answers.push(server.http().await.decide(request).await.json());
        let message: v1::DecideRequest = serde_json::from_value(request.clone()).unwrap();
        server.grpc().await.decide(message).await.unwrap();
    }
    server.stop();
    let logged = lines.read();
    assert_eq!(logged.len(), 6);
    let again = Server::start();
    for (entry, (request, answer)) in logged.iter().step_by(2).zip(requests.iter().zip(&answers)) {
        let sent: v1::DecideRequest = serde_json::from_value(request.clone()).unwrap();
        let mut replayed: v1::DecideRequest = serde_json::from_value(entry["input"].clone()).unwrap();
        replayed.request_id = sent.request_id.clone();
        assert_eq!(replayed, sent);
        let replay = changed(entry["input"].clone(), "/requestId", entry["requestId"].clone());
        assert_eq!(again.http().await.decide(&replay).await.json(), *answer);
        assert_eq!((&entry["decision"], &entry["reason"]), (&answer["decision"], &answer["reason"]));
        let ids: Vec<_> = answer["policies"].as_array().unwrap().iter().map(|policy| policy["id"].clone()).collect();
        assert_eq!(entry["policies"], json!(ids));
        assert_eq!(entry["bundle"]["revision"], "1");
        assert_eq!(entry["bundle"]["digest"].as_str().unwrap().len(), 64);
        assert!(entry["durationNs"].as_u64().is_some());
        assert!(entry["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    }
    let surfaces: Vec<_> = logged.iter().map(|entry| entry["surface"].as_str().unwrap()).collect();
    assert_eq!(surfaces, ["http", "grpc"].repeat(3));
}

/// The country decides, and a later bundle may bring another database: so the record says what this one found.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_record_holds_the_country_that_the_database_found() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| settings.log = Target::Writer(sink));
    server.http().await.decide(&outside()).await;
    server.activate(
        "mapped",
        [
            ("countries.mmdb", &countries::database()[..]),
            ("bundle.yaml", &b"{ name: corp, revision: mapped, countryDatabase: countries.mmdb }"[..]),
        ],
    );
    for address in ["81.2.69.142", "203.0.113.1"] {
        server.http().await.decide(&changed(outside(), "/network/ipAddress", json!(address))).await;
    }
    server.stop();
    let countries: Vec<_> = lines.read().iter().map(|entry| entry["country"].clone()).collect();
    assert_eq!(countries, [json!(null), json!("GB"), json!("ZZ")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn refused_input_is_logged_as_an_error() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| settings.log = Target::Writer(sink));
    server.http().await.decide(&changed(outside(), "/network/ipAddress", json!("10.0.0"))).await;
    server.stop();
    let logged = lines.read();
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0]["decision"], "error");
    assert_eq!(logged[0]["reason"], "input_invalid");
    assert_eq!(logged[0]["field"], "network.ipAddress");
    assert_eq!(logged[0]["input"]["network"]["ipAddress"], "10.0.0");
    assert_eq!(logged[0]["requestId"], "r-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_log_file_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.jsonl");
    for _ in 0..2 {
        let mut server = Server::with(|settings| settings.log = Target::File(file.clone()));
        server.http().await.decide(&outside()).await;
        server.stop();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
}

/// The start waited for a reader, and no signal ended it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pipe_that_nobody_reads_yet_holds_nothing_up_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("decisions");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut server = Server::with(|settings| settings.log = Target::File(pipe.clone()));
    server.http().await.decide(&outside()).await;
    let mut line = String::new();
    io::BufReader::new(std::fs::File::open(&pipe).unwrap()).read_line(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["requestId"], "r-1");
    server.stop();
}

/// The bundle of the server, a file of it with other content.
fn bundle_with(name: &str, content: &str) -> CompiledBundle {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/serve/bundle");
    let mut raw = Source::new(folder).read().unwrap().bundle;
    raw.files.retain(|file| &*file.name != name);
    raw.files.push(RawFile { name: name.into(), bytes: content.into() });
    compile::compile(&raw).bundle.unwrap()
}

fn replayed(bundle: &CompiledBundle, lines: &[Value]) -> Vec<Replayed> {
    let mut replayer = Replayer::new(bundle);
    lines.iter().map(|line| replayer.replay(line.to_string().as_bytes()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_recorded_log_replays_to_identical_decisions_and_another_bundle_changes_exactly_those_it_decides_otherwise() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| settings.log = Target::Writer(sink));
    let mut requests = vec![outside(), rich(), changed(outside(), "/network/ipAddress", json!("10.0.0"))];
    for address in ["198.51.100.1", "198.51.100.255", "203.0.113.9", "2001:db8::1"] {
        for level in ["none", "low", "medium", "high"] {
            let request = changed(outside(), "/network/ipAddress", json!(address));
            requests.push(changed(request, "/risk/servicePrincipal", json!(level)));
        }
    }
    for request in &requests {
        server.http().await.decide(request).await;
    }
    server.stop();
    let logged = lines.read();
    assert_eq!(logged.len(), requests.len());

    let settings = std::fs::read_to_string("tests/serve/bundle/bundle.yaml").unwrap();
    let same = replayed(&bundle_with("bundle.yaml", &settings), &logged);
    assert!(same.iter().all(|replayed| replayed.is_same && replayed.change.is_none()), "{same:#?}");

    // What no policy covers is blocked now, and nothing else changes.
    let settings = format!("{}defaultDecision: block\n", settings.replace("revision: \"1\"", "revision: other"));
    let other = bundle_with("bundle.yaml", &settings);
    let again = Server::start();
    again.activate("other", [("bundle.yaml", &settings)]);
    let mut changes = 0;
    for (replayed, request) in replayed(&other, &logged).iter().zip(&requests) {
        let answer = again.http().await.decide(request).await.json();
        assert_eq!(replayed.after.as_str(), answer["decision"].as_str().unwrap_or("error"), "{request}");
        assert_eq!(replayed.change.is_some(), replayed.before != replayed.after);
        changes += usize::from(replayed.before == Verdict::Allow && replayed.after == Verdict::Block);
    }
    assert!(changes > 0 && changes < requests.len());
}

/// Replayed with the bundle that had refused them, such requests were told as decisions that change.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_refused_for_its_id_for_the_message_around_it_or_by_its_door_replays_as_refused() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| {
        settings.log = Target::Writer(sink);
        settings.doors.authzen = Some(authzen::Settings::default());
    });
    for id in [" ", "a\nb", &"x".repeat(257)] {
        server.http().await.decide(&changed(outside(), "/requestId", json!(id))).await;
    }
    let many: String =
        (0..200).map(|n| format!("- {{ displayName: P{n}, state: disabled, conditions: {{}} }}\n")).collect();
    server.activate("many", [("many.yaml", &many)]);
    let explained = changed(outside(), "/explain", json!(true));
    let batch = json!({ "requests": vec![explained; 51] }).to_string();
    assert_eq!(server.http().await.post("/v1/decide/batch", &batch).await.status, 200);
    let misspelt = json!({
        "subject": {"type": "user", "id": "u1"},
        "action": {"name": "issue:x"},
        "resource": {"type": "audience", "id": "api://a"},
    });
    let answer = server.http().await.post("/access/v1/evaluation", &misspelt.to_string()).await.json();
    assert_eq!(answer["decision"], false);
    server.stop();
    let logged = lines.read();
    let fields: Vec<_> = logged.iter().filter_map(|entry| entry["field"].as_str()).collect();
    let (ids, beside) = fields.split_at(3);
    assert_eq!((ids, beside.first(), beside.last()), (&["requestId"; 3][..], Some(&"explain"), Some(&"action.name")));
    let refused: Vec<_> = logged.into_iter().filter(|entry| entry["decision"] == "error").collect();
    for replayed in replayed(&bundle_with("many.yaml", &many), &refused) {
        assert_eq!((replayed.after, replayed.is_same, replayed.change), (Verdict::Error, true, None));
    }
}
