//! Deciding allocates nothing, and a usual bundle is small: claims that have no noise, so they are asserted.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that meets the unexpected must fail")]

#[expect(dead_code, reason = "written for the benches, which use more of it")]
#[path = "../benches/policy_set.rs"]
mod policy_set;
#[path = "../benches/user_set.rs"]
mod user_set;
#[path = "support/written.rs"]
mod written;

use std::hint::black_box;

use allocation_counter::measure;

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{Evaluation, evaluate};
use doorward::model::request::{Identity, Network, Resource, Risk, Satisfied};
use doorward::model::{
    AuthenticationMethod, GrantControl, GuestType, IdRef, IdentityKind, Reason, RiskLevel, TokenRequest,
};

use policy_set::{PolicySet, RangeText, Size, W240};
use user_set::{A240, U240, UserSet};

fn compiled(set: &PolicySet) -> CompiledBundle {
    compile::compile(&set.bundle(RangeText::Graph)).bundle.expect("the generated bundle compiles")
}

/// Uses `evaluation` for the first time, with a request that says least: none that follows may need more memory.
fn begin(bundle: &CompiledBundle, kind: IdentityKind, evaluation: &mut Evaluation) {
    let request = TokenRequest {
        resource: Resource { app_ids: vec![IdRef::new("nothing")], ..Resource::default() },
        network: Network { ip_address: Some(std::net::Ipv4Addr::LOCALHOST.into()), ..Network::default() },
        ..TokenRequest::new(Identity::new(kind, IdRef::new("nobody")))
    };
    evaluate(bundle, &request, evaluation).expect("nothing contradicts");
}

#[test]
fn a_decision_allocates_nothing() {
    let set = PolicySet::new(W240);
    let bundle = compiled(&set);
    let mut requests = set.token_requests();
    requests.push(TokenRequest { network: Network::default(), ..requests[0].clone() });
    let mut evaluation = Evaluation::default();
    begin(&bundle, IdentityKind::ServicePrincipal, &mut evaluation);
    let decide_all = || {
        for request in &requests {
            evaluate(&bundle, request, &mut evaluation).expect("nothing contradicts");
            black_box((evaluation.decision(), evaluation.policies().len()));
        }
    };
    assert_eq!(measure(decide_all).count_total, 0);
}

/// Users in thousands of groups, controls met by methods, sessions, personal accounts: all of it beside the workloads.
#[test]
fn a_decision_about_a_user_allocates_nothing() {
    let policies = r#"policies:
- displayName: Strong
  state: enabled
  conditions: { users: { includeGroups: [g7, g4000], excludeRoles: [r1] }, applications: { includeApplications: [All], excludeApplications: [app] } }
  grantControls: { operator: AND, builtInControls: [mfa], authenticationStrength: { id: 00000000-0000-0000-0000-000000000002 } }
  sessionControls: { signInFrequency: { value: 1, type: days } }
- displayName: Remediate
  state: enabled
  conditions: { users: { includeUsers: [All] }, userRiskLevels: [high] }
  grantControls: { operator: OR, builtInControls: [riskRemediation] }
- displayName: No personal accounts
  state: enabled
  conditions: { users: { includeGuestsOrExternalUsers: { guestOrExternalUserTypes: personalMicrosoftAccount } } }
  grantControls: { operator: OR, builtInControls: [block] }
"#;
    let bundle = compile::compile(&written::raw([("policies.yaml", policies)]));
    let bundle = bundle.bundle.expect("the bundle compiles");
    let groups: Vec<String> = (0..4096).map(|number| format!("g{number}")).collect();
    let mut identity = Identity::new(IdentityKind::User, IdRef::new("u1"));
    identity.groups = Some(groups.iter().map(|id| IdRef::new(id)).collect());
    identity.roles = Some(Vec::new());
    let requests: Vec<TokenRequest<'_>> = [GuestType::None, GuestType::PersonalMicrosoftAccount]
        .into_iter()
        .flat_map(|guest_type| [RiskLevel::None, RiskLevel::High].map(|user| (guest_type, user)))
        .map(|(guest_type, user)| TokenRequest {
            resource: Resource { scopes: vec!["openid", "User.Read"], ..Resource::default() },
            risk: Risk { user, ..Risk::default() },
            satisfied: Satisfied {
                methods: [AuthenticationMethod::Password, AuthenticationMethod::Sms].into_iter().collect(),
                built_in: [GrantControl::Mfa].into_iter().collect(),
                ..Satisfied::default()
            },
            ..TokenRequest::new(Identity { guest_type: Some(guest_type), ..identity.clone() })
        })
        .collect();
    let mut evaluation = Evaluation::default();
    begin(&bundle, IdentityKind::User, &mut evaluation);
    let mut reasons = Vec::with_capacity(requests.len());
    let decide_all = || {
        reasons.clear();
        for request in &requests {
            evaluate(&bundle, request, &mut evaluation).expect("nothing contradicts");
            let has_session = evaluation.session(&bundle).is_some();
            assert!(evaluation.obligations(&bundle).is_empty());
            reasons.push((evaluation.reason(), has_session, evaluation.message().is_some()));
        }
    };
    assert_eq!(measure(decide_all).count_total, 0);
    let blocked = (Reason::BlockedByPolicy, false, true);
    let expected = [(Reason::ControlsMet, true, false), (Reason::ControlsUnmet, false, false), blocked, blocked];
    assert_eq!(reasons, expected);
}

