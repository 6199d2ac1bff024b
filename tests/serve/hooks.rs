//! Token hooks as authorization servers call them, over real HTTP.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use doorward::limits::{HOOK_REQUESTS_MAX, HOOK_SIGNATURE_AGE_MAX, REQUEST_BYTES_MAX};
use doorward::serve::Settings;
use hmac::{Hmac, KeyInit, Mac};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::server::outside;
use crate::support::http::{Answer, changed, request};
use crate::support::server::Server;

const HYDRA: &str = "/v1/hooks/hydra/token";
const OKTA: &str = "/v1/hooks/okta/token";
const ZITADEL: &str = "/v1/hooks/zitadel/token";
const KEY: &str = "a key that callers of the tests know";
const OFFICE: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";
/// Beside the policies of the sample bundle, some that look at what only hooks say.
const CUSTOM: &str = r#"
    @id("no writing") forbid (principal, action, resource) when { context.action == "write" };
    @id("no secrets") forbid (principal, action, resource) when { resource.target.id == "https://secrets" };
    @id("no agents") forbid (principal, action, resource)
    when { context.attributes.text.hasTag("client_id") && context.attributes.text.getTag("client_id") == "bad-client" };
    @id("no kiosks") forbid (principal is User, action, resource) when { principal.appId == "kiosk" };
"#;
const DEVICE_CODE: &str = "
displayName: No device codes
state: enabled
conditions: { users: { includeUsers: [All] }, authenticationFlows: { transferMethods: deviceCodeFlow } }
grantControls: { builtInControls: [block] }
";

/// Opens the hooks as the settings file would.
fn open(hooks: &str) -> impl FnOnce(&mut Settings) {
    let hash: String = Sha256::digest(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("doors:\n  hooks: {}", hooks.replace("HASH", &hash).replace("KEY", KEY));
    move |settings| settings.doors = doorward::config::read(Path::new("doorward.yaml"), &text).unwrap().doors
}

const ALL: &str = "{ hydra: { ipClaim: ip }, okta: { header: x-key, sha256: HASH }, zitadel: { signingKey: KEY } }";

fn started(hooks: &str) -> Server {
    let server = Server::with(open(hooks));
    server.activate("2", [("4-custom.cedar", CUSTOM), ("5-device-code.yaml", DEVICE_CODE)]);
    server
}

async fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path).header("host", "doorward");
    request = request.header("content-type", "application/json; charset=UTF-8");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.http().await.send(request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()).await
}

