//! What policies that apply come to, whatever the token service has seen satisfied.
//!
//! A decision depends on the satisfied controls too. They are not enumerated: grant controls are kept as what they ask
//! for, clauses of which each must have one control satisfied, in the one irredundant form. So two sets of policies ask
//! for the same exactly when their clauses are equal. Start with [`Outcome`].

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::bits::each;
use super::universe::{Universe, View};
use crate::compile::{CompiledControl, CompiledPolicy, CompiledSession, Grant};
use crate::evaluate::{MergedSession, probe};
use crate::model::bundle::DefaultDecision;
use crate::model::{GrantControl, Operator};

/// Controls of which one must be satisfied, ascending by number.
pub type Clause = Vec<u32>;

/// What one policy asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask<'b> {
    /// Whether it is reported only.
    pub is_report_only: bool,
    /// Whether it blocks.
    pub blocks: bool,
    /// What must be satisfied.
    pub clauses: Vec<Clause>,
    /// What a token comes with.
    pub session: Option<&'b CompiledSession>,
}

/// Grant controls by number.
#[derive(Debug, Default)]
pub struct Controls(pub Vec<CompiledControl>);

impl Controls {
    fn number(&mut self, control: &CompiledControl) -> u32 {
        let known = self.0.iter().position(|known| known == control);
        let number = known.unwrap_or_else(|| {
            self.0.push(control.clone());
            self.0.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Whether `clause` asks for a compliant device.
    pub fn asks_for_compliance(&self, clause: &[u32]) -> bool {
        let is_it = |control: &CompiledControl| *control == CompiledControl::BuiltIn(GrantControl::CompliantDevice);
        self.of(clause).any(is_it)
    }

    /// Whether nobody is asked for `clause` who is on the way to a compliant device: that is in it, and nothing that could
    /// be had on the spot.
    pub fn spares(&self, clause: &[u32]) -> bool {
        self.asks_for_compliance(clause) && !self.of(clause).any(CompiledControl::is_interactive)
    }

    fn of(&self, clause: &[u32]) -> impl Iterator<Item = &CompiledControl> {
        clause.iter().filter_map(|number| self.0.get(*number as usize))
    }

    /// What `policy` asks for.
    pub fn ask<'b>(&mut self, policy: &'b CompiledPolicy) -> Ask<'b> {
        let mut clauses = match &policy.grant {
            Grant::Block => Vec::new(),
            Grant::Require { operator: Operator::And, controls } => {
                controls.iter().map(|control| vec![self.number(control)]).collect()
            }
            Grant::Require { controls, .. } if controls.is_empty() => Vec::new(),
            Grant::Require { controls, .. } => {
                vec![controls.iter().map(|control| self.number(control)).collect::<Clause>()]
            }
        };
        clauses.iter_mut().for_each(|clause| clause.sort_unstable());
        Ask {
            is_report_only: policy.is_report_only,
            blocks: matches!(policy.grant, Grant::Block),
            clauses: irredundant(clauses),
            session: policy.session.as_deref(),
        }
    }
}

impl Ask<'_> {
    /// Whether `other` adds nothing where this applies.
    pub fn absorbs(&self, other: &Self) -> bool {
        let has_clause = |clause: &Clause| self.clauses.iter().any(|own| is_subset(own, clause));
        self.blocks
            || (!other.blocks
                && (other.session.is_none() || other.session == self.session)
                && other.clauses.iter().all(has_clause))
    }
}

impl Ask<'_> {
    /// Whether a clause of this implies one of `other`.
    pub fn weakens(&self, other: &Self) -> bool {
        other.clauses.iter().any(|clause| self.clauses.iter().any(|own| is_subset(own, clause)))
    }
}

/// What the policies that apply come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No token.
    Blocked,
    /// A token for those who satisfy every clause. None: for everybody.
    Open {
        /// Irredundant and sorted.
        clauses: Vec<Clause>,
        /// What a token comes with, merged, by number.
        session: Option<usize>,
    },
}

impl Outcome {
    /// Whether it lets through who satisfies all controls but `open`.
    pub fn lets(&self, open: &[u32]) -> bool {
        match self {
            Self::Blocked => false,
            Self::Open { clauses, .. } => {
                clauses.iter().all(|clause| clause.iter().any(|control| !open.contains(control)))
            }
        }
    }

