//! The analysis against brute force: small bundles, and requests that do not come from it.
//!
//! For each pair of generated bundles every request of a small universe is decided by both, with several sets of
//! satisfied controls. A request is put into the space by asking what the policies make of each of its facts; one that
//! falls into no group means that the cut is not fine enough. Then: a decision changes exactly in the regions.

mod impact;
mod many;
mod prove;
mod rich;
mod wide;

use std::net::IpAddr;

use fastrand::Rng;

use super::axis::{Axis, Meaning};
use super::bits::{restrict, subtract, unite};
use super::change::Change;
use super::fact::{Fact, What, Who, Witness};
use super::outcome::Outcome;
use super::space::{Spaces, kept, spaces};
use super::universe::Universe;
use super::walk::{Found, Left, Path, Space, Steps, Walk};
use super::{identity, network, start};
use crate::compile::{CompiledBundle, compile};
use crate::evaluate::probe::{Part, Probe};
use crate::evaluate::{Evaluation, evaluate};
use crate::model::location::{Country, CountryFact};
use crate::model::{
    ClientApp, GrantControl, GuestType, Id, IdentityKind, Platform, RiskLevel, SignInAudience, TransferMethod,
};
use crate::text::{RawBundle, RawFile};

const TENANT: &str = "0a000000-0000-4000-8000-000000000001";
const PEOPLE: [&str; 3] = ["alpha", "beta", "gamma"];
const GROUPS: [&str; 2] = ["staff", "admins"];
const APPS: [&str; 2] = ["payroll", "mail"];
const RANGES: [&str; 4] = ["192.0.2.0/24", "192.0.2.128/25", "198.51.100.0/24", "2001:db8::/32"];
const ADDRESSES: [&str; 5] = ["192.0.2.1", "192.0.2.200", "198.51.100.9", "2001:db8::1", "203.0.113.5"];

fn some<'a>(rng: &mut Rng, all: &[&'a str], chance: u8) -> Vec<&'a str> {
    all.iter().copied().filter(|_| rng.u8(..100) < chance).collect()
}

fn bundle(rng: &mut Rng) -> String {
    let mut text = String::from("namedLocations:\n");
    for name in ["Here", "There"] {
        let ranges = some(rng, &RANGES, 50);
        let ranges = if ranges.is_empty() { vec![RANGES[0]] } else { ranges };
        text += &format!("  - {{ displayName: {name}, isTrusted: {}, ipRanges: [{}] }}\n", rng.bool(), quoted(&ranges));
    }
    if rng.u8(..4) == 0 {
        text += &format!(
            "  - {{ displayName: Land, countriesAndRegions: [DE], includeUnknownCountriesAndRegions: {} }}\n",
            rng.bool()
        );
    } else {
        text += "  - { displayName: Land, ipRanges: [\"203.0.113.0/28\"] }\n";
    }
    text += "servicePrincipals:\n";
    for id in PEOPLE {
        let kind = if rng.u8(..4) == 0 { "ManagedIdentity" } else { "Application" };
        let facts = if rng.bool() {
            format!("appOwnerOrganizationId: {TENANT}, signInAudience: AzureADMyOrg")
        } else {
            String::new()
        };
        let attributes = ["", "customSecurityAttributes: { Set: { stage: test } }"][rng.usize(..2)];
        text += &format!(
            "  - {{ id: {id}, servicePrincipalType: {kind}, {facts}{}{attributes} }}\n",
            if facts.is_empty() { "" } else { ", " }
        );
    }
    text += "policies:\n";
    for index in 0..rng.usize(1..6) {
        text += &policy(rng, index);
    }
    text
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")
}

