//! Okta's token inline hook.
//!
//! Okta issues the token when the hook fails, so whatever is not allowed is told with status 200 and an `error`: a
//! block, a caller without the key, a payload that cannot be read, no bundle. When doorward cannot be reached at all,
//! Okta issues the token. Of an access token that is allowed, but not for that long, the life is shortened; claims of
//! policies are added, or take the place of those of the same name. What Okta does not do undoes all of it, and the token
//! is issued as it was: so nothing is asked for that Okta does not take, and a token that needs it is refused.
//!
//! A token with a user is that user's, who is known by `user.id` (in the token `uid`; its `sub` is a login). One without
//! is the client's, if it is sure to be: its grant is `client_credentials`, and no claim names somebody else. Sources: Okta
//! documentation, Inline hooks; Token inline hook reference; OpenID Connect & OAuth 2.0 API, access token payload; read
//! August 2026. Lifetimes and reserved claims: the same reference; Okta support, OIDC Bearer Tokens: List of Reserved
//! Claims; read November 2026.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::issuance::{Issuance, Present, RawClaims, Shape, agreed, gate};
use super::secret::KeyName;
use super::{Hook, Outcome, Unread, description, reply};
use crate::limits;
use crate::model::decision::InputError;
use crate::serve::body::Reply;
use crate::serve::callers::SecretHash;
use crate::serve::wire;

/// How Okta asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The header of the hook's authentication.
    pub header: KeyName,
    /// The SHA-256 of its value.
    pub sha256: SecretHash,
    /// Whether scopes are not asked about one by one: a policy about a scope then blocks nothing here.
    #[serde(default)]
    pub gate_only: bool,
}

impl Hook for Settings {
    fn has_key(&self) -> bool {
        true
    }

    fn is_authentic(&self, headers: &HeaderMap, _body: &[u8], _now: Timestamp) -> bool {
        self.header.is_header_with(&self.sha256, headers)
    }

    fn issuance(&self, body: &[u8]) -> Result<Issuance, Unread> {
        let payload: Payload = wire::json::read(body).map_err(Unread::Payload)?;
        let has: Has = wire::json::read(body).map_err(Unread::Payload)?;
        let mut issuance = self.read(payload.data).map_err(Unread::Fact)?;
        let access = has.data.access.map(|access| access.claims.unwrap_or_default());
        issuance.present.access = access;
        Ok(issuance)
    }

    fn adds(&self, name: &str, present: &Present) -> bool {
        present.access.is_some() && !OWN_CLAIMS.split(' ').any(|own| own == name) && !name.contains(['/', '~'])
    }

    fn keeps(&self, most: u32, present: &Present) -> bool {
        let is_short = |lifetime: u64| lifetime <= most.into() || most >= limits::OKTA_LIFETIME_SECONDS_MIN;
        present.access.is_none() || present.lifetime.is_some_and(is_short)
    }

    fn reply(&self, outcome: &Outcome) -> Response<Reply> {
        let summary = match outcome {
            Outcome::Allow(shape) => return reply(StatusCode::OK, patched(shape).to_string()),
            Outcome::Block(block) => description(block).to_owned(),
            Outcome::Unusable(refused) | Outcome::Refused(refused) => {
                format!("No access decision: {}.", refused.refusal.reason())
            }
        };
        reply(StatusCode::OK, wire::json::write(&Denial { error: Summary { error_summary: summary } }))
    }
}

impl Settings {
    fn read(&self, data: Data) -> Result<Issuance, InputError> {
        let Context { request, protocol, session, user } = data.context;
        let access = data.access.unwrap_or_default();
        let claims = access.claims.unwrap_or_default();
        let asked = protocol.request.unwrap_or_default();
        let client = protocol.client.and_then(|client| client.id);
        let mut issuance = match agreed(user.and_then(|user| user.id), claims.uid, USER)? {
            Some(user) => Issuance::to_user(user),
            None => to_client(client.as_deref(), asked.grant_type.as_deref(), claims.sub.as_deref())?,
        };
        issuance.gate = asked.grant_type.as_deref().map(gate).transpose()?;
        issuance.client_id = agreed(agreed(client, asked.client_id, CLIENT)?, claims.cid, CLIENT)?;
        issuance.present.lifetime =
            access.token.and_then(|token| token.lifetime).and_then(|lifetime| lifetime.expiration);
        issuance.audiences = match claims.aud {
            None => Vec::new(),
            Some(Audience::One(one)) => vec![one],
            Some(Audience::Several(several)) => several,
        };
        issuance.scopes = access.scopes.unwrap_or_default().into_keys().collect();
        issuance.asks_scopes = !self.gate_only;
        issuance.ip_address = request.and_then(|request| request.ip_address);
        let identity = data.identity.and_then(|identity| identity.claims).and_then(|claims| claims.amr);
        let told = session.and_then(|session| session.amr).into_iter().chain(identity).flatten();
        let methods: BTreeSet<String> = told.map(|method| registered(&method)).collect();
        issuance.amr = methods.into_iter().collect();
        issuance.checked()
    }
}

