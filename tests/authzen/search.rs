//! Searches: what is found, page by page, and what is refused.

use doorward::limits;
use serde_json::{Value, json};

use crate::server::{ACTIONS, EVALUATION, RESOURCES, SUBJECTS, question};
use crate::support::http::changed;
use crate::support::server::Server;

#[tokio::test]
async fn a_result_is_what_an_evaluation_allows_and_nothing_else() {
    let server = Server::certification("{}");
    for action in ["read", "write", "delete", "fly"] {
        for resource in ["record-1", "record-2", "record-3"] {
            let mut allowed = Vec::new();
            for subject in ["alice", "bob"] {
                if server.decision(&question(subject, action, resource)).await {
                    allowed.push(json!({ "type": "user", "id": subject }));
                }
            }
            let body = changed(question("x", action, resource), "/subject", json!({ "type": "user" }));
            assert_eq!(server.ask(SUBJECTS, &body).await["results"], json!(allowed), "{action} {resource}");
        }
    }
}

#[tokio::test]
async fn unknown_names_find_nothing_and_stray_ones_are_not_looked_at() {
    let server = Server::certification("{}");
    let fine = question("alice", "read", "record-1");
    let nothing = json!({ "page": { "next_token": "", "count": 0, "total": 0 }, "results": [] });
    for (path, pointer, value) in [
        (SUBJECTS, "/subject/type", json!("robot")),
        (SUBJECTS, "/resource/id", json!("record-9")),
        (SUBJECTS, "/resource/type", json!("folder")),
        (SUBJECTS, "/action/name", json!("fly")),
        (RESOURCES, "/subject/id", json!("mallory")),
        (RESOURCES, "/subject/type", json!("robot")),
        (RESOURCES, "/resource/type", json!("folder")),
        (ACTIONS, "/subject/id", json!("mallory")),
        (ACTIONS, "/resource/type", json!("folder")),
        (SUBJECTS, "/context/ip", json!("no address")),
    ] {
        assert_eq!(server.ask(path, &changed(fine.clone(), pointer, value)).await, nothing, "{path} {pointer}");
    }
    let both = json!({ "page": { "next_token": "", "count": 2, "total": 2 },
        "results": [{ "type": "user", "id": "alice" }, { "type": "user", "id": "bob" }] });
    for id in [json!("bob"), json!("nobody"), json!(7)] {
        assert_eq!(server.ask(SUBJECTS, &changed(fine.clone(), "/subject/id", id)).await, both);
    }
    let actions = server.ask(ACTIONS, &changed(fine.clone(), "/action", json!(null))).await;
    assert_eq!(server.ask(ACTIONS, &changed(fine, "/action", json!({ "name": "write" }))).await, actions);
    assert_eq!(actions["results"], json!([{ "name": "read" }, { "name": "write" }]));
}

/// A bundle that lets everybody read found everything for a subject that nobody knows, and all subjects for a resource that
/// there is not.
#[tokio::test]
async fn who_is_not_in_the_catalogue_is_not_found_out_about_though_everybody_may() {
    let catalogue = "entities:
  subjects: [{ type: user, id: alice }]
  resources: [{ type: record, id: record-1 }]
  actions: [{ name: read }, { name: 'issue:access_token:device_code' }]
";
    let server = Server::start([("entities.yaml", catalogue.to_owned())], "{}");
    let fine = question("alice", "read", "record-1");
    let count = async |path, body: &Value| server.ask(path, body).await["page"]["total"].as_u64().unwrap();
    for (path, pointers, found) in [
        (SUBJECTS, &["/action/name", "/resource/id", "/resource/type"][..], 1),
        (RESOURCES, &["/subject/id", "/action/name"], 1),
        (ACTIONS, &["/subject/id", "/resource/id", "/resource/type"], 2),
    ] {
        assert_eq!(count(path, &fine).await, found, "{path}");
        for pointer in pointers {
            let body = changed(fine.clone(), pointer, json!("unheard-of"));
            assert!(server.decision(&body).await, "{pointer}: everybody may");
            assert_eq!(count(path, &body).await, 0, "{path} {pointer}");
        }
    }
    // A gate is known by its name; and of a kind of which the catalogue lists nothing, nobody has said what there is.
    let gate = changed(fine.clone(), "/action/name", json!("issue:access_token:client_credentials"));
    assert_eq!(count(SUBJECTS, &gate).await, 1);
    let workload = changed(fine, "/subject", json!({ "type": "workload", "id": "ledger" }));
    assert_eq!(count(ACTIONS, &workload).await, 2);
}

