//! A bundle that expires while it is in force: it stays, nobody gets more than before, and operators hear of it.

use std::time::{Duration, Instant};

use doorward::observe::log::Target;
use doorward::serve::authzen;
use doorward::serve::wire::v1;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::log::Lines;
use crate::server::outside;
use crate::support::server::Server;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_bundle_that_expires_stays_in_force_and_operators_are_told() {
    let server = Server::start();
    let expires = Timestamp::now() + Duration::from_secs(5);
    let settings =
        format!("name: corp\nrevision: '2'\nexpires: {expires}\ntenantId: 11111111-0000-4000-8000-000000000001\n");
    server.activate("2", [("bundle.yaml", settings)]);
    let mut operator = server.operator().await;
    let metrics = operator.get("/metrics").await.text;
    let told = |name: &str| -> f64 {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
    };
    assert!((told("doorward_bundle_expiry_timestamp_seconds") - expires.as_duration().as_secs_f64()).abs() < 1e-3);
    assert!(told("doorward_bundle_last_success_timestamp_seconds") <= Timestamp::now().as_duration().as_secs_f64());

    assert!(told("doorward_bundle_age_seconds") >= 0.0);
    assert!(
        metrics.contains(concat!("doorward_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n")),
        "{metrics}"
    );

    let begun = Instant::now();
    let status = loop {
        let status = operator.get("/v1/status").await.json();
        if status["active"]["hasExpired"] == true {
            break status;
        }
        assert_eq!((&status["state"], &status["degradedBy"]), (&json!("serving"), &Value::Null));
        assert!(begun.elapsed() < PATIENCE, "{status}");
    };
    assert_eq!((&status["state"], &status["degradedBy"]), (&json!("degraded"), &json!("bundle_expired")));
    assert!(status["active"]["expiresInSeconds"].as_i64().unwrap() <= 0, "{status}");
    let ready = operator.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &*ready.text), (200, "degraded: bundle_expired\n"));
    let answer = server.http().await.decide(&outside()).await.json();
    assert_eq!((&answer["decision"], &answer["bundle"]["revision"]), (&json!("block"), &json!("2")));
}

/// What an answer says of the bundle, in every protocol that says it, and in the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn answers_and_records_say_whether_the_bundle_had_expired() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| {
        settings.log = Target::Writer(sink);
        settings.doors.authzen = Some(authzen::Settings { verbose: true, ..authzen::Settings::default() });
    });
    let expires = Timestamp::now() + Duration::from_secs(3);
    let settings =
        format!("name: corp\nrevision: '2'\nexpires: {expires}\ntenantId: 11111111-0000-4000-8000-000000000001\n");
    server.activate("2", [("bundle.yaml", settings)]);
    let question = json!({
        "subject": {"type": "user", "id": "u1"}, "action": {"name": "read"}, "resource": {"type": "record", "id": "1"},
    });
    let (mut http, mut grpc) = (server.http().await, server.grpc().await);
    let (mut fresh, mut stale) = (0, 0);
    while stale == 0 {
        let before = Timestamp::now();
        let in_json = http.decide(&outside()).await.json();
        let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
        let in_protobuf = grpc.decide(message).await.unwrap().into_inner();
        let batch = json!({"requests": [outside()]}).to_string();
        let batch = http.post("/v1/decide/batch", &batch).await.json();
        let authzen = http.post("/access/v1/evaluation", &question.to_string()).await.json();
        let told = [
            in_json.get("stale"),
            in_protobuf.stale.then_some(&Value::Bool(true)),
            batch["results"][0]["answer"].get("stale"),
            authzen["context"]["ca"].get("stale"),
        ];
        if before >= expires {
            assert_eq!(told, [Some(&Value::Bool(true)); 4], "{in_json} {batch} {authzen}");
            stale += 1;
        } else if Timestamp::now() < expires {
            assert_eq!(told, [None; 4], "{in_json} {batch} {authzen}");
            fresh += 1;
        }
    }
    assert!(fresh > 0);
    server.stop();
    for record in lines.read() {
        let time: Timestamp = record["time"].as_str().unwrap().parse().unwrap();
        let expected = (time >= expires).then_some(&Value::Bool(true));
        assert_eq!(record.get("stale"), expected, "{record}");
    }
}