/// Claims that Okta reserves, but for those that no policy states. WHY those of ID tokens, too: one that Okta refuses in an
/// access token after all would take the critical claims with it.
const OWN_CLAIMS: &str = "acr amr as_uri auth_time cid groups rpt rsi scp token_type uid username ver \
    active aid app_id app_type at_hash c_hash client_ip client_req_id client_type client_user_agent \
    device_compliance device_id device_known device_managed device_name device_trust did dst group hotk idp \
    idp_iss mac_key nonce oid okta_emailVerified okta_lastUpdated orig permissions purpose pwd_exp_days \
    pwd_exp_time rid role scopes sid term user_ip";
const CLIENT: &str = "data.context.protocol.client.id";
const USER: &str = "data.context.user.id";

/// The token of a client that asks for itself. Whoever it is that a payload without a user is about, it is not taken for
/// a workload that policies for people do not concern.
fn to_client(client: Option<&str>, grant_type: Option<&str>, subject: Option<&str>) -> Result<Issuance, InputError> {
    let client = client.ok_or_else(|| InputError::invalid(CLIENT, "is required"))?;
    if grant_type != Some("client_credentials") {
        return Err(InputError::invalid(USER, "is required for every grant but `client_credentials`"));
    }
    if subject.is_some_and(|subject| subject != client) {
        return Err(InputError::conflict(USER, "is missing, and the token is not for the client"));
    }
    Ok(Issuance::to_workload(client.to_owned()))
}

/// What RFC 8176 calls a method, which the session of a hook names by a word of its own, in capital letters.
fn registered(method: &str) -> String {
    match method {
        "PASSWORD" => "pwd".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

/// The command that gives the access token a shorter life and its claims; none when it stays as it is.
fn patched(shape: &Shape) -> Value {
    let has = |name: &str| shape.present.access.as_ref().is_some_and(|claims| claims.contains_key(name));
    let claim = |(name, values): (&String, &BTreeSet<String>)| {
        let op = if has(name) { "replace" } else { "add" };
        json!({ "op": op, "path": format!("/claims/{name}"), "value": values })
    };
    let lifetime = shape
        .lifetime
        .map(|seconds| json!({ "op": "replace", "path": "/token/lifetime/expiration", "value": seconds }));
    let changes: Vec<_> = lifetime.into_iter().chain(shape.claims.iter().map(claim)).collect();
    match changes.is_empty() {
        true => json!({}),
        false => json!({ "commands": [{ "type": "com.okta.access.patch", "value": changes }] }),
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

/// The claims that a token has.
#[derive(Debug, Deserialize)]
struct Has {
    data: HasData,
}

#[derive(Debug, Deserialize)]
struct HasData {
    access: Option<HasClaims>,
}

#[derive(Debug, Deserialize)]
struct HasClaims {
    claims: Option<RawClaims>,
}

/// The parts of a call that are looked at.
#[derive(Debug, Deserialize)]
struct Payload {
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    context: Context,
    identity: Option<IdToken>,
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

#[derive(Debug, Deserialize)]
struct IdToken {
    claims: Option<Session>,
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

/// A session, and the claims of an ID token: what they have in common.
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
    token: Option<Token>,
}

#[derive(Debug, Deserialize)]
struct Token {
    lifetime: Option<Lifetime>,
}

/// Seconds that the token is to live.
#[derive(Debug, Deserialize)]
struct Lifetime {
    expiration: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Claims {
    aud: Option<Audience>,
    cid: Option<String>,
    uid: Option<String>,
    sub: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}
