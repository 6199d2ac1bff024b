//! Token hooks as authorization servers call them, over real HTTP.

#[path = "hooks/hydra.rs"]
mod hydra;
#[path = "hooks/okta.rs"]
mod okta;
#[path = "hooks/shaping.rs"]
mod shaping;
#[path = "hooks/zitadel.rs"]
mod zitadel;

use std::path::Path;

use bytes::Bytes;
use doorward::serve::Settings;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::hydra::{reason, user, workload};
use self::okta::okta_workload;
use self::zitadel::{signed, zitadel_machine};
use crate::server::outside;
use crate::support::http::{Answer, changed};
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

/// Scopes of OpenID alone made Entra's directory of a token of which nobody had told what it is for, so no policy about an
/// application blocked it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_of_no_known_audience_is_for_any_application_whatever_its_scopes() {
    let server = Server::with(open(ALL));
    let payroll = "displayName: No payroll\nstate: enabled\nconditions: { users: { includeUsers: [All] }, applications: \
                   { includeApplications: [eeeeeeee-0000-4000-8000-000000000001] } }\n\
                   grantControls: { operator: OR, builtInControls: [block] }\n";
    server.activate("2", [("3-users.yaml", payroll)]);
    let okta_user = changed(okta_workload(), "/data/context/user", json!({"id": "alice"}));
    for scopes in [&[][..], &["read"], &["openid"], &["openid", "profile", "email", "offline_access"], &["User.Read"]] {
        for (audience, is_allowed) in [(None, false), (Some("https://api"), true)] {
            let hydra = changed(user(), "/request/granted_scopes", json!(scopes));
            let hydra = changed(hydra, "/request/granted_audience", json!(audience.as_slice())).to_string();
            let answer = post(&server, HYDRA, &[], &hydra).await;
            assert_eq!(answer.status == 204, is_allowed, "{scopes:?} {audience:?}: {}", answer.text);
            let granted: Value = scopes.iter().map(|scope| ((*scope).to_owned(), json!({}))).collect();
            let okta = changed(okta_user.clone(), "/data/access/scopes", granted);
            let okta = changed(okta, "/data/access/claims/aud", json!(audience)).to_string();
            let answer = post(&server, OKTA, &[("x-key", KEY)], &okta).await;
            assert_eq!(answer.json() == json!({}), is_allowed, "{scopes:?} {audience:?}: {}", answer.text);
        }
    }
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
