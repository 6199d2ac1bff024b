//! Conditions in Cedar, and Cedar as a third opinion.
//!
//! Bundles and requests are generated. Where every fact is there, cedar-policy must find the translation of a policy
//! satisfied exactly where the engine finds that the policy applies. Where facts are missing, conditions in Cedar must
//! never let through what they would not let through with all facts.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected must fail"
)]

#[expect(dead_code, reason = "shared with the properties, which need more of it")]
mod oracle;
#[path = "support/written.rs"]
mod written;

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, PolicySet, Schema, ValidationMode, Validator};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{self, Evaluation};
use doorward::model::location::{Country, CountryFact};
use doorward::model::policy::{
    Locations, Policy, PrincipalTarget, ResourceTarget, Resources, UserTarget, When, WhenForm,
};
use doorward::model::request::{Credential, Resource, Target};
use doorward::model::{
    Attributes, Bundle, ClientApp, CredentialType, Decision, FreeAttributes, FreeFacts, FreeValue, GrantControl,
    GuestType, Id, IdRef, ResourceKind, ServicePrincipal, SignInAudience, State, TokenRequest, Truth,
};
use doorward::review::cedar;
use doorward::text::{Diagnostics, Embedded, Span};

use oracle::generate::{Scene, placed, scene};

fn compiled(bundle: &Bundle) -> CompiledBundle {
    let mut diagnostics = Diagnostics::default();
    let compiled = compile::build(bundle.clone(), "digest", None, &mut diagnostics);
    let problems: Vec<_> = diagnostics.iter().map(|problem| (problem.rule.id, &problem.what)).collect();
    compiled.unwrap_or_else(|| panic!("the bundle compiles: {problems:?}"))
}

fn run(cases: u32, property: impl Fn(Scene, Vec<String>) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let inputs = (scene(false, 16), prop::collection::vec(condition(), 4));
    let outcome = TestRunner::new(config).run(&inputs, |(scene, conditions)| property(scene, conditions));
    if let Err(problem) = outcome {
        panic!("{problem}");
    }
}

