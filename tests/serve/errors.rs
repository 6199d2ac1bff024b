//! What callers are told instead of an answer.

use std::fmt::Write;

use doorward::serve::wire::v1;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::server::outside;
use crate::support::http::{Http, changed, request};
use crate::support::server::Server;

/// Status and body of each case, request ids that were made up left out.
async fn told(http: &mut Http, bodies: &[&str]) -> String {
    let mut told = String::new();
    for body in bodies {
        let answer = http.post("/v1/decide", body).await;
        let mut error = answer.json()["error"].take();
        let id = error.as_object_mut().unwrap().remove("requestId").unwrap();
        assert!(id == "r-1" || id.as_str().unwrap().len() == 32);
        writeln!(told, "{} {error}", answer.status.as_u16()).unwrap();
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_body_that_is_no_request_is_refused_with_its_place() {
    let bodies = [
        "",
        "{",
        "[]",
        r#"[{"type":"user","id":"u"}]"#,
        r#"{"identity":["user","u"]}"#,
        "null",
        r#"{"identity":{"type":"user","id":"u"}} x"#,
        r#"{"identity":{"type":"user","id":"u"},"identity":{"type":"user","id":"v"}}"#,
        r#"{"identity":{"type":"user","id":"u"},"network":{"ipAddress":"1.2.3.4","ipAddress":"1.2.3.5"}}"#,
        r#"{"identity":{"type":"user","id":"u"},"attributes":{"a":[{"b":1,"b":2}]}}"#,
        r#"{"identity":{"type":"user","id":"u"},"network":{"ipAdress":"1.2.3.4"}}"#,
        r#"{"identity":{"type":"user","id":"u"},"colour":"red"}"#,
        r#"{"identity":{"type":"user","id":7}}"#,
        r#"{"identity":{"type":"user","id":"u","groups":"admins"}}"#,
        r#"{"identity":{"type":"user","id":"u","groups":["a",7]}}"#,
        r#"{"identity":{"type":"user","id":"u"},"explain":"yes"}"#,
        r#"{"identity":{"type":"service","id":"u"}}"#,
        r#"{"identity":{"type":"servicePrincipl","id":"u"}}"#,
        r#"{"identity":{"type":3,"id":"u"}}"#,
        r#"{"identity":{"type":"user","id":"u"},"clientApp":"all"}"#,
        r#"{"identity":{"type":"user","id":"u"},"satisfied":{"builtInControls":["mfa","block"]}}"#,
        r#"{"identity":{"type":"user","id":"u"},"attributes":[]}"#,
    ];
    let server = Server::start();
    assert_snapshot!(told(&mut server.http().await, &bodies).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_fact_that_cannot_be_used_is_refused_by_name() {
    let cases: Vec<(&str, Value)> = vec![
        ("/identity", Value::Null),
        ("/identity/type", Value::Null),
        ("/identity/id", Value::Null),
        ("/identity/id", json!("")),
        ("/identity/appId", json!("")),
        ("/identity/groups", json!(["a", ""])),
        ("/identity/id", json!("0f8fad5b-d9cb-469f-a165-70867728950e ")),
        ("/identity/id", json!("0f8fad5b-d9cb-469f-a165-70867728950e\u{200b}")),
        ("/identity/id", json!("{0f8fad5b-d9cb-469f-a165-70867728950e}")),
        ("/identity/id", json!("y\u{0}")),
        ("/identity/ownerTenant", json!("urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e")),
        ("/identity/homeTenant", json!("0f8fad5bd9cb469fa16570867728950e")),
        ("/identity/blueprint", json!("\u{feff}0f8fad5b-d9cb-469f-a165-70867728950e")),
        ("/identity/roles", json!(["a", "b\n"])),
        ("/resource/appIds", json!(["{0f8fad5b-d9cb-469f-a165-70867728950e}"])),
        ("/satisfied", json!({"termsOfUse": ["t "]})),
        ("/identity/customSecurityAttributes", json!({"Set": 1})),
        ("/identity/customSecurityAttributes", json!({"Set": {"Name": {"deep": 1}}})),
        ("/identity/customSecurityAttributes", json!({"Set": {"Name": ["a", 1]}})),
        ("/identity/customSecurityAttributes", json!({"Set": {"Name": "a", "NAME": "b"}})),
        ("/resource/appIds", json!([""])),
        ("/resource/appIds", json!(["w", " "])),
        ("/resource/scopes", json!(["openid User.Read"])),
        ("/resource/scopes", json!(["openid", "User.Read "])),
        ("/resource/scopes", json!(["User.Read\u{200b}"])),
        ("/resource/scopes", json!([""])),
        ("/resource/authenticationContext", json!("c100")),
        ("/network/ipAddress", json!("")),
        ("/network/ipAddress", json!("203.0.113.256")),
        ("/network/ipAddress", json!("203.0.113.09")),
        ("/network/ipAddress", json!(" 203.0.113.9")),
        ("/network/ipAddress", json!("203.0.113.9:443")),
        ("/network/ipAddress", json!("203.0.113.0/24")),
        ("/network/ipAddress", json!("fe80::1%eth0")),
        ("/network/ipAddress", json!("[2001:db8::1]")),
        ("/network/country", json!("Germany")),
        ("/network/gpsCountry", json!("D1")),
        ("/requestId", json!("")),
        ("/requestId", json!("a\nb")),
    ];
    let bodies: Vec<String> =
        cases.into_iter().map(|(pointer, value)| changed(outside(), pointer, value).to_string()).collect();
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let server = Server::start();
    assert_snapshot!(told(&mut server.http().await, &bodies).await);
}

/// As the catalogue reads them: an export of Graph has more of them than `@odata.type`.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn annotations_of_odata_are_no_attributes() {
    let server = Server::start();
    let attributes = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata",
        "Set": {"Stage@odata.type": "#String", "Stage@odata.context": 1, "Stage": "test"},
    });
    let body = json!({"identity": {"type": "servicePrincipal", "id": "x", "customSecurityAttributes": attributes}});
    let answer = server.http().await.post("/v1/decide", &body.to_string()).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.json());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn null_is_absent() {
    let server = Server::start();
    let mut http = server.http().await;
    let sparse = json!({
        "identity": {"type": "servicePrincipal", "id": "x", "groups": null, "customSecurityAttributes": null},
        "resource": {"appIds": null}, "network": null, "risk": {"servicePrincipal": null},
        "satisfied": {"builtInControls": null}, "explain": null, "clientApp": null, "requestId": "r-1",
    });
    let full = json!({"identity": {"type": "servicePrincipal", "id": "x"}, "requestId": "r-1"});
    assert_eq!(http.decide(&sparse).await.text, http.decide(&full).await.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_decision_request_is_told_what_would_be() {
    let server = Server::start();
    let mut http = server.http().await;
    let body = outside().to_string();
    let cases = [
        (Method::GET, "/v1/decide", Some("application/json"), ""),
        (Method::PUT, "/v1/decide/batch", Some("application/json"), ""),
        (Method::POST, "/v1/openapi.json", None, ""),
        (Method::POST, "/v1/decide", None, &*body),
        (Method::POST, "/v1/decide", Some("text/plain"), &*body),
        (Method::POST, "/v1/decide", Some("application/jsonp"), &*body),
        (Method::POST, "/v1/decide/", Some("application/json"), &*body),
        (Method::GET, "/metrics", None, ""),
    ];
    let mut told = String::new();
    for (method, path, content_type, body) in cases {
        let line = format!("{method} {path} {}", content_type.unwrap_or("-"));
        let answer = http.send(request(method, path, content_type, body)).await;
        let mut error = answer.json()["error"].take();
        error.as_object_mut().unwrap().remove("requestId").unwrap();
        let allow = answer.headers.get("allow").map_or("", |allow| allow.to_str().unwrap());
        writeln!(told, "{line}: {} {error} {allow}", answer.status.as_u16()).unwrap();
    }
    assert_snapshot!(told);
    let answer = http.send(request(Method::POST, "/v1/decide", Some("Application/JSON; charset=utf-8"), &body)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_bundle_nothing_is_decided() {
    let server = Server::without_bundle(|_| {});
    let mut http = server.http().await;
    for (path, body) in [("/v1/decide", outside()), ("/v1/decide/batch", json!({"requests": [outside()]}))] {
        let answer = http.post(path, &body.to_string()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["reason"]), (503, &json!("no_bundle")));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    // An id that can be used is told again, and no other.
    let long = "x".repeat(doorward::limits::REQUEST_ID_BYTES_MAX + 1);
    for (id, is_told) in [("r-1", true), ("", false), ("a\nb", false), (&*long, false)] {
        let answer = http.decide(&changed(outside(), "/requestId", json!(id))).await;
        assert_eq!(answer.json()["error"]["requestId"] == id, is_told, "{id:?}: {}", answer.text);
    }
    let mut client = server.grpc().await;
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    let one = client.decide(message.clone()).await.unwrap_err();
    let batch = client.decide_batch(v1::DecideBatchRequest { requests: vec![message.clone()] }).await.unwrap_err();
    let stream = client.decide_stream(tokio_stream::iter([message])).await.unwrap_err();
    for status in [one, batch, stream] {
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.get_details_error_info().unwrap().reason, "no_bundle");
        assert!(status.get_details_retry_info().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn grpc_errors_carry_field_reason_and_request_id() {
    let server = Server::start();
    let request = changed(outside(), "/network/ipAddress", json!("nowhere"));
    let message: v1::DecideRequest = serde_json::from_value(request).unwrap();
    let status = server.grpc().await.decide(message).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_snapshot!(status.message(), @"`network.ipAddress` must be an IPv4 or IPv6 address without zone or port");
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "network.ipAddress");
    assert_eq!(status.get_details_error_info().unwrap().reason, "input_invalid");
    assert_eq!(status.get_details_request_info().unwrap().request_id, "r-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn enum_numbers_that_nobody_knows_are_refused_and_never_absent() {
    let server = Server::start();
    let mut client = server.grpc().await;
    let known: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    type Change = fn(&mut v1::DecideRequest, i32);
    let fields: [(&str, Change); 13] = [
        ("identity.type", |message, number| message.identity.as_mut().unwrap().r#type = number),
        ("identity.audience", |message, number| message.identity.as_mut().unwrap().audience = number),
        ("identity.guestType", |message, number| message.identity.as_mut().unwrap().guest_type = number),
        ("resource.type", |message, number| message.resource.get_or_insert_default().r#type = number),
        ("resource.userAction", |message, number| message.resource.get_or_insert_default().user_action = number),
        ("risk.servicePrincipal", |message, number| {
            message.risk.get_or_insert_default().service_principal = number;
        }),
        ("risk.insider", |message, number| message.risk.get_or_insert_default().insider = number),
        ("risk.agent", |message, number| message.risk.get_or_insert_default().agent = number),
        ("clientApp", |message, number| message.client_app = number),
        ("platform", |message, number| message.platform = number),
        ("authenticationFlow", |message, number| message.authentication_flow = number),
        ("credential.type", |message, number| message.credential.get_or_insert_default().r#type = number),
        ("satisfied.builtInControls[0]", |message, number| {
            message.satisfied.get_or_insert_default().built_in_controls = vec![number];
        }),
    ];
    for (field, change) in fields {
        for number in [-1, 99, i32::MAX] {
            let mut message = known.clone();
            change(&mut message, number);
            let status = client.decide(message).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, field);
        }
    }
}
