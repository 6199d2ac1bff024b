//! Tells the regions that a walk found: in words, and with a request of which the decision shows what is claimed.
//!
//! Start with [`Teller::tell`].

use std::mem::discriminant;

use super::change::{Change, ChangeKind, unimplied};
use super::fact::{Fact, Witness};
use super::maker::stranger;
use super::outcome::{Clause, Outcome};
use super::satisfy::{impossible, satisfy};
use super::universe::Universe;
use super::walk::{Path, Space};
use super::words::{self, Places};
use super::{AnalysisError, Pass, Region, Shown};
use crate::compile::{CompiledBundle, Grant, PolicyIndex};
use crate::evaluate::{Evaluation, evaluate, probe};
use crate::model::{Decision, IdentityKind};

/// Tells what a walk found.
pub struct Teller<'u, 'b> {
    /// The policies.
    pub universe: &'u Universe<'b>,
    /// Where the walk went.
    pub space: &'u Space,
    /// What is compared.
    pub pass: &'u Pass<'u>,
    /// What was asked.
    pub change: &'u Change<'u, 'b>,
}

/// What there is to tell of a region.
#[derive(Debug)]
pub enum Told {
    /// This.
    Region(Box<Region>),
    /// Nothing: both sides ask for the same in different words.
    Alike,
    /// Whether any request tells the controls of both sides apart is not known.
    Unknown,
}

/// How two outcomes are told apart by what is satisfied.
struct Apart {
    /// Somebody who has satisfied that.
    witness: Witness,
    /// Whether some request gets a token after only.
    loosens: bool,
}

impl Teller<'_, '_> {
    /// The region of `path`.
    ///
    /// Errors: the decision does not confirm it.
    pub fn tell(&self, path: &Path, places: &mut Places<'_>) -> Result<Told, AnalysisError> {
        let Some((before, after)) = self.change.outcomes(path.answer) else { return Ok(Told::Alike) };
        let is_alike = |fact: &Fact| {
            let is_of_device = matches!(fact, Fact::Flow(_) | Fact::Device(_) | Fact::Resource(_));
            is_of_device && !self.differ(&self.somebody(&[fact]), before, after)
        };
        // Where the device that is asked of is none, never will do, or is spared, the sides may come to the same.
        if words::is_nobodys_device(self.space, path) || words::is_only(self.space, path, is_alike) {
            return Ok(Told::Alike);
        }
        let limits = |fact: &Fact| !impossible(&self.somebody(&[fact]), &self.universe.controls).is_empty();
        let leads = |fact: &Fact| probe::leads_to_compliance(&self.somebody(&[fact]).request().resource);
        let mut facts = words::facts(self.space, path, |fact| (is_alike(fact), limits(fact) || leads(fact)));
        // The first of those that policies make the same of may be spared where others are not.
        for fact in facts.iter_mut().flatten().filter(|fact| is_alike(fact)) {
            let is_better = |other: &Fact| discriminant(other) == discriminant(*fact) && !is_alike(other);
            *fact = words::example(self.space, path, is_better).unwrap_or(fact);
        }
        let somebody = self.somebody(facts.as_deref().unwrap_or_default());
        if !self.differ(&somebody, before, after) {
            return Ok(Told::Unknown);
        }
        let Apart { witness, loosens } = match self.apart(&somebody, before, after) {
            Some(Some(apart)) => apart,
            Some(None) => return Ok(Told::Alike),
            None => return Ok(Told::Unknown),
        };
        // WHY also without the facts of the example: others of the region may be able to satisfy more, or be spared some.
        let of_others = [Some(Vec::new()), words::example(self.space, path, leads).map(|fact| vec![fact])];
        let loosens = of_others.into_iter().flatten().fold(loosens, |loosens, facts| {
            let apart = self.apart(&self.somebody(&facts), before, after);
            loosens || apart.is_none_or(|apart| apart.is_some_and(|apart| apart.loosens))
        });
        let shown = match facts {
            None => None,
            Some(_) => match self.shown(witness, before, after) {
                Err(_) if words::supposes(self.space, path) => None,
                shown => Some(shown?),
            },
        };
        Ok(Told::Region(Box::new(Region {
            kind: ChangeKind::of(before, after),
            is_report_only: self.pass.is_report_only,
            loosens,
            subjects: self.space.name,
            facets: words::facets(self.universe, places, self.space, path),
            before: words::outcome(self.universe, before, self.change.session(before)),
            after: words::outcome(self.universe, after, self.change.session(after)),
            witness: shown,
        })))
    }

    /// Who says `facts`, and has satisfied nothing.
    fn somebody(&self, facts: &[&Fact]) -> Witness {
        let mut witness = Witness::new(stranger(self.universe, IdentityKind::User));
        facts.iter().for_each(|fact| witness.say(fact));
        witness
    }

