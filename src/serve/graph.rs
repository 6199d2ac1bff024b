//! The door that speaks Microsoft Graph: What If, and the policies and named locations in force.
//!
//! Below `/v1.0/identity/conditionalAccess` and `/beta/identity/conditionalAccess`: `POST evaluate`, `GET policies`,
//! `GET namedLocations`, and each of the latter by id. So a client written for Graph, pointed here by its base URL, can
//! ask what would happen and read the tenant back. It is shut unless the operator opens it; an answer of it is never a
//! decision, and none is counted or logged as one.
//!
//! Answers may have megabytes, so they are made on another thread than decisions, few at a time. [`route`] reads paths
//! and queries, [`answer`] makes bodies, [`refusal`] has every error.

mod answer;
mod refusal;
mod route;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::sync::Semaphore;

use self::refusal::Refusal;
use self::route::{Route, Target};
use super::body::Reply;
use super::door::{Door, InFlight};
use super::http::{is_json, reply};
use super::peer::Peer;
use super::wire;
use crate::limits;
use crate::observe::metrics::Surface;

const JSON: HeaderValue = HeaderValue::from_static("application/json;odata.metadata=minimal;charset=utf-8");
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// The open Graph door of one serving thread.
#[derive(Debug)]
pub struct Graph {
    /// One for each answer that may be in the making.
    permits: Arc<Semaphore>,
}

impl Graph {
    /// With nothing in the making.
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(limits::GRAPH_IN_FLIGHT_MAX)) }
    }

    /// Whether `uri` is one of Graph's.
    pub fn leads_to(uri: &Uri) -> bool {
        ["/v1.0", "/beta"]
            .iter()
            .any(|root| uri.path().strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Answers one request.
    pub async fn answer(&self, door: &Door, peer: Peer, request: Request<Incoming>) -> Response<Reply> {
        let request_id = guid(&door.decider.next_request_id());
        let client_request_id = request.headers().get(CLIENT_REQUEST_ID).cloned();
        let outcome = self.outcome(door, peer, request).await;
        let said = client_request_id.as_ref().and_then(|id| id.to_str().ok());
        let mut response = match outcome {
            Ok(body) => reply(StatusCode::OK, JSON, body),
            Err(refusal) => refused(&refusal, refusal.to_json(&request_id, said)),
        };
        let headers = response.headers_mut();
        headers.insert(ODATA_VERSION, HeaderValue::from_static("4.0"));
        headers.extend(HeaderValue::try_from(request_id).ok().map(|id| (REQUEST_ID, id)));
        headers.extend(client_request_id.map(|id| (CLIENT_REQUEST_ID, id)));
        response
    }

    async fn outcome(&self, door: &Door, peer: Peer, request: Request<Incoming>) -> Result<Vec<u8>, Refusal> {
        let route = Route::new(request.uri(), &origin(peer, request.uri(), request.headers()))?;
        let method = route.target.method();
        if *request.method() != method {
            return Err(Refusal::method(&method));
        }
        let Some(_in_flight) = InFlight::begin(door, Surface::Http) else {
            return Err(Refusal::overloaded());
        };
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| Refusal::overloaded())?;
        let body = match route.target {
            Target::Evaluate => read(door, request).await?,
            _ => Bytes::new(),
        };
        let in_force = door.decider.in_force().ok_or_else(Refusal::no_bundle)?;
        let make = move || {
            // INVARIANT: who asks may leave, the permit stays with the work.
            let _permit = permit;
            let graph = in_force.bundle.graph().ok_or_else(Refusal::no_bundle)?;
            answer::answer(&in_force.bundle, graph, &route, &body)
        };
        tokio::task::spawn_blocking(make).await.unwrap_or_else(|_| Err(Refusal::failed()))
    }
}

async fn read(door: &Door, request: Request<Incoming>) -> Result<Bytes, Refusal> {
    if !request.headers().get(CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes())) {
        return Err(wire::Refusal::ContentType.into());
    }
    Ok(door.read(request.into_body(), limits::REQUEST_BYTES_MAX).await?)
}

/// Where the caller thinks that it is: scheme and host, for the links of an answer.
fn origin(peer: Peer, uri: &Uri, headers: &HeaderMap) -> String {
    let host = || headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(host).unwrap_or("localhost");
    format!("{}://{host}", uri.scheme_str().unwrap_or_else(|| peer.scheme()))
}

/// 32 hex digits as Graph writes ids of requests.
fn guid(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn refused(refusal: &Refusal, body: Vec<u8>) -> Response<Reply> {
    let mut response = reply(refusal.status, JSON, body);
    if let Some(delay) = refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(delay.as_secs()));
    }
    if let Some(method) = &refusal.allow {
        response.headers_mut().extend(HeaderValue::try_from(method.as_str()).ok().map(|method| (ALLOW, method)));
    }
    response
}

impl Target {
    /// The one method that it takes.
    fn method(&self) -> Method {
        match self {
            Self::Evaluate => Method::POST,
            Self::List(_) | Self::Object(..) => Method::GET,
        }
    }
}
