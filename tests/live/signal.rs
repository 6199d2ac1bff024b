//! Signals to the real process: SIGHUP reads again, SIGTERM ends without losing what has begun.

use std::fs;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_stream::wrappers::ReceiverStream;

use crate::bundle::{ADDRESSES, Place, files, request, revision_of};
use crate::client::grpc;
use crate::support::PATIENCE;
use crate::support::http::Http;
use crate::support::process::Process;

async fn decide(http: &mut Http) -> u64 {
    let (address, _) = ADDRESSES[0];
    let answer = http.post("/v1/decide", &serde_json::to_string(&request(address)).unwrap()).await.sound();
    revision_of(&serde_json::from_str(&answer.text).unwrap(), address)
}

/// Files that no event tells of, so that nothing but the signal makes the server read them: they are written through
/// another name, outside of the watched folder. (The server looks by itself every ten seconds, and reads only what
/// looks changed; it cannot explain five readings in a row.)
#[tokio::test]
async fn sighup_reads_the_bundle_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Link(folder.path().to_owned());
    place.put("1", &files(1));
    let other_names = folder.path().join("other-names");
    fs::create_dir(&other_names).unwrap();
    for name in ["bundle.yaml", "policy.yaml"] {
        fs::hard_link(place.path().join(name), other_names.join(name)).unwrap();
    }
    let process = Process::start(&place.path(), &[]);
    let mut operator = Http::connect(process.operators).await;
    let mut http = Http::connect(process.decisions).await;
    assert_eq!(decide(&mut http).await, 1);

    let unchanged = "doorward_bundle_loads_total{result=\"unchanged\"}";
    for times in 1..=5 {
        let before = operator.metric(unchanged).await;
        process.signal("HUP");
        let sent = Instant::now();
        while operator.metric(unchanged).await == before {
            assert!(sent.elapsed() < PATIENCE, "SIGHUP {times} is not heard");
        }
    }
    for (name, text) in files(3) {
        if other_names.join(name).exists() {
            fs::write(other_names.join(name), text).unwrap();
        }
    }
    process.signal("HUP");
    let sent = Instant::now();
    while decide(&mut http).await != 3 {
        assert!(sent.elapsed() < PATIENCE, "{}", operator.get("/v1/status").await.text);
    }
}

/// A request whose head the server has seen and whose body is still to come.
async fn half_a_request(process: &Process, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(process.decisions).await.unwrap();
    let head = format!(
        "POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sigterm_lets_what_has_begun_end_and_the_process_ends_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Link(folder.path().to_owned());
    place.put("1", &files(1));
    let process = Process::start(&place.path(), &[]);
    let (address, _) = ADDRESSES[1];
    let body = serde_json::to_string(&request(address)).unwrap();

    let mut idle = TcpStream::connect(process.decisions).await.unwrap();
    let mut half = half_a_request(&process, &body).await;
    let (sender, messages) = tokio::sync::mpsc::channel(1);
    let mut client = grpc(process.decisions).await;
    let mut stream = client.decide_stream(ReceiverStream::new(messages)).await.unwrap().into_inner();

    process.signal("TERM");
    while TcpStream::connect(process.decisions).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0, "a connection without a request is closed");

    half.write_all(body.as_bytes()).await.unwrap();
    let mut response = String::new();
    half.read_to_string(&mut response).await.unwrap();
    let (head, answer) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("connection: close"), "the next request has to go elsewhere: {head}");
    assert_eq!(revision_of(&serde_json::from_str(answer).unwrap(), address), 1);

    sender.send(request(address)).await.unwrap();
    assert!(stream.message().await.unwrap().unwrap().result.is_some());
    drop(sender);
    assert!(stream.message().await.unwrap().is_none(), "the stream ends when its caller ends it");

    let (code, told) = tokio::task::block_in_place(|| process.end());
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sigterm_with_a_delay_fails_the_readiness_probe_first_and_goes_on_serving() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Link(folder.path().to_owned());
    place.put("1", &files(1));
    let process = Process::start(&place.path(), &["--drain-delay", "2"]);
    let mut operator = Http::connect(process.operators).await;
    assert_eq!(operator.get("/readyz").await.told(), (200, "ok\n"));
    process.signal("TERM");
    let sent = Instant::now();
    while operator.get("/readyz").await.told() != (503, "stopping\n") {
        assert!(sent.elapsed() < PATIENCE, "SIGTERM is not heard");
    }
    assert_eq!(decide(&mut Http::connect(process.decisions).await).await, 1, "a new connection is still served");
    let (code, told) = tokio::task::block_in_place(|| process.end());
    assert_eq!(code, Some(0), "{told}");
}
