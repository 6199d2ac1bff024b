//! Callers that must say who they are: bearer tokens, access tokens, processes.

use doorward::observe::log::Target;
use doorward::serve::callers::CallerSettings;
use doorward::serve::wire::v1;
use doorward::serve::{OpenByDefault, Settings};
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_stream::StreamExt;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use crate::issuer::{Key, KeyServer};
use crate::log::Lines;
use crate::server::outside;
use crate::support::found::{program, skipped};
use crate::support::http::{Answer, changed, request};
use crate::support::server::Server;

const SECRET: &str = "correct horse";
/// Its SHA-256.
const HASH: &str = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";

pub fn callers(text: &str) -> CallerSettings {
    serde_saphyr::from_str(text).unwrap()
}

fn bearer() -> String {
    format!("bearer: [{{ name: other, sha256: '{}' }}, {{ name: gateway, sha256: {HASH} }}]\n", "0".repeat(64))
}

fn server(text: &str) -> Server {
    Server::with(|settings| settings.callers = callers(text))
}

async fn ask(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let mut asked = request(Method::POST, "/v1/decide", Some("application/json"), &outside().to_string());
    for (name, value) in headers {
        asked.headers_mut().append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    server.http().await.send(asked).await
}

async fn ask_over_grpc(server: &Server, token: Option<&str>) -> Result<v1::DecideResponse, Status> {
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    server.grpc().await.decide(with_token(message, token)).await.map(tonic::Response::into_inner)
}

fn with_token<T>(message: T, token: Option<&str>) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}")).unwrap());
    }
    request
}

fn challenge(answer: &Answer) -> &str {
    answer.headers.get("www-authenticate").map_or("", |value| value.to_str().unwrap())
}

/// A caller is told what was missing, and nothing of what would have been right.
#[track_caller]
fn is_refused(answer: &Answer, status: u16, reason: &str, asked_for: &str) {
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]["reason"]),
        (status, &json!(reason)),
        "{}",
        answer.text
    );
    assert_eq!(challenge(answer), asked_for);
    assert!(answer.json().get("decision").is_none(), "a refusal is no decision");
}

const TOKEN: &str = "Bearer realm=\"doorward\"";
const INVALID: &str = "Bearer realm=\"doorward\", error=\"invalid_token\"";
const SCOPE: &str = "Bearer realm=\"doorward\", error=\"insufficient_scope\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_bearer_token_lets_its_caller_in_and_nothing_else_does() {
    let server = server(&bearer());
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = ask(&server, &[("authorization", &format!("{scheme} {SECRET}"))]).await;
        assert_eq!((answer.status, &answer.json()["decision"]), (StatusCode::OK, &json!("block")));
    }
    let good = format!("Bearer {SECRET}");
    let refused: &[(&[(&str, &str)], &str)] = &[
        (&[], TOKEN),
        (&[("authorization", "Basic Y29ycmVjdDpob3JzZQ==")], TOKEN),
        (&[("authorization", "Bearer")], INVALID),
        (&[("authorization", "Bearer ")], INVALID),
        (&[("authorization", "Bearer correct horse2")], INVALID),
        (&[("authorization", "Bearer correct hors")], INVALID),
        (&[("authorization", &format!("Bearer {HASH}"))], INVALID),
        (&[("authorization", SECRET)], TOKEN),
        (&[("authorization", &good), ("authorization", &good)], INVALID),
        (&[("x-authorization", &good)], TOKEN),
        (&[("doorward-authorization", "Bearer wrong"), ("authorization", &good)], INVALID),
    ];
    for (headers, asked_for) in refused {
        is_refused(&ask(&server, headers).await, 401, "unauthenticated", asked_for);
    }
    ask_over_grpc(&server, Some(SECRET)).await.unwrap();
    for token in [None, Some("wrong")] {
        assert_eq!(ask_over_grpc(&server, token).await.unwrap_err().code(), Code::Unauthenticated);
    }
}

