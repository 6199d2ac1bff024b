//! A bad bundle amid good ones: it is reported, and callers get the last good one.

use doorward::reload::View;
use serde_json::{Value, json};

use crate::bundle::{Files, Place, failing, misspelt, refuted};
use crate::client::Clients;
use crate::server::Live;

/// Puts `bad` in the place of bundle 1 while clients ask, and then bundle 3 in its place. Gives what `/v1/status` said
/// of the bad one. `result` is the name under which metrics count it.
async fn refuse_under_load(place: fn(std::path::PathBuf) -> Place, bad: &Files, result: &str) -> Value {
    let live = Live::start(place);
    let mut operator = live.server.operator().await;
    let mut clients = Clients::start(live.server.tcp()).await;
    clients.wait_for_revision(1).await;
    let refused = format!("doorward_bundle_loads_total{{result=\"{result}\"}}");
    let activated = "doorward_bundle_loads_total{result=\"activated\"}";
    assert_eq!(operator.metric(&refused).await, 0);
    assert_eq!(operator.get("/readyz").await.told(), (200, "ok\n"));

    live.put_files("bad", bad);
    // Not before it was read whole: a swap may also meet a reading, and the next one finds what is there.
    let is_refused = |view: &View| view.rejected.as_ref().is_some_and(|rejected| rejected.digest.is_some());
    live.wait_until(is_refused);
    clients.wait_for_answers(50).await;
    for progress in clients.progress().await {
        assert_eq!((progress.revision, progress.changes), (1, 0), "the last good bundle answers");
    }
    let status = operator.get("/v1/status").await.json();
    assert_eq!((&status["state"], &status["active"]["revision"]), (&json!("degraded"), &json!("1")));
    assert_eq!(operator.get("/readyz").await.told(), (200, "degraded: bundle_rejected\n"));
    assert_eq!(operator.get("/livez").await.status, 200);
    assert!(operator.metric(&refused).await > 0);
    assert_eq!(operator.metric(activated).await, 1);

    live.put(3);
    clients.wait_for_revision(3).await;
    live.wait_until(|view| view.rejected.is_none());
    let after = operator.get("/v1/status").await.json();
    assert_eq!((&after["state"], &after["rejected"]), (&json!("serving"), &Value::Null));
    assert_eq!(after["active"]["revision"], "3");
    assert_eq!(operator.get("/readyz").await.told(), (200, "ok\n"));
    assert_eq!(operator.metric(activated).await, 2);
    clients.end().await;
    status["rejected"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_bundle_is_reported_with_file_line_and_reason_and_the_last_good_one_serves() {
    for place in [Place::Link, Place::Volume] {
        let rejected = refuse_under_load(place, &misspelt(2), "rejected_invalid").await;
        assert_eq!(rejected["stage"], "parse");
        let finding = &rejected["findings"][0];
        let told = (&finding["file"], &finding["line"], &finding["id"]);
        assert_eq!(told, (&json!("policy.yaml"), &json!(6), &json!("unknown-location")));
        assert_eq!(finding["what"], "no named location is called `Ofice`");
        assert_eq!(rejected["message"], finding["what"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_that_fails_its_own_tests_is_refused_and_the_last_good_one_serves() {
    let rejected = refuse_under_load(Place::Link, &failing(2), "rejected_invariant").await;
    assert_eq!(rejected["stage"], "tests");
    assert_eq!(rejected["message"], "tests/office.yaml:2: the case `a workload inside` does not pass");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_with_a_statement_that_does_not_hold_is_refused_and_the_last_good_one_serves() {
    let rejected = refuse_under_load(Place::Link, &refuted(2), "rejected_invariant").await;
    assert_eq!(rejected["stage"], "tests");
    assert_eq!(rejected["message"], "`Nobody outside of the office` does not hold: workloads get through");
    let finding = &rejected["findings"][0];
    let told = (&finding["file"], &finding["line"], &finding["id"]);
    assert_eq!(told, (&json!("statements/office.yaml"), &json!(1), &json!("refuted-statement")));
}
