//! The examples of Microsoft's page on What If, requests and answers as they stand there.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::countries;
use crate::support::found::corpus;
use crate::support::server::Server;

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// The role that the user of the examples holds: Entra's directory knows it, here the request has to say it.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_example_of_microsoft_is_answered_as_microsoft_answers_it() {
    let Some(folder) = corpus("whatif/msgraph-docs") else { return };
    let policies = std::fs::read(folder.join("policies.json")).unwrap();
    let server = Server::start([("policies.json", &*policies)]);
    for version in ["v1.0", "beta"] {
        for example in 1..=4 {
            let mut request = read(&folder, &format!("example{example}.request.json"));
            // The page's answer to the third example has a policy for administrators; its answer to the first, which
            // has not, is of another time.
            if example == 3 {
                request["signInIdentity"]["@doorward.roles"] = json!([GLOBAL_ADMINISTRATOR]);
            }
            let answer = server.what_if(version, &request).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let expected = read(&folder, &format!("example{example}.response.json"));
            let context = expected["@odata.context"].as_str().unwrap();
            let own = answer.json()["@odata.context"].as_str().unwrap().to_owned();
            assert_eq!(own.split_once("$metadata").unwrap().1, context.split_once("$metadata").unwrap().1);
            assert_same(&answer.json()["value"], &expected["value"], &format!("{version} example {example}"));
        }
    }
}

/// Whether `ours` has all that `theirs` has: the same policies, each with at least the same members.
fn assert_same(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) if theirs.iter().all(Value::is_object) => {
            assert_eq!(ours.len(), theirs.len(), "{place}: {ours:?}");
            for theirs in theirs {
                let same = ours.iter().find(|ours| ours["id"] == theirs["id"]);
                let same = same.unwrap_or_else(|| panic!("{place}: {} is missing", theirs["id"]));
                assert_same(same, theirs, place);
            }
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, theirs) in theirs {
                let place = format!("{place}: {key}");
                assert_same(ours.get(key).unwrap_or_else(|| panic!("{place} is missing")), theirs, &place);
            }
        }
        _ => assert_eq!(ours, theirs, "{place}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn roles_that_nobody_says_are_not_enough_information() {
    let Some(folder) = corpus("whatif/msgraph-docs") else { return };
    let policies = std::fs::read(folder.join("policies.json")).unwrap();
    let server = Server::start([("policies.json", &*policies)]);
    let mut request = read(&folder, "example3.request.json");
    request["appliedPoliciesOnly"] = json!(false);
    let answer = server.what_if("v1.0", &request).await.json();
    let results = answer["value"].as_array().unwrap();
    let admins = results.iter().find(|result| result["id"] == "4aa7d105-d92b-4c07-9834-0e810ddb89ac").unwrap();
    assert_eq!((&admins["policyApplies"], &admins["analysisReasons"]), (&json!(false), &json!("notEnoughInformation")));
}

/// A tenant may ask of an address in one country as if it were in another; a token request may not claim that.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_supposed_country_need_not_be_that_of_the_address() {
    let bundle = "
namedLocations:
  - { displayName: Netherlands, countriesAndRegions: [NL] }
  - { displayName: London, ipRanges: [81.2.69.0/24] }
policies:
  - displayName: Country
    state: enabled
    conditions: { users: { includeUsers: [All] }, locations: { includeLocations: [Netherlands] } }
    grantControls: { builtInControls: [block] }
  - displayName: Address
    state: enabled
    conditions: { users: { includeUsers: [All] }, locations: { includeLocations: [London] } }
    grantControls: { builtInControls: [block] }
";
    let database = countries::database();
    let files =
        [("bundle.yaml", &b"countryDatabase: c.mmdb"[..]), ("a.yaml", bundle.as_bytes()), ("c.mmdb", &database)];
    let server = Server::start(files);
    let request = json!({
        "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": "u"},
        "signInContext": {"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": ["a"]},
        "signInConditions": {"country": "NL", "ipAddress": "81.2.69.142"},
        "appliedPoliciesOnly": true,
    });
    let answer = server.what_if("v1.0", &request).await.json();
    assert_eq!(answer["value"].as_array().unwrap().len(), 2, "{answer}");
    let decision = json!({
        "identity": {"type": "user", "id": "u"},
        "network": {"country": "NL", "ipAddress": "81.2.69.142"},
    });
    let refused = server.http().await.decide(&decision).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["reason"]), (400, &json!("input_conflict")));
}