fn policy(rng: &mut Rng, index: usize) -> String {
    let state = ["enabled", "enabled", "enabled", "enabledForReportingButNotEnforced", "disabled"][rng.usize(..5)];
    let mut conditions = Vec::new();
    let is_workload = rng.bool();
    if is_workload {
        let all = ["ServicePrincipalsInMyTenant"];
        let include = if rng.bool() { all.to_vec() } else { vec![PEOPLE[rng.usize(..3)]] };
        let filter = match rng.u8(..6) {
            0 => ", servicePrincipalFilter: { mode: include, rule: 'CustomSecurityAttribute.Set_stage -eq \"test\"' }",
            1 => ", servicePrincipalFilter: { mode: exclude, rule: 'CustomSecurityAttribute.Set_stage -ne \"test\"' }",
            _ => "",
        };
        conditions.push(format!(
            "clientApplications: {{ includeServicePrincipals: [{}], excludeServicePrincipals: [{}]{filter} }}",
            include.join(", "),
            some(rng, &PEOPLE, 20).join(", ")
        ));
        if rng.u8(..3) == 0 {
            conditions.push("servicePrincipalRiskLevels: [high]".to_owned());
        }
    } else {
        let include = [["All"].as_slice(), &["ann"], &["GuestsOrExternalUsers"], &["None"]][rng.usize(..4)];
        conditions.push(format!(
            "users: {{ includeUsers: [{}], excludeUsers: [{}], includeGroups: [{}], excludeGroups: [{}] }}",
            include.join(", "),
            some(rng, &["ann"], 20).join(", "),
            some(rng, &GROUPS, 30).join(", "),
            some(rng, &GROUPS, 20).join(", ")
        ));
        if rng.u8(..4) == 0 {
            conditions.push("signInRiskLevels: [medium, high]".to_owned());
        }
        if rng.u8(..5) == 0 {
            conditions.push("platforms: { includePlatforms: [all], excludePlatforms: [iOS] }".to_owned());
        }
        if rng.u8(..5) == 0 {
            conditions.push("clientAppTypes: [browser]".to_owned());
        }
        if rng.u8(..5) == 0 {
            conditions
                .push("devices: { deviceFilter: { mode: exclude, rule: 'device.isCompliant -eq True' } }".to_owned());
        }
    }
    if rng.u8(..3) > 0 {
        let include = [["All"].as_slice(), &["Here"], &["There", "Land"], &["AllTrusted"]][rng.usize(..4)];
        let exclude = some(rng, &["Here", "AllTrusted", "Land"], 25);
        conditions.push(format!(
            "locations: {{ includeLocations: [{}], excludeLocations: [{}] }}",
            include.join(", "),
            exclude.join(", ")
        ));
    }
    conditions.push(match rng.u8(..5) {
        0 => format!("applications: {{ includeApplications: [{}] }}", APPS[rng.usize(..2)]),
        1 => format!("applications: {{ includeApplications: [All], excludeApplications: [{}] }}", APPS[rng.usize(..2)]),
        2 => "applications: { includeAuthenticationContextClassReferences: [c1] }".to_owned(),
        _ => "applications: { includeApplications: [All] }".to_owned(),
    });
    let controls = ["block", "block", "mfa", "mfa, compliantDevice", "compliantDevice"];
    let controls = controls[if is_workload { 0 } else { rng.usize(..5) }];
    let operator = if rng.bool() { "OR" } else { "AND" };
    let session = if !is_workload && rng.u8(..4) == 0 {
        format!(
            ", sessionControls: {{ signInFrequency: {{ isEnabled: true, frequencyInterval: timeBased, type: hours, value: {}, authenticationType: primaryAndSecondaryAuthentication }} }}",
            rng.u8(1..3)
        )
    } else {
        String::new()
    };
    format!(
        "  - {{ displayName: Policy {index}, state: {state}, conditions: {{ {} }}, grantControls: {{ operator: {operator}, builtInControls: [{controls}] }}{session} }}\n",
        conditions.join(", ")
    )
}

fn compiled(text: &str, settings: &str) -> CompiledBundle {
    let file = |name: &str, text: &str| RawFile { name: name.into(), bytes: text.into() };
    let raw = RawBundle { files: vec![file("bundle.yaml", settings), file("all.yaml", text)], digest: "00".into() };
    let compilation = compile(&raw);
    compilation.bundle.unwrap_or_else(|| panic!("{:?}\n{text}", compilation.findings))
}