/// What a gateway passes on in `authorization` is its own caller's.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_header_of_its_own_carries_the_token_where_authorization_is_somebody_elses() {
    let server = server(&bearer());
    let own = format!("Bearer {SECRET}");
    let answer = ask(&server, &[("doorward-authorization", &own), ("authorization", "Bearer of-a-person")]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nothing_behind_the_decision_listener_is_open_to_strangers() {
    let server = Server::with(|settings: &mut Settings| {
        settings.callers = callers(&bearer());
        settings.doors.graph = true;
    });
    let paths =
        ["/v1/openapi.json", "/v1.0/identity/conditionalAccess/policies", "/metrics", "/v1/status", "/", "/any"];
    for path in paths {
        is_refused(&server.http().await.get(path).await, 401, "unauthenticated", TOKEN);
    }
    is_refused(&server.http().await.post("/v1/decide/batch", "{}").await, 401, "unauthenticated", TOKEN);
    let health = HealthClient::new(server.channel().await).check(HealthCheckRequest::default()).await;
    assert_eq!(health.unwrap_err().code(), Code::Unauthenticated);
    let messages = tokio_stream::iter([v1::DecideRequest::default()]);
    assert_eq!(server.grpc().await.decide_stream(messages).await.unwrap_err().code(), Code::Unauthenticated);
    let list = tokio_stream::iter([ServerReflectionRequest::default()]);
    let reflected = ServerReflectionClient::new(server.channel().await).server_reflection_info(list).await;
    assert_eq!(reflected.unwrap_err().code(), Code::Unauthenticated);
    let known = Request::get("/metrics").header("authorization", format!("Bearer {SECRET}"));
    let answer = server.http().await.send(known.body(Default::default()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "operators have a listener of their own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn refusals_are_counted_and_the_log_names_who_asked() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| {
        settings.callers = callers(&bearer());
        settings.log = Target::Writer(sink);
    });
    let token = format!("Bearer {SECRET}");
    ask(&server, &[("authorization", &token)]).await;
    ask(&server, &[]).await;
    ask_over_grpc(&server, Some(SECRET)).await.unwrap();
    ask_over_grpc(&server, None).await.unwrap_err();
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    let streaming = with_token(tokio_stream::iter([message]), Some(SECRET));
    let mut results = server.grpc().await.decide_stream(streaming).await.unwrap().into_inner();
    results.next().await.unwrap().unwrap();
    server.http_over_unix().await.decide(&outside()).await;
    let metrics = server.operator().await.get("/metrics").await.text;
    for surface in ["http", "grpc"] {
        let line = format!(
            "doorward_decisions_total{{surface=\"{surface}\",decision=\"error\",reason=\"unauthenticated\"}} 1\n"
        );
        assert!(metrics.contains(&line), "{metrics}");
    }
    server.stop();
    let own = format!("uid:{}", nix::unistd::getuid());
    let named: Vec<_> = lines.read().iter().map(|line| (line["surface"].clone(), line["pep"].clone())).collect();
    let expected = [("http", "gateway"), ("grpc", "gateway"), ("grpc_stream", "gateway"), ("http", own.as_str())];
    assert_eq!(named, expected.map(|(surface, name)| (json!(surface), json!(name))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_settings_no_record_names_a_caller() {
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| settings.log = Target::Writer(sink));
    server.http().await.decide(&outside()).await;
    server.stop();
    assert!(lines.read()[0].get("pep").is_none());
}

fn access_token() -> Value {
    let second = Timestamp::now().as_second();
    json!({
        "iss": "https://login.example", "aud": "doorward", "sub": "gateway-1", "client_id": "gateway-1",
        "scope": "openid doorward.decide", "exp": second + 300,
    })
}

fn jwt(url: &str, rest: &str) -> String {
    format!(
        "jwt: [{{ issuer: 'https://login.example', jwks: '{url}', audiences: [doorward], scope: doorward.decide{rest} }}]\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_lets_a_caller_in_only_with_audience_and_scope() {
    let (key, stranger) = (Key::new("one", rs256()), Key::new("one", rs256()));
    let keys = KeyServer::start(&[&key]).await;
    let server = server(&format!("{}{}", jwt(&keys.url, ""), bearer()));
    let set = |pointer: &str, value: Value| changed(access_token(), pointer, value);
    let scoped = |claim: &str, value: Value| {
        let mut claims = changed(access_token(), &format!("/{claim}"), value);
        if claim != "scope" {
            claims.as_object_mut().unwrap().remove("scope");
        }
        claims
    };
    let without_client = |claims: Value| {
        let mut all = access_token();
        all.as_object_mut().unwrap().remove("client_id");
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        all
    };
    let good = [
        access_token(),
        scoped("scp", json!("doorward.decide")),
        scoped("scp", json!(["other", "doorward.decide"])),
        scoped("roles", json!(["doorward.decide"])),
        set("/idtyp", json!("app")),
        set("/oid", json!("gateway-1")),
        without_client(json!({"azp": "Portal", "sub": "1-2-3", "preferred_username": "service-account-portal"})),
        without_client(json!({"azp": "portal", "sub": "portal@clients", "gty": "client-credentials"})),
        without_client(json!({"cid": "0oa1", "sub": "0oa1"})),
        without_client(json!({"idtyp": "app", "oid": "gateway-1"})),
    ];
    for claims in good {
        let token = key.sign(&claims);
        assert_eq!(
            ask(&server, &[("authorization", &format!("Bearer {token}"))]).await.status,
            StatusCode::OK,
            "{claims}"
        );
        ask_over_grpc(&server, Some(&token)).await.unwrap();
    }
    let known_but_not_allowed = [
        // What a person gets who signs in to some application of the same issuer.
        set("/scope", json!("openid profile email")),
        scoped("scope", json!("")),
        scoped("scp", json!(null)),
        set("/scope", json!("doorward.decide.more")),
        set("/scope", json!("Doorward.Decide")),
        set("/scope", json!("doorward.*")),
        set("/idtyp", json!("user")),
        set("/oid", json!("the-person-whose-sub-this-is")),
        // Of Okta, Keycloak and Auth0; and one that does not say whose it is.
        without_client(json!({"cid": "0oa1", "uid": "00u1", "sub": "alice@example.org"})),
        without_client(json!({"azp": "portal", "sub": "1-2-3", "sid": "s", "preferred_username": "alice"})),
        without_client(json!({"azp": "portal", "sub": "1-2-3", "email": "alice@example.org"})),
        without_client(json!({"azp": "portal", "sub": "auth0|alice"})),
        set("/azp", json!("another-client")),
        // Without a client in it nobody can say whether it is a person's; it was taken for an application's.
        without_client(json!({"sub": "alice"})),
        without_client(json!({"sub": "alice", "oid": "alice"})),
    ];
    for claims in known_but_not_allowed {
        let token = key.sign(&claims);
        let answer = ask(&server, &[("authorization", &format!("Bearer {token}"))]).await;
        is_refused(&answer, 403, "forbidden", SCOPE);
        assert_eq!(ask_over_grpc(&server, Some(&token)).await.unwrap_err().code(), Code::PermissionDenied);
    }
    let not_known = [
        ("another audience", key.sign(&set("/aud", json!("api://orders")))),
        ("another issuer", key.sign(&set("/iss", json!("https://login.other")))),
        ("ended", key.sign(&set("/exp", json!(Timestamp::now().as_second() - 31)))),
        ("another one's key", stranger.sign(&access_token())),
    ];
    for (name, token) in not_known {
        let answer = ask(&server, &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        is_refused(&answer, 401, "unauthenticated", INVALID);
    }
    // Either way in is good by itself.
    assert_eq!(ask(&server, &[("authorization", &format!("Bearer {SECRET}"))]).await.status, StatusCode::OK);
}

fn rs256() -> jsonwebtoken::Algorithm {
    jsonwebtoken::Algorithm::RS256
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_listed_subjects_are_let_in_when_there_is_a_list() {
    let key = Key::new("one", jsonwebtoken::Algorithm::ES256);
    let keys = KeyServer::start(&[&key]).await;
    let server = server(&jwt(&keys.url, ", subjects: [gateway-1]"));
    for (subject, status) in [("gateway-1", 200), ("gateway-2", 403), ("Gateway-1", 403)] {
        let token = key.sign(&changed(changed(access_token(), "/sub", json!(subject)), "/client_id", json!(subject)));
        let answer = ask(&server, &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(answer.status.as_u16(), status, "{subject}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_taken_up_and_a_connection_does_not_keep_another_token_alive() {
    let (old, new) = (Key::new("old", jsonwebtoken::Algorithm::ES256), Key::new("new", jsonwebtoken::Algorithm::ES256));
    let keys = KeyServer::start(&[&old]).await;
    let server = server(&jwt(&keys.url, ""));
    let mut connection = server.http().await;
    let mut send = async |token: &str| {
        let mut asked = request(Method::POST, "/v1/decide", Some("application/json"), &outside().to_string());
        asked.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        connection.send(asked).await.status.as_u16()
    };
    let (first, second) = (old.sign(&access_token()), new.sign(&access_token()));
    assert_eq!((send(&first).await, send(&first).await), (200, 200));
    keys.publish(&[&new]);
    assert_eq!(send(&second).await, 200);
    assert_eq!(keys.fetched(), 2);
    assert_eq!(send(&first).await, 401, "its key was withdrawn, and it is not the token accepted last");
    let ended = new.sign(&changed(access_token(), "/exp", json!(Timestamp::now().as_second() - 31)));
    assert_eq!((send(&ended).await, send(&second).await), (401, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_without_keys_makes_callers_wait_and_never_lets_them_in() {
    let key = Key::new("one", jsonwebtoken::Algorithm::ES256);
    let keys = KeyServer::start(&[&key]).await;
    keys.fail();
    let server = server(&jwt(&keys.url, ""));
    let token = key.sign(&access_token());
    let answer = ask(&server, &[("authorization", &format!("Bearer {token}"))]).await;
    is_refused(&answer, 503, "no_keys", "");
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(ask_over_grpc(&server, Some(&token)).await.unwrap_err().code(), Code::Unavailable);
}

/// The process of the test has one user and one group; others are listed or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn processes_are_let_in_by_user_or_group_and_others_are_known_but_not_allowed() {
    let (user, group) = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
    let cases = [
        (format!("users: [{user}]"), 200),
        (format!("groups: [{group}]"), 200),
        (format!("users: [{}], groups: [{group}]", user + 1), 200),
        (format!("users: [{}]", user + 1), 403),
        (format!("groups: [{}]", group + 1), 403),
        (format!("users: [{}], groups: [{}]", user + 1, group + 1), 403),
    ];
    for (unix, status) in cases {
        let server = server(&format!("unix: {{ {unix} }}"));
        let answer = server.http_over_unix().await.decide(&outside()).await;
        assert_eq!(answer.status.as_u16(), status, "{unix}");
        let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
        let code = server.grpc_over_unix().await.decide(message).await.map_err(|status| status.code());
        assert_eq!(code.err(), (status == 403).then_some(Code::PermissionDenied), "{unix}");
        // Nothing is said about TCP.
        assert_eq!(ask(&server, &[]).await.status, StatusCode::OK);
    }
}

/// Nobody else may connect to the socket at all, whatever the settings: it is never writable for the world.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_unix_socket_is_for_its_owner_and_group_alone() {
    use std::os::unix::fs::PermissionsExt;
    for text in ["{}", "unix: { users: [0] }"] {
        let server = server(text);
        let mode = std::fs::metadata(server.unix()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
    }
}

/// A process of another user, which only an administrator can start.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_process_of_another_user_is_told_apart() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const OTHER: u32 = 65534;
    if !nix::unistd::geteuid().is_root() {
        return skipped("root, who alone can start a process of another user");
    }
    let Some(curl) = program("DOORWARD_CURL", "curl") else { return };
    for (users, status) in [("0", "403"), ("65534", "200")] {
        let server = server(&format!("unix: {{ users: [{users}] }}"));
        // The mode of the socket would keep it out; this is about what is behind.
        chown(server.unix(), Some(OTHER), None).unwrap();
        std::fs::set_permissions(server.unix().parent().unwrap(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let output = std::process::Command::new(&curl)
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "content-type: application/json"])
            .args(["-d", &outside().to_string(), "http://localhost/v1/decide", "--unix-socket"])
            .arg(server.unix())
            .uid(OTHER)
            .gid(OTHER)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), status, "{users}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_decision_api_can_be_shut_and_other_doors_stay_open() {
    let server = Server::with(|settings| {
        settings.doors.api = OpenByDefault(false);
        settings.doors.graph = true;
    });
    let answers = [
        server.http().await.decide(&outside()).await,
        server.http().await.post("/v1/decide/batch", "{\"requests\":[]}").await,
        server.http().await.get("/v1/decide").await,
        server.http().await.get("/v1/openapi.json").await,
        server.http_over_unix().await.decide(&outside()).await,
    ];
    for answer in answers {
        is_refused(&answer, 404, "not_found", "");
    }
    assert_eq!(ask_over_grpc(&server, None).await.unwrap_err().code(), Code::Unimplemented);
    let messages = tokio_stream::iter([v1::DecideRequest::default()]);
    assert_eq!(server.grpc().await.decide_stream(messages).await.unwrap_err().code(), Code::Unimplemented);
    let health = HealthClient::new(server.channel().await).check(HealthCheckRequest::default()).await;
    assert!(health.is_ok(), "{health:?}");
}
