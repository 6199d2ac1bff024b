//! The smallest change of a request that turns its decision around.
//!
//! Tries the facts that the policies of the bundle look at, one at a time, then two at a time, and asks the engine about
//! each: what is proposed has been decided, so it is never a guess. Somebody stays somebody: of who asks only groups, roles
//! and the kind of guest are changed, neither the id nor any attribute, and neither are free attributes. Start with
//! [`flip`]; [`fact`] has the facts.

mod fact;
mod mention;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::net::IpAddr;

use foldhash::fast::RandomState;

pub use fact::{Deed, Fact};
pub use mention::Mentions;

use crate::compile::CompiledBundle;
use crate::evaluate::{Evaluation, evaluate};
use crate::limits;
use crate::model::location::canonical;
use crate::model::{Decision, TokenRequest};

/// What to change, at least one fact.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// The changes, all of them needed.
    pub facts: Vec<Fact>,
    /// What the decision then is.
    pub decision: Decision,
}

/// What a search for the smallest change came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Searched {
    /// This change turns the decision around, and no smaller one of what was tried does.
    Found(Flip),
    /// None of what was to be tried does, and all of it was.
    Nothing,
    /// Nothing was found as far as was tried, and that is not all: policies look at too many facts, or at others.
    Cut,
}

impl Searched {
    /// The change, if one was found.
    pub fn found(&self) -> Option<&Flip> {
        match self {
            Self::Found(flip) => Some(flip),
            Self::Nothing | Self::Cut => None,
        }
    }
}

impl Flip {
    /// The request with the changes.
    pub fn apply<'a>(&'a self, request: &TokenRequest<'a>) -> TokenRequest<'a> {
        let mut changed = request.clone();
        self.facts.iter().for_each(|fact| fact.apply(&mut changed));
        changed
    }
}

/// The smallest change that is found: one fact if one does, else two, else, of a block, all controls that are asked
/// for. `mentions` are those of the bundle. `None` when the request cannot be decided.
///
/// Cost: a decision for each fact that policies mention, then for each two of them, at most `limits::FLIP_TRIALS_MAX`.
pub fn flip(bundle: &CompiledBundle, request: &TokenRequest<'_>, mentions: &Mentions) -> Option<Searched> {
    let mut evaluation = Evaluation::default();
    evaluate(bundle, request, &mut evaluation).ok()?;
    let decision = evaluation.decision();
    let unmet: Vec<_> = evaluation.unmet(bundle).map(|control| Fact::satisfied(&control)).collect();
    let (places, has_more) = if mentions.has_places { addresses(bundle) } else { (Vec::new(), false) };
    let more = places.into_iter().chain(members(bundle));
    let facts = candidates(&unmet, mentions, more, request, decision);
    let trials = limits::FLIP_TRIALS_MAX;
    let mut search = Search { bundle, evaluation, decision, trials, is_cut: mentions.is_cut || has_more };
    let found = search.one(request, &facts).or_else(|| search.two(request, &facts)).or_else(|| {
        search.trials = 1;
        let mut changed = request.clone();
        unmet.iter().for_each(|fact| fact.apply(&mut changed));
        search.turns(&changed).then_some(unmet)
    });
    let Some(facts) = found else {
        return Some(if search.is_cut { Searched::Cut } else { Searched::Nothing });
    };
    let decision = match decision {
        Decision::Allow => Decision::Block,
        Decision::Block => Decision::Allow,
    };
    Some(Searched::Found(Flip { facts, decision }))
}

/// What to try, likelier first: controls, then what the request may be, each once, and nothing that it is already.
fn candidates(
    unmet: &[Fact],
    mentions: &Mentions,
    more: impl Iterator<Item = Fact>,
    request: &TokenRequest<'_>,
    decision: Decision,
) -> Vec<Fact> {
    let dropped = if decision == Decision::Allow { fact::satisfied_by(request) } else { Vec::new() };
    let left = fact::memberships_of(request).filter(|fact| mentions.facts.iter().any(|known| known.undoes(fact)));
    let mut seen = HashSet::new();
    let all = unmet.iter().cloned().chain(mentions.facts.iter().cloned()).chain(dropped).chain(left);
    let all = all.chain(fact::asked_by(request)).chain(more);
    all.filter(|fact| !fact.is_true_of(request) && seen.insert(fact.clone())).collect()
}

/// An address of each set of locations that addresses have in common, at most `limits::FLIP_FACTS_MAX`; and whether there
/// are more. Cost: linear in the stretches of the network table.
fn addresses(bundle: &CompiledBundle) -> (Vec<Fact>, bool) {
    let network = bundle.network();
    let v4 = network.v4().map(|(first, place)| (IpAddr::V4(first.into()), place));
    let v6 = network.v6().map(|(first, place)| (canonical(IpAddr::V6(first.into())), place));
    let mut seen = HashSet::<_, RandomState>::default();
    let mut different =
        v4.chain(v6).filter(|(_, place)| seen.insert(*place)).map(|(address, _)| Fact::Address(address));
    let some = different.by_ref().take(limits::FLIP_FACTS_MAX).collect();
    (some, different.next().is_some())
}

/// An application of each suite that policies name.
fn members(bundle: &CompiledBundle) -> impl Iterator<Item = Fact> {
    let resources = bundle.compiled().iter().map(|policy| &policy.resources);
    let suites = resources.flat_map(|resources| resources.include.suites.iter().chain(&resources.exclude.suites));
    suites.filter_map(|(_, members)| members.first().cloned()).map(Fact::Resource)
}

struct Search<'b> {
    bundle: &'b CompiledBundle,
    evaluation: Evaluation,
    decision: Decision,
    /// How many requests may still be decided.
    trials: usize,
    /// Whether something was not tried.
    is_cut: bool,
}

impl Search<'_> {
    fn one(&mut self, request: &TokenRequest<'_>, facts: &[Fact]) -> Option<Vec<Fact>> {
        facts
            .iter()
            .find(|fact| {
                let mut changed = request.clone();
                fact.apply(&mut changed);
                self.turns(&changed)
            })
            .map(|fact| vec![fact.clone()])
    }

    fn two(&mut self, request: &TokenRequest<'_>, facts: &[Fact]) -> Option<Vec<Fact>> {
        for (index, first) in facts.iter().enumerate() {
            let mut once = request.clone();
            first.apply(&mut once);
            for second in facts.iter().skip(index + 1).filter(|second| !second.is_about_the_same_as(first)) {
                let mut twice = once.clone();
                second.apply(&mut twice);
                if self.turns(&twice) {
                    return Some(vec![first.clone(), second.clone()]);
                }
                if self.trials == 0 && self.is_cut {
                    return None;
                }
            }
        }
        None
    }

    /// Whether the changed request is decided the other way; one that contradicts itself is not decided at all.
    fn turns(&mut self, request: &TokenRequest<'_>) -> bool {
        if self.trials == 0 {
            self.is_cut = true;
            return false;
        }
        self.trials -= 1;
        evaluate(self.bundle, request, &mut self.evaluation).is_ok() && self.evaluation.decision() != self.decision
    }
}