/// Every request of the small universe, one in `of`, chosen at random.
fn requests(rng: &mut Rng, of: usize) -> Vec<Witness> {
    let mut all = Vec::new();
    for _ in 0..of {
        let kind = [
            IdentityKind::ServicePrincipal,
            IdentityKind::ManagedIdentity,
            IdentityKind::User,
            IdentityKind::AgentIdentity,
            IdentityKind::AgentUser,
        ][rng.usize(..5)];
        let is_user = kind == IdentityKind::User;
        let id =
            if is_user { ["ann", "bob"][rng.usize(..2)] } else { ["alpha", "beta", "gamma", "nobody"][rng.usize(..4)] };
        let mut who = Who::new(kind, Id::new(id));
        if is_user {
            who.has_groups = rng.u8(..4) > 0;
            who.has_roles = rng.bool();
            who.guest_type = [None, Some(GuestType::None), Some(GuestType::B2bCollaborationGuest)][rng.usize(..3)];
        } else if rng.bool() {
            who.owner_tenant = [None, Some(Id::new(TENANT)), Some(Id::new("elsewhere"))][rng.usize(..3)].clone();
            who.audience = [None, Some(SignInAudience::MyOrg), Some(SignInAudience::MultipleOrgs)][rng.usize(..3)];
        }
        let mut witness = Witness::new(who);
        if witness.who.has_groups {
            witness.groups = some(rng, &GROUPS, 40).into_iter().map(Id::new).collect();
        }
        witness.what = What {
            app_id: [None, Some(Id::new("payroll")), Some(Id::new("mail")), Some(Id::new("other"))][rng.usize(..4)]
                .clone(),
            context: [None, None, Some("c1".into()), Some("c2".into())][rng.usize(..4)].clone(),
            is_baseline: rng.u8(..8) == 0,
            ..What::default()
        };
        witness.network.ip_address = [None]
            .into_iter()
            .chain(ADDRESSES.map(Some))
            .nth(rng.usize(..6))
            .flatten()
            .map(|text: &str| text.parse::<IpAddr>().unwrap());
        witness.network.country = match rng.u8(..5) {
            0 => Some(CountryFact::Unmapped),
            1 => Country::new("DE").map(CountryFact::Known),
            2 => Country::new("FR").map(CountryFact::Known),
            _ => None,
        };
        witness.risk.service_principal = [RiskLevel::None, RiskLevel::Low, RiskLevel::High][rng.usize(..3)];
        witness.risk.sign_in = [RiskLevel::None, RiskLevel::Medium, RiskLevel::Hidden][rng.usize(..3)];
        witness.platform = [None, Some(Platform::Ios), Some(Platform::Windows)][rng.usize(..3)];
        witness.client_app = [None, Some(ClientApp::Browser), Some(ClientApp::Other)][rng.usize(..3)];
        witness.flow = [TransferMethod::None, TransferMethod::DeviceCodeFlow][rng.usize(..2)];
        if rng.bool() {
            let is_compliant = [None, Some(false), Some(true)][rng.usize(..3)];
            witness.device = Some(crate::model::request::Device { is_compliant, ..Default::default() });
        }
        all.push(witness);
    }
    all
}

/// The group of `axis` that the policies take for what `meaning` says.
fn group(axis: &Axis, policies: &[u64], mut meaning: Meaning) -> Option<usize> {
    restrict(&mut meaning.keep, policies);
    (0..axis.groups.len()).find(|group| {
        let (mut keep, mut raise) = (policies.to_vec(), vec![0; policies.len()]);
        for column in &axis.columns {
            match column.row.contains(*group) {
                true => unite(&mut raise, &column.raise),
                false => subtract(&mut keep, &column.drop),
            }
        }
        (keep, raise) == (meaning.keep.clone(), meaning.raise.clone())
    })
}

/// The groups of `witness` in `space`; `None` when the request is not of this space or refused.
fn place(universe: &Universe<'_>, space: &Space, rows: &[network::Rows], witness: &Witness) -> Option<Vec<usize>> {
    let mut probe = Probe::default();
    let request = witness.request();
    let mut groups = Vec::new();
    for (depth, axis) in space.axes.iter().enumerate() {
        let plain = |keep| Meaning { keep, raise: universe.none() };
        let found = match (axis.name, &axis.atoms[0]) {
            ("users", Fact::Identity(_)) if space.sides > 0 => {
                let mut alone = witness.clone();
                (alone.groups, alone.roles) = (Vec::new(), Vec::new());
                let (meaning, refused) = identity::sides(universe, &mut probe, &alone.request());
                if refused > 0 {
                    return None;
                }
                group(axis, &space.policies, meaning)
            }
            ("users", Fact::Group(id, _) | Fact::Role(id, _)) => {
                let atom = usize::from(witness.groups.contains(id) || witness.roles.contains(id));
                axis.groups.iter().position(|group| group.atoms.contains(&atom))
            }
            ("servicePrincipals" | "agentIdentities" | "users", _) => {
                let (keep, refused) = identity::covering(universe, &mut probe, &request);
                if refused > 0 {
                    return None;
                }
                group(axis, &space.policies, plain(keep))
            }
            ("location", _) => {
                group(axis, &space.policies, plain(network::keep(universe, rows, &witness.network, &mut probe)?))
            }
            ("servicePrincipalRisk", _) => {
                group(axis, &space.policies, plain(kept(universe, &mut probe, &request, Part::ServicePrincipalRisk)?))
            }
            (name, _) => group(axis, &space.policies, plain(kept(universe, &mut probe, &request, Part::Other(name))?)),
        };
        groups.push(
            found.unwrap_or_else(|| panic!("axis {depth} {} is not cut finely enough for {witness:?}", axis.name)),
        );
    }
    Some(groups)
}

