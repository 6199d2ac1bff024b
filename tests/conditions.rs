//! Conditions in Cedar as they decide: what matches, what is unknown, and when Cedar is asked at all.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that meets the unexpected must fail")]

#[path = "support/written.rs"]
mod written;

use allocation_counter::measure;

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{Evaluation, evaluate, trace};
use doorward::model::request::{Identity, TokenRequest};
use doorward::model::{
    AttributeValue, Attributes, Condition, CredentialType, Decision, FreeAttributes, FreeValue, IdRef, IdentityKind,
    Reason, RiskLevel, Truth,
};

use written::raw;

const WORKLOAD: &str = "5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01";

fn bundle(files: &[(&str, &str)]) -> CompiledBundle {
    let compilation = compile::compile(&raw(files.iter().copied()));
    compilation.bundle.unwrap_or_else(|| panic!("{:#?}", compilation.findings))
}

/// A bundle with one policy for workloads; `more` are further properties of it.
fn policy(when: &str, more: &str) -> CompiledBundle {
    let text = format!(
        "displayName: P\nid: p\nstate: enabled\nwhen: |\n  {when}\nconditions:\n  clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }}\n{more}"
    );
    let has_grant = more.contains("grantControls");
    let grant = if has_grant { "" } else { "grantControls: { builtInControls: [block] }\n" };
    bundle(&[("policy.yaml", &(text + grant))])
}

fn request<'a>() -> TokenRequest<'a> {
    TokenRequest::new(Identity::new(IdentityKind::ServicePrincipal, IdRef::new(WORKLOAD)))
}

fn decide(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Reason {
    let mut evaluation = Evaluation::default();
    evaluate(bundle, request, &mut evaluation).expect("nothing contradicts");
    evaluation.reason()
}

/// Whether the condition `when` of the first policy holds, as the trace shows it.
fn holds(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Truth {
    let traces = trace(bundle, request).expect("nothing contradicts");
    let conditions = traces.into_iter().next().expect("there is a policy").conditions;
    conditions.last().filter(|last| last.condition == Condition::When).expect("the last condition is Cedar's").holds
}

/// The names of attributes are compared without regard to ASCII case only, in rules and in conditions alike.
#[test]
fn attributes_of_any_letters_are_found_by_the_spelling_that_is_accepted() {
    let catalogue = format!(
        "- {{ id: {WORKLOAD}, customSecurityAttributes: {{ Übung: {{ Stufe: ÜBER }} }}, servicePrincipalType: Application }}\n"
    );
    let tag = "principal.customSecurityAttributes.text";
    let when = format!("{tag}.hasTag(\"Übung_stufe\") && {tag}.getTag(\"Übung_stufe\") == \"über\"");
    let policy = format!(
        "displayName: P\nstate: enabled\nwhen: {when}\nconditions:
  clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }}\ngrantControls: {{ builtInControls: [block] }}\n"
    );
    let bundle = bundle(&[("policy.yaml", &policy), ("catalogue.yaml", &catalogue)]);
    assert_eq!(holds(&bundle, &request()), Truth::True);
}

#[test]
fn identities_without_an_entry_are_of_the_type_of_their_kind() {
    for (kind, scope, expected) in [
        (IdentityKind::ServicePrincipal, "includeServicePrincipals: [ServicePrincipalsInMyTenant]", "Application"),
        (IdentityKind::ManagedIdentity, "includeServicePrincipals: [ServicePrincipalsInMyTenant]", "ManagedIdentity"),
        (IdentityKind::AgentIdentity, "includeAgentIdServicePrincipals: [All]", "ServiceIdentity"),
    ] {
        let text = format!(
            "displayName: P\nstate: enabled\nwhen: principal.servicePrincipalType == \"{expected}\"\nconditions:
  clientApplications: {{ {scope} }}\ngrantControls: {{ builtInControls: [block] }}\n"
        );
        let bundle = bundle(&[("policy.yaml", &text), ("bundle.yaml", "eligibility: all\n")]);
        let mut request = request();
        request.identity = Identity::new(kind, IdRef::new(WORKLOAD));
        assert_eq!(holds(&bundle, &request), Truth::True, "{kind:?}");
    }
}

