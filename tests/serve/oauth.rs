//! What OAuth clients hear of a block, outcome by outcome.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{self, Evaluation};
use doorward::model::TokenRequest;
use doorward::serve::wire::message::DecideRequest;
use doorward::serve::wire::{self, Asked, Encoding, answer};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::http::changed;
use crate::support::written::raw;

const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_604_106_651, 0);
/// An id with characters that JSON escapes.
const QUOTED: &str = "quoted\"\\";
const DISPLAY_NAME: &str = "what admins call it";

/// A policy for the user of its name.
fn policy(user: &str, conditions: &Value, grant: &Value) -> Value {
    let mut policy = json!({
        "id": format!("policy-{user}"),
        "displayName": format!("{DISPLAY_NAME} {user}"),
        "state": "enabled",
        "conditions": {"users": {"includeUsers": [user]}, "applications": {"includeApplications": ["All"]}},
        "grantControls": grant,
    });
    policy["conditions"].as_object_mut().unwrap().extend(conditions.as_object().unwrap().clone());
    policy
}

fn bundle(settings: &str) -> CompiledBundle {
    let built_in = |controls: &[&str]| json!({"operator": "AND", "builtInControls": controls});
    let (any, block) = (json!({}), built_in(&["block"]));
    let agreement = json!({"operator": "AND", "termsOfUse": ["agreement-1"]});
    let plain = ["mfa", "compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication"];
    let mut policies: Vec<Value> = plain.map(|control| policy(control, &any, &built_in(&[control]))).into();
    let risk = json!({"userRiskLevels": ["high"]});
    policies.extend([
        policy("passwordChange", &risk, &built_in(&["mfa", "passwordChange"])),
        policy("riskRemediation", &risk, &built_in(&["riskRemediation"])),
        policy("agreement", &any, &agreement),
        policy("either", &any, &json!({"operator": "OR", "builtInControls": ["compliantDevice", "mfa"]})),
        policy("both", &any, &changed(agreement, "/builtInControls", json!(["compliantDevice"]))),
        policy("blocked", &any, &block),
        policy(QUOTED, &any, &block),
        policy("device-code", &json!({"authenticationFlows": {"transferMethods": "deviceCodeFlow"}}), &block),
    ]);
    let workloads = json!({"clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}});
    let mut workloads = policy("workloads", &workloads, &block);
    workloads["conditions"].as_object_mut().unwrap().remove("users");
    policies.push(workloads);
    let policies = json!(policies).to_string();
    let compilation = compile::compile(&raw([("bundle.yaml", settings), ("policies.json", &policies)]));
    compilation.bundle.unwrap_or_else(|| panic!("{:#?}", compilation.findings))
}

/// The answer to `request`.
fn told(bundle: &CompiledBundle, request: &Value) -> Value {
    let body = request.to_string();
    let message: DecideRequest<'_> = wire::read(Encoding::Json, body.as_bytes()).unwrap();
    let request = TokenRequest { now: Some(NOW), ..wire::token_request(&message).unwrap() };
    let mut evaluation = Evaluation::default();
    evaluate::evaluate(bundle, &request, &mut evaluation).unwrap();
    let mut out = Vec::new();
    answer::write(Encoding::Json, &mut out, bundle, &evaluation, Asked::of(&request), "r", Vec::new());
    serde_json::from_slice(&out).unwrap()
}

fn user(id: &str) -> Value {
    json!({"identity": {"type": "user", "id": id}, "resource": {"appIds": ["a"]}, "risk": {"user": "high"}})
}

fn line(name: &str, answer: &Value) -> String {
    let error = &answer["oauthError"];
    let text = |field: &str| error[field].as_str().unwrap_or("-").to_owned();
    let claims = text("claims");
    let claims =
        STANDARD.decode(&claims).map_or(claims, |bytes| format!("base64 of {}", String::from_utf8(bytes).unwrap()));
    let description = text("errorDescription");
    let codes = error["errorCodes"].to_string();
    assert!(description.starts_with(&format!("AADSTS{}: ", codes.trim_matches(['[', ']']))), "{description}");
    format!("{name:<24} {} {codes} {} {claims}", text("error"), text("suberror"))
}

#[test]
fn every_outcome_has_the_code_of_entra_and_says_what_the_client_can_do() {
    let bundle = bundle("name: corp\n");
    let controls = [
        "mfa",
        "compliantDevice",
        "domainJoinedDevice",
        "approvedApplication",
        "compliantApplication",
        "passwordChange",
        "riskRemediation",
        "agreement",
        "either",
        "both",
        "blocked",
        QUOTED,
    ];
    let mut lines: Vec<String> = controls.map(|id| line(id, &told(&bundle, &user(id)))).into();
    for id in ["passwordChange", "riskRemediation"] {
        let signed_in = changed(user(id), "/satisfied/builtInControls", json!(["mfa"]));
        lines.push(line(&format!("{id}, mfa met"), &told(&bundle, &signed_in)));
    }
    let by_code = changed(user("device-code"), "/authenticationFlow", json!("deviceCodeFlow"));
    lines.push(line("device-code", &told(&bundle, &by_code)));
    let otherwise = changed(user("blocked"), "/authenticationFlow", json!("deviceCodeFlow"));
    lines.push(line("blocked anyhow", &told(&bundle, &otherwise)));
    let workload = json!({"identity": {"type": "servicePrincipal", "id": "w"}});
    lines.push(line("workload", &told(&bundle, &workload)));
    let issued = changed(workload.clone(), "/action", json!("issue:access_token:client_credentials"));
    lines.push(line("workload, issued", &told(&bundle, &issued)));
    let used = changed(workload, "/action", json!("GET"));
    lines.push(line("workload, used", &told(&bundle, &used)));
    let step_up = changed(user("mfa"), "/action", json!("GET"));
    lines.push(line("mfa, used", &told(&bundle, &step_up)));
    let context = changed(step_up, "/resource", json!({"authenticationContext": "C12"}));
    lines.push(line("context, used", &told(&bundle, &context)));
    assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_default_block_names_no_policy() {
    let bundle = bundle("name: corp\ndefaultDecision: block\n");
    let answer = told(&bundle, &user("stranger"));
    assert_eq!(answer["reason"], "default_decision");
    assert_eq!(line("", &answer).trim(), "invalid_grant [53003] message_only -");
}

#[test]
fn what_is_allowed_has_no_error() {
    let allowed = told(&bundle("name: corp\n"), &user("stranger"));
    assert_eq!((&allowed["decision"], allowed.get("oauthError")), (&json!("allow"), None));
}

#[test]
fn clients_never_hear_what_admins_call_a_policy() {
    let bundle = bundle("name: corp\n");
    for id in ["mfa", "blocked"] {
        let answer = told(&bundle, &user(id));
        assert!(answer["policies"].to_string().contains(DISPLAY_NAME));
        assert!(!answer["oauthError"].to_string().contains(DISPLAY_NAME));
    }
}
