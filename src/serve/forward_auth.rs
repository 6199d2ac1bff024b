//! The door for HTTP proxies that ask before they pass a request on: `/v1/forward-auth/{flavour}`.
//!
//! The proxy describes the request in headers of its own; 200 lets it go on, 401 and 403 do not, 503 means that nothing
//! was decided, which every one of these proxies takes for no. There is one handler; flavours differ only in where the
//! request is described, and are data in [`flavour`]. It decodes and encodes; what is decided is the decider's. Start
//! with [`answer`].

mod flavour;

use std::borrow::Cow;

use http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer};

use self::flavour::Flavour;
use super::body::Reply;
use super::claims::Holder;
use super::client_ip::{Client, ClientIp, Resolved};
use super::door::{Door, InFlight};
use super::gateway::bearer::{self, Unproven};
use super::gateway::claim_names::ClaimNames;
use super::gateway::settings::{Anonymous, BlockedStatus, IdentityHeader};
use super::gateway::{self, Asked, CHALLENGE, DENIED, Decided, INVALID_TOKEN, Outcome, Route};
use super::http as json;
use super::jwt::Patience;
use super::peer::Peer;
use super::wire::Refusal;
use crate::model::decision::InputError;
use crate::observe::metrics::Surface;

/// What all paths of this door begin with.
pub const ROOT: &str = "/v1/forward-auth/";
/// Takes headers of the request away before Envoy passes it on.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// How HTTP proxies are answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// How the address of the client is found; required, because the peer is the proxy and never the client.
    #[serde(deserialize_with = "of_client")]
    client_ip: ClientIp,
    /// A header in which trusted proxies say who asks.
    identity_header: Option<IdentityHeader>,
    /// What becomes of requests of nobody.
    #[serde(default)]
    anonymous: Anonymous,
    /// The status of a block.
    #[serde(default)]
    blocked_status: BlockedStatus,
    /// Whether the proxy gives each path one spelling, so that paths are taken as they are.
    #[serde(default)]
    paths_are_normal: bool,
}

/// Refuses the ways that cannot find a client from here.
fn of_client<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClientIp, D::Error> {
    let rule = ClientIp::deserialize(deserializer)?;
    match rule.header() {
        None => Err("mode `peer` would take the proxy for the client: use `xff`, `forwarded` or `header:NAME`"),
        // WHY: over HTTP nothing but its address tells Envoy from anybody else.
        Some(_) if rule.is_external() => {
            Err("mode `external` is for Envoy over gRPC: use `header:NAME` with one that Envoy sets on every request")
        }
        Some(_) if rule.trusts_nobody() => {
            Err("without `trustedProxies` or `trustUnix` the proxy itself would be taken for the client")
        }
        Some(_) => Ok(rule),
    }
    .map_err(serde::de::Error::custom)
}

/// Answers a request of `peer` for a path below [`ROOT`], without its body. Never fails.
pub async fn answer(door: &Door, settings: &Settings, peer: Peer, request: &Request<()>) -> Response<Reply> {
    let place = request.uri().path().strip_prefix(ROOT).unwrap_or_default();
    let mut response = match Flavour::find(place) {
        Some((flavour, rest)) => proxied(door, settings, peer, (flavour, rest), request).await,
        None => json::error(&door.decider.refused(Surface::ForwardAuth, Refusal::NotFound, None)),
    };
    keep_from_caches(&mut response);
    response
}

/// What every answer for a path below [`ROOT`] says, that of whoever stands before the door too.
pub fn keep_from_caches(response: &mut Response<Reply>) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

