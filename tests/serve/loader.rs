//! A loader that has ended is no secret: what is in force stays, and nobody would hear of a newer bundle.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward::reload::{self, Active, KeptSequence, Status};
use doorward::serve::{self, Settings};
use doorward::source::Source;
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::http::Http;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_loader_that_has_ended_degrades_and_takes_nothing_out_of_service() {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/bundle");
    let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
    let settings = Settings { ops: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..Settings::default() };
    let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
    let loader = reload::start(Source::new(&bundle), active, status, |_| {}).unwrap();
    loader.wait_first().unwrap();
    let mut operator = Http::over(TcpStream::connect(running.addresses().ops.unwrap()).await.unwrap()).await;
    assert_eq!(operator.get("/v1/status").await.json()["state"], "serving");
    let metrics = operator.get("/metrics").await.text;
    assert!(checked(&metrics) > 1.7e9);
    for stage in ["fetch", "compile", "swap"] {
        let line = format!("doorward_bundle_load_duration_seconds_count{{stage=\"{stage}\"}} 1\n");
        assert!(metrics.contains(&line), "{metrics}");
    }

    loader.stop();
    assert_eq!(operator.get("/v1/status").await.json()["state"], "degraded");
    let ready = operator.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &*ready.text), (200, "degraded: loader_stopped\n"));
}

/// An older bundle would have come into force after a restart, and nothing but one line of the log said so.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_sequence_that_is_not_kept_degrades_until_it_is() {
    let bundle = tempfile::tempdir().unwrap();
    std::fs::write(bundle.path().join("bundle.yaml"), "name: corp\nsequence: 7\n").unwrap();
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("sequence");
    let kept = Some(KeptSequence::open(&file).unwrap());
    std::fs::remove_dir_all(state.path()).unwrap();

    let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
    let settings = Settings { ops: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..Settings::default() };
    let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
    let source = Source::new(bundle.path());
    let loader = reload::start_keeping(source, active, Arc::clone(&status), false, kept, |_| {}).unwrap();
    loader.wait_first().unwrap();
    let mut operator = Http::over(TcpStream::connect(running.addresses().ops.unwrap()).await.unwrap()).await;
    let told = operator.get("/v1/status").await.json();
    assert_eq!((&told["state"], &told["degradedBy"]), (&json!("degraded"), &json!("sequence_not_kept")));
    let ready = operator.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &*ready.text), (200, "degraded: sequence_not_kept\n"));

    std::fs::create_dir(state.path()).unwrap();
    loader.reload();
    status.wait_until(Instant::now() + Duration::from_secs(60), |view| !view.is_sequence_lost).unwrap();
    assert_eq!(operator.get("/readyz").await.text, "ok\n");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "7\n");
}

/// When the bundle's files were last looked at, which a loader that hangs does no more.
fn checked(metrics: &str) -> f64 {
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix("doorward_bundle_checked_timestamp_seconds ")).unwrap();
    line.parse().unwrap()
}