fn is_of(space: &Space, witness: &Witness) -> bool {
    let Fact::Identity(sample) = &space.axes[0].atoms[0] else { return false };
    let is_kind = match witness.who.kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => space.name == "workloads",
        IdentityKind::AgentIdentity => space.name == "agent identities",
        IdentityKind::AgentUser => space.name == "agents' user accounts",
        IdentityKind::User => space.name == "users",
    };
    // A space in which memberships are known has an axis for each group and role, if any policy names one.
    let names = |is_one: fn(&Fact) -> bool| space.axes.iter().any(|axis| axis.atoms.first().is_some_and(is_one));
    let names_groups = names(|fact| matches!(fact, Fact::Group(..)));
    let names_roles = names(|fact| matches!(fact, Fact::Role(..)));
    is_kind
        && (sample.kind != IdentityKind::User
            || ((witness.who.has_groups == sample.has_groups || (sample.has_groups && !names_groups))
                && (witness.who.has_roles == sample.has_roles || (sample.has_roles && !names_roles))))
}

fn contains(path: &Path, groups: &[usize]) -> bool {
    path.groups.iter().zip(groups).all(|(set, group)| set.as_ref().is_none_or(|set| set.contains(*group)))
}

const SATISFIED: [&[GrantControl]; 4] =
    [&[], &[GrantControl::Mfa], &[GrantControl::CompliantDevice], &[GrantControl::Mfa, GrantControl::CompliantDevice]];

/// Whether `outcome` lets through who satisfies `controls`.
fn lets(universe: &Universe<'_>, outcome: &Outcome, controls: &[GrantControl]) -> bool {
    let is_met = |number: &u32| match &universe.controls.0[*number as usize] {
        crate::compile::CompiledControl::BuiltIn(control) => controls.contains(control),
        _ => false,
    };
    match outcome {
        Outcome::Blocked => false,
        Outcome::Open { clauses, .. } => clauses.iter().all(|clause| clause.iter().any(is_met)),
    }
}

/// Holds the regions in which two bundles differ against what both decide. How many requests were looked at, and how
/// many, with some controls, change.
fn agree(bundles: [&CompiledBundle; 2], requests: &[Witness], told: &str) -> (usize, usize) {
    let (mut placed, mut changed) = (0, 0);
    let [before, after] = bundles;
    super::diff(before, after).unwrap_or_else(|error| panic!("{error}\n{told}"));
    let universe = Universe::new(before, after);
    let Spaces { spaces, .. } = spaces(&universe, &|_| true);
    let rows = network::rows(&universe);
    let walk = |space, is_report_only| {
        let question = Change::new(&universe, is_report_only, |_, _| true);
        let start = start(&universe, space, is_report_only, |_, _| true);
        Walk::run(space, question, &start, &mut Steps::each())
    };
    let walks: Vec<_> = spaces.iter().map(|space| [walk(space, false), walk(space, true)]).collect();
    for (space, of_space) in spaces.iter().zip(&walks) {
        of_space.iter().zip([false, true]).for_each(|(found, it)| sooner(&universe, space, found, it, told));
    }
    for witness in requests {
        let Some((space, [Found { paths, left, question: change }, reported])) =
            spaces.iter().zip(&walks).find(|(space, _)| is_of(space, witness))
        else {
            // Nothing targets this kind of identity: nothing can change.
            let decisions = bundles.map(|bundle| decide(bundle, witness, &[]));
            if decisions.iter().all(Option::is_some) {
                assert_eq!(decisions[0], decisions[1], "{witness:?}\n{told}");
            }
            continue;
        };
        assert_eq!(*left, Left::Nothing, "small bundles have few regions\n{told}");
        let Some(groups) = place(&universe, space, &rows, witness) else { continue };
        placed += 1;
        let found: Vec<_> = paths.iter().filter(|path| contains(path, &groups)).collect();
        assert!(found.len() <= 1, "regions are disjoint\n{told}");
        let reports: Vec<_> = reported.paths.iter().filter(|path| contains(path, &groups)).collect();
        for controls in SATISFIED {
            let decisions = bundles.map(|bundle| decide(bundle, witness, controls));
            let silent = bundles.map(|bundle| reports_nothing(bundle, witness, controls));
            match reports.first().and_then(|path| reported.question.outcomes(path.answer)) {
                None => assert_eq!(silent[0], silent[1], "report-only: {witness:?} with {controls:?}\n{told}"),
                Some((one, other)) => {
                    let predicted = [one, other].map(|outcome| lets(&universe, outcome, controls));
                    assert_eq!(silent, predicted, "report-only: {witness:?} with {controls:?}\n{told}");
                }
            }
            let told = format!("{witness:?} with {controls:?}\n{told}");
            match found.first().and_then(|path| change.outcomes(path.answer)) {
                None => assert_eq!(decisions[0], decisions[1], "{told}"),
                Some((one, other)) => {
                    changed += 1;
                    let predicted = [one, other].map(|outcome| Some(lets(&universe, outcome, controls)));
                    let decided = decisions.map(|decision| decision.map(|(is_allowed, _)| is_allowed));
                    assert_eq!(decided, predicted, "{told}");
                }
            }
        }
    }
    (placed, changed)
}

