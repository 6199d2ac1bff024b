//! What policies say of a token that is issued, and what they oblige callers to.

use serde_json::{Value, json};

use crate::issuance::{CODE, everybody, gate, issue, policy};
use crate::server::{ACTIONS, EVALUATION, EVALUATIONS};
use crate::support::http::changed;
use crate::support::server::Server;

const ISSUANCE: &str = "urn:ietf:params:authzen:token-issuance";

fn capable(body: Value) -> Value {
    changed(body, "/context/issuance/capabilities", json!([ISSUANCE]))
}

fn shaping(name: &str, more: &str) -> String {
    policy(name, &everybody(more))
}

/// Shapes tokens in the scope `mail.send` alone.
fn of_scope(more: &str) -> String {
    policy("sender", &everybody(&format!("when: context.action == \"mail.send\"\n{more}")))
}

fn shaped(answer: &Value) -> &Value {
    &answer["context"]["issuance"]
}

#[tokio::test]
async fn claims_and_lifetimes_of_all_policies_shape_the_first_open_gate() {
    let server = Server::start(
        [
            ("a.yaml", shaping("a", "token: { lifetime: 900, claims: { tags: [b, a], level: high } }")),
            ("b.yaml", shaping("b", "token: { lifetime: 300, claims: { tags: c }, critical: [tags] }")),
            ("c.yaml", shaping("c", "token: { claims: { tags: [never] } }").replace("enabled", "disabled")),
            ("d.yaml", shaping("d", "token: { lifetime: 1 }").replace("enabled", "enabledForReportingButNotEnforced")),
        ],
        "{}",
    );
    let expected = json!({
        "token_lifetime": 300, "claims": { "tags": ["a", "b", "c"], "level": ["high"] }, "crit": ["tags"],
    });
    let answer = server.ask(EVALUATION, &capable(gate(CODE))).await;
    assert_eq!((&answer["decision"], shaped(&answer)), (&json!(true), &expected));
    let answers = server.ask(EVALUATIONS, &capable(issue(&["mail.read"]))).await;
    let [first, second] = answers["evaluations"].as_array().unwrap().as_slice() else { panic!("{answers}") };
    assert_eq!((shaped(first), second), (&expected, &json!({ "decision": true })));
    // What is no token has nothing to shape, and no claim can be missing in it.
    assert_eq!(server.ask(EVALUATION, &gate("read")).await, json!({ "decision": true }));
}

#[tokio::test]
async fn a_critical_claim_is_only_for_those_who_see_to_it() {
    let files = || [("a.yaml", shaping("a", "token: { claims: { tags: [a], level: b }, critical: [tags] }"))];
    let server = Server::start(files(), "{}");
    for capabilities in [json!(null), json!([]), json!(["urn:other"]), json!(ISSUANCE), json!([1, ISSUANCE]), json!({})]
    {
        let body = changed(gate(CODE), "/context/issuance/capabilities", capabilities.clone());
        assert_eq!(server.ask(EVALUATION, &body).await, json!({ "decision": false }), "{capabilities}");
    }
    let odd = changed(gate(CODE), "/context/issuance", json!([ISSUANCE]));
    assert_eq!(server.ask(EVALUATION, &odd).await, json!({ "decision": false }));
    assert!(server.decision(&capable(gate(CODE))).await);
    let verbose = Server::start(files(), "{ verbose: true }");
    let told = verbose.ask(EVALUATION, &gate(CODE)).await;
    let reason = json!([{ "policy": "a", "code": "critical_claims_unsupported" }]);
    assert_eq!((&told["decision"], &told["context"]["reasons"]), (&json!(false), &reason), "{told}");
    // A claim that is not critical is advice for everybody.
    let advice = Server::start([("a.yaml", shaping("a", "token: { claims: { tags: [a] } }"))], "{}");
    let answer = advice.ask(EVALUATION, &gate(CODE)).await;
    assert_eq!(answer, json!({ "decision": true, "context": { "issuance": { "claims": { "tags": ["a"] } } } }));
}

