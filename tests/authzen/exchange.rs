//! Several gates in a call, the scopes that are left at each, and who exchanges whose tokens.

use serde_json::{Value, json};

use super::issuance::{CODE, everybody, gate, issue, policy};
use crate::server::{EVALUATION, EVALUATIONS};
use crate::support::http::changed;
use crate::support::server::Server;

#[tokio::test]
async fn in_an_exchange_both_gates_are_asked_and_the_shorter_life_counts() {
    let frequency = |who: &str, hours: u32| {
        format!(
            "conditions: {{ users: {{ includeUsers: [{who}] }}, applications: {{ includeApplications: [All] }} }}\nsessionControls: {{ signInFrequency: {{ isEnabled: true, type: hours, value: {hours}, frequencyInterval: timeBased }} }}"
        )
    };
    let cedar = "@id(\"no-ledger\")\nforbid (principal is ServicePrincipal, action, resource)\nwhen { principal.id == \"ledger\" };\n";
    let files = [
        ("a.yaml", policy("a", &frequency("alice", 8))),
        ("b.yaml", policy("b", &frequency("bob", 2))),
        ("c.cedar", cedar.to_owned()),
        ("bundle.yaml", "eligibility: all\n".to_owned()),
    ];
    let server = Server::start(files, "{}");
    let exchange = |actor: Value| {
        let mut body = gate("issue:access_token:token_exchange");
        body["evaluations"] = json!([{}, { "subject": actor }, { "action": { "name": "mail.read" } }]);
        body
    };
    let shaped = |seconds| json!({ "decision": true, "context": { "issuance": { "token_lifetime": seconds } } });
    let (yes, no) = (json!({ "decision": true }), json!({ "decision": false }));
    for (actor, expected) in [
        (json!({ "type": "user", "id": "bob" }), [shaped(7_200), yes.clone(), yes.clone()]),
        (json!({ "type": "user", "id": "carol" }), [shaped(28_800), yes.clone(), yes.clone()]),
        (json!({ "type": "client", "id": "ledger" }), [shaped(28_800), no, yes]),
    ] {
        assert_eq!(server.ask(EVALUATIONS, &exchange(actor)).await, json!({ "evaluations": expected }));
    }
}

/// The actions of the catalogue, some of which are scopes.
const ACTIONS: &str = "entities:\n  actions:\n  - { name: mail.read }\n  - { name: mail.send }\n  - { name: mail.delete }\n  \
                       - { name: 'issue:access_token:device_code' }\n  - { name: 'two words' }\n";
const NO_DELETE: &str = "@id(\"no-delete\")\nforbid (principal, action, resource)\n\
                         when { principal.id == \"alice\" && context.action == \"mail.delete\" };\n";
const NO_SEND: &str = "@id(\"no-send\")\nforbid (principal, action, resource)\n\
                       when { resource.target.id == \"https://other\" && context.action == \"mail.send\" };\n";

async fn granting() -> Server {
    let frequency = everybody(
        "sessionControls: { signInFrequency: { isEnabled: true, type: hours, value: 1, frequencyInterval: timeBased } }",
    );
    let policies = [NO_DELETE, NO_SEND].concat();
    Server::start(
        [("p.yaml", policy("hourly", &frequency)), ("q.cedar", policies), ("e.yaml", ACTIONS.to_owned())],
        "{}",
    )
}

#[tokio::test]
async fn of_a_token_without_scopes_those_are_named_that_policies_leave() {
    let server = granting().await;
    let issuance = |answer: &Value| answer["context"]["issuance"].clone();
    let alice = server.ask(EVALUATION, &gate(CODE)).await;
    assert_eq!(issuance(&alice), json!({ "granted_scope": "mail.read mail.send", "token_lifetime": 3_600 }));
    // Never more than each of them would get by itself.
    for (scope, allows) in [("mail.read", true), ("mail.send", true), ("mail.delete", false)] {
        assert_eq!(server.decision(&gate(scope)).await, allows, "{scope}");
    }
    let bob = server.ask(EVALUATION, &changed(gate(CODE), "/subject/id", json!("bob"))).await;
    assert_eq!(issuance(&bob), json!({ "token_lifetime": 3_600 }), "nothing is refused, so nothing is said");
    let scoped = server.ask(EVALUATIONS, &issue(&["mail.read"])).await;
    assert_eq!(issuance(&scoped["evaluations"][0]), json!({ "token_lifetime": 3_600 }), "the items say it");
    let malformed = changed(gate(CODE), "/evaluations", json!([{}, { "action": {} }]));
    let malformed = server.ask(EVALUATIONS, &malformed).await;
    let left = json!({ "token_lifetime": 3_600, "audience": ["https://api.example"] });
    assert_eq!(issuance(&malformed["evaluations"][0]), left, "what that item was about nobody knows");
}

