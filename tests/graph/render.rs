//! What is rendered in Graph's shape loads again, to the same decisions.

use doorward::compile::{self, CompiledBundle, Mode};
use doorward::evaluate::{Evaluation, Outcome, evaluate, trace};
use doorward::model::bundle::BundleSettings;
use doorward::model::policy::{Conditions, GrantControls, Policy};
use doorward::model::{Bundle, GrantControl, GuestType, Operator, Set, TokenRequest, TransferMethod, UserAction};
use doorward::reload::GraphView;
use doorward::review::graph;
use doorward::text::{Diagnostics, Span};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::oracle::generate::scene;
use crate::support::found::corpus;
use crate::support::written::raw;

/// The bundle with its policies and locations rendered and read again; settings and catalogue are no part of Graph's. What is
/// ignored is not rendered, so that there is nothing left to ignore.
fn again(bundle: &Bundle) -> Bundle {
    let list = |objects: Vec<Value>| json!({ "value": objects }).to_string();
    let policies = list(graph::policies(bundle).flatten().collect());
    let files = [("policies.json", policies), ("locations.json", list(graph::locations(bundle).collect()))];
    let reading = compile::read(&raw(files), Mode::Spanned);
    assert_eq!(reading.diagnostics.errors(), 0, "{:#?}", reading.diagnostics.findings(&reading.sources));
    Bundle {
        settings: BundleSettings { ignored_policies: Vec::new(), ..bundle.settings.clone() },
        principals: bundle.principals.clone(),
        strengths: bundle.strengths.clone(),
        ..reading.bundle
    }
}

fn compiled(bundle: &Bundle) -> CompiledBundle {
    let mut diagnostics = Diagnostics::default();
    let compiled = compile::build(bundle.clone(), "digest", None, &mut diagnostics);
    compiled.unwrap_or_else(|| panic!("{:?}", diagnostics.iter().map(|problem| &problem.what).collect::<Vec<_>>()))
}

