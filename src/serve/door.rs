//! What every request of one serving thread passes: limits, deadline, and the choice of protocol by content type.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response, Version};
use hyper::body::{Body, Incoming};
use jiff::Timestamp;

use super::api::ApiPath;
use super::authzen::{self, Authzen};
use super::bell::Quiet;
use super::body::{self, Reply};
use super::callers::{self, Callers, Gate, Lease};
use super::decider::{Arrival, Decider};
use super::graph::Graph;
use super::jwt::Issuers;
use super::peer::Peer;
use super::services::{self, Services};
use super::wire::Refusal;
use super::{Bounds, envoy, forward_auth, grpc, hooks, http as json};
use crate::limits;
use crate::observe::metrics::Surface;

/// The doors of one serving thread.
#[derive(Debug)]
pub struct Door {
    /// Where all of them lead.
    pub decider: Decider,
    /// gRPC services beside decisions.
    pub services: Services,
    /// How much is let in.
    pub bounds: Bounds,
    /// Whether the decision API is open.
    pub has_api: bool,
    /// The door for clients of Microsoft Graph, if it is open.
    pub graph: Option<Graph>,
    /// Who may ask, if not everybody.
    pub callers: Option<Arc<Callers>>,
    /// Whose tokens doors may believe.
    pub issuers: Option<Issuers>,
    /// How Envoy's external authorization is answered, if it is.
    pub envoy: Option<envoy::Settings>,
    /// How the forward authentication of HTTP proxies is answered, if it is.
    pub forward_auth: Option<forward_auth::Settings>,
    /// The door for AuthZEN, if it is open.
    pub authzen: Option<Authzen>,
    /// The doors for token hooks.
    pub hooks: Arc<hooks::Settings>,
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
            _ => {
                let requests = Surface::ALL.into_iter().filter(|surface| *surface != Surface::GrpcStream);
                (requests.map(|surface| core.in_flight(surface)).sum(), door.bounds.in_flight_max)
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

/// A call that asks for decisions and waits for nothing but its body.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    surface: Surface,
    is_batch: bool,
    is_http1: bool,
}

impl Decision {
    /// What a request asks for; `None` when it is for something else, or cannot be for this.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        let kind = request.headers().get(CONTENT_TYPE)?.as_bytes();
        let (surface, is_batch) = match ApiPath::of(request.uri().path())? {
            ApiPath::Decide => (Surface::Http, false),
            ApiPath::Batch => (Surface::Http, true),
            ApiPath::GrpcDecide => (Surface::Grpc, false),
            ApiPath::GrpcBatch => (Surface::Grpc, true),
            ApiPath::GrpcStream | ApiPath::OpenApi => return None,
        };
        let is_meant = match surface {
            Surface::Http => *request.method() == Method::POST && json::is_json(kind),
            _ => grpc::is_grpc(kind),
        };
        let is_http1 = request.version() < Version::HTTP_2;
        is_meant.then_some(Self { surface, is_batch, is_http1 })
    }

    fn refuse(self, door: &Door, refusal: Refusal) -> Response<Reply> {
        match self.surface {
            Surface::Http => json::refuse(door, refusal),
            surface => grpc::refuse(door, surface, refusal),
        }
    }
}

/// Most headers for which the room of a request serves its answer.
const HEADERS_KEPT_MAX: usize = 64;

/// Takes a call for decisions apart: its body, and its headers, emptied.
///
/// WHY: the headers of the answer go there, which spares allocations, and the rest of a request is not kept meanwhile; nor
/// is room for many headers, which costs a caller little to ask for.
pub fn open(request: Request<Incoming>) -> (HeaderMap, Incoming) {
    let (head, body) = request.into_parts();
    let mut room = head.headers;
    if room.capacity() > HEADERS_KEPT_MAX {
        room = HeaderMap::new();
    }
    room.clear();
    (room, body)
}

