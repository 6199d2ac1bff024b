//! The server as the command line starts it, on free ports, with a bundle that can be swapped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward::reload::{self, Active, Loader, Status, View};
use doorward::serve::{self, Running, Settings};
use doorward::source::Source;

use crate::bundle::{Files, Place, files};
use crate::http::Http;

/// Longest wait for what must happen, on a machine that has other things to do.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A running server; everything ends when it is dropped.
pub struct Server {
    running: Running,
    status: Arc<Status>,
    _loader: Loader,
    place: Place,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts with bundle 1 at a place in a new folder.
    pub fn start(place: impl FnOnce(std::path::PathBuf) -> Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path().to_owned());
        place.put("1", &files(1));
        let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
        let any = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let settings = Settings { listen: any, ops: any, threads: 2.try_into().unwrap(), ..Settings::default() };
        let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
        let loader = reload::start(Source::new(place.path()), active, Arc::clone(&status), |_| {}).unwrap();
        loader.wait_first().unwrap();
        Self { running, status, _loader: loader, place, _folder: folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.running.addresses().tcp.unwrap()
    }

    pub async fn operator(&self) -> Http {
        Http::connect(self.running.addresses().ops.unwrap()).await
    }

    /// Puts bundle `number` in force.
    pub fn put(&self, number: u64) {
        self.place.put(&number.to_string(), &files(number));
    }

    /// Puts other files in the place of the bundle.
    pub fn put_files(&self, name: &str, files: &Files) {
        self.place.put(name, files);
    }

    pub fn view(&self) -> Arc<View> {
        self.status.view()
    }

    pub async fn wait_until(&self, is_wanted: impl Fn(&View) -> bool) {
        let wait = || self.status.wait_until(Instant::now() + PATIENCE, is_wanted);
        assert!(tokio::task::block_in_place(wait).is_some(), "{:?}", self.status.view());
    }
}
