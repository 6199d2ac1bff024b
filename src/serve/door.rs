//! What every request of one serving thread passes: limits, deadline, and the choice of protocol by content type.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tonic::service::Routes;

use super::body::{self, Reply};
use super::decider::Decider;
use super::wire::Refusal;
use super::{Bounds, grpc, http as json};
use crate::observe::metrics::Surface;

/// The doors of one serving thread.
#[derive(Debug)]
pub struct Door {
    /// Where all of them lead.
    pub decider: Decider,
    /// gRPC services beside decisions.
    pub services: Routes,
    /// How much is let in.
    pub bounds: Bounds,
}

/// A request or stream that has not ended, and the door it came through.
///
/// INVARIANT: it is dropped on the thread that began it, whose counters it steps.
#[derive(Debug)]
pub struct InFlight<D: Deref<Target = Door>> {
    /// The door.
    pub door: D,
    surface: Surface,
}

impl<D: Deref<Target = Door>> InFlight<D> {
    /// Lets a request in, or `None` when too many are.
    pub fn begin(door: D, surface: Surface) -> Option<Self> {
        let core = door.decider.core();
        if core.in_flight() >= door.bounds.in_flight_max as u64 {
            return None;
        }
        core.began(surface);
        Some(Self { door, surface })
    }
}

impl<D: Deref<Target = Door>> Drop for InFlight<D> {
    fn drop(&mut self) {
        self.door.decider.core().ended(self.surface);
    }
}

/// Answers one request. Never fails: what goes wrong is an answer.
pub async fn answer(door: Arc<Door>, request: Request<Incoming>) -> Result<Response<Reply>, Infallible> {
    Ok(match grpc::is_grpc(request.headers()) {
        true => grpc::answer(&door, request).await,
        false => json::answer(&door, request).await,
    })
}

impl Door {
    /// Reads a body of at most `most` bytes within the bounds of time.
    pub async fn read(&self, body: Incoming, most: usize) -> Result<Bytes, Refusal> {
        match tokio::time::timeout(self.bounds.request_time_max, body::read(body, most)).await {
            Ok(body) => body,
            Err(_) => Err(Refusal::TimedOut),
        }
    }
}
