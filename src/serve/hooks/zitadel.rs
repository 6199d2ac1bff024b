//! Zitadel's Actions, version 2: a target of the functions that complete tokens.
//!
//! The target must interrupt on errors: only then is there no token when doorward refuses or cannot be reached. A block
//! is told with status 200 and the error that Zitadel forwards. The payload tells neither the grant nor the address;
//! both are unknown then. A policy about the device code flow blocks nothing here: a flow that nobody tells is none. Of
//! an exchange it tells the actor, whom conditions see as `act.sub` and `act.iss`, unknown without one.
//!
//! Zitadel asks before it makes an access token that is a JWT. Before it makes an opaque one it does not ask: only an ID
//! token that comes with it, introspection and userinfo do, by the other function. Claims of policies are appended: one
//! that is there already or that Zitadel writes itself stays as it is, so that a critical one of that name is a block. A
//! token's life is not in the answer. Sources: Zitadel documentation, Actions V2, and Complement Token Flow;
//! `pkg/actions/signing.go`; `internal/api/oidc/userinfo.go`; read August 2026.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::issuance::{Issuance, Present, RawClaims, agreed};
use super::secret::SigningKey;
use super::{Hook, Outcome, Unread, description, reply};
use crate::limits;
use crate::model::decision::InputError;
use crate::serve::body::Reply;
use crate::serve::callers::read_hex;
use crate::serve::http::error as refuse;
use crate::serve::wire::json;

/// What the names of Zitadel's own claims begin with: it takes no other for them.
const OWN_PREFIX: &str = "urn:zitadel:iam";
/// Claims that it writes over others of the same name, but for those that no policy states. Source: `pkg/oidc/token.go` and
/// `mergeAndMarshalClaims` of zitadel/oidc, read November 2026.
const OWN_CLAIMS: [&str; 9] = ["acr", "amr", "at_hash", "at_use_nbr", "auth_time", "azp", "c_hash", "nonce", "sid"];
const SIGNATURE: &str = "zitadel-signature";

/// How Zitadel asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The signing key of the target.
    pub signing_key: SigningKey,
    /// What a token is for.
    pub default_audience: Option<String>,
}

impl Hook for Settings {
    fn has_key(&self) -> bool {
        true
    }

    fn is_authentic(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
        let mut values = headers.get_all(SIGNATURE).iter();
        let header = values.next().and_then(|value| value.to_str().ok());
        values.next().is_none() && header.is_some_and(|header| self.has_signed(header, body, now))
    }

    fn issuance(&self, body: &[u8]) -> Result<Issuance, Unread> {
        let payload: Payload = json::read(body).map_err(Unread::Payload)?;
        let has: Has = json::read(body).map_err(Unread::Payload)?;
        let mut issuance = self.read(payload).map_err(Unread::Fact)?;
        issuance.present.access = has.userinfo;
        Ok(issuance)
    }

    // What is there stays, and a note in the token says that something else was meant.
    fn adds(&self, name: &str, present: &Present) -> bool {
        let is_there = present.access.as_ref().is_some_and(|claims| claims.contains_key(name));
        !is_there && !OWN_CLAIMS.contains(&name) && !name.starts_with(OWN_PREFIX)
    }

    fn reply(&self, outcome: &Outcome) -> Response<Reply> {
        let message = match outcome {
            Outcome::Allow(shape) => {
                let claims = shape.claims.iter().map(|(key, value)| Claim { key, value }).collect();
                return reply(StatusCode::OK, json::write(&Allowed { append_claims: claims }));
            }
            Outcome::Block(block) => description(block).to_owned(),
            Outcome::Unusable(refused) => format!("No access decision: {}.", refused.refusal.reason()),
            Outcome::Refused(refused) => return refuse(refused),
        };
        let forwarded = Forwarded { forwarded_status_code: 403, forwarded_error_message: message };
        reply(StatusCode::OK, json::write(&forwarded))
    }
}

