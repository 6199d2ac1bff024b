//! The gRPC services beside decisions: health and reflection.
//!
//! They are tonic's and decide nothing, so they have bounds of their own: whoever sends half a message, or keeps
//! reflection open, keeps no decision out, and holds no more memory than [`limits::HEALTH_CALLS_MAX`] and
//! [`limits::REFLECTIONS_MAX`] allow. What health says is [`health`]'s.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tonic::service::Routes;
use tower::ServiceExt;

use super::api::ApiPath;
use super::body::Reply;
use super::callers::Lease;
use super::door::Door;
use super::grpc::{PREFIX, refuse};
use super::health::{self, Readiness};
use super::leased::Leased;
use super::wire::{self, Refusal};
use super::{Doors, envoy};
use crate::limits;
use crate::observe::metrics::Surface;

const REFLECTION: &str = "/grpc.reflection.";

/// Whether a call of `path` goes on when its answer has begun, so that it needs a lease.
pub fn goes_on(path: &str) -> bool {
    ApiPath::of(path) == Some(ApiPath::GrpcStream)
        || path == "/grpc.health.v1.Health/Watch"
        || path.starts_with(REFLECTION)
}

/// The services of one serving thread.
#[derive(Debug)]
pub struct Services {
    routes: Routes,
    /// One for each call of health whose message is on its way.
    health: Semaphore,
    /// One for each open call of reflection.
    reflections: Arc<Semaphore>,
}

impl Services {
    /// Health as `readiness` tells it, and reflection on everything that is served.
    ///
    /// # Errors
    /// The compiled proto files are damaged.
    pub fn new(readiness: &Readiness, doors: &Doors) -> Result<Self, tonic_reflection::server::Error> {
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let v1 = reflection().build_v1()?.max_decoding_message_size(limits::REQUEST_BYTES_MAX);
        // WHY: the reflection client of Python, among others, knows the older version alone.
        let v1alpha = reflection().build_v1alpha()?.max_decoding_message_size(limits::REQUEST_BYTES_MAX);
        let other = doors.envoy.is_some().then_some(envoy::SERVICE);
        let health = health::service(readiness.clone(), other);
        Ok(Self {
            routes: Routes::new(health).add_service(v1).add_service(v1alpha).prepare(),
            health: Semaphore::new(limits::HEALTH_CALLS_MAX),
            reflections: Arc::new(Semaphore::new(limits::REFLECTIONS_MAX)),
        })
    }

    /// Answers one call; one that goes on, for no longer than `lease`.
    pub async fn answer(&self, door: &Arc<Door>, lease: Option<Lease>, request: Request<Incoming>) -> Response<Reply> {
        let path = request.uri().path();
        let refuse = |refusal| refuse(door, Surface::Grpc, refusal);
        if path.starts_with("/grpc.health.") {
            // A call of health sends one message, so it is read here, and in time.
            let Ok(_permit) = self.health.try_acquire() else { return refuse(Refusal::Overloaded) };
            let (head, body) = request.into_parts();
            return match door.read(body, PREFIX + limits::REQUEST_BYTES_MAX).await {
                Ok(body) => {
                    let response = self.call(Request::from_parts(head, Reply::Whole(body))).await;
                    response.map(|body| Reply::Tonic(leased(door, lease, body)))
                }
                Err(refusal) => refuse(refusal),
            };
        }
        if path.starts_with(REFLECTION) {
            let Ok(permit) = Arc::clone(&self.reflections).try_acquire_owned() else {
                return refuse(Refusal::Overloaded);
            };
            return self.call(request).await.map(|body| Reply::Held(leased(door, lease, body), permit));
        }
        self.call(request).await.map(Reply::Tonic)
    }

    async fn call<B>(&self, request: Request<B>) -> Response<tonic::body::Body>
    where
        B: hyper::body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        match self.routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err::<_, Infallible>(never) => match never {},
        }
    }
}

/// `body` for no longer than `lease`.
fn leased(door: &Arc<Door>, lease: Option<Lease>, body: tonic::body::Body) -> tonic::body::Body {
    let Some(lease) = lease else { return body };
    let door = Arc::clone(door);
    let ended = async move { door.decider.refused(Surface::Grpc, lease.ended().await, None).to_status() };
    tonic::body::Body::new(Leased::new(body, ended))
}
