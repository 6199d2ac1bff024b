//! The analysis against brute force once more, on what the first generator leaves out: agents, roles, guests, user
//! actions, several kinds of control, filters over resources and agents, and conditions in Cedar.

use fastrand::Rng;

use super::tenant::combinations;
use super::{ADDRESSES, agree, compiled, settings, some};
use crate::compile::CompiledBundle;
use crate::evaluate::{Evaluation, evaluate};
use crate::model::{
    AttributeValue, Attributes, GuestType, Id, IdentityKind, InsiderRiskLevel, ResourceKind, RiskLevel, TransferMethod,
    UserAction,
};
use crate::review::analysis::{ChangeKind, What, Who, Witness, diff, gaps};
use crate::review::cases;
use crate::written::raw;

const BLUEPRINT: &str = "0b000000-0000-4000-8000-000000000001";
const AGENT: &str = "0b000000-0000-4000-8000-000000000002";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const EXCHANGE: &str = "fb60f99c-7a34-4190-8149-302f77469936";

const HEAD: &str = "namedLocations:
  - { displayName: Here, isTrusted: true, ipRanges: [\"192.0.2.0/24\"] }
  - { displayName: Net, compliantNetworkType: allTenantCompliantNetworks, isTrusted: false }
  - { displayName: Land, countriesAndRegions: [DE], countryLookupMethod: authenticatorAppGps }
servicePrincipals:
  - { id: sp-app, appId: app-tagged, servicePrincipalType: Application, customSecurityAttributes: { Set: { stage: test } } }
  - { id: agent-one, servicePrincipalType: ServiceIdentity, customSecurityAttributes: { Set: { stage: test } } }
policies:
";

/// The same with something else said of locations or of the catalogue.
fn other_head(rng: &mut Rng) -> String {
    let edits = [
        ("isTrusted: true", "isTrusted: false"),
        ("192.0.2.0/24", "192.0.2.128/25"),
        ("isTrusted: false", "isTrusted: true"),
        ("[DE]", "[FR]"),
        (", countryLookupMethod: authenticatorAppGps", ""),
        (", appId: app-tagged", ""),
        (", customSecurityAttributes: { Set: { stage: test } } }\n  - { id: agent", " }\n  - { id: agent"),
        (", customSecurityAttributes: { Set: { stage: test } } }\npolicies", " }\npolicies"),
        ("{ stage: test } } }\n  - { id: agent", "{ stage: live } } }\n  - { id: agent"),
        (", servicePrincipalType: ServiceIdentity", ""),
    ];
    let (from, to) = edits[rng.usize(..edits.len())];
    HEAD.replacen(from, to, 1)
}

fn list(texts: &[&str]) -> String {
    texts.join(", ")
}

pub fn policy(rng: &mut Rng, index: usize) -> String {
    let mut conditions = Vec::new();
    let subject = rng.u8(..4);
    match subject {
        0 => conditions.push(format!(
            "clientApplications: {{ includeAgentIdServicePrincipals: [{}], excludeAgentIdServicePrincipals: [{}]{} }}",
            ["All", "agent-one", BLUEPRINT][rng.usize(..3)],
            list(&some(rng, &[AGENT], 40)),
            ["", ", agentIdServicePrincipalFilter: { mode: exclude, rule: 'CustomSecurityAttribute.Set_stage -eq \"test\"' }"][rng.usize(..2)]
        )),
        1 => conditions.push(format!(
            "users: {{ includeUsers: [{}], excludeUsers: [{}] }}",
            ["AllAgentIdUsers", "ann"][rng.usize(..2)],
            list(&some(rng, &["bob"], 40)),
        )),
        _ => conditions.push(format!(
            "users: {{ includeUsers: [{}], includeRoles: [{}], excludeRoles: [{}], includeGroups: [{}]{} }}",
            ["All", "ann", "None"][rng.usize(..3)],
            list(&some(rng, &["reader"], 40)),
            list(&some(rng, &["writer"], 30)),
            list(&some(rng, &["staff"], 30)),
            [
                "",
                ", excludeGuestsOrExternalUsers: { guestOrExternalUserTypes: b2bCollaborationGuest, externalTenants: { membershipKind: enumerated, members: [guests] } }",
                ", includeGuestsOrExternalUsers: { guestOrExternalUserTypes: 'internalGuest,b2bCollaborationMember' }",
            ][rng.usize(..3)]
        )),
    }
    conditions.push(match rng.u8(..6) {
        0 if subject > 1 => "applications: { includeUserActions: ['urn:user:registersecurityinfo'] }".to_owned(),
        1 => "applications: { includeApplications: [All], excludeApplications: [mail], applicationFilter: { mode: exclude, rule: 'CustomSecurityAttribute.Set_stage -eq \"test\"' } }".to_owned(),
        2 => format!("applications: {{ includeApplications: [{GRAPH}] }}"),
        3 => "applications: { includeAuthenticationContextClassReferences: [c1, c2] }".to_owned(),
        4 => "applications: { includeApplications: [AllAgentIdResources] }".to_owned(),
        _ => "applications: { includeApplications: [All] }".to_owned(),
    });
    if rng.u8(..3) == 0 {
        let include = ["All", "Here", "Net", "Land", "AllTrusted"][rng.usize(..5)];
        let exclude = list(&some(rng, &["Here", "Net", "Land"], 30));
        conditions.push(format!("locations: {{ includeLocations: [{include}], excludeLocations: [{exclude}] }}"));
    }
    if subject > 1 && rng.u8(..4) == 0 {
        conditions.push("userRiskLevels: [high]".to_owned());
    }
    if subject > 1 && rng.u8(..4) == 0 {
        conditions.push("insiderRiskLevels: elevated".to_owned());
    }
    if subject > 1 && rng.u8(..4) == 0 {
        conditions.push("authenticationFlows: { transferMethods: 'deviceCodeFlow,authenticationTransfer' }".to_owned());
    }
    if subject == 0 && rng.u8(..3) == 0 {
        conditions.push("agentIdRiskLevels: high".to_owned());
    }
    let strength = format!("operator: OR, builtInControls: [compliantDevice], {}", combinations(rng));
    let controls = match if subject < 2 { 0 } else { rng.u8(..6) } {
        4 => &*strength,
        0 => "builtInControls: [block]",
        1 => "operator: OR, builtInControls: [mfa], termsOfUse: [terms]",
        2 => "operator: AND, builtInControls: [compliantDevice], termsOfUse: [terms]",
        3 => "operator: AND, builtInControls: [], authenticationStrength: { id: 00000000-0000-0000-0000-000000000004 }",
        _ => "operator: OR, builtInControls: [compliantDevice, domainJoinedDevice]",
    };
    let state = ["enabled", "enabled", "enabled", "enabledForReportingButNotEnforced"][rng.usize(..4)];
    format!(
        "  - {{ displayName: Policy {index}, state: {state}, conditions: {{ {} }}, grantControls: {{ {controls} }} }}\n",
        conditions.join(", ")
    )
}

pub fn requests(rng: &mut Rng, of: usize) -> Vec<Witness> {
    let stated = |rng: &mut Rng| {
        let mut attributes = Attributes::default();
        match rng.u8(..4) {
            0 => attributes.insert("Set", "stage", AttributeValue::Text("test".into())),
            1 => attributes.insert("Set", "stage", AttributeValue::Text("production".into())),
            2 => true,
            _ => return None,
        };
        Some(attributes)
    };
    let id = |text: &str| Some(Id::new(text));
    let one = |_| {
        let kind = [IdentityKind::User, IdentityKind::User, IdentityKind::AgentUser, IdentityKind::AgentIdentity]
            [rng.usize(..4)];
        let name = match kind {
            IdentityKind::AgentIdentity => ["agent-one", AGENT, "agent-three"][rng.usize(..3)],
            _ => ["ann", "bob", "eve"][rng.usize(..3)],
        };
        let mut who = Who::new(kind, Id::new(name));
        if kind == IdentityKind::AgentIdentity {
            who.blueprint = [None, id(BLUEPRINT), id("other")][rng.usize(..3)].clone();
            who.attributes = stated(rng);
        } else {
            (who.has_groups, who.has_roles) = (rng.u8(..4) > 0, rng.u8(..4) > 0);
        }
        if kind == IdentityKind::User {
            let kinds =
                [None, Some(GuestType::None), Some(GuestType::InternalGuest), Some(GuestType::B2bCollaborationGuest)];
            who.guest_type = kinds[rng.usize(..4)];
            who.home_tenant = [None, None, id("guests"), id("elsewhere")][rng.usize(..4)].clone();
        }
        let mut witness = Witness::new(who);
        if witness.who.has_groups {
            witness.groups = some(rng, &["staff", "others"], 40).into_iter().map(Id::new).collect();
        }
        if witness.who.has_roles {
            witness.roles = some(rng, &["reader", "writer"], 40).into_iter().map(Id::new).collect();
        }
        witness.what = What {
            app_id: [None, id("mail"), id(GRAPH), id(EXCHANGE), id("app-tagged"), id("new")][rng.usize(..6)].clone(),
            kind: [None, None, Some(ResourceKind::Application), Some(ResourceKind::AgentIdentity)][rng.usize(..4)],
            user_action: [None, None, None, Some(UserAction::RegisterSecurityInformation)][rng.usize(..4)],
            context: [None, None, Some("c1".into()), Some("c7".into())][rng.usize(..4)].clone(),
            attributes: stated(rng),
            is_baseline: rng.u8(..5) == 0,
            ..What::default()
        };
        let address = [None].into_iter().chain(ADDRESSES.map(Some)).nth(rng.usize(..6)).flatten();
        witness.network.ip_address = address.map(|text: &str| text.parse().unwrap());
        witness.network.compliant_network = [None, Some(false), Some(true)][rng.usize(..3)];
        witness.network.gps_country =
            [None, crate::model::location::Country::new("DE"), crate::model::location::Country::new("FR")]
                [rng.usize(..3)];
        witness.risk.user = [RiskLevel::None, RiskLevel::High][rng.usize(..2)];
        witness.risk.agent = [RiskLevel::None, RiskLevel::High][rng.usize(..2)];
        witness.risk.insider = [InsiderRiskLevel::None, InsiderRiskLevel::Elevated][rng.usize(..2)];
        witness.flow = [TransferMethod::None, TransferMethod::AuthenticationTransfer][rng.usize(..2)];
        witness
    };
    (0..of).map(one).collect()
}

/// Every request, written as the JSON that examples are told in, gets the decision of the request itself.
fn reads_as_json(bundle: &CompiledBundle, requests: &[Witness]) {
    let mut evaluation = Evaluation::default();
    let mut written = Vec::new();
    for witness in requests {
        if evaluate(bundle, &witness.request(), &mut evaluation).is_err() {
            continue;
        }
        let names: Vec<_> =
            evaluation.policies().iter().map(|index| bundle.policy(*index).display_name.clone()).collect();
        let expect = serde_json::json!({ "decision": evaluation.decision().as_str(), "policies": names });
        let name = format!("case {}", written.len());
        written.push(serde_json::json!({ "name": name, "request": witness.json(), "expect": expect }));
    }
    let cases = serde_json::json!({ "cases": written }).to_string();
    let report = cases::run(bundle, &raw([("tests/all.json", cases)]));
    assert!(report.results.len() > 20, "{:?}", report.findings);
    for result in &report.results {
        assert!(
            result.is_green(),
            "{result:?} {}",
            written[report.results.iter().position(|it| it.name == result.name).unwrap()]
        );
    }
}

#[test]
fn agents_roles_guests_actions_and_filters_change_exactly_in_the_regions() {
    let (mut placed, mut changed) = (0, 0);
    for seed in 0..70 {
        let mut rng = Rng::with_seed(seed);
        let of_before = settings(&mut rng);
        let of_after = if rng.u8(..3) == 0 { settings(&mut rng) } else { of_before.clone() };
        let lines: Vec<_> = (0..rng.usize(2..5)).map(|index| policy(&mut rng, index)).collect();
        let mut edited = lines.clone();
        let chosen = rng.usize(..lines.len());
        edited[chosen] = policy(&mut rng, chosen);
        let heads = [HEAD.to_owned(), if rng.u8(..3) == 0 { other_head(&mut rng) } else { HEAD.to_owned() }];
        let [text, edited] =
            [(&heads[0], lines), (&heads[1], edited)].map(|(head, lines)| format!("{head}{}", lines.concat()));
        let (before, after) = (compiled(&text, &of_before), compiled(&edited, &of_after));
        gaps(&before).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        let asked = requests(&mut rng, 80);
        reads_as_json(&before, &asked);
        let found = agree([&before, &after], &asked, &format!("seed {seed}\n{of_before}{text}\n{of_after}{edited}"));
        (placed, changed) = (placed + found.0, changed + found.1);
    }
    assert!(placed > 2_500 && changed > 400, "{placed} {changed}");
}

/// A block for all workloads on a condition in Cedar.
fn cedar(when: &str) -> String {
    format!(
        "namedLocations: [{{ displayName: Office, ipRanges: [203.0.113.0/24] }}]\npolicies:\n  - {{ displayName: P, state: enabled, conditions: {{ clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }} }}, grantControls: {{ builtInControls: [block] }}, when: '{when}' }}\n"
    )
}

// A request that says little leaves most conditions in Cedar unknown, so it was taken for one that fulfils them all; a
// condition on what every request says ended `diff` and `gaps` with an error. Now whether a request fulfils a condition
// is what the decision says of it.
#[test]
fn a_condition_in_cedar_that_every_request_decides_is_no_mistake() {
    for (when, kinds) in [
        ("principal.servicePrincipalType == \"Application\"", vec![(ChangeKind::NewlyAllowed, true)]),
        ("principal.id == \"x\"", vec![(ChangeKind::NewlyAllowed, false)]),
        ("context.credential.type == \"clientSecret\"", vec![(ChangeKind::NewlyAllowed, true)]),
    ] {
        let (before, after) = (compiled(&cedar(when), ""), compiled("policies: []", ""));
        let told: Vec<_> =
            diff(&before, &after).unwrap().regions.iter().map(|it| (it.kind, it.witness.is_some())).collect();
        assert_eq!(told, kinds, "{when}");
        gaps(&before).unwrap();
    }
}

// Conditions in Cedar read `context.network.locations`, which the bundle fills in: with one text for both bundles, a
// location that moved changed nothing.
#[test]
fn a_condition_in_cedar_means_something_else_when_the_location_that_it_reads_is_another() {
    let text = cedar("context.network.locations.contains(\"Office\")");
    let kinds = |edited: &str| -> Vec<ChangeKind> {
        let found = diff(&compiled(&text, ""), &compiled(edited, "")).unwrap();
        found.regions.iter().map(|region| region.kind).collect()
    };
    assert_eq!(kinds(&text.replace("113.0", "114.0")), [ChangeKind::NewlyAllowed, ChangeKind::NewlyBlocked]);
    assert_eq!(kinds(&text), []);
    let timed = cedar("context.time.toTime() > duration(\"17h\")");
    let found = diff(&compiled(&timed, ""), &compiled(&timed.replace("113.0", "114.0"), "")).unwrap();
    assert!(found.regions.is_empty(), "{:?}", found.regions);
}

// Of filters that compare parts of texts only examples are looked at, and on those two of them agreed: `gaps` called the
// policies identical and each idle, which no request between the examples bears out.
#[test]
fn policies_that_only_examples_do_not_tell_apart_are_neither_identical_nor_idle() {
    let filter = |rule: &str| {
        format!(
            "clientApplications: {{ servicePrincipalFilter: {{ mode: include, rule: 'CustomSecurityAttribute.Set_stage {rule}' }} }}"
        )
    };
    let all = "clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }, servicePrincipalRiskLevels: [high]";
    let one = "clientApplications: { includeServicePrincipals: [0f8fad5b-d9cb-469f-a165-70867728950e] }, servicePrincipalRiskLevels: [high]";
    let policies = [
        ("Contains", filter("-contains \"test\"")),
        ("Ends", filter("-endsWith \"test\"")),
        ("All", all.to_owned()),
        ("One", one.to_owned()),
    ];
    let line = |(name, conditions): &(&str, String)| {
        format!(
            "  - {{ displayName: {name}, state: enabled, conditions: {{ {conditions} }}, grantControls: {{ builtInControls: [block] }} }}\n"
        )
    };
    let bundle = compiled(&format!("policies:\n{}", policies.iter().map(line).collect::<String>()), "");
    let found = gaps(&bundle).unwrap();
    let idle: Vec<_> = found.idle.iter().map(|index| &*bundle.policy(*index).display_name).collect();
    assert_eq!((idle, found.identical), (vec!["One"], vec![]), "what follows without filters is still claimed");
}

#[test]
fn entities_that_differ_are_told_because_conditions_in_cedar_see_them() {
    let text =
        |role: &str| format!("entities: {{ subjects: [{{ type: user, id: ann, properties: {{ role: {role} }} }}] }}\n");
    let [admin, other] = ["admin", "author"].map(|role| compiled(&text(role), ""));
    let is_told = |before: &CompiledBundle, after: &CompiledBundle| {
        diff(before, after).unwrap().notes.iter().any(|note| note.to_string().contains("entities"))
    };
    assert!(is_told(&admin, &other));
    assert!(!is_told(&admin, &compiled(&text("admin"), "")));
    // One that nobody asks about by name is somebody else too.
    let types = "subjectTypes: { robot: user }";
    let found = diff(&compiled("policies: []", ""), &compiled("policies: []", types)).unwrap();
    let told: Vec<_> = found.notes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["subjects of AuthZEN, whose types stand for other kinds of identity"]);
    let usual = compiled("policies: []", "subjectTypes: { client: servicePrincipal }");
    assert!(diff(&compiled("policies: []", ""), &usual).unwrap().notes.is_empty());
    // The type of a subject decides which identity it is.
    let person = text("admin").replace("user", "client");
    assert!(is_told(&compiled(&person, ""), &compiled(&person, "subjectTypes: { client: user }")));
}
