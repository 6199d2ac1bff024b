//! Tokens: gates and scopes, how long a token may live, and what to prove when something is missing.

use serde_json::{Value, json};

use crate::server::{EVALUATION, EVALUATIONS};
use crate::support::http::changed;
use crate::support::server::Server;

pub const API: &str = "https://api.example";
const STRENGTH: &str = "00000000-0000-0000-0000-000000000004";

pub fn policy(name: &str, more: &str) -> String {
    format!("displayName: {name}\nid: {name}\nstate: enabled\n{more}\n")
}

pub fn everybody(controls: &str) -> String {
    format!(
        "conditions: {{ users: {{ includeUsers: [All] }}, applications: {{ includeApplications: [All] }} }}\n{controls}"
    )
}

pub fn gate(action: &str) -> Value {
    json!({
        "subject": { "type": "user", "id": "alice" },
        "action": { "name": action },
        "resource": { "type": "audience", "id": API },
    })
}

pub const CODE: &str = "issue:access_token:authorization_code";

#[tokio::test]
async fn every_gate_is_decided_and_a_misspelt_one_is_denied() {
    let server = Server::start(
        [("p.yaml", policy("mfa", &everybody("grantControls: { operator: OR, builtInControls: [mfa] }")))],
        "{}",
    );
    let tokens = ["access_token", "refresh_token", "id_token", "id_jag", "txn_token"];
    let grants = [
        "authorization_code",
        "client_credentials",
        "refresh_token",
        "token_exchange",
        "device_code",
        "jwt_bearer",
        "saml2_bearer",
    ];
    for token in tokens {
        for grant in grants {
            let answer = server.ask(EVALUATION, &gate(&format!("issue:{token}:{grant}"))).await;
            assert_eq!(answer, json!({ "decision": false }), "{token} {grant}");
            let proved = changed(gate(&format!("issue:{token}:{grant}")), "/context/amr", json!(["pwd", "mfa"]));
            assert_eq!(server.ask(EVALUATION, &proved).await, json!({ "decision": true }), "{token} {grant}");
        }
    }
    let nobody = Server::start(
        [(
            "p.yaml",
            policy("nobody", &everybody("grantControls: { operator: OR, builtInControls: [mfa] }"))
                .replace("[All]", "[bob]"),
        )],
        "{}",
    );
    for action in [
        "issue:",
        "issue:access_token",
        "issue:a:b:c",
        "issue:Access:code",
        "issue::code",
        "issue:1a:b",
        "issue:a-b:c",
        &format!("issue:{}:b", "a".repeat(32)),
        &format!("issue:{}:{}", "a".repeat(31), "b".repeat(20)),
    ] {
        let answer = nobody.ask(EVALUATION, &gate(action)).await;
        assert_eq!(
            (&answer["decision"], &answer["context"]["reasons"][0]["code"]),
            (&json!(false), &json!("input_invalid")),
            "{action}"
        );
    }
    assert!(nobody.decision(&gate("issue:x_9:y")).await, "names that nobody has registered yet are names");
    assert!(nobody.decision(&gate("reissue:now")).await);
}

#[tokio::test]
async fn the_device_code_flow_is_a_fact_that_its_gate_says() {
    let flow = everybody("grantControls: { operator: OR, builtInControls: [block] }")
        .replace("applications:", "authenticationFlows: { transferMethods: deviceCodeFlow }, applications:");
    let server = Server::start([("p.yaml", policy("device-code", &flow))], "{}");
    assert!(!server.decision(&gate("issue:access_token:device_code")).await);
    assert!(server.decision(&gate(CODE)).await);
    assert!(server.decision(&gate("device_code")).await);
}

