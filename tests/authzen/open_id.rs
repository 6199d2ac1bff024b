//! OpenID scopes among others: beside a scope of an application that the token is sure to be left with they are a part of
//! the request for it, otherwise a request for the directory.

use serde_json::{Value, json};

use crate::issuance::{API, CODE, everybody, gate, issue, policy};
use crate::server::{ACTIONS, EVALUATION, EVALUATIONS};
use crate::support::http::changed;
use crate::support::server::Server;

const BLOCK: &str = "grantControls: { operator: OR, builtInControls: [block] }";
const OTHER: &str = "https://other.example";
const EXCHANGE: &str = "issue:access_token:token_exchange";

/// A policy for all resources but these.
fn but(excluded: &str, controls: &str) -> String {
    let all = "includeApplications: [All]";
    everybody(controls).replace(all, &format!("{all}, excludeApplications: [{excluded}]"))
}

/// A policy that refuses one action.
fn refuses(action: &str) -> String {
    everybody(&format!("{BLOCK}\nwhen: context.action == \"{action}\""))
}

/// With a policy that blocks everything but the API, and others.
fn server(more: &[(&str, String)], settings: &str) -> Server {
    but_with(&but(&format!("'{API}'"), BLOCK), more, settings)
}

fn but_with(first: &str, more: &[(&str, String)], settings: &str) -> Server {
    let all = std::iter::once(("but", first)).chain(more.iter().map(|(name, text)| (*name, &**text)));
    let files: Vec<_> = all.map(|(name, text)| (format!("{name}.yaml"), policy(name, text))).collect();
    Server::start(files.iter().map(|(name, text)| (name.as_str(), text.clone())), settings)
}

/// The decisions, in order.
fn told(answer: &Value) -> Vec<bool> {
    let all = answer["evaluations"].as_array().unwrap_or_else(|| panic!("{answer}"));
    all.iter().map(|one| one["decision"] == true).collect()
}

/// Of a call for the API, whether the gate is open and which scopes are allowed.
async fn left<'s>(server: &Server, scopes: &[&'s str]) -> (bool, Vec<&'s str>) {
    let answer = server.ask(EVALUATIONS, &issue(scopes)).await;
    let (gate, each) = told(&answer).split_first().map(|(gate, each)| (*gate, each.to_vec())).unwrap();
    assert_eq!(each.len(), scopes.len(), "{answer}");
    (gate, scopes.iter().zip(each).filter(|(_, is_left)| *is_left).map(|(scope, _)| *scope).collect())
}

/// `openid` was always a request for the directory: a client of an application that a policy for all resources excludes got
/// its token from token hooks, and over AuthZEN one without `openid`.
#[tokio::test]
async fn open_id_scopes_are_decided_together_with_the_scopes_that_are_left_and_alone_without() {
    let server = server(&[("erase", refuses("erase")), ("address", refuses("email"))], "{}");
    for (scopes, expected) in [
        (&["read"][..], (true, &["read"][..])),
        (&["openid"], (false, &[])),
        (&["openid", "profile", "offline_access"], (false, &[])),
        (&["openid", "read"], (true, &["openid", "read"])),
        (&["read", "openid"], (true, &["read", "openid"])),
        (&["openid", "profile", "read", "offline_access"], (true, &["openid", "profile", "read", "offline_access"])),
        (
            &["OpenID", "https://graph.microsoft.com/profile", "read"],
            (true, &["OpenID", "https://graph.microsoft.com/profile", "read"]),
        ),
        // A scope that is refused is none that it stands beside, and another one is.
        (&["openid", "erase"], (true, &[])),
        (&["openid", "erase", "read"], (true, &["openid", "read"])),
        // What is about itself still refuses it, and nothing else.
        (&["openid", "email", "read"], (true, &["openid", "read"])),
        // Other baseline scopes are permissions of their own: alone, and no application's.
        (&["openid", "User.Read"], (false, &[])),
        (&["openid", "User.Read", "read"], (true, &["openid", "read"])),
    ] {
        let expected = (expected.0, expected.1.to_vec());
        assert_eq!(left(&server, scopes).await, expected, "{scopes:?}");
    }
}