#[tokio::test]
async fn properties_of_the_question_count_for_every_candidate() {
    let server = Server::certification("{}");
    let body = json!({
        "subject": { "type": "user", "id": "bob" },
        "action": { "name": "write" },
        "resource": { "type": "record", "properties": { "status": "archived" } },
    });
    let found = server.ask(RESOURCES, &body).await["results"].clone();
    assert_eq!(found, json!([{ "type": "record", "id": "record-1" }, { "type": "record", "id": "record-2" }]));
}

#[tokio::test]
async fn what_is_missing_is_a_bad_request() {
    let server = Server::certification("{}");
    let fine = question("alice", "read", "record-1");
    for (path, pointers) in [
        (SUBJECTS, &["/subject", "/subject/type", "/action", "/action/name", "/resource", "/resource/id"][..]),
        (RESOURCES, &["/subject", "/subject/id", "/action", "/resource", "/resource/type"]),
        (ACTIONS, &["/subject", "/subject/id", "/resource", "/resource/id"]),
    ] {
        for pointer in pointers {
            let answer = server.post(path, &changed(fine.clone(), pointer, json!(null))).await;
            assert_eq!(answer.status, 400, "{path} {pointer}: {}", answer.text);
        }
        for (pointer, value) in [
            ("/page", json!(7)),
            ("/page/limit", json!(0)),
            ("/page/limit", json!(-1)),
            ("/page/limit", json!(1.5)),
            ("/page/limit", json!("1")),
            ("/page/token", json!(1)),
            ("/page/token", json!("1")),
            ("/page/token", json!("1-00000000000000000000000000000000")),
            ("/page/token", json!("x".repeat(limits::SEARCH_TOKEN_BYTES_MAX + 1))),
        ] {
            assert_eq!(server.post(path, &changed(fine.clone(), pointer, value)).await.status, 400, "{path} {pointer}");
        }
    }
}

fn crowd(count: usize) -> Server {
    let subjects: Vec<_> = (0..count)
        .map(|number| json!({ "type": "user", "id": format!("u{number}"), "properties": { "odd": number % 2 == 1 } }))
        .collect();
    let entities = json!({ "entities": { "subjects": subjects, "resources": [{ "type": "door", "id": "front" }] } });
    let policy = "@id(\"odd\")\nforbid (principal, action, resource)\nunless { context.attributes.flag.hasTag(\"subject.odd\") && context.attributes.flag.getTag(\"subject.odd\") };\n";
    Server::start([("entities.json", entities.to_string()), ("odd.cedar", policy.to_owned())], "{}")
}

fn who() -> Value {
    json!({ "subject": { "type": "user" }, "action": { "name": "open" }, "resource": { "type": "door", "id": "front" } })
}

/// Follows pages; gives the ids and how many pages there were.
async fn follow(server: &Server, mut body: Value, first: Value, omits_limit: bool) -> (Vec<String>, usize) {
    let (mut ids, mut pages) = (Vec::new(), 0);
    body["page"] = first;
    loop {
        let answer = server.ask(SUBJECTS, &body).await;
        let results = answer["results"].as_array().unwrap();
        assert_eq!(answer["page"]["count"], json!(results.len()));
        ids.extend(results.iter().map(|result| result["id"].as_str().unwrap().to_owned()));
        pages += 1;
        let token = answer["page"]["next_token"].as_str().unwrap().to_owned();
        if token.is_empty() {
            return (ids, pages);
        }
        body["page"]["token"] = json!(token);
        if omits_limit {
            body["page"].as_object_mut().unwrap().remove("limit");
        }
    }
}

#[tokio::test]
async fn pages_lead_to_every_result_once_and_the_last_is_known_to_be_the_last() {
    let server = crowd(20);
    let all: Vec<_> = (0..10).map(|number| format!("u{}", 2 * number + 1)).collect();
    for (limit, pages) in [(1, 10), (3, 4), (5, 2), (10, 1), (100, 1), (5_000_000, 1)] {
        assert_eq!(follow(&server, who(), json!({ "limit": limit }), false).await, (all.clone(), pages), "{limit}");
    }
    assert_eq!(follow(&server, who(), json!({ "limit": 3 }), true).await, (all.clone(), 2), "a follow-up may omit it");
    assert_eq!(follow(&server, who(), json!({ "token": "" }), false).await, (all, 1));
}

