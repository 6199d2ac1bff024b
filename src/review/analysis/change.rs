//! Where two sets of policies decide differently.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::bits::{Bits, meet};
use super::outcome::{Clause, Outcome, Outcomes};
use super::universe::{Universe, View};
use super::walk::{Question, State};
use crate::evaluate::MergedSession;

/// Which of the differences between two outcomes are asked for.
pub type IsWanted = fn(&Outcome, &Outcome) -> bool;

/// Asks where the outcomes of the two sides differ.
#[derive(Debug)]
pub struct Change<'u, 'b> {
    universe: &'u Universe<'b>,
    outcomes: Outcomes<'u, 'b>,
    is_report_only: bool,
    is_wanted: IsWanted,
    /// Whether both sides decide alike when no policy applies.
    has_same_default: bool,
    answers: Vec<(u32, u32)>,
    numbers: HashMap<(u32, u32), u32, RandomState>,
}

impl<'u, 'b> Change<'u, 'b> {
    /// Asks about the enforced policies, or about the report-only ones; of the differences only those that `is_wanted`.
    pub fn new(universe: &'u Universe<'b>, is_report_only: bool, is_wanted: IsWanted) -> Self {
        let [before, after] = universe.defaults;
        Self {
            universe,
            outcomes: Outcomes::new(universe),
            is_report_only,
            is_wanted,
            has_same_default: is_report_only || before == after,
            answers: Vec::new(),
            numbers: HashMap::default(),
        }
    }

    /// The outcomes behind an answer of the walk, before and after.
    pub fn outcomes(&self, answer: u32) -> Option<(&Outcome, &Outcome)> {
        let (before, after) = self.answers.get((answer as usize).checked_sub(1)?)?;
        Some((self.outcomes.outcome_of(*before)?, self.outcomes.outcome_of(*after)?))
    }

    /// What a token of `outcome` comes with.
    pub fn session(&self, outcome: &Outcome) -> Option<&MergedSession<'b>> {
        match outcome {
            Outcome::Open { session, .. } => self.outcomes.session_of((*session)?),
            Outcome::Blocked => None,
        }
    }

    fn view<'m>(&self, mask: &'m [u64], view: usize) -> &'m [u64] {
        let words = self.universe.words;
        mask.get(View::offset(view, words)..).and_then(|rest| rest.get(..words)).unwrap_or_default()
    }

    /// Policies that one side has and the other has not, or may come not to have.
    fn odd_of(&self, state: &State, differing: &[u64]) -> Bits {
        let mut odd = vec![0; self.universe.words];
        for mask in [&state.alive, &state.included] {
            for views in mask.chunks(2 * self.universe.words) {
                let (before, after) = views.split_at(self.universe.words.min(views.len()));
                odd.iter_mut().zip(before.iter().zip(after)).for_each(|(odd, (before, after))| *odd |= before ^ after);
            }
        }
        let alive = [0, 1].map(|side| self.view(&state.alive, View::possible(side)));
        let left = alive[0].iter().zip(alive[1]).map(|(before, after)| before | after);
        odd.iter_mut().zip(left.zip(differing)).for_each(|(odd, (left, differing))| *odd = (*odd | differing) & left);
        Bits(odd)
    }
}

impl Question for Change<'_, '_> {
    fn words(&self) -> usize {
        self.universe.words
    }

    fn odd(&self, start: &[u64], differing: &[u64]) -> Option<Bits> {
        let state = State { alive: start.to_vec(), included: Vec::new() };
        self.has_same_default.then(|| self.odd_of(&state, differing))
    }

    // WHY: a difference is that some set of satisfied controls is enough for one side only. Let a policy of both sides
    // that does not block take that away: then it fails that set, and also the largest set that the odd clause in
    // question fails, which is all controls but those of that clause. So one of its clauses is within the odd one.
    fn relevant(&self, odd: &Bits) -> Option<Bits> {
        if self.universe.has_certain {
            return None;
        }
        let asks: Vec<_> = odd.iter().filter_map(|bit| self.universe.asks.get(bit)).collect();
        let has_session = asks.iter().any(|ask| ask.session.is_some());
        let mut relevant = self.universe.numbers(|ask| {
            ask.blocks || (has_session && ask.session.is_some()) || asks.iter().any(|odd| ask.weakens(odd))
        });
        relevant.unite(odd);
        Some(relevant)
    }

    fn is_settled(&self, state: &State, sure: &[u64], differing: &[u64]) -> bool {
        let odd = self.odd_of(state, differing);
        if odd.is_empty() && self.has_same_default {
            return true;
        }
        let [before, after] = [0, 1].map(|side| self.view(sure, View::possible(side)));
        let mut both: Vec<u64> = before.iter().zip(after).map(|(before, after)| before & after).collect();
        let blocks = |bits: &[u64]| meet(bits, &self.universe.blocking.0);
        if blocks(before) && blocks(after) {
            return true;
        }
        if !self.has_same_default {
            return false;
        }
        if self.universe.has_certain {
            for view in [View::certain(0), View::certain(1)] {
                super::bits::restrict(&mut both, self.view(sure, view));
            }
        }
        let mut rest = odd;
        for bit in super::bits::each(&both) {
            if rest.contains(bit) {
                continue;
            }
            if let Some(absorbed) = self.universe.absorbed.get(bit).filter(|absorbed| meet(&absorbed.0, &rest.0)) {
                rest = rest.minus(absorbed);
            }
        }
        rest.is_empty()
    }

    fn answer(&mut self, state: &State) -> u32 {
        let before = self.outcomes.number(0, &state.alive, self.is_report_only);
        let after = self.outcomes.number(1, &state.alive, self.is_report_only);
        let outcomes = self.outcomes.outcome_of(before).zip(self.outcomes.outcome_of(after));
        if before == after || outcomes.is_none_or(|(before, after)| !(self.is_wanted)(before, after)) {
            return 0;
        }
        let next = u32::try_from(self.answers.len()).unwrap_or(u32::MAX) + 1;
        let number = *self.numbers.entry((before, after)).or_insert(next);
        if number == next {
            self.answers.push((before, after));
        }
        number
    }
}

/// How a decision changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeKind {
    /// What could have a token gets none.
    NewlyBlocked,
    /// What got no token can have one.
    NewlyAllowed,
    /// A token comes for other controls, or with another session.
    Controls,
}

impl ChangeKind {
    /// Every kind, in the order of telling.
    pub const ALL: [Self; 3] = [Self::NewlyAllowed, Self::NewlyBlocked, Self::Controls];

    /// The stable id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewlyBlocked => "newly-blocked",
            Self::NewlyAllowed => "newly-allowed",
            Self::Controls => "changed-controls",
        }
    }

    /// The kind of a change.
    pub fn of(before: &Outcome, after: &Outcome) -> Self {
        match (before, after) {
            (_, Outcome::Blocked) => Self::NewlyBlocked,
            (Outcome::Blocked, Outcome::Open { .. }) => Self::NewlyAllowed,
            (Outcome::Open { .. }, Outcome::Open { .. }) => Self::Controls,
        }
    }
}

/// The clauses of `one` that `other` does not imply: whoever satisfies everything else is let through by `other` alone,
/// as far as controls are independent of each other.
pub fn unimplied<'o>(one: &'o [Clause], other: &'o [Clause]) -> impl Iterator<Item = &'o Clause> {
    one.iter().filter(|clause| !other.iter().any(|known| known.iter().all(|control| clause.contains(control))))
}