async fn proxied(
    door: &Door,
    settings: &Settings,
    peer: Peer,
    (flavour, rest): (&Flavour, &str),
    request: &Request<()>,
) -> Response<Reply> {
    let Some(_in_flight) = InFlight::begin(door, Surface::ForwardAuth) else {
        return json::error(&door.decider.refused(Surface::ForwardAuth, Refusal::Overloaded, None));
    };
    let headers = request.headers();
    let described = flavour.described(rest, request);
    let mut holder = holder(door, settings, peer, headers).await;
    let mut route = Route::default();
    if flavour.is_query_ours() {
        holder = route_of(request.uri().query().unwrap_or_default(), &mut route).map_err(Unproven::from).and(holder);
    }
    let described = described.unwrap_or_else(|error| {
        holder = Err(error.into());
        flavour::Described::default()
    });
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = Asked {
        method: described.method,
        scheme: described.scheme,
        host: described.host,
        path: described.path,
        route,
        holder,
        from: from(settings, peer, headers),
        request_id: text("x-request-id"),
        traceparent: text("traceparent"),
    };
    let outcome = gateway::decide(door, Surface::ForwardAuth, asked, &settings.anonymous, settings.paths_are_normal);
    match outcome {
        Outcome::Decided(decided) if decided.is_allowed() => allowed(&decided, headers),
        Outcome::Decided(decided) => denied(decided.challenge(settings.blocked_status)),
        Outcome::Unidentified(_) => denied(Some(HeaderValue::from_static(CHALLENGE))),
        Outcome::InvalidToken(_) => denied(Some(HeaderValue::from_static(INVALID_TOKEN))),
        Outcome::Invalid(_) => denied(None),
        Outcome::Unavailable(refusal) => json::error(&refusal),
    }
}

/// Where the proxy's client is.
fn from(settings: &Settings, peer: Peer, headers: &HeaderMap) -> Resolved {
    let lines = settings.client_ip.header().into_iter().flat_map(|name| headers.get_all(name));
    let mut from = settings.client_ip.resolve(peer.ip(), lines.map(HeaderValue::as_bytes));
    // WHY: whoever asks here asks for somebody else. Its own address, which locations may well trust, is not its client's,
    // and a client may have made it forward nothing.
    if from.is_unsaid {
        from.client = Client::Missing;
    }
    from
}

/// Who asks: whose token the request brings, or whom the proxy names, as far as it is trusted to; two that disagree are
/// refused.
async fn holder(door: &Door, settings: &Settings, peer: Peer, headers: &HeaderMap) -> Result<Option<Holder>, Unproven> {
    let lines = |name: &str| headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let (token, names) = (lines(AUTHORIZATION.as_str()), ClaimNames::default());
    let proven = bearer::holder(door.issuers.as_ref(), token, &names, Patience::FOR_CLIENTS).await?;
    match &settings.identity_header {
        Some(header) if settings.client_ip.trusts(peer.ip()) => Ok(header.beside(proven, lines(header.name()))?),
        _ => Ok(proven),
    }
}

/// What the operator has written behind the path that the proxy asks at.
fn route_of<'q>(query: &'q str, route: &mut Route<'q>) -> Result<(), InputError> {
    for (name, value) in
        query.split('&').filter(|part| !part.is_empty()).map(|part| part.split_once('=').unwrap_or((part, "")))
    {
        let value: Result<Cow<'q, str>, _> = percent_decode_str(value).decode_utf8();
        if !value.is_ok_and(|value| route.say(name, value)) {
            return Err(InputError::invalid(
                "query",
                "must have `ca.action`, `ca.target`, `ca.target_type` or `ca.app_id`",
            ));
        }
    }
    Ok(())
}

fn allowed(decided: &Decided, asked: &HeaderMap) -> Response<Reply> {
    let mut response = Response::new(Reply::default());
    let headers = response.headers_mut();
    for (name, value) in decided.headers() {
        headers.extend(HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value)));
    }
    let removed = decided.removed(asked.keys().map(HeaderName::as_str));
    if let (false, Ok(names)) = (removed.is_empty(), HeaderValue::try_from(removed.join(","))) {
        headers.insert(TO_REMOVE, names);
    }
    response
}

fn denied(challenge: Option<HeaderValue>) -> Response<Reply> {
    let status = if challenge.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
    let mut response = json::reply(status, json::JSON, DENIED);
    response.headers_mut().extend(challenge.map(|challenge| (WWW_AUTHENTICATE, challenge)));
    response
}
