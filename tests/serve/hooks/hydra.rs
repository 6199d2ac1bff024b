//! Ory Hydra: what it sends, and that it hears yes or no.

use doorward::limits::{HOOK_REQUESTS_MAX, REQUEST_BYTES_MAX};
use http::Method;
use serde_json::{Value, json};

use super::{ALL, ELSEWHERE, HYDRA, KEY, OFFICE, OKTA, ZITADEL, post, started};
use crate::support::http::{Answer, changed, request};

/// What Hydra sends for a workload in the office.
pub fn workload() -> Value {
    json!({
        "session": {
            "client_id": "client", "consent_challenge": "", "extra": {"ip": OFFICE, "team": "payroll"},
            "id_token": {"id_token_claims": {"sub": "", "aud": null, "amr": null, "ext": {}}, "subject": ""},
        },
        "request": {
            "client_id": "client", "client": {"client_id": "client"}, "granted_scopes": ["read"],
            "granted_audience": ["https://api"], "grant_types": ["client_credentials"],
            "payload": {"grant_type": ["client_credentials"]},
        },
    })
}

/// What Hydra sends for a user who has used a second factor.
pub fn user() -> Value {
    let claims = json!({"iss": "http://hydra/", "sub": "alice", "aud": ["client"], "acr": "2", "amr": ["pwd", "mfa"]});
    let base = changed(workload(), "/request/grant_types", json!(["authorization_code"]));
    let base = changed(base, "/request/payload", json!({}));
    changed(base, "/session/id_token", json!({"id_token_claims": claims, "subject": "alice"}))
}

/// The user's token for another client.
fn user_with_client(client: Value) -> Value {
    let id = client["client_id"].clone();
    let base = changed(changed(user(), "/request/client_id", id.clone()), "/session/client_id", id);
    changed(base, "/request/client", client)
}

/// Hydra's cases: what is different, the status, and the reason in the body.
fn hydra_cases() -> Vec<(&'static str, Value, u16, &'static str)> {
    let many: Vec<String> = (0..HOOK_REQUESTS_MAX).map(|number| format!("s{number}")).collect();
    let with = |pointer: &str, value: Value| changed(workload(), pointer, value);
    let user_with = |pointer: &str, value: Value| changed(user(), pointer, value);
    let grant = |name: &str| user_with("/request/grant_types", json!([name]));
    let without_mfa = user_with("/session/id_token/id_token_claims/amr", json!(["pwd"]));
    vec![
        ("a workload in the office", workload(), 204, ""),
        ("a workload elsewhere", with("/session/extra/ip", json!(ELSEWHERE)), 403, "invalid_grant"),
        ("no address is unknown", with("/session/extra", json!({})), 403, "invalid_grant"),
        ("no session at all", with("/session", Value::Null), 403, "invalid_grant"),
        ("a null address is none", with("/session/extra/ip", Value::Null), 403, "invalid_grant"),
        ("a user with a second factor", user(), 204, ""),
        ("a user without", without_mfa, 403, "interaction_required"),
        ("a refresh", grant("refresh_token"), 204, ""),
        ("a device code", grant("urn:ietf:params:oauth:grant-type:device_code"), 403, "invalid_grant"),
        ("an assertion", grant("urn:ietf:params:oauth:grant-type:jwt-bearer"), 204, ""),
        (
            "an audience that is refused",
            with("/request/granted_audience", json!(["a", "https://secrets"])),
            403,
            "invalid_grant",
        ),
        (
            "a client that is refused",
            changed(user_with("/request/client_id", json!("bad-client")), "/session/client_id", json!("bad-client")),
            403,
            "invalid_grant",
        ),
        ("null for an empty list", with("/request/granted_scopes", Value::Null), 204, ""),
        ("no audience is an unknown one", with("/request/granted_audience", Value::Null), 403, "invalid_grant"),
        ("an address that is none", with("/session/extra/ip", json!("198.51.100.7.8")), 403, "input_invalid"),
        ("an address of the wrong type", with("/session/extra/ip", json!(7)), 403, "input_invalid"),
        ("two clients", with("/session/client_id", json!("other")), 403, "input_conflict"),
        ("the client in the form, too", with("/request/payload", json!({"client_id": ["client"]})), 204, ""),
        ("another in the form", with("/request/payload", json!({"client_id": ["other"]})), 403, "input_conflict"),
        ("two in the form", with("/request/payload", json!({"client_id": ["client", "other"]})), 403, "input_invalid"),
        ("two subjects", user_with("/session/id_token/subject", json!("mallory")), 403, "input_conflict"),
        (
            "a user whom the client knows by another name",
            changed(
                user_with_client(json!({"client_id": "client", "subject_type": "pairwise"})),
                "/session/id_token/id_token_claims/sub",
                json!("f3a1"),
            ),
            204,
            "",
        ),
        (
            "a user of whom only that other name is told",
            changed(
                user_with_client(json!({"client_id": "client", "subject_type": "pairwise"})),
                "/session/id_token/subject",
                Value::Null,
            ),
            403,
            "input_invalid",
        ),
        (
            "a user whom the client should not know by another name",
            changed(
                user_with_client(json!({"client_id": "client", "subject_type": "public"})),
                "/session/id_token/id_token_claims/sub",
                json!("f3a1"),
            ),
            403,
            "input_conflict",
        ),
        ("a client that is refused with a user", user_with_client(json!({"client_id": "kiosk"})), 403, "invalid_grant"),
        ("two grants", with("/request/payload", json!({"grant_type": ["refresh_token"]})), 403, "input_conflict"),
        (
            "no grant",
            changed(with("/request/grant_types", json!([])), "/request/payload", json!({})),
            403,
            "input_invalid",
        ),
        ("several grants", with("/request/grant_types", json!(["a", "b"])), 403, "input_invalid"),
        (
            "no client",
            changed(with("/request/client_id", json!("")), "/session/client_id", Value::Null),
            403,
            "input_invalid",
        ),
        ("no subject", user_with("/session/id_token", Value::Null), 403, "input_invalid"),
        ("a scope like a gate", with("/request/granted_scopes", json!(["issue:x"])), 403, "input_invalid"),
        ("too many scopes", with("/request/granted_scopes", json!(many)), 403, "input_invalid"),
        ("no request", json!({"session": {}}), 400, "input_invalid"),
        ("a number for a text", with("/request/client_id", json!(7)), 400, "input_invalid"),
    ]
}

