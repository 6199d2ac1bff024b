//! Zitadel: what it sends, signed, and that it hears an error to forward.

use std::time::{SystemTime, UNIX_EPOCH};

use doorward::limits::HOOK_SIGNATURE_AGE_MAX;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{ALL, KEY, ZITADEL, open, post, started};
use crate::support::http::changed;
use crate::support::server::Server;

pub fn zitadel_machine() -> Value {
    json!({
        "function": "function/preaccesstoken", "userinfo": {"sub": "312"},
        "user": {"id": "312", "resource_owner": "1", "machine": {"name": "payroll"}},
        "application": {"client_id": "client"},
    })
}

fn zitadel_human() -> Value {
    let user = json!({"id": "311", "human": {"first_name": "A"}});
    changed(changed(zitadel_machine(), "/user", user), "/userinfo/sub", json!("311"))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// A signature as Zitadel makes it.
fn signature(key: &str, time: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header of a request that is sent now.
pub fn signed(body: &str) -> String {
    let now = now();
    format!("t={now},v1={}", signature(KEY, now, body))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn zitadel_hears_a_block_as_the_error_that_it_forwards() {
    // Zitadel tells neither action nor target, so policies about these would apply, too.
    let server = Server::with(open(ALL));
    let blocked = "AADSTS53003: Access has been blocked by Conditional Access policies.";
    let mfa = "AADSTS50076: Conditional Access asks for multifactor authentication.";
    let conflict = changed(zitadel_machine(), "/userinfo/sub", json!("other"));
    let both = changed(zitadel_machine(), "/user/human", json!({}));
    let function = changed(zitadel_machine(), "/function", json!("function/presamlresponse"));
    for (payload, message) in [
        (zitadel_machine(), blocked),
        (zitadel_human(), mfa),
        (conflict, "No access decision: input_conflict."),
        (both, "No access decision: input_conflict."),
        (function, "No access decision: input_invalid."),
    ] {
        let body = payload.to_string();
        let header = signed(&body);
        let answer = post(&server, ZITADEL, &[("ZITADEL-Signature", &header)], &body).await;
        let expected = json!({"forwardedStatusCode": 403, "forwardedErrorMessage": message});
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected));
    }
    server.activate("2", [("1-outside.yaml", "[]"), ("3-users.yaml", "[]")]);
    for payload in [zitadel_machine(), changed(zitadel_machine(), "/function", json!("function/preuserinfo"))] {
        let body = payload.to_string();
        let header = signed(&body);
        let answer = post(&server, ZITADEL, &[("ZITADEL-Signature", &header)], &body).await;
        assert_eq!((answer.status.as_u16(), &*answer.text), (200, "{}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn conditions_see_who_acts_for_the_user_of_zitadel() {
    let server = Server::with(open(ALL));
    server.activate("2", [("3-users.yaml", "[]"), ("4-custom.cedar",
        "@id(\"no helpers\") forbid (principal, action, resource)\n\
         when { context.attributes.text.hasTag(\"act.sub\") && context.attributes.text.getTag(\"act.sub\") == \"helper\" };")]);
    let actor = |id: &str| changed(zitadel_human(), "/actor", json!({"user_id": id, "issuer": "https://corp"}));
    // Who acts is unknown where nobody says, as older versions of Zitadel never do.
    for (payload, is_allowed) in [(actor("desk"), true), (actor("helper"), false), (zitadel_human(), false)] {
        let body = payload.to_string();
        let header = signed(&body);
        let answer = post(&server, ZITADEL, &[("ZITADEL-Signature", &header)], &body).await;
        assert_eq!(answer.json() == json!({}), is_allowed, "{payload}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn zitadel_is_known_by_a_fresh_signature_of_the_very_body() {
    let server = started(ALL);
    let body = zitadel_machine().to_string();
    let age: i64 = HOOK_SIGNATURE_AGE_MAX.as_secs().try_into().unwrap();
    let now = now();
    let signed_at = |time: i64| format!("t={time},v1={}", signature(KEY, time, &body));
    let good = signature(KEY, now, &body);
    for (header, status) in [
        (signed_at(now), 200),
        (format!("t={now},v1={},v1={good}", "0".repeat(64)), 200),
        (format!("t={now},v2=x,v1=zz,v1={good}"), 200),
        (signed_at(now - age + 60), 200),
        (signed_at(now - age - 60), 401),
        (signed_at(now + age + 60), 401),
        (format!("t={},v1={good}", now - 1), 401),
        (format!("t={now},v1={}", signature("another key", now, &body)), 401),
        (format!("t={now},v1={}", signature(KEY, now, "{}")), 401),
        (format!("t={now},v1={}", &good[..62]), 401),
        (format!("t={now},t={now},v1={good}"), 401),
        (format!("v1={good}"), 401),
        (format!("t={now}"), 401),
        ("t=x,v1=y".to_owned(), 401),
        (String::new(), 401),
    ] {
        let answer = post(&server, ZITADEL, &[("ZITADEL-Signature", &header)], &body).await;
        assert_eq!(answer.status, status, "{header}");
    }
    assert_eq!(post(&server, ZITADEL, &[], &body).await.status, 401);
    let twice = signed_at(now);
    let headers = [("ZITADEL-Signature", &*twice), ("ZITADEL-Signature", &*twice)];
    assert_eq!(post(&server, ZITADEL, &headers, &body).await.status, 401);
}
