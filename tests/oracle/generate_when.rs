//! Generated conditions in Cedar, as `when` of policies and as `.cedar` files, over every fact that the schema has.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use doorward::compile::{self, Mode};
use doorward::model::policy::{Policy, When, WhenForm};
use doorward::model::request::{Credential, Target};
use doorward::model::set::Word;
use doorward::model::{
    CredentialType, Entities, Entity, FreeAttributes, FreeFacts, FreeValue, IdentityKind, Property, SubjectTypes,
};
use doorward::text::{Embedded, RawBundle, RawFile, Span};

use super::generate::{Scene, placed};
use super::world::{AGENTS, PRINCIPALS};

/// Comparisons that the schema admits for every kind of identity, and that meet the cast of the scenes.
const COMPARISONS: [&str; 60] = [
    "context.credential.type == \"clientSecret\"",
    "context.credential.type != \"clientSecret\"",
    "context.credential.keyId like \"k*\"",
    "context.credential.federatedIssuer == \"https://issuer\"",
    "[\"repo:a\", \"repo:b\"].contains(context.credential.federatedSubject)",
    "principal.appId like \"*1\"",
    "principal.id == \"alice\"",
    "principal.id like \"1*\"",
    "principal is ServicePrincipal",
    "principal is User && principal.groups.contains(\"33333333-0000-0000-0000-00000000000a\")",
    "principal is User && principal.roles.isEmpty()",
    "principal is AgentUser && principal.guestType != \"none\"",
    "principal is User && principal.homeTenant == \"99999999-0000-0000-0000-00000000000a\"",
    "principal is User && principal.guestType == \"personalMicrosoftAccount\"",
    "principal is ServicePrincipal && principal.ownerTenant == \"99999999-0000-0000-0000-000000000000\"",
    "principal is ServicePrincipal && principal.signInAudience == \"AzureADMyOrg\"",
    "principal is ManagedIdentity && principal.servicePrincipalType == \"ManagedIdentity\"",
    "principal is AgentIdentity && principal.blueprint like \"6*a\"",
    "principal == User::\"alice\"",
    "resource.appIds.isEmpty()",
    "resource.appIds.contains(\"00000002-0000-0000-c000-000000000000\")",
    "resource.type == \"application\"",
    "resource.userAction == \"none\"",
    "resource.authenticationContext == \"c1\"",
    "resource.customSecurityAttributes.texts.hasTag(\"eng_tier\")",
    "context.time < datetime(\"2026-06-01T00:00:00Z\")",
    "context.time.toTime() >= duration(\"9h\")",
    "context.clientApp == \"browser\"",
    "context.platform == \"unknown\"",
    "context.authenticationFlow == \"deviceCodeFlow\"",
    "context.network.country == \"NL\"",
    "context.network.gpsCountry != \"NL\"",
    "context.network.ipAddress.isInRange(ip(\"203.0.113.0/29\"))",
    "context.network.compliantNetwork",
    "context.network.locations.isEmpty()",
    "context.network.locations.contains(\"Location 2\")",
    "context.network.locations.containsAny([\"AllTrusted\", \"88888888-0000-0000-0000-000000000000\"])",
    "context.risk.user == \"high\"",
    "[\"none\", \"minor\"].contains(context.risk.insider)",
    "context.device.isRegistered",
    "context.device has model && context.device.model like \"al*\"",
    "context.device has systemLabels && context.device.systemLabels.contains(\"m365\")",
    "context.device has extensionAttribute1",
    "context.attributes.text.hasTag(\"ring\")",
    "context.attributes.text.hasTag(\"ring\") && context.attributes.text.getTag(\"ring\") == \"canary\"",
    "context.attributes.number.hasTag(\"age\") && context.attributes.number.getTag(\"age\") + 9223372036854775800 > 0",
    "context.attributes.flag.hasTag(\"on\") && context.attributes.flag.getTag(\"on\")",
    "context.attributes.texts.hasTag(\"all\") && context.attributes.texts.getTag(\"all\").contains(\"a\")",
    "principal.customSecurityAttributes.text.hasTag(\"eng_zone\") && principal.customSecurityAttributes.text.getTag(\"eng_zone\") like \"al*\"",
    "(if context.clientApp == \"other\" then 1 else 2) == 2",
    "[context.network.country, context.clientApp].contains(\"NL\")",
    "context.action == \"read\"",
    "resource.target.type == \"route\" && resource.target.id like \"/todos*\"",
    "context.attributes.text.hasTag(\"subject.role\") && context.attributes.text.getTag(\"subject.role\") == \"admin\"",
    "context.attributes.number.hasTag(\"subject.age\") && context.attributes.number.getTag(\"subject.age\") < 5",
    "context.attributes.texts.hasTag(\"subject.tags\") && context.attributes.texts.getTag(\"subject.tags\").contains(\"a\")",
    "context.attributes.text.hasTag(\"resource.owner\") && context.attributes.text.getTag(\"resource.owner\") == principal.id",
    "context.attributes.flag.hasTag(\"resource.open\") && context.attributes.flag.getTag(\"resource.open\")",
    "context.attributes.flag.hasTag(\"action.harmless\")",
    "context.device has trustType && [\"serverad\"].contains(context.device.trustType)",
];