#[tokio::test]
async fn a_token_lives_no_longer_than_the_time_between_sign_ins() {
    let frequency = |value: u32, unit: &str| {
        everybody(&format!(
            "sessionControls: {{ signInFrequency: {{ isEnabled: true, type: {unit}, value: {value}, frequencyInterval: timeBased }} }}"
        ))
    };
    let every_time = everybody(
        "sessionControls: { signInFrequency: { isEnabled: true, frequencyInterval: everyTime } }\ngrantControls: { operator: OR, builtInControls: [mfa] }",
    );
    for (policies, lifetime) in [
        (vec![frequency(4, "hours")], json!({ "token_lifetime": 14_400 })),
        (vec![frequency(2, "days"), frequency(36, "hours")], json!({ "token_lifetime": 129_600 })),
        (vec![every_time.clone()], json!(null)),
        // A sign-in every time is oftener than one each hour, and takes nothing from the hour's limit.
        (vec![frequency(1, "hours"), every_time.clone()], json!({ "token_lifetime": 3_600 })),
        (vec![every_time.clone(), frequency(2, "days"), frequency(3, "hours")], json!({ "token_lifetime": 10_800 })),
        (vec![everybody("sessionControls: { persistentBrowser: { isEnabled: true, mode: never } }")], json!(null)),
    ] {
        let files: Vec<_> = policies
            .iter()
            .enumerate()
            .map(|(number, text)| (format!("{number}.yaml"), policy(&format!("p{number}"), text)))
            .collect();
        let server = Server::start(files.iter().map(|(name, text)| (name.as_str(), text.clone())), "{}");
        let proved = |action| changed(gate(action), "/context/amr", json!(["mfa"]));
        let answer = server.ask(EVALUATION, &proved(CODE)).await;
        assert_eq!(answer["decision"], json!(true), "{answer}");
        assert_eq!(answer["context"]["issuance"], lifetime);
        let other = server.ask(EVALUATION, &proved("read")).await;
        assert_eq!(other, json!({ "decision": true }), "what is no token has no life");
    }
    let denied = [
        ("a.yaml", policy("a", &frequency(1, "hours"))),
        ("b.yaml", policy("b", &everybody("grantControls: { operator: OR, builtInControls: [block] }"))),
    ];
    assert_eq!(Server::start(denied, "{}").ask(EVALUATION, &gate(CODE)).await, json!({ "decision": false }));
}

/// A scope is of the token that its gate is about: asked about behind the gate it was one of no flow, so that a policy about
/// the flow and the scope refused nothing. Token hooks said the flow of each scope.
#[tokio::test]
async fn the_scopes_of_a_device_code_are_of_that_flow_too() {
    let flow = everybody("grantControls: { operator: OR, builtInControls: [block] }")
        .replace("applications:", "authenticationFlows: { transferMethods: deviceCodeFlow }, applications:");
    let send = policy("no-sending", &format!("{flow}\nwhen: context.action == \"mail.send\""));
    let catalogue = "entities: { actions: [{ name: mail.read }, { name: mail.send }] }\n";
    let server = Server::start([("p.yaml", send), ("e.yaml", catalogue.to_owned())], "{}");
    for (grant, allows, left) in [("device_code", false, json!("mail.read")), ("authorization_code", true, json!(null))]
    {
        let named = format!("issue:access_token:{grant}");
        let mut body = issue(&["mail.read", "mail.send"]);
        body["evaluations"][0]["action"]["name"] = json!(named);
        let answer = server.ask(EVALUATIONS, &body).await;
        let got: Vec<_> =
            answer["evaluations"].as_array().unwrap().iter().map(|item| item["decision"].clone()).collect();
        assert_eq!(json!(got), json!([true, true, allows]), "{answer}");
        let alone = server.ask(EVALUATION, &gate(&named)).await;
        assert_eq!(alone["context"]["issuance"]["granted_scope"], left, "{alone}");
    }
    assert!(server.decision(&gate("mail.send")).await, "what is asked about without a gate is of no flow");
}

/// Whoever asked in AuthZEN had to make up what its client hears; all other doors said it.
#[tokio::test]
async fn of_a_token_that_is_refused_an_answer_with_reasons_says_what_the_client_hears() {
    let mfa = everybody("grantControls: { operator: OR, builtInControls: [mfa] }");
    let cedar =
        "@id(\"no-sending\")\nforbid (principal, action, resource)\nwhen { context.action == \"mail.send\" };\n";
    let files = || [("p.yaml", policy("mfa", &mfa)), ("q.cedar", cedar.to_owned())];
    let (server, quiet) = (Server::start(files(), "{ verbose: true }"), Server::start(files(), "{}"));
    let told = |answer: &Value| answer["context"]["ca"]["oauth_error"].clone();
    let answer = server.ask(EVALUATION, &gate(CODE)).await;
    let expected = json!({
        "error": "interaction_required", "error_codes": [50076], "suberror": "basic_action",
        "error_description": "AADSTS50076: Conditional Access asks for multifactor authentication.",
        "claims": r#"{"access_token":{"capolids":{"essential":true,"values":["mfa"]}}}"#,
    });
    assert_eq!(told(&answer), expected);
    let blocked = "AADSTS53003: Access has been blocked by Conditional Access policies.";
    let scopes = changed(issue(&["mail.send"]), "/context/amr", json!(["mfa"]));
    let answers = server.ask(EVALUATIONS, &scopes).await;
    let expected = json!({ "error": "invalid_scope", "error_codes": [53003], "error_description": blocked });
    assert_eq!((told(&answers["evaluations"][0]), told(&answers["evaluations"][1])), (json!(null), expected));
    // Which party of an exchange is refused, the client does not hear.
    let exchange = server.ask(EVALUATION, &gate("issue:access_token:token_exchange")).await;
    let expected = json!({ "error": "invalid_request", "error_codes": [53003], "error_description": blocked });
    assert_eq!(told(&exchange), expected);
    assert_eq!(told(&server.ask(EVALUATION, &gate("mail.send")).await), json!(null), "no token is issued");
    assert_eq!(quiet.ask(EVALUATION, &gate(CODE)).await, json!({ "decision": false }));
}

