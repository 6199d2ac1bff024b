//! What every request of one serving thread passes: limits, deadline, and the choice of protocol by content type.

use std::convert::Infallible;
use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tonic::service::Routes;

use super::body::{self, Reply};
use super::decider::Decider;
use super::graph::Graph;
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
    /// The door for clients of Microsoft Graph, if it is open.
    pub graph: Option<Graph>,
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
    /// Lets a request or stream in, or `None` when too many are. Streams are counted apart: one that waits for its
    /// caller keeps no request out.
    pub fn begin(door: D, surface: Surface) -> Option<Self> {
        let core = door.decider.core();
        let (in_flight, most) = match surface {
            Surface::GrpcStream => (core.in_flight(surface), door.bounds.streams_max),
            Surface::Http | Surface::Grpc => {
                (core.in_flight(Surface::Http) + core.in_flight(Surface::Grpc), door.bounds.in_flight_max)
            }
        };
        if in_flight >= most as u64 {
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
pub async fn answer(door: &Arc<Door>, request: Request<Incoming>) -> Result<Response<Reply>, Infallible> {
    Ok(match grpc::is_grpc(request.headers()) {
        true => grpc::answer(door, request).await,
        false => json::answer(door, request).await,
    })
}

impl Door {
    /// Reads a body of at most `most` bytes within the bounds of time.
    pub async fn read(&self, body: Incoming, most: usize) -> Result<Bytes, Refusal> {
        let mut reading = pin!(body::read(body, most));
        // WHY: most bodies are there already, and need no timer.
        if let Poll::Ready(body) = poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
            return body;
        }
        match tokio::time::timeout(self.bounds.request_time_max, reading).await {
            Ok(body) => body,
            Err(_) => Err(Refusal::TimedOut),
        }
    }
}