#[tokio::test]
async fn a_scope_shapes_the_token_that_has_it() {
    let server = Server::start(
        [
            ("a.yaml", shaping("a", "token: { lifetime: 900, claims: { tags: a } }")),
            ("b.yaml", of_scope("token: { lifetime: 60, claims: { tags: b }, critical: [tags] }")),
        ],
        "{}",
    );
    let answers = server.ask(EVALUATIONS, &capable(issue(&["mail.read", "mail.send"]))).await;
    let expected = json!({ "token_lifetime": 60, "claims": { "tags": ["a", "b"] }, "crit": ["tags"] });
    assert_eq!(shaped(&answers["evaluations"][0]), &expected);
    // Nobody would see to the claim, so that only the scope is refused that it is for.
    let answers = server.ask(EVALUATIONS, &issue(&["mail.read", "mail.send"])).await;
    let decisions = answers["evaluations"].as_array().unwrap().iter().map(|item| item["decision"].clone());
    assert_eq!(decisions.collect::<Vec<_>>(), [json!(true), json!(true), json!(false)]);
    assert_eq!(shaped(&answers["evaluations"][0]), &json!({ "token_lifetime": 900, "claims": { "tags": ["a"] } }));
}

#[tokio::test]
async fn of_gates_alone_no_scope_is_left_for_which_something_is_owed_that_is_not_told() {
    let catalogue = "entities: { actions: [{ name: mail.read }, { name: mail.send }] }\n";
    for more in ["token: { claims: { tags: b }, critical: [tags] }", "obligations: [{ type: session_termination }]"] {
        let server = Server::start([("a.yaml", of_scope(more)), ("e.yaml", catalogue.to_owned())], "{}");
        let answer = server.ask(EVALUATION, &gate(CODE)).await;
        assert_eq!(shaped(&answer), &json!({ "granted_scope": "mail.read" }), "{more}");
        // What the gate tells anyway is told for its scopes too.
        let server = Server::start([("a.yaml", shaping("a", more)), ("e.yaml", catalogue.to_owned())], "{}");
        let answer = server.ask(EVALUATION, &capable(gate(CODE))).await;
        assert_eq!((&answer["decision"], &shaped(&answer)["granted_scope"]), (&json!(true), &json!(null)), "{more}");
    }
}

/// Who asked about less was told of less, and got a token with the scope that lived longer than one that was asked about
/// with it.
#[tokio::test]
async fn a_gate_alone_is_told_what_it_would_be_told_with_the_scopes_that_are_left() {
    let catalogue = "entities: { actions: [{ name: mail.read }, { name: mail.send }, { name: mail.delete }] }\n";
    let sender = of_scope("token: { lifetime: 60, claims: { tags: [b] }, critical: [tags] }");
    let hourly = "when: context.action == \"mail.read\"\nsessionControls: { signInFrequency: { isEnabled: true, type: \
                  hours, value: 1, frequencyInterval: timeBased } }";
    let controls = "when: context.action == \"mail.delete\"\ntoken: { lifetime: 1 }";
    let block = "when: context.action == \"mail.delete\"\ngrantControls: { operator: OR, builtInControls: [block] }";
    let files = [
        ("a.yaml", shaping("a", "token: { lifetime: 7200, claims: { tags: a } }")),
        ("b.yaml", sender),
        ("c.yaml", policy("hourly", &everybody(hourly))),
        ("d.yaml", policy("short", &everybody(controls))),
        ("e.yaml", catalogue.to_owned()),
    ];
    let blocked = files.clone().into_iter().chain([("f.yaml", policy("never", &everybody(block)))]);
    let server = Server::start(blocked, "{}");
    let with = |scopes: &[&str]| capable(issue(scopes));
    // What would be refused says nothing of the token.
    let whole = json!({
        "token_lifetime": 60, "claims": { "tags": ["a", "b"] }, "crit": ["tags"],
        "granted_scope": "mail.read mail.send",
    });
    let mut alone = server.ask(EVALUATION, &capable(gate(CODE))).await;
    assert_eq!(shaped(&alone), &whole);
    alone["context"]["issuance"].as_object_mut().unwrap().remove("granted_scope");
    let asked = server.ask(EVALUATIONS, &with(&["mail.read", "mail.send"])).await;
    assert_eq!(shaped(&asked["evaluations"][0]), shaped(&alone), "asked about with its scopes");
    let gates = server.ask(EVALUATIONS, &with(&[])).await;
    assert_eq!(shaped(&gates["evaluations"][0]), &whole, "as a batch");
    // To whom critical claims are nothing, the scope that needs one is not left; the time between sign-ins counts.
    let answer = server.ask(EVALUATION, &gate(CODE)).await;
    let expected = json!({ "token_lifetime": 3600, "claims": { "tags": ["a"] }, "granted_scope": "mail.read" });
    assert_eq!(shaped(&answer), &expected);
    // Where all of them are left, the shortest life is that of all.
    let answer = Server::start(files, "{}").ask(EVALUATION, &capable(gate(CODE))).await;
    assert_eq!(shaped(&answer), &json!({ "token_lifetime": 1, "claims": { "tags": ["a", "b"] }, "crit": ["tags"] }));
}

