//! What If, case by case: what a request supposes, and what each policy makes of it.
//!
//! The cases are data (`cases.yaml`) and go the whole way, over HTTP, on v1.0 and on beta unless they say otherwise.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::support::server::Server;

/// Policies, and what is asked of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// What the group is about, as a sentence.
    note: String,
    /// `bundle.yaml`.
    #[serde(default)]
    settings: String,
    /// Everything else.
    bundle: String,
    asks: Vec<Ask>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// What the case shows, as a sentence.
    note: String,
    /// The version, if it is only one.
    version: Option<String>,
    /// `signInIdentity`; `is` stands for `@odata.type` without its namespace.
    identity: Option<Map<String, Value>>,
    /// `signInContext`, likewise.
    context: Option<Map<String, Value>>,
    /// `signInConditions`.
    #[serde(default)]
    conditions: Map<String, Value>,
    /// `analysisReasons` by policy: all policies of the answer.
    expect: BTreeMap<String, String>,
}

impl Ask {
    fn request(&self) -> Value {
        let typed = |object: &Option<Map<String, Value>>, default: Value| match object {
            None => default,
            Some(object) => {
                let mut object = object.clone();
                let name = object.remove("is").unwrap();
                object.insert("@odata.type".to_owned(), json!(format!("#microsoft.graph.{}", name.as_str().unwrap())));
                Value::Object(object)
            }
        };
        let user = json!({"@odata.type": "#microsoft.graph.userSignIn", "userId": "u"});
        let app = json!({"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": ["app"]});
        json!({
            "signInIdentity": typed(&self.identity, user),
            "signInContext": typed(&self.context, app),
            "signInConditions": self.conditions,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_policy_applies_or_says_the_first_condition_that_does_not_hold() {
    let groups: Vec<Group> = serde_saphyr::from_str(include_str!("cases.yaml")).unwrap();
    let mut failures = Vec::new();
    for group in &groups {
        let files = [("bundle.yaml", group.settings.as_bytes()), ("all.yaml", group.bundle.as_bytes())];
        let server = Server::start(files.into_iter().filter(|(_, bytes)| !bytes.is_empty()));
        for ask in &group.asks {
            for version in ["v1.0", "beta"]
                .into_iter()
                .filter(|version| ask.version.as_deref().is_none_or(|only| only == *version))
            {
                let answer = server.what_if(version, &ask.request()).await;
                if answer.status != 200 {
                    failures.push(format!("{} / {} ({version}): {}", group.note, ask.note, answer.text));
                    continue;
                }
                let found = reasons(&answer.json());
                if found != ask.expect {
                    failures.push(format!("{} / {} ({version}): {found:?}", group.note, ask.note));
                }
                let mut applied = ask.request();
                applied["appliedPoliciesOnly"] = json!(true);
                let mut applying = ask.expect.clone();
                applying.retain(|_, reason| reason == "notSet");
                assert_eq!(reasons(&server.what_if(version, &applied).await.json()), applying, "{}", ask.note);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The reason of each policy of an answer.
fn reasons(answer: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = answer["value"].as_array().unwrap().iter().map(|result| {
        assert_eq!(result["policyApplies"], json!(result["analysisReasons"] == "notSet"), "{result}");
        (text(&result["displayName"]), text(&result["analysisReasons"]))
    });
    results.collect()
}
