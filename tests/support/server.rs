//! doorward in this process, on free ports, with a bundle that can change.
//!
//! What it is started with is the matter of each test: the constructors that a test uses are in its own folder.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use doorward::reload::{self, Active, Loader, Status, View};
use doorward::serve::wire::v1::decisions_client::DecisionsClient;
use doorward::serve::{self, Running, Settings};
use doorward::source::Source;
use hyper::body::Body;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

use super::PATIENCE;
use super::http::Http;

/// A running server; everything ends when it is dropped.
pub struct Server {
    running: Option<Running>,
    status: Arc<Status>,
    _loader: Option<Loader>,
    folder: TempDir,
}

impl Server {
    /// With these files as the bundle in force, and changed settings.
    pub fn of<N: AsRef<Path>, B: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (N, B)>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("bundle");
        std::fs::create_dir(&bundle).unwrap();
        for (name, content) in files {
            std::fs::write(bundle.join(name), content).unwrap();
        }
        Self::at(folder, &bundle, change)
    }

    /// With the bundle at a place in a folder.
    pub fn at(folder: TempDir, bundle: &Path, change: impl FnOnce(&mut Settings)) -> Self {
        let server = Self::launch(folder, Some(bundle), change);
        server.wait_until(|view| view.active.is_some());
        server
    }

    /// Without any bundle, now and later.
    pub fn without_bundle(change: impl FnOnce(&mut Settings)) -> Self {
        Self::launch(tempfile::tempdir().unwrap(), None, change)
    }

    fn launch(folder: TempDir, bundle: Option<&Path>, change: impl FnOnce(&mut Settings)) -> Self {
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
        let has_graph = settings.doors.graph;
        let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
        let load = |bundle: &Path| {
            let (source, status) = (Source::new(bundle), Arc::clone(&status));
            let loader = if has_graph {
                reload::start_with_graph(source, active, status, |_| {})
            } else {
                reload::start(source, active, status, |_| {})
            };
            loader.unwrap()
        };
        let _loader = bundle.map(load);
        Self { running: Some(running), status, _loader, folder }
    }

    /// Replaces a file of the bundle, or adds one.
    pub fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let unfinished = self.folder.path().join("unfinished");
        std::fs::write(&unfinished, content).unwrap();
        std::fs::rename(unfinished, self.bundle().join(name)).unwrap();
    }

    /// Replaces files of the bundle and waits until they are in force as `revision`, which a `bundle.yaml` among them
    /// must say.
    pub fn activate<B: AsRef<[u8]>>(&self, revision: &str, files: impl IntoIterator<Item = (&'static str, B)>) {
        let mut says_revision = false;
        for (name, content) in files {
            self.replace(name, content);
            says_revision |= name == "bundle.yaml";
        }
        if !says_revision {
            self.replace("bundle.yaml", format!("name: corp\nrevision: \"{revision}\"\n"));
        }
        self.wait_until(|view| view.active.as_ref().is_some_and(|active| &*active.facts.revision == revision));
    }

    /// The folder of the bundle.
    pub fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    pub fn wait_until(&self, is_wanted: impl Fn(&View) -> bool) {
        let seen = self.status.wait_until(Instant::now() + PATIENCE, is_wanted);
        assert!(seen.is_some(), "{:?}", self.view());
    }

    pub fn view(&self) -> Arc<View> {
        self.status.view()
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
        Http::connect(self.tcp()).await
    }

    pub async fn operator(&self) -> Http {
        Http::connect(self.ops()).await
    }

    pub async fn http_over_unix(&self) -> Http {
        Http::over(UnixStream::connect(self.unix()).await.unwrap()).await
    }

    /// A client of HTTP/2 that may send any bodies, and its connection, which ends when the server closes it.
    pub async fn http2<B>(&self) -> (SendRequest<B>, JoinHandle<hyper::Result<()>>)
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
    {
        let stream = TcpStream::connect(self.tcp()).await.unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (client, connection) = handshake.await.unwrap();
        (client, tokio::spawn(connection))
    }

    pub async fn channel(&self) -> Channel {
        channel(self.tcp()).await
    }

    pub async fn channel_over_unix(&self) -> Channel {
        let path = self.unix();
        let connector = tower::service_fn(move |_: ::http::Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://unix").connect_with_connector(connector).await.unwrap()
    }

    pub async fn grpc(&self) -> DecisionsClient<Channel> {
        DecisionsClient::new(self.channel().await)
    }

    pub async fn grpc_over_unix(&self) -> DecisionsClient<Channel> {
        DecisionsClient::new(self.channel_over_unix().await)
    }
}

/// A connection of gRPC.
pub async fn channel(to: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{to}")).unwrap().connect().await.unwrap()
}