/// The decision and what decided it, in words.
fn told(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> String {
    let mut evaluation = Evaluation::default();
    if let Err(error) = evaluate(bundle, request, &mut evaluation) {
        return error.to_string();
    }
    let names: Vec<_> = evaluation.policies().iter().map(|policy| &bundle.policy(*policy).display_name).collect();
    let unmet: Vec<_> = evaluation.unmet(bundle).map(|control| control.name()).collect();
    // What takes no part, for it is not enabled or ignored, may be left out.
    let takes_part = |outcome| !matches!(outcome, Outcome::NotEnabled | Outcome::Unknown);
    let traces = trace(bundle, request).unwrap().into_iter().filter(|trace| takes_part(trace.outcome));
    let outcomes: Vec<_> =
        traces.map(|trace| (bundle.policy(trace.policy).display_name.clone(), trace.outcome)).collect();
    format!("{:?} {:?} {names:?} {unmet:?} {outcomes:?}", evaluation.decision(), evaluation.reason())
}

fn asks_for_something(grant: &GrantControls) -> bool {
    !grant.built_in.is_empty()
        || grant.authentication_strength.is_some()
        || !grant.terms_of_use.is_empty()
        || !grant.custom_factors.is_empty()
}

/// Takes out what Graph, and so a bundle's file, does not admit in one policy.
fn make_admissible(policy: &mut Policy) {
    let Conditions { service_principals, agent_identities, resources, .. } = &policy.conditions;
    let is_for_workloads = !service_principals.is_empty() || !agent_identities.is_empty();
    let registers_devices = resources.user_actions.contains(UserAction::RegisterOrJoinDevices);
    let grant = policy.grant.as_mut().expect("every policy asks for something");
    if registers_devices {
        policy.conditions.client_apps = Set::EMPTY;
        policy.conditions.device_filter = None;
        *grant = only(GrantControl::Mfa);
    }
    if is_for_workloads || grant.built_in.contains(GrantControl::Block) {
        *grant = only(GrantControl::Block);
    }
    if is_for_workloads && registers_devices {
        policy.conditions.resources.user_actions = Set::EMPTY;
    }
    if grant.built_in.contains(GrantControl::PasswordChange) {
        *grant = only(GrantControl::Mfa);
    }
    let resources = &mut policy.conditions.resources;
    if !resources.include.is_empty() || resources.filter.is_some() {
        resources.user_actions = Set::EMPTY;
        resources.authentication_contexts.clear();
    } else if !resources.user_actions.is_empty() {
        resources.authentication_contexts.clear();
    }
}

fn mfa() -> GrantControls {
    only(GrantControl::Mfa)
}

fn only(control: GrantControl) -> GrantControls {
    GrantControls {
        operator: Operator::Or,
        built_in: [control].into_iter().collect(),
        authentication_strength: None,
        terms_of_use: Vec::new(),
        custom_factors: Vec::new(),
        span: Span::NONE,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_rendered_loads_again_to_the_same_decisions(mut scene in scene(false, 6)) {
        // What the model can hold and no file can say: a policy that asks for nothing, and `none` as a flow or guest.
        for policy in &mut scene.bundle.policies {
            let conditions = &mut policy.conditions;
            conditions.flows = conditions.flows.iter().filter(|flow| *flow != TransferMethod::None).collect();
            for guests in [&mut conditions.users.include_guests, &mut conditions.users.exclude_guests].into_iter().flatten() {
                guests.types = guests.types.iter().filter(|kind| *kind != GuestType::None).collect();
            }
            policy.grant = policy.grant.take().filter(asks_for_something).or_else(|| Some(mfa()));
            make_admissible(policy);
        }
        let (before, after) = (compiled(&scene.bundle), compiled(&again(&scene.bundle)));
        for request in &scene.requests {
            prop_assert_eq!(told(&before, request), told(&after, request));
        }
    }
}

/// Rendering is a fixed point: what was rendered and read renders the same.
#[test]
fn every_published_set_that_loads_renders_to_what_renders_the_same() {
    let Some(folder) = corpus("graph") else { return };
    let mut rendered = 0;
    for set in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let Ok(fetched) = doorward::source::Source::new(&set).read() else { continue };
        for file in fetched.bundle.files {
            let raw = raw([(file.name, file.bytes)]);
            let reading = compile::read(&raw, Mode::Spanned);
            if reading.diagnostics.errors() > 0 {
                continue;
            }
            let render = |bundle: &Bundle| -> Vec<Value> {
                graph::policies(bundle).flatten().chain(graph::locations(bundle)).collect()
            };
            let first = render(&reading.bundle);
            assert_eq!(first, render(&again(&reading.bundle)), "{}", raw.files[0].name);
            rendered += first.len();
        }
    }
    assert!(rendered > 20, "{rendered} objects");
}

/// Two thousand policies and sixty thousand ranges, seven megabytes of text, take less than half a megabyte.
#[test]
fn a_large_tenant_is_kept_small() {
    let policies: Vec<_> = (0..2_000)
        .map(|number: u64| {
            let id = format!("{:08x}-0000-4000-8000-{:012x}", number.wrapping_mul(2_654_435_761) as u32, number);
            json!({"id": id, "displayName": format!("Policy {number}"), "state": "enabled",
                "conditions": {"clientApplications": {"includeServicePrincipals": [id]}, "applications": {"includeApplications": ["All"]}},
                "grantControls": {"builtInControls": ["block"]}})
        })
        .collect();
    let range = |number: u32| json!({"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": format!("{}/32", std::net::Ipv4Addr::from(number * 17))});
    let locations: Vec<_> = (0..30)
        .map(|location: u32| {
            let ranges: Vec<_> = (0..2_000).map(|number| range(location * 2_000 + number)).collect();
            json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": format!("L{location}"), "ipRanges": ranges})
        })
        .collect();
    let raw = raw([("p.json", json!(policies).to_string()), ("l.json", json!(locations).to_string())]);
    let view = GraphView::new(&compile::read(&raw, Mode::Fast).bundle);
    assert_eq!((view.policies.len(), view.locations.len()), (2_000, 30));
    assert!(view.bytes() < 1 << 19, "{} bytes", view.bytes());
    assert_eq!(view.policies.reader().take(1_999)["displayName"], "Policy 1999");
}
