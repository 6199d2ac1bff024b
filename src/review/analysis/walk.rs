//! Goes through all combinations of groups without going through each.
//!
//! A walk decides axis by axis which policies are left, and looks at an axis only as far as the policies that are left
//! tell its groups apart. It stops where the question is settled, and does not go twice where the same policies are
//! left. What it finds is a decision diagram, in which equal branches are one; a path through it is a region, with a
//! set of groups for every axis. Start with [`Walk::run`].

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::axis::Axis;
use super::bits::{Bits, meet, restrict, subtract, unite};
use crate::limits;

/// A kind of request: its dimensions, all independent of each other.
#[derive(Debug)]
pub struct Space {
    /// Whom it is about, in the plural.
    pub name: &'static str,
    /// The dimensions.
    pub axes: Vec<Axis>,
    /// The policies that target these identities, in all views.
    pub policies: Vec<u64>,
    /// How many of the first axes are about identity as an include and an exclude side; behind them only policies that
    /// have been fulfilled are left. 0: identity is a condition like others.
    pub sides: usize,
}

/// The policies that are left, in all views.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Those that may still apply.
    pub alive: Vec<u64>,
    /// Those whose identity condition is fulfilled; empty behind identity.
    pub included: Vec<u64>,
}

/// What a walk is for. 0 is the answer of no interest.
pub trait Question {
    /// Whether the answer is 0 wherever the walk may go on. `sure` is what will apply, `differing` what the two sides may
    /// still make something different of, by number.
    fn is_settled(&self, state: &State, sure: &[u64], differing: &[u64]) -> bool;

    /// The answer when exactly the policies of `state` apply.
    fn answer(&mut self, state: &State) -> u32;
}

/// A region: for each axis the groups, `None` for any, and the answer there.
#[derive(Clone, Debug)]
pub struct Path {
    /// By axis.
    pub groups: Vec<Option<Bits>>,
    /// Not 0.
    pub answer: u32,
}

/// How many steps walks may still take together.
#[derive(Clone, Copy, Debug)]
pub struct Steps(usize);

impl Steps {
    /// At most `count`, all walks together.
    pub const fn together(count: usize) -> Self {
        Self(count)
    }

    /// As many as a single walk may take, for every walk.
    pub const fn each() -> Self {
        Self(usize::MAX)
    }
}

/// Too many combinations to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Answer(u32),
    Branch(usize, Vec<(Bits, usize)>),
}

/// A walk through a space.
#[derive(Debug)]
pub struct Walk<'s, Q> {
    space: &'s Space,
    question: Q,
    nodes: Vec<Node>,
    numbers: HashMap<Node, usize, RandomState>,
    known: HashMap<(usize, State), usize, RandomState>,
    /// By axis, what every axis from there on makes no difference to.
    always: Vec<Vec<u64>>,
    /// By axis, what some axis from there on makes a difference of between the sides.
    differing: Vec<Vec<u64>>,
    steps_left: usize,
}

const NOTHING: usize = 0;

impl<'s, Q: Question> Walk<'s, Q> {
    /// Asks `question` of everything in `space`, beginning with the policies of `start`. The regions are disjoint; at
    /// most `limits::ANALYSIS_REGIONS_MAX` and whether there are more. The steps that it takes are taken off `steps`.
    ///
    /// Errors: more than `limits::ANALYSIS_STEPS_MAX` steps, or more than are left.
    pub fn run(
        space: &'s Space,
        question: Q,
        start: &[u64],
        steps: &mut Steps,
    ) -> Result<(Vec<Path>, bool, Q), TooMany> {
        let most = limits::ANALYSIS_STEPS_MAX.min(steps.0);
        let last = (start.to_vec(), vec![0; space.axes.first().map_or(0, |axis| axis.differing.len())]);
        let (mut always, mut differing) = (vec![last.0], vec![last.1]);
        for axis in space.axes.iter().rev() {
            let (mut sure, mut unsure) = (axis.always.clone(), axis.differing.clone());
            restrict(&mut sure, always.last().map_or(&[], Vec::as_slice));
            unite(&mut unsure, differing.last().map_or(&[], Vec::as_slice));
            always.push(sure);
            differing.push(unsure);
        }
        always.reverse();
        differing.reverse();
        let mut walk = Self {
            space,
            question,
            nodes: vec![Node::Answer(0)],
            numbers: HashMap::default(),
            known: HashMap::default(),
            always,
            differing,
            steps_left: most,
        };
        walk.numbers.insert(Node::Answer(0), NOTHING);
        let included = vec![0; start.len()];
        let root = walk.visit(0, State { alive: start.to_vec(), included });
        steps.0 -= most - walk.steps_left;
        let root = root?;
        let mut paths = Vec::new();
        let mut groups = vec![None; space.axes.len()];
        let is_all = walk.collect(root, &mut groups, &mut paths);
        Ok((paths, !is_all, walk.question))
    }

