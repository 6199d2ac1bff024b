//! Streams of callers with access tokens: open for as long as the token is good, and no longer.

use std::time::{Duration, Instant};

use doorward::serve::wire::v1;
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use crate::issuer::{Key, KeyServer};
use crate::server::outside;
use crate::support::server::Server;

const PATIENCE: Duration = Duration::from_secs(60);

async fn server(keys: &KeyServer) -> Server {
    let text = format!(
        "jwt: [{{ issuer: 'https://login.example', jwks: '{}', audiences: [doorward], scope: decide, leeway: 0 }}]",
        keys.url
    );
    Server::with(|settings| settings.callers = serde_saphyr::from_str(&text).unwrap())
}

fn message() -> v1::DecideRequest {
    serde_json::from_value(outside()).unwrap()
}

/// A call with a token that is good for so many seconds.
fn with_token<M>(key: &Key, seconds: f64, message: M) -> tonic::Request<M> {
    let token = key.sign(&json!({
        "iss": "https://login.example", "aud": "doorward", "sub": "gateway", "client_id": "gateway", "scope": "decide",
        "exp": Timestamp::now().as_duration().as_secs_f64() + seconds,
    }));
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}")).unwrap());
    request
}

/// A stream with such a token.
async fn open(
    server: &Server,
    key: &Key,
    seconds: f64,
) -> (mpsc::Sender<v1::DecideRequest>, Streaming<v1::DecideResult>) {
    let (sender, messages) = mpsc::channel(1);
    let request = with_token(key, seconds, ReceiverStream::new(messages));
    let results = server.grpc().await.decide_stream(request).await.unwrap().into_inner();
    (sender, results)
}

/// A stream was asked for its token once, and decided for as long as somebody kept it open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_waits_ends_with_the_token_that_opened_it() {
    let key = Key::new("one", Algorithm::ES256);
    let server = server(&KeyServer::start(&[&key]).await).await;
    let (sender, mut results) = open(&server, &key, 2.0).await;
    sender.send(message()).await.unwrap();
    assert!(results.message().await.unwrap().is_some());
    let ended = tokio::time::timeout(PATIENCE, results.message()).await.expect("it is still open");
    check_unauthenticated(&ended.unwrap_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_never_idle_ends_with_its_token_and_one_beside_it_goes_on() {
    let key = Key::new("one", Algorithm::ES256);
    let server = server(&KeyServer::start(&[&key]).await).await;
    let (longer, mut others) = open(&server, &key, 600.0).await;
    let (sender, mut results) = open(&server, &key, 2.0).await;
    let begun = Instant::now();
    let ended = loop {
        let _ = sender.send(message()).await;
        match results.message().await {
            Ok(result) => assert!(result.is_some() && begun.elapsed() < PATIENCE, "it is still open"),
            Err(status) => break status,
        }
    };
    check_unauthenticated(&ended);
    longer.send(message()).await.unwrap();
    assert!(others.message().await.unwrap().is_some());
}

/// Both asked for a token once, and told whoever had shown one of every change, and of every service, for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_health_or_keeps_reflection_open_hears_no_more_when_the_token_ends() {
    let key = Key::new("one", Algorithm::ES256);
    let server = server(&KeyServer::start(&[&key]).await).await;
    let watch = with_token(&key, 2.0, HealthCheckRequest::default());
    let mut health = HealthClient::new(server.channel().await).watch(watch).await.unwrap().into_inner();
    let (_sender, messages) = mpsc::channel::<ServerReflectionRequest>(1);
    let reflect = with_token(&key, 2.0, ReceiverStream::new(messages));
    let mut client = ServerReflectionClient::new(server.channel().await);
    let mut reflection = client.server_reflection_info(reflect).await.unwrap().into_inner();
    assert!(health.message().await.unwrap().is_some());
    let ended = tokio::time::timeout(PATIENCE, health.message()).await.expect("health is still watched");
    check_unauthenticated(&ended.unwrap_err());
    let ended = tokio::time::timeout(PATIENCE, reflection.message()).await.expect("reflection is still open");
    check_unauthenticated(&ended.unwrap_err());
}

#[track_caller]
fn check_unauthenticated(status: &Status) {
    assert_eq!(status.code(), Code::Unauthenticated, "{status}");
}
