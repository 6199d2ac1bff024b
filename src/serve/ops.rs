//! The listener for operators: probes, metrics, status. On its own thread and address, loopback by default, so that a
//! scrape never takes time from a decision and nobody outside sees what a bundle holds.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::callers::Tls;
use super::health::Readiness;
use super::worker;
use crate::limits;
use crate::model::State as PolicyState;
use crate::observe::log;
use crate::observe::metrics::Core;
use crate::observe::metrics::exposition::{self, BundleFacts, Facts, LoadTimes};
use crate::reload::{Active, LOAD_BUCKETS_MS, LoadResult, Status, Times, View};
use crate::text::Finding;

/// What operators can see.
#[derive(Clone, Debug)]
pub struct Ops {
    /// Whether requests should come here.
    pub readiness: Readiness,
    /// The snapshot in force.
    pub active: Arc<Active>,
    /// The state of loading.
    pub status: Arc<Status>,
    /// The counters of all serving threads.
    pub cores: Arc<[Arc<Core>]>,
    /// The counters of the decision log, if there is one.
    pub log: Option<log::Meter>,
    /// TLS of the decisions' listener, if it has any.
    pub tls: Option<Arc<Tls>>,
}

/// Serves operators until `stop` is true. A connection that sends no complete request head for `idle_time` is closed;
/// so is at once one beyond [`limits::OPERATOR_CONNECTIONS_MAX`].
///
/// # Errors
/// The system gives no runtime or refuses the listener.
pub fn run(
    listener: std::net::TcpListener,
    ops: Ops,
    idle_time: Duration,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        let router = router(ops);
        let places = Arc::new(Semaphore::new(limits::OPERATOR_CONNECTIONS_MAX));
        // WHY: probes and scrapers speak HTTP/1.1; its head timer is the only one that runs from the first byte on.
        let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
        server.http1().timer(TokioTimer::new()).header_read_timeout(idle_time);
        server.http1().max_buf_size(limits::REQUEST_HEAD_BYTES_MAX);
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        worker::pause(&error).await;
                        continue;
                    }
                },
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                continue;
            };
            let (server, router) = (server.clone(), router.clone());
            tokio::spawn(async move {
                let _ = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
                drop(place);
            });
        }
    })
}

fn router(ops: Ops) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/startupz", get(startup))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/status", get(status))
        .with_state(ops)
}

async fn startup(State(ops): State<Ops>) -> Response {
    probe(ops.readiness.has_started(), "no bundle yet\n", "ok\n".to_owned())
}

async fn ready(State(ops): State<Ops>) -> Response {
    let reason = if ops.readiness.is_stopping() { "stopping\n" } else { "no bundle yet\n" };
    let well = match degraded(&ops.status.view(), Timestamp::now()) {
        Some(cause) => format!("degraded: {}\n", cause.as_str()),
        None => "ok\n".to_owned(),
    };
    probe(ops.readiness.is_ready(), reason, well)
}

/// Why what is in force is not what it should be.
enum Degraded {
    /// The loader has ended: no change of the files will be seen.
    Stopped,
    /// The newest bundle was refused.
    Rejected,
    /// The bundle in force has expired.
    Expired,
    /// The highest sequence could not be kept: an older bundle would come into force after a restart.
    SequenceLost,
}

impl Degraded {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Stopped => "loader_stopped",
            Self::Rejected => "bundle_rejected",
            Self::Expired => "bundle_expired",
            Self::SequenceLost => "sequence_not_kept",
        }
    }
}

/// The first thing to be mended.
fn degraded(view: &View, now: Timestamp) -> Option<Degraded> {
    let has_expired = view.active.as_ref().is_some_and(|active| active.has_expired(now));
    match (view.has_stopped, &view.rejected) {
        (true, _) => Some(Degraded::Stopped),
        (false, Some(_)) => Some(Degraded::Rejected),
        (false, None) if has_expired => Some(Degraded::Expired),
        (false, None) => view.is_sequence_lost.then_some(Degraded::SequenceLost),
    }
}

fn probe(is_well: bool, unwell: &'static str, well: String) -> Response {
    if is_well { well.into_response() } else { (StatusCode::SERVICE_UNAVAILABLE, unwell).into_response() }
}

async fn metrics(State(ops): State<Ops>) -> Response {
    let view = ops.status.view();
    let facts = Facts {
        bundle: bundle(&ops.active),
        checked: view.checked.map(|checked| checked.as_duration().as_secs_f64()),
        confirmed: view.confirmed.map(|confirmed| confirmed.as_duration().as_secs_f64()),
        loads: LoadResult::ALL.map(|result| (result.as_str(), view.loads.of(result))).to_vec(),
        load_times: view.loads.times().map(|(stage, times)| load_times(stage, times)).collect(),
        log: ops.log.as_ref().map(log::Meter::counts),
        certificate_expires: ops.tls.as_ref().map(|tls| tls.expires().as_duration().as_secs_f64()),
    };
    ([(header::CONTENT_TYPE, exposition::MEDIA_TYPE)], exposition::text(&ops.cores, facts)).into_response()
}