#[tokio::test]
async fn what_stands_beside_it_takes_open_id_out_of_no_policy_about_the_application() {
    let graph = "00000003-0000-0000-c000-000000000000";
    let only =
        |app: &str| everybody(BLOCK).replace("includeApplications: [All]", &format!("includeApplications: ['{app}']"));
    let directory = "00000002-0000-0000-c000-000000000000";
    for (resource, policies, scopes, expected) in [
        (API, everybody(BLOCK), &["openid", "read"][..], &[false, false, false][..]),
        (API, but(&format!("'{OTHER}'"), BLOCK), &["openid", "read"], &[false, false, false]),
        (API, only(API), &["openid", "read"], &[false, false, false]),
        // Of Microsoft Graph they are the directory's when nothing but baseline scopes is left, otherwise Graph's.
        (graph, but(graph, BLOCK), &["openid", "Mail.Read"], &[true, true, true]),
        (graph, but(graph, BLOCK), &["openid", "User.Read"], &[false, false, false]),
        (graph, only(graph), &["openid", "Mail.Read"], &[false, true, false]),
        (graph, only(directory), &["openid", "User.Read"], &[false, false, false]),
        (graph, only(directory), &["openid", "Mail.Read"], &[true, true, true]),
    ] {
        let server = but_with(&policies, &[], "{}");
        let answer = server.ask(EVALUATIONS, &changed(issue(scopes), "/resource/id", json!(resource))).await;
        assert_eq!(told(&answer), expected, "{resource} {scopes:?}: {policies}");
    }
}

/// An item of a call for the API: its action, and what is not like in the others.
fn item(action: &str, other: Value) -> Value {
    let mut item = json!({ "action": { "name": action } });
    item.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    item
}

/// An item at a resource.
fn at(audience: &str, action: &str) -> Value {
    item(action, json!({ "resource": { "type": "audience", "id": audience } }))
}

/// An item for a subject.
fn of(subject: &str, action: &str) -> Value {
    item(action, json!({ "subject": { "type": "user", "id": subject } }))
}

#[tokio::test]
async fn a_scope_stands_beside_open_id_only_if_the_token_is_sure_to_be_left_with_it() {
    let third = "https://third.example";
    let files = [
        (
            "erase",
            everybody(&format!("{BLOCK}\nwhen: context.action == \"read\" && resource.target.id == \"{third}\"")),
        ),
        ("bob", everybody(&format!("{BLOCK}\nwhen: context.action == \"read\" && principal.id == \"bob\""))),
        ("note", everybody("obligations: [{ type: session_termination }]\nwhen: context.action == \"noted\"")),
        (
            "seen",
            everybody(
                "obligations: [{ type: session_termination }]\nwhen: (context.action == \"seen\" || context.action == \"issue:refresh_token:authorization_code\")",
            ),
        ),
    ];
    let server = but_with(&but(&format!("'{API}', '{third}'"), BLOCK), &files, "{}");
    let plain = |action: &str| item(action, json!({}));
    let (stops, first) = ("deny_on_first_deny", "permit_on_first_permit");
    let other = "issue:refresh_token:authorization_code";
    for (claim, items, semantic, expected) in [
        (
            "an audience that is refused refuses no scope of another",
            vec![
                at(API, CODE),
                at(OTHER, CODE),
                at(API, "openid"),
                at(API, "read"),
                at(OTHER, "openid"),
                at(OTHER, "read"),
            ],
            "execute_all",
            &[true, false, true, true, false, false][..],
        ),
        (
            "nor does a scope of another audience stand beside it",
            vec![at(API, CODE), at(third, CODE), at(API, "openid"), at(third, "write")],
            "execute_all",
            &[false, true, false, true],
        ),
        (
            "of audiences that are left each lets the token have the scope",
            vec![
                at(API, CODE),
                at(third, CODE),
                at(API, "openid"),
                at(API, "write"),
                at(third, "write"),
                at(third, "openid"),
            ],
            "execute_all",
            &[true; 6],
        ),
        (
            "or nobody knows whether it has it",
            vec![
                at(API, CODE),
                at(third, CODE),
                at(API, "openid"),
                at(API, "read"),
                at(third, "read"),
                at(third, "openid"),
            ],
            "execute_all",
            &[true, true, false, true, false, false],
        ),
        (
            "of two parties both",
            vec![
                of("alice", EXCHANGE),
                of("bob", EXCHANGE),
                of("alice", "write"),
                of("bob", "write"),
                of("alice", "openid"),
                of("bob", "openid"),
            ],
            "execute_all",
            &[true; 6],
        ),
        (
            "not one of them",
            vec![
                of("alice", EXCHANGE),
                of("bob", EXCHANGE),
                of("alice", "read"),
                of("bob", "read"),
                of("alice", "openid"),
                of("bob", "openid"),
            ],
            "execute_all",
            &[true, true, true, false, false, false],
        ),
        (
            "a scope of somebody else is no scope of this token",
            vec![plain(CODE), of("bob", "write"), plain("openid")],
            "execute_all",
            &[true, true, false],
        ),
        (
            "nor is one under other circumstances",
            vec![plain(CODE), item("write", json!({ "context": { "ip": "192.0.2.1" } })), plain("openid")],
            "execute_all",
            &[true, true, false],
        ),
        (
            "an item that is no question may refuse any of them",
            vec![plain(CODE), plain("read"), plain("openid"), item("read", json!({ "resource": {} }))],
            "execute_all",
            &[true, true, false, false],
        ),
        (
            "who cannot give what is owed for a scope leaves it out",
            vec![plain(CODE), plain("noted"), plain("openid")],
            "execute_all",
            &[true, true, false],
        ),
        (
            "but there is no token without what is owed for the gate",
            vec![plain(other), plain("seen"), plain("openid")],
            "execute_all",
            &[true, true, true],
        ),
        (
            "for this audience, not for another",
            vec![plain(CODE), at(third, other), plain("seen"), plain("openid")],
            "execute_all",
            &[true, true, true, false],
        ),
        (
            "without a gate in front names are no scopes",
            vec![plain("openid"), plain("User.Read"), plain(CODE)],
            "execute_all",
            &[true; 3],
        ),
        ("who may stop early asks in order", vec![plain(CODE), plain("openid"), plain("read")], stops, &[true, false]),
        ("with what has been allowed before", vec![plain(CODE), plain("read"), plain("openid")], stops, &[true; 3]),
        (
            "an audience that is not asked about yet may refuse any of them",
            vec![at(API, CODE), at(API, "read"), at(API, "openid"), at(third, CODE), at(third, "read")],
            stops,
            &[true, true, false],
        ),
        ("and a permit ends it", vec![plain(CODE), plain("openid"), plain("read")], first, &[true]),
    ] {
        let mut body = gate(CODE);
        body["evaluations"] = json!(items);
        body["options"] = json!({ "evaluations_semantic": semantic });
        let answer = server.ask(EVALUATIONS, &body).await;
        assert_eq!(told(&answer), expected, "{claim}: {answer}");
    }
}

