//! What becomes of the members of a question: which facts they are, and what is wrong with them.

use serde_json::{Value, json};

use crate::server::EVALUATION;
use crate::support::http::changed;
use crate::support::server::Server;

/// A bundle with one policy that blocks when `condition` holds, for users and workloads of any kind.
fn blocking(condition: &str) -> Server {
    with_types(condition, "")
}

fn with_types(condition: &str, settings: &str) -> Server {
    let policy = format!("@id(\"blocked\")\nforbid (principal, action, resource)\nwhen {{ {condition} }};\n");
    let files = [("policy.cedar", policy), ("bundle.yaml", format!("revision: one\n{settings}eligibility: all\n"))];
    Server::start(files, "{ verbose: true }")
}

fn user() -> Value {
    json!({
        "subject": { "type": "user", "id": "alice" },
        "action": { "name": "read" },
        "resource": { "type": "record", "id": "1" },
    })
}

/// That the condition holds for each of `these` and for none of `others`.
async fn check(condition: &str, these: &[Value], others: &[Value]) {
    let server = blocking(condition);
    for body in these {
        let answer = server.ask(EVALUATION, body).await;
        assert_eq!(answer["context"]["ca"]["policies"], json!(["blocked"]), "{condition}: {body}: {answer}");
    }
    for body in others {
        let answer = server.ask(EVALUATION, body).await;
        assert_eq!(answer["decision"], json!(true), "{condition}: {body}: {answer}");
    }
}

fn because(answer: &Value) -> (&str, &str) {
    let context = &answer["context"];
    (context["reasons"][0]["code"].as_str().unwrap(), context["reason_admin"]["400"].as_str().unwrap())
}

#[tokio::test]
async fn entities_are_identity_action_and_target_byte_for_byte() {
    let other = |pointer, value: &str| changed(user(), pointer, json!(value));
    check("principal.id == \"alice\"", &[user()], &[other("/subject/id", "Alice"), other("/subject/id", "bob")]).await;
    check("context.action == \"read\"", &[user()], &[other("/action/name", "READ")]).await;
    check("resource.target.type == \"record\"", &[user()], &[other("/resource/type", "Record")]).await;
    check("resource.target.id == \"1\"", &[user()], &[other("/resource/id", "1 ")]).await;
    let app = |kind: &str| changed(other("/resource/type", kind), "/resource/id", json!("https://api.example"));
    check(
        "resource.appIds.contains(\"https://api.example\")",
        // Of anything else nobody said which application it is.
        &[app("audience"), app("application"), app("route")],
        &[changed(app("audience"), "/resource/id", json!("https://other.example"))],
    )
    .await;
    check("resource.target.id == \"https://api.example\"", &[app("audience")], &[user()]).await;
}

#[tokio::test]
async fn types_of_subjects_are_kinds_of_identity() {
    let of = |kind: &str| changed(user(), "/subject/type", json!(kind));
    for (cedar, kinds) in [
        ("User", &["user", "person"][..]),
        ("ServicePrincipal", &["client", "workload", "servicePrincipal"]),
        ("ManagedIdentity", &["managedIdentity", "vm"]),
        ("AgentIdentity", &["agentIdentity"]),
        ("AgentUser", &["agentUser"]),
    ] {
        let server =
            with_types(&format!("principal is {cedar}"), "subjectTypes: { person: user, vm: managedIdentity }\n");
        for kind in [
            "user",
            "person",
            "client",
            "workload",
            "servicePrincipal",
            "managedIdentity",
            "vm",
            "agentIdentity",
            "agentUser",
        ] {
            assert_eq!(server.decision(&of(kind)).await, !kinds.contains(&kind), "{cedar} {kind}");
        }
    }
    let settings = "subjectTypes: { client: user }\n";
    assert!(
        !with_types("principal is User", settings).decision(&of("client")).await,
        "a bundle may mean something else"
    );
}

#[tokio::test]
async fn an_unknown_type_of_subject_is_denied_and_says_so() {
    // A bundle that blocks nobody else.
    let server = blocking("principal.id == \"nobody\"");
    for kind in ["robot", "User", "USER", "identity", ""] {
        let answer = server.ask(EVALUATION, &changed(user(), "/subject/type", json!(kind))).await;
        assert_eq!(answer["decision"], json!(false), "{kind}");
        let (code, told) = because(&answer);
        assert_eq!(code, "input_invalid");
        assert!(told.contains("`subject.type`"), "{told}");
    }
    assert!(server.decision(&user()).await);
}