#[tokio::test]
async fn a_page_ends_when_enough_was_tried() {
    let server = crowd(limits::SEARCH_TRIED_MAX + 2);
    let (ids, pages) = follow(&server, who(), json!({ "limit": limits::SEARCH_PAGE_MAX }), false).await;
    assert_eq!(ids.len(), (limits::SEARCH_TRIED_MAX + 2) / 2);
    assert!(pages > ids.len() / limits::SEARCH_PAGE_MAX);
    let strict = changed(who(), "/subject/properties", json!({ "odd": "no" }));
    let (ids, pages) = follow(&server, strict, json!({}), false).await;
    assert_eq!((ids.len(), pages), (0, 2), "a page without results leads on all the same");
}

#[tokio::test]
async fn a_token_is_of_one_question_and_one_bundle() {
    let server = crowd(20);
    let first = server.ask(SUBJECTS, &changed(who(), "/page/limit", json!(1))).await;
    let token = first["page"]["next_token"].clone();
    let next = changed(who(), "/page/token", token.clone());
    assert_eq!(server.post(SUBJECTS, &next).await.status, 200);
    for (pointer, value) in [
        ("/action/name", json!("close")),
        ("/resource/id", json!("back")),
        ("/subject/type", json!("client")),
        ("/subject/properties", json!({ "odd": true })),
    ] {
        assert_eq!(server.post(SUBJECTS, &changed(next.clone(), pointer, value)).await.status, 400, "{pointer}");
    }
    let same = changed(changed(next.clone(), "/subject/id", json!("u1")), "/page/limit", json!(2));
    assert_eq!(server.post(SUBJECTS, &same).await.status, 200, "what is not looked at changes nothing");
    let before = server.ask(EVALUATION, &changed(who(), "/subject/id", json!("u1"))).await;
    assert_eq!(before, json!({ "decision": true }));
    server.activate("two", [("bundle.yaml", "revision: two\n")]);
    let answer = server.post(SUBJECTS, &next).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("page.token"), "{}", answer.text);
}

#[tokio::test]
async fn service_principals_of_the_catalogue_are_found_by_every_type_that_means_them() {
    let principals = "servicePrincipals:\n\
        - { id: cccccccc-0000-4000-8000-000000000001, displayName: One, servicePrincipalType: Application }\n\
        - { id: cccccccc-0000-4000-8000-000000000002, displayName: Two, servicePrincipalType: ManagedIdentity }\n\
        - { id: cccccccc-0000-4000-8000-000000000003, displayName: Three, servicePrincipalType: Application }\n\
        entities: { subjects: [{ type: client, id: CCCCCCCC-0000-4000-8000-000000000003 }] }\n";
    let policy = "@id(\"none\")\nforbid (principal is User, action, resource);\n";
    let server = Server::start([("all.yaml", principals.to_owned()), ("none.cedar", policy.to_owned())], "{}");
    for (kind, expected) in [
        ("client", &["CCCCCCCC-0000-4000-8000-000000000003", "cccccccc-0000-4000-8000-000000000001"][..]),
        ("workload", &["cccccccc-0000-4000-8000-000000000001", "cccccccc-0000-4000-8000-000000000003"]),
        ("managedIdentity", &["cccccccc-0000-4000-8000-000000000002"]),
        ("user", &[]),
    ] {
        let answer = server.ask(SUBJECTS, &changed(who(), "/subject/type", json!(kind))).await;
        let ids: Vec<_> = answer["results"].as_array().unwrap().iter().map(|result| result["id"].clone()).collect();
        assert_eq!(json!(ids), json!(expected), "{kind}");
    }
}

#[tokio::test]
async fn the_larger_a_question_the_fewer_entities_one_page_tries() {
    let server = crowd(limits::SEARCH_TRIED_MAX);
    let context: serde_json::Map<_, _> = (0..20_000).map(|number| (format!("k{number}"), json!(1))).collect();
    let answer = server.ask(SUBJECTS, &changed(who(), "/context", context.into())).await;
    // Each entity is decided with the whole question.
    let most = limits::SEARCH_BYTES_MAX / 200_000;
    let token = answer["page"]["next_token"].as_str().unwrap();
    let tried: usize = token.split('-').next().unwrap().parse().unwrap();
    assert!((1..=most).contains(&tried), "{answer}");
    assert_eq!(answer["page"]["count"], tried / 2);
}
