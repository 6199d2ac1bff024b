//! Which mistakes in a bundle its tests would not notice.
//!
//! Makes one small change at a time and asks the cases again: a change that no case notices is a test that is missing.
//! A change that gives no valid bundle is noticed by `check`. Changes that cannot matter are left out as far as that shows
//! without asking: those that leave the model as it is, and those of ranges that no policy looks at. Others may decide
//! the same all the same; no case is found for them. Start with [`mutate`].

mod change;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use super::cases::{Asked, Selection, each};
use super::coverage::{Subject, distance};
use super::paste;
use super::suppose::{Supposed, owned, put, text, with_request};
use crate::compile::{CompiledBundle, PolicyIndex, rebuild};
use crate::evaluate::{Evaluation, evaluate, trace};
use crate::limits;
use crate::model::{Bundle, IpRange, State, Truth};
use crate::text::{Node, RawBundle};

use change::Change;

/// The changes of a bundle, and what its tests made of them.
#[derive(Debug, Default)]
pub struct Mutation {
    /// The changes that were tried, policies first, then ranges.
    pub mutants: Vec<Mutant>,
    /// How many more there are past `limits::MUTANTS_MAX`.
    pub untried: usize,
}

/// One change.
#[derive(Debug)]
pub struct Mutant {
    /// The change in words.
    pub what: String,
    /// What came of it.
    pub fate: Fate,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A case failed.
    Killed,
    /// The bundle is not valid any more.
    Refused,
    /// Every case passed.
    Survived {
        /// A case that would fail, as YAML for a list of `cases`, if one was found.
        case: Option<String>,
    },
}

impl Mutation {
    /// The changes that no test notices.
    pub fn survivors(&self) -> impl Iterator<Item = &Mutant> {
        self.mutants.iter().filter(|mutant| matches!(mutant.fate, Fate::Survived { .. }))
    }
}

/// Changed bundles that are asked together: each takes memory, and the test files are read once for all of them.
const TOGETHER: usize = 64;

/// Asks the selected cases of `raw` of `bundle`, which was compiled from `model`, with each change. Cases that fail without
/// any change prove nothing, and are left out.
///
/// Cost: for each of at most `limits::MUTANTS_MAX` changes a compilation, and the cases until one fails.
pub fn mutate(bundle: &CompiledBundle, model: &Bundle, raw: &RawBundle, selection: &Selection) -> Mutation {
    let mut changes = changes(bundle, model);
    let untried = changes.len().saturating_sub(limits::MUTANTS_MAX);
    changes.truncate(limits::MUTANTS_MAX);
    let mut asked = Vec::new();
    each(bundle, raw, selection, |case| {
        let is_wanted = asked.len() < limits::SUPPOSED_STARTS_MAX && !case.is_skipped();
        asked.extend(case.node.filter(|_| is_wanted).map(owned));
    });
    let search = Search { bundle, model, supposed: Supposed::of(model, asked.into_iter()) };
    let mut mutants = Vec::new();
    let mut sought = 0;
    for changes in changes.chunks(TOGETHER) {
        let mut alive: Vec<_> = changes.iter().filter_map(|change| Trial::of(*change, model, raw)).collect();
        ask(bundle, raw, selection, &mut alive);
        for Trial { change, fate, changed } in alive {
            let fate = match (fate, changed) {
                (Fate::Survived { .. }, Some(changed)) if sought < limits::CASES_PROPOSED_MAX => {
                    sought += 1;
                    Fate::Survived { case: search.killer(change, &changed) }
                }
                (fate, _) => fate,
            };
            mutants.push(Mutant { what: change.told(model), fate });
        }
    }
    Mutation { mutants, untried }
}

/// A change on trial.
struct Trial {
    change: Change,
    fate: Fate,
    /// The changed bundle, if it is valid.
    changed: Option<CompiledBundle>,
}

impl Trial {
    /// `None` when the model stays as it is.
    fn of(change: Change, model: &Bundle, raw: &RawBundle) -> Option<Self> {
        let changed = change.applied(model)?;
        let changed = rebuild(changed, raw);
        let fate = if changed.is_some() { Fate::Survived { case: None } } else { Fate::Refused };
        Some(Self { change, fate, changed })
    }
}

/// Asks every case of the bundles that are still alive.
fn ask(bundle: &CompiledBundle, raw: &RawBundle, selection: &Selection, trials: &mut [Trial]) {
    let mut evaluation = Evaluation::default();
    each(bundle, raw, selection, |case| {
        if case.is_skipped() || !passes(&case, bundle, &mut evaluation) {
            return;
        }
        for trial in trials.iter_mut() {
            if let (Fate::Survived { .. }, Some(changed)) = (&trial.fate, &trial.changed)
                && !passes(&case, changed, &mut evaluation)
            {
                (trial.fate, trial.changed) = (Fate::Killed, None);
            }
        }
    });
}

fn passes(case: &Asked<'_>, bundle: &CompiledBundle, evaluation: &mut Evaluation) -> bool {
    let Ok(request) = &case.request else { return false };
    if evaluate(bundle, request, evaluation).is_err() {
        return false;
    }
    let traces = if case.needs_trace() { trace(bundle, request).unwrap_or_default() } else { Vec::new() };
    case.passes(bundle, evaluation, &traces)
}

