//! The door for token hooks: what an authorization server asks before it issues a token, in words of its own.
//!
//! `POST /v1/hooks/hydra/token`, `/v1/hooks/okta/token` and `/v1/hooks/zitadel/token`, each open if it has settings.
//! [`hydra`], [`okta`] and [`zitadel`] know their caller's payloads and answers, and how it says who it is;
//! [`issuance`] makes requests of what they read. What is decided, counted and logged is the decider's. A hook says no
//! in whatever way its caller understands: some issue the token when they are told an error. No caller of a hook hears of
//! obligations, so that an allow with any is a no; so is one with a critical claim that the hook cannot add, or with a life that
//! it should shorten and cannot.

pub mod hydra;
mod issuance;
pub mod okta;
pub mod secret;
pub mod zitadel;

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, Method, Request, Response, StatusCode};
use bytes::Bytes;
use hyper::body::Incoming;
use jiff::Timestamp;
use serde::Deserialize;

use self::issuance::{Decided, Issuance, Present, Shape};
use super::body::Reply;
use super::door::{Door, InFlight};
use super::http::{self, is_json};
use super::wire::{Challenge, Refusal, Refused, v1};
use crate::limits;
use crate::model::decision::InputError;
use crate::observe::metrics::Surface;

/// Which hooks are open, and how each is asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Ory Hydra's token hook.
    pub hydra: Option<hydra::Settings>,
    /// Okta's token inline hook.
    pub okta: Option<okta::Settings>,
    /// Zitadel's Actions.
    pub zitadel: Option<zitadel::Settings>,
}

/// What a hook's caller is told.
enum Outcome {
    /// The token may be issued, shaped like this.
    Allow(Box<Shape>),
    /// It may not.
    Block(Box<v1::DecideResponse>),
    /// It may not, because the payload says something that cannot be true or understood.
    Unusable(Refused),
    /// Nothing was decided.
    Refused(Refused),
}

/// Why a payload gives no request.
enum Unread {
    /// It is no payload of this hook.
    Payload(InputError),
    /// It says something that cannot be used.
    Fact(InputError),
}

/// A hook as its caller knows it.
trait Hook: Sync {
    /// Whether its caller must show a key of its own. Requests to one that has none pass the gate of all callers.
    fn has_key(&self) -> bool;

    /// Whether the caller is who the settings say.
    fn is_authentic(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool;

    /// What is asked for.
    fn issuance(&self, body: &[u8]) -> Result<Issuance, Unread>;

    /// Whether it can add a claim of this name to a token that has these.
    fn adds(&self, name: &str, present: &Present) -> bool;

    /// Whether a token lives no longer than `most`, seconds, or leaves its life to others: most callers take none.
    fn keeps(&self, _most: u32, _present: &Present) -> bool {
        true
    }

    /// The answer.
    fn reply(&self, outcome: &Outcome) -> Response<Reply>;
}

impl Settings {
    /// Whether `path` is that of an open hook.
    pub(super) fn leads_to(&self, path: &str) -> bool {
        self.hook(path).is_some()
    }

    /// Whether `path` is that of an open hook that asks for a key of its own.
    pub(super) fn has_key(&self, path: &str) -> bool {
        self.hook(path).is_some_and(Hook::has_key)
    }

    /// Answers one request to the path of an open hook.
    pub(super) async fn answer(&self, door: &Door, request: Request<Incoming>) -> Response<Reply> {
        match self.hook(request.uri().path()) {
            Some(hook) => hook.reply(&outcome(door, hook, request).await),
            None => http::refuse(door, Refusal::NotFound),
        }
    }

    /// The open hooks whose requests never carry the address that a token is asked for from.
    pub fn without_address(&self) -> impl Iterator<Item = &'static str> {
        let hydra = self.hydra.as_ref().is_some_and(|hydra| hydra.ip_claim.is_none()).then_some("hydra");
        hydra.into_iter().chain(self.zitadel.as_ref().map(|_| "zitadel"))
    }

    fn hook(&self, path: &str) -> Option<&dyn Hook> {
        match path.strip_prefix("/v1/hooks/")?.strip_suffix("/token")? {
            "hydra" => self.hydra.as_ref().map(|hook| hook as &dyn Hook),
            "okta" => self.okta.as_ref().map(|hook| hook as &dyn Hook),
            "zitadel" => self.zitadel.as_ref().map(|hook| hook as &dyn Hook),
            _ => None,
        }
    }
}

async fn outcome(door: &Door, hook: &dyn Hook, request: Request<Incoming>) -> Outcome {
    let refused = |refusal| door.decider.refused(Surface::Hook, refusal, None);
    let Some(_in_flight) = InFlight::begin(door, Surface::Hook) else {
        return Outcome::Refused(refused(Refusal::Overloaded));
    };
    let body = match payload(door, hook, request).await {
        Ok(body) => body,
        Err(refusal) => return Outcome::Refused(refused(refusal)),
    };
    let issuance = match hook.issuance(&body) {
        Ok(issuance) => issuance,
        Err(Unread::Payload(error)) => return Outcome::Refused(refused(error.into())),
        Err(Unread::Fact(error)) => return Outcome::Unusable(refused(error.into())),
    };
    match door.decider.asking(Surface::Hook).and_then(|mut asking| issuance.decide(&mut asking, hook)) {
        Ok(Decided::Allow(shape)) => Outcome::Allow(shape),
        Ok(Decided::Block(block)) => Outcome::Block(block),
        Err(error) if matches!(error.refusal, Refusal::Input(_)) => Outcome::Unusable(error),
        Err(error) => Outcome::Refused(error),
    }
}

/// The body of a request that the hook's caller has sent.
async fn payload(door: &Door, hook: &dyn Hook, request: Request<Incoming>) -> Result<Bytes, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Refusal::Method("POST"));
    }
    if !parts.headers.get(CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes())) {
        return Err(Refusal::ContentType);
    }
    let body = door.read(body, limits::REQUEST_BYTES_MAX).await?;
    match hook.is_authentic(&parts.headers, &body, Timestamp::now()) {
        true => Ok(body),
        false => Err(Refusal::Unauthenticated(Challenge::Token)),
    }
}

/// What to tell the person or client about a block: nothing that admins have written.
fn description(block: &v1::DecideResponse) -> &str {
    block.oauth_error.as_ref().map_or("", |error| &error.error_description)
}

fn reply(status: StatusCode, body: impl Into<Bytes>) -> Response<Reply> {
    http::reply(status, http::JSON, body)
}
