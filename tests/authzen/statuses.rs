//! What is refused, how, and what every answer carries.

use bytes::Bytes;
use doorward::limits;
use doorward::observe::log::Target;
use http::{Method, Request};
use http_body_util::Full;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::server::{ACTIONS, EVALUATION, EVALUATIONS, RESOURCES, SUBJECTS, question};
use crate::support::http::changed;
use crate::support::http::{Answer, request};
use crate::support::server::Server;

const PATHS: [&str; 5] = [EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS];

fn check(answer: &Answer, status: u16, note: &str) {
    assert_eq!(answer.status, status, "{note}: {}", answer.text);
    assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8", "{note}");
    assert!(!answer.text.is_empty() && !answer.text.starts_with('{'), "{note}: {}", answer.text);
}

#[tokio::test]
async fn what_is_no_question_is_a_bad_request_with_a_message() {
    let server = Server::certification("{}");
    let mut http = server.http().await;
    let fine = question("alice", "read", "record-1").to_string();
    let twice = fine.replacen('{', "{\"resource\":{},", 1);
    for (note, body) in [
        ("nothing", String::new()),
        ("no JSON", "{".to_owned()),
        ("two documents", format!("{fine}{fine}")),
        ("a list", "[]".to_owned()),
        ("a text", "\"allow\"".to_owned()),
        ("a key twice", twice),
        ("a key of a property twice", fine.replacen("\"alice\"", "\"alice\",\"properties\":{\"a\":1,\"a\":2}", 1)),
        ("a number beyond double", fine.replacen("\"alice\"", "\"alice\",\"properties\":{\"a\":1e400}", 1)),
        ("half a surrogate", fine.replacen("alice", "\\ud800", 1)),
        (
            "too deep",
            fine.replacen(
                "\"alice\"",
                &format!("\"alice\",\"properties\":{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)),
                1,
            ),
        ),
    ] {
        for path in PATHS {
            check(&http.post(path, &body).await, 400, note);
        }
    }
    let mut invalid = fine.clone().into_bytes();
    let place = fine.find("alice").unwrap();
    invalid[place] = 0xff;
    let post = Request::post(EVALUATION).header("host", "x").header("content-type", "application/json");
    check(&http.send(post.body(Full::new(Bytes::from(invalid))).unwrap()).await, 400, "no UTF-8");
    assert_eq!(http.post(EVALUATION, &fine).await.text, r#"{"decision":true}"#);
}

#[tokio::test]
async fn members_are_required_and_typed_and_unknown_ones_are_ignored() {
    let server = Server::certification("{}");
    let mut http = server.http().await;
    let fine = question("alice", "read", "record-1");
    for pointer in [
        "/subject",
        "/action",
        "/resource",
        "/subject/type",
        "/subject/id",
        "/action/name",
        "/resource/type",
        "/resource/id",
    ] {
        for value in [json!(null), json!(7), json!([]), json!(true)] {
            let answer = http.post(EVALUATION, &changed(fine.clone(), pointer, value).to_string()).await;
            check(&answer, 400, pointer);
            assert!(answer.text.contains(&pointer[1..].replace('/', ".")), "{pointer}: {}", answer.text);
        }
    }
    for pointer in ["/context", "/subject/properties", "/action/properties", "/resource/properties"] {
        for value in [json!(7), json!([]), json!("x")] {
            check(&http.post(EVALUATION, &changed(fine.clone(), pointer, value).to_string()).await, 400, pointer);
        }
        assert!(server.decision(&changed(fine.clone(), pointer, json!(null))).await, "null is as good as missing");
    }
    for pointer in ["/unknown", "/subject/unknown", "/action/unknown", "/resource/unknown", "/evaluations", "/options"]
    {
        assert!(server.decision(&changed(fine.clone(), pointer, json!({ "a": [1] }))).await, "{pointer}");
    }
}

#[tokio::test]
async fn methods_content_types_and_sizes_are_bounded() {
    let server = Server::certification("{ url: https://pdp.example }");
    let mut http = server.http().await;
    let fine = question("alice", "read", "record-1").to_string();
    for path in PATHS {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = http.send(request(method, path, Some("application/json"), &fine)).await;
            check(&answer, 405, path);
            assert_eq!(answer.headers["allow"], "POST");
        }
        // gRPC would tell a refusal with 200.
        for kind in [
            None,
            Some("text/plain"),
            Some("application/grpc"),
            Some("application/jsonp"),
            Some("application/x-www-form-urlencoded"),
        ] {
            check(&http.send(request(Method::POST, path, kind, &fine)).await, 400, path);
        }
    }
    let post = |kind| request(Method::POST, EVALUATION, Some(kind), &fine);
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(http.send(post(kind)).await.text, r#"{"decision":true}"#);
    }
    let answer = http.send(request(Method::POST, "/.well-known/authzen-configuration", None, "")).await;
    check(&answer, 405, "metadata");
    assert_eq!(answer.headers["allow"], "GET");
    let large = format!("{}{}", fine, " ".repeat(limits::REQUEST_BYTES_MAX - fine.len()));
    assert_eq!(http.post(EVALUATION, &large).await.status, 200);
    check(&server.http().await.post(EVALUATION, &format!("{large} ")).await, 413, "too large");
    assert_eq!(server.http().await.post("/access/v1/other", &fine).await.status, 404);
}

#[tokio::test]
async fn the_request_id_is_echoed_byte_for_byte_on_every_answer() {
    let server = Server::certification("{ url: https://pdp.example }");
    let mut http = server.http().await;
    let fine = question("alice", "read", "record-1").to_string();
    let batch = json!({ "evaluations": [question("alice", "read", "record-1")] }).to_string();
    let long = "x".repeat(1000);
    for id in ["r-1", "  a b  ", "\u{e9}\u{20ac}", "\"quoted\"", long.as_str()] {
        for (method, path, body) in [
            (Method::POST, EVALUATION, fine.as_str()),
            (Method::POST, EVALUATIONS, &batch),
            (Method::POST, ACTIONS, &fine),
            (Method::POST, EVALUATION, "{"),
            (Method::GET, EVALUATION, ""),
            (Method::GET, "/.well-known/authzen-configuration", ""),
        ] {
            let mut asked = request(method, path, Some("application/json"), body);
            asked.headers_mut().insert("x-request-id", http::HeaderValue::from_bytes(id.as_bytes()).unwrap());
            let answer = http.send(asked).await;
            // HTTP knows no white space around a value.
            assert_eq!(answer.headers["x-request-id"].as_bytes(), id.trim().as_bytes(), "{path}");
        }
    }
    let made_up = |answer: Answer| answer.headers["x-request-id"].clone();
    assert_ne!(made_up(http.post(EVALUATION, &fine).await), made_up(http.post(EVALUATION, "{").await));
}

/// Strangers were refused without the id that they had sent.
#[tokio::test]
async fn strangers_hear_the_id_of_their_request_too() {
    let text = format!("callers: {{ bearer: [{{ name: gateway, sha256: {} }}] }}", "0".repeat(64));
    let callers = doorward::config::read(std::path::Path::new("doorward.yaml"), &text).unwrap().callers;
    let server = Server::with(|settings| settings.callers = callers);
    for (path, is_ours) in [(EVALUATION, true), (ACTIONS, true), ("/v1/decide", false)] {
        let mut asked = request(Method::POST, path, Some("application/json"), "{}");
        asked.headers_mut().insert("x-request-id", "r-9".parse().unwrap());
        let answer = server.http().await.send(asked).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.headers.contains_key("www-authenticate"));
        assert_eq!(answer.headers.get("x-request-id").is_some_and(|id| id == "r-9"), is_ours, "{path}");
    }
    let answer = server.http().await.post(EVALUATION, "{}").await;
    assert!(!answer.headers["x-request-id"].is_empty());
}