fn load_times(stage: &'static str, times: &Times) -> LoadTimes {
    let bounds = LOAD_BUCKETS_MS.iter().map(|bound| *bound as f64 / 1e3).chain([f64::INFINITY]);
    LoadTimes { stage, buckets: bounds.zip(times.counts).collect(), sum: times.sum.as_secs_f64() }
}

fn bundle(active: &Active) -> Option<BundleFacts> {
    let snapshot = active.load();
    let snapshot = snapshot.as_ref()?;
    let bundle = &snapshot.bundle;
    let report_only = bundle.policies().iter().filter(|policy| policy.state == PolicyState::ReportOnly);
    Some(BundleFacts {
        name: bundle.name().to_owned(),
        revision: bundle.revision().to_owned(),
        digest: bundle.digest().to_owned(),
        activated: snapshot.activated.as_duration().as_secs_f64(),
        age: Timestamp::now().duration_since(snapshot.activated).as_secs_f64(),
        expires: bundle.expires().map(|expires| expires.as_duration().as_secs_f64()),
        policies: bundle.policies().len(),
        ranges: bundle.ranges(),
        report_only: report_only.map(|policy| policy.id.as_ref().to_owned()).collect(),
    })
}

/// `GET /v1/status`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusBody<'a> {
    version: &'static str,
    state: &'static str,
    degraded_by: Option<&'static str>,
    active: Option<ActiveBody<'a>>,
    rejected: Option<RejectedBody<'a>>,
    checked: Option<String>,
    checked_age_seconds: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActiveBody<'a> {
    name: &'a str,
    revision: &'a str,
    digest: &'a str,
    sequence: Option<u64>,
    expires: Option<String>,
    has_expired: bool,
    expires_in_seconds: Option<i64>,
    is_revision_reused: bool,
    activated: String,
    age_seconds: i64,
    generation: u64,
    policies: usize,
    locations: usize,
    ranges: usize,
    warnings: &'a [Finding],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RejectedBody<'a> {
    at: String,
    age_seconds: i64,
    digest: Option<&'a str>,
    stage: &'a str,
    message: &'a str,
    findings: &'a [Finding],
}

async fn status(State(ops): State<Ops>) -> Response {
    let view = ops.status.view();
    let body = status_body(&ops.readiness, &view, Timestamp::now());
    ([(header::CONTENT_TYPE, "application/json")], serde_json::to_vec(&body).unwrap_or_default()).into_response()
}

fn status_body<'a>(readiness: &Readiness, view: &'a View, now: Timestamp) -> StatusBody<'a> {
    let age = |then: Timestamp| now.duration_since(then).as_secs();
    let degraded = degraded(view, now).filter(|_| readiness.has_started());
    StatusBody {
        version: env!("CARGO_PKG_VERSION"),
        state: match (readiness.is_stopping(), readiness.has_started(), degraded.is_some()) {
            (true, _, _) => "stopping",
            (_, false, _) => "starting",
            (_, true, true) => "degraded",
            (_, true, false) => "serving",
        },
        degraded_by: degraded.map(|cause| cause.as_str()),
        active: view.active.as_deref().map(|active| ActiveBody {
            name: &active.facts.name,
            revision: &active.facts.revision,
            digest: &active.facts.digest,
            sequence: active.facts.sequence,
            expires: active.facts.expires.map(|expires| expires.to_string()),
            has_expired: active.has_expired(now),
            expires_in_seconds: active.facts.expires.map(|expires| expires.duration_since(now).as_secs()),
            is_revision_reused: active.is_revision_reused,
            activated: active.activated.to_string(),
            age_seconds: age(active.activated),
            generation: active.generation,
            policies: active.facts.policies,
            locations: active.facts.locations,
            ranges: active.facts.ranges,
            warnings: &active.warnings,
        }),
        rejected: view.rejected.as_deref().map(|rejected| RejectedBody {
            at: rejected.at.to_string(),
            age_seconds: age(rejected.at),
            digest: rejected.digest.as_deref(),
            stage: rejected.rejection.stage.as_str(),
            message: &rejected.rejection.message,
            findings: &rejected.rejection.findings,
        }),
        checked: view.checked.map(|checked| checked.to_string()),
        checked_age_seconds: view.checked.map(age),
    }
}