#[tokio::test]
async fn of_several_gates_one_item_alone_names_the_scopes_that_are_left_at_each() {
    let server = granting().await;
    let other = json!({ "resource": { "type": "audience", "id": "https://other" } });
    let actor = json!({ "subject": { "type": "user", "id": "carol" } });
    let mut body = changed(gate(CODE), "/evaluations", json!([{}, actor, other]));
    let shaped = |scopes: &str| json!({ "decision": true, "context": { "issuance": { "granted_scope": scopes, "token_lifetime": 3_600 } } });
    let yes = json!({ "decision": true });
    let answer = server.ask(EVALUATIONS, &body).await;
    assert_eq!(answer, json!({ "evaluations": [shaped("mail.read"), yes, yes] }));
    body["subject"]["id"] = json!("dora");
    let answer = server.ask(EVALUATIONS, &body).await;
    assert_eq!(answer, json!({ "evaluations": [shaped("mail.read mail.delete"), yes, yes] }));
}

/// The scopes of the answer to a call with one gate, or of that to the first of several.
fn granted(answer: &Value) -> Vec<String> {
    let answer = answer.get("evaluations").map_or(answer, |answers| &answers[0]);
    let scopes = answer["context"]["issuance"]["granted_scope"].as_str().unwrap_or_else(|| panic!("{answer}"));
    scopes.split_terminator(' ').map(str::to_owned).collect()
}

/// Making a call larger must not get more scopes out of it.
#[tokio::test]
async fn a_call_that_is_too_large_to_try_all_scopes_grants_those_that_it_tried() {
    let actions: String = (0..30).map(|number| format!("  - {{ name: s{number} }}\n")).collect();
    let more = [("q.cedar", NO_DELETE.to_owned()), ("e.yaml", format!("{ACTIONS}{actions}"))];
    let server = Server::start(more, "{}");
    let large = |bytes| changed(gate(CODE), "/context/note", json!("x".repeat(bytes)));
    let all = granted(&server.ask(EVALUATION, &large(1_000)).await);
    assert_eq!((all.len(), &all[..3]), (32, &["mail.read".to_owned(), "mail.send".to_owned(), "s0".to_owned()][..]));
    for (bytes, tried) in [(100_000, 10), (200_000, 5)] {
        let few = granted(&server.ask(EVALUATION, &large(bytes)).await);
        assert_eq!(few, all[..tried - 1], "one of those that were tried is refused");
        let bob = changed(large(bytes), "/subject/id", json!("bob"));
        assert_eq!(granted(&server.ask(EVALUATION, &bob).await).len(), tried, "what is not tried is not granted");
    }
    let other =
        |number: usize| json!({ "resource": { "type": "audience", "id": format!("https://{number}") }, "context": {} });
    let many = changed(gate(CODE), "/evaluations", (0..100).map(other).collect());
    assert_eq!(granted(&server.ask(EVALUATIONS, &many).await), all[..2]);
}

/// A catalogue of more scopes than are tried said nothing, so that a scope which a policy refuses was granted.
#[tokio::test]
async fn of_a_catalogue_without_end_what_is_not_tried_is_not_granted() {
    let actions: String = (0..600).map(|number| format!("  - {{ name: s{number} }}\n")).collect();
    let server = Server::start([("q.cedar", NO_DELETE.to_owned()), ("e.yaml", format!("{ACTIONS}{actions}"))], "{}");
    let scopes = granted(&server.ask(EVALUATION, &gate(CODE)).await);
    assert!(!scopes.contains(&"mail.delete".to_owned()), "{scopes:?}");
    assert_eq!((scopes.len(), scopes.last().unwrap().as_str()), (255, "s252"));
}

