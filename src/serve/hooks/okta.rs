//! Okta's token inline hook.
//!
//! Okta issues the token when the hook fails, so whatever is not allowed is told with status 200 and an `error`: a
//! block, a caller without the key, a payload that cannot be read, no bundle. When doorward cannot be reached at all,
//! Okta issues the token. Sources: Okta documentation, Inline hooks, and Token inline hook reference, read August 2026.

use std::collections::BTreeMap;

use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::issuance::{Gate, Issuance, agreed};
use super::{Hook, Outcome, Unread, description, reply};
use crate::model::decision::InputError;
use crate::serve::body::Reply;
use crate::serve::callers::SecretHash;
use crate::serve::wire::json;

/// How Okta asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The header of the hook's authentication.
    pub header: String,
    /// The SHA-256 of its value.
    pub sha256: SecretHash,
    /// Whether scopes are not asked about one by one: a policy about a scope then blocks nothing here.
    #[serde(default)]
    pub gate_only: bool,
}

impl Hook for Settings {
    fn is_authentic(&self, headers: &HeaderMap, _body: &[u8], _now: Timestamp) -> bool {
        let mut values = headers.get_all(self.header.as_str()).iter();
        values.next().is_some_and(|value| self.sha256.is_of(value.as_bytes())) && values.next().is_none()
    }

    fn issuance(&self, body: &[u8]) -> Result<Issuance, Unread> {
        let payload: Payload = json::read(body).map_err(Unread::Payload)?;
        self.read(payload.data).map_err(Unread::Fact)
    }

    fn reply(&self, outcome: &Outcome) -> Response<Reply> {
        let summary = match outcome {
            Outcome::Allow => return reply(StatusCode::OK, "{}"),
            Outcome::Block(block) => description(block).to_owned(),
            Outcome::Unusable(refused) | Outcome::Refused(refused) => {
                format!("No access decision: {}.", refused.refusal.reason())
            }
        };
        reply(StatusCode::OK, json::write(&Denial { error: Summary { error_summary: summary } }))
    }
}

impl Settings {
    fn read(&self, data: Data) -> Result<Issuance, InputError> {
        let Context { request, protocol, session, user } = data.context;
        let access = data.access.unwrap_or_default();
        let client = protocol.client.and_then(|client| client.id);
        let mut issuance = match user.and_then(|user| user.id) {
            Some(user) => Issuance::to_user(user),
            None => {
                let missing = || InputError::invalid("data.context.protocol.client.id", "is required");
                Issuance::to_workload(client.clone().ok_or_else(missing)?)
            }
        };
        let asked = protocol.request.unwrap_or_default();
        issuance.gate = asked.grant_type.as_deref().map(Gate::access_token).transpose()?;
        issuance.client_id = agreed(client, asked.client_id, "data.context.protocol.client.id")?;
        issuance.audiences = match access.claims.unwrap_or_default().aud {
            None => Vec::new(),
            Some(Audience::One(one)) => vec![one],
            Some(Audience::Several(several)) => several,
        };
        issuance.scopes = access.scopes.unwrap_or_default().into_keys().collect();
        issuance.asks_scopes = !self.gate_only;
        issuance.ip_address = request.and_then(|request| request.ip_address);
        issuance.amr = session.and_then(|session| session.amr).unwrap_or_default();
        issuance.checked()
    }
}

#[derive(Debug, Serialize)]
struct Denial {
    error: Summary,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    error_summary: String,
}

/// The parts of a call that are looked at.
#[derive(Debug, Deserialize)]
struct Payload {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    context: Context,
    access: Option<Access>,
}

#[derive(Debug, Deserialize)]
struct Context {
    request: Option<Request>,
    protocol: Protocol,
    session: Option<Session>,
    user: Option<User>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    ip_address: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Protocol {
    request: Option<Asked>,
    client: Option<Client>,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    grant_type: Option<String>,
    client_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Client {
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Session {
    amr: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct User {
    id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Access {
    claims: Option<Claims>,
    scopes: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
struct Claims {
    aud: Option<Audience>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}
