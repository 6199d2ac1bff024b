//! Whether this process should get requests, for Kubernetes, load balancers and gRPC clients.
//!
//! | state | `/startupz` | `/livez` | `/readyz` | gRPC |
//! |---|---|---|---|---|
//! | no bundle yet | 503 | 200 | 503 | NOT_SERVING |
//! | serving | 200 | 200 | 200 | SERVING |
//! | serving, the newest bundle was refused, that in force has expired, its sequence could not be kept, or the loader has ended | 200 | 200 | 200, `degraded` | SERVING |
//! | stopping | 200 | 200 | 503 | NOT_SERVING |
//!
//! A bad new bundle never takes a healthy process out of service.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::limits;
use crate::reload::Active;

/// The service that health always names beside the process as a whole, which is the empty name.
const SERVICE: &str = "doorward.v1.Decisions";
/// How often a watching client's answer is looked at.
const WATCH: Duration = Duration::from_millis(200);

/// Whether there is a bundle, and whether the process is stopping.
#[derive(Clone, Debug)]
pub struct Readiness {
    active: Arc<Active>,
    is_stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// Readiness of a process that serves the snapshots of `active`.
    pub fn new(active: Arc<Active>) -> Self {
        Self { active, is_stopping: Arc::default() }
    }

    /// Whether a bundle has ever been activated.
    pub fn has_started(&self) -> bool {
        self.active.load().is_some()
    }

    /// Whether requests should be sent here.
    pub fn is_ready(&self) -> bool {
        self.has_started() && !self.is_stopping()
    }

    /// Whether the process is stopping.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Relaxed)
    }

    /// From now on the process is stopping.
    pub fn stop(&self) {
        self.is_stopping.store(true, Relaxed);
    }

    fn status(&self) -> ServingStatus {
        if self.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing }
    }
}

/// `grpc.health.v1.Health`, which also knows the service `other`, if there is one.
pub fn service(readiness: Readiness, other: Option<&'static str>) -> HealthServer<impl Health> {
    HealthServer::new(Checks { readiness, other, watches: Arc::new(Semaphore::new(limits::HEALTH_WATCHES_MAX)) })
}

struct Checks {
    readiness: Readiness,
    other: Option<&'static str>,
    /// WHY: watching clients ask for nothing more, so nothing else bounds them.
    watches: Arc<Semaphore>,
}

impl Checks {
    fn knows(&self, service: &str) -> bool {
        matches!(service, "" | SERVICE) || self.other == Some(service)
    }
}

type Statuses = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Health for Checks {
    type WatchStream = Statuses;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        match self.knows(&request.get_ref().service) {
            true => Ok(Response::new(response(self.readiness.status()))),
            false => Err(Status::not_found("there is no such service")),
        }
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Statuses>, Status> {
        let permit = Arc::clone(&self.watches).try_acquire_owned();
        let permit = permit.map_err(|_| Status::resource_exhausted("too many clients watch"))?;
        let readiness = self.knows(&request.get_ref().service).then(|| self.readiness.clone());
        let status = move || readiness.as_ref().map_or(ServingStatus::ServiceUnknown, Readiness::status);
        let changes = stream::unfold((status, None, permit), |(status, told, permit)| async move {
            loop {
                let now = status();
                if told != Some(now) {
                    return Some((Ok(response(now)), (status, Some(now), permit)));
                }
                tokio::time::sleep(WATCH).await;
            }
        });
        Ok(Response::new(Box::pin(changes)))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