#[tokio::test]
async fn properties_are_attributes_named_by_their_entity_and_context_is_plain() {
    for (pointer, name) in [
        ("/subject/properties/x", "subject.x"),
        ("/resource/properties/x", "resource.x"),
        ("/action/properties/x", "action.x"),
        ("/context/x", "x"),
        ("/context/network/asn", "network.asn"),
        ("/context/risk/source", "risk.source"),
    ] {
        let body = |value: Value| changed(user(), pointer, value);
        for (part, value, other, literal) in [
            ("text", json!("a"), json!("b"), "\"a\""),
            ("number", json!(7), json!(8), "7"),
            ("flag", json!(true), json!(false), "true"),
            ("texts", json!(["a", "b"]), json!(["a"]), "[\"a\", \"b\"]"),
        ] {
            let attribute = format!("context.attributes.{part}");
            let condition = format!("{attribute}.hasTag(\"{name}\") && {attribute}.getTag(\"{name}\") == {literal}");
            // What is missing or of another type is unknown, and unknown counts as matched.
            let unknown = [user(), body(json!(null)), body(json!({})), body(json!(1.5))];
            let these: Vec<_> = [body(value)].into_iter().chain(unknown).collect();
            check(&condition, &these, &[body(other)]).await;
        }
    }
}

#[tokio::test]
async fn a_fact_that_is_said_twice_and_differently_is_a_conflict() {
    let server = blocking("principal.id == \"nobody\"");
    for (one, other) in [
        (("/context/ip", json!("192.0.2.1")), ("/context/ip_address", json!("192.0.2.2"))),
        (("/context/ip", json!("192.0.2.1")), ("/subject/properties/ip_address", json!("192.0.2.2"))),
        (("/context/ip", json!("192.0.2.1")), ("/subject/properties/ip_address", json!("no address"))),
        (("/context/device_id", json!("a")), ("/subject/properties/device_id", json!("b"))),
        (("/context/subject.role", json!("a")), ("/subject/properties/role", json!("a"))),
        (("/context/network/asn", json!(1)), ("/context/network.asn", json!(1))),
    ] {
        let body = changed(changed(user(), one.0, one.1), other.0, other.1);
        let answer = server.ask(EVALUATION, &body).await;
        assert_eq!((&answer["decision"], because(&answer).0), (&json!(false), "input_conflict"), "{body}");
    }
    let same = changed(user(), "/context/ip", json!("::ffff:192.0.2.1"));
    assert!(server.decision(&changed(same, "/subject/properties/ip_address", json!("192.0.2.1"))).await);
}

#[tokio::test]
async fn a_fact_that_cannot_be_used_is_denied_by_its_name_and_never_missing() {
    // `missingIp: outsideAll` would let a request without an address through.
    let server = with_types("context.risk.user == \"high\"", "missingIp: outsideAll\n");
    for (pointer, value, field) in [
        ("/context/ip", json!("192.0.2.1/24"), "context.ip"),
        ("/context/ip", json!(7), "context.ip"),
        ("/context/ip", json!(""), "context.ip"),
        ("/context/ip_address", json!("192.0.2.01"), "context.ip"),
        ("/subject/properties/ip_address", json!([]), "subject.properties.ip_address"),
        ("/context/network", json!("10.0.0.0"), "context.network"),
        ("/context/network/country", json!("Germany"), "context.network.country"),
        ("/context/network/country", json!(49), "context.network.country"),
        ("/context/risk", json!("high"), "context.risk"),
        ("/context/risk/level", json!("severe"), "context.risk.level"),
        ("/context/risk/level", json!(3), "context.risk.level"),
        ("/context/client_id", json!(7), "context.client_id"),
        ("/context/auth_time", json!("yesterday"), "context.auth_time"),
        ("/context/auth_time", json!(1.5), "context.auth_time"),
        ("/context/subject_token_type", json!({}), "context.subject_token_type"),
        ("/context/actor_token_type", json!([]), "context.actor_token_type"),
        ("/context/user_agent", json!(true), "context.user_agent"),
        ("/context/client_id", json!(""), "context.client_id"),
        ("/context/amr", json!("pwd"), "context.amr"),
        ("/context/amr", json!(["pwd", 1]), "context.amr"),
        ("/context/acr", json!(1), "context.acr"),
        ("/context/device_id", json!(1), "context.device_id"),
        ("/subject/id", json!(""), "subject.id"),
        ("/action/name", json!(""), "action.name"),
        ("/action/name", json!("x".repeat(257)), "action.name"),
        ("/resource/type", json!(""), "resource.type"),
        ("/resource/id", json!("x".repeat(2049)), "resource.id"),
    ] {
        let answer = server.ask(EVALUATION, &changed(user(), pointer, value)).await;
        assert_eq!(answer["decision"], json!(false), "{pointer}");
        let (code, told) = because(&answer);
        assert_eq!(code, "input_invalid", "{pointer}");
        assert!(told.contains(&format!("`{field}`")), "{pointer}: {told}");
    }
    // A workload's client was any value, and a condition on the text `client_id` found none.
    let workload = changed(user(), "/subject", json!({ "type": "workload", "id": "ledger" }));
    let answer = server.ask(EVALUATION, &changed(workload, "/context/client_id", json!(7))).await;
    assert_eq!((&answer["decision"], because(&answer).0), (&json!(false), "input_invalid"), "{answer}");
    assert!(server.decision(&changed(user(), "/context/auth_time", json!(1_760_000_000))).await);
    assert!(server.decision(&user()).await, "without context everything is decided");
}