/// A walk that looks for one region knows whether there is any, a cell of what it found has a region, and what a walk
/// without enough steps tells is part of what `found` has.
fn sooner(universe: &Universe<'_>, space: &Space, found: &Found<Change<'_, '_>>, is_report_only: bool, told: &str) {
    let question = || Change::new(universe, is_report_only, |_, _| true);
    let start = start(universe, space, is_report_only, |_, _| true);
    let first = Walk::first(space, question(), &start, &mut Steps::each());
    assert_eq!(first.is_nothing(), found.paths.is_empty(), "{told}");
    let outcomes = |found: &Found<Change<'_, '_>>, path: &Path| {
        let (before, after) = found.question.outcomes(path.answer).unwrap();
        [before.clone(), after.clone()].map(|outcome| match outcome {
            Outcome::Open { clauses, .. } => Outcome::Open { clauses, session: None },
            Outcome::Blocked => Outcome::Blocked,
        })
    };
    let is_part = |part: &Found<Change<'_, '_>>| {
        for path in &part.paths {
            let one = path.cell(space);
            let whole = found.paths.iter().find(|whole| contains(whole, &one));
            let whole = whole.unwrap_or_else(|| panic!("a region that is none\n{told}"));
            assert_eq!(outcomes(part, path), outcomes(found, whole), "{told}");
        }
    };
    if let Some(path) = first.paths.first() {
        let cell = Walk::within(space, question(), &start, path);
        assert_eq!(cell.paths.len(), 1, "{told}");
        is_part(&cell);
    }
    for steps in [0, 1, 3, 10, 30] {
        is_part(&Walk::run(space, question(), &start, &mut Steps::together(steps)));
    }
}

#[test]
fn a_decision_changes_exactly_in_the_regions() {
    let (mut compared, mut changed, mut placed) = (0, 0, 0);
    for seed in 0..400 {
        let mut rng = Rng::with_seed(seed);
        let setting = |rng: &mut Rng| {
            let default = ["allow", "allow", "block"][rng.usize(..3)];
            let missing = ["unknown", "outsideAll"][rng.usize(..2)];
            let eligibility = ["entra", "all"][rng.usize(..2)];
            format!(
                "tenantId: {TENANT}\ndefaultDecision: {default}\nmissingIp: {missing}\neligibility: {eligibility}\n"
            )
        };
        let settings = setting(&mut rng);
        let other = if rng.u8(..4) == 0 { setting(&mut rng) } else { settings.clone() };
        let text = bundle(&mut rng);
        // Mostly an edit of one line, else another bundle.
        let edited = if rng.u8(..4) == 0 {
            bundle(&mut rng)
        } else {
            let lines: Vec<_> = text.lines().collect();
            let policies = lines.iter().position(|line| *line == "policies:").unwrap();
            let chosen = rng.usize(policies + 1..lines.len());
            let change = |(at, line): (usize, &&str)| {
                if at == chosen { policy(&mut rng, at - policies - 1) } else { format!("{line}\n") }
            };
            lines.iter().enumerate().map(change).collect()
        };
        let (before, after) = (compiled(&text, &settings), compiled(&edited, &other));
        let found = agree([&before, &after], &requests(&mut rng, 60), &format!("seed {seed}\n{text}\n{edited}"));
        (compared, placed, changed) = (compared + 60, placed + found.0, changed + found.1);
    }
    assert!(compared == 24_000 && placed > 10_000 && changed > 2_000, "{compared} {placed} {changed}");
}

