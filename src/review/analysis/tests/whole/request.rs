//! Requests with everything that a request can say, as the JSON that the decision API takes.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::super::ids::{BLUEPRINT, DIRECTORY, EXCHANGE, GRAPH, INTUNE, PERSONAL};
use super::super::tenant::{OTHER_TENANT, STRENGTHS};
use super::super::{TENANT, some};
use super::bundle::{ENROLMENT, REGISTRATION, pick};
use crate::model::set::Word;
use crate::model::{
    AuthenticationMethod, ClientApp, CredentialType, GrantControl, GuestType, IdentityKind, Platform, ResourceKind,
    SignInAudience, TokenRequest, TransferMethod, UserAction,
};
use crate::review::request;
use crate::text::{self, Diagnostics, SourceFile, Sources};

const AGENT: &str = "0b000000-0000-4000-8000-000000000002";

/// A request, as it is written.
pub fn drawn(rng: &mut Rng) -> Value {
    let kinds = [
        IdentityKind::User,
        IdentityKind::User,
        IdentityKind::User,
        IdentityKind::ServicePrincipal,
        IdentityKind::ServicePrincipal,
        IdentityKind::ManagedIdentity,
        IdentityKind::AgentIdentity,
        IdentityKind::AgentIdentity,
        IdentityKind::AgentUser,
    ];
    let kind = kinds[rng.usize(..kinds.len())];
    let mut request = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            request.insert(name.to_owned(), value);
        }
    };
    put("identity", Some(identity(rng, kind)));
    put("resource", Some(resource(rng)));
    put("network", Some(network(rng)));
    put("risk", Some(risk(rng)));
    put("clientApp", word(rng, &ClientApp::ALL[1..], 2));
    put("platform", word(rng, &Platform::ALL[..6], 2));
    put("authenticationFlow", word(rng, TransferMethod::ALL, 3));
    put("device", (rng.u8(..3) > 0).then(|| device(rng)));
    put("credential", (rng.u8(..3) == 0).then(|| credential(rng)));
    put("satisfied", Some(satisfied(rng)));
    put("attributes", (rng.u8(..3) == 0).then(|| free(rng)));
    put("action", one(rng, &["read", "write"], 3));
    put("time", one(rng, &["2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z"], 2));
    Value::Object(request)
}

