//! How fast people and agent identities are decided about: with few and with as many groups as a token may say, on
//! tenants of usual size and beside thousands of policies for others.

use std::hint::black_box;

use doorward::compile::CompiledBundle;
use doorward::evaluate::{Evaluation, evaluate};
use doorward::model::TokenRequest;

use super::report::{Goal, Report, median};
use super::user_set::{A240, Asking, U240, UserSet, UserSize};
use super::{compiled, decide_all, per_item};

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
        let set = UserSet::new(size);
        let bundle = compiled(&set.bundle());
        let asking = set.asking(people, groups);
        Self { set, bundle, asking }
    }

    fn requests(&self) -> Vec<TokenRequest<'_>> {
        self.asking.iter().map(|asking| self.set.token_request(asking)).collect()
    }
}

/// Decisions about people and agent identities.
pub fn people(report: &mut Report, rounds: usize) {
    let mut per_group = Vec::new();
    for (groups, people) in GROUPS {
        let town = Town::new(U240, groups, people);
        let (usual, least) = time(&town, rounds);
        report.add(&format!("U240: decision, a user in {groups} groups"), usual, "ns", Goal::None);
        report.add(&format!("U240: decision, a user in {groups} groups, the fastest round"), least, "ns", Goal::None);
        per_group.push((groups as f64, least));
        if groups == GROUPS[0].0 {
            report.add("U240: policies that apply to a user", applying(&town), "", Goal::None);
        }
    }
    if let [(few, little), .., (many, much)] = per_group[..] {
        report.add("U240: each further group", (much - little) / (many - few), "ns", Goal::None);
    }
    let (usual, _) = time(&Town::new(A240, 0, 512), rounds);
    report.add("A240: decision, an agent identity", usual, "ns", Goal::None);
    for size in [U240, A240] {
        let larger = Town::new(UserSize { unrelated: 10_000, ..size }, 20, 512);
        let ratio = ratio(&larger, &Town::new(size, 20, 512), rounds);
        let what = format!("{}: 10 k unrelated policies / none", size.name);
        report.add(&what, ratio, "x", Goal::AtMost(1.5));
    }
    let wide = UserSize { policies: 10_000, tenant_wide: true, ..U240 };
    let wide = Town::new(wide, 20, 512);
    let what = format!("decision, 10 k policies for all users, {:.0} apply", applying(&wide));
    report.add(&what, time(&wide, rounds).0, "ns", Goal::None);
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

/// How many policies an answer names, by the mean.
fn applying(town: &Town) -> f64 {
    let mut evaluation = Evaluation::default();
    let requests = town.requests();
    let mut named = 0;
    for request in &requests {
        evaluate(&town.bundle, black_box(request), &mut evaluation).expect("nothing contradicts");
        named += evaluation.policies().len() + evaluation.report_only().len();
    }
    named as f64 / requests.len() as f64
}
