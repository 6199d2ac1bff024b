//! A server with the bundle of `tests/serve/bundle`, and what it is asked.

use doorward::serve::Settings;
use serde_json::{Value, json};

use crate::support::found::root;
use crate::support::server::Server;

pub const PRINCIPAL: &str = "cccccccc-0000-4000-8000-000000000001";

impl Server {
    /// With the bundle active.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// With the bundle active and other settings.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let entries = std::fs::read_dir(root().join("tests/serve/bundle")).unwrap().map(Result::unwrap);
        let files = entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()));
        Self::of(files, change)
    }
}

/// A workload outside the office.
pub fn outside() -> Value {
    json!({
        "identity": {"type": "servicePrincipal", "id": PRINCIPAL},
        "network": {"ipAddress": "203.0.113.9"},
        "requestId": "r-1",
    })
}