#[test]
fn a_policy_is_idle_exactly_when_no_decision_needs_it_and_a_request_is_open_exactly_where_none_applies() {
    let (mut idle, mut needed, mut unconstrained) = (0, 0, 0);
    for seed in 0..150 {
        let mut rng = Rng::with_seed(seed);
        let settings = format!("tenantId: {TENANT}\n");
        let text = bundle(&mut rng);
        let whole = compiled(&text, &settings);
        let gaps = super::gaps(&whole).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        let requests = requests(&mut rng, 60);
        for (index, head) in whole.indexed_policies().filter(|(_, head)| head.takes_part) {
            let own = format!("displayName: {},", head.display_name);
            let rest: String =
                text.lines().filter(|line| !line.contains(&own)).map(|line| format!("{line}\n")).collect();
            let rest = if rest.ends_with("policies:\n") { rest.replace("policies:\n", "") } else { rest };
            let without = compiled(&rest, &settings);
            let changes = super::diff(&whole, &without).unwrap();
            assert_eq!(changes.regions.is_empty(), gaps.idle.contains(&index), "seed {seed}: {own}\n{text}");
            if gaps.idle.contains(&index) {
                idle += 1;
                for (witness, controls) in requests.iter().zip(SATISFIED.iter().cycle()) {
                    let decisions = [&whole, &without].map(|bundle| decide(bundle, witness, controls));
                    assert_eq!(decisions[0], decisions[1], "seed {seed}: {own} {witness:?}\n{text}");
                }
            } else {
                needed += 1;
            }
        }
        let universe = Universe::new(&whole, &whole);
        let Spaces { spaces, .. } = spaces(&universe, &|_| true);
        let rows = network::rows(&universe);
        for space in &spaces {
            let question = super::gaps::Nothing { words: universe.words };
            let start = start(&universe, space, false, |side, _| side == 0);
            let Found { paths, .. } = Walk::run(space, question, &start, &mut Steps::each());
            for witness in requests.iter().filter(|witness| is_of(space, witness)) {
                let Some(groups) = place(&universe, space, &rows, witness) else { continue };
                let mut evaluation = Evaluation::default();
                evaluate(&whole, &witness.request(), &mut evaluation).unwrap();
                let is_open = evaluation.reason() == crate::model::Reason::NoPolicyApplies;
                unconstrained += usize::from(is_open);
                let found = paths.iter().filter(|path| contains(path, &groups)).count();
                assert_eq!(found, usize::from(is_open), "seed {seed}: {witness:?}\n{text}");
            }
        }
    }
    assert!(idle > 20 && needed > 100 && unconstrained > 500, "{idle} {needed} {unconstrained}");
}

#[test]
fn policies_that_differ_in_name_only_are_identical_and_both_idle() {
    let block = "state: enabled, conditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }, grantControls: { builtInControls: [block] }";
    let text = format!("policies:\n  - {{ displayName: One, {block} }}\n  - {{ displayName: Two, {block} }}\n");
    let bundle = compiled(&text, "");
    let gaps = super::gaps(&bundle).unwrap();
    let both: Vec<_> = bundle.indexed_policies().map(|(index, _)| index).collect();
    assert_eq!((gaps.idle, gaps.identical), (both.clone(), vec![both]));
    let [one] = gaps.open.as_slice() else { panic!("{:?}", gaps.open) };
    assert_eq!(one.subjects, "workloads", "who is not eligible is covered by no policy");
}

/// Whether a token is issued, and the session it comes with.
fn decide(bundle: &CompiledBundle, witness: &Witness, controls: &[GrantControl]) -> Option<(bool, String)> {
    let mut witness = witness.clone();
    witness.built_in = controls.iter().copied().collect();
    let mut evaluation = Evaluation::default();
    evaluate(bundle, &witness.request(), &mut evaluation).ok()?;
    let is_allowed = evaluation.decision() == crate::model::Decision::Allow;
    Some((is_allowed, format!("{:?}", evaluation.session(bundle))))
}

/// Whether no report-only policy would have kept the token back.
fn reports_nothing(bundle: &CompiledBundle, witness: &Witness, controls: &[GrantControl]) -> bool {
    let mut witness = witness.clone();
    witness.built_in = controls.iter().copied().collect();
    let mut evaluation = Evaluation::default();
    evaluate(bundle, &witness.request(), &mut evaluation).unwrap();
    evaluation.report_only().is_empty()
}
