//! Whole bundles compared, proved and searched for gaps: over all requests, not a sample.
//!
//! The requests that two bundles can tell apart are finite in kind: ids are named or not, addresses lie in the same
//! locations or not, levels and words are few. So requests are cut into classes and every class is decided.
//!
//! - A *space* is the requests of one kind of identity, a product of *axes* (`space`, `identity`, `network`).
//! - An *axis* is cut into *atoms*, and atoms that no policy tells apart are a *group* (`axis`).
//! - A *walk* goes through the product axis by axis, keeps only the policies that are left, and stops where the
//!   question is settled (`walk`); where the question can matter at all is known before (`reach`). What it finds are *regions*: a set of groups for each axis, and an answer.
//! - The *question* of [`diff`] is where the outcomes of two sets of policies differ (`change`, `outcome`).
//!
//! What a condition means is asked of `evaluate`, and every region comes with a request of which the decision itself
//! shows what the region claims; one that it does not show is an error, never told. What cannot be enumerated is told
//! beside the regions. Start with [`diff`].

mod axis;
mod bits;
mod change;
mod document;
mod example;
mod fact;
mod gaps;
mod identity;
mod less;
mod network;
mod note;
mod outcome;
mod prove;
mod reach;
mod satisfy;
mod space;
#[cfg(test)]
mod tests;
mod told;
mod universe;
mod walk;
mod when;
mod words;

pub use change::ChangeKind;
pub use fact::{What, Who, Witness};
pub use gaps::{Gaps, Open, gaps};
pub use note::Note;
pub use prove::{Proof, Proofs, Verdict, prove};
pub use words::Facet;

use std::collections::BTreeSet;

use crate::compile::{CompiledBundle, Grant, PolicyIndex};
use crate::evaluate::{Evaluation, evaluate};
use crate::model::Decision;
use change::{Change, IsWanted, unimplied};
use outcome::Outcome;
use space::{Spaces, spaces};
use universe::Universe;
use walk::{Found, Path, Space, Steps, Walk};
use words::Places;

/// Requests whose decision changes in one way.
#[derive(Clone, Debug)]
pub struct Region {
    /// How it changes.
    pub kind: ChangeKind,
    /// Whether only report-only policies change.
    pub is_report_only: bool,
    /// Whether some request that got no token now can get one without satisfying more.
    pub loosens: bool,
    /// Whose requests, in the plural.
    pub subjects: &'static str,
    /// Which requests: every facet holds.
    pub facets: Vec<Facet>,
    /// The outcome before, in words.
    pub before: String,
    /// The outcome after, in words.
    pub after: String,
    /// A request that shows the change; `None` when it depends on what no request can be made for.
    pub witness: Option<Shown>,
}

/// A request that shows a change, and the policies that decide it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The request.
    pub witness: Witness,
    /// The policies that decide it, before and after, by name.
    pub policies: [Vec<String>; 2],
}

/// How two bundles differ.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Disjoint regions, by kind of identity.
    pub regions: Vec<Region>,
    /// What was not compared, in words, none twice.
    pub notes: BTreeSet<Note>,
    /// Whether there were too many regions or ways to tell every change. What is missing may be of any kind.
    pub is_cut: bool,
}

/// Why bundles cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalysisError {
    /// A region was found that the decision does not confirm: a mistake of the analysis.
    #[error("the decision does not confirm what the analysis found for {0}; this is a mistake of doorward's")]
    Unconfirmed(String),
}

/// Where `before` and `after` decide differently.
///
/// Errors: a region that is not confirmed.
/// Cost: linear in the address ranges of both, and in the combinations that some changed policy tells apart.
pub fn diff(before: &CompiledBundle, after: &CompiledBundle) -> Result<Comparison, AnalysisError> {
    let universe = Universe::new(before, after);
    let mut spaces = spaces(&universe, &|_| true);
    let mut comparison = Comparison { notes: std::mem::take(&mut spaces.notes), ..Comparison::default() };
    let mut places = Places::of(&spaces.ground);
    for is_report_only in [false, true] {
        let pass = Pass { is_report_only, ..Pass::of(&|_, _| true) };
        compare(&universe, &spaces, &pass, &mut Steps::each(), &mut places, &mut comparison)?;
    }
    Ok(comparison)
}

/// What is compared.
#[derive(Clone, Copy)]
struct Pass<'a> {
    /// The report-only policies, or those in force.
    is_report_only: bool,
    /// Which policies each side has, by side and number.
    is_in: &'a dyn Fn(usize, usize) -> bool,
    /// Which differences are told.
    is_wanted: IsWanted,
}

impl<'a> Pass<'a> {
    /// Every difference of the policies in force that `is_in` picks.
    fn of(is_in: &'a dyn Fn(usize, usize) -> bool) -> Self {
        Self { is_report_only: false, is_in, is_wanted: |_, _| true }
    }
}

