//! A connection of HTTP/1.1 that stays open.

use std::net::SocketAddr;

use ::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// The connection.
pub struct Http(SendRequest<Full<Bytes>>);

/// A response.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The status and the body.
    pub fn told(&self) -> (u16, &str) {
        (self.status.as_u16(), &self.text)
    }

    /// The answer, which must be one.
    pub fn sound(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }
}

impl Http {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    pub async fn try_send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        self.0.ready().await?;
        let response = self.0.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.into()).unwrap() })
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(request(Method::GET, path, None, "")).await
    }

    pub async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(request(Method::POST, path, Some("application/json"), body)).await
    }

    pub async fn decide(&mut self, body: &Value) -> Answer {
        self.post("/v1/decide", &body.to_string()).await
    }

    /// The value of the metric that is written `name`, labels included.
    pub async fn metric(&mut self, name: &str) -> u64 {
        let text = self.get("/metrics").await.text;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }
}

pub fn request(method: Method, path: &str, content_type: Option<&str>, body: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "doorward");
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// `base` with one member set, by JSON pointer; objects on the way are made.
pub fn changed(mut base: Value, pointer: &str, value: Value) -> Value {
    let mut place = &mut base;
    for key in pointer.trim_start_matches('/').split('/') {
        place = place.as_object_mut().unwrap().entry(key).or_insert_with(|| json!({}));
    }
    *place = value;
    base
}