/// The reason in a body of Hydra's, which may be empty.
pub fn reason(answer: &Answer) -> String {
    let body = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    let told = [&body["error"]["reason"], &body["error"]].into_iter().find_map(Value::as_str);
    told.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hydra_hears_yes_or_no_and_its_retries_hear_the_same() {
    let server = started(ALL);
    for (note, payload, status, expected) in hydra_cases() {
        for _ in 0..2 {
            let answer = post(&server, HYDRA, &[], &payload.to_string()).await;
            assert_eq!((answer.status.as_u16(), &*reason(&answer)), (status, expected), "{note}: {}", answer.text);
        }
    }
}

/// A 200 without the claims of the session would wipe them.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_allowed_session_of_hydra_keeps_its_claims_because_nothing_is_said_about_them() {
    let answer = post(&started(ALL), HYDRA, &[], &workload().to_string()).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (204, ""));
    assert!(!answer.headers.contains_key("content-type"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_scope_that_is_refused_refuses_the_token_unless_gates_alone_are_asked_about() {
    let payload = changed(workload(), "/request/granted_scopes", json!(["read", "write"])).to_string();
    let refused = post(&started(ALL), HYDRA, &[], &payload).await;
    assert_eq!((refused.status.as_u16(), &*reason(&refused)), (403, "invalid_scope"), "{}", refused.text);
    let gates = started("{ hydra: { ipClaim: ip, gateOnly: true } }");
    assert_eq!(post(&gates, HYDRA, &[], &payload).await.status, 204);
}

/// Asked about alone, the scope `openid` was a request for Entra's directory, so that no token for an application that a policy
/// excludes was issued with an ID token.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_application_that_is_excluded_stays_so_with_openid_beside_its_own_scopes() {
    const EXCLUDED: &str = "eeeeeeee-0000-4000-8000-000000000001";
    let server = started(ALL);
    let policy = format!(
        "displayName: Nothing else\nstate: enabled\nconditions: {{ users: {{ includeUsers: [All] }}, applications: \
         {{ includeApplications: [All], excludeApplications: [{EXCLUDED}] }} }}\n\
         grantControls: {{ operator: OR, builtInControls: [block] }}\n"
    );
    server.activate("3", [("6-else.yaml", policy)]);
    let user = |audience: &str| changed(user(), "/request/granted_audience", json!([audience]));
    for (audience, scopes, status) in [
        (EXCLUDED, json!(["openid", "read"]), 204),
        (EXCLUDED, json!(["read"]), 204),
        (EXCLUDED, json!(["openid"]), 403),
        ("https://api", json!(["openid", "read"]), 403),
    ] {
        let payload = changed(user(audience), "/request/granted_scopes", scopes.clone()).to_string();
        let answer = post(&server, HYDRA, &[], &payload).await;
        assert_eq!(answer.status.as_u16(), status, "{audience} {scopes}: {}", answer.text);
    }
}

/// A refresh came with the address of the consent, so a token that was taken away from the office was renewed from
/// anywhere. That address is that of the sign-in, and counts for nothing later.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_address_of_a_consent_is_not_that_of_a_refresh() {
    let server = started(ALL);
    server.activate("3", [("6-away.yaml",
        "displayName: No users elsewhere\nstate: enabled\nconditions: { users: { includeUsers: [All] }, applications: \
         { includeApplications: [All] }, locations: { includeLocations: [All], excludeLocations: [Office] } }\n\
         grantControls: { operator: OR, builtInControls: [block] }\n")]);
    for (grant, status) in [("authorization_code", 204), ("refresh_token", 403)] {
        let payload = changed(user(), "/request/grant_types", json!([grant])).to_string();
        assert_eq!(post(&server, HYDRA, &[], &payload).await.status, status, "{grant}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_without_an_audience_is_for_the_usual_one() {
    let server = started("{ hydra: { ipClaim: ip, defaultAudience: 'https://secrets' } }");
    assert_eq!(post(&server, HYDRA, &[], &workload().to_string()).await.status, 204);
    let payload = changed(workload(), "/request/granted_audience", json!([])).to_string();
    assert_eq!(post(&server, HYDRA, &[], &payload).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_call_of_hydra_is_refused_as_such() {
    let server = started("{ hydra: {} }");
    let twice = r#"{"request":{"client_id":"a","client_id":"b","grant_types":["client_credentials"]}}"#;
    let nested = r#"{"session":{"extra":{"ip":"198.51.100.7","ip":"203.0.113.9"}},"request":{"client_id":"a"}}"#;
    for body in ["", "{", "[]", "null", "7", "\u{feff}{}", twice, nested] {
        assert_eq!(post(&server, HYDRA, &[], body).await.status, 400, "{body}");
    }
    let large = "x".repeat(REQUEST_BYTES_MAX + 1);
    assert_eq!(post(&server, HYDRA, &[], &large).await.status, 413);
    let mut http = server.http().await;
    let get = http.get(HYDRA).await;
    assert_eq!((get.status.as_u16(), &get.headers["allow"]), (405, &"POST".parse().unwrap()));
    assert_eq!(http.send(request(Method::POST, HYDRA, Some("text/plain"), "{}")).await.status, 415);
    for shut in [OKTA, ZITADEL, "/v1/hooks/hydra", "/v1/hooks/other/token"] {
        assert_eq!(http.post(shut, "{}").await.status, 404, "{shut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hydra_is_known_by_its_key_in_a_header_or_a_cookie() {
    let body = workload().to_string();
    let header = started("{ hydra: { ipClaim: ip, apiKey: { in: header, name: X-Key, sha256: HASH } } }");
    for (headers, status) in [
        (&[("x-key", KEY)][..], 204),
        (&[], 401),
        (&[("x-key", "")], 401),
        (&[("x-key", "another")], 401),
        (&[("x-key", KEY), ("x-key", KEY)], 401),
        (&[("cookie", "x-key=a key that callers of the tests know")], 401),
    ] {
        assert_eq!(post(&header, HYDRA, headers, &body).await.status, status, "{headers:?}");
    }
    let cookie = started("{ hydra: { ipClaim: ip, apiKey: { in: cookie, name: key, sha256: HASH } } }");
    for (value, status) in [
        (format!("key={KEY}"), 204),
        (format!("a=b; key={KEY}; c=d"), 204),
        (format!("key={KEY}; key={KEY}"), 401),
        (format!("keys={KEY}"), 401),
        (format!("Key={KEY}"), 401),
        ("key".to_owned(), 401),
        ("key=".to_owned(), 401),
    ] {
        assert_eq!(post(&cookie, HYDRA, &[("cookie", &value)], &body).await.status, status, "{value}");
    }
    let stranger = post(&cookie, HYDRA, &[], &body).await;
    assert_eq!((stranger.status.as_u16(), stranger.headers.contains_key("www-authenticate")), (401, true));
    let metrics = cookie.operator().await.get("/metrics").await.text;
    assert!(metrics.contains(r#"surface="hook",decision="error",reason="unauthenticated"} 6"#), "{metrics}");
}