/// A gate of the same subject, of whom more is said there, was left out, and the scopes that are refused at it stayed.
#[tokio::test]
async fn a_subject_is_the_same_at_every_gate_whatever_is_said_of_it() {
    let server = granting().await;
    let other = json!({
        "subject": { "type": "user", "id": "dora", "properties": { "x": 1 } },
        "resource": { "type": "audience", "id": "https://other" },
    });
    let body = changed(changed(gate(CODE), "/subject/id", json!("dora")), "/evaluations", json!([{}, other]));
    assert_eq!(granted(&server.ask(EVALUATIONS, &body).await), ["mail.read", "mail.delete"]);
}

/// A condition that an attribute holds a text.
fn is(name: &str, value: &str) -> String {
    format!("context.attributes.text.hasTag(\"{name}\") && context.attributes.text.getTag(\"{name}\") == \"{value}\"")
}

/// Conditions saw nothing of these objects, so no policy could tell who acts for whom.
#[tokio::test]
async fn conditions_see_who_acts_in_an_exchange_and_who_may() {
    let refuse = |id: &str, condition: String| {
        format!(
            "@id(\"{id}\")\nforbid (principal, action, resource) when {{ principal.id == \"{id}\" && {condition} }};\n"
        )
    };
    let cedar = [
        refuse("actor", is("act.sub", "helper")),
        refuse("chain", is("act.act.sub", "helper")),
        refuse("may", is("may_act.sub", "helper")),
        refuse("kind", is("actor_token_type", "urn:ietf:params:oauth:token-type:jwt")),
        refuse("issuer", is("subject_token.iss", "https://elsewhere")),
        refuse("bound", is("cnf.jkt", "key")),
    ];
    let server = Server::start([("q.cedar", cedar.concat())], "{}");
    let exchange = |subject: &str, context: Value| {
        let body = changed(gate("issue:access_token:token_exchange"), "/subject/id", json!(subject));
        changed(body, "/context", context)
    };
    for (subject, bad, good) in [
        ("actor", json!({ "act": { "sub": "helper" } }), json!({ "act": { "sub": "desk" } })),
        (
            "chain",
            json!({ "act": { "sub": "a", "act": { "sub": "helper" } } }),
            json!({ "act": { "sub": "helper", "act": { "sub": "a" } } }),
        ),
        ("may", json!({ "may_act": { "sub": "helper" } }), json!({ "may_act": { "sub": "desk" } })),
        (
            "kind",
            json!({ "actor_token_type": "urn:ietf:params:oauth:token-type:jwt" }),
            json!({ "actor_token_type": "urn:x" }),
        ),
        (
            "issuer",
            json!({ "subject_token": { "iss": "https://elsewhere", "auth_time": 7 } }),
            json!({ "subject_token": { "iss": "https://here", "amr": ["pwd"] } }),
        ),
        ("bound", json!({ "cnf": { "jkt": "key" } }), json!({ "cnf": { "jkt": "other" } })),
    ] {
        assert!(!server.decision(&exchange(subject, bad)).await, "{subject}");
        assert!(server.decision(&exchange(subject, good)).await, "{subject}");
        assert!(!server.decision(&exchange(subject, json!({}))).await, "{subject}: nobody says, so it is unknown");
    }
    for context in [
        json!({ "act": "helper" }),
        json!({ "act": { "sub": "a" }, "act.sub": "b" }),
        json!({ "act": { "x".repeat(200): "a" } }),
    ] {
        let answer = server.ask(EVALUATION, &exchange("nobody", context.clone())).await;
        assert_eq!(answer["decision"], json!(false), "{context}");
        assert!(answer["context"]["reason_admin"]["400"].as_str().unwrap().contains("context.act"), "{answer}");
    }
    assert!(server.decision(&exchange("nobody", json!({ "act": null, "cnf": {} }))).await);
}