/// Device filters, all kinds of applications, locations: what a tenant writes for people, and for agent identities.
#[test]
fn a_decision_among_the_policies_of_a_tenant_allocates_nothing() {
    for (size, groups) in [(U240, 20), (U240, 4_096), (A240, 0)] {
        let set = UserSet::new(size);
        let bundle = compile::compile(&set.bundle()).bundle.expect("the generated bundle compiles");
        let asking = set.asking(if groups > 1_000 { 16 } else { 256 }, groups);
        let requests: Vec<TokenRequest<'_>> = asking.iter().map(|asking| set.token_request(asking)).collect();
        let mut evaluation = Evaluation::default();
        begin(&bundle, requests[0].identity.kind, &mut evaluation);
        let mut named = 0;
        let decide_all = || {
            for request in &requests {
                evaluate(&bundle, request, &mut evaluation).expect("nothing contradicts");
                named += evaluation.policies().len();
            }
        };
        assert_eq!(measure(decide_all).count_total, 0, "{}, {groups} groups", size.name);
        assert!(named > 0, "{}: some policy applies to somebody", size.name);
    }
}

#[test]
fn the_bundle_of_a_usual_tenant_is_at_most_one_megabyte() {
    let set = PolicySet::new(W240);
    let raw = set.bundle(RangeText::Graph);
    let mut compilation = None;
    let compiling = measure(|| compilation = compile::compile(&raw).bundle);
    assert!(compilation.is_some());
    assert!(compiling.bytes_current <= 1_000_000, "{} bytes", compiling.bytes_current);
}

#[test]
fn an_address_range_takes_at_most_32_bytes() {
    let size = |ranges| Size::new("ranges", 10, 50, ranges);
    let bytes = |ranges| {
        let set = PolicySet::new(size(ranges));
        let raw = set.bundle(RangeText::Graph);
        let mut compilation = None;
        let compiling = measure(|| compilation = compile::compile(&raw).bundle);
        assert!(compilation.is_some());
        compiling.bytes_current
    };
    let (few, many) = (bytes(10_000), bytes(60_000));
    assert!(many - few <= 32 * 50_000, "{} bytes for 50,000 ranges", many - few);
}

/// A replay reads what a line of the log says and little more: a million lines are a matter of seconds.
#[cfg(feature = "serve")]
#[test]
fn replaying_a_record_allocates_a_dozen_times_at_most() {
    let set = PolicySet::new(W240);
    let bundle = compiled(&set);
    let line = br#"{"time":"2026-08-31T09:30:27.825211401Z","requestId":"1ad26343b7c81c6f0000000000000000","surface":"http","input":{"identity":{"type":"servicePrincipal","id":"5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01","appId":"5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02"},"resource":{"appIds":["00000003-0000-0000-c000-000000000000"]},"network":{"ipAddress":"203.0.113.200","country":"AQ"},"risk":{"servicePrincipal":"low"}},"decision":"block","reason":"blocked_by_policy","policies":[],"reportOnly":[],"unmetControls":[],"bundle":{"name":"workload","revision":"1","digest":"44ae"},"durationNs":180610}"#;
    let mut replayer = doorward::serve::replay::Replayer::new(&bundle);
    let mut replay = || black_box(replayer.replay(line)).expect("it is a record");
    let first = replay();
    assert!(first.change.is_none(), "a record that does not change is what most of a log is");
    let allocations = measure(|| drop(replay())).count_total;
    assert!(allocations <= 12, "{allocations}");
}