fn changes(bundle: &CompiledBundle, model: &Bundle) -> Vec<Change> {
    let mut all = Vec::new();
    for ((index, policy), head) in model.policies.iter().enumerate().zip(bundle.policies()) {
        if head.takes_part {
            all.extend(change::of_policy(index, policy));
        } else if policy.state == State::Disabled && !policy.is_deleted {
            all.push(Change::State { policy: index, to: State::Enabled });
        }
    }
    let places = (0..model.locations.len()).map(Some).chain([None]);
    let judged = places.filter(|place| !users_of(bundle, *place).is_empty());
    all.extend(judged.flat_map(|place| {
        change::ranges(model, place).map(|ranges| change::of_ranges(place, ranges)).unwrap_or_default()
    }));
    all
}

/// The policies that look at a location, or at the MFA trusted IPs.
fn users_of(bundle: &CompiledBundle, location: Option<usize>) -> Vec<PolicyIndex> {
    let table = bundle.location_table();
    let index = location.map_or(Some(table.all_trusted.saturating_sub(1)), |index| u16::try_from(index).ok());
    let Some(index) = index else { return Vec::new() };
    let is_trusted = crate::compile::contains(&table.trusted, index);
    let is_it = |other: &u16| *other == index || (is_trusted && *other == table.all_trusted);
    let looks =
        |it: &&crate::compile::CompiledPolicy| it.locations.include.iter().chain(&it.locations.exclude).any(is_it);
    bundle.compiled().iter().filter(looks).map(|policy| policy.index).collect()
}

/// Looks for requests that tell a changed bundle from the one it was.
struct Search<'a> {
    bundle: &'a CompiledBundle,
    model: &'a Bundle,
    supposed: Supposed,
}

impl Search<'_> {
    /// A case that passes, and would fail after `change`.
    fn killer(&self, change: Change, changed: &CompiledBundle) -> Option<String> {
        let policies = match change {
            Change::Range { location, .. } => users_of(self.bundle, location),
            _ => change.policy().and_then(|policy| u32::try_from(policy).ok()).map(PolicyIndex).into_iter().collect(),
        };
        let ends = self.ends(change);
        for policy in policies {
            for bundle in [self.bundle, changed] {
                let subject = Subject::Policy { policy, applies: true };
                let near = |demand| self.supposed.find(|request| distance(bundle, request, subject, demand));
                let Some(start) = near(Truth::True).or_else(|| near(Truth::Unknown)) else { continue };
                let at = |end: &IpAddr| put(start.clone(), "network.ipAddress", text(end.to_string()));
                let told = self.told(change, changed, std::iter::once(start.clone()).chain(ends.iter().map(at)));
                if let Some(case) = told.or_else(|| self.told(change, changed, self.supposed.neighbours(&start))) {
                    return Some(case);
                }
            }
        }
        None
    }

    /// The ends of a range, before and after.
    fn ends(&self, change: Change) -> Vec<IpAddr> {
        let Change::Range { location, range, to } = change else { return Vec::new() };
        let from = change::ranges(self.model, location).and_then(|ranges| ranges.iter().nth(range));
        let ends = |range| match range {
            IpRange::V4(first, last) => [first, last].map(|bits| IpAddr::from(bits.to_be_bytes())),
            IpRange::V6(first, last) => [first, last].map(|bits| IpAddr::from(bits.to_be_bytes())),
        };
        from.into_iter().chain([to]).flat_map(ends).collect()
    }

    /// The first of `requests` that `changed` answers otherwise, as a case.
    fn told(
        &self,
        change: Change,
        changed: &CompiledBundle,
        mut requests: impl Iterator<Item = Node<'static>>,
    ) -> Option<String> {
        let (mut before, mut after) = (Evaluation::default(), Evaluation::default());
        requests.find_map(|node| {
            let is_told = with_request(&node, |request| {
                evaluate(self.bundle, request, &mut before).is_ok()
                    && evaluate(changed, request, &mut after).is_ok()
                    && !is_same((self.bundle, &before), (changed, &after))
            });
            let name = || format!("not with {}", change.told(self.model));
            is_told?.then(|| paste::case(&name(), &node, self.bundle, &before, &[]))
        })
    }
}

/// Whether a case, which compares what is compared here, would not tell two answers apart.
fn is_same((a, left): (&CompiledBundle, &Evaluation), (b, right): (&CompiledBundle, &Evaluation)) -> bool {
    let unmet = |bundle, it: &Evaluation| it.unmet(bundle).map(|control| control.name()).collect::<Vec<_>>();
    let session = |bundle, it: &Evaluation| it.session(bundle).map(|session| session.words());
    let owed = |bundle, it: &Evaluation| it.obligations(bundle).iter().map(|owed| owed.id.clone()).collect::<Vec<_>>();
    // INVARIANT: a change moves no policy, so that positions mean the same on both sides.
    left.reason() == right.reason()
        && left.policies() == right.policies()
        && left.report_only() == right.report_only()
        && unmet(a, left) == unmet(b, right)
        && (session(a, left).is_none() || session(a, left) == session(b, right))
        && (owed(a, left).is_empty() || owed(a, left) == owed(b, right))
}