#[test]
fn conditions_follow_kleene() {
    let (known, unknown) = ("context.platform == \"unknown\"", "context.clientApp == \"other\"");
    // A number at its largest overflows, which is an error to Cedar.
    let error = "9223372036854775807 + 1 > 0";
    for (when, expected) in [
        (known.to_owned(), Truth::True),
        (format!("!({known})"), Truth::False),
        (unknown.to_owned(), Truth::Unknown),
        (format!("!({unknown})"), Truth::Unknown),
        (error.to_owned(), Truth::Unknown),
        (format!("{unknown} && {known}"), Truth::Unknown),
        (format!("{unknown} && !({known})"), Truth::False),
        (format!("!({known}) && {unknown}"), Truth::False),
        (format!("{unknown} || {known}"), Truth::True),
        (format!("{error} || {known}"), Truth::True),
        (format!("{unknown} || !({known})"), Truth::Unknown),
        (format!("if {unknown} then {known} else {known}"), Truth::True),
        (format!("if {unknown} then {known} else false"), Truth::Unknown),
        (format!("if {known} then {known} else {unknown}"), Truth::True),
        ("context.attributes.flag.hasTag(\"x\")".to_owned(), Truth::Unknown),
        ("!context.attributes.flag.hasTag(\"x\")".to_owned(), Truth::Unknown),
        ("context.device has model".to_owned(), Truth::False),
        ("context.risk.user == \"none\"".to_owned(), Truth::True),
        ("context.time > datetime(\"2026-01-01\")".to_owned(), Truth::Unknown),
        ("principal is ServicePrincipal".to_owned(), Truth::True),
    ] {
        let found = holds(&policy(&when, ""), &request());
        assert_eq!(found, expected, "{when}");
        let reason = decide(&policy(&when, ""), &request());
        assert_eq!(reason == Reason::BlockedByPolicy, expected.is_possible(), "{when}: unknown counts as matched");
    }
}

#[test]
fn attributes_of_named_applications_are_not_those_of_the_directory_behind_baseline_scopes() {
    let tag = "resource.customSecurityAttributes.text";
    let bundle = policy(&format!("!({tag}.hasTag(\"app_exempt\") && {tag}.getTag(\"app_exempt\") == \"yes\")"), "");
    let mut attributes = Attributes::default();
    attributes.insert("App", "exempt", AttributeValue::Text("yes".into()));
    let mut asked = request();
    asked.resource.app_ids = vec![IdRef::new("payroll")];
    asked.resource.attributes = Some(attributes);
    assert_eq!(holds(&bundle, &asked), Truth::False);
    asked.resource.scopes = vec!["User.Read"];
    assert_eq!(holds(&bundle, &asked), Truth::Unknown);
}

#[test]
fn a_location_lends_its_name_to_no_other_location() {
    let id = "10000000-0000-4000-8000-000000000001";
    let guest_room = |name: &str, id: &str| {
        format!(
            "displayName: {name}\n{id}'@odata.type': '#microsoft.graph.ipNamedLocation'\nipRanges: [198.51.100.0/24]\n"
        )
    };
    let head_office = format!("displayName: HQ\nid: {id}\nisTrusted: true\nipRanges: [203.0.113.0/24]\n");
    for (name, meant) in [("AllTrusted", "AllTrusted"), (id, id)] {
        let policy = format!(
            "@id(\"p\") forbid (principal, action, resource) unless {{ context.network.locations.contains(\"{meant}\") }};"
        );
        let room = guest_room(name, "id: 10000000-0000-4000-8000-000000000002\n");
        let bundle = bundle(&[("hq.yaml", &head_office), ("room.yaml", &room), ("p.cedar", &policy)]);
        for (address, expected) in [("203.0.113.7", Reason::NoPolicyApplies), ("198.51.100.7", Reason::BlockedByPolicy)]
        {
            let mut asked = request();
            asked.network.ip_address = address.parse().ok();
            assert_eq!(decide(&bundle, &asked), expected, "{name} {address}");
        }
    }
}

#[test]
fn a_trace_says_which_comparisons_cannot_be_told() {
    let when = "context.clientApp == \"other\" && (context.platform == \"linux\" || context.attributes.flag.hasTag(\"x\") && context.attributes.flag.getTag(\"x\"))";
    let rule = |request: &TokenRequest<'_>| {
        let traces = trace(&policy(when, ""), request).expect("nothing contradicts");
        traces.into_iter().next().and_then(|policy| policy.conditions.into_iter().last()).expect("a condition").rule
    };
    let mut asked = request();
    assert_eq!(
        rule(&asked),
        "cannot tell `context.clientApp == \"other\"`, `context.attributes.flag.hasTag(\"x\")`, `context.attributes.flag.getTag(\"x\")`"
    );
    asked.client_app = Some(doorward::model::ClientApp::Browser);
    assert!(
        rule(&asked).starts_with("(context.clientApp == \"other\") && "),
        "what is false is shown as it is written"
    );
}

#[test]
fn an_unknown_condition_asks_for_controls_and_lifts_no_default_block() {
    let text = "displayName: P\nstate: enabled\nwhen: context.clientApp == \"other\"\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [mfa] }\n";
    let bundle = bundle(&[("bundle.yaml", "defaultDecision: block\n"), ("policy.yaml", text)]);
    let mut satisfied = TokenRequest { identity: Identity::new(IdentityKind::User, IdRef::new(WORKLOAD)), ..request() };
    assert_eq!(decide(&bundle, &satisfied), Reason::ControlsUnmet);
    satisfied.satisfied.built_in.insert(doorward::model::GrantControl::Mfa);
    assert_eq!(decide(&bundle, &satisfied), Reason::DefaultDecision);
    satisfied.client_app = Some(doorward::model::ClientApp::Other);
    assert_eq!(decide(&bundle, &satisfied), Reason::ControlsMet);
}

