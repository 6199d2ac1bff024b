//! Health and reflection are bounded as everything else is, and apart from decisions.

use std::time::Duration;

use bytes::Bytes;
use doorward::limits;
use http::{Request, Response};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use crate::server::outside;
use crate::support::server::Server;

type Frames = http_body_util::StreamBody<ReceiverStream<Result<Frame<Bytes>, hyper::Error>>>;

/// A call that has sent `first` and goes on as long as the sender lives.
async fn begin(
    client: &mut SendRequest<Frames>,
    path: &str,
    first: Vec<u8>,
) -> (mpsc::Sender<Result<Frame<Bytes>, hyper::Error>>, impl Future<Output = hyper::Result<Response<Incoming>>> + use<>)
{
    let (sender, frames) = mpsc::channel(1);
    sender.send(Ok(Frame::data(first.into()))).await.unwrap();
    let body = http_body_util::StreamBody::new(ReceiverStream::new(frames));
    let request = Request::post(format!("http://doorward{path}")).header("content-type", "application/grpc");
    client.ready().await.unwrap();
    (sender, client.send_request(request.body(body).unwrap()))
}

fn code(response: &Response<Incoming>) -> Code {
    response.headers()["grpc-status"].to_str().unwrap().parse::<i32>().unwrap().into()
}

fn one_thread(settings: &mut doorward::serve::Settings) {
    settings.threads = 1.try_into().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_to_health_that_trickles_in_is_cut_off() {
    let server = Server::with(|settings| settings.bounds.request_time_max = Duration::from_millis(50));
    let (mut client, _) = server.http2().await;
    for method in ["Check", "Watch"] {
        let (_sender, response) = begin(&mut client, &format!("/grpc.health.v1.Health/{method}"), vec![0]).await;
        let response = tokio::time::timeout(Duration::from_secs(30), response).await.expect("it waits for ever");
        assert_eq!(code(&response.unwrap()), Code::DeadlineExceeded, "{method}");
    }
}

/// A message may say that it is large before it is; what it says is not believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_to_health_or_reflection_has_the_bound_of_any_other() {
    let server = Server::start();
    let large = "x".repeat(limits::REQUEST_BYTES_MAX + 1);
    let mut health = HealthClient::new(server.channel().await);
    let refused = health.check(HealthCheckRequest { service: large.clone() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let asked = ServerReflectionRequest { host: large, message_request: None };
    let mut reflection = ServerReflectionClient::new(server.channel().await);
    let mut answers = reflection.server_reflection_info(tokio_stream::iter([asked])).await.unwrap().into_inner();
    // What it says about such a message is the library's; it is not the answer that a readable one gets.
    let told = answers.message().await;
    assert!(!matches!(&told, Err(status) if status.code() == Code::InvalidArgument), "it was read: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn unfinished_calls_of_health_are_limited_and_keep_no_decision_out() {
    let server = Server::with(|settings| {
        one_thread(settings);
        settings.bounds.request_time_max = Duration::from_secs(600);
    });
    let (mut client, mut senders, mut responses) = (server.http2().await.0, Vec::new(), Vec::new());
    for number in 0..=limits::HEALTH_CALLS_MAX {
        if number % (limits::STREAMS_PER_CONNECTION_MAX as usize / 2) == 0 {
            (client, _) = server.http2().await;
        }
        let (sender, response) = begin(&mut client, "/grpc.health.v1.Health/Check", vec![0]).await;
        senders.push(sender);
        responses.push(tokio::spawn(response));
    }
    let first = tokio::time::timeout(Duration::from_secs(30), futures_util::future::select_all(responses)).await;
    let (refused, _, _) = first.expect("all of them were let in");
    assert_eq!(code(&refused.unwrap().unwrap()), Code::ResourceExhausted);
    assert_eq!(server.http().await.decide(&outside()).await.status, 200);
    // Who gives up makes room.
    drop(senders);
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let mut health = HealthClient::new(server.channel().await);
    while health.check(HealthCheckRequest::default()).await.is_err() {
        assert!(std::time::Instant::now() < deadline);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn open_calls_of_reflection_are_limited_and_keep_nobody_out() {
    let server = Server::with(one_thread);
    let mut client = ServerReflectionClient::new(server.channel().await);
    let mut begin = async || {
        let (sender, messages) = mpsc::channel::<ServerReflectionRequest>(1);
        client.server_reflection_info(ReceiverStream::new(messages)).await.map(|answers| (sender, answers))
    };
    let mut open = Vec::new();
    for _ in 0..limits::REFLECTIONS_MAX {
        open.push(begin().await.unwrap());
    }
    assert_eq!(begin().await.unwrap_err().code(), Code::ResourceExhausted);
    assert!(HealthClient::new(server.channel().await).check(HealthCheckRequest::default()).await.is_ok());
    assert_eq!(server.http().await.decide(&outside()).await.status, 200);
    open.pop();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while begin().await.is_err() {
        assert!(std::time::Instant::now() < deadline);
    }
}
