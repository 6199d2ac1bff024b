//! The door that speaks HTTP and JSON.
//!
//! `POST /v1/decide`, `POST /v1/decide/batch`, `GET /v1/openapi.json`; what is Graph's goes on to [`super::graph`],
//! what is AuthZEN's to [`super::authzen`], what proxies ask to [`super::forward_auth`]. It
//! decodes and encodes; what is decided and whether anything can be is the decider's.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::api::ApiPath;
use super::body::Reply;
use super::decider::Arrival;
use super::door::Door;
use super::forward_auth;
use super::graph::Graph;
use super::peer::Peer;
use super::wire::{self, Encoding, Refusal, Refused};
use crate::observe::metrics::Surface;

/// Room for a usual answer.
const ANSWER_BYTES: usize = 1024;
/// The content type of most answers.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers one HTTP request that is not gRPC.
pub async fn answer(door: &Door, peer: Peer, request: Request<Incoming>) -> Response<Reply> {
    if let Some(settings) = &door.forward_auth
        && request.uri().path().starts_with(forward_auth::ROOT)
    {
        return forward_auth::answer(door, settings, peer, &request.map(drop)).await;
    }
    if let Some(graph) = &door.graph
        && Graph::leads_to(request.uri())
    {
        return graph.answer(door, peer, request).await;
    }
    if let Some(authzen) = &door.authzen
        && authzen.leads_to(request.uri())
    {
        return authzen.answer(door, request).await;
    }
    if door.hooks.leads_to(request.uri().path()) {
        return door.hooks.answer(door, request).await;
    }
    match (ApiPath::of(request.uri().path()), request.method()) {
        // What is well-formed never gets here: `Decision` knows it.
        (Some(ApiPath::Decide | ApiPath::Batch), &Method::POST) => refuse(door, Refusal::ContentType),
        (Some(ApiPath::OpenApi), &Method::GET) => reply(StatusCode::OK, JSON, wire::OPENAPI),
        (Some(ApiPath::Decide | ApiPath::Batch), _) => refuse(door, Refusal::Method("POST")),
        (Some(ApiPath::OpenApi), _) => refuse(door, Refusal::Method("GET")),
        _ => refuse(door, Refusal::NotFound),
    }
}

/// Decides a body and writes the answer, whose headers go to `room`, which has none.
pub fn decide(
    body: &[u8],
    room: HeaderMap,
    decide: impl FnOnce(Arrival<'_>, &mut Vec<u8>) -> Result<(), Refused>,
) -> Response<Reply> {
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    match decide(Arrival { surface: Surface::Http, encoding: Encoding::Json, body }, &mut answer) {
        Ok(()) => reply_in(room, JSON, Reply::Whole(answer.into())),
        Err(refused) => error(&refused),
    }
}

/// `application/json`, with or without parameters.
pub(super) fn is_json(kind: &[u8]) -> bool {
    const KIND: &[u8] = b"application/json";
    let is_essence = || {
        let essence = kind.split(|byte| *byte == b';').next().unwrap_or(kind);
        essence.trim_ascii().eq_ignore_ascii_case(KIND)
    };
    // WHY: most say just that, and are then not looked at byte by byte.
    kind == KIND || is_essence()
}

/// Refuses a request before it is decided.
pub fn refuse(door: &Door, refusal: Refusal) -> Response<Reply> {
    error(&door.decider.refused(Surface::Http, refusal, None))
}

/// Tells a refusal in JSON.
pub fn error(refused: &Refused) -> Response<Reply> {
    told(&refused.refusal, reply(refused.refusal.http_status(), JSON, refused.to_json()))
}

/// Adds what the headers of a refusal say, whatever its body is.
pub fn told(refusal: &Refusal, mut response: Response<Reply>) -> Response<Reply> {
    let delay = refusal.retry_after().map(|delay| (RETRY_AFTER, HeaderValue::from(delay.as_secs())));
    let challenge =
        refusal.challenge().map(|challenge| (WWW_AUTHENTICATE, HeaderValue::from_static(challenge.as_str())));
    let allow = match refusal {
        Refusal::Method(method) => Some((ALLOW, HeaderValue::from_static(method))),
        _ => None,
    };
    response.headers_mut().extend([delay, challenge, allow].into_iter().flatten());
    response
}

/// An answer of one piece.
pub fn reply(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Response<Reply> {
    let mut response = reply_in(HeaderMap::new(), kind, Reply::Whole(body.into()));
    *response.status_mut() = status;
    response
}

/// An answer whose headers go to `room`.
pub fn reply_in(mut room: HeaderMap, kind: HeaderValue, body: Reply) -> Response<Reply> {
    room.insert(CONTENT_TYPE, kind);
    let mut response = Response::new(body);
    *response.headers_mut() = room;
    response
}
