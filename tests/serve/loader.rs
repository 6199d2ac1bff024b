//! A loader that has ended is no secret: what is in force stays, and nobody would hear of a newer bundle.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use doorward::reload::{self, Active, Status};
use doorward::serve::{self, Settings};
use doorward::source::Source;
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

/// When the bundle's files were last looked at, which a loader that hangs does no more.
fn checked(metrics: &str) -> f64 {
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix("doorward_bundle_checked_timestamp_seconds ")).unwrap();
    line.parse().unwrap()
}
