//! The tenant read back: policies and named locations in force, as Graph lists them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::http::Http;
use crate::support::server::Server;

fn server() -> Server {
    Server::start([("tenant.yaml", &include_bytes!("tenant.yaml")[..])])
}

async fn get(http: &mut Http, path: &str) -> Value {
    let answer = http.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/json;odata.metadata=minimal;charset=utf-8");
    answer.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_written_by_hand_comes_back_with_the_defaults_of_graph() {
    let server = server();
    let mut http = server.http().await;
    let policy = get(&mut http, "/beta/identity/conditionalAccess/policies/Workloads%20from%20the%20office").await;
    let locations = get(&mut http, "/beta/identity/conditionalAccess/namedLocations").await;
    assert_snapshot!(format!("{policy:#}\n{:#}", locations["value"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_object_of_a_list_is_found_by_its_id() {
    let server = server();
    let mut http = server.http().await;
    for version in ["v1.0", "beta"] {
        for kind in ["policies", "namedLocations"] {
            let path = format!("/{version}/identity/conditionalAccess/{kind}");
            let list = get(&mut http, &path).await;
            let context = format!("http://doorward/{version}/$metadata#identity/conditionalAccess/{kind}");
            assert_eq!(list["@odata.context"], context);
            assert_eq!(list.get("@odata.nextLink"), None);
            for object in list["value"].as_array().unwrap() {
                let id = object["id"].as_str().unwrap().replace(' ', "%20");
                let mut own = get(&mut http, &format!("{path}/{id}")).await;
                let own = own.as_object_mut().unwrap();
                assert_eq!(own.remove("@odata.context").unwrap(), format!("{context}/$entity"));
                assert_eq!(&Value::Object(own.clone()), object);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ids_are_compared_as_graph_compares_them() {
    let policy =
        r#"{"id": "D0000000-0000-4000-8000-00000000000D", "displayName": "P", "state": "disabled", "conditions": {}}"#;
    let server = Server::start([("p.json", policy.as_bytes())]);
    let path = "/v1.0/identity/conditionalAccess/policies/d0000000-0000-4000-8000-00000000000d";
    assert_eq!(get(&mut server.http().await, path).await["displayName"], "P");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_beta_shows_what_only_beta_has() {
    let bundle = "
namedLocations:
  - { displayName: Compliant, compliantNetworkType: allTenantCompliantNetworks }
  - { displayName: Office, ipRanges: [203.0.113.0/24] }
policies:
  - displayName: Agents
    state: enabled
    conditions:
      clientApplications: { includeAgentIdServicePrincipals: [All] }
      agentIdRiskLevels: high
    grantControls: { builtInControls: [block] }
";
    let server = Server::start([("all.yaml", bundle.as_bytes())]);
    let mut http = server.http().await;
    let path = |version: &str, kind: &str| format!("/{version}/identity/conditionalAccess/{kind}");
    let beta = get(&mut http, &path("beta", "policies")).await["value"][0].take();
    let v1 = get(&mut http, &path("v1.0", "policies")).await["value"][0].take();
    assert_eq!(beta["conditions"]["agentIdRiskLevels"], "high");
    assert_eq!(beta["conditions"]["clientApplications"]["includeAgentIdServicePrincipals"], json!(["All"]));
    assert_eq!(beta["partialEnablementStrategy"], Value::Null);
    for gone in ["agentIdRiskLevels", "deviceStates", "clients", "times"] {
        assert_eq!(v1["conditions"].get(gone), None);
    }
    assert_eq!(v1["conditions"]["clientApplications"].get("includeAgentIdServicePrincipals"), None);
    assert_eq!(v1.get("partialEnablementStrategy"), None);
    assert_eq!(v1["conditions"]["clientApplications"]["includeServicePrincipals"], json!([]));
    let names = |list: Value| -> Vec<String> {
        let names = list["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|location| location["displayName"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(names(get(&mut http, &path("beta", "namedLocations")).await), ["Compliant", "Office"]);
    assert_eq!(names(get(&mut http, &path("v1.0", "namedLocations")).await), ["Office"]);
}

/// Deleted and ignored policies are not listed; disabled ones are, with all that was written.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_policy_of_the_tenant_is_listed_but_what_is_deleted_or_ignored() {
    let policy = |name: &str, more: Value| {
        let mut policy = json!({"displayName": name, "state": "enabled", "conditions": {"users": {"includeUsers": ["All"]}}, "grantControls": {"builtInControls": ["mfa"]}});
        policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        policy
    };
    let policies = json!([
        policy("deleted", json!({"deletedDateTime": "2026-01-01T00:00:00Z"})),
        policy("ignored", json!({"when": "context.x"})),
        policy("disabled", json!({"state": "disabled", "description": "kept", "conditions": {"times": {"x": 1}}})),
        policy("last", json!({"createdDateTime": "2022-03-31T22:59:59.6688974Z"})),
    ]);
    let server = Server::start([
        ("bundle.yaml", &b"ignoredPolicies: [ignored]"[..]),
        ("p.json", policies.to_string().as_bytes()),
    ]);
    let mut http = server.http().await;
    let list = get(&mut http, "/beta/identity/conditionalAccess/policies?$top=1").await;
    assert_eq!(list["value"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&list["value"][0]["displayName"], &list["value"][0]["description"]),
        (&json!("disabled"), &json!("kept"))
    );
    assert_eq!(list["value"][0]["conditions"]["times"], json!({"x": 1}));
    let next = list["@odata.nextLink"].as_str().unwrap().strip_prefix("http://doorward").unwrap().to_owned();
    let rest = get(&mut http, &next).await;
    assert_eq!(rest["value"][0]["createdDateTime"], "2022-03-31T22:59:59.6688974Z");
    assert_eq!((rest["value"].as_array().unwrap().len(), rest.get("@odata.nextLink")), (1, None));
    assert_eq!(http.get("/beta/identity/conditionalAccess/policies/ignored").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_list_that_began_with_another_bundle_does_not_go_on() {
    let server = server();
    let mut http = server.http().await;
    let list = get(&mut http, "/v1.0/identity/conditionalAccess/policies?$top=2").await;
    let next = list["@odata.nextLink"].as_str().unwrap().strip_prefix("http://doorward").unwrap().to_owned();
    assert_eq!(get(&mut http, &next).await["value"][0]["displayName"], "Registration");
    server.activate("2", [("bundle.yaml", "revision: 2")]);
    let answer = http.get(&next).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (400, &json!("BadRequest")));
}

/// A list larger than a page goes on until its end, each object once; what is kept for it is small.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_large_tenant_is_read_page_by_page() {
    let policies: Vec<_> = (0..2_500)
        .map(|number| json!({"displayName": format!("P{number}"), "state": "enabled", "conditions": {"users": {"includeUsers": ["All"]}}, "grantControls": {"builtInControls": ["mfa"]}}))
        .collect();
    let server = Server::start([("p.json", json!(policies).to_string().as_bytes())]);
    let mut http = server.http().await;
    let mut path = "/v1.0/identity/conditionalAccess/policies".to_owned();
    let mut names = Vec::new();
    loop {
        let page = get(&mut http, &path).await;
        let objects = page["value"].as_array().unwrap();
        assert!(!objects.is_empty() && objects.len() <= 1_000);
        names.extend(objects.iter().map(|policy| policy["displayName"].as_str().unwrap().to_owned()));
        match page.get("@odata.nextLink") {
            Some(next) => path = next.as_str().unwrap().strip_prefix("http://doorward").unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(names, (0..2_500).map(|number| format!("P{number}")).collect::<Vec<_>>());
    let supposed = json!({
        "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": "u"},
        "signInContext": {"@odata.type": "#microsoft.graph.applicationContext", "includeApplications": ["app"]},
        "signInConditions": {},
    });
    assert_eq!(server.what_if("v1.0", &supposed).await.json()["value"].as_array().unwrap().len(), 2_500);
}