/// Each gate is about one party, so no policy could say who must not exchange whose tokens.
#[tokio::test]
async fn conditions_see_both_parties_of_an_exchange_at_both_gates() {
    let cedar = format!(
        "@id(\"not-hers\")\nforbid (principal, action, resource) when {{ context.action like \"issue:*:token_exchange\" \
         && {} && {} }};\n",
        is("exchange.subject.id", "alice"),
        is("exchange.party.id", "helper"),
    );
    let server = Server::start([("q.cedar", cedar), ("bundle.yaml", "eligibility: all\n".to_owned())], "{}");
    let ask = async |items: Value| {
        let body = changed(gate("issue:access_token:token_exchange"), "/evaluations", items);
        let answer = server.ask(EVALUATIONS, &body).await;
        answer["evaluations"].as_array().unwrap().iter().map(|item| item["decision"] == true).collect::<Vec<_>>()
    };
    let by = |kind: &str, id: &str| json!({ "subject": { "type": kind, "id": id } });
    let scope = json!({ "action": { "name": "mail.read" } });
    assert_eq!(ask(json!([{}, by("client", "helper"), scope])).await, [false, false, true]);
    assert_eq!(ask(json!([{}, by("client", "desk"), scope])).await, [true, true, true]);
    assert_eq!(ask(json!([by("user", "bob"), by("client", "helper")])).await, [true, true]);
    // The first gate is the subject's, whoever that is.
    assert_eq!(ask(json!([by("client", "helper"), by("user", "alice")])).await, [true, true]);
    // Of one party or three nobody knows whose token it is and who requests it.
    assert_eq!(ask(json!([{}, scope])).await, [false, true]);
    assert_eq!(ask(json!([{}, by("client", "desk"), by("user", "bob")])).await, [false; 3]);
    let elsewhere =
        json!({ "subject": { "type": "client", "id": "helper" }, "resource": { "type": "audience", "id": "x" } });
    assert_eq!(ask(json!([{}, by("client", "desk"), elsewhere])).await, [true, true, false]);
    let said = json!({ "context": { "exchange.party.id": "desk" } });
    assert_eq!(ask(json!([said, by("client", "helper")])).await, [false, false], "the gates say it, not the context");
    let said = changed(gate(CODE), "/context", json!({ "exchange.subject.id": "alice", "exchange.party.id": "desk" }));
    let said = changed(said, "/action/name", json!("issue:access_token:token_exchange"));
    assert!(!server.decision(&said).await, "who asks about one gate says nothing of two");
    assert!(server.decision(&gate(CODE)).await, "what is no exchange has no parties");
}

/// A scope was judged with both parties when it was tried, and without them when the call asked about it.
#[tokio::test]
async fn a_scope_of_an_exchange_is_judged_alike_whether_it_is_asked_about_or_not() {
    let cedar = "@id(\"no-writing\")\nforbid (principal, action, resource) when { context.action == \"mail.send\" && \
                 context.attributes.text.hasTag(\"exchange.party.id\") && \
                 context.attributes.text.getTag(\"exchange.party.id\") == \"helper\" };\n";
    let files = [
        ("q.cedar", cedar.to_owned()),
        ("e.yaml", ACTIONS.to_owned()),
        ("bundle.yaml", "eligibility: all\n".to_owned()),
    ];
    let server = Server::start(files, "{}");
    let by = |party: &str| json!({ "subject": { "type": "client", "id": party } });
    let scope = json!({ "action": { "name": "mail.send" } });
    let said = changed(scope.clone(), "/context", json!({ "exchange.party.id": "desk" }));
    let exchange = |items: Value| changed(gate("issue:access_token:token_exchange"), "/evaluations", items);
    let gates = server.ask(EVALUATIONS, &exchange(json!([{}, by("helper")]))).await;
    assert_eq!(granted(&gates), ["mail.read", "mail.delete"]);
    for (party, scope, allows) in [("helper", &scope, false), ("helper", &said, false), ("desk", &scope, true)] {
        let answer = server.ask(EVALUATIONS, &exchange(json!([{}, by(party), scope]))).await;
        assert_eq!(answer["evaluations"][2]["decision"], json!(allows), "{party} {scope}");
    }
}