#[tokio::test]
async fn addresses_countries_clients_and_devices_are_typed_facts() {
    let at = |pointer, value: &str| changed(user(), pointer, json!(value));
    let places = ["/context/ip", "/context/ip_address", "/subject/properties/ip_address"];
    let these: Vec<_> = places.iter().flat_map(|at_| [at(at_, "192.0.2.7"), at(at_, "::ffff:192.0.2.7")]).collect();
    let others: Vec<_> = places.iter().map(|at_| at(at_, "198.51.100.7")).collect();
    check("context.network.ipAddress.isInRange(ip(\"192.0.2.0/24\"))", &these, &others).await;
    let country = "/context/network/country";
    check("context.network.country == \"DE\"", &[at(country, "DE"), at(country, "de")], &[at(country, "FR")]).await;
    check(
        "principal is User && principal.appId == \"app\"",
        &[at("/context/client_id", "app")],
        &[at("/context/client_id", "other")],
    )
    .await;
    for pointer in ["/context/device_id", "/subject/properties/device_id"] {
        check("context.device.isRegistered", &[at(pointer, "d1")], &[user()]).await;
        let condition = "context.device has deviceId && context.device.deviceId == \"d1\"";
        check(condition, &[at(pointer, "D1")], &[at(pointer, "d2"), user()]).await;
    }
}

#[tokio::test]
async fn a_level_of_risk_is_that_of_the_kind_of_identity() {
    for (kind, facts) in [
        ("user", &["user", "signIn"][..]),
        ("client", &["servicePrincipal"]),
        ("managedIdentity", &["servicePrincipal"]),
        ("agentIdentity", &["agent"]),
        ("agentUser", &["user", "signIn", "agent"]),
    ] {
        for fact in ["user", "signIn", "servicePrincipal", "agent"] {
            let server = blocking(&format!("context.risk.{fact} == \"high\""));
            for (level, is_high) in [("high", true), ("HIGH", true), ("medium", false), ("none", false)] {
                let body = changed(changed(user(), "/subject/type", json!(kind)), "/context/risk/level", json!(level));
                assert_eq!(server.decision(&body).await, !(is_high && facts.contains(&fact)), "{kind} {fact} {level}");
            }
        }
    }
}

#[tokio::test]
async fn texts_for_administrators_are_told_only_where_the_operator_says_so() {
    let bundle = || {
        let policy = "displayName: Nobody\nid: p-1\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [block] }\n";
        [("policy.yaml", policy.to_owned())]
    };
    let quiet = Server::start(bundle(), "{}").ask(EVALUATION, &user()).await;
    assert_eq!(quiet, json!({ "decision": false }));
    let verbose = Server::start(bundle(), "{ verbose: true }").ask(EVALUATION, &user()).await;
    let context = &verbose["context"];
    assert_eq!(context["reasons"], json!([{ "policy": "p-1", "code": "blocked_by_policy" }]));
    assert_eq!(context["reason_admin"], json!({ "403": "blocked_by_policy: Nobody" }));
    assert_eq!(context["ca"], json!({ "policies": ["p-1"], "report_only": [] }));
    let revision = context["revision"].as_str().unwrap();
    assert!(revision.starts_with("bundle@") && revision.len() > "bundle@".len(), "{context}");
}
