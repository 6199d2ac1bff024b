//! A server whose Graph door is open, with a bundle of given files.

use serde_json::Value;

use crate::support::http::Answer;
use crate::support::server::Server;

impl Server {
    /// With these files as the bundle in force.
    pub fn start<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Self {
        Self::of(files, |settings| settings.doors.graph = true)
    }

    /// What If: the answer to `request` on `version`.
    pub async fn what_if(&self, version: &str, request: &Value) -> Answer {
        let path = format!("/{version}/identity/conditionalAccess/evaluate");
        self.http().await.post(&path, &request.to_string()).await
    }
}