#[test]
fn policies_of_cedar_files_stand_beside_the_others_in_the_order_of_files() {
    let secret = "context.credential.type == \"clientSecret\"";
    let cedar = format!(
        "// Two policies.\n@id(\"b1\")\nforbid (principal is ServicePrincipal, action, resource) when {{ {secret} }};\n\n@id(\"b2\") @displayName(\"Second\") @state(\"report-only\")\nforbid (principal, action == Action::\"issueToken\", resource is Resource)\nunless {{ principal.id == \"{WORKLOAD}\" }};\n@id(\"b3\") @state(\"disabled\") forbid (principal, action, resource);\n"
    );
    let yaml = "displayName: A\nstate: disabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [block] }\n";
    let bundle = bundle(&[("a.yaml", yaml), ("b.cedar", &cedar), ("c.yaml", &yaml.replace('A', "C"))]);
    let names: Vec<_> =
        bundle.policies().iter().map(|head| (&*head.id, &*head.display_name, head.takes_part)).collect();
    let expected =
        [("A", "A", false), ("b1", "b1", true), ("b2", "Second", true), ("b3", "b3", false), ("C", "C", false)];
    assert_eq!(names, expected.map(|(id, name, part)| (id, name, part)));

    let mut evaluation = Evaluation::default();
    let mut with_secret = request();
    with_secret.credential.kind = Some(CredentialType::ClientSecret);
    evaluate(&bundle, &with_secret, &mut evaluation).expect("nothing contradicts");
    assert_eq!((evaluation.decision(), evaluation.report_only().len()), (Decision::Block, 0));
    let mut user = request();
    for kind in [IdentityKind::User, IdentityKind::AgentUser, IdentityKind::AgentIdentity] {
        user.identity = Identity::new(kind, IdRef::new("somebody"));
        evaluate(&bundle, &user, &mut evaluation).expect("nothing contradicts");
        assert_eq!((evaluation.decision(), evaluation.report_only().len()), (Decision::Allow, 1), "{kind:?}");
    }
}

#[test]
fn break_glass_may_be_exempt_by_a_condition_on_its_id() {
    let settings = format!("breakGlass: [{WORKLOAD}]\n");
    let findings = |when: &str| {
        let cedar = format!("@id(\"x\") forbid (principal, action, resource) when {{ {when} }};");
        let compilation = compile::compile(&raw([("bundle.yaml", &settings), ("x.cedar", &cedar)]));
        compilation.findings.iter().map(|finding| finding.id).collect::<Vec<_>>()
    };
    assert_eq!(findings(&format!("principal.id != \"{WORKLOAD}\"")), [""; 0]);
    assert_eq!(
        findings(&format!("!(principal == ServicePrincipal::\"{WORKLOAD}\") && !(principal is ServicePrincipal)")),
        ["break-glass"]
    );
    for when in [
        "true",
        "context.risk.servicePrincipal == \"high\"",
        "context.platform != \"unknown\"",
        "context.device has model",
        "context.attributes.flag.hasTag(\"x\")",
        "resource.appIds.contains(\"x\")",
        "principal.appId == \"x\"",
    ] {
        assert_eq!(findings(when), ["break-glass"], "{when}: says nothing of who");
    }
}

#[test]
fn cedar_is_asked_only_of_policies_that_still_stand_and_only_then_anything_is_allocated() {
    let when = "context.attributes.text.hasTag(\"x\") && context.attributes.text.getTag(\"x\") == \"y\"";
    let bundle = policy(when, "  servicePrincipalRiskLevels: [high]\n");
    let facts = [("x", FreeValue::Text("y"))];
    let mut asked = request();
    asked.attributes = FreeAttributes::new(&facts);
    asked.now = Some("2026-05-01T00:00:00Z".parse().expect("a timestamp"));
    let mut evaluation = Evaluation::default();
    let mut decide = |request: &TokenRequest<'_>| {
        evaluate(&bundle, request, &mut evaluation).expect("nothing contradicts");
        evaluation.decision()
    };
    assert_eq!(decide(&asked), Decision::Allow);
    assert_eq!(measure(|| assert_eq!(decide(&asked), Decision::Allow)).count_total, 0, "its risk is not high");
    asked.risk.service_principal = RiskLevel::High;
    assert!(measure(|| assert_eq!(decide(&asked), Decision::Block)).count_total > 0);
}

/// Tests run on threads with less stack than a serving thread has.
#[test]
fn the_deepest_conditions_are_decided_on_any_thread() {
    let most = doorward::limits::CEDAR_OPERATORS_MAX;
    let sum = format!("1{} > 0", "+1".repeat(most - 2));
    let either = format!("context.clientApp == \"other\"{}", " || context.clientApp == \"browser\"".repeat(most / 7));
    let choice = format!("{}true{}", "if context.clientApp == \"other\" then ".repeat(50), " else true".repeat(50));
    for when in [sum, either, choice] {
        let bundle = policy(&when, "");
        assert_eq!(decide(&bundle, &request()), Reason::BlockedByPolicy, "{when}");
        assert!(holds(&bundle, &request()).is_possible());
    }
}