/// A gate for a user, and what it comes with.
pub fn issue(scopes: &[&str]) -> Value {
    let names = std::iter::once(&CODE).chain(scopes);
    let items: Vec<_> = names.map(|name| json!({ "action": { "name": name } })).collect();
    let mut body = gate(CODE);
    body["evaluations"] = json!(items);
    body
}

#[tokio::test]
async fn scopes_are_decided_one_by_one_and_shaping_is_on_the_first_gate_alone() {
    let frequency = everybody(
        "sessionControls: { signInFrequency: { isEnabled: true, type: hours, value: 1, frequencyInterval: timeBased } }",
    );
    let cedar =
        "@id(\"no-delete\")\nforbid (principal, action, resource)\nwhen { context.action == \"mail.delete\" };\n";
    let server = Server::start([("p.yaml", policy("hourly", &frequency)), ("q.cedar", cedar.to_owned())], "{}");
    let answer = server.ask(EVALUATIONS, &issue(&["mail.read", "mail.delete", "mail.send"])).await;
    let shaped = json!({ "decision": true, "context": { "issuance": { "token_lifetime": 3600 } } });
    let (yes, no) = (json!({ "decision": true }), json!({ "decision": false }));
    assert_eq!(answer, json!({ "evaluations": [shaped, yes, no, yes] }));
}

#[tokio::test]
async fn scopes_tell_what_a_token_is_for() {
    // Baseline scopes alone are a request for the directory, which the policy does not cover.
    let graph = "00000003-0000-0000-c000-000000000000";
    let only = everybody("grantControls: { operator: OR, builtInControls: [block] }")
        .replace("includeApplications: [All]", &format!("includeApplications: [{graph}]"));
    let server = Server::start([("p.yaml", policy("graph", &only))], "{ verbose: true }");
    for (scopes, decisions) in [(&["User.Read"][..], [true, true]), (&["Mail.Read"], [false, false])] {
        let body = changed(issue(scopes), "/resource/id", json!(graph));
        let answer = server.ask(EVALUATIONS, &body).await;
        let got: Vec<_> =
            answer["evaluations"].as_array().unwrap().iter().map(|item| item["decision"].clone()).collect();
        assert_eq!(json!(got), json!(decisions), "{scopes:?}: {answer}");
    }
    let both = changed(issue(&["User.Read", "Mail.Read"]), "/resource/id", json!(graph));
    let got = server.ask(EVALUATIONS, &both).await;
    let got: Vec<_> = got["evaluations"].as_array().unwrap().iter().map(|item| item["decision"].clone()).collect();
    assert_eq!(json!(got), json!([false, true, false]), "the gate is for all of them");
    // A name that cannot be a scope is several scopes at once, or none: neither it nor a gate for it is decided.
    let none = changed(issue(&["openid Calendar.Read"]), "/resource/id", json!("f0000000-0000-4000-8000-000000000001"));
    let got = server.ask(EVALUATIONS, &none).await;
    for item in got["evaluations"].as_array().unwrap() {
        assert_eq!(item["decision"], json!(false), "{got}");
        assert_eq!(item["context"]["reasons"][0]["code"], json!("input_invalid"), "{got}");
    }
}

const STEP_UP: &str =
    "{ stepUp: { mfa: urn:example:mfa, 'authenticationStrength:00000000-0000-0000-0000-000000000004': phr } }";

fn declared(body: Value) -> Value {
    changed(body, "/context/supported_obligations", json!(["notification", "step-up"]))
}

#[tokio::test]
async fn a_caller_that_can_step_up_is_told_what_to_prove_and_proves_it() {
    let server = Server::start(
        [("p.yaml", policy("mfa", &everybody("grantControls: { operator: OR, builtInControls: [mfa] }")))],
        STEP_UP,
    );
    let obligation = json!([{
        "id": "step-up:mfa", "type": "step-up",
        "properties": { "acr_value": "urn:example:mfa", "amr_values": ["mfa"] },
    }]);
    let answer = server.ask(EVALUATION, &declared(gate(CODE))).await;
    assert_eq!(answer, json!({ "decision": false, "context": { "obligations": obligation } }));
    for supported in [json!(["notification"]), json!([]), json!("step-up"), json!([1]), json!(null)] {
        let body = changed(gate(CODE), "/context/supported_obligations", supported);
        assert_eq!(server.ask(EVALUATION, &body).await, json!({ "decision": false }));
    }
    for (pointer, value, allows) in [
        ("/context/acr", json!("urn:example:mfa"), true),
        ("/context/acr", json!("phr"), false),
        ("/context/acr", json!("URN:example:mfa"), false),
        ("/context/amr", json!(["mfa"]), true),
        ("/context/amr", json!(["pwd", "otp", "hwk", "swk", "sc"]), false),
    ] {
        let answer = server.ask(EVALUATION, &declared(changed(gate(CODE), pointer, value.clone()))).await;
        assert_eq!(answer["decision"], json!(allows), "{value}");
        assert_eq!(answer["context"]["obligations"].is_null(), allows, "{value}");
    }
}

