//! Whether statements hold: what must never be, said in the words of policies.
//!
//! A *statement* is a policy that is not in force. It holds when it would add nothing: when every request that it
//! covers is refused already, or, if it asks for grant or session controls, comes with them already. So the question is
//! that of [`super::diff`], between the bundle and the bundle with the statement in force, and of its answers only those
//! in which somebody would be held back. That one may say "add nothing" in the place of "change nothing" matters where
//! a bundle blocks by default: there a policy that asks for controls would also let somebody in.
//!
//! The bundle with statements is compiled from the same files (see [`crate::compile::compile_stated`]), once for all
//! statements; side 0 is the bundle as it decides. A counterexample is a request that side 0 really allows, and that
//! the statement really covers: both are asked of `evaluate`, never inferred.
//!
//! # What cannot be enumerated
//!
//! A note of the analysis that leaves requests out keeps a statement from being proved, unless what it is about is not
//! needed: the statement is then tried again without the default block of the bundle, and with those policies alone
//! that can be enumerated. Policies and a default block only hold back, so what follows from some follows from all.
//! What depends on conditions in Cedar is neither proved nor, unless there is a request that shows it, refuted.
//!
//! Start with [`prove`].

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::change::unimplied;
use super::less::{changes, compares_parts, has_filter};
use super::outcome::Outcome;
use super::space::{Spaces, policy_of, spaces};
use super::universe::Universe;
use super::walk::Steps;
use super::words::{self, Places};
use super::{AnalysisError, Comparison, Note, Pass, Region, Witness, compare};
use crate::compile::{CompiledBundle, CompiledPolicy, PolicyIndex, Stated, Statement};
use crate::evaluate::{self, trace_one};
use crate::limits;
use crate::model::Condition;
use crate::review::rules;
use crate::text::{Diagnostic, Diagnostics, Finding, Sources};

/// A statement, and what was found.
#[derive(Debug)]
pub struct Proof {
    /// The statement.
    pub statement: Statement,
    /// What was found.
    pub verdict: Verdict,
}

/// What was found of a statement.
#[derive(Debug)]
pub enum Verdict {
    /// It holds, for every request.
    Proved,
    /// It does not hold: these requests are let through against it, each region with one that `decide` allows.
    Refuted(Vec<Region>),
    /// Neither is known; why, in words, at least one.
    Undecided(Vec<String>),
    /// It is disabled, so it claims nothing.
    NotAsked,
}

impl Proof {
    /// Whether the bundle may be used as far as this statement is concerned.
    pub const fn is_green(&self) -> bool {
        matches!(self.verdict, Verdict::Proved | Verdict::NotAsked)
    }
}

/// The statements of a bundle, and what was found.
#[derive(Debug, Default)]
pub struct Proofs {
    /// By file name, then as written.
    pub proofs: Vec<Proof>,
    sources: Sources,
}

impl Proofs {
    /// How many of its statements are proved.
    pub fn proved(&self) -> usize {
        self.proofs.iter().filter(|proof| matches!(proof.verdict, Verdict::Proved)).count()
    }

    /// An error for each statement that is not proved, at its name; empty when the bundle may be used.
    pub fn findings(&self) -> Vec<Finding> {
        let mut diagnostics = Diagnostics::default();
        for Proof { statement, verdict } in &self.proofs {
            let name = &statement.name;
            let (rule, what, help) = match verdict {
                Verdict::Proved | Verdict::NotAsked => continue,
                Verdict::Refuted(regions) => {
                    let subjects: BTreeSet<_> = regions.iter().map(|region| region.subjects).collect();
                    let subjects = subjects.into_iter().collect::<Vec<_>>().join(" and ");
                    let help = "`doorward prove` shows which, and a request for `doorward decide`";
                    (&rules::REFUTED_STATEMENT, format!("`{name}` does not hold: {subjects} get through"), help)
                }
                Verdict::Undecided(reasons) => {
                    let reason = reasons.first().map_or("", String::as_str);
                    let help = "let the statement, or the policies that it rests on, do without";
                    (&rules::UNDECIDED_STATEMENT, format!("`{name}` cannot be decided: {reason}"), help)
                }
            };
            diagnostics.push(Diagnostic::new(rule, statement.span, what).help(help));
        }
        diagnostics.findings(&self.sources)
    }
}

/// Proves the statements of `stated`, which was compiled from the files of `bundle`.
///
/// Errors: a counterexample that the decision does not confirm.
/// Cost: as [`super::diff`] for each, `limits::PROOF_STEPS_MAX` steps in all; statements past that are undecided.
pub fn prove(bundle: &CompiledBundle, stated: Stated) -> Result<Proofs, AnalysisError> {
    prove_within(bundle, stated, Steps::together(limits::PROOF_STEPS_MAX))
}

