//! Probes, metrics, status, gRPC health and reflection.

use std::time::Duration;

use doorward::limits;
use doorward::serve::wire::v1;
use insta::assert_snapshot;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::server::outside;
use crate::support::http::changed;
use crate::support::server::Server;

async fn probes(server: &Server) -> String {
    let mut operator = server.operator().await;
    let mut told = String::new();
    for path in ["/startupz", "/livez", "/readyz"] {
        let answer = operator.get(path).await;
        told += &format!("{path} {} {}", answer.status.as_u16(), answer.text);
    }
    told
}

async fn health(server: &Server, service: &str) -> Result<ServingStatus, Code> {
    let mut client = HealthClient::new(server.channel().await);
    let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

const REFUSED: &str = "displayName: Broken\nstate: enabled\nconditions:\n  clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }\n  locations: { includeLocations: [Ofice] }\ngrantControls: { operator: OR, builtInControls: [block] }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_without_a_bundle_lives_and_is_not_ready() {
    let server = Server::without_bundle(|_| {});
    assert_snapshot!(probes(&server).await, @r"
    /startupz 503 no bundle yet
    /livez 200 ok
    /readyz 503 no bundle yet
    ");
    for service in ["", "doorward.v1.Decisions"] {
        assert_eq!(health(&server, service).await, Ok(ServingStatus::NotServing));
    }
    let status = server.operator().await.get("/v1/status").await.json();
    assert_eq!(
        status,
        json!({
            "version": env!("CARGO_PKG_VERSION"), "state": "starting", "degradedBy": null, "active": null,
            "rejected": null, "checked": null, "checkedAgeSeconds": null,
        })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_with_a_bundle_is_ready() {
    let server = Server::start();
    assert_snapshot!(probes(&server).await, @r"
    /startupz 200 ok
    /livez 200 ok
    /readyz 200 ok
    ");
    for service in ["", "doorward.v1.Decisions"] {
        assert_eq!(health(&server, service).await, Ok(ServingStatus::Serving));
    }
    assert_eq!(health(&server, "other.Service").await, Err(Code::NotFound));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_bad_new_bundle_degrades_and_never_takes_out_of_service() {
    let server = Server::start();
    server.replace("4-broken.yaml", REFUSED);
    server.wait_until(|view| view.rejected.is_some());
    assert_snapshot!(probes(&server).await, @r"
    /startupz 200 ok
    /livez 200 ok
    /readyz 200 degraded: bundle_rejected
    ");
    assert_eq!(health(&server, "").await, Ok(ServingStatus::Serving));
    let answer = server.http().await.decide(&outside()).await.json();
    assert_eq!((&answer["decision"], &answer["bundle"]["revision"]), (&json!("block"), &json!("1")));
    let status = server.operator().await.get("/v1/status").await.json();
    assert_eq!(status["state"], "degraded");
    assert_eq!(status["active"]["revision"], "1");
    assert_eq!(status["active"]["policies"], 3);
    assert_eq!(status["rejected"]["stage"], "parse");
    let findings = status["rejected"]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["id"] == "unknown-location"), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_watching_client_is_told_when_the_server_stops() {
    let mut server = Server::start();
    let mut client = HealthClient::new(server.channel().await);
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    // The connection may end before the next status does; both tell the client to go elsewhere.
    if let Ok(Some(next)) = watch.message().await {
        assert_eq!(next.status(), ServingStatus::NotServing);
    }
    drop((watch, client));
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_in_flight_when_the_server_stops_is_answered() {
    let mut server = Server::start();
    let mut client = server.grpc().await;
    let (sender, messages) = tokio::sync::mpsc::channel(1);
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut stream = client.decide_stream(messages).await.unwrap().into_inner();
    let address = server.tcp();
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    sender.send(serde_json::from_value(outside()).unwrap()).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop(sender);
    assert!(stream.next().await.is_none());
    drop(client);
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn reflection_lists_what_is_served() {
    let server = Server::start();
    let mut client = ServerReflectionClient::new(server.channel().await);
    let list = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..ServerReflectionRequest::default()
    };
    let mut answers = client.server_reflection_info(tokio_stream::iter([list])).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(services)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list")
    };
    let mut names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(names, ["doorward.v1.Decisions", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn metrics_tell_what_was_decided() {
    let server = Server::start();
    let mut http = server.http().await;
    http.decide(&outside()).await;
    http.decide(&changed(outside(), "/network", json!({}))).await;
    http.decide(&changed(outside(), "/risk/servicePrincipal", json!("high"))).await;
    http.decide(&changed(outside(), "/network/ipAddress", json!("x"))).await;
    http.get("/nowhere").await;
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    server.grpc().await.decide(message).await.unwrap();
    let answer = server.operator().await.get("/metrics").await;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let told: Vec<&str> = answer
        .text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.ends_with(" 0"))
        .filter(|line| !line.contains("_bucket") && !line.contains("_seconds_sum") && !line.contains("timestamp"))
        .filter(|line| !line.contains("bundle_loads") && !line.contains("digest") && !line.contains("_age_"))
        .collect();
    assert_snapshot!(told.join("\n"));
    let has = |start: &str| answer.text.lines().any(|line| line.starts_with(start));
    assert!(has("doorward_bundle_info{name=\"corp\",revision=\"1\",digest=\""));
    assert!(has("doorward_bundle_activation_timestamp_seconds 1"));
    assert!(has("doorward_bundle_loads_total{result=\"activated\"} 1"));
    assert!(has("doorward_decision_duration_seconds_bucket{le=\"+Inf\",surface=\"http\"} 3"));
    assert!(answer.text.ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn silent_connections_cannot_shut_operators_out() {
    let server = Server::with(|settings| settings.bounds.idle_time_max = Duration::from_millis(500));
    let mut silent = Vec::new();
    for begun in ["", "GET /livez HTTP/1.1\r\nx-slow: "].iter().cycle().take(limits::OPERATOR_CONNECTIONS_MAX) {
        let mut stream = TcpStream::connect(server.ops()).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    // One more is closed at once, before those ahead of it.
    let mut beyond = TcpStream::connect(server.ops()).await.unwrap();
    let mut rest = Vec::new();
    assert_eq!(beyond.read_to_end(&mut rest).await.unwrap_or(0), 0);
    assert_eq!(silent[0].try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    // Those are closed when they have said nothing for too long.
    for stream in &mut silent {
        let _ = stream.read_to_end(&mut rest).await;
    }
    drop(silent);
    assert_eq!(server.operator().await.get("/livez").await.status, 200);
}
