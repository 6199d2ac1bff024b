//! Ory Hydra's token hook, which is called for every grant.
//!
//! | doorward says | to Hydra | which tells the client |
//! |---|---|---|
//! | allow | 204 | - |
//! | allow with claims | 200, and all claims that the token then has | - |
//! | block; a fact that cannot be used | 403 | `access_denied` |
//! | no bundle, overload | 503 | `server_error` |
//! | any other refusal | its status | `server_error` |
//!
//! The body of a 200 replaces the claims that the session has, so that these are in it too: those of the access token, and
//! as they were those of the ID token. A session keeps what it was told, so that a refresh brings claims of policies that no
//! longer apply. Beside the claims of policies stands [`ADDED`], which names them and says what the session had in their
//! place: the next call puts that back before it adds what is due then. A client cannot write it: a session is what the
//! consent app and the hook told Hydra. Whoever reads the token sees it. Hydra puts claims below `ext` of a JWT unless its
//! `oauth2.allowed_top_level_claims` lists them. A token's life is not in an answer:
//! policies that say one, or ask for a new sign-in now and then, limit no token here. Hydra calls again when it gets no
//! answer; deciding twice changes nothing.
//!
//! Requests carry no address unless the consent app puts it in the session, and those of `client_credentials` have no
//! session. A refresh has the session of the consent, whose address says nothing of who refreshes now, maybe elsewhere
//! and weeks later: it is unknown then. `missingIp` of the bundle says what location policies make of that, or a gateway
//! guards `/oauth2/token`.
//!
//! The subject is that of the access token, `session.id_token.subject`. Claims of the ID token must name the same, but
//! for a client with pairwise identifiers, which hears of another one. Source: Ory Hydra documentation, Customizing
//! OAuth2 tokens with webhooks; `oauth2/token_hook.go` and `oauth2/handler.go`; read August 2026.

use std::collections::{BTreeMap, HashMap};

use http::header::COOKIE;
use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use prost_types::Struct;
use prost_types::value::Kind;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::issuance::{Issuance, Present, RawClaims, Shape, agreed, gate};
use super::secret::KeyName;
use super::{Hook, Outcome, Unread, reply};
use crate::model::decision::InputError;
use crate::serve::body::Reply;
use crate::serve::callers::SecretHash;
use crate::serve::http::error as refuse;
use crate::serve::wire::json;

/// How Hydra asks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// What Hydra authenticates itself with, `oauth2.token_hook.auth` of its settings; whoever reaches the listener may
    /// ask if it is left out.
    pub api_key: Option<ApiKey>,
    /// What a token is for when Hydra grants it no audience; without it that is unknown, and policies about any
    /// application apply.
    pub default_audience: Option<String>,
    /// The key of `session.extra` under which the consent app puts the user's address.
    pub ip_claim: Option<String>,
    /// Whether scopes are not asked about one by one: a policy about a scope then blocks nothing here.
    pub gate_only: bool,
}

/// A key that Hydra sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiKey {
    /// Where it is.
    pub r#in: Place,
    /// The name of the header or cookie.
    pub name: KeyName,
    /// The SHA-256 of the key.
    pub sha256: SecretHash,
}

/// Where a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
}

impl ApiKey {
    fn is_in(&self, headers: &HeaderMap) -> bool {
        match self.r#in {
            Place::Header => self.name.is_header_with(&self.sha256, headers),
            Place::Cookie => {
                let cookies = headers.get_all(COOKIE).iter().flat_map(|header| header.as_bytes().split(|b| *b == b';'));
                let name = self.name.as_str().as_bytes();
                let mut keys = cookies.filter_map(|cookie| cookie.trim_ascii().strip_prefix(name)?.strip_prefix(b"="));
                // WHY: as of headers, one of two could be somebody else's.
                keys.next().is_some_and(|key| self.sha256.is_of(key)) && keys.next().is_none()
            }
        }
    }
}

impl Hook for Settings {
    fn has_key(&self) -> bool {
        self.api_key.is_some()
    }

    fn is_authentic(&self, headers: &HeaderMap, _body: &[u8], _now: Timestamp) -> bool {
        self.api_key.as_ref().is_none_or(|key| key.is_in(headers))
    }

