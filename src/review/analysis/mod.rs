//! Whole bundles compared, proved and searched for gaps: over all requests, not a sample.
//!
//! The requests that two bundles can tell apart are finite in kind: ids are named or not, addresses lie in the same
//! locations or not, levels and words are few. So requests are cut into classes and every class is decided.
//!
//! - A *space* is the requests of one kind of identity, a product of *axes* (`space`, `identity`, `network`).
//! - An *axis* is cut into *atoms*, and atoms that no policy tells apart are a *group* (`axis`).
//! - A *walk* goes through the product axis by axis, keeps only the policies that are left, and stops where the
//!   question is settled (`walk`); where the question can matter at all is known before (`reach`). What it finds are
//!   *regions*: a set of groups for each axis, and an answer.
//! - The *question* of [`diff`] is where the outcomes of two sets of policies differ (`change`, `outcome`).
//!
//! What a condition means is asked of `evaluate`, and every region comes with a request of which the decision itself
//! shows what the region claims; one that it does not show is an error, never told. What cannot be enumerated is told
//! beside the regions. Start with [`diff`].

mod axis;
mod bits;
mod change;
mod crowd;
mod document;
mod example;
mod fact;
mod gaps;
mod identity;
mod less;
mod maker;
mod network;
mod note;
mod outcome;
mod prove;
mod reach;
mod satisfy;
mod space;
mod target;
mod tell;
#[cfg(test)]
pub(crate) mod tests;
mod told;
mod universe;
mod walk;
mod when;
mod words;

pub use change::ChangeKind;
pub use fact::{What, Who, Witness};
pub use gaps::{Gaps, Open, gaps};
pub(super) use network::has_one_atlas;
pub use note::Note;
pub use prove::{Proof, Proofs, Verdict, prove};
pub use words::Facet;

use std::collections::BTreeSet;

use crate::compile::{CompiledBundle, Grant};
use crate::model::shaping::Obligation;
use change::{Change, IsWanted};
use space::{Spaces, spaces};
use tell::{Teller, Told};
use universe::Universe;
use walk::{Found, Space, Steps, Walk};
use words::Places;

/// Requests whose decision changes in one way.
#[derive(Clone, Debug)]
pub struct Region {
    /// How it changes.
    pub kind: ChangeKind,
    /// Whether only report-only policies change.
    pub is_report_only: bool,
    /// Whether some request that got no token gets one now, whatever it has satisfied.
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
    /// Whether there were too many regions, ways or controls to tell every change. What is missing may be of any kind.
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
    if owed_for_blocks(before) != owed_for_blocks(after) {
        comparison.notes.insert(Note::left_out("obligations of blocks"));
    }
    let mut places = Places::of(&spaces.ground);
    for is_report_only in [false, true] {
        let pass = Pass { is_report_only, ..Pass::of(&|_, _| true) };
        compare(&universe, &spaces, &pass, &mut Steps::each(), &mut places, &mut comparison)?;
    }
    Ok(comparison)
}

/// What blocking policies oblige callers to, with their ids.
/// WHY not by regions: a request is settled as soon as both sides block it, by whatever policies.
fn owed_for_blocks(bundle: &CompiledBundle) -> BTreeSet<(&str, &Obligation)> {
    let obliging = bundle.obliging().iter().map(|slot| bundle.slot(*slot));
    let blocking = obliging.filter(|policy| matches!(policy.grant, Grant::Block));
    blocking
        .flat_map(|policy| policy.obligations().iter().map(|owed| (&*bundle.policy(policy.index).id, owed)))
        .collect()
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
    if less::hides_the_way(universe, spaces, pass, steps) {
        let what = "requests for the registration and enrolment of devices, which need no compliant one";
        comparison.notes.insert(Note::left_out(what));
    }
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
        let teller = Teller { universe, space, pass, change: &change };
        for path in paths {
            match teller.tell(&path, places)? {
                Told::Region(region) => comparison.regions.push(*region),
                Told::Alike => {}
                Told::Unknown => {
                    comparison.is_cut = true;
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
