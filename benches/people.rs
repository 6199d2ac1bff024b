//! How fast people and agent identities are decided about: with few and with as many groups as a token may say, on
//! tenants of usual size and beside thousands of policies for others.

use doorward::compile::CompiledBundle;
use doorward::evaluate::{Evaluation, trace};
use doorward::model::TokenRequest;

use super::policy_set::{PolicySet, W390K};
use super::report::{Goal, Report, median};
use super::user_set::{A240, Asking, U240, UserSet, UserSize};
use super::{Calibrator, compiled, decide_all, guid, per_item};

/// Groups of somebody, and how many people ask: fewer where each is more, so that they stay in the processor's caches as
/// a request does that has just been read.
const GROUPS: [(usize, usize); 3] = [(20, 512), (200, 128), (4_096, 8)];

/// A policy set, its compiled bundle, and who asks.
struct Town {
    set: UserSet,
    bundle: CompiledBundle,
    asking: Vec<Asking>,
}

impl Town {
    fn new(size: UserSize, groups: usize, people: usize) -> Self {
        Self::of(UserSet::new(size), groups, people)
    }

    fn of(set: UserSet, groups: usize, people: usize) -> Self {
        let bundle = compiled(&set.bundle());
        let asking = set.asking(people, groups);
        Self { set, bundle, asking }
    }

    fn requests(&self) -> Vec<TokenRequest<'_>> {
        self.asking.iter().map(|asking| self.set.token_request(asking)).collect()
    }
}

/// What a decision about a workload may take, and about how many policies then apply.
///
/// People have more policies, groups and roles than workloads. What they may take is this, a hash lookup for each group
/// and role, and [`EACH_APPLYING`] for each further policy that applies.
#[derive(Clone, Copy)]
struct Most {
    nanoseconds: f64,
    applying: f64,
}

const AMONG_240: Most = Most { nanoseconds: 60.0, applying: 0.9 };
const AMONG_390_000_RANGES: Most = Most { nanoseconds: 150.0, ..AMONG_240 };
const AMONG_10_000_FOR_ALL: Most = Most { nanoseconds: 1_000.0, applying: 72.0 };

/// What each policy that applies may take, nanoseconds.
const EACH_APPLYING: f64 = 12.0;

impl Most {
    fn of(self, town: &Town, applying: f64) -> Goal {
        let ids: Vec<u128> = town.requests().iter().flat_map(groups_and_roles).collect();
        let lookups = if ids.is_empty() { 0.0 } else { lookup(&ids) * ids.len() as f64 / town.asking.len() as f64 };
        Goal::AtMost((self.nanoseconds + lookups + EACH_APPLYING * (applying - self.applying)).round())
    }
}

fn groups_and_roles(request: &TokenRequest<'_>) -> Vec<u128> {
    let sent = [&request.identity.groups, &request.identity.roles];
    sent.into_iter().flatten().flatten().filter_map(guid).collect()
}

/// Nanoseconds of a hash lookup of one of `ids`, among as many as the processor can have under way.
fn lookup(ids: &[u128]) -> f64 {
    let calibrator = Calibrator::new(ids.iter().copied(), ids.iter().copied());
    median((0..101).map(|_| calibrator.at_once()).collect())
}

/// Decisions about people and agent identities.
pub fn people(report: &mut Report, rounds: usize) {
    let mut per_group = Vec::new();
    for (groups, people) in GROUPS {
        let town = Town::new(U240, groups, people);
        let (usual, least) = time(&town, rounds);
        let applying = applying(&town);
        let what = format!("U240: decision, a user in {groups} groups, {applying:.0} policies apply");
        report.add(&what, usual, "ns", AMONG_240.of(&town, applying));
        per_group.push((groups as f64, least));
    }
    if let [(few, little), .., (many, much)] = per_group[..] {
        report.add("U240: each further group", (much - little) / (many - few), "ns", Goal::None);
    }
    let town = Town::of(UserSet::among(U240, PolicySet::new(W390K).locations), 20, 512);
    let applies = applying(&town);
    let what = format!("U240: decision, 390,000 ranges, {applies:.0} policies apply");
    report.add(&what, time(&town, rounds).0, "ns", AMONG_390_000_RANGES.of(&town, applies));
    let town = Town::new(A240, 0, 512);
    let applies = applying(&town);
    let what = format!("A240: decision, an agent identity, {applies:.0} policies apply");
    report.add(&what, time(&town, rounds).0, "ns", AMONG_240.of(&town, applies));
    for size in [U240, A240] {
        let larger = Town::new(UserSize { unrelated: 10_000, ..size }, 20, 512);
        let ratio = ratio(&larger, &Town::new(size, 20, 512), rounds);
        let what = format!("{}: 10 k unrelated policies / none", size.name);
        report.add(&what, ratio, "x", Goal::AtMost(1.5));
    }
    let wide = UserSize { policies: 10_000, tenant_wide: true, ..U240 };
    let wide = Town::new(wide, 20, 512);
    let applies = applying(&wide);
    let what = format!("decision, 10 k policies for all users, {applies:.0} apply");
    report.add(&what, time(&wide, rounds).0, "ns", AMONG_10_000_FOR_ALL.of(&wide, applies));
}

/// Nanoseconds of a decision: the usual round and the fastest one.
fn time(town: &Town, rounds: usize) -> (f64, f64) {
    let requests = town.requests();
    let mut evaluation = Evaluation::default();
    let round = |_| per_item(requests.len(), 4, || decide_all(&town.bundle, &requests, &mut evaluation));
    let times: Vec<f64> = (0..rounds).map(round).collect();
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    (median(times), least)
}

/// How many times as long decisions take in one town as in another, in turns.
fn ratio(larger: &Town, smaller: &Town, rounds: usize) -> f64 {
    let (large, small) = (larger.requests(), smaller.requests());
    let mut evaluation = Evaluation::default();
    let ratios = (0..rounds).map(|_| {
        let one = per_item(large.len(), 4, || decide_all(&larger.bundle, &large, &mut evaluation));
        let other = per_item(small.len(), 4, || decide_all(&smaller.bundle, &small, &mut evaluation));
        one / other
    });
    median(ratios.collect())
}

/// How many policies apply to somebody, by the mean: those that an answer names, and those that are content.
fn applying(town: &Town) -> f64 {
    // What all conditions of all policies come to takes its time.
    let requests: Vec<_> = town.requests().into_iter().take(64).collect();
    let applies = |request| trace(&town.bundle, request).expect("nothing contradicts");
    let policies = requests.iter().flat_map(applies).filter(|policy| policy.outcome.applies());
    policies.count() as f64 / requests.len() as f64
}