    fn issuance(&self, body: &[u8]) -> Result<Issuance, Unread> {
        let payload: Payload = json::read(body).map_err(Unread::Payload)?;
        let has: Has = json::read(body).map_err(Unread::Payload)?;
        let mut issuance = self.read(payload).map_err(Unread::Fact)?;
        let session = has.session.unwrap_or_default();
        let claims = session.id_token.unwrap_or_default().id_token_claims.unwrap_or_default();
        issuance.present = Present { access: session.extra, id: claims.ext.unwrap_or_default(), ..Present::default() };
        Ok(issuance)
    }

    fn adds(&self, name: &str, _present: &Present) -> bool {
        name != ADDED
    }

    fn reply(&self, outcome: &Outcome) -> Response<Reply> {
        match outcome {
            Outcome::Allow(shape) => match session(shape) {
                Some(session) => reply(StatusCode::OK, json::write(&session)),
                None => {
                    let mut response = Response::new(Reply::default());
                    *response.status_mut() = StatusCode::NO_CONTENT;
                    response
                }
            },
            // WHY: Hydra drops the body; whoever looks at the wire finds the reason.
            Outcome::Block(block) => reply(StatusCode::FORBIDDEN, json::write(&block.oauth_error)),
            Outcome::Unusable(refused) => reply(StatusCode::FORBIDDEN, refused.to_json()),
            Outcome::Refused(refused) => refuse(refused),
        }
    }
}

impl Settings {
    fn read(&self, payload: Payload) -> Result<Issuance, InputError> {
        let Payload { session, request } = payload;
        let session = session.unwrap_or_default();
        let id_token = session.id_token.unwrap_or_default();
        let claims = id_token.id_token_claims.unwrap_or_default();
        let mut sent = request.payload.unwrap_or_default();
        let client_id = agreed(request.client_id, session.client_id, CLIENT)?;
        let client_id = agreed(client_id, one(sent.remove("client_id"), "request.payload.client_id")?, CLIENT)?;
        let grant_type = grant_type(request.grant_types, sent.remove("grant_type"))?;
        let mut issuance = match grant_type.as_str() {
            "client_credentials" => {
                let client = client_id.clone();
                Issuance::to_workload(client.ok_or_else(|| InputError::invalid("request.client_id", "is required"))?)
            }
            _ => {
                let told = id_token.subject.filter(|subject| !subject.is_empty());
                let is_pairwise = request.client.and_then(|client| client.subject_type).as_deref() == Some(PAIRWISE);
                // WHY: what the ID token calls a user of a pairwise client is nobody that policies know.
                let subject = if is_pairwise { told } else { agreed(told, claims.sub, "session.id_token.subject")? };
                let missing = || InputError::invalid("session.id_token.subject", "is required");
                Issuance::to_user(subject.ok_or_else(missing)?)
            }
        };
        if let (Some(name), Some(extra), false) = (&self.ip_claim, &session.extra, grant_type == REFRESH) {
            issuance.ip_address = address(extra, name)?;
        }
        issuance.gate = Some(gate(&grant_type)?);
        issuance.client_id = client_id;
        issuance.audiences = request.granted_audience.unwrap_or_default();
        if issuance.audiences.is_empty() {
            issuance.audiences.extend(self.default_audience.clone());
        }
        issuance.scopes = request.granted_scopes.unwrap_or_default();
        issuance.asks_scopes = !self.gate_only;
        issuance.acr = claims.acr.filter(|acr| !acr.is_empty());
        issuance.amr = claims.amr.unwrap_or_default();
        issuance.checked()
    }
}

/// What the session's claims become; `None` when they stay as they are.
fn session(shape: &Shape) -> Option<Told<'_>> {
    let present = shape.present.access.as_ref();
    let all = present.into_iter().flatten();
    let mut claims: BTreeMap<&str, Box<RawValue>> = all.map(|(name, value)| (&**name, value.clone())).collect();
    let before = claims.remove(ADDED);
    if shape.claims.is_empty() && before.is_none() {
        return None;
    }
    // WHY: what is there and cannot be read is not from here, so it names nothing that was added.
    let before = before.and_then(|before| json::read::<Added>(before.get().as_bytes()).ok()).unwrap_or_default();
    for (name, value) in before {
        // What the session does not have any more, somebody else has taken out.
        let Some((name, _)) = present.and_then(|present| present.get_key_value(&name)) else { continue };
        match value {
            Some(value) => claims.insert(name, value),
            None => claims.remove(&**name),
        };
    }
    let mut added = Added::new();
    for (name, values) in &shape.claims {
        added.insert(name.clone(), claims.insert(name, to_raw_value(values).ok()?));
    }
    if !added.is_empty() {
        claims.insert(ADDED, to_raw_value(&added).ok()?);
    }
    Some(Told { session: ToldSession { access_token: claims, id_token: &shape.present.id } })
}

