//! A server whose Graph door is open, with a bundle of given files.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward::reload::{self, Active, Loader, Status};
use doorward::serve::{self, Running, Settings};
use doorward::source::Source;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::{Answer, Http};

/// A running server; everything ends when it is dropped.
pub struct Server {
    running: Running,
    active: Arc<Active>,
    status: Arc<Status>,
    _loader: Option<Loader>,
    folder: tempfile::TempDir,
}

impl Server {
    /// With these files as the bundle in force.
    pub fn start<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Self {
        Self::start_with(files, |_| {})
    }

    /// The same, with other settings.
    pub fn start_with<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut server = Self::without_bundle(|settings| {
            settings.doors.graph = true;
            change(settings);
        });
        server.fill(files);
        let (active, status) = (Arc::clone(&server.active), Arc::clone(&server.status));
        let loader = reload::start_with_graph(Source::new(server.folder.path()), active, status, |_| {});
        server._loader = Some(loader.unwrap());
        server.wait_until(|view| view.active.is_some());
        server
    }

    /// Without any bundle, now and later.
    pub fn without_bundle(change: impl FnOnce(&mut Settings)) -> Self {
        let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings { listen: Some(any), ..Settings::default() };
        change(&mut settings);
        let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
        Self { running, active, status, _loader: None, folder: tempfile::tempdir().unwrap() }
    }

    /// Puts files into the bundle's folder.
    pub fn fill<'f>(&self, files: impl IntoIterator<Item = (&'f str, &'f [u8])>) {
        for (name, bytes) in files {
            std::fs::write(self.folder.path().join(name), bytes).unwrap();
        }
    }

    pub fn wait_until(&self, is_wanted: impl Fn(&reload::View) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(120);
        assert!(self.status.wait_until(deadline, is_wanted).is_some(), "{:?}", self.status.view());
    }

    pub fn address(&self) -> SocketAddr {
        self.running.addresses().tcp.unwrap()
    }

    pub async fn http(&self) -> Http {
        Http::over(TcpStream::connect(self.address()).await.unwrap()).await
    }

    /// What If: the answer to `request` on `version`.
    pub async fn what_if(&self, version: &str, request: &Value) -> Answer {
        let path = format!("/{version}/identity/conditionalAccess/evaluate");
        self.http().await.post(&path, &request.to_string()).await
    }
}

/// A file of the test data that lies beside the project; says so where there is none.
pub fn corpus(path: &str) -> Option<PathBuf> {
    let corpus = std::env::var_os("DOORWARD_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let path = corpus.join(path);
    if !path.exists() {
        eprintln!("skipped: there is no {}", path.display());
        return None;
    }
    Some(path)
}
