//! A server whose AuthZEN door is open, with a bundle of given files.

use doorward::serve::{Settings, authzen};
use serde_json::{Value, json};

use crate::support::found::{self, root};
use crate::support::http::Answer;
use crate::support::server::Server;

pub const EVALUATION: &str = "/access/v1/evaluation";
pub const EVALUATIONS: &str = "/access/v1/evaluations";
pub const SUBJECTS: &str = "/access/v1/search/subject";
pub const RESOURCES: &str = "/access/v1/search/resource";
pub const ACTIONS: &str = "/access/v1/search/action";

impl Server {
    /// With these files as the bundle in force, and the door as `settings` say, which are YAML.
    pub fn start<'f>(files: impl IntoIterator<Item = (&'f str, String)>, settings: &str) -> Self {
        let door: authzen::Settings = serde_saphyr::from_str(settings).unwrap();
        Self::of(files, |settings| settings.doors.authzen = Some(door))
    }

    /// With the bundle of the certification fixture.
    pub fn certification(settings: &str) -> Self {
        Self::start(sample(), settings)
    }

    /// With the certification fixture and other settings of the server.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(sample(), |settings| {
            settings.doors.authzen = Some(authzen::Settings::default());
            change(settings);
        })
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
    let folder = root().join("policies/authzen");
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

/// A document that others have published, where they are.
pub fn corpus_json(path: &str) -> Option<Value> {
    let text = std::fs::read_to_string(found::corpus(&format!("authzen/{path}"))?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}
