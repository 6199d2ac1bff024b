//! Claims that hooks add, and what they cannot pass on.

use serde_json::{Value, json};

use super::hydra::{reason, user, workload};
use super::okta::okta_workload;
use super::zitadel::{signed, zitadel_machine};
use super::{ALL, HYDRA, KEY, OKTA, ZITADEL, open, post};
use crate::support::http::changed;
use crate::support::server::Server;

const BLOCKED: &str = "AADSTS53003: Access has been blocked by Conditional Access policies.";

/// A server whose only policy applies to everybody and says this, too.
fn saying(more: &str) -> Server {
    Server::of([("p.yaml", policy("P", more))], open(ALL))
}

fn policy(name: &str, more: &str) -> String {
    format!(
        "displayName: {name}\nid: {name}\nstate: enabled\nconditions: {{ users: {{ includeUsers: [All] }}, \
         clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }} }}\n{more}\n"
    )
}

async fn hydra(server: &Server, body: &Value) -> (u16, Value) {
    let answer = post(server, HYDRA, &[], &body.to_string()).await;
    (answer.status.as_u16(), if answer.text.is_empty() { Value::Null } else { answer.json() })
}

async fn okta(server: &Server, body: &Value) -> Value {
    post(server, OKTA, &[("x-key", KEY)], &body.to_string()).await.json()
}

async fn zitadel(server: &Server, body: &Value) -> Value {
    let body = body.to_string();
    post(server, ZITADEL, &[("ZITADEL-Signature", &signed(&body))], &body).await.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_hook_adds_claims_in_its_own_words() {
    let server = saying("token: { lifetime: 300, claims: { ca_tags: [b, a] }, critical: [ca_tags] }");
    let tags = json!(["a", "b"]);
    let (status, told) = hydra(&server, &workload()).await;
    let access =
        json!({ "ip": "198.51.100.7", "team": "payroll", "ca_tags": tags, "doorward_added": { "ca_tags": null } });
    let session = json!({ "access_token": access, "id_token": {} });
    assert_eq!((status, told), (200, json!({ "session": session })));
    let changes = json!([
        { "op": "replace", "path": "/token/lifetime/expiration", "value": 300 },
        { "op": "add", "path": "/claims/ca_tags", "value": tags },
    ]);
    let patch = json!({ "commands": [{ "type": "com.okta.access.patch", "value": changes }] });
    assert_eq!(okta(&server, &okta_workload()).await, patch);
    assert_eq!(
        zitadel(&server, &zitadel_machine()).await,
        json!({ "append_claims": [{ "key": "ca_tags", "value": tags }] })
    );
}

/// Whatever the session has comes back as it was written, numbers that no double has among it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hydra_keeps_the_claims_of_a_session_that_are_not_of_policies() {
    let server = saying("token: { claims: { ca_tags: [risky] } }");
    let body =
        changed(user(), "/session/extra", json!({ "tenant": { "n": 9_007_199_254_740_993_i64 }, "ca_tags": ["old"] }));
    let body =
        changed(body, "/session/id_token/id_token_claims/ext", json!({ "nick": "al", "n": 9_007_199_254_740_993_i64 }));
    let (status, told) = hydra(&server, &body).await;
    let added = json!({ "ca_tags": ["old"] });
    let access = json!({ "tenant": { "n": 9_007_199_254_740_993_i64 }, "ca_tags": ["risky"], "doorward_added": added });
    let expected = json!({ "access_token": access, "id_token": { "nick": "al", "n": 9_007_199_254_740_993_i64 } });
    assert_eq!((status, &told["session"]), (200, &expected));
}