#[tokio::test]
async fn without_a_bundle_nothing_is_decided() {
    let server = Server::without_bundle(|settings| settings.doors.authzen = Some(Default::default()));
    for path in PATHS {
        let answer = server.post(path, &question("alice", "read", "record-1")).await;
        check(&answer, 503, path);
        assert!(answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn too_many_requests_at_once_are_asked_to_come_again() {
    let server = Server::with(|settings| settings.bounds.in_flight_max = 0);
    for path in PATHS {
        let answer = server.post(path, &question("alice", "read", "record-1")).await;
        check(&answer, 503, path);
        assert_eq!(answer.headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn the_same_question_has_the_same_answer_and_the_revision_is_in_a_header() {
    for settings in ["{}", "{ verbose: true }"] {
        let server = Server::certification(settings);
        for path in PATHS {
            let body = question("bob", "write", "record-1");
            let (one, other) = (server.post(path, &body).await, server.post(path, &body).await);
            assert_eq!((one.status.as_u16(), &one.text), (200, &other.text));
            assert_ne!(one.headers["x-request-id"], other.headers["x-request-id"]);
            assert_eq!(one.headers["x-doorward-revision"], "1");
            assert_eq!(one.headers["content-type"], "application/json");
        }
    }
}

#[tokio::test]
async fn the_door_is_shut_unless_the_settings_open_it() {
    let server = Server::with(|settings| settings.doors.authzen = None);
    for path in PATHS {
        assert_eq!(server.post(path, &question("alice", "read", "record-1")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_is_decided_or_refused_is_logged_and_what_is_looked_through_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    let server = Server::with(|settings| settings.log = Target::File(log.clone()));
    let fine = question("alice", "read", "record-1");
    let strange = changed(fine.clone(), "/subject/type", json!("robot"));
    let mut asked = request(Method::POST, EVALUATIONS, Some("application/json"), "");
    asked.headers_mut().insert("x-request-id", "r-7".parse().unwrap());
    *asked.body_mut() = Full::new(json!({ "evaluations": [fine, {}, strange] }).to_string().into());
    assert_eq!(server.http().await.send(asked).await.status, 200);
    assert_eq!(server.post(SUBJECTS, &fine).await.status, 200);
    drop(server);
    let text = std::fs::read_to_string(&log).unwrap();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = records
        .iter()
        .map(|record| ["surface", "requestId", "decision", "reason"].map(|key| record[key].as_str().unwrap()))
        .collect();
    let expected = [["authzen", "r-7", "allow", "no_policy_applies"], ["authzen", "r-7", "error", "input_invalid"]];
    assert_eq!(told, expected, "an item that is no question has nothing to log");
    assert_eq!(records[0]["input"]["resource"]["target"], json!({ "type": "record", "id": "record-1" }));
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        ".{0,8}".prop_map(|text| json!(text)),
        select(vec!["user", "192.0.2.1", "high", "issue:access_token:device_code", "execute_all", "1-0"])
            .prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = select(vec!["type", "id", "name", "properties", "level", "country", "limit", "token", "x.y", ""]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// Whatever a body holds, it is answered or refused as documented, and never as our own fault.
#[test]
fn no_body_is_too_strange_for_a_documented_answer() {
    let server = Server::certification("{ verbose: true, batchDefaults: lenient, stepUp: { mfa: high } }");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let http = std::cell::RefCell::new(runtime.block_on(server.http()));
    let config = Config { cases: 1_000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let places = select(vec![
        "/subject",
        "/subject/type",
        "/subject/id",
        "/subject/properties",
        "/subject/properties/ip_address",
        "/action",
        "/action/name",
        "/action/properties",
        "/resource",
        "/resource/properties/status",
        "/context",
        "/context/ip",
        "/context/network",
        "/context/risk",
        "/context/amr",
        "/context/acr",
        "/context/issuance",
        "/context/supported_obligations",
        "/evaluations",
        "/options",
        "/options/evaluations_semantic",
        "/page",
        "/page/token",
        "/page/limit",
    ]);
    let answered = std::cell::Cell::new([0; 2]);
    runner
        .run(
            &(select(PATHS.to_vec()), places.clone(), anything(), places, anything()),
            |(path, one, first, two, second)| {
                let base = question("alice", "read", "record-1");
                let nested = |value: Value, at: &str, change: Value| {
                    let above = at.match_indices('/').filter_map(|(end, _)| value.pointer(&at[..end]));
                    if above.into_iter().all(Value::is_object) { changed(value, at, change) } else { value }
                };
                let body = nested(nested(base, one, first), two, second).to_string();
                let answer = runtime.block_on(http.borrow_mut().post(path, &body));
                let [mut yes, mut no] = answered.get();
                match answer.status.as_u16() {
                    200 => yes += 1,
                    400 => no += 1,
                    status => prop_assert!(false, "{status}: {body}"),
                }
                answered.set([yes, no]);
                let again = runtime.block_on(http.borrow_mut().post(path, &body));
                prop_assert_eq!(answer.text, again.text);
                Ok(())
            },
        )
        .unwrap();
    let [yes, no] = answered.get();
    assert!(yes > 200 && no > 200, "{yes} {no}");
}