    /// What both sides come to for `somebody`, who may be unable to satisfy some controls, and may be spared others.
    fn really(&self, somebody: &Witness, sides: [&Outcome; 2]) -> [Outcome; 2] {
        let controls = &self.universe.controls;
        let impossible = impossible(somebody, controls);
        let is_on_the_way = probe::leads_to_compliance(&somebody.request().resource);
        sides.map(|outcome| {
            let outcome = if is_on_the_way { outcome.on_the_way(controls) } else { outcome.clone() };
            outcome.without(&impossible)
        })
    }

    /// Whether that is a difference which is wanted.
    fn differ(&self, somebody: &Witness, before: &Outcome, after: &Outcome) -> bool {
        let [one, other] = self.really(somebody, [before, after]);
        one != other && (self.pass.is_wanted)(&one, &other)
    }

    /// What `somebody` is to satisfy so that the decisions differ, rather so that the token is kept back after; `None`
    /// inside when nothing does, outside when that is not known.
    fn apart(&self, somebody: &Witness, before: &Outcome, after: &Outcome) -> Option<Option<Apart>> {
        let [before, after] = &self.really(somebody, [before, after]);
        let (Outcome::Open { clauses: one, session }, Outcome::Open { clauses: other, session: later }) =
            (before, after)
        else {
            let witness = self.satisfied(somebody, &[], &[])?;
            return Some(witness.map(|witness| Apart { witness, loosens: *before == Outcome::Blocked }));
        };
        let (tighter, looser) = (self.first(somebody, other, one), self.first(somebody, one, other));
        let loosens = !matches!(looser, Some(None));
        let same = || if session == later { Some(None) } else { self.satisfied(somebody, &[], &[]) };
        let witness = match (tighter, looser) {
            (Some(Some(witness)), _) | (_, Some(Some(witness))) => Some(witness),
            (Some(None), Some(None)) => same()?,
            _ => return None,
        };
        Some(witness.map(|witness| Apart { witness, loosens }))
    }

    /// `somebody` who is refused for a clause of `one` and whom `other` lets through.
    fn first(&self, somebody: &Witness, one: &[Clause], other: &[Clause]) -> Option<Option<Witness>> {
        let mut is_known = true;
        for clause in unimplied(one, other) {
            match self.satisfied(somebody, clause, other) {
                Some(None) => {}
                Some(found) => return Some(found),
                None => is_known = false,
            }
        }
        is_known.then_some(None)
    }

    fn satisfied(&self, somebody: &Witness, open: &[u32], needed: &[Clause]) -> Option<Option<Witness>> {
        let mut witness = somebody.clone();
        let open = [open, &impossible(somebody, &self.universe.controls)].concat();
        let is_satisfied = satisfy(&mut witness, &self.universe.controls, &open, needed)?;
        Some(is_satisfied.then_some(witness))
    }

    fn shown(&self, witness: Witness, before: &Outcome, after: &Outcome) -> Result<Shown, AnalysisError> {
        let request = witness.request();
        let really = self.really(&witness, [before, after]);
        let mut policies = [Vec::new(), Vec::new()];
        let mut evaluation = Evaluation::default();
        for (((side, bundle), (outcome, really)), names) in
            self.universe.sides.iter().enumerate().zip([before, after].into_iter().zip(&really)).zip(&mut policies)
        {
            // WHY: a side that lacks some of its bundle's policies is no bundle that could be asked.
            let is_whole = self.universe.bits.get(side).into_iter().flatten().all(|bit| (self.pass.is_in)(side, *bit));
            if !is_whole {
                continue;
            }
            let unconfirmed = || AnalysisError::Unconfirmed(words::somebody(self.universe, &witness.who));
            evaluate(bundle, &request, &mut evaluation).map_err(|_| unconfirmed())?;
            let decided = if self.pass.is_report_only { evaluation.report_only() } else { evaluation.policies() };
            names.extend(decided.iter().map(|index| bundle.policy(*index).display_name.to_string()));
            let is_open = match self.pass.is_report_only {
                true => !decided.iter().any(|index| reports_block(bundle, *index, outcome)),
                false => evaluation.decision() == Decision::Allow,
            };
            let is_met = |number: &u32| {
                self.universe.controls.0.get(*number as usize).is_some_and(|control| control.is_met(&request))
            };
            let expected = match really {
                Outcome::Blocked => false,
                Outcome::Open { clauses, .. } => clauses.iter().all(|clause| clause.iter().any(is_met)),
            };
            let has_session = self.pass.is_report_only
                || !is_open
                || evaluation.session(bundle).as_ref() == self.change.session(outcome);
            if is_open != expected || !has_session {
                return Err(unconfirmed());
            }
        }
        Ok(Shown { witness, policies })
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