impl Settings {
    /// Whether `header`, `t=<seconds>,v1=<hex>` with any number of `v1`, signs `body` at about `now`.
    fn has_signed(&self, header: &str, body: &[u8], now: Timestamp) -> bool {
        let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
        let mut times = parts().filter(|(name, _)| *name == "t").map(|(_, time)| time);
        let (Some(time), None) = (times.next(), times.next()) else { return false };
        let Ok(seconds) = time.parse::<i64>() else { return false };
        // WHY: both ways, or a signature of the future would be good until then.
        if seconds.abs_diff(now.as_second()) > limits::HOOK_SIGNATURE_AGE_MAX.as_secs() {
            return false;
        }
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.signing_key.bytes()) else { return false };
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        let signatures = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| read_hex(hex));
        // `verify` takes the same time wherever a signature differs.
        signatures.take(limits::HOOK_SIGNATURES_MAX).any(|signature| mac.clone().verify_slice(&signature).is_ok())
    }

    fn read(&self, payload: Payload) -> Result<Issuance, InputError> {
        if !matches!(payload.function.as_str(), "function/preaccesstoken" | "function/preuserinfo") {
            return Err(InputError::invalid("function", "must be one that completes a token"));
        }
        let user = payload.user.unwrap_or_default();
        let subject = payload.userinfo.and_then(|userinfo| userinfo.sub);
        let id = agreed(user.id, subject, "user.id")?;
        let id = id.ok_or_else(|| InputError::invalid("user.id", "is required"))?;
        let mut issuance = match (user.machine, user.human) {
            (Some(_), Some(_)) => return Err(InputError::conflict("user", "is both human and machine")),
            (Some(_), None) => Issuance::to_workload(id),
            (None, Some(_)) => Issuance::to_user(id),
            // WHY: policies for users spare workloads, and the other way round, so neither is guessed.
            (None, None) => return Err(InputError::invalid("user", "is neither human nor machine")),
        };
        issuance.client_id = payload.application.and_then(|application| application.client_id);
        let actor = payload.actor.unwrap_or_default();
        let claims = [("act.sub", actor.user_id), ("act.iss", actor.issuer)];
        issuance.act = claims.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        issuance.audiences.extend(self.default_audience.clone());
        issuance.checked()
    }
}

#[derive(Debug, Serialize)]
struct Allowed<'s> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    append_claims: Vec<Claim<'s>>,
}

#[derive(Debug, Serialize)]
struct Claim<'s> {
    key: &'s str,
    value: &'s BTreeSet<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Forwarded {
    forwarded_status_code: u16,
    forwarded_error_message: String,
}

/// The claims that a token has.
#[derive(Debug, Deserialize)]
struct Has {
    userinfo: Option<RawClaims>,
}

/// The parts of a call that are looked at.
#[derive(Debug, Deserialize)]
struct Payload {
    function: String,
    userinfo: Option<UserInfo>,
    user: Option<User>,
    application: Option<Application>,
    actor: Option<Actor>,
}

#[derive(Debug, Deserialize)]
struct UserInfo {
    sub: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct User {
    id: Option<String>,
    human: Option<serde::de::IgnoredAny>,
    machine: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
struct Actor {
    user_id: Option<String>,
    issuer: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Application {
    client_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind of user that came with a newer version would have been asked about as a person, and no policy for workloads.
    #[test]
    fn who_is_neither_human_nor_machine_is_not_guessed() {
        let settings: Settings = serde_json::from_str(r#"{"signingKey": "a key of the target"}"#).unwrap();
        for kind in [r#""robot": {}"#, r#""human": null, "machine": null"#, r#""human": null"#] {
            let payload = format!(r#"{{"function": "function/preaccesstoken", "user": {{"id": "312", {kind}}}}}"#);
            match settings.issuance(payload.as_bytes()) {
                Err(Unread::Fact(error)) => assert_eq!((error.kind.as_str(), &*error.field), ("input_invalid", "user")),
                _ => panic!("{payload}"),
            }
        }
        let known = br#"{"function": "function/preaccesstoken", "user": {"id": "311", "human": {}}}"#;
        assert!(settings.issuance(known).is_ok());
    }
}