#[tokio::test]
async fn a_search_finds_the_gates_that_an_evaluation_opens() {
    let files = [
        ("a.yaml", shaping("a", "token: { claims: { tags: b }, critical: [tags] }")),
        ("e.yaml", format!("entities: {{ actions: [{{ name: read }}, {{ name: '{CODE}' }}] }}\n")),
    ];
    let server = Server::start(files, "{}");
    let mut body = gate(CODE);
    body.as_object_mut().unwrap().remove("action");
    let names = |answer: Value| {
        let results = answer["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(server.ask(ACTIONS, &body).await), ["read"]);
    assert_eq!(names(server.ask(ACTIONS, &capable(body)).await), ["read", CODE]);
}

const OWED: &str = "obligations:
  - { type: notification, to: soc@example.com, topic: sign-in, id: tell }
  - { type: session_termination, subject: alice }
  - { type: 'https://example.com/audit', properties: { level: 3, tags: [a] } }
";

fn owed() -> Value {
    json!([
        { "id": "p#2", "type": "session_termination", "properties": { "subject": "alice" } },
        { "id": "p#3", "type": "https://example.com/audit", "properties": { "level": 3.0, "tags": ["a"] } },
        { "id": "tell", "type": "notification", "properties": { "to": "soc@example.com", "topic": "sign-in" } },
    ])
}

#[tokio::test]
async fn obligations_stand_in_permits_and_denies_and_every_caller_hears_of_them() {
    let block = format!("grantControls: {{ operator: OR, builtInControls: [block] }}\n{OWED}");
    for (more, decision) in [(OWED, true), (block.as_str(), false)] {
        let server = Server::start([("p.yaml", shaping("p", more))], "{}");
        for asked in [gate(CODE), gate("read"), capable(gate(CODE))] {
            // What a caller can do is advice, and no policy sees it.
            for supported in [json!(null), json!([]), json!(["notification"])] {
                let body = changed(asked.clone(), "/context/supported_obligations", supported);
                let answer = server.ask(EVALUATION, &body).await;
                assert_eq!(answer, json!({ "decision": decision, "context": { "obligations": owed() } }), "{body}");
            }
        }
    }
}

#[tokio::test]
async fn a_step_up_stands_before_what_policies_oblige_to() {
    let controls = format!("grantControls: {{ operator: OR, builtInControls: [mfa] }}\n{OWED}");
    let other = shaping("other", "obligations: [{ type: session_termination }]");
    let files = [("p.yaml", shaping("p", &controls)), ("q.yaml", other)];
    let server = Server::start(files, "{ stepUp: { mfa: strong } }");
    let body = changed(gate(CODE), "/context/supported_obligations", json!(["step-up"]));
    let answer = server.ask(EVALUATION, &body).await;
    let ids: Vec<_> =
        answer["context"]["obligations"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(json!(ids), json!(["step-up:mfa", "p#2", "p#3", "tell"]), "of a deny those of policies that decided");
    let proved = server.ask(EVALUATION, &changed(body, "/context/amr", json!(["mfa"]))).await;
    let ids: Vec<_> =
        proved["context"]["obligations"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(json!(ids), json!(["other#1", "p#2", "p#3", "tell"]), "of a permit those of all that apply");
}

/// A call with a gate for each of these: who asks, and for which audience.
fn gates(of: &[(&str, &str)], semantic: &str) -> Value {
    let item = |(subject, audience): &(&str, &str)| {
        let mut item = gate(if of.len() > 2 { "issue:access_token:token_exchange" } else { CODE });
        item["subject"]["id"] = json!(subject);
        item["resource"]["id"] = json!(audience);
        item
    };
    json!({ "evaluations": of.iter().map(item).collect::<Vec<_>>(), "options": { "evaluations_semantic": semantic } })
}

#[tokio::test]
async fn of_several_audiences_those_that_are_left_are_told_at_the_first_open_gate() {
    let block = everybody("grantControls: { operator: OR, builtInControls: [block] }");
    let refuse = |name: &str, when: &str| policy(name, &format!("{block}\nwhen: {when}"));
    let server = Server::start(
        [
            ("a.yaml", refuse("a", "resource.target.id == \"https://payroll\"")),
            ("b.yaml", refuse("b", "principal.id == \"mallory\"")),
        ],
        "{}",
    );
    let (mail, files, payroll) = ("https://mail", "https://files", "https://payroll");
    for (of, semantic, expected) in [
        (vec![("alice", mail), ("alice", payroll)], "execute_all", json!([[mail], "denied"])),
        (vec![("alice", payroll), ("alice", mail)], "execute_all", json!(["denied", [mail]])),
        (vec![("alice", mail), ("alice", files)], "execute_all", json!([null, null])),
        (vec![("alice", payroll), ("alice", payroll)], "execute_all", json!(["denied", "denied"])),
        // Who stops at the first permit has asked about no other audience.
        (vec![("alice", mail), ("alice", files)], "permit_on_first_permit", json!([[mail]])),
        // Of an exchange both parties may have a token for what is left.
        (
            vec![("alice", mail), ("mallory", mail), ("alice", files), ("bob", files)],
            "execute_all",
            json!([[files], "denied", null, null]),
        ),
        (
            vec![("alice", mail), ("mallory", mail), ("alice", files), ("mallory", files)],
            "execute_all",
            json!([[], "denied", null, "denied"]),
        ),
        (vec![("alice", mail), ("bob", mail), ("mallory", mail)], "execute_all", json!([null, null, "denied"])),
    ] {
        let answers = server.ask(EVALUATIONS, &gates(&of, semantic)).await;
        let told = |answer: &Value| match answer["decision"] == json!(true) {
            true => shaped(answer)["audience"].clone(),
            false => json!("denied"),
        };
        let told: Vec<_> = answers["evaluations"].as_array().unwrap().iter().map(told).collect();
        assert_eq!(json!(told), expected, "{of:?}: {answers}");
    }
}

/// Which audience it is a gate for cannot be said of an item that is no question: it was refused, and the call said that nothing
/// was.
#[tokio::test]
async fn a_gate_that_is_no_question_is_for_no_audience_that_is_left() {
    let server = Server::start([("a.yaml", shaping("a", "token: { lifetime: 900 }"))], "{}");
    for (semantic, told) in [("execute_all", 2), ("permit_on_first_permit", 1)] {
        let mut body = gates(&[("alice", "https://mail"), ("alice", "https://files")], semantic);
        body["evaluations"][1]["subject"]["id"] = json!(null);
        let answers = server.ask(EVALUATIONS, &body).await;
        let items = answers["evaluations"].as_array().unwrap();
        let left = json!({ "audience": ["https://mail"], "token_lifetime": 900 });
        assert_eq!((items.len(), shaped(&items[0])), (told, &left), "{answers}");
    }
    // About no audience nothing is said of any.
    let mut body = gates(&[("alice", "x"), ("alice", "x")], "execute_all");
    body["evaluations"][0]["resource"]["type"] = json!("service");
    body["evaluations"][1]["subject"]["id"] = json!(null);
    let answers = server.ask(EVALUATIONS, &body).await;
    assert_eq!(shaped(&answers["evaluations"][0]), &json!({ "token_lifetime": 900 }), "{answers}");
}

/// Of an exchange for two audiences the second party was refused one: what policies say of a token for that one, and the
/// scopes that are refused there, shaped the token for the other.
#[tokio::test]
async fn what_is_said_of_an_audience_that_is_not_left_shapes_no_token() {
    let on = |name: &str, more: &str| policy(name, &everybody(more));
    let of_mail = "when: resource.target.id == \"https://mail\"\ntoken: { lifetime: 60, claims: { tags: [mail] }, critical: \
                   [tags] }";
    let of_files = "when: resource.target.id == \"https://files\"\ntoken: { lifetime: 900, claims: { tags: [files] } }";
    let block = "grantControls: { operator: OR, builtInControls: [block] }";
    let mallory = format!("when: principal.id == \"mallory\" && resource.target.id == \"https://mail\"\n{block}");
    let payroll =
        format!("when: resource.target.id == \"https://payroll\" && context.action like \"issue:*\"\n{block}");
    let send = format!("when: resource.target.id == \"https://mail\" && context.action == \"send\"\n{block}");
    let scope = "when: resource.target.id == \"https://payroll\"\ntoken: { lifetime: 30, claims: { tags: [payroll] } }";
    let files = [
        ("a.yaml", on("a", of_mail)),
        ("b.yaml", on("b", of_files)),
        ("c.yaml", on("c", &mallory)),
        ("d.yaml", on("d", &payroll)),
        ("e.yaml", on("e", &send)),
        ("f.yaml", on("f", scope)),
    ];
    let (mail, payroll, files_of) = ("https://mail", "https://payroll", "https://files");
    let server = Server::start(files.clone(), "{}");
    let exchange = |party: &'static str| {
        capable(gates(&[("alice", mail), (party, mail), ("alice", files_of), (party, files_of)], "execute_all"))
    };
    let answers = server.ask(EVALUATIONS, &exchange("mallory")).await;
    let left = json!({ "audience": [files_of], "token_lifetime": 900, "claims": { "tags": ["files"] } });
    assert_eq!(shaped(&answers["evaluations"][0]), &left, "{answers}");
    // Of both audiences it has what each of them adds, and the shorter life.
    let answers = server.ask(EVALUATIONS, &exchange("bob")).await;
    let both = json!({ "token_lifetime": 60, "claims": { "tags": ["files", "mail"] }, "crit": ["tags"] });
    assert_eq!(shaped(&answers["evaluations"][0]), &both, "{answers}");
    // A scope of an audience whose gate is refused is a scope of no token.
    let mut body = capable(gates(&[("alice", files_of), ("alice", payroll)], "execute_all"));
    let mut read = gate("read");
    read["resource"]["id"] = json!(payroll);
    body["evaluations"].as_array_mut().unwrap().push(read);
    let answers = server.ask(EVALUATIONS, &body).await;
    assert_eq!(shaped(&answers["evaluations"][0]), &left, "{answers}");
    assert_eq!(answers["evaluations"][2]["decision"], json!(true), "{answers}");
    // Gates alone: of the audience that is left no scope is refused.
    let catalogue = "entities: { actions: [{ name: read }, { name: send }] }\n".to_owned();
    let server = Server::start(files.into_iter().chain([("g.yaml", catalogue)]), "{}");
    let answers = server.ask(EVALUATIONS, &exchange("mallory")).await;
    assert_eq!(shaped(&answers["evaluations"][0]), &left, "{answers}");
    let answers = server.ask(EVALUATIONS, &exchange("bob")).await;
    assert_eq!(shaped(&answers["evaluations"][0])["granted_scope"], json!("read"), "{answers}");
}
