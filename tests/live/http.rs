//! An HTTP/1.1 connection that stays open.

use std::net::SocketAddr;

use ::http::{Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The connection; the first failure of any kind is a panic.
pub struct Http(SendRequest<Full<Bytes>>);

impl Http {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Status and text of `GET path`.
    pub async fn get(&mut self, path: &str) -> (u16, String) {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// What `POST path` answers with 200.
    pub async fn post(&mut self, path: &str, body: Vec<u8>) -> String {
        let (status, text) = self.send(Method::POST, path, body.into()).await;
        assert_eq!(status, 200, "{text}");
        text
    }

    /// What `GET path` answers with 200.
    pub async fn json(&mut self, path: &str) -> Value {
        let (status, text) = self.get(path).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The value of the metric that is written `name`, labels included.
    pub async fn metric(&mut self, name: &str) -> u64 {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> (u16, String) {
        self.0.ready().await.unwrap();
        let request = Request::builder().method(method).uri(path).header("host", "doorward");
        let request = request.header("content-type", "application/json").body(Full::new(body)).unwrap();
        let (parts, body) = self.0.send_request(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), String::from_utf8(bytes.into()).unwrap())
    }
}
