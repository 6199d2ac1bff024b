//! The door for Envoy's external authorization filter over gRPC: `envoy.service.auth.v3.Authorization`.
//!
//! Envoy describes each request that came to it and is told to let it go on, to answer 401 or 403, or, by a status of the
//! call itself, that nothing was decided: then `failure_mode_allow` and `status_on_error` of its own configuration say
//! what happens. So a status is given only for what no client of Envoy can bring about. It decodes and encodes; what is
//! decided is the decider's. Start with [`check`]; [`attributes`] reads what Envoy says, [`answer`] writes what it is told.

mod answer;
mod attributes;

use std::time::Duration;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use prost::Message;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};

use super::body::Reply;
use super::client_ip::ClientIp;
use super::door::{Door, InFlight};
use super::gateway::claim_names::ClaimNames;
use super::gateway::settings::{Anonymous, BlockedStatus, IdentityHeader};
use super::gateway::{self, Outcome, bearer};
use super::grpc;
use super::jwt::Patience;
use super::wire::Refusal;
use crate::limits;
use crate::model::decision::InputError;
use crate::observe::metrics::Surface;

/// The messages, generated from `proto/envoy`.
pub mod v3 {
    include!("proto/envoy.service.auth.v3.rs");
}

/// The service's name, which health knows when the door is open.
pub const SERVICE: &str = "envoy.service.auth.v3.Authorization";
/// The path of the one call.
pub const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// How Envoy's external authorization is answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// How the address of the client is found; the peer is who is connected to Envoy.
    client_ip: ClientIp,
    /// The key of the filter `envoy.filters.http.jwt_authn` under which it leaves the claims that it has verified, its
    /// `payload_in_metadata`.
    jwt_payload: String,
    /// What claims are called in tokens, where that is not what doorward calls them, whoever has verified them.
    claim_names: ClaimNames,
    /// A header that says who asks, on routes whose context extensions have `ca.trust_identity_header: "true"`.
    identity_header: Option<IdentityHeader>,
    /// What becomes of requests of nobody.
    anonymous: Anonymous,
    /// The status of a block.
    blocked_status: BlockedStatus,
    /// Whether Envoy gives each path one spelling, so that paths are taken as they are.
    paths_are_normal: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_ip: ClientIp::default(),
            jwt_payload: "jwt_payload".to_owned(),
            claim_names: ClaimNames::default(),
            identity_header: None,
            anonymous: Anonymous::Deny,
            blocked_status: BlockedStatus::default(),
            paths_are_normal: false,
        }
    }
}

/// Answers one call. Never fails: what goes wrong is an answer.
pub async fn check(door: &Door, settings: &Settings, request: Request<Incoming>) -> Response<Reply> {
    let deadline = timeout(request.headers()).and_then(|time| Instant::now().checked_add(time));
    let Some(_in_flight) = InFlight::begin(door, Surface::Envoy) else {
        return undecided(door, Refusal::Overloaded);
    };
    let reading = door.read(request.into_body(), grpc::PREFIX + limits::REQUEST_BYTES_MAX);
    let body = match deadline {
        Some(deadline) => timeout_at(deadline, reading).await.unwrap_or(Err(Refusal::TimedOut)),
        None => reading.await,
    };
    let body = match body {
        Ok(body) => body,
        // WHY: how much there is to say about a request is the client's choice.
        Err(Refusal::TooLarge) => {
            let refused = door.decider.refused(Surface::Envoy, Refusal::TooLarge, None);
            return grpc::answered(&answer::write(&Outcome::Invalid(refused), settings.blocked_status, []));
        }
        Err(refusal) => return undecided(door, refusal),
    };
    if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
        return undecided(door, Refusal::TimedOut);
    }
    let message = match grpc::unframe(body) {
        Ok(message) => message,
        Err(status) => return status.into_http(),
    };
    grpc::answered(&match decide(door, settings, &message, deadline).await {
        Ok(response) => response,
        Err(status) => return status.into_http(),
    })
}

/// Decides one message before the deadline.
async fn decide(
    door: &Door,
    settings: &Settings,
    message: &[u8],
    deadline: Option<Instant>,
) -> Result<v3::CheckResponse, Status> {
    let Ok(request) = v3::CheckRequest::decode(message) else {
        // WHY: a client can send headers that are no UTF-8, which spoils the message.
        let error = InputError::invalid("request", "is not a valid protobuf message");
        let refused = door.decider.refused(Surface::Envoy, error.into(), None);
        return Ok(answer::write(&Outcome::Invalid(refused), settings.blocked_status, []));
    };
    let attributes = attributes::Attributes::new(request.attributes.as_ref());
    // WHY half of the time: an answer that comes with its end is none to Envoy, and whether keys are waited for is up to
    // the client.
    let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()) / 2);
    let patience = Patience::FOR_CLIENTS.within(left);
    let (lines, names) = (attributes.authorization(settings), &settings.claim_names);
    let bearer = bearer::holder(door.issuers.as_ref(), lines, names, patience).await;
    let asked = attributes.asked(settings, bearer);
    let outcome = gateway::decide(door, Surface::Envoy, asked, &settings.anonymous, settings.paths_are_normal);
    match outcome {
        Outcome::Unavailable(refused) => Err(status(&refused.refusal)),
        outcome => Ok(answer::write(&outcome, settings.blocked_status, attributes.header_names())),
    }
}

fn undecided(door: &Door, refusal: Refusal) -> Response<Reply> {
    refused(door, refusal).into_http()
}

fn refused(door: &Door, refusal: Refusal) -> Status {
    status(&door.decider.refused(Surface::Envoy, refusal, None).refusal)
}

/// That nothing was decided: unavailable, unless Envoy itself has let the time run out.
fn status(refusal: &Refusal) -> Status {
    let code = match refusal {
        Refusal::TimedOut => Code::DeadlineExceeded,
        _ => Code::Unavailable,
    };
    Status::new(code, refusal.message())
}

/// How long the caller waits: `grpc-timeout`, at most eight digits and a unit (gRPC over HTTP/2, Requests).
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = is_number.then(|| digits.parse().ok())??;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_envoy_waits_is_read_as_grpc_has_it() {
        let read = |text: &str| {
            timeout(&[(http::HeaderName::from_static("grpc-timeout"), text.parse().unwrap())].into_iter().collect())
        };
        assert_eq!(read("200m"), Some(Duration::from_millis(200)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(read("1u"), Some(Duration::from_micros(1)));
        for text in ["", "m", "1", "1x", "+1m", "123456789m", "-1S", "1 m"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(timeout(&HeaderMap::new()), None);
    }
}