/// Answers a call for decisions that was taken apart. Never fails: what goes wrong is an answer.
pub async fn decide(door: &Door, decision: Decision, (room, body): (HeaderMap, Incoming)) -> Response<Reply> {
    let Some(_in_flight) = InFlight::begin(door, decision.surface) else {
        return decision.refuse(door, Refusal::Overloaded);
    };
    let prefix = if decision.surface == Surface::Http { 0 } else { grpc::PREFIX };
    let body = Quiet { body, is_http1: decision.is_http1 };
    let body = match door.read(body, prefix + limits::REQUEST_BYTES_MAX).await {
        Ok(body) => body,
        Err(refusal) => return decision.refuse(door, refusal),
    };
    let decider = &door.decider;
    let decide = |arrival: Arrival<'_>, out: &mut Vec<u8>| match decision.is_batch {
        true => decider.decide_batch(arrival, out),
        false => decider.decide(arrival, out),
    };
    match decision.surface {
        Surface::Http => json::decide(&body, room, decide),
        _ => grpc::decide(body, room, decide),
    }
}

/// Answers any request that comes through `gate`, if there is one, as [`decide`] and [`answer`] do. Gives the caller's
/// name, too, if it has one.
pub async fn pass(
    door: &Arc<Door>,
    gate: Option<&Gate>,
    peer: Peer,
    mut request: Request<Incoming>,
) -> (Response<Reply>, Option<Arc<str>>) {
    let is_grpc = speaks_grpc(&request);
    let refuse = |refusal| match is_grpc {
        true => grpc::refuse(door, Surface::Grpc, refusal),
        false => json::refuse(door, refusal),
    };
    let mut lease = None;
    let caller = match gate {
        None => Ok(None),
        // WHY: a hook asks for a key of its own, and its callers can send no other.
        Some(_) if !is_grpc && door.hooks.has_key(request.uri().path()) => Ok(None),
        Some(gate) => {
            let now = Timestamp::now();
            let caller = gate.admit(request.headers(), now).await;
            if services::goes_on(request.uri().path()) {
                lease = gate.lease(request.headers(), now);
            }
            gate.take_token(request.headers_mut());
            caller
        }
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(refusal) => {
            let mut response = refuse(refusal);
            if door.authzen.as_ref().is_some_and(|authzen| authzen.leads_to(request.uri())) {
                response.headers_mut().extend(authzen::request_id(door, request.headers()));
            }
            if request.uri().path().starts_with(forward_auth::ROOT) {
                forward_auth::keep_from_caches(&mut response);
            }
            return (response, None);
        }
    };
    if !door.has_api && ApiPath::of(request.uri().path()).is_some() {
        return (refuse(Refusal::NotFound), caller);
    }
    let answering = async {
        match Decision::of(&request) {
            Some(decision) => decide(door, decision, open(request)).await,
            None => answer(door, peer, lease, request).await,
        }
    };
    (callers::pass::with(caller.clone(), answering).await, caller)
}

/// Answers any other request, which `peer` sent, for no longer than `lease`. Never fails either.
async fn answer(door: &Arc<Door>, peer: Peer, lease: Option<Lease>, request: Request<Incoming>) -> Response<Reply> {
    match speaks_grpc(&request) {
        true => grpc::answer(door, lease, request).await,
        false => json::answer(door, peer, request).await,
    }
}

/// Whether a request is for the gRPC doors. What is below `/v1/` or AuthZEN's never is, whatever it says that it is: gRPC
/// tells every refusal with 200, which is a yes to those who ask there, and proxies pass the content type of their clients
/// on.
fn speaks_grpc<B>(request: &Request<B>) -> bool {
    let (path, kind) = (request.uri().path(), request.headers().get(CONTENT_TYPE));
    let is_http = path.starts_with("/v1/") || path.starts_with("/.well-known/") || path.contains("/access/v1/");
    !is_http && kind.is_some_and(|kind| grpc::is_grpc(kind.as_bytes()))
}

impl Door {
    /// Reads a body of at most `most` bytes within the bounds of time.
    pub async fn read<B>(&self, body: B, most: usize) -> Result<Bytes, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
    {
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
