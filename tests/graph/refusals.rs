//! What clients of Graph are told instead of an answer: Graph's envelope for every error, naming the property.

use std::fmt::Write;
use std::time::Duration;

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::http::{Answer, changed, request};
use crate::support::server::Server;

const EVALUATE: &str = "/beta/identity/conditionalAccess/evaluate";

fn server() -> Server {
    Server::start([("tenant.yaml", &include_bytes!("tenant.yaml")[..])])
}

fn supposed() -> Value {
    json!({
        "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": "u"},
        "signInContext": {"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": ["app"]},
        "signInConditions": {},
    })
}

/// Status, code and messages of an error, whose envelope must be Graph's.
fn told(answer: &Answer) -> String {
    let body = answer.json();
    let error = &body["error"];
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let inner = error["innerError"].as_object().unwrap();
    assert_eq!(inner["request-id"], answer.headers["request-id"].to_str().unwrap());
    assert_eq!(inner["request-id"].as_str().unwrap().len(), 36);
    assert!(inner["date"].as_str().unwrap().len() == 19, "{inner:?}");
    let mut told = format!(
        "{} {}: {}",
        answer.status.as_u16(),
        error["code"].as_str().unwrap(),
        error["message"].as_str().unwrap()
    );
    for detail in error["details"].as_array().into_iter().flatten() {
        write!(told, "\n    {}", detail["message"].as_str().unwrap()).unwrap();
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_that_cannot_be_used_is_refused_by_the_name_of_the_property() {
    let server = server();
    let mut http = server.http().await;
    let bodies = ["", "{", "[]", "null", "{}", r#"{"signInIdentity":{},"signInIdentity":{}}"#];
    let mut bodies: Vec<String> = bodies.iter().map(ToString::to_string).collect();
    let changes = [
        ("/signInIdentity", json!({"userId": "u"})),
        ("/signInIdentity/@odata.type", json!("#microsoft.graph.usersignin")),
        ("/signInIdentity/@odata.type", json!("#microsoft.graph.conditionalAccessWhatIfSubject")),
        ("/signInIdentity/@odata.type", json!("#microsoft.graph.servicePrincipalSignIn")),
        ("/signInIdentity/userId", json!("")),
        ("/signInIdentity/userID", json!("u")),
        ("/signInIdentity/externalUserType", json!("b2bCollaborationGuest,internalGuest")),
        ("/signInContext/@odata.type", json!(7)),
        ("/signInContext/includeApplications", json!("app")),
        (
            "/signInContext",
            json!({"@odata.type": "#microsoft.graph.userActionContext", "userAction": "accountRecovery"}),
        ),
        ("/signInContext", json!({"@odata.type": "#microsoft.graph.userActionContext"})),
        (
            "/signInContext",
            json!({"@odata.type": "#microsoft.graph.authContext", "authenticationContextValue": "c100"}),
        ),
        ("/signInConditions", Value::Null),
        ("/signInConditions/devicePlatform", json!("unknownFutureValue")),
        ("/signInConditions/clientAppType", json!("modern")),
        ("/signInConditions/signInRiskLevel", json!(3)),
        ("/signInConditions/agentIdRiskLevel", json!("hidden")),
        ("/signInConditions/country", json!("USA")),
        ("/signInConditions/ipAddress", json!("198.51.100.1:443")),
        ("/signInConditions/authenticationFlow", json!("deviceCodeFlow")),
        ("/signInConditions/deviceInfo/isCompliant", json!("true")),
        ("/signInConditions/deviceInfo/colour", json!("red")),
        ("/appliedPoliciesOnly", json!("yes")),
        ("/conditionalAccessContext", json!({})),
    ];
    bodies.extend(changes.into_iter().map(|(pointer, value)| changed(supposed(), pointer, value).to_string()));
    let mut all = String::new();
    for body in bodies {
        let answer = http.post(EVALUATE, &body).await;
        writeln!(all, "{}", told(&answer)).unwrap();
    }
    assert_snapshot!(all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn annotations_and_nulls_are_passed_over() {
    let server = server();
    let mut body = changed(supposed(), "/signInConditions/@odata.type", json!("#microsoft.graph.signInConditions"));
    body["@example.note"] = json!("x");
    body["signInConditions"]["deviceInfo"] = Value::Null;
    body["signInContext"]["includeApplications@odata.type"] = json!("#Collection(String)");
    assert_eq!(server.what_if("v1.0", &body).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_graph_does_not_have_here_is_refused_as_graph_refuses() {
    const ROOT: &str = "/v1.0/identity/conditionalAccess";
    let server = server();
    let mut http = server.http().await;
    let body = supposed().to_string();
    let large = "x".repeat(300 << 10);
    let cases = [
        (Method::GET, "/v1.0".to_owned(), None, ""),
        (Method::GET, "/beta/me".to_owned(), None, ""),
        (Method::GET, format!("{ROOT}/policies/"), None, ""),
        (Method::GET, format!("{ROOT}/policies/nobody"), None, ""),
        (Method::GET, format!("{ROOT}/namedLocations/nowhere"), None, ""),
        (Method::GET, format!("{ROOT}/templates"), None, ""),
        (Method::GET, format!("{ROOT}/policies?$filter=state%20eq%20'enabled'"), None, ""),
        (Method::GET, format!("{ROOT}/policies?%24expand=x"), None, ""),
        (Method::GET, format!("{ROOT}/policies?$top=0"), None, ""),
        (Method::GET, format!("{ROOT}/policies?$top=1001"), None, ""),
        (Method::GET, format!("{ROOT}/policies?$skiptoken=x"), None, ""),
        (Method::GET, format!("{ROOT}/policies?$skiptoken=0000-1"), None, ""),
        (Method::GET, format!("{ROOT}/policies/Vault?$select=id"), None, ""),
        (Method::GET, format!("{ROOT}/policies/%ff"), None, ""),
        (Method::POST, format!("{ROOT}/policies"), Some("application/json"), "{}"),
        (Method::DELETE, format!("{ROOT}/policies/Vault"), None, ""),
        (Method::PATCH, format!("{ROOT}/namedLocations/Home"), Some("application/json"), "{}"),
        (Method::GET, format!("{ROOT}/evaluate"), None, ""),
        (Method::POST, format!("{ROOT}/evaluate"), None, &*body),
        (Method::POST, format!("{ROOT}/evaluate"), Some("text/plain"), &*body),
        (Method::POST, format!("{ROOT}/evaluate?$top=3"), Some("application/json"), &*body),
        (Method::POST, format!("{ROOT}/evaluate"), Some("application/json"), &*large),
    ];
    let mut all = String::new();
    for (method, path, content_type, body) in cases {
        let answer = http.send(request(method.clone(), &path, content_type, body)).await;
        let allow = answer.headers.get("allow").map_or("", |allow| allow.to_str().unwrap());
        writeln!(all, "{method} {path} {allow}\n  {}", told(&answer)).unwrap();
        // WHY: a body that was refused unread ends the connection.
        http = server.http().await;
    }
    assert_snapshot!(all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_caller_finds_its_own_id_in_the_answer() {
    let server = server();
    let mut request = request(Method::GET, "/v1.0/me", None, "");
    request.headers_mut().insert("client-request-id", "mine".try_into().unwrap());
    let answer = server.http().await.send(request).await;
    assert_eq!(answer.json()["error"]["innerError"]["client-request-id"], "mine");
    assert_eq!(
        (&answer.headers["client-request-id"], &answer.headers["odata-version"]),
        (&"mine".try_into().unwrap(), &"4.0".try_into().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_bundle_graph_is_unavailable() {
    let server = Server::without_bundle(|settings| settings.doors.graph = true);
    for answer in [
        server.what_if("v1.0", &supposed()).await,
        server.http().await.get("/beta/identity/conditionalAccess/policies").await,
    ] {
        assert_eq!(told(&answer), "503 ServiceUnavailable: no bundle is active");
        assert_eq!(answer.headers["retry-after"], "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn past_the_bounds_graph_asks_to_come_again() {
    let server = Server::without_bundle(|settings| {
        settings.doors.graph = true;
        settings.bounds.in_flight_max = 0;
    });
    let answer = server.what_if("v1.0", &supposed()).await;
    assert_eq!(told(&answer), "503 ServiceUnavailable: too many requests are in flight");
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_body_that_does_not_arrive_is_given_up() {
    let server = Server::without_bundle(|settings| {
        settings.doors.graph = true;
        settings.bounds.request_time_max = Duration::from_millis(50);
    });
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.tcp()).await.unwrap();
    let head =
        format!("POST {EVALUATE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains(r#""code":"RequestTimeout""#), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_shut_door_is_no_path_at_all() {
    let server = Server::without_bundle(|_| {});
    let answer = server.http().await.get("/v1.0/identity/conditionalAccess/policies").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["reason"]), (404, &json!("not_found")));
}
