//! What a bundle leaves open, and which of its policies do nothing.

use std::collections::BTreeSet;

use super::bits::{Bits, each, has};
use super::fact::Witness;
use super::less::{changes, filters, has_filter};
use super::maker::stranger;
use super::space::{KINDS, Spaces, policy_of, spaces};
use super::universe::{Universe, View};
use super::walk::{Question, Space, State, Steps, Walk};
use super::words::{self, Places};
use super::{AnalysisError, Facet, Note, Pass, start};
use crate::compile::{CompiledBundle, PolicyIndex};
use crate::evaluate::{Evaluation, evaluate};
use crate::limits;
use crate::model::{IdentityKind, Reason};

/// Requests to which no enforced policy applies.
#[derive(Clone, Debug)]
pub struct Open {
    /// Whose requests, in the plural.
    pub subjects: &'static str,
    /// Which requests: every facet holds.
    pub facets: Vec<Facet>,
    /// One of them; `None` when it depends on what no request can be made for.
    pub witness: Option<Witness>,
}

/// What a bundle leaves open, and which of its policies do nothing.
#[derive(Debug, Default)]
pub struct Gaps {
    /// Disjoint regions of requests to which no enforced policy applies.
    pub open: Vec<Open>,
    /// Policies without which every decision would be the same, in bundle order. Of two that are identical, both.
    pub idle: Vec<PolicyIndex>,
    /// Policies that ask for the same of the same requests, in bundle order, each set once.
    pub identical: Vec<Vec<PolicyIndex>>,
    /// What was not looked at, in words, none twice.
    pub notes: BTreeSet<Note>,
}

/// Looks for gaps.
///
/// Errors: a region that the decision does not confirm.
/// Cost: as [`super::diff`], and for every policy at most `limits::IDLE_STEPS_MAX` steps more.
pub fn gaps(bundle: &CompiledBundle) -> Result<Gaps, AnalysisError> {
    let universe = Universe::new(bundle, bundle);
    let mut spaces = spaces(&universe, &|_| true);
    let mut gaps = Gaps { notes: std::mem::take(&mut spaces.notes), ..Gaps::default() };
    let mut places = Places::of(&spaces.ground);
    for space in &spaces.spaces {
        open(&universe, space, &mut places, &mut gaps)?;
    }
    for (subjects, kind) in KINDS.into_iter().filter(|(name, _)| spaces.spaces.iter().all(|space| space.name != *name))
    {
        // Whom no policy targets.
        let request = Witness::new(stranger(&universe, kind));
        confirm(&universe, &request)?;
        gaps.open.push(Open { subjects, facets: Vec::new(), witness: Some(request) });
    }
    let is_left_out = gaps.notes.iter().any(|note| note.leaves_out);
    let enumerable = is_left_out.then(|| super::space::spaces(&universe, &|policy| !has_filter(policy)));
    for (bit, ask) in universe.asks.iter().enumerate() {
        let is_in = |side, other| side == 0 || other != bit;
        let pass = Pass { is_report_only: ask.is_report_only, ..Pass::of(&is_in) };
        // What could not be compared is not claimed, unless the policy does nothing beside those that could.
        let is_sure = |cut: &Spaces| {
            let is_in =
                |side, other| is_in(side, other) && policy_of(&universe, 0, other).is_some_and(|it| !has_filter(it));
            let is_about_filters = policy_of(&universe, 0, bit).is_none_or(has_filter);
            let pass = Pass { is_in: &is_in, ..pass };
            let mut steps = Steps::together(limits::IDLE_STEPS_MAX);
            !is_about_filters && !universe.has_certain && changes(&universe, cut, &pass, &mut steps) == Some(false)
        };
        match changes(&universe, &spaces, &pass, &mut Steps::together(limits::IDLE_STEPS_MAX)) {
            Some(false) if enumerable.as_ref().is_none_or(is_sure) => gaps.idle.extend(index(&universe, bit)),
            Some(_) => {}
            None => {
                gaps.notes.insert(Note::left_out("whether some policies are idle: they combine in too many ways"));
            }
        }
    }
    gaps.idle.sort_unstable();
    gaps.identical = identical(&universe, &spaces.spaces, is_left_out);
    Ok(gaps)
}