    /// What it comes to for a request that leads to compliance, of which `controls` says what nobody is asked for.
    pub fn on_the_way(&self, controls: &Controls) -> Self {
        match self {
            Self::Open { clauses, session } => {
                let rest = clauses.iter().filter(|clause| !controls.spares(clause));
                Self::Open { clauses: rest.cloned().collect(), session: *session }
            }
            Self::Blocked => Self::Blocked,
        }
    }

    /// What it comes to for those who cannot satisfy `impossible`.
    pub fn without(&self, impossible: &[u32]) -> Self {
        match self {
            Self::Open { clauses, session } if self.lets(impossible) => {
                let rest = |clause: &Clause| clause.iter().copied().filter(|it| !impossible.contains(it)).collect();
                Self::Open { clauses: irredundant(clauses.iter().map(rest).collect()), session: *session }
            }
            _ => Self::Blocked,
        }
    }
}

/// Outcomes by what applies, each worked out once.
#[derive(Debug)]
pub struct Outcomes<'u, 'b> {
    universe: &'u Universe<'b>,
    known: HashMap<(usize, Vec<u64>), u32, RandomState>,
    numbers: HashMap<Outcome, u32, RandomState>,
    list: Vec<Outcome>,
    sessions: Vec<MergedSession<'b>>,
}

impl<'u, 'b> Outcomes<'u, 'b> {
    /// None yet.
    pub fn new(universe: &'u Universe<'b>) -> Self {
        Self {
            universe,
            known: HashMap::default(),
            numbers: HashMap::default(),
            list: Vec::new(),
            sessions: Vec::new(),
        }
    }

    /// The number of the outcome of `side`, when the policies in `alive` apply.
    pub fn number(&mut self, side: usize, alive: &[u64], is_report_only: bool) -> u32 {
        let words = self.universe.words;
        let part = |view| alive.get(View::offset(view, words)..).and_then(|rest| rest.get(..words)).unwrap_or_default();
        let mut key = part(View::possible(side)).to_vec();
        if self.universe.has_certain {
            key.extend(part(View::certain(side)));
        }
        if let Some(number) = self.known.get(&(side, key.clone())) {
            return *number;
        }
        let outcome = self.outcome(side, part(View::possible(side)), part(View::certain(side)), is_report_only);
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(outcome.clone()).or_insert(next);
        if number == next {
            self.list.push(outcome);
        }
        self.known.insert((side, key), number);
        number
    }

    /// The outcome of a number.
    pub fn outcome_of(&self, number: u32) -> Option<&Outcome> {
        self.list.get(number as usize)
    }

    /// The session controls of a number.
    pub fn session_of(&self, number: usize) -> Option<&MergedSession<'b>> {
        self.sessions.get(number)
    }

    fn outcome(&mut self, side: usize, possible: &[u64], certain: &[u64], is_report_only: bool) -> Outcome {
        let asks: Vec<_> = each(possible).filter_map(|bit| Some((bit, self.universe.asks.get(bit)?))).collect();
        if asks.iter().any(|(_, ask)| ask.blocks) {
            return Outcome::Blocked;
        }
        let default = self.universe.defaults.get(side);
        let clauses = irredundant(asks.iter().flat_map(|(_, ask)| ask.clauses.iter().cloned()).collect());
        let is_default = !is_report_only && default == Some(&DefaultDecision::Block) && each(certain).next().is_none();
        if is_default {
            return Outcome::Blocked;
        }
        let merged = probe::merged(asks.iter().filter_map(|(_, ask)| ask.session));
        let session = merged.map(|merged| {
            let known = self.sessions.iter().position(|known| *known == merged);
            known.unwrap_or_else(|| {
                self.sessions.push(merged);
                self.sessions.len() - 1
            })
        });
        Outcome::Open { clauses, session }
    }
}

fn is_subset(small: &[u32], large: &[u32]) -> bool {
    small.iter().all(|item| large.binary_search(item).is_ok())
}

/// `clauses` without those that another one implies, sorted. A monotone function has only one such form.
fn irredundant(mut clauses: Vec<Clause>) -> Vec<Clause> {
    clauses.sort_unstable_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let mut kept: Vec<Clause> = Vec::new();
    for clause in clauses {
        if !kept.iter().any(|known| is_subset(known, &clause)) {
            kept.push(clause);
        }
    }
    kept.sort_unstable();
    kept
}