    fn visit(&mut self, depth: usize, mut state: State) -> Result<usize, TooMany> {
        if depth == self.space.sides && depth > 0 {
            restrict(&mut state.alive, &state.included);
        }
        if depth >= self.space.sides {
            state.included.clear();
        } else {
            restrict(&mut state.included, &state.alive);
        }
        let Some(axis) = self.space.axes.get(depth) else {
            let answer = self.question.answer(&state);
            return Ok(self.number(Node::Answer(answer)));
        };
        if self.is_settled(depth, depth, &state, &[]) {
            return Ok(NOTHING);
        }
        let key = (depth, state);
        if let Some(node) = self.known.get(&key) {
            return Ok(*node);
        }
        let mut children: Vec<(Bits, usize)> = Vec::new();
        for (groups, state) in self.split(depth, axis, &key.1)? {
            let child = self.visit(depth + 1, state)?;
            match children.iter_mut().find(|(_, known)| *known == child) {
                Some((known, _)) => known.unite(&groups),
                None if child == NOTHING => {}
                None => children.push((groups, child)),
            }
        }
        let node = match children.as_slice() {
            [] => NOTHING,
            [(groups, child)] if groups.count() == axis.groups.len() => *child,
            _ => {
                children.sort_by(|one, other| one.0.0.cmp(&other.0.0));
                self.number(Node::Branch(depth, children))
            }
        };
        self.known.insert(key, node);
        Ok(node)
    }

    /// The groups of `axis`, told apart as far as the policies that are left do; those in which the question is
    /// settled are left out.
    fn split(&mut self, depth: usize, axis: &Axis, state: &State) -> Result<Vec<(Bits, State)>, TooMany> {
        let fresh = |column: &&super::axis::Column| {
            meet(&column.drop, &state.alive)
                || column
                    .raise
                    .iter()
                    .zip(&state.alive)
                    .zip(&state.included)
                    .any(|((raise, alive), in_)| raise & alive & !in_ != 0)
        };
        let mut columns: Vec<_> = axis.columns.iter().filter(fresh).collect();
        let unsure = self.undecided(depth, state);
        columns.sort_by_key(|column| !meet(&column.drop, &unsure));
        // By place in the order: what the columns from there on may still drop.
        let mut pending = vec![vec![0; state.alive.len()]];
        for column in columns.iter().rev() {
            let mut rest = pending.last().cloned().unwrap_or_default();
            unite(&mut rest, &column.drop);
            pending.push(rest);
        }
        pending.reverse();
        let mut blocks = vec![(Bits::all(axis.groups.len()), state.clone())];
        for (column, pending) in columns.iter().zip(pending.iter().skip(1)) {
            let mut next = Vec::with_capacity(blocks.len());
            for (groups, state) in blocks {
                self.steps_left = self.steps_left.checked_sub(1).ok_or(TooMany)?;
                let (inside, outside) = (groups.and(&column.row), groups.minus(&column.row));
                let (mut of_inside, mut of_outside) = (state.clone(), state);
                unite(&mut of_inside.included, &column.raise);
                subtract(&mut of_outside.alive, &column.drop);
                for (groups, state) in [(inside, of_inside), (outside, of_outside)] {
                    if !groups.is_empty() && !self.is_settled(depth, depth + 1, &state, pending) {
                        next.push((groups, state));
                    }
                }
            }
            blocks = next;
        }
        Ok(blocks)
    }

    /// The positions of policies that only one side has, or that the sides may make something different of.
    fn undecided(&self, depth: usize, state: &State) -> Vec<u64> {
        let words = self.differing.first().map_or(1, Vec::len).max(1);
        let differing = self.differing.get(depth).map_or(&[][..], Vec::as_slice);
        let mut result = Vec::with_capacity(state.alive.len());
        for views in state.alive.chunks(2 * words) {
            let (before, after) = views.split_at(words.min(views.len()));
            let of_both = before.iter().zip(after).zip(differing).map(|((before, after), rest)| {
                let odd = (before ^ after) | ((before | after) & rest);
                (before & odd, after & odd)
            });
            let (before, after): (Vec<_>, Vec<_>) = of_both.unzip();
            result.extend(before);
            result.extend(after);
        }
        result
    }

    /// Whether the question is settled at the axis `depth`, from which on the policies that `pending` leaves are sure
    /// where every axis from `rest` on makes no difference to them.
    fn is_settled(&self, depth: usize, rest: usize, state: &State, pending: &[u64]) -> bool {
        let mut sure = state.alive.clone();
        restrict(&mut sure, self.always.get(rest).map_or(&[], Vec::as_slice));
        subtract(&mut sure, pending);
        if depth < self.space.sides {
            restrict(&mut sure, &state.included);
        }
        self.question.is_settled(state, &sure, self.differing.get(depth).map_or(&[], Vec::as_slice))
    }

    fn number(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        let number = *self.numbers.entry(node.clone()).or_insert(next);
        if number == next {
            self.nodes.push(node);
        }
        number
    }

    /// Collects the regions below `node`; false when there are too many to keep.
    fn collect(&self, node: usize, groups: &mut Vec<Option<Bits>>, paths: &mut Vec<Path>) -> bool {
        match self.nodes.get(node) {
            None | Some(Node::Answer(0)) => true,
            Some(Node::Answer(answer)) => {
                if paths.len() >= limits::ANALYSIS_REGIONS_MAX {
                    return false;
                }
                paths.push(Path { groups: groups.clone(), answer: *answer });
                true
            }
            Some(Node::Branch(depth, children)) => children.iter().all(|(set, child)| {
                if let Some(place) = groups.get_mut(*depth) {
                    *place = Some(set.clone());
                }
                let is_all = self.collect(*child, groups, paths);
                if let Some(place) = groups.get_mut(*depth) {
                    *place = None;
                }
                is_all
            }),
        }
    }
}
