//! A bundle that expires while it is in force: it stays, nobody gets more than before, and operators hear of it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

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