fn index(universe: &Universe<'_>, bit: usize) -> Option<PolicyIndex> {
    policy_of(universe, 0, bit).map(|policy| policy.index)
}

/// Asks where no policy of the first side applies.
#[derive(Debug)]
pub struct Nothing {
    /// Words of a set of policies.
    pub words: usize,
}

impl Question for Nothing {
    fn words(&self) -> usize {
        self.words
    }

    fn odd(&self, _start: &[u64], _differing: &[u64]) -> Option<Bits> {
        None
    }

    fn relevant(&self, _odd: &Bits) -> Option<Bits> {
        None
    }

    fn is_settled(&self, _state: &State, sure: &[u64], _differing: &[u64]) -> bool {
        each(sure.get(..self.words).unwrap_or_default()).next().is_some()
    }

    fn answer(&mut self, state: &State) -> u32 {
        let applying = state.alive.get(..self.words).unwrap_or_default();
        u32::from(each(applying).next().is_none())
    }
}

fn open(universe: &Universe<'_>, space: &Space, places: &mut Places<'_>, gaps: &mut Gaps) -> Result<(), AnalysisError> {
    let start = start(universe, space, false, |side, _| side == 0);
    let question = Nothing { words: View::offset(1, universe.words) };
    let found = Walk::run(space, question, &start, &mut Steps::each());
    gaps.notes.extend(found.left.note(space.name, found.paths.len()));
    for path in found.paths.into_iter().filter(|path| !words::is_nobodys_device(space, path)) {
        let mut witness = None;
        if let Some(facts) = words::facts(space, &path, |_| ()) {
            let mut request = Witness::new(stranger(universe, IdentityKind::User));
            facts.into_iter().for_each(|fact| request.say(fact));
            match confirm(universe, &request) {
                Ok(()) => witness = Some(request),
                Err(_) if words::supposes(space, &path) => {}
                Err(error) => return Err(error),
            }
        }
        let facets = words::facets(universe, places, space, &path);
        gaps.open.push(Open { subjects: space.name, facets, witness });
    }
    Ok(())
}

fn confirm(universe: &Universe<'_>, witness: &Witness) -> Result<(), AnalysisError> {
    let [bundle, _] = universe.sides;
    let mut evaluation = Evaluation::default();
    let is_decided = evaluate(bundle, &witness.request(), &mut evaluation).is_ok();
    match evaluation.reason() {
        Reason::NoPolicyApplies | Reason::DefaultDecision if is_decided => Ok(()),
        _ => Err(AnalysisError::Unconfirmed(words::somebody(universe, &witness.who))),
    }
}

/// Policies that every group of every axis treats alike. Where objects were left out, those with other filters are not.
fn identical(universe: &Universe<'_>, spaces: &[Space], is_left_out: bool) -> Vec<Vec<PolicyIndex>> {
    let filters = |bit: usize| policy_of(universe, 0, bit).filter(|_| is_left_out).map(filters);
    let behaviour = |bit: usize| -> Vec<bool> {
        let of_space = |space: &Space| {
            let columns = space.axes.iter().flat_map(|axis| &axis.columns);
            let is_in = has(&space.policies, bit);
            let marks = columns.flat_map(|column| [is_in && has(&column.drop, bit), is_in && has(&column.raise, bit)]);
            std::iter::once(is_in).chain(marks).collect::<Vec<_>>()
        };
        spaces.iter().flat_map(of_space).collect()
    };
    let mut sets: Vec<(usize, Vec<bool>, Vec<PolicyIndex>)> = Vec::new();
    for (bit, ask) in universe.asks.iter().enumerate() {
        let Some(index) = index(universe, bit) else { continue };
        let own = behaviour(bit);
        let same = |(other, theirs, _): &&mut (usize, Vec<bool>, _)| {
            universe.asks.get(*other) == Some(ask) && *theirs == own && filters(*other) == filters(bit)
        };
        match sets.iter_mut().find(same) {
            Some((_, _, set)) => set.push(index),
            None => sets.push((bit, own, vec![index])),
        }
    }
    let mut identical: Vec<_> = sets.into_iter().map(|(_, _, set)| set).filter(|set| set.len() > 1).collect();
    identical.iter_mut().for_each(|set| set.sort_unstable());
    identical.sort();
    identical
}