/// What Hydra sends for a workload in the office.
fn workload() -> Value {
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
fn user() -> Value {
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
fn reason(answer: &Answer) -> String {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_callers_must_say_who_they_are_a_hook_needs_its_own_key_or_theirs() {
    let body = workload().to_string();
    let hash = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
    let guarded = |hooks: &str| {
        let open = open(hooks);
        Server::with(move |settings| {
            open(settings);
            settings.callers = crate::callers::callers(&format!("bearer: [{{ name: gateway, sha256: {hash} }}]\n"));
        })
    };
    let keyed = guarded("{ hydra: { ipClaim: ip, apiKey: { in: header, name: X-Key, sha256: HASH } } }");
    assert_ne!(post(&keyed, HYDRA, &[("x-key", KEY)], &body).await.status, 401);
    for (path, headers) in [
        (HYDRA, &[][..]),
        (HYDRA, &[("authorization", "Bearer correct horse")]),
        ("/v1/decide", &[("x-key", KEY)]),
        (OKTA, &[("x-key", KEY)]),
        ("/v1/hooks/hydra/token/", &[("x-key", KEY)]),
    ] {
        assert_eq!(post(&keyed, path, headers, &body).await.status, 401, "{path} {headers:?}");
    }
    let keyless = guarded("{ hydra: { ipClaim: ip } }");
    assert_eq!(post(&keyless, HYDRA, &[], &body).await.status, 401);
    let known = post(&keyless, HYDRA, &[("authorization", "Bearer correct horse")], &body).await;
    assert_ne!(known.status, 401);
}

/// What Okta sends for a workload in the office.
fn okta_workload() -> Value {
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
    let without = changed(user, "/data/access/token", Value::Null);
    let answer = post(&server, OKTA, &[("x-key", KEY)], &without.to_string()).await;
    assert_eq!(answer.json(), json!({}), "there is no access token to change");
}

fn zitadel_machine() -> Value {
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
fn signed(body: &str) -> String {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_bundle_no_hook_says_yes() {
    let server = Server::without_bundle(open(ALL));
    let hydra = post(&server, HYDRA, &[], &workload().to_string()).await;
    assert_eq!((hydra.status.as_u16(), &*reason(&hydra)), (503, "no_bundle"));
    assert!(hydra.headers.contains_key("retry-after"));
    let okta = post(&server, OKTA, &[("x-key", KEY)], &okta_workload().to_string()).await;
    let summary = &okta.json()["error"]["errorSummary"];
    assert_eq!((okta.status.as_u16(), summary), (200, &json!("No access decision: no_bundle.")));
    let body = zitadel_machine().to_string();
    let header = signed(&body);
    assert_eq!(post(&server, ZITADEL, &[("ZITADEL-Signature", &header)], &body).await.status, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hooks_decide_as_the_decision_api_does() {
    let server = started(ALL);
    let api = |id: &str, kind: &str| {
        let base = changed(outside(), "/identity", json!({"type": kind, "id": id}));
        let base = changed(base, "/resource", json!({"appIds": ["https://api"], "scopes": ["read"]}));
        let base = changed(base, "/resource/target", json!({"type": "audience", "id": "https://api"}));
        let base = changed(base, "/action", json!("issue:access_token:client_credentials"));
        changed(base, "/attributes", json!({"client_id": "client"}))
    };
    for address in [OFFICE, ELSEWHERE, "::ffff:198.51.100.7", "2001:db8::1"] {
        let request = changed(api("client", "servicePrincipal"), "/network/ipAddress", json!(address));
        let decision = server.http().await.decide(&request).await.json()["decision"].clone();
        let hydra = changed(workload(), "/session/extra/ip", json!(address)).to_string();
        let hydra = post(&server, HYDRA, &[], &hydra).await.status == 204;
        let okta = changed(okta_workload(), "/data/context/request/ipAddress", json!(address)).to_string();
        let okta = post(&server, OKTA, &[("x-key", KEY)], &okta).await.json() == json!({});
        assert_eq!([hydra, okta], [decision == "allow"; 2], "{address}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_without_an_address_are_counted() {
    let server = started("{ hydra: {} }");
    post(&server, HYDRA, &[], &workload().to_string()).await;
    let metrics = server.operator().await.get("/metrics").await.text;
    assert!(metrics.contains(r#"doorward_missing_ip_total{surface="hook"} 1"#), "{metrics}");
}

fn shipped(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_settings_for_hydra_that_are_shipped_fit_those_for_doorward() {
    let hydra: Value = serde_saphyr::from_str(&shipped("ory-hydra/hydra.yaml")).unwrap();
    let (hook, key) = (&hydra["oauth2"]["token_hook"], &hydra["oauth2"]["token_hook"]["auth"]["config"]);
    let text = shipped("ory-hydra/doorward.yaml");
    let server = Server::with(|settings| {
        settings.doors = doorward::config::read(Path::new("doorward.yaml"), &text).unwrap().doors;
    });
    let path = hook["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:8480").unwrap();
    let header = [(key["name"].as_str().unwrap(), key["value"].as_str().unwrap())];
    let payload = changed(workload(), "/session/extra", json!({"client_ip": OFFICE})).to_string();
    assert_eq!(post(&server, path, &header, &payload).await.status, 204);
    assert_eq!(post(&server, path, &[], &payload).await.status, 401);
}

#[test]
fn shipped_settings_open_the_door_that_they_are_for() {
    let doors = |path: &str| doorward::config::read(Path::new(path), &shipped(path)).unwrap().doors.hooks;
    assert!(doors("okta/doorward.yaml").okta.is_some());
    assert!(doors("zitadel/doorward.yaml").zitadel.is_some());
}

#[test]
fn settings_that_would_let_anybody_ask_are_refused() {
    for hooks in [
        "{ okta: {} }",
        "{ okta: { header: x-key } }",
        "{ okta: { header: x-key, sha256: secret } }",
        "{ zitadel: {} }",
        "{ zitadel: { signingKey: '' } }",
        "{ hydra: { apiKey: { in: query, name: k, sha256: HASH } } }",
        "{ hydra: { apikey: {} } }",
    ] {
        let text = format!("doors: {{ hooks: {hooks} }}");
        assert!(doorward::config::read(Path::new("doorward.yaml"), &text).is_err(), "{hooks}");
    }
}

/// Such a hook would refuse everybody, and nobody would know why.
#[test]
fn a_key_in_a_place_that_cannot_be_is_refused() {
    for hooks in [
        "{ okta: { header: 'x key', sha256: HASH } }",
        "{ okta: { header: '', sha256: HASH } }",
        "{ okta: { header: 'x-key:', sha256: HASH } }",
        "{ hydra: { apiKey: { in: cookie, name: 'a;b', sha256: HASH } } }",
    ] {
        let text = format!("doors: {{ hooks: {} }}", hooks.replace("HASH", &"0".repeat(64)));
        let error = doorward::config::read(Path::new("doorward.yaml"), &text).unwrap_err().to_string();
        assert!(error.contains("header or cookie"), "{error}");
    }
}