/// The claims that were added, each with the one of the session that it took the place of.
type Added = BTreeMap<String, Option<Box<RawValue>>>;

/// The answer that replaces the claims of a session.
#[derive(Debug, Serialize)]
struct Told<'s> {
    session: ToldSession<'s>,
}

#[derive(Debug, Serialize)]
struct ToldSession<'s> {
    access_token: BTreeMap<&'s str, Box<RawValue>>,
    id_token: &'s RawClaims,
}

/// The claim that says which others are of policies. No policy states it.
const ADDED: &str = "doorward_added";
/// The grant whose session is an old one.
const REFRESH: &str = "refresh_token";
/// Of clients each of which knows a user by another identifier. Source: OpenID Connect Core 1.0, section 8.
const PAIRWISE: &str = "pairwise";
const CLIENT: &str = "request.client_id";

/// The one grant type of a request, which the client has `sent`.
fn grant_type(grant_types: Option<Vec<String>>, sent: Option<Vec<String>>) -> Result<String, InputError> {
    const FIELD: &str = "request.grant_types";
    let (told, sent) = (one(grant_types, FIELD)?, one(sent, FIELD)?);
    agreed(told, sent, FIELD)?.ok_or_else(|| InputError::invalid(FIELD, "must have exactly one entry"))
}

/// The only entry of a list, if it has any.
fn one(list: Option<Vec<String>>, field: &str) -> Result<Option<String>, InputError> {
    match <[String; 1]>::try_from(list.unwrap_or_default()) {
        Ok([one]) => Ok(Some(one)),
        Err(list) if list.is_empty() => Ok(None),
        Err(_) => Err(InputError::invalid(field, "must have exactly one entry")),
    }
}

/// The address that the consent app has put in the session. What is there and no text is an address that cannot be read.
fn address(extra: &Struct, name: &str) -> Result<Option<String>, InputError> {
    match extra.fields.get(name).map(|value| &value.kind) {
        None | Some(None | Some(Kind::NullValue(_))) => Ok(None),
        Some(Some(Kind::StringValue(address))) => Ok(Some(address.clone())),
        Some(Some(_)) => Err(InputError::invalid(format!("session.extra.{name}"), "must be a string")),
    }
}

/// The claims that a session has.
#[derive(Debug, Deserialize)]
struct Has {
    session: Option<HasSession>,
}

#[derive(Debug, Default, Deserialize)]
struct HasSession {
    extra: Option<RawClaims>,
    id_token: Option<HasIdToken>,
}

#[derive(Debug, Default, Deserialize)]
struct HasIdToken {
    id_token_claims: Option<HasClaims>,
}

#[derive(Debug, Default, Deserialize)]
struct HasClaims {
    ext: Option<RawClaims>,
}

/// The parts of a call that are looked at.
#[derive(Debug, Deserialize)]
struct Payload {
    session: Option<Session>,
    request: Request,
}

#[derive(Debug, Default, Deserialize)]
struct Session {
    id_token: Option<IdToken>,
    client_id: Option<String>,
    #[serde(default, deserialize_with = "json::structure::deserialize")]
    extra: Option<Struct>,
}

#[derive(Debug, Default, Deserialize)]
struct IdToken {
    id_token_claims: Option<Claims>,
    subject: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Claims {
    sub: Option<String>,
    acr: Option<String>,
    amr: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Client {
    subject_type: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Request {
    client_id: Option<String>,
    client: Option<Client>,
    granted_scopes: Option<Vec<String>>,
    granted_audience: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    payload: Option<HashMap<String, Vec<String>>>,
}
