//! Okta: what it sends, and that it hears an error with status 200.

use doorward::limits::REQUEST_BYTES_MAX;
use serde_json::{Value, json};

use super::{ALL, ELSEWHERE, KEY, OFFICE, OKTA, open, post, started};
use crate::support::http::changed;
use crate::support::server::Server;

/// What Okta sends for a workload in the office.
pub fn okta_workload() -> Value {
    json!({
        "source": "https://org.okta.example/oauth2/default/v1/token", "eventType": "com.okta.oauth2.tokens.transform",
        "data": {
            "context": {
                "request": {"id": "r", "method": "POST", "ipAddress": OFFICE},
                "protocol": {
                    "type": "OAUTH2.0", "request": {"grant_type": "client_credentials", "client_id": "client"},
                    "client": {"id": "client", "name": "Payroll"},
                },
            },
            "access": {
                "claims": {"aud": "https://api", "sub": "client"}, "token": {"lifetime": {"expiration": 3600}},
                "scopes": {"read": {"id": "scp1", "action": "GRANT"}},
            },
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn okta_hears_an_error_with_status_200_of_whatever_is_not_allowed() {
    let server = started(ALL);
    let with = |pointer: &str, value: Value| changed(okta_workload(), pointer, value);
    let user = changed(
        with("/data/context/user", json!({"id": "alice"})),
        "/data/context/session",
        json!({"amr": ["PASSWORD"]}),
    );
    let with_mfa = changed(user.clone(), "/data/context/session/amr", json!(["PASSWORD", "MFA"]));
    let told_in_the_token = changed(user.clone(), "/data/identity/claims/amr", json!(["pwd", "mfa", "otp"]));
    let of_a_kiosk = changed(
        changed(with_mfa.clone(), "/data/context/protocol/client/id", json!("kiosk")),
        "/data/context/protocol/request/client_id",
        json!("kiosk"),
    );
    let blocked = "AADSTS53003: Access has been blocked by Conditional Access policies.";
    let mfa = "AADSTS50076: Conditional Access asks for multifactor authentication.";
    let cases = [
        ("a workload in the office", okta_workload(), None),
        ("elsewhere", with("/data/context/request/ipAddress", json!(ELSEWHERE)), Some(blocked)),
        ("no address", with("/data/context/request", json!({})), Some(blocked)),
        ("a user", user, Some(mfa)),
        ("a user with a second factor", with_mfa, None),
        ("a user whose ID token says so", told_in_the_token, None),
        ("a user of a client that is refused", of_a_kiosk, Some(blocked)),
        ("a user that the token alone names", with("/data/access/claims/uid", json!("alice")), Some(mfa)),
        (
            "another user in the token",
            changed(with("/data/context/user", json!({"id": "alice"})), "/data/access/claims/uid", json!("bob")),
            Some("No access decision: input_conflict."),
        ),
        (
            "nobody in a grant for users",
            with("/data/context/protocol/request/grant_type", json!("authorization_code")),
            Some("No access decision: input_invalid."),
        ),
        (
            "nobody in a grant that is not told",
            with("/data/context/protocol/request", json!({"client_id": "client"})),
            Some("No access decision: input_invalid."),
        ),
        (
            "nobody, and a token for somebody",
            with("/data/access/claims/sub", json!("alice@corp.example")),
            Some("No access decision: input_conflict."),
        ),
        (
            "another client in the token",
            with("/data/access/claims/cid", json!("other")),
            Some("No access decision: input_conflict."),
        ),
        ("a scope that is refused", with("/data/access/scopes", json!({"write": {}})), Some(blocked)),
        (
            "an audience that is refused",
            with("/data/access/claims/aud", json!(["a", "https://secrets"])),
            Some(blocked),
        ),
        (
            "an address that is none",
            with("/data/context/request/ipAddress", json!("x")),
            Some("No access decision: input_invalid."),
        ),
        (
            "two clients",
            with("/data/context/protocol/client/id", json!("other")),
            Some("No access decision: input_conflict."),
        ),
        ("no client", with("/data/context/protocol/client", Value::Null), Some("No access decision: input_invalid.")),
        (
            "a grant that is none",
            with("/data/context/protocol/request/grant_type", json!("A")),
            Some("No access decision: input_invalid."),
        ),
        ("no payload", json!({}), Some("No access decision: input_invalid.")),
    ];
    for (note, payload, error) in cases {
        let answer = post(&server, OKTA, &[("x-key", KEY)], &payload.to_string()).await;
        let expected = error.map_or(json!({}), |error| json!({"error": {"errorSummary": error}}));
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected), "{note}");
    }
    // Okta issues the token after any other status.
    let large = "x".repeat(REQUEST_BYTES_MAX + 1);
    for (headers, body, error) in [
        (&[][..], okta_workload().to_string(), "unauthenticated"),
        (&[("x-key", "another")], okta_workload().to_string(), "unauthenticated"),
        (&[("x-key", KEY)], large, "too_large"),
        (&[("x-key", KEY)], "{".to_owned(), "input_invalid"),
    ] {
        let answer = post(&server, OKTA, headers, &body).await;
        let summary = format!("No access decision: {error}.");
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"error": {"errorSummary": summary}})));
    }
    let answer = server.http().await.get(OKTA).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]["errorSummary"]),
        (200, &json!("No access decision: method."))
    );
}

/// Okta's tokens lived as long as Okta lets them, whatever the policies say of the time between sign-ins.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_of_okta_lives_no_longer_than_the_time_between_sign_ins() {
    let server = Server::with(open(ALL));
    server.activate("2", [("3-users.yaml",
        "displayName: Every two hours\nstate: enabled\nconditions: { users: { includeUsers: [All] }, applications: \
         { includeApplications: [All] } }\nsessionControls: { signInFrequency: { isEnabled: true, type: hours, value: 2, \
         frequencyInterval: timeBased } }\n")]);
    let user = changed(okta_workload(), "/data/context/user", json!({"id": "alice"}));
    let shorter = json!({"commands": [{
        "type": "com.okta.access.patch",
        "value": [{"op": "replace", "path": "/token/lifetime/expiration", "value": 7_200}],
    }]});
    for (lifetime, expected) in
        [(json!(86_400), &shorter), (json!(7_201), &shorter), (json!(7_200), &json!({})), (json!(300), &json!({}))]
    {
        let payload = changed(user.clone(), "/data/access/token/lifetime/expiration", lifetime.clone());
        let answer = post(&server, OKTA, &[("x-key", KEY)], &payload.to_string()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()), (200, expected), "{lifetime}");
    }
    let without = changed(user, "/data/access", Value::Null);
    let answer = post(&server, OKTA, &[("x-key", KEY)], &without.to_string()).await;
    assert_eq!(answer.json(), json!({}), "there is no access token to change");
}