/// A condition.
pub fn condition() -> impl Strategy<Value = String> {
    let leaf = select(&COMPARISONS).prop_map(|text| format!("({text})"));
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| format!("!{of}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} || {b} && {c})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

/// A policy of a `.cedar` file.
fn statement() -> impl Strategy<Value = String> {
    const STATES: [&str; 4] = ["", "", "@state(\"report-only\")\n", "@state(\"disabled\")\n"];
    const WHO: [&str; 5] = ["", "", " is User", " is ServicePrincipal", " == AgentUser::\"alice\""];
    const ACTION: [&str; 2] = ["", " == Action::\"issueToken\""];
    (select(&STATES), select(&WHO), select(&ACTION), weighted(0.7, plain()), weighted(0.3, plain())).prop_map(
        |(state, who, action, when, unless)| {
            let when = when.map(|text| format!(" when {{ {text} }}")).unwrap_or_default();
            let unless = unless.map(|text| format!("\nunless {{ {text} }}")).unwrap_or_default();
            format!("{state}forbid (principal{who}, action{action}, resource){when}{unless};\n")
        },
    )
}

/// A condition that asks nothing about kinds of identity: a scope that names one kind leaves no room for it.
fn plain() -> impl Strategy<Value = String> {
    condition().prop_filter("it asks about a kind", |text| !text.contains("principal is") && !text.contains("User::"))
}

/// What only conditions in Cedar look at.
#[derive(Debug, Clone)]
pub struct Extra {
    credential: Credential<'static>,
    free: usize,
    now: Option<&'static str>,
    action: Option<&'static str>,
    target: Option<Target<'static>>,
}

struct Free(Vec<(&'static str, FreeValue<'static>)>);

impl FreeFacts for Free {
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        self.0.iter().filter(|(name, _)| *name != UNUSABLE).for_each(|(name, value)| found(name, value.clone()));
    }

    fn carries(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| *own == name)
    }
}

/// A free attribute whose values are all of a type that nobody can use.
const UNUSABLE: &str = "subject.age";

/// Free attributes, of the types that conditions expect, of others, and none.
static FREE: LazyLock<[Free; 7]> = LazyLock::new(|| {
    use FreeValue::{Flag, Number, Text, Texts};
    [
        Free(vec![]),
        Free(vec![("ring", Text("canary")), ("age", Number(1)), ("on", Flag(false)), ("all", Texts(vec!["a", "b"]))]),
        Free(vec![("ring", Text("stable")), ("age", Number(i64::MAX)), ("on", Flag(true)), ("all", Texts(vec![]))]),
        Free(vec![("ring", Number(3)), ("age", Text("1")), ("on", Texts(vec!["true"])), ("all", Flag(true))]),
        Free(vec![("age", Number(-9_223_372_036_854_775_805)), ("other", Text("canary"))]),
        Free(vec![("subject.role", Text("other")), (UNUSABLE, Text("")), ("resource.open", Flag(false))]),
        Free(vec![("subject.role", Flag(true)), ("action.harmless", Text("yes"))]),
    ]
});

