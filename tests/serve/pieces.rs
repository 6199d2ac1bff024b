//! However requests arrive over HTTP/1.1, each is answered: in pieces, several at once, from a caller that ends there.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::outside;
use crate::support::server::Server;

const OK: &str = "HTTP/1.1 200 OK\r\n";

/// One request, its body of a known length or in chunks.
fn request(is_chunked: bool) -> String {
    let body = outside().to_string();
    let head = "POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    match is_chunked {
        true => format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        false => format!("{head}content-length: {}\r\n\r\n{body}", body.len()),
    }
}

/// Reads until so many answers have come.
async fn answers(stream: &mut TcpStream, count: usize) {
    let mut read = Vec::new();
    let reading = async {
        // The last brace of an answer is the last thing of it.
        while String::from_utf8_lossy(&read).matches(OK).count() < count || !read.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), reading).await;
    assert!(in_time.is_ok(), "{}", String::from_utf8_lossy(&read));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_are_answered_wherever_they_are_cut() {
    let server = Server::start();
    let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let three = [request(false), request(true), request(false)].concat();
    for cut in (1..three.len()).step_by(7) {
        let (first, second) = three.as_bytes().split_at(cut);
        stream.write_all(first).await.unwrap();
        // What is there is looked at first, more often than not.
        tokio::task::yield_now().await;
        stream.write_all(second).await.unwrap();
        answers(&mut stream, 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_caller_that_will_send_no_more_is_answered() {
    let server = Server::start();
    for is_chunked in [false, true] {
        let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
        stream.write_all(request(is_chunked).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(OK) && answer.ends_with('}'), "{answer}");
    }
}

// Over HTTP/1.1 nobody would see that the caller has gone, and its call would be held for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_that_go_on_need_http_2() {
    let server = Server::start();
    let reflection = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    for path in ["grpc.health.v1.Health/Watch", reflection, "doorward.v1.Decisions/DecideStream"] {
        let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
        let head =
            format!("POST /{path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\ncontent-length: 5\r\n");
        stream.write_all(format!("{head}connection: close\r\n\r\n\0\0\0\0\0").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(OK) && answer.contains("grpc-status: 12\r\n"), "{path}: {answer}");
    }
}