#[tokio::test]
async fn what_only_reports_neither_refuses_a_scope_nor_stands_in_the_way_of_open_id() {
    let report =
        |text: String| policy("but", &text).replace("state: enabled", "state: enabledForReportingButNotEnforced");
    let files = [
        ("but.yaml", report(but(&format!("'{API}'"), BLOCK))),
        ("read.yaml", report(refuses("read")).replace("but\n", "read\n")),
    ];
    let server = Server::start(files, "{ verbose: true }");
    let reported = |answer: &Value| -> Vec<Value> {
        let all = answer["evaluations"].as_array().unwrap();
        all.iter().map(|one| json!([one["decision"], one["context"]["ca"]["report_only"]])).collect()
    };
    let alone = server.ask(EVALUATIONS, &issue(&["openid"])).await;
    assert_eq!(reported(&alone), [json!([true, ["but"]]), json!([true, ["but"]])]);
    let beside = server.ask(EVALUATIONS, &issue(&["openid", "read"])).await;
    assert_eq!(reported(&beside), [json!([true, []]), json!([true, []]), json!([true, ["read"]])]);
}

#[tokio::test]
async fn who_is_refused_open_id_hears_why_and_who_has_it_lives_by_no_policy_about_the_directory() {
    let told = |answer: &Value, place: usize| {
        let ca = &answer["evaluations"][place]["context"]["ca"];
        json!([ca["policies"], ca["oauth_error"]["error"]])
    };
    let verbose = server(&[("erase", refuses("erase"))], "{ verbose: true }");
    let answer = verbose.ask(EVALUATIONS, &issue(&["openid", "erase"])).await;
    assert_eq!(told(&answer, 1), json!([["but"], "invalid_scope"]), "{answer}");
    assert_eq!(told(&answer, 2), json!([["erase"], "invalid_scope"]), "{answer}");
    let answer = verbose.ask(EVALUATIONS, &issue(&["openid", "read"])).await;
    assert_eq!(told(&answer, 1), json!([[], null]), "{answer}");
    let hourly = but(
        &format!("'{API}'"),
        "sessionControls: { signInFrequency: { isEnabled: true, type: hours, value: 1, frequencyInterval: timeBased } }",
    );
    let server = but_with(&hourly, &[], "{}");
    for (scopes, lifetime) in [(&["openid"][..], json!(3_600)), (&["openid", "read"], json!(null))] {
        let answer = server.ask(EVALUATIONS, &issue(scopes)).await;
        let issuance = &answer["evaluations"][0]["context"]["issuance"];
        assert_eq!(issuance["token_lifetime"], lifetime, "{scopes:?}: {answer}");
    }
}

#[tokio::test]
async fn where_the_token_service_chooses_the_scopes_nothing_is_sure_to_stand_beside_open_id() {
    let but = but(&format!("'{API}'"), BLOCK);
    let catalogue = "entities: { actions: [{ name: openid }, { name: read }] }\n";
    let server = Server::start([("but.yaml", policy("but", &but)), ("e.yaml", catalogue.to_owned())], "{}");
    let answer = server.ask(EVALUATION, &gate(CODE)).await;
    assert_eq!(answer["context"]["issuance"]["granted_scope"], json!("read"), "{answer}");
    // A search is about no token, so names of actions are no scopes.
    let answer = server.ask(ACTIONS, &gate(CODE)).await;
    assert_eq!(answer["results"], json!([{ "name": "openid" }, { "name": "read" }]), "{answer}");
}