#[tokio::test]
async fn methods_that_are_sure_to_be_one_of_ours_meet_strengths() {
    let server = Server::start(
        [(
            "p.yaml",
            policy(
                "strong",
                &everybody(
                    "grantControls: { operator: OR, authenticationStrength: { id: 00000000-0000-0000-0000-000000000002 } }",
                ),
            ),
        )],
        "{}",
    );
    for (amr, allows) in [
        (&["pwd", "sms"][..], true),
        (&["pwd", "tel"], true),
        (&["pwd"], false),
        (&["sms"], false),
        (&["pwd", "otp"], false),
        (&["PWD", "SMS"], false),
    ] {
        assert_eq!(server.decision(&changed(gate(CODE), "/context/amr", json!(amr))).await, allows, "{amr:?}");
    }
}

#[tokio::test]
async fn what_no_sign_in_can_meet_is_a_plain_deny() {
    let controls = |list: &str, operator: &str| {
        everybody(&format!("grantControls: {{ operator: {operator}, builtInControls: [{list}] }}"))
    };
    for (text, settings) in [
        (controls("compliantDevice", "OR"), STEP_UP),
        (controls("mfa, compliantDevice", "AND"), STEP_UP),
        (controls("block", "OR"), STEP_UP),
        (controls("mfa", "OR"), "{}"),
    ] {
        let server = Server::start([("p.yaml", policy("p", &text))], settings);
        assert_eq!(server.ask(EVALUATION, &declared(gate(CODE))).await, json!({ "decision": false }), "{text}");
    }
    let strength =
        everybody(&format!("grantControls: {{ operator: OR, authenticationStrength: {{ id: {STRENGTH} }} }}"));
    let server = Server::start([("p.yaml", policy("p", &strength))], STEP_UP);
    let answer = server.ask(EVALUATION, &declared(gate(CODE))).await;
    assert_eq!(answer["context"]["obligations"][0]["properties"], json!({ "acr_value": "phr" }), "{answer}");
    assert!(server.decision(&changed(gate(CODE), "/context/acr", json!("phr"))).await);
}

#[tokio::test]
async fn what_a_caller_can_do_is_no_fact_for_policies() {
    let cedar = "@id(\"seen\")\nforbid (principal, action, resource)\nwhen { context.attributes.texts.hasTag(\"supported_obligations\") && context.attributes.texts.getTag(\"supported_obligations\").contains(\"step-up\") };\n";
    let server = Server::start([("p.cedar", cedar.to_owned())], "{ verbose: true }");
    let (one, other) = (server.ask(EVALUATION, &gate(CODE)).await, server.ask(EVALUATION, &declared(gate(CODE))).await);
    assert_eq!(one, other);
    let capable =
        changed(gate(CODE), "/context/issuance/capabilities", json!(["urn:ietf:params:authzen:token-issuance"]));
    assert_eq!(server.ask(EVALUATION, &capable).await, one);
}

/// Scopes of OpenID alone made Entra's directory of a resource of which nobody says that it is an application, so no
/// policy about an application blocked them.
#[tokio::test]
async fn scopes_do_not_say_which_application_a_resource_is() {
    let payroll = "conditions: { users: { includeUsers: [All] }, applications: { includeApplications: [payroll] } }";
    let block = format!("{payroll}\ngrantControls: {{ operator: OR, builtInControls: [block] }}");
    let server = Server::start([("p.yaml", policy("payroll", &block))], "{}");
    let decisions = |answer: &Value| {
        let all = answer["evaluations"].as_array().unwrap_or_else(|| panic!("{answer}"));
        all.iter().map(|one| one["decision"] == true).collect::<Vec<_>>()
    };
    for scope in ["read", "openid", "User.Read"] {
        for (kind, id, is_allowed) in [("api", "1", false), ("audience", "payroll", false), ("audience", "1", true)] {
            let items = json!([{ "action": { "name": CODE } }, { "action": { "name": scope } }]);
            let asked =
                changed(changed(gate(CODE), "/evaluations", items), "/resource", json!({ "type": kind, "id": id }));
            let answer = server.ask(EVALUATIONS, &asked).await;
            assert_eq!(decisions(&answer), [is_allowed; 2], "{scope} {kind} {id}");
        }
    }
}
