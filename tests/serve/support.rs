//! A server on free ports with the bundle of `tests/serve/bundle`, and clients for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorward::reload::{self, Active, Loader, Status};
use doorward::serve::wire::v1::decisions_client::DecisionsClient;
use doorward::serve::{self, Running, Settings};
use doorward::source::Source;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::{Channel, Endpoint};

pub const PRINCIPAL: &str = "cccccccc-0000-4000-8000-000000000001";

/// A running server; everything ends when it is dropped.
pub struct Server {
    running: Option<Running>,
    status: Arc<Status>,
    _loader: Option<Loader>,
    folder: tempfile::TempDir,
}

impl Server {
    /// With the bundle active.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// With the bundle active and other settings.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let server = Self::launch(true, change);
        server.wait_until(|view| view.active.is_some());
        server
    }

    /// Without any bundle, now and later.
    pub fn without_bundle() -> Self {
        Self::without_bundle_and(|_| {})
    }

    /// Without any bundle, and with other settings.
    pub fn without_bundle_and(change: impl FnOnce(&mut Settings)) -> Self {
        Self::launch(false, change)
    }

    fn launch(has_bundle: bool, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("bundle");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/bundle"), &bundle);
        let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings {
            listen: Some(any),
            unix: Some(folder.path().join("doorward.sock")),
            ops: Some(any),
            threads: 2.try_into().unwrap(),
            ..Settings::default()
        };
        change(&mut settings);
        let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
        let load = || reload::start(Source::new(&bundle), active, Arc::clone(&status), |_| {}).unwrap();
        let loader = has_bundle.then(load);
        Self { running: Some(running), status, _loader: loader, folder }
    }

    /// Replaces a file of the bundle.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = self.folder.path().join("bundle").join(name);
        let unfinished = self.folder.path().join("unfinished");
        std::fs::write(&unfinished, content).unwrap();
        std::fs::rename(unfinished, file).unwrap();
    }

    pub fn wait_until(&self, is_wanted: impl Fn(&reload::View) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        assert!(self.status.wait_until(deadline, is_wanted).is_some(), "{:?}", self.status.view());
    }

    pub fn reload_certificates(&self) {
        self.running().reload_certificates();
    }

    pub fn stop(&mut self) {
        self.running.take().unwrap().stop();
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn tcp(&self) -> SocketAddr {
        self.running().addresses().tcp.unwrap()
    }

    pub fn ops(&self) -> SocketAddr {
        self.running().addresses().ops.unwrap()
    }

    pub fn unix(&self) -> PathBuf {
        self.running().addresses().unix.clone().unwrap()
    }

    pub async fn http(&self) -> Http {
        Http::over(TcpStream::connect(self.tcp()).await.unwrap()).await
    }

    pub async fn operator(&self) -> Http {
        Http::over(TcpStream::connect(self.ops()).await.unwrap()).await
    }

    pub async fn http_over_unix(&self) -> Http {
        Http::over(UnixStream::connect(self.unix()).await.unwrap()).await
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.tcp())).unwrap().connect().await.unwrap()
    }

    pub async fn grpc(&self) -> DecisionsClient<Channel> {
        DecisionsClient::new(self.channel().await)
    }

    pub async fn grpc_over_unix(&self) -> DecisionsClient<Channel> {
        let path = self.unix();
        let connector = tower::service_fn(move |_: http::Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://unix");
        DecisionsClient::new(endpoint.connect_with_connector(connector).await.unwrap())
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// An HTTP/1.1 connection.
pub struct Http(SendRequest<Full<Bytes>>);

/// An HTTP response.
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Http {
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
}

pub fn request(method: Method, path: &str, content_type: Option<&str>, body: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "doorward");
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// A workload outside the office.
pub fn outside() -> Value {
    json!({
        "identity": {"type": "servicePrincipal", "id": PRINCIPAL},
        "network": {"ipAddress": "203.0.113.9"},
        "requestId": "r-1",
    })
}

/// `base` with one field set, by JSON pointer; objects on the way are made.
pub fn changed(mut base: Value, pointer: &str, value: Value) -> Value {
    let mut place = &mut base;
    for key in pointer.trim_start_matches('/').split('/') {
        place = place.as_object_mut().unwrap().entry(key).or_insert_with(|| json!({}));
    }
    *place = value;
    base
}