/// As [`prove`], in so many steps.
pub(super) fn prove_within(bundle: &CompiledBundle, stated: Stated, steps: Steps) -> Result<Proofs, AnalysisError> {
    let Stated { compilation, statements, sources } = stated;
    let Some(with) = compilation.bundle else { return Ok(Proofs::default()) };
    let universe = Universe::new(bundle, &with);
    let all = spaces(&universe, &|_| true);
    let allowing = Universe::allowing(bundle, &with);
    let less = LESS.map(|_| OnceCell::new());
    let mut prover = Prover {
        universe: &universe,
        all: &all,
        allowing: &allowing,
        less: &less,
        steps,
        places: Places::of(&all.ground),
    };
    let prove = |statement: Statement| {
        let verdict = if statement.is_asked { prover.verdict(statement.policy)? } else { Verdict::NotAsked };
        Ok(Proof { statement, verdict })
    };
    let proofs = statements.into_iter().map(prove).collect::<Result<_, _>>()?;
    Ok(Proofs { proofs, sources })
}

struct Prover<'u, 'b> {
    universe: &'u Universe<'b>,
    /// Requests as all policies and statements cut them.
    all: &'u Spaces,
    /// As if the bundle did not block by default.
    allowing: &'u Universe<'b>,
    /// Requests as the policies and statements of [`LESS`] cut them; made when they are needed.
    less: &'u [OnceCell<Spaces>; 3],
    steps: Steps,
    places: Places<'u>,
}

/// Policies to prove from: all, those with filters of whole texts, those without filters.
const LESS: [fn(&CompiledPolicy) -> bool; 3] =
    [|_| true, |policy| !compares_parts(policy), |policy| !has_filter(policy)];

impl Prover<'_, '_> {
    fn verdict(&mut self, statement: PolicyIndex) -> Result<Verdict, AnalysisError> {
        let [decides, _] = self.universe.sides;
        let own = decides.policies().len();
        let is_asked = move |policy: &CompiledPolicy| policy.index == statement || policy.index.as_usize() < own;
        let found = self.compared(&is_asked)?;
        let (mut shown, mut is_open) = (Vec::new(), false);
        for region in found.regions {
            let Some(example) = &region.witness else {
                is_open = true;
                continue;
            };
            match self.confirm(statement, &example.witness) {
                Ok(()) => shown.push(region),
                Err(_) if region.facets.iter().any(|facet| facet.condition == Condition::When) => is_open = true,
                Err(error) => return Err(error),
            }
        }
        if !shown.is_empty() {
            return Ok(Verdict::Refuted(shown));
        }
        if is_open {
            let why = "conditions in Cedar decide whether it holds, and what they come to is not enumerated";
            return Ok(Verdict::Undecided(vec![why.to_owned()]));
        }
        let left_out: Vec<_> = found.notes.iter().chain(&self.all.notes).filter(|note| note.leaves_out).collect();
        if left_out.is_empty() || self.follows_from_less(&is_asked, statement) {
            return Ok(Verdict::Proved);
        }
        Ok(Verdict::Undecided(left_out.into_iter().map(Note::to_string).collect()))
    }

    /// Whether the statement follows without a default block, and then from those policies alone that are about nothing
    /// that has to be left out.
    fn follows_from_less(&mut self, is_asked: &dyn Fn(&CompiledPolicy) -> bool, statement: PolicyIndex) -> bool {
        let Self { universe, allowing, less, steps, .. } = self;
        let [_, with] = universe.sides;
        let Some(own) = with.compiled().iter().find(|policy| policy.index == statement) else { return false };
        LESS.iter().zip(less.iter()).skip(usize::from(!universe.has_certain)).filter(|(is_kept, _)| is_kept(own)).any(
            |(is_kept, cut)| {
                let cut = cut.get_or_init(|| spaces(allowing, is_kept));
                let is_in = |policy: &CompiledPolicy| is_asked(policy) && is_kept(policy);
                let is_in = |side, bit| policy_of(allowing, side, bit).is_some_and(is_in);
                changes(allowing, cut, &Pass { is_wanted: holds_back, ..Pass::of(&is_in) }, steps) == Some(false)
            },
        )
    }

    /// Where somebody would be held back, by the policies that `is_in` picks.
    fn compared(&mut self, is_in: &dyn Fn(&CompiledPolicy) -> bool) -> Result<Comparison, AnalysisError> {
        let universe = self.universe;
        let is_in = |side, bit| policy_of(universe, side, bit).is_some_and(is_in);
        let mut found = Comparison::default();
        let pass = Pass { is_wanted: holds_back, ..Pass::of(&is_in) };
        compare(universe, self.all, &pass, &mut self.steps, &mut self.places, &mut found)?;
        Ok(found)
    }

    /// The comparison has shown that the bundle lets `witness` through; here, that the statement covers it.
    fn confirm(&self, statement: PolicyIndex, witness: &Witness) -> Result<(), AnalysisError> {
        let [_, with] = self.universe.sides;
        let trace = trace_one(with, &witness.request(), statement);
        match trace.ok().flatten().map(|trace| trace.outcome) {
            Some(evaluate::Outcome::Failure | evaluate::Outcome::Success) => Ok(()),
            _ => Err(AnalysisError::Unconfirmed(words::somebody(self.universe, &witness.who))),
        }
    }
}

/// Whether somebody whom `before` lets through is not let through after, or with another session.
fn holds_back(before: &Outcome, after: &Outcome) -> bool {
    match (before, after) {
        (Outcome::Blocked, _) => false,
        (Outcome::Open { .. }, Outcome::Blocked) => true,
        (Outcome::Open { clauses, session }, Outcome::Open { clauses: more, session: other }) => {
            session != other || unimplied(more, clauses).next().is_some()
        }
    }
}
