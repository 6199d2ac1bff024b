//! The door that speaks HTTP and JSON.
//!
//! `POST /v1/decide`, `POST /v1/decide/batch`, `GET /v1/openapi.json`; what is Graph's goes on to [`super::graph`]. It decodes and encodes; what is decided and
//! whether anything can be is the decider's.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::body::Reply;
use super::decider::Arrival;
use super::door::{Door, InFlight};
use super::graph::Graph;
use super::wire::{self, Encoding, Refusal, Refused};
use crate::limits;
use crate::observe::metrics::Surface;

/// Room for a usual answer.
const ANSWER_BYTES: usize = 512;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers one HTTP request that is not gRPC.
pub async fn answer(door: &Door, request: Request<Incoming>) -> Response<Reply> {
    if let Some(graph) = &door.graph
        && Graph::leads_to(request.uri())
    {
        return graph.answer(door, request).await;
    }
    let decider = &door.decider;
    match (request.uri().path(), request.method()) {
        ("/v1/decide", &Method::POST) => decide(door, request, |arrival, out| decider.decide(arrival, out)).await,
        ("/v1/decide/batch", &Method::POST) => {
            decide(door, request, |arrival, out| decider.decide_batch(arrival, out)).await
        }
        ("/v1/openapi.json", &Method::GET) => reply(StatusCode::OK, Bytes::from_static(wire::OPENAPI.as_bytes())),
        ("/v1/decide" | "/v1/decide/batch", _) => refuse(door, Refusal::Method("POST")),
        ("/v1/openapi.json", _) => refuse(door, Refusal::Method("GET")),
        _ => refuse(door, Refusal::NotFound),
    }
}

async fn decide(
    door: &Door,
    request: Request<Incoming>,
    decide: impl FnOnce(Arrival<'_>, &mut Vec<u8>) -> Result<(), Refused>,
) -> Response<Reply> {
    let Some(_in_flight) = InFlight::begin(door, Surface::Http) else {
        return refuse(door, Refusal::Overloaded);
    };
    if !is_json(request.headers()) {
        return refuse(door, Refusal::ContentType);
    }
    let body = match door.read(request.into_body(), limits::REQUEST_BYTES_MAX).await {
        Ok(body) => body,
        Err(refusal) => return refuse(door, refusal),
    };
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    match decide(Arrival { surface: Surface::Http, encoding: Encoding::Json, body: &body }, &mut answer) {
        Ok(()) => reply(StatusCode::OK, answer.into()),
        Err(refused) => error(&refused),
    }
}

/// `application/json`, with or without parameters.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(text)) = headers.get(CONTENT_TYPE).map(HeaderValue::to_str) else {
        return false;
    };
    let essence = text.split_once(';').map_or(text, |(essence, _)| essence);
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn refuse(door: &Door, refusal: Refusal) -> Response<Reply> {
    error(&door.decider.refused(Surface::Http, refusal, None))
}

fn error(refused: &Refused) -> Response<Reply> {
    let mut response = reply(refused.refusal.http_status(), refused.to_json().into());
    if let Some(delay) = refused.refusal.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(delay.as_secs()));
    }
    if let Refusal::Method(method) = refused.refusal {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    }
    response
}

fn reply(status: StatusCode, body: Bytes) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
