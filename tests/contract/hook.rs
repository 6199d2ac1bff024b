//! Tokens as authorization servers ask about them, in the payloads of their hooks.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::asked::Asked;
use crate::support::raw::Answer;
use crate::world::{Over, Told, World};

/// What Okta and Zitadel are known by.
pub const KEY: &str = "contract";

/// What OAuth calls a grant.
fn grant_type(asked: &Asked) -> &'static str {
    if asked.grant == "jwt_bearer" { "urn:ietf:params:oauth:grant-type:jwt-bearer" } else { asked.grant }
}

fn amr(asked: &Asked) -> &'static [&'static str] {
    if asked.has_mfa { &["pwd", "mfa"] } else { &["pwd"] }
}

pub fn hydra(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    let payload = |asked: &Asked| {
        // Hydra leaves out what it does not have, or says it with empty texts and lists.
        let subject = if asked.kind == "user" { asked.id } else { "" };
        json!({
            "session": {
                "client_id": asked.issued_to(), "extra": { "ip": asked.address },
                "id_token": { "id_token_claims": { "sub": subject, "amr": amr(asked) }, "subject": subject },
            },
            "request": {
                "client_id": asked.issued_to(), "granted_scopes": asked.each_scope().collect::<Vec<_>>(), "granted_audience": asked.app.as_slice(),
                "grant_types": [grant_type(asked)], "payload": { "grant_type": [grant_type(asked)] },
            },
        })
    };
    let ask = |asked: &Asked| {
        let headers = [("content-type", "application/json; charset=UTF-8")];
        let answer = world.http(over, "POST", "/v1/hooks/hydra/token", &headers, &payload(asked).to_string());
        match answer.status {
            204 => Told::new(true),
            403 if !answer.body.contains("input_") => Told::new(false),
            _ => panic!("{asked:?}: {answer:?}"),
        }
    };
    all.iter().map(ask).collect()
}

pub fn okta(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    let payload = |asked: &Asked| {
        let user = (asked.kind == "user").then_some(asked.id);
        let scopes: Value = asked.each_scope().map(|scope| (scope.to_owned(), json!({ "action": "GRANT" }))).collect();
        let methods: &[_] = if asked.has_mfa { &["PASSWORD", "MFA"] } else { &["PASSWORD"] };
        json!({ "eventType": "com.okta.oauth2.tokens.transform", "data": {
            "context": {
                "request": { "ipAddress": asked.address },
                "protocol": {
                    "request": { "grant_type": grant_type(asked), "client_id": asked.issued_to() },
                    "client": { "id": asked.issued_to() },
                },
                "session": { "amr": methods }, "user": { "id": user },
            },
            "access": {
                "claims": { "aud": asked.app, "uid": user, "cid": asked.issued_to(), "sub": asked.id }, "scopes": scopes,
            },
        } })
    };
    let ask = |asked: &Asked| {
        let headers = [("content-type", "application/json"), ("x-key", KEY)];
        told(
            &world.http(over, "POST", "/v1/hooks/okta/token", &headers, &payload(asked).to_string()),
            "/error/errorSummary",
        )
    };
    all.iter().map(ask).collect()
}

pub fn zitadel(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    let ask = |asked: &Asked| {
        let kind = if asked.kind == "user" { "human" } else { "machine" };
        let body = json!({
            "function": "function/preaccesstoken", "userinfo": { "sub": asked.id },
            "user": { "id": asked.id, kind: {} }, "application": { "client_id": asked.issued_to() },
        })
        .to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(format!("{now}.{body}").as_bytes());
        let signed: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = [("content-type", "application/json"), ("zitadel-signature", &*format!("t={now},v1={signed}"))];
        told(&world.http(over, "POST", "/v1/hooks/zitadel/token", &headers, &body), "/forwardedErrorMessage")
    };
    all.iter().map(ask).collect()
}

/// Of a hook that always answers with 200: nothing to say, or a decision in the member at `place`.
fn told(answer: &Answer, place: &str) -> Told {
    let told = answer.json();
    match told.pointer(place).and_then(Value::as_str) {
        None if answer.status == 200 && told == json!({}) => Told::new(true),
        Some(text) if answer.status == 200 && text.starts_with("AADSTS") => Told::new(false),
        _ => panic!("{answer:?}"),
    }
}