fn extra() -> impl Strategy<Value = Extra> {
    let credential = (
        of(select(&[CredentialType::ClientSecret, CredentialType::FederatedIdentityCredential])),
        of(select(&["k1", "other"])),
        of(select(&["https://issuer", "https://other"])),
        of(select(&["repo:a", "repo:c"])),
    );
    let now = of(select(&["2026-05-01T08:59:59.999Z", "2026-07-01T09:00:00.5Z"]));
    let action = of(select(&["read", "write"]));
    let target = of(select(&[("route", "/todos/{id}"), ("route", "/users"), ("record", "/todos/{id}")]));
    (credential, 0..FREE.len(), now, action, target).prop_map(|(credential, free, now, action, target)| {
        let (kind, key_id, federated_issuer, federated_subject) = credential;
        let credential = Credential { kind, key_id, federated_issuer, federated_subject };
        Extra { credential, free, now, action, target: target.map(|(kind, id)| Target { kind, id }) }
    })
}

/// Entities, and what callers mean by a type of subject that is no usual one.
fn entities() -> impl Strategy<Value = (Entities, SubjectTypes)> {
    let entity = |(kind, id): (&str, &str), properties: &[(&str, Property)]| Entity {
        kind: placed(kind.into()),
        id: placed(id.into()),
        properties: properties.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
    };
    let text = |text: &str| Property::Text(text.into());
    let subjects = vec![
        entity(("user", "alice"), &[("subject.role", text("admin")), ("subject.age", Property::Number(3))]),
        entity(("client", PRINCIPALS[0]), &[("subject.role", text("reader"))]),
        entity(("robot", "11111111-0000-0000-0000-00000000000A"), &[("subject.age", Property::Number(9))]),
        entity(("agentIdentity", AGENTS[0]), &[("subject.tags", Property::Texts(vec!["a".into()]))]),
    ];
    let resources = vec![
        entity(("route", "/todos/{id}"), &[("resource.owner", text("alice")), ("resource.open", Property::Flag(true))]),
        entity(("record", "/todos/{id}"), &[("resource.owner", text("bob"))]),
    ];
    let actions = vec![entity(("", "read"), &[("action.harmless", Property::Flag(true))])];
    let parts = (subsequence(subjects, 0..=4), subsequence(resources, 0..=2), subsequence(actions, 0..=1));
    (parts, select(IdentityKind::ALL)).prop_map(|((subjects, resources, actions), robot)| {
        (Entities { subjects, resources, actions }, SubjectTypes::new(vec![("robot".into(), robot)]))
    })
}

/// `scene`, with conditions for most of its policies, policies of `.cedar` files, and requests that speak of more.
pub fn conditional(scene: impl Strategy<Value = Scene>) -> impl Strategy<Value = Scene> {
    let places = subsequence((0..8).collect::<Vec<usize>>(), 1..=6);
    (scene, vec(condition(), 8), places, vec(statement(), 0..3), vec(extra(), 16), entities()).prop_map(
        |(mut scene, conditions, places, statements, extras, (entities, subject_types))| {
            scene.bundle.entities = entities;
            scene.bundle.settings.subject_types = subject_types;
            for place in places {
                if let Some(policy) = scene.bundle.policies.get_mut(place) {
                    let text = Embedded::new(&*conditions[place], Span::NONE);
                    policy.when = Some(When { form: WhenForm::Expression, text });
                }
            }
            scene.bundle.policies.extend(read(&statements));
            for (request, extra) in scene.requests.iter_mut().zip(extras.into_iter().cycle()) {
                request.credential = extra.credential;
                request.attributes = FreeAttributes::new(&FREE[extra.free]);
                (request.action, request.resource.target) = (extra.action, extra.target);
                request.now = extra.now.map(|text| text.parse().expect("a timestamp"));
            }
            scene
        },
    )
}

/// The policies of a `.cedar` file that holds `statements`.
fn read(statements: &[String]) -> Vec<Policy> {
    let named = statements.iter().enumerate().map(|(index, text)| format!("@id(\"cedar-{index}\")\n{text}"));
    let text: String = named.collect();
    let file = RawFile { name: "generated.cedar".into(), bytes: text.into_bytes() };
    let reading = compile::read(&RawBundle { files: vec![file], digest: "digest".into() }, Mode::Spanned);
    assert_eq!(reading.diagnostics.errors(), 0, "{:?}", reading.diagnostics);
    reading.bundle.policies
}