/// What a policy had added stayed in refreshed tokens when the policy was gone, and a claim of the consent app was taken for
/// one of a policy that states its name, and went.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_added_to_a_session_of_hydra_goes_with_its_policy_and_nothing_else() {
    let refreshed = |access: Value| changed(user(), "/session/extra", access);
    let risky = saying("token: { claims: { ca_tags: [risky] } }");
    let other = saying("token: { claims: { tags: [x] } }");
    let silent = saying("when: context.action == \"never\"\ntoken: { claims: { ca_tags: [risky], team: [x] } }");
    let gone = saying("token: { lifetime: 60 }");
    for consented in [json!({}), json!({ "team": "payroll" }), json!({ "team": "payroll", "ca_tags": "own" })] {
        let (_, told) = hydra(&risky, &refreshed(consented.clone())).await;
        let added = told["session"]["access_token"].clone();
        assert_eq!(added["ca_tags"], json!(["risky"]));
        // The same again, however often.
        assert_eq!(hydra(&risky, &refreshed(added.clone())).await, (200, told));
        let (_, told) = hydra(&other, &refreshed(added.clone())).await;
        let mut expected = consented.clone();
        expected["tags"] = json!(["x"]);
        expected["doorward_added"] = json!({ "tags": null });
        assert_eq!(told["session"]["access_token"], expected);
        for server in [&silent, &gone] {
            let (status, told) = hydra(server, &refreshed(added.clone())).await;
            assert_eq!((status, &told["session"]["access_token"]), (200, &consented));
            assert_eq!(hydra(server, &refreshed(consented.clone())).await, (204, Value::Null), "nothing was added");
        }
    }
}

