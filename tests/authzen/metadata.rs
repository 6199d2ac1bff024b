//! What the door says of itself, signed and not.

use doorward::config;
use doorward::serve::authzen::Open;
use http::Method;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::server::{EVALUATION, question};
use crate::support::http::request;
use crate::support::server::Server;

const WELL_KNOWN: &str = "/.well-known/authzen-configuration";

/// Keys of these tests alone.
const EC_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgYIDX46S4Vq8FFG7G\nTSchRlEIuxd2gaU0Ba/fciZxv6ahRANCAATebdrbt89zNbMB0F6pneS9AITs1ARu\nc34rRqrOlLXhmf+fWnOscHFm373tkvVDdgFt8VLDaYuh3/oOgCio/SV5\n-----END PRIVATE KEY-----\n";
const EC_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3m3a27fPczWzAdBeqZ3kvQCE7NQE\nbnN+K0aqzpS14Zn/n1pzrHBxZt+97ZL1Q3YBbfFSw2mLod/6DoAoqP0leQ==\n-----END PUBLIC KEY-----\n";
const ED_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIP3jE6idRzcktEDvlvwYN4L8sHsDEqCRpMGI0krZudY8\n-----END PRIVATE KEY-----\n";
const ED_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAvQxxPdcuxjPvU9mzBEjGLyuMJflrXNR0nw1HPEyhdQg=\n-----END PUBLIC KEY-----\n";

fn expected(url: &str) -> Value {
    json!({
        "policy_decision_point": url,
        "access_evaluation_endpoint": format!("{url}/access/v1/evaluation"),
        "access_evaluations_endpoint": format!("{url}/access/v1/evaluations"),
        "search_subject_endpoint": format!("{url}/access/v1/search/subject"),
        "search_resource_endpoint": format!("{url}/access/v1/search/resource"),
        "search_action_endpoint": format!("{url}/access/v1/search/action"),
        "capabilities": ["urn:ietf:params:authzen:token-issuance"],
        "supported_obligations": ["notification", "session_termination"],
    })
}

#[tokio::test]
async fn addresses_come_from_the_settings_whatever_host_the_request_names() {
    let server = Server::certification("{ url: https://pdp.example:8443 }");
    let mut http = server.http().await;
    for host in ["pdp.example", "evil.example", "localhost:1"] {
        let mut asked = request(Method::GET, WELL_KNOWN, None, "");
        asked.headers_mut().insert("host", host.parse().unwrap());
        asked.headers_mut().insert("x-forwarded-host", host.parse().unwrap());
        let answer = http.send(asked).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["content-type"]),
            (200, &"application/json".parse().unwrap())
        );
        assert_eq!(answer.json(), expected("https://pdp.example:8443"));
    }
    assert_eq!(http.get(&format!("{WELL_KNOWN}/tenant")).await.status, 404);
}

#[tokio::test]
async fn a_tenant_stands_behind_the_well_known_path() {
    let server = Server::certification("{ url: https://pdp.example/tenant1, stepUp: { mfa: strong } }");
    let mut http = server.http().await;
    let mut document = expected("https://pdp.example/tenant1");
    document["supported_obligations"] = json!(["notification", "session_termination", "step-up"]);
    assert_eq!(http.get(&format!("{WELL_KNOWN}/tenant1")).await.json(), document);
    for other in ["", "/", "/tenant2", "/tenant1/", "tenant1"] {
        assert_eq!(http.get(&format!("{WELL_KNOWN}{other}")).await.status, 404, "{other}");
    }
    let body = question("alice", "read", "record-1").to_string();
    for path in [EVALUATION.to_owned(), format!("/tenant1{EVALUATION}")] {
        assert_eq!(http.post(&path, &body).await.text, r#"{"decision":true}"#);
    }
    assert_eq!(http.post(&format!("/tenant2{EVALUATION}"), &body).await.status, 404);
}

#[tokio::test]
async fn without_an_address_there_is_no_metadata() {
    assert_eq!(Server::certification("{}").http().await.get(WELL_KNOWN).await.status, 404);
}

#[tokio::test]
async fn signed_metadata_says_the_same_and_who_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    for (algorithm, name, private, public) in [
        (Algorithm::ES256, "ES256", EC_KEY, DecodingKey::from_ec_pem(EC_PUBLIC.as_bytes())),
        (Algorithm::EdDSA, "EdDSA", ED_KEY, DecodingKey::from_ed_pem(ED_PUBLIC.as_bytes())),
    ] {
        std::fs::write(&key, private).unwrap();
        let signing = format!("{{ key: {}, algorithm: {name}, keyId: k1 }}", key.display());
        let server = Server::certification(&format!("{{ url: https://pdp.example, signedMetadata: {signing} }}"));
        let mut http = server.http().await;
        let (one, other) = (http.get(WELL_KNOWN).await, http.get(WELL_KNOWN).await);
        assert_eq!(one.text, other.text);
        let mut document = one.json();
        let signed = document.as_object_mut().unwrap().remove("signed_metadata").unwrap();
        assert_eq!(document, expected("https://pdp.example"));
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let token = jsonwebtoken::decode::<Value>(signed.as_str().unwrap(), &public.unwrap(), &validation).unwrap();
        document["iss"] = json!("https://pdp.example");
        assert_eq!((token.claims, token.header.kid.as_deref()), (document, Some("k1")));
    }
}

#[test]
fn keys_that_cannot_sign_are_told_when_the_server_starts() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let open = |settings: String| Open::new(serde_saphyr::from_str(&settings).unwrap()).unwrap_err().to_string();
    let signing = |algorithm: &str| {
        format!("{{ url: https://pdp.example, signedMetadata: {{ key: {}, algorithm: {algorithm} }} }}", key.display())
    };
    assert!(open(signing("ES256")).contains("cannot read"));
    std::fs::write(&key, ED_KEY).unwrap();
    assert!(open(signing("ES256")).contains("cannot sign"));
    assert!(open(format!("{{ signedMetadata: {{ key: {}, algorithm: EdDSA }} }}", key.display())).contains("url"));
}

#[test]
fn settings_that_cannot_be_meant_are_refused_with_their_place() {
    for (settings, told) in [
        ("url: http://pdp.example", "https://"),
        ("url: https://pdp.example/", "https://"),
        ("url: https://pdp.example?x=1", "https://"),
        ("url: https://pdp.example#x", "https://"),
        ("url: https://", "https://"),
        ("batchDefaults: loose", "loose"),
        ("stepUp: { compliantDevice: x }", "compliantDevice"),
        ("stepUp: { mfa: '' }", "acr"),
        ("signedMetadata: { key: k.pem, algorithm: HS256 }", "HS256"),
        ("verbos: true", "verbos"),
    ] {
        let text = format!("doors:\n  authzen:\n    {settings}\n");
        let error = config::read(std::path::Path::new("doorward.yaml"), &text).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("doorward.yaml"), "{error}");
    }
    let fine =
        "doors:\n  authzen:\n    url: https://pdp.example/t\n    batchDefaults: lenient\n    stepUp: { mfa: x }\n";
    assert!(config::read(std::path::Path::new("x"), fine).unwrap().doors.authzen.is_some());
}