/// Adds where the two sides decide differently. The steps that it takes are taken off `steps`.
fn compare(
    universe: &Universe<'_>,
    spaces: &Spaces,
    pass: &Pass<'_>,
    steps: &mut Steps,
    places: &mut Places<'_>,
    comparison: &mut Comparison,
) -> Result<(), AnalysisError> {
    for space in &spaces.spaces {
        let start = start(universe, space, pass.is_report_only, pass.is_in);
        let question = || Change::new(universe, pass.is_report_only, pass.is_wanted);
        let first = Walk::first(space, question(), &start, steps);
        if first.is_nothing() {
            continue;
        }
        let mut part = steps.part();
        let mut found = Walk::run(space, question(), &start, &mut part);
        steps.put_back(part);
        if let ([], [path, ..]) = (found.paths.as_slice(), first.paths.as_slice()) {
            found = Found { left: found.left, ..Walk::within(space, question(), &start, path) };
        }
        let Found { paths, left, question: change } = found;
        let note = left.note(space.name, paths.len());
        comparison.is_cut |= note.is_some();
        comparison.notes.extend(note);
        for path in paths {
            let teller = Teller { universe, space, pass, change: &change };
            match teller.region(&path, places)? {
                Some(region) => comparison.regions.push(region),
                None => {
                    comparison.notes.insert(Note::alike_controls(space.name));
                }
            }
        }
    }
    Ok(())
}

/// The policies that a walk through `space` begins with.
fn start(
    universe: &Universe<'_>,
    space: &Space,
    is_report_only: bool,
    is_in: impl Fn(usize, usize) -> bool,
) -> Vec<u64> {
    let is_of_pass = |bit: usize| universe.asks.get(bit).is_some_and(|ask| ask.is_report_only == is_report_only);
    let mut start = universe.chosen(|side, bit| is_of_pass(bit) && is_in(side, bit));
    bits::restrict(&mut start, &space.policies);
    start
}

/// Tells what a walk found.
struct Teller<'u, 'b> {
    universe: &'u Universe<'b>,
    space: &'u Space,
    pass: &'u Pass<'u>,
    change: &'u Change<'u, 'b>,
}

impl Teller<'_, '_> {
    /// The region of `path`; `None` when no request can tell the controls apart.
    fn region(&self, path: &Path, places: &mut Places<'_>) -> Result<Option<Region>, AnalysisError> {
        let Some((before, after)) = self.change.outcomes(path.answer) else { return Ok(None) };
        let witness = match words::facts(self.space, path) {
            None => None,
            Some(facts) => match self.shown(&facts, before, after) {
                Ok(None) => return Ok(None),
                Err(_) if words::supposes(self.space, path) => None,
                shown => shown?,
            },
        };
        Ok(Some(Region {
            kind: ChangeKind::of(before, after),
            is_report_only: self.pass.is_report_only,
            loosens: loosens(before, after),
            subjects: self.space.name,
            facets: words::facets(self.universe, places, self.space, path),
            before: words::outcome(self.universe, before, self.change.session(before)),
            after: words::outcome(self.universe, after, self.change.session(after)),
            witness,
        }))
    }

    fn shown(&self, facts: &[&fact::Fact], before: &Outcome, after: &Outcome) -> Result<Option<Shown>, AnalysisError> {
        let mut witness = Witness::new(space::stranger(self.universe, crate::model::IdentityKind::User));
        facts.iter().for_each(|fact| witness.say(fact));
        let open = match (before, after) {
            (Outcome::Open { clauses: one, .. }, Outcome::Open { clauses: other, .. }) => {
                unimplied(other, one).or_else(|| unimplied(one, other)).cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if !satisfy::satisfy(&mut witness, &self.universe.controls, &open) {
            return Ok(None);
        }
        let mut policies = [Vec::new(), Vec::new()];
        let mut evaluation = Evaluation::default();
        for (((side, bundle), outcome), names) in
            self.universe.sides.iter().enumerate().zip([before, after]).zip(&mut policies)
        {
            // WHY: a side that lacks some of its bundle's policies is no bundle that could be asked.
            let is_whole = self.universe.bits.get(side).into_iter().flatten().all(|bit| (self.pass.is_in)(side, *bit));
            if !is_whole {
                continue;
            }
            let unconfirmed = || AnalysisError::Unconfirmed(format!("{:?}", witness.who));
            evaluate(bundle, &witness.request(), &mut evaluation).map_err(|_| unconfirmed())?;
            let decided = if self.pass.is_report_only { evaluation.report_only() } else { evaluation.policies() };
            names.extend(decided.iter().map(|index| bundle.policy(*index).display_name.to_string()));
            let is_open = match self.pass.is_report_only {
                true => !decided.iter().any(|index| reports_block(bundle, *index, outcome)),
                false => evaluation.decision() == Decision::Allow,
            };
            let expected = match outcome {
                Outcome::Blocked => false,
                Outcome::Open { clauses, .. } => {
                    clauses.iter().all(|clause| clause.iter().any(|control| !open.contains(control)))
                }
            };
            let has_session = self.pass.is_report_only
                || !is_open
                || evaluation.session(bundle).as_ref() == self.change.session(outcome);
            if is_open != expected || !has_session {
                return Err(unconfirmed());
            }
        }
        Ok(Some(Shown { witness, policies }))
    }
}

/// Whether a report-only policy that was not satisfied would have kept the token back, as `outcome` foresees.
fn reports_block(bundle: &CompiledBundle, index: PolicyIndex, outcome: &Outcome) -> bool {
    let policy = bundle.compiled().iter().find(|policy| policy.index == index);
    match outcome {
        Outcome::Blocked => policy.is_some_and(|policy| matches!(policy.grant, Grant::Block)),
        Outcome::Open { .. } => true,
    }
}

/// Whether some request is let through after that was not before.
fn loosens(before: &Outcome, after: &Outcome) -> bool {
    match (before, after) {
        (_, Outcome::Blocked) => false,
        (Outcome::Blocked, Outcome::Open { .. }) => true,
        (Outcome::Open { clauses: one, .. }, Outcome::Open { clauses: other, .. }) => unimplied(one, other).is_some(),
    }
}