/// Adds every fact that the request lacks and that some condition could look at, without contradicting the catalogue.
fn completed(mut request: TokenRequest<'static>, bundle: &Bundle) -> TokenRequest<'static> {
    // Baseline scopes are a request for the directory, whose attributes no request can tell.
    request.resource.scopes.clear();
    let identity = &mut request.identity;
    let known = bundle.principals.iter().find(|entry| entry.id.value.as_ref() == identity.id);
    if known.is_none_or(|known| known.app_id.is_none()) {
        identity.app_id.get_or_insert(IdRef::new("11111111-0000-0000-0000-000000000001"));
    }
    if known.is_none_or(|known| known.owner_tenant.is_none()) {
        identity.owner_tenant.get_or_insert(IdRef::new(oracle::world::TENANTS[0]));
    }
    if known.is_none_or(|known| known.audience.is_none()) {
        identity.audience.get_or_insert(SignInAudience::MyOrg);
    }
    if known.is_none_or(|known| known.attributes.is_none()) {
        identity.attributes.get_or_insert_with(Attributes::default);
    }
    identity.groups.get_or_insert_with(Vec::new);
    identity.roles.get_or_insert_with(Vec::new);
    identity.guest_type.get_or_insert(GuestType::None);
    identity.home_tenant.get_or_insert(IdRef::new("11111111-0000-0000-0000-000000000003"));
    identity.blueprint.get_or_insert(IdRef::new("11111111-0000-0000-0000-000000000004"));
    let resource = &mut request.resource;
    if resource.app_ids.is_empty() && resource.user_action.is_none() {
        resource.app_ids.push(IdRef::new("11111111-0000-0000-0000-000000000005"));
    }
    // Of several applications the catalogue may know different attributes, which Cedar cannot tell apart.
    resource.app_ids.truncate(1);
    let named = resource.app_ids.first().copied();
    let of_app = |entry: &&ServicePrincipal| named.is_some() && entry.app_id.as_ref().map(Id::as_ref) == named;
    let by_object = |entry: &&ServicePrincipal| Some(entry.id.value.as_ref()) == named;
    let entry = bundle.principals.iter().find(of_app);
    if entry.or_else(|| bundle.principals.iter().find(by_object)).is_none_or(|entry| entry.kind.is_none()) {
        resource.kind.get_or_insert(ResourceKind::Application);
    }
    if entry.is_none_or(|entry| entry.attributes.is_none()) {
        resource.attributes.get_or_insert_with(Attributes::default);
    }
    let network = &mut request.network;
    network.ip_address.get_or_insert("192.0.2.200".parse().expect("an address"));
    network.country.get_or_insert(CountryFact::Unmapped);
    network.gps_country = network.gps_country.or(Country::new("NL"));
    network.compliant_network.get_or_insert(false);
    request.client_app.get_or_insert(ClientApp::Browser);
    request.credential = Credential {
        kind: Some(CredentialType::ClientSecret),
        key_id: Some("k1"),
        federated_issuer: Some("https://issuer"),
        federated_subject: Some("repo:c"),
    };
    request.attributes = FreeAttributes::new(&FREE);
    request.action = Some("GET");
    request.resource.target = Some(Target { kind: "route", id: "/todos/{id}" });
    request.now = Some("2026-05-01T00:00:00Z".parse().expect("a timestamp"));
    request
}

static FREE: [(&str, FreeValue<'_>); 4] = [
    ("ring", FreeValue::Text("canary")),
    ("age", FreeValue::Number(1)),
    ("on", FreeValue::Flag(false)),
    ("all", FreeValue::Texts(Vec::new())),
];

/// The policies that the engine finds to apply, and whether certainly.
fn applying(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Option<Vec<(String, Truth)>> {
    let traces = evaluate::trace(bundle, request).ok()?;
    let applying = traces.into_iter().filter(|trace| trace.outcome.applies());
    let truth = |trace: &evaluate::PolicyTrace| {
        trace.conditions.iter().fold(Truth::True, |all, condition| all & condition.holds)
    };
    Some(applying.map(|trace| (bundle.policy(trace.policy).id.to_string(), truth(&trace))).collect())
}

/// Takes conditions from some policies, so that more of them apply.
fn widen(bundle: &mut Bundle) {
    for (index, policy) in bundle.policies.iter_mut().enumerate() {
        let conditions = &mut policy.conditions;
        let all = PrincipalTarget::All;
        if index % 4 > 0 {
            let include = vec![placed(ResourceTarget::All)];
            conditions.resources = Resources { include, ..Resources::default() };
        }
        if index % 4 > 1 {
            conditions.users.include.push(placed(UserTarget::All));
            conditions.service_principals.include.push(placed(all.clone()));
            conditions.agent_identities.include.push(placed(all));
        }
        if index % 4 > 2 {
            conditions.locations = Locations::default();
        }
    }
}

/// What has no words in Cedar and matters here; the other remarks are about requests that are not asked.
fn is_lost(unsaid: &str) -> bool {
    unsaid.contains("where it is one text")
}

/// What follows from a policy is nothing that Cedar says: it is told above the text.
#[test]
fn tokens_and_obligations_are_told_in_comments() {
    let shaped = "displayName: Shaped\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ntoken: { lifetime: \
                  300, claims: { tags: [b, a] }, critical: [tags] }\n";
    let owing = "displayName: Owing\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { \
                 builtInControls: [block] }\nobligations: [{ type: session_termination }, { type: notification, to: soc, \
                 id: tell }]\n";
    let files = written::raw([("a.yaml", shaped), ("b.yaml", owing)]);
    let bundle = compile::compile(&files).bundle.expect("the bundle compiles");
    let texts: Vec<_> = cedar::policies(&bundle).into_iter().map(|policy| policy.text).collect();
    let comments =
        |text: &str| text.lines().filter(|line| line.starts_with("//")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        comments(&texts[0]),
        [
            "// Not a block: where this applies, the policy asks for no grant control.",
            "// Not said in Cedar: what a token comes with: tokenLifetime 300 seconds, criticalTokenClaim tags [\"a\",\"b\"].",
        ]
    );
    let owed =
        "// Not said in Cedar: obligations: Owing#1 (session_termination) {}, tell (notification) {\"to\":\"soc\"}.";
    assert_eq!(comments(&texts[1]), [owed]);
}

#[test]
fn cedar_finds_the_same_policies_to_apply_where_all_facts_are_known() {
    let schema = Schema::from_cedarschema_str(compile::cedar::SCHEMA).expect("the schema is one").0;
    let validator = Validator::new(schema);
    let (asked, applied) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    run(400, |scene, conditions| {
        let mut source = scene.bundle;
        widen(&mut source);
        for (policy, condition) in source.policies.iter_mut().step_by(2).zip(&conditions) {
            // An overflow is an error of the whole policy to Cedar, and of a comparison to the engine.
            if !condition.contains(OVERFLOW) {
                with_when(policy, condition);
            }
        }
        if compile::build(source.clone(), "digest", None, &mut Diagnostics::default()).is_none() {
            // Not every condition suits whom its policy covers.
            source.policies.iter_mut().for_each(|policy| policy.when = None);
        }
        let bundle = compiled(&source);
        let mut set = PolicySet::new();
        let mut lost = BTreeSet::new();
        for policy in cedar::policies(&bundle) {
            if policy.text.starts_with("//") && !policy.text.contains("forbid") {
                continue;
            }
            let id = cedar_policy::PolicyId::new(&*policy.id);
            let parsed = cedar_policy::Policy::parse(Some(id), &policy.text);
            set.add(parsed.unwrap_or_else(|error| panic!("{error}: {}", policy.text))).expect("ids are unique");
            if policy.unsaid.iter().any(|unsaid| is_lost(unsaid)) {
                lost.insert(policy.id.to_string());
            }
        }
        let result = validator.validate(&set, ValidationMode::Strict);
        let errors: Vec<_> = result.validation_errors().map(ToString::to_string).collect();
        prop_assert!(errors.is_empty(), "{:?}\n{:?}", errors, set.to_cedar());
        for request in scene.requests.into_iter().map(|request| completed(request, &source)) {
            let Some(engine) = applying(&bundle, &request) else { continue };
            let cedar = evaluate::cedar_request(&bundle, &request).expect("no contradiction").expect("it can be made");
            let response = Authorizer::new().is_authorized(&cedar.request, &set, &cedar.entities);
            let errors: Vec<_> = response.diagnostics().errors().map(ToString::to_string).collect();
            prop_assert!(errors.is_empty(), "{:?}", errors);
            let satisfied: BTreeSet<String> =
                response.diagnostics().reason().map(ToString::to_string).filter(|id| !lost.contains(id)).collect();
            let engine: BTreeSet<String> =
                engine.into_iter().map(|(id, _)| id).filter(|id| !lost.contains(id)).collect();
            asked.set(asked.get() + set.policies().count() - lost.len());
            applied.set(applied.get() + engine.len());
            prop_assert_eq!(satisfied, engine, "{:?}\n{}", request, set.to_cedar().unwrap_or_default());
        }
        Ok(())
    });
    assert!(asked.get() > 4_000 && applied.get() > 500, "{} of {} apply", applied.get(), asked.get());
}

const OVERFLOW: &str = "9223372036854775800";

/// Conditions over every fact that can be missing, alone; the properties combine them.
const COMPARISONS: [&str; 26] = [
    "context.credential.type == \"clientSecret\"",
    "context.credential.type != \"clientSecret\"",
    "context.credential.keyId like \"k*\"",
    "context.credential.federatedIssuer == \"https://issuer\"",
    "[\"repo:a\", \"repo:b\"].contains(context.credential.federatedSubject)",
    "principal.appId like \"*1\"",
    "principal.id == \"x\"",
    "resource.appIds.isEmpty()",
    "resource.type == \"application\"",
    "context.time < datetime(\"2026-06-01T00:00:00Z\")",
    "context.clientApp == \"browser\"",
    "context.network.country == \"NL\"",
    "context.network.ipAddress.isInRange(ip(\"192.0.2.0/24\"))",
    "context.network.compliantNetwork",
    "context.network.locations.isEmpty()",
    "context.attributes.text.hasTag(\"ring\")",
    "context.attributes.text.hasTag(\"ring\") && context.attributes.text.getTag(\"ring\") == \"canary\"",
    "context.attributes.number.hasTag(\"age\") && context.attributes.number.getTag(\"age\") + 9223372036854775800 > 0",
    "context.attributes.flag.hasTag(\"on\") && context.attributes.flag.getTag(\"on\")",
    "context.attributes.texts.hasTag(\"all\") && context.attributes.texts.getTag(\"all\").contains(\"a\")",
    "principal.customSecurityAttributes.text.hasTag(\"eng_zone\") && principal.customSecurityAttributes.text.getTag(\"eng_zone\") like \"al*\"",
    "(if context.clientApp == \"other\" then 1 else 2) == 2",
    "[context.network.country, context.clientApp].contains(\"NL\")",
    "context.device has model && context.device.model == \"surface\"",
    "context.action == \"GET\"",
    "resource.target.type == \"route\" && resource.target.id like \"/todos*\"",
];

/// A condition made of `COMPARISONS`.
fn condition() -> impl Strategy<Value = String> {
    let leaf = select(&COMPARISONS).prop_map(|text| format!("({text})"));
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| format!("!{of}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

/// Facts that only conditions in Cedar look at.
#[derive(Debug, Clone)]
struct Extra {
    credential: Credential<'static>,
    free: Vec<(&'static str, FreeValue<'static>)>,
    now: Option<jiff::Timestamp>,
    action: Option<&'static str>,
    target: Option<Target<'static>>,
}

impl FreeFacts for Extra {
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        self.free.as_slice().each(found);
    }
}

fn extra() -> impl Strategy<Value = Extra> {
    let credential = (
        proptest::option::of(select(&[CredentialType::ClientSecret, CredentialType::FederatedIdentityCredential])),
        proptest::option::of(select(&["k1", "other"])),
        proptest::option::of(select(&["https://issuer", "https://other"])),
        proptest::option::of(select(&["repo:a", "repo:c"])),
    );
    let free = subsequence(
        vec![
            ("ring", FreeValue::Text("canary")),
            ("ring", FreeValue::Number(3)),
            ("age", FreeValue::Number(1)),
            ("age", FreeValue::Number(i64::MAX)),
            ("on", FreeValue::Flag(true)),
            ("on", FreeValue::Flag(false)),
            ("all", FreeValue::Texts(vec!["a", "b"])),
            ("all", FreeValue::Texts(vec![])),
        ],
        0..=8,
    );
    let now = proptest::option::of(select(&["2026-05-01T00:00:00Z", "2026-07-01T00:00:00.5Z"]));
    let action = proptest::option::of(select(&["GET", "issue:access_token:client_credentials"]));
    let target = |(kind, id)| Target { kind, id };
    let target = (select(&["route", "record"]), select(&["/todos/{id}", "/users"])).prop_map(target);
    let task = (action, proptest::option::of(target));
    (credential, free, now, task).prop_map(|(credential, mut free, now, (action, target))| {
        let (kind, key_id, federated_issuer, federated_subject) = credential;
        free.dedup_by_key(|(name, _)| *name);
        Extra {
            credential: Credential { kind, key_id, federated_issuer, federated_subject },
            free,
            now: now.map(|text| text.parse().expect("a timestamp")),
            action,
            target,
        }
    })
}

fn with_when(policy: &mut Policy, text: &str) {
    policy.when = Some(When { form: WhenForm::Expression, text: Embedded::new(text, Span::NONE) });
}

/// Every request with fewer facts, one left out each time, and at last all of them.
fn each_with_less(request: &TokenRequest<'_>, extra: &Extra, mut ask: impl FnMut(&TokenRequest<'_>)) {
    type Removal = fn(&mut TokenRequest<'_>);
    let removals: [Removal; 16] = [
        |request| request.credential.kind = None,
        |request| request.credential.key_id = None,
        |request| request.credential.federated_issuer = None,
        |request| request.credential.federated_subject = None,
        |request| request.attributes = FreeAttributes::default(),
        |request| request.now = None,
        |request| request.network.ip_address = None,
        |request| request.network.country = None,
        |request| request.network.compliant_network = None,
        |request| request.network.gps_country = None,
        |request| request.identity.attributes = None,
        |request| request.identity.app_id = None,
        |request| request.resource.kind = None,
        |request| request.client_app = None,
        |request| request.action = None,
        |request| request.resource.target = None,
    ];
    for removal in removals {
        let mut less = request.clone();
        removal(&mut less);
        ask(&less);
    }
    for left_out in 0..extra.free.len() {
        let mut fewer = extra.clone();
        fewer.free.remove(left_out);
        ask(&TokenRequest { attributes: FreeAttributes::new(&fewer), ..request.clone() });
    }
    let mut nothing = request.clone();
    removals.iter().for_each(|removal| removal(&mut nothing));
    ask(&nothing);
}

#[test]
fn a_condition_never_lets_through_a_request_for_saying_less() {
    let config = Config { cases: 192, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let blocked = std::cell::Cell::new(0);
    let inputs = (scene(false, 4), prop::collection::vec(condition(), 8), prop::collection::vec(extra(), 4));
    let outcome = TestRunner::new(config).run(&inputs, |(scene, conditions, extras)| {
        let mut bundle = scene.bundle;
        bundle.settings.missing_ip = doorward::model::bundle::MissingIp::Unknown;
        for (policy, condition) in bundle.policies.iter_mut().zip(&conditions) {
            with_when(policy, condition);
            policy.state = State::Enabled;
            if let Some(grant) = &mut policy.grant {
                grant.built_in.insert(GrantControl::Block);
            }
        }
        // Not every condition suits whom its policy covers; the others are what is asked about.
        let mut diagnostics = Diagnostics::default();
        let Some(bundle) = compile::build(bundle.clone(), "digest", None, &mut diagnostics) else { return Ok(()) };
        let mut evaluation = Evaluation::default();
        for (request, extra) in scene.requests.iter().zip(&extras) {
            let request = TokenRequest {
                credential: extra.credential.clone(),
                attributes: FreeAttributes::new(extra),
                now: extra.now,
                action: extra.action,
                resource: Resource { target: extra.target, ..request.resource.clone() },
                ..request.clone()
            };
            if evaluate::evaluate(&bundle, &request, &mut evaluation).is_err()
                || evaluation.decision() == Decision::Allow
            {
                continue;
            }
            blocked.set(blocked.get() + 1);
            let mut widened = None;
            each_with_less(&request, extra, |less| {
                evaluate::evaluate(&bundle, less, &mut evaluation).expect("less contradicts less");
                if evaluation.decision() == Decision::Allow {
                    widened = Some(format!("{less:?}"));
                }
            });
            prop_assert!(widened.is_none(), "{:?} is blocked, {:?} is not", request, widened);
        }
        Ok(())
    });
    if let Err(problem) = outcome {
        panic!("{problem}");
    }
    assert!(blocked.get() > 25, "{} requests are blocked", blocked.get());
}