/// Such a claim is the consent app's mistake: it must not keep anybody from a token, nor bring claims that are not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_stands_in_place_of_the_added_claims_of_hydra_and_is_none_is_left_out() {
    let server = saying("token: { claims: { ca_tags: [a], doorward_added: [b] } }");
    for marker in [json!(7), json!(["team"]), json!({ "gone": "x" })] {
        let payload = changed(user(), "/session/extra", json!({ "team": "payroll", "doorward_added": marker }));
        let (status, told) = hydra(&server, &payload).await;
        let expected = json!({ "team": "payroll", "ca_tags": ["a"], "doorward_added": { "ca_tags": null } });
        assert_eq!((status, &told["session"]["access_token"]), (200, &expected), "{marker}");
    }
    let critical = saying("token: { claims: { doorward_added: [b] }, critical: [doorward_added] }");
    assert_eq!(hydra(&critical, &user()).await.0, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_claim_that_a_hook_cannot_add_is_left_out_or_the_token_is_refused() {
    let of_okta = |name: &str| format!("claims: {{ '{name}': [a] }}");
    for (name, is_critical) in [("auth_time", false), ("auth_time", true), ("https://x/tags", true), ("scp", true)] {
        let critical = if is_critical { format!(", critical: ['{name}']") } else { String::new() };
        let server = saying(&format!("token: {{ {}{critical} }}", of_okta(name)));
        let expected = if is_critical { json!({ "error": { "errorSummary": BLOCKED } }) } else { json!({}) };
        assert_eq!(okta(&server, &okta_workload()).await, expected, "{name}");
    }
    let server = saying("token: { claims: { ca_tags: [a] }, critical: [ca_tags] }");
    let has = changed(okta_workload(), "/data/access/claims/ca_tags", json!("old"));
    assert_eq!(okta(&server, &has).await["commands"][0]["value"][0]["op"], json!("replace"));
    let no_access = changed(okta_workload(), "/data/access", Value::Null);
    assert_eq!(okta(&server, &no_access).await, json!({ "error": { "errorSummary": BLOCKED } }));
    // What is there already stays in Zitadel, whatever the answer says.
    let has = changed(zitadel_machine(), "/userinfo/ca_tags", json!("old"));
    let forwarded = json!({ "forwardedStatusCode": 403, "forwardedErrorMessage": BLOCKED });
    assert_eq!(zitadel(&server, &has).await, forwarded);
    for name in ["urn:zitadel:iam:x", "acr", "amr", "auth_time", "azp", "nonce", "sid"] {
        let server = saying(&format!("token: {{ claims: {{ '{name}': [a] }}, critical: ['{name}'] }}"));
        assert_eq!(zitadel(&server, &zitadel_machine()).await, forwarded, "{name}");
    }
    let server = saying("token: { claims: { ca_tags: [a] } }");
    assert_eq!(zitadel(&server, &has).await, json!({}));
}

/// A life below the shortest that Okta gives undid the whole answer: the token was issued for a day, without the claim that
/// it must have. A token whose life was not told kept it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_of_okta_that_would_live_too_long_is_refused() {
    const LIFETIME: &str = "/data/access/token/lifetime/expiration";
    let refused = json!({ "error": { "errorSummary": BLOCKED } });
    let shaped = |lifetime: Option<u32>| {
        let replaced =
            lifetime.map(|most| json!({ "op": "replace", "path": "/token/lifetime/expiration", "value": most }));
        let added = json!({ "op": "add", "path": "/claims/ca_tags", "value": ["a"] });
        let changes: Vec<_> = replaced.into_iter().chain([added]).collect();
        json!({ "commands": [{ "type": "com.okta.access.patch", "value": changes }] })
    };
    let day = json!(86_400);
    for (most, lifetime, expected) in [
        (299, &day, &refused),
        (300, &day, &shaped(Some(300))),
        (299, &json!(300), &refused),
        (299, &json!(299), &shaped(None)),
        (300, &json!(300), &shaped(None)),
        (1, &json!(2), &refused),
    ] {
        let server = saying(&format!("token: {{ lifetime: {most}, claims: {{ ca_tags: [a] }}, critical: [ca_tags] }}"));
        let payload = changed(okta_workload(), LIFETIME, lifetime.clone());
        assert_eq!(&okta(&server, &payload).await, expected, "{most} of {lifetime}");
    }
    let server = saying("token: { lifetime: 3600 }");
    for untold in ["/data/access/token", "/data/access/token/lifetime", LIFETIME] {
        let payload = changed(okta_workload(), untold, Value::Null);
        assert_eq!(okta(&server, &payload).await, refused, "{untold}");
    }
    let no_access = changed(okta_workload(), "/data/access", Value::Null);
    assert_eq!(okta(&server, &no_access).await, json!({}));
    let metrics = server.operator().await.get("/metrics").await.text;
    assert!(metrics.contains(r#"doorward_undeliverable_allows_total{surface="hook"} 3"#), "{metrics}");
}

/// Those of Okta's list of reserved claims and of its list of an access token's own that policies can state. One of them
/// undid the whole answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_claim_that_okta_reserves_is_added() {
    const RESERVED: [&str; 51] = [
        "acr",
        "active",
        "aid",
        "amr",
        "app_id",
        "app_type",
        "as_uri",
        "at_hash",
        "auth_time",
        "c_hash",
        "cid",
        "client_ip",
        "client_req_id",
        "client_type",
        "client_user_agent",
        "device_compliance",
        "device_id",
        "device_known",
        "device_managed",
        "device_name",
        "device_trust",
        "did",
        "dst",
        "group",
        "groups",
        "hotk",
        "idp",
        "idp_iss",
        "mac_key",
        "nonce",
        "oid",
        "okta_emailVerified",
        "okta_lastUpdated",
        "orig",
        "permissions",
        "purpose",
        "pwd_exp_days",
        "pwd_exp_time",
        "rid",
        "role",
        "rpt",
        "rsi",
        "scopes",
        "scp",
        "sid",
        "term",
        "token_type",
        "uid",
        "user_ip",
        "username",
        "ver",
    ];
    // Policies that state one each: all of them for the usual audience, a critical one for the audience of its name.
    let stating = |name: &str, audience: &str, critical: &str| {
        let file = format!("{name}{critical}");
        let token = format!("token: {{ claims: {{ {name}: [a], ca_tags: [a] }}, critical: [{critical}] }}");
        (format!("{file}.yaml"), policy(&file, &format!("when: resource.target.id == \"{audience}\"\n{token}")))
    };
    let policies = RESERVED.map(|name| [stating(name, "https://api", ""), stating(name, name, name)]);
    let server = Server::of(policies.into_iter().flatten(), open(ALL));
    let added = json!([{ "op": "add", "path": "/claims/ca_tags", "value": ["a"] }]);
    let answer = okta(&server, &okta_workload()).await;
    assert_eq!(answer, json!({ "commands": [{ "type": "com.okta.access.patch", "value": added }] }));
    for name in RESERVED {
        let payload = changed(okta_workload(), "/data/access/claims/aud", json!(name));
        assert_eq!(okta(&server, &payload).await, json!({ "error": { "errorSummary": BLOCKED } }), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_hook_issues_a_token_for_which_something_is_owed() {
    let server = saying("obligations: [{ type: notification, topic: sign-in }]");
    let answer = post(&server, HYDRA, &[], &workload().to_string()).await;
    assert_eq!((answer.status.as_u16(), &*reason(&answer)), (403, "invalid_grant"));
    assert!(okta(&server, &okta_workload()).await["error"].is_object());
    assert_eq!(zitadel(&server, &zitadel_machine()).await["forwardedStatusCode"], json!(403));
    let metrics = server.operator().await.get("/metrics").await.text;
    assert!(metrics.contains(r#"doorward_undeliverable_allows_total{surface="hook"} 3"#), "{metrics}");
}
