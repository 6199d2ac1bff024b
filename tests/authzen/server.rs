//! A server whose AuthZEN door is open, with a bundle of given files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward::reload::{self, Active, Loader, Status};
use doorward::serve::authzen;
use doorward::serve::{self, Running, Settings};
use doorward::source::Source;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{Answer, Http};

pub const EVALUATION: &str = "/access/v1/evaluation";
pub const EVALUATIONS: &str = "/access/v1/evaluations";
pub const SUBJECTS: &str = "/access/v1/search/subject";
pub const RESOURCES: &str = "/access/v1/search/resource";
pub const ACTIONS: &str = "/access/v1/search/action";

/// A running server; everything ends when it is dropped.
pub struct Server {
    running: Running,
    status: Arc<Status>,
    _loader: Option<Loader>,
    folder: tempfile::TempDir,
}

impl Server {
    /// With these files as the bundle in force, and the door as `settings` say, which are YAML.
    pub fn start<'f>(files: impl IntoIterator<Item = (&'f str, String)>, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self::launch(folder, true, settings, |_| {})
    }

    /// With the bundle of the certification fixture.
    pub fn certification(settings: &str) -> Self {
        Self::start(sample(), settings)
    }

    /// Without any bundle, now and later.
    pub fn without_bundle() -> Self {
        Self::launch(tempfile::tempdir().unwrap(), false, "{}", |_| {})
    }

    /// With the certification fixture and other settings of the server.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in sample() {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self::launch(folder, true, "{}", change)
    }

    fn launch(folder: tempfile::TempDir, has_bundle: bool, door: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let door: authzen::Settings = serde_saphyr::from_str(door).unwrap();
        let mut settings = Settings { listen: Some(any), ..Settings::default() };
        settings.doors.authzen = Some(door);
        change(&mut settings);
        let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
        let load = || reload::start(Source::new(folder.path()), active, Arc::clone(&status), |_| {}).unwrap();
        let loader = has_bundle.then(load);
        let server = Self { running, status, _loader: loader, folder };
        if has_bundle {
            server.wait_until(|view| view.active.is_some());
        }
        server
    }

    /// Replaces a file of the bundle.
    pub fn replace(&self, name: &str, text: &str) {
        let unfinished = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(unfinished.path(), text).unwrap();
        std::fs::copy(unfinished.path(), self.folder.path().join(name)).unwrap();
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

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.http().await.post(path, &body.to_string()).await
    }

    /// The answer, which must be one.
    pub async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        answer.json()
    }

    pub async fn decision(&self, body: &Value) -> bool {
        self.ask(EVALUATION, body).await["decision"].as_bool().unwrap()
    }
}

/// The files of the certification fixture.
fn sample() -> Vec<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/authzen");
    let file = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    vec![
        ("bundle.yaml", file("bundle.yaml")),
        ("entities.yaml", file("entities.yaml")),
        ("records.cedar", file("policies/records.cedar")),
    ]
}

/// A question of the certification fixture.
pub fn question(subject: &str, action: &str, resource: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": subject },
        "action": { "name": action },
        "resource": { "type": "record", "id": resource },
    })
}

/// `value` with `change` in the place of the member at `pointer`, which need not be there.
pub fn with(mut value: Value, pointer: &str, change: Value) -> Value {
    let mut place = &mut value;
    for key in pointer.trim_start_matches('/').split('/') {
        place = place.as_object_mut().unwrap().entry(key).or_insert_with(|| json!({}));
    }
    *place = change;
    value
}

/// A file of the test data that lies beside the project; says so where there is none.
pub fn corpus(path: &str) -> Option<PathBuf> {
    let corpus = std::env::var_os("DOORWARD_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let path = corpus.join("authzen").join(path);
    if !path.exists() {
        eprintln!("skipped: there is no {}", path.display());
        return None;
    }
    Some(path)
}

pub fn corpus_json(path: &str) -> Option<Value> {
    let text = std::fs::read_to_string(corpus(path)?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}
