//! Every limit is answered with an error that says so, and the server stays well.

use std::time::Duration;

use bytes::Bytes;
use doorward::limits;
use doorward::serve::wire::v1;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::server::outside;
use crate::support::http::changed;
use crate::support::server::Server;

async fn refusal(server: &Server, path: &str, body: &Value) -> (u16, String, String) {
    let answer = server.http().await.post(path, &body.to_string()).await;
    let error = &answer.json()["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), text("reason"), text("field"))
}

fn invalid(field: &str) -> (u16, String, String) {
    (400, "input_invalid".to_owned(), field.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn counts_are_limited_and_one_below_the_limit_is_not() {
    let server = Server::start();
    let ids = |count: usize| json!((0..count).map(|number| format!("g{number}")).collect::<Vec<_>>());
    for (pointer, field, most) in [
        ("/identity/groups", "identity.groups", limits::GROUPS_MAX),
        ("/identity/roles", "identity.roles", limits::GROUPS_MAX),
        ("/resource/appIds", "resource.appIds", limits::RESOURCES_MAX),
    ] {
        let full = changed(outside(), pointer, ids(most));
        assert_eq!(server.http().await.decide(&full).await.status, 200);
        let over = changed(outside(), pointer, ids(most + 1));
        assert_eq!(refusal(&server, "/v1/decide", &over).await, invalid(field));
    }
    let attributes = |count: usize| {
        let set: serde_json::Map<_, _> = (0..count).map(|number| (format!("a{number}"), json!("x"))).collect();
        changed(outside(), "/identity/customSecurityAttributes", json!({ "Set": set }))
    };
    assert_eq!(server.http().await.decide(&attributes(limits::ATTRIBUTES_MAX)).await.status, 200);
    let over = attributes(limits::ATTRIBUTES_MAX + 1);
    assert_eq!(refusal(&server, "/v1/decide", &over).await, invalid("identity.customSecurityAttributes"));
    let long = changed(outside(), "/requestId", json!("x".repeat(limits::REQUEST_ID_BYTES_MAX + 1)));
    assert_eq!(refusal(&server, "/v1/decide", &long).await, invalid("requestId"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn batches_are_limited() {
    let server = Server::start();
    let batch = |count: usize| json!({"requests": vec![outside(); count]});
    let full = server.http().await.post("/v1/decide/batch", &batch(limits::BATCH_MAX).to_string()).await;
    assert_eq!(full.json()["results"].as_array().unwrap().len(), limits::BATCH_MAX);
    let over = batch(limits::BATCH_MAX + 1);
    assert_eq!(refusal(&server, "/v1/decide/batch", &over).await, invalid("requests"));
    let requests = vec![v1::DecideRequest::default(); limits::BATCH_MAX + 1];
    let status = server.grpc().await.decide_batch(v1::DecideBatchRequest { requests }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nesting_is_limited_the_same_in_both_protocols() {
    let server = Server::start();
    // `attributes` is the first level.
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
    let full = changed(outside(), "/attributes", nested(limits::REQUEST_DEPTH_MAX));
    assert_eq!(server.http().await.decide(&full).await.status, 200);
    let message: v1::DecideRequest = serde_json::from_value(full).unwrap();
    server.grpc().await.decide(message.clone()).await.unwrap();

    let over = changed(outside(), "/attributes", nested(limits::REQUEST_DEPTH_MAX + 1));
    let field = format!("attributes{}", ".a".repeat(limits::REQUEST_DEPTH_MAX));
    assert_eq!(refusal(&server, "/v1/decide", &over).await, invalid(&field));
    let mut deep = message;
    let inner = deep.attributes.take().unwrap();
    let outer =
        prost_types::Struct { fields: [("a".to_owned(), prost_types::value::Kind::StructValue(inner).into())].into() };
    deep.attributes = Some(outer);
    let status = server.grpc().await.decide(deep).await.unwrap_err();
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, field);

    let bomb = format!(r#"{{"attributes":{}1{}}}"#, r#"{"a":["#.repeat(50_000), "]}".repeat(50_000));
    assert_eq!(server.http().await.post("/v1/decide", &bomb).await.status, 413);
    let bomb = format!(r#"{{"attributes":{}1{}}}"#, r#"{"a":["#.repeat(20_000), "]}".repeat(20_000));
    assert_eq!(server.http().await.post("/v1/decide", &bomb).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bodies_are_limited() {
    let server = Server::start();
    let bare = changed(outside(), "/attributes/x", json!("")).to_string().len();
    let padded = |bytes: usize| changed(outside(), "/attributes/x", json!("x".repeat(bytes - bare)));
    let largest = padded(limits::REQUEST_BYTES_MAX);
    assert_eq!(largest.to_string().len(), limits::REQUEST_BYTES_MAX);
    assert_eq!(server.http().await.decide(&largest).await.status, 200);
    let over = padded(limits::REQUEST_BYTES_MAX + 1);
    assert_eq!(refusal(&server, "/v1/decide", &over).await, (413, "too_large".to_owned(), String::new()));

    let over: v1::DecideRequest = serde_json::from_value(padded(limits::REQUEST_BYTES_MAX + 400)).unwrap();
    let mut client = server.grpc().await;
    let unary = client.decide(over.clone()).await.unwrap_err();
    let mut stream = client.decide_stream(tokio_stream::iter([over])).await.unwrap().into_inner();
    let streamed = stream.message().await.unwrap_err();
    for status in [unary, streamed] {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_details_error_info().unwrap().reason, "too_large");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_chunked_body_is_refused_as_soon_as_it_is_too_large() {
    let server = Server::start();
    let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
    let head =
        "POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    // The body never ends; the answer comes all the same.
    for _ in 0..=limits::REQUEST_BYTES_MAX / 0x8000 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_body_that_trickles_in_is_cut_off() {
    let server = Server::with(|settings| settings.bounds.request_time_max = Duration::from_millis(50));
    let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
    let head = "POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""reason":"timed_out""#), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_grpc_message_that_trickles_in_is_cut_off() {
    let server = Server::with(|settings| settings.bounds.request_time_max = Duration::from_millis(50));
    let (_sender, body) = trickle();
    let (mut client, _) = server.http2().await;
    let request = http::Request::post(format!("http://{}/doorward.v1.Decisions/Decide", server.tcp()))
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap();
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], (Code::DeadlineExceeded as i32).to_string().as_str());
}

/// A body whose first byte arrives and whose second does not, until the sender is dropped.
fn trickle() -> (
    tokio::sync::mpsc::Sender<Result<hyper::body::Frame<Bytes>, hyper::Error>>,
    impl hyper::body::Body<Data = Bytes, Error = hyper::Error>,
) {
    let (sender, frames) = tokio::sync::mpsc::channel(2);
    sender.try_send(Ok(hyper::body::Frame::data(Bytes::from_static(b"\0")))).unwrap();
    (sender, http_body_util::StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(frames)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connections_without_a_complete_request_are_closed() {
    let server = Server::with(|settings| settings.bounds.idle_time_max = Duration::from_millis(50));
    for begun in ["", "P", "PRI * HTTP/2.0\r\n", "POST /v1/decide HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // It ends, orderly or not.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{begun}");
    }
    let mut http = server.http().await;
    assert_eq!(http.decide(&outside()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_that_is_used_outlives_the_idle_time() {
    let idle_time = Duration::from_millis(200);
    let server = Server::with(|settings| settings.bounds.idle_time_max = idle_time);
    let (sender, messages) = tokio::sync::mpsc::channel(1);
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut client = server.grpc().await;
    let mut stream = client.decide_stream(messages).await.unwrap().into_inner();
    let mut watch = HealthClient::new(server.channel().await);
    let mut watch = watch.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert!(watch.message().await.unwrap().is_some());
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    let mut pace = tokio::time::interval(idle_time / 4);
    for _ in 0..20 {
        pace.tick().await;
        sender.send(message.clone()).await.unwrap();
        assert!(stream.message().await.unwrap().is_some());
    }
    // The watch was told nothing for as long, because nothing changed, and is still open.
    assert!(tokio::time::timeout(Duration::ZERO, watch.message()).await.is_err());
    drop(sender);
    assert!(stream.message().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_whose_requests_were_given_up_is_closed_when_idle() {
    let server = Server::with(|settings| settings.bounds.idle_time_max = Duration::from_millis(200));
    let (mut client, connection) = server.http2().await;
    let (_sender, body) = trickle();
    let request = http::Request::post(format!("http://{}/v1/decide", server.tcp()))
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    let response = tokio::spawn(client.send_request(request));
    let deadline = std::time::Instant::now() + Duration::from_secs(4);
    while !server.operator().await.get("/metrics").await.text.lines().any(is_http_in_flight) {
        assert!(std::time::Instant::now() < deadline, "the request never began");
    }
    // It is taken back while the server waits for the rest of it.
    response.abort();
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    assert!(ended.is_ok(), "the connection is still open");
}

fn is_http_in_flight(line: &str) -> bool {
    line.contains("inflight_requests{") && line.contains("surface=\"http\"") && line.ends_with(" 1")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_does_not_wait_for_the_next_request() {
    let server = Server::start();
    let body = outside().to_string();
    let request = format!(
        "POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for more in ["\r\n", "POST /v1/dec"] {
        let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
        stream.write_all(format!("{request}{more}").as_bytes()).await.unwrap();
        assert_eq!(first_line(&mut stream).await, "HTTP/1.1 200 OK", "{more:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_head_that_is_none_or_too_long_is_refused() {
    let server = Server::start();
    let long = format!("GET / HTTP/1.1\r\nx-long: {}", "x".repeat(limits::REQUEST_HEAD_BYTES_MAX));
    for (head, status) in [
        ("GET / HTTP/1.1\r\nno header\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (&*long, "HTTP/1.1 431 Request Header Fields Too Large"),
    ] {
        let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(first_line(&mut stream).await, status);
    }
}

async fn first_line(stream: &mut TcpStream) -> String {
    let mut line = String::new();
    let reading = tokio::io::AsyncBufReadExt::read_line(&mut tokio::io::BufReader::new(stream), &mut line).await;
    reading.unwrap();
    line.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_beyond_the_limit_are_turned_away_and_told_when_to_come_back() {
    let server = Server::with(|settings| {
        settings.threads = 1.try_into().unwrap();
        settings.bounds.in_flight_max = 1;
    });
    // The server asks for the body once it has let the request in.
    let body = outside().to_string();
    let mut waiting = TcpStream::connect(server.tcp()).await.unwrap();
    let head = format!(
        "POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    waiting.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    waiting.read_exact(&mut go_on).await.unwrap();

    let answer = server.http().await.decide(&outside()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["reason"]), (503, &json!("overloaded")));
    assert_eq!(answer.headers["retry-after"], "1");
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    let mut client = server.grpc().await;
    check_overloaded(&client.decide(message.clone()).await.unwrap_err());

    waiting.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(first_line(&mut waiting).await, "HTTP/1.1 200 OK");
    client.decide(message).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn streams_are_limited_apart_and_keep_no_request_out() {
    let server = Server::with(|settings| {
        settings.threads = 1.try_into().unwrap();
        settings.bounds.in_flight_max = 1;
        settings.bounds.streams_max = 1;
    });
    let mut client = server.grpc().await;
    let (sender, messages) = tokio::sync::mpsc::channel(1);
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut stream = client.decide_stream(messages).await.unwrap().into_inner();
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();

    assert_eq!(server.http().await.decide(&outside()).await.status, 200);
    client.decide(message.clone()).await.unwrap();
    check_overloaded(&client.decide_stream(tokio_stream::iter([message.clone()])).await.unwrap_err());

    sender.send(message.clone()).await.unwrap();
    assert!(stream.message().await.unwrap().is_some());
    drop(sender);
    assert!(stream.message().await.unwrap().is_none());
    client.decide_stream(tokio_stream::iter([message])).await.unwrap();
}

#[track_caller]
fn check_overloaded(status: &tonic::Status) {
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_error_info().unwrap().reason, "overloaded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn explanations_are_limited_for_a_message_as_a_whole() {
    let server = Server::start();
    let explained = changed(outside(), "/explain", json!(true));
    let policies = |count: usize| {
        let policy = |number| {
            json!({
                "displayName": format!("p{number}"), "state": "enabled",
                "conditions": {"clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}},
                "grantControls": {"operator": "OR", "builtInControls": ["block"]},
            })
        };
        json!({ "value": (0..count).map(policy).collect::<Vec<_>>() }).to_string()
    };
    // With the three that are there already, two explanations are one policy too many.
    server.activate("half", [("many.json", policies(limits::EXPLAINED_POLICIES_MAX / 2 - 2))]);
    let batch = json!({"requests": [explained, outside(), explained, outside()]}).to_string();
    let results = server.http().await.post("/v1/decide/batch", &batch).await.json()["results"].take();
    let told: Vec<_> = results.as_array().unwrap().iter().map(|result| &result["error"]["field"]).collect();
    assert_eq!(told, [&json!(null), &json!(null), &json!("explain"), &json!(null)]);
    assert_eq!(server.http().await.decide(&explained).await.status, 200);

    server.activate("whole", [("many.json", policies(limits::EXPLAINED_POLICIES_MAX - 2))]);
    assert_eq!(refusal(&server, "/v1/decide", &explained).await, invalid("explain"));
    assert_eq!(server.http().await.decide(&outside()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let server = Server::with(|settings| {
        settings.threads = 1.try_into().unwrap();
        settings.bounds.connections_max = 1;
    });
    let mut first = server.http().await;
    assert_eq!(first.decide(&outside()).await.status, 200);
    let mut second = TcpStream::connect(server.tcp()).await.unwrap();
    let mut rest = Vec::new();
    assert_eq!(second.read_to_end(&mut rest).await.unwrap_or(0), 0);
    assert_eq!(first.decide(&outside()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_listener_that_is_full_keeps_nobody_out_of_the_other() {
    let server = Server::with(|settings| {
        settings.threads = 1.try_into().unwrap();
        settings.bounds.connections_max = 1;
    });
    let (mut tcp, mut unix) = (server.http().await, server.http_over_unix().await);
    for _ in 0..2 {
        assert_eq!(tcp.decide(&outside()).await.status, 200);
        assert_eq!(unix.decide(&outside()).await.status, 200);
    }
    let mut third = tokio::net::UnixStream::connect(server.unix()).await.unwrap();
    assert_eq!(third.read_to_end(&mut Vec::new()).await.unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn clients_that_watch_health_are_limited_and_those_that_ask_are_not() {
    let server = Server::with(|settings| settings.threads = 1.try_into().unwrap());
    let mut client = HealthClient::new(server.channel().await);
    let mut watches = Vec::new();
    for number in 0..limits::HEALTH_WATCHES_MAX {
        // One connection holds some of them only.
        if number % (limits::STREAMS_PER_CONNECTION_MAX as usize / 2) == 0 {
            client = HealthClient::new(server.channel().await);
        }
        let service = if number % 2 == 0 { "" } else { "unknown" }.to_owned();
        let mut watch = client.watch(HealthCheckRequest { service }).await.unwrap().into_inner();
        assert!(watch.message().await.unwrap().is_some());
        watches.push(watch);
    }
    let refused = client.watch(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(client.check(HealthCheckRequest::default()).await.is_ok());
    assert_eq!(server.http().await.decide(&outside()).await.status, 200);
    // Who leaves makes room.
    watches.pop();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while client.watch(HealthCheckRequest::default()).await.is_err() {
        assert!(std::time::Instant::now() < deadline);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn malformed_grpc_is_the_callers_fault() {
    let server = Server::start();
    let mut told = Vec::new();
    let frame = |flag: u8, length: u32, message: &[u8]| [&[flag][..], &length.to_be_bytes(), message].concat();
    for body in [vec![], frame(0, 1, b""), frame(0, 1, b"ab"), frame(1, 1, b"a"), frame(0, 2, b"\xff\xff")] {
        let (mut client, _) = server.http2().await;
        let request = http::Request::post(format!("http://{}/doorward.v1.Decisions/Decide", server.tcp()))
            .header("content-type", "application/grpc")
            .body(http_body_util::Full::new(Bytes::from(body)))
            .unwrap();
        let response = client.send_request(request).await.unwrap();
        told.push(response.headers()["grpc-status"].to_str().unwrap().parse::<i32>().unwrap());
    }
    let (internal, unimplemented, invalid) =
        (Code::Internal as i32, Code::Unimplemented as i32, Code::InvalidArgument as i32);
    assert_eq!(told, [internal, internal, internal, unimplemented, invalid]);
}
