//! The dimensions of requests, kind of identity by kind of identity.
//!
//! Which facts there are is known here, and what policies make of them by [`Maker`]. Start with [`spaces`].

use std::collections::BTreeSet;
use std::rc::Rc;

use super::axis::Axis;
use super::fact::Fact;
use super::identity;
use super::maker::Maker;
use super::network::{self, Ground};
use super::note::Note;
use super::universe::Universe;
use super::walk::Space;
use crate::compile::CompiledPolicy;
use crate::evaluate::probe::Probe;
use crate::model::set::Word;
use crate::model::{ClientApp, Condition, IdentityKind, InsiderRiskLevel, Platform, RiskLevel, TransferMethod};

/// Every space of two bundles.
#[derive(Debug)]
pub struct Spaces {
    /// The spaces.
    pub spaces: Vec<Space>,
    /// The addresses behind the atoms of the network axes.
    pub ground: Ground,
    /// What is not enumerated, in words, none twice.
    pub notes: BTreeSet<Note>,
}

/// The kinds of identity that policies tell apart, and what they are in the plural.
pub const KINDS: [(&str, IdentityKind); 4] = [
    ("workloads", IdentityKind::ServicePrincipal),
    ("agent identities", IdentityKind::AgentIdentity),
    ("agents' user accounts", IdentityKind::AgentUser),
    ("users", IdentityKind::User),
];

/// Cuts the requests of every kind of identity that some policy targets. They are cut by what the policies tell apart
/// that `is_considered`; the others must be left out of every question.
pub fn spaces(universe: &Universe<'_>, is_considered: &dyn Fn(&CompiledPolicy) -> bool) -> Spaces {
    let mut ground = Ground::new(universe);
    let network = Rc::new(network::axis(universe, &mut ground));
    let mut maker = Maker { universe, is_considered, probe: Probe::default(), notes: BTreeSet::new() };
    let mut spaces = Vec::new();
    let has_default = universe.has_certain;
    for (name, kind) in KINDS {
        let policies = universe.chosen(|side, bit| targets(universe, side, bit, kind));
        if policies.iter().all(|word| *word == 0) && !has_default {
            continue;
        }
        let ways = identity::axes(&mut maker, kind, &policies);
        let mut others = vec![resource(&mut maker, kind, &policies)];
        others.extend(levels(&mut maker, kind, &policies));
        others.extend(devices(&mut maker, kind, &policies));
        others.extend(super::when::axes(&mut maker, &policies));
        let others: Vec<_> = others.into_iter().map(Rc::new).chain([Rc::clone(&network)]).collect();
        for (mut axes, sides) in ways {
            axes.extend(others.iter().cloned());
            spaces.push(Space { name, axes, policies: policies.clone(), sides });
        }
    }
    maker.multiple();
    maker.catalogues();
    let notes = maker.notes;
    Spaces { spaces, ground, notes }
}

fn targets(universe: &Universe<'_>, side: usize, bit: usize, kind: IdentityKind) -> bool {
    policy_of(universe, side, bit).is_some_and(|policy| match kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => !policy.workloads.is_empty(),
        IdentityKind::AgentIdentity => !policy.agents.is_empty(),
        IdentityKind::User | IdentityKind::AgentUser => !policy.users.include.is_empty(),
    })
}

/// The policy that has the number `bit` on `side`.
pub fn policy_of<'b>(universe: &Universe<'b>, side: usize, bit: usize) -> Option<&'b CompiledPolicy> {
    let slot = (*universe.slots.get(bit)?.get(side)?)?;
    universe.sides.get(side).map(|bundle| bundle.slot(slot))
}

/// Risk, client app, platform and flow.
fn levels(maker: &mut Maker<'_, '_>, kind: IdentityKind, policies: &[u64]) -> Vec<Axis> {
    let risk = |fact: fn(RiskLevel) -> Fact| {
        // What is absent is none, and what comes first is the witness.
        let levels = [RiskLevel::None, RiskLevel::Low, RiskLevel::Medium, RiskLevel::High, RiskLevel::Hidden];
        levels.into_iter().map(fact).collect::<Vec<_>>()
    };
    let insider = InsiderRiskLevel::ALL.iter().rev().map(|level| Fact::InsiderRisk(*level)).collect();
    let apps = ClientApp::ALL.iter().filter(|app| **app != ClientApp::All).map(|app| Some(*app));
    let platforms = Platform::ALL.iter().filter(|platform| **platform != Platform::All).map(|other| Some(*other));
    let flows = TransferMethod::ALL.iter().rev().map(|flow| Fact::Flow(*flow)).collect();
    let axes = [
        (Condition::ServicePrincipalRisk, risk(Fact::ServicePrincipalRisk)),
        (Condition::SignInRisk, risk(Fact::SignInRisk)),
        (Condition::UserRisk, risk(Fact::UserRisk)),
        (Condition::AgentIdRisk, risk(Fact::AgentRisk)),
        (Condition::InsiderRisk, insider),
        (Condition::ClientType, std::iter::once(None).chain(apps).map(Fact::ClientApp).collect()),
        (Condition::DevicePlatform, std::iter::once(None).chain(platforms).map(Fact::Platform).collect()),
        (Condition::AuthenticationFlows, flows),
    ];
    axes.into_iter().map(|(condition, facts)| maker.part(condition, kind, policies, facts)).collect()
}

/// What for.
fn resource(maker: &mut Maker<'_, '_>, kind: IdentityKind, policies: &[u64]) -> Axis {
    let facts = super::target::facts(maker, kind);
    maker.part(Condition::Application, kind, policies, facts)
}

/// Devices: those that the rules of device filters tell apart, as far as examples can be made.
fn devices(maker: &mut Maker<'_, '_>, kind: IdentityKind, policies: &[u64]) -> Vec<Axis> {
    let filters: Vec<_> = maker.policies().filter_map(|policy| policy.device_filter.as_deref()).collect();
    if filters.is_empty() {
        return Vec::new();
    }
    let (devices, is_exact) = super::example::devices(&filters);
    if !is_exact {
        let what = "devices beyond examples made of the values that device filters compare with";
        maker.notes.insert(Note::left_out(what));
    }
    let facts = devices.into_iter().map(|device| Fact::Device(device.map(Box::new))).collect();
    vec![maker.part(Condition::DeviceState, kind, policies, facts)]
}
