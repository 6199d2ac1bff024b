//! One dimension of requests, cut into groups of facts that all policies treat alike.
//!
//! An *atom* is a fact that stands for all facts like it, such as "an address in these three locations". Atoms of
//! which every policy makes the same are a *group*. What policies make of the groups is kept by columns: one for each
//! set of groups that some policies are about. Start with [`AxisBuilder`].

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::bits::{Bits, each};
use super::fact::Fact;
use crate::model::Condition;

/// Atoms that all policies treat alike.
#[derive(Clone, Debug)]
pub struct Group {
    /// Positions of its atoms, ascending.
    pub atoms: Vec<usize>,
    /// The first atom of which a request can be made.
    pub witness: Option<usize>,
}

/// Policies that are about one set of groups.
#[derive(Clone, Debug)]
pub struct Column {
    /// The groups.
    pub row: Bits,
    /// Policies that do not apply outside of them.
    pub drop: Vec<u64>,
    /// Policies whose identity condition they fulfil.
    pub raise: Vec<u64>,
}

/// A dimension.
#[derive(Debug)]
pub struct Axis {
    /// What it is about.
    pub condition: Condition,
    /// The atoms.
    pub atoms: Vec<Fact>,
    /// The groups.
    pub groups: Vec<Group>,
    /// What policies make of them.
    pub columns: Vec<Column>,
    /// Policies of which the two sides make something different, by number.
    pub differing: Vec<u64>,
}

/// What an atom means to all policies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meaning {
    /// Policies that it does not keep from applying.
    pub keep: Vec<u64>,
    /// Policies whose identity condition it fulfils.
    pub raise: Vec<u64>,
}

/// Makes an axis of atoms.
#[derive(Debug)]
pub struct AxisBuilder {
    condition: Condition,
    atoms: Vec<Fact>,
    groups: Vec<Group>,
    numbers: HashMap<Meaning, usize, RandomState>,
}

impl AxisBuilder {
    /// No atoms yet.
    pub fn new(condition: Condition) -> Self {
        Self { condition, atoms: Vec::new(), groups: Vec::new(), numbers: HashMap::default() }
    }

    /// Adds an atom, of which a request can be made if `is_known`.
    pub fn add(&mut self, fact: Fact, is_known: bool, meaning: Meaning) {
        let position = self.atoms.len();
        self.atoms.push(fact);
        let next = self.groups.len();
        let number = *self.numbers.entry(meaning).or_insert(next);
        if number == next {
            self.groups.push(Group { atoms: Vec::new(), witness: None });
        }
        if let Some(group) = self.groups.get_mut(number) {
            group.atoms.push(position);
            group.witness = group.witness.or(is_known.then_some(position));
        }
    }

    /// The axis. `policies` is every policy, in all views; a view has `words` words.
    pub fn finish(self, policies: &[u64], words: usize) -> Axis {
        let Self { condition, atoms, groups, numbers } = self;
        let count = groups.len();
        let mut differing = vec![0; words];
        // By position, the groups in which that policy does not apply, and those that fulfil its identity condition.
        let (mut gaps, mut raised) = (Vec::<Option<Bits>>::new(), Vec::<Option<Bits>>::new());
        let note = |rows: &mut Vec<Option<Bits>>, position: usize, number: usize| {
            if rows.len() <= position {
                rows.resize(position + 1, None);
            }
            if let Some(row) = rows.get_mut(position) {
                row.get_or_insert_with(|| Bits::none(count)).insert(number);
            }
        };
        let mut missing = Vec::new();
        for (meaning, number) in &numbers {
            missing.clear();
            missing.extend(policies.iter().zip(&meaning.keep).map(|(all, keep)| all & !keep));
            each(&missing).for_each(|position| note(&mut gaps, position, *number));
            each(&meaning.raise).for_each(|position| note(&mut raised, position, *number));
            for set in [&meaning.keep, &meaning.raise] {
                for views in set.chunks(2 * words) {
                    let (before, after) = views.split_at(words.min(views.len()));
                    let sides = before.iter().zip(after);
                    differing.iter_mut().zip(sides).for_each(|(word, (before, after))| *word |= before ^ after);
                }
            }
        }
        let mut columns = HashMap::<(Bits, bool), Vec<u64>, RandomState>::default();
        let mut note = |row: Bits, is_raise: bool, position: usize| {
            let mask = columns.entry((row, is_raise)).or_insert_with(|| vec![0; policies.len()]);
            if let Some(word) = mask.get_mut(position / 64) {
                *word |= 1 << (position % 64);
            }
        };
        let all = Bits::all(count);
        let rows = |rows: Vec<Option<Bits>>| (0..).zip(rows).filter_map(|(position, row)| Some((position, row?)));
        rows(gaps).for_each(|(position, gap)| note(all.minus(&gap), false, position));
        rows(raised).for_each(|(position, row)| note(row, true, position));
        let nothing = vec![0; policies.len()];
        let mut columns: Vec<_> = columns
            .into_iter()
            .map(|((row, is_raise), mask)| match is_raise {
                true => Column { row, drop: nothing.clone(), raise: mask },
                false => Column { row, drop: mask, raise: nothing.clone() },
            })
            .collect();
        columns.sort_by(|one, other| (&one.drop, &one.raise).cmp(&(&other.drop, &other.raise)));
        Axis { condition, atoms, groups, columns, differing }
    }
}