/// Hands `json` to `look` as a request.
pub fn with<T>(json: &Value, look: impl FnOnce(&TokenRequest<'_>) -> T) -> T {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("request.json", json.to_string()));
    let mut diagnostics = Diagnostics::default();
    let node = text::parse(&sources, file, &mut diagnostics).unwrap();
    let document = request::read(&node, &mut diagnostics);
    let document = document.unwrap_or_else(|| panic!("{:?}\n{json}", diagnostics.findings(&sources)));
    look(&document.request)
}

/// One of `all` every `often` times, else nothing.
fn one(rng: &mut Rng, all: &[&str], often: u8) -> Option<Value> {
    (rng.u8(..often) == 0).then(|| json!(pick(rng, all)))
}

fn word<T: Word>(rng: &mut Rng, all: &[T], often: u8) -> Option<Value> {
    (rng.u8(..often) == 0).then(|| json!(all[rng.usize(..all.len())].as_str()))
}

fn object<const COUNT: usize>(facts: [(&str, Option<Value>); COUNT]) -> Value {
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

fn attributes(rng: &mut Rng) -> Value {
    let stage = [json!("TEST"), json!("another value"), json!(["test", "production"]), json!(true), json!("live")];
    match rng.u8(..4) {
        0 => json!({}),
        _ => json!({ "Set": { "stage": stage[rng.usize(..stage.len())] } }),
    }
}

fn identity(rng: &mut Rng, kind: IdentityKind) -> Value {
    let is_user = matches!(kind, IdentityKind::User | IdentityKind::AgentUser);
    let id = match kind {
        IdentityKind::AgentIdentity => pick(rng, &["agent-one", "agent-two", AGENT, BLUEPRINT]),
        IdentityKind::ServicePrincipal => pick(rng, &["sp-app", "sp-bare", "sp-own", "alpha", "beta", "nobody"]),
        IdentityKind::ManagedIdentity => pick(rng, &["sp-vm", "gamma", "alpha", "nobody"]),
        IdentityKind::User | IdentityKind::AgentUser => pick(rng, &["ann", "ann", "bob", "eve"]),
    };
    let of_user = if is_user { 2 } else { 12 };
    let of_workload = if is_user { 12 } else { 3 };
    let guests = [GuestType::ALL, &[GuestType::None; 4]].concat();
    object([
        ("type", Some(json!(kind.as_str()))),
        ("id", Some(json!(id))),
        ("appId", one(rng, &["app-tagged", "app-own", "app-new"], 8)),
        ("ownerTenant", one(rng, &[TENANT, TENANT, OTHER_TENANT, "elsewhere"], of_workload)),
        (
            "audience",
            word(
                rng,
                &[SignInAudience::MyOrg, SignInAudience::MyOrg, SignInAudience::MultipleOrgs, SignInAudience::Personal],
                of_workload,
            ),
        ),
        ("customSecurityAttributes", (rng.u8(..4) == 0).then(|| attributes(rng))),
        ("groups", (rng.u8(..of_user + 1) > 0).then(|| json!(some(rng, &["staff", "admins", "others"], 40)))),
        ("roles", (rng.u8(..of_user + 1) > 0).then(|| json!(some(rng, &["reader", "writer"], 40)))),
        ("guestType", word(rng, &guests, of_user)),
        ("homeTenant", one(rng, &["guests", "elsewhere", PERSONAL, TENANT, OTHER_TENANT], of_user * 2)),
        ("blueprint", one(rng, &[BLUEPRINT, "other", AGENT], if kind == IdentityKind::AgentIdentity { 2 } else { 12 })),
    ])
}

fn resource(rng: &mut Rng) -> Value {
    let apps = [
        "mail",
        GRAPH,
        DIRECTORY,
        EXCHANGE,
        "payroll",
        "app-tagged",
        "app-bare",
        "new",
        "suite-app",
        REGISTRATION,
        ENROLMENT,
    ];
    let app_ids = match rng.u8(..8) {
        0 => Vec::new(),
        1 | 2 => some(rng, &apps, 20),
        _ => vec![pick(rng, &apps)],
    };
    let scopes: &[&str] = match rng.u8(..10) {
        0 => &["openid", "profile"],
        1 => &["User.Read", "openid"],
        2 => &["Files.Read"],
        3 => &["UserAuthenticationMethod.Read"],
        _ => &[],
    };
    let target = ["1", "2"].map(|id| json!({ "type": "record", "id": id }));
    object([
        ("appIds", (!app_ids.is_empty()).then(|| json!(app_ids))),
        ("type", word(rng, ResourceKind::ALL, 4)),
        ("userAction", word(rng, UserAction::ALL, 8)),
        ("authenticationContext", one(rng, &["c1", "c2", "c7", "c99"], 3)),
        ("customSecurityAttributes", (rng.u8(..4) == 0).then(|| attributes(rng))),
        ("scopes", (!scopes.is_empty()).then(|| json!(scopes))),
        ("target", (rng.u8(..3) == 0).then(|| target[rng.usize(..2)].clone())),
    ])
}

fn network(rng: &mut Rng) -> Value {
    let addresses = [
        "192.0.2.1",
        "192.0.2.200",
        "198.51.100.9",
        "2001:db8::1",
        "203.0.113.5",
        "203.0.113.16",
        "::ffff:192.0.2.9",
        "81.2.69.130",
        "2001:218::1",
    ];
    let is_inside = rng.bool();
    object([
        ("ipAddress", (rng.u8(..5) > 0).then(|| json!(pick(rng, &addresses)))),
        ("country", one(rng, &["DE", "FR", "US", "GB", "ZZ"], 3)),
        ("gpsCountry", one(rng, &["DE", "FR", "US"], 2)),
        ("compliantNetwork", (rng.u8(..3) > 0).then(|| json!(is_inside))),
    ])
}

fn risk(rng: &mut Rng) -> Value {
    let levels = ["none", "low", "medium", "high", "hidden"];
    object([
        ("user", one(rng, &levels, 2)),
        ("signIn", one(rng, &levels, 2)),
        ("agent", one(rng, &levels, 3)),
        ("servicePrincipal", one(rng, &levels, 2)),
        ("insider", one(rng, &["none", "minor", "moderate", "elevated"], 3)),
    ])
}

fn device(rng: &mut Rng) -> Value {
    let is_compliant = rng.bool();
    let physical = some(rng, &["[a]", "[b]"], 40);
    object([
        ("isCompliant", (rng.u8(..3) > 0).then(|| json!(is_compliant))),
        ("trustType", one(rng, &["ServerAD", "AzureAD", "Workplace"], 2)),
        ("mdmAppId", one(rng, &[INTUNE, "other"], 2)),
        ("model", one(rng, &["another value", "x", "z"], 2)),
        ("extensionAttribute1", one(rng, &["Kiosk", "desk"], 2)),
        ("physicalIds", (!physical.is_empty()).then(|| json!(physical))),
    ])
}

fn credential(rng: &mut Rng) -> Value {
    object([
        ("type", word(rng, CredentialType::ALL, 1)),
        ("keyId", one(rng, &["k1"], 2)),
        ("federatedIssuer", one(rng, &["https://a.example", "https://b.example"], 2)),
        ("federatedSubject", one(rng, &["repo:a"], 2)),
    ])
}

fn satisfied(rng: &mut Rng) -> Value {
    let mut list = |all: Vec<&str>, chance: u8| Some(json!(some(rng, &all, chance)));
    let words = |controls: &[GrantControl]| controls.iter().map(|control| control.as_str()).collect();
    object([
        (
            "builtInControls",
            list(words(&[GrantControl::Mfa, GrantControl::CompliantDevice, GrantControl::DomainJoinedDevice]), 40),
        ),
        ("authenticationMethods", list(AuthenticationMethod::ALL.iter().map(|method| method.as_str()).collect(), 30)),
        ("authenticationStrengths", list(STRENGTHS.to_vec(), 20)),
        ("termsOfUse", list(vec!["terms"], 50)),
    ])
}

fn free(rng: &mut Rng) -> Value {
    let texts =
        [json!("canary"), json!("stable"), json!(3), json!(["canary"]), json!({ "ring": "canary" }), Value::Null];
    let numbers = [json!(7), json!(-1), json!(9_007_199_254_740_993_i64), json!(1.5), json!(1e300), json!("7")];
    object([
        ("ring", (rng.bool()).then(|| texts[rng.usize(..texts.len())].clone())),
        ("subject.role", one(rng, &["admin", "other"], 4)),
        ("subject.age", (rng.u8(..4) == 0).then(|| numbers[rng.usize(..numbers.len())].clone())),
        ("resource.open", (rng.u8(..4) == 0).then(|| json!(false))),
    ])
}
