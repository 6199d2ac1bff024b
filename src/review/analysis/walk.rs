//! Goes through all combinations of groups without going through each.
//!
//! A walk decides axis by axis which policies are left, and looks at an axis only as far as the policies that are left
//! tell its groups apart. It stops where the question is settled, and does not go twice where the same policies are
//! left. What it finds is a decision diagram, in which equal branches are one; a path through it is a region, with a
//! set of groups for every axis. A walk that has taken its steps tells what it found until then, and that it is not all:
//! each region is a true one all the same. Start with [`Walk::run`]; [`Walk::first`] only asks whether there is any.

use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::axis::{Axis, Column};
use super::bits::{Bits, meet, restrict, subtract, unite};
use super::note::Note;
use super::reach::{Leg, Reach};
use crate::limits;

/// A kind of request: its dimensions, all independent of each other.
#[derive(Debug)]
pub struct Space {
    /// Whom it is about, in the plural.
    pub name: &'static str,
    /// The dimensions.
    pub axes: Vec<Rc<Axis>>,
    /// The policies that target these identities, in all views.
    pub policies: Vec<u64>,
    /// How many of the first axes are about identity as an include and an exclude side: of policies only those that one
    /// of them includes are left. 0: identity is a condition like others.
    pub sides: usize,
}

/// The policies that are left, in all views.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Those that may still apply.
    pub alive: Vec<u64>,
    /// Those whose identity condition is fulfilled, where that has sides.
    pub included: Vec<u64>,
}

/// What a walk is for. 0 is the answer of no interest.
pub trait Question {
    /// Words of one view of a set of policies.
    fn words(&self) -> usize;

    /// Policies, by number, of which one must be left with which the sides deal differently, for an answer that is not 0;
    /// `None` if there is no such condition. `differing` is as in [`Self::is_settled`].
    fn odd(&self, start: &[u64], differing: &[u64]) -> Option<Bits>;

    /// Policies, by number, that can make a difference to whether any answer is not 0, of those that `odd` are among;
    /// the others make a difference to which answer at most. `None` for all.
    fn relevant(&self, odd: &Bits) -> Option<Bits>;

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

impl Path {
    /// One group for each axis of `space`, if possible one of which a request can be made.
    pub fn cell(&self, space: &Space) -> Vec<usize> {
        let of_axis = |(axis, groups): (&Rc<Axis>, &Option<Bits>)| {
            let all = || (0..axis.groups.len()).filter(|group| groups.as_ref().is_none_or(|own| own.contains(*group)));
            let is_known = |group: &usize| axis.groups.get(*group).is_some_and(|group| group.witness.is_some());
            all().find(is_known).or_else(|| all().next()).unwrap_or(0)
        };
        space.axes.iter().zip(&self.groups).map(of_axis).collect()
    }
}

/// Words of a set of groups that are split in one step.
const WORDS_A_STEP: usize = 64;

/// The policies by which `question` can be answered at all.
fn odd<Q: Question>(space: &Space, question: &Q, start: &[u64]) -> Option<Bits> {
    let mut differing = vec![0; question.words()];
    space.axes.iter().for_each(|axis| unite(&mut differing, &axis.differing));
    question.odd(start, &differing)
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

    /// A part of them, taken off: enough to tell most of what there is, and the rest is left for the next walks.
    pub const fn part(&mut self) -> Self {
        let part = self.0 / 8;
        self.0 -= part;
        Self(part)
    }

    /// Puts back what is left of a part.
    pub const fn put_back(&mut self, part: Self) {
        self.0 += part.0;
    }
}

/// What a walk found.
#[derive(Debug)]
pub struct Found<Q> {
    /// Disjoint regions, at most `limits::ANALYSIS_REGIONS_MAX`.
    pub paths: Vec<Path>,
    /// Whether that is all.
    pub left: Left,
    /// What was asked.
    pub question: Q,
}

impl<Q> Found<Q> {
    /// Whether the answer is 0 everywhere, and that is certain.
    pub fn is_nothing(&self) -> bool {
        self.paths.is_empty() && self.left == Left::Nothing
    }
}

/// What a walk has left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: what is told is all that there is.
    Nothing,
    /// There are more regions than are told.
    Regions,
    /// There were too many combinations to look at each: there may be more regions than are told.
    Ways,
}

impl Left {
    /// What to tell of it, when `count` regions of `space` are told.
    pub fn note(self, space: &str, count: usize) -> Option<Note> {
        match self {
            Self::Nothing => None,
            Self::Regions => Some(Note::more_regions(space, count)),
            Self::Ways => Some(Note::too_many_ways(space)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Answer(u32),
    Branch(usize, Vec<(Bits, usize)>),
}

/// A walk through a space.
#[derive(Debug)]
pub struct Walk<'s, Q> {
    space: &'s Space,
    legs: Vec<Leg<'s>>,
    question: Q,
    nodes: Vec<Node>,
    /// By node, how many regions there are below it.
    regions: Vec<usize>,
    numbers: HashMap<Node, usize, RandomState>,
    known: HashMap<(usize, State), usize, RandomState>,
    /// By leg, what no leg from there on makes a difference to.
    always: Vec<Vec<u64>>,
    /// By leg, what some leg from there on makes a difference of between the sides.
    differing: Vec<Vec<u64>>,
    /// By leg, what legs from there on include whoever asks.
    raised: Vec<Vec<u64>>,
    /// By leg, what legs from there on may include.
    raisable: Vec<Vec<u64>>,
    steps_left: usize,
    /// How many regions are looked for.
    wanted: usize,
    /// Why nothing more is looked at.
    cut: Option<Left>,
}

const NOTHING: usize = 0;

impl<'s, Q: Question> Walk<'s, Q> {
    /// Asks `question` of everything in `space`, beginning with the policies of `start`. The steps that it takes, at most
    /// `limits::ANALYSIS_STEPS_MAX`, are taken off `steps`.
    pub fn run(space: &'s Space, question: Q, start: &[u64], steps: &mut Steps) -> Found<Q> {
        let reach = Reach::new(space, start, question.words(), odd(space, &question, start).as_ref());
        Self::along(space, question, reach, limits::ANALYSIS_REGIONS_MAX, steps)
    }

    /// As [`Self::run`], only as far as to know whether the answer is 0 everywhere: at most one region is found, and what
    /// it answers may lack policies that make no difference to that.
    pub fn first(space: &'s Space, question: Q, start: &[u64], steps: &mut Steps) -> Found<Q> {
        let odd = odd(space, &question, start);
        let mut start = start.to_vec();
        if let Some(relevant) = odd.as_ref().and_then(|odd| question.relevant(odd)) {
            start.chunks_mut(question.words()).for_each(|view| restrict(view, &relevant.0));
        }
        let reach = Reach::new(space, &start, question.words(), odd.as_ref());
        Self::along(space, question, reach, 0, steps)
    }

    /// As [`Self::run`], in a single cell of `path`, which [`Self::first`] found.
    pub fn within(space: &'s Space, question: Q, start: &[u64], path: &Path) -> Found<Q> {
        let reach = Reach::cell(space, start, &path.cell(space));
        Self::along(space, question, reach, limits::ANALYSIS_REGIONS_MAX, &mut Steps::each())
    }

    /// Looks until there are more regions than `wanted`.
    fn along(space: &'s Space, question: Q, reach: Reach<'s>, wanted: usize, steps: &mut Steps) -> Found<Q> {
        let Reach { start, legs } = reach;
        let most = limits::ANALYSIS_STEPS_MAX.min(steps.0);
        let none = || vec![0; start.len()];
        let (mut always, mut raised, mut raisable) = (vec![start.clone()], vec![none()], vec![none()]);
        let mut differing = vec![vec![0; question.words()]];
        for leg in legs.iter().rev() {
            let mut sure = always.last().cloned().unwrap_or_default();
            leg.columns.iter().for_each(|column| subtract(&mut sure, &column.drop));
            always.push(sure);
            let mut some = leg.raised.clone();
            leg.columns.iter().for_each(|column| unite(&mut some, &column.raise));
            for (rest, own) in [(&mut differing, &leg.differing), (&mut raised, &leg.raised), (&mut raisable, &some)] {
                let mut all = rest.last().cloned().unwrap_or_default();
                unite(&mut all, own);
                rest.push(all);
            }
        }
        [&mut always, &mut differing, &mut raised, &mut raisable].into_iter().for_each(|rest| rest.reverse());
        let mut walk = Self {
            space,
            legs,
            question,
            nodes: vec![Node::Answer(0)],
            regions: vec![0],
            numbers: HashMap::default(),
            known: HashMap::default(),
            always,
            differing,
            raised,
            raisable,
            steps_left: most,
            wanted,
            cut: None,
        };
        walk.numbers.insert(Node::Answer(0), NOTHING);
        let included = none();
        let root = walk.visit(0, State { alive: start, included });
        steps.0 -= most - walk.steps_left;
        let mut paths = Vec::new();
        walk.collect(root, &mut vec![None; space.axes.len()], &mut paths);
        Found { paths, left: walk.cut.unwrap_or(Left::Nothing), question: walk.question }
    }

    /// The node of what is left at `depth`. Behind a cut nothing more is looked at, so nodes lack what is there.
    fn visit(&mut self, depth: usize, mut state: State) -> usize {
        if self.cut.is_some() {
            return NOTHING;
        }
        // Whom no leg from here on includes it does not apply to.
        if self.space.sides > 0 {
            let mut left = self.raisable.get(depth).cloned().unwrap_or_default();
            unite(&mut left, &state.included);
            restrict(&mut state.alive, &left);
        }
        restrict(&mut state.included, &state.alive);
        if depth == self.legs.len() {
            let answer = self.question.answer(&state);
            return self.number(Node::Answer(answer));
        }
        if self.is_settled(depth, depth, &state, &[]) {
            return NOTHING;
        }
        let key = (depth, state);
        if let Some(node) = self.known.get(&key) {
            return *node;
        }
        let children = self.children(depth, &key.1);
        let axis = self.legs.get(depth).map_or(0, |leg| leg.axis);
        let count = self.space.axes.get(axis).map_or(0, |axis| axis.groups.len());
        let node = match children.as_slice() {
            [] => NOTHING,
            [(groups, child)] if groups.count() == count => *child,
            _ => self.number(Node::Branch(axis, children)),
        };
        self.known.insert(key, node);
        node
    }

    /// The groups of the leg at `depth`, told apart as far as the policies that are left do, and the node behind each;
    /// those in which the question is settled are left out.
    fn children(&mut self, depth: usize, state: &State) -> Vec<(Bits, usize)> {
        let mut children: Vec<(Bits, usize)> = Vec::new();
        let Some(leg) = self.legs.get(depth) else { return children };
        let cost = 1 + leg.domain.0.len() / WORDS_A_STEP;
        let (domain, mut state) = (leg.domain.clone(), state.clone());
        unite(&mut state.included, &leg.raised);
        let (columns, pending) = self.columns(depth, leg, &state);
        // WHY a stack: who looks for one region is done with the first that is found.
        let mut blocks = vec![(0, domain, state)];
        while let Some((place, groups, state)) = blocks.pop() {
            let Some(column) = columns.get(place) else {
                let child = self.visit(depth + 1, state);
                match children.iter_mut().find(|(_, known)| *known == child) {
                    Some((known, _)) => known.unite(&groups),
                    None if child == NOTHING => {}
                    None => children.push((groups, child)),
                }
                continue;
            };
            match self.steps_left.checked_sub(cost).filter(|_| self.cut.is_none()) {
                Some(left) => self.steps_left = left,
                None => {
                    self.cut.get_or_insert(Left::Ways);
                    break;
                }
            }
            let pending = pending.get(place + 1).map_or(&[][..], Vec::as_slice);
            let (inside, outside) = (groups.and(&column.row), groups.minus(&column.row));
            let (mut of_inside, mut of_outside) = (state.clone(), state);
            unite(&mut of_inside.included, &column.raise);
            subtract(&mut of_outside.alive, &column.drop);
            // Outside fewer policies apply, so it is looked at first: what is looked for is mostly there.
            for (groups, state) in [(inside, of_inside), (outside, of_outside)] {
                if !groups.is_empty() && !self.is_settled(depth, depth + 1, &state, pending) {
                    blocks.push((place + 1, groups, state));
                }
            }
        }
        children.sort_by(|one, other| one.0.0.cmp(&other.0.0));
        children
    }

    /// The columns of `leg` that tell anything apart, those of undecided policies first; and by place in that order what
    /// the columns from there on may still drop.
    fn columns(&self, depth: usize, leg: &Leg<'s>, state: &State) -> (Vec<&'s Column>, Vec<Vec<u64>>) {
        let fresh = |column: &&&Column| {
            meet(&column.drop, &state.alive)
                || column
                    .raise
                    .iter()
                    .zip(&state.alive)
                    .zip(&state.included)
                    .any(|((raise, alive), in_)| raise & alive & !in_ != 0)
        };
        let mut columns: Vec<&Column> = leg.columns.iter().filter(fresh).copied().collect();
        let unsure = self.undecided(depth, state);
        columns.sort_by_key(|column| !meet(&column.drop, &unsure));
        let mut pending = vec![vec![0; state.alive.len()]];
        for column in columns.iter().rev() {
            let mut rest = pending.last().cloned().unwrap_or_default();
            unite(&mut rest, &column.drop);
            pending.push(rest);
        }
        pending.reverse();
        (columns, pending)
    }

    /// The positions of policies that only one side has, or that the sides may make something different of.
    fn undecided(&self, depth: usize, state: &State) -> Vec<u64> {
        let words = self.question.words();
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

    /// Whether the question is settled at the leg `depth`, from which on the policies that `pending` leaves are sure
    /// where every leg from `rest` on makes no difference to them.
    fn is_settled<'w>(&'w self, depth: usize, rest: usize, state: &State, pending: &[u64]) -> bool {
        let of_rest = |rows: &'w [Vec<u64>]| rows.get(rest).map_or(&[][..], Vec::as_slice);
        let always = of_rest(&self.always).iter().zip(&state.alive).map(|(always, alive)| always & alive);
        let mut sure: Vec<u64> = match self.space.sides {
            0 => always.collect(),
            _ => {
                let included = of_rest(&self.raised).iter().zip(&state.included);
                always.zip(included).map(|(sure, (raised, included))| sure & (raised | included)).collect()
            }
        };
        subtract(&mut sure, pending);
        self.question.is_settled(state, &sure, self.differing.get(depth).map_or(&[], Vec::as_slice))
    }

    fn number(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        let number = *self.numbers.entry(node.clone()).or_insert(next);
        if number == next {
            let count = match &node {
                Node::Answer(answer) => usize::from(*answer != 0),
                Node::Branch(_, children) => {
                    let below = children.iter().filter_map(|(_, child)| self.regions.get(*child));
                    below.fold(0, |sum: usize, count| sum.saturating_add(*count))
                }
            };
            // Whatever leads here, this many regions there are.
            if count > self.wanted {
                self.cut = Some(Left::Regions);
            }
            self.regions.push(count);
            self.nodes.push(node);
        }
        number
    }

    /// Collects the regions below `node`, as many as are wanted and at least one.
    fn collect(&self, node: usize, groups: &mut Vec<Option<Bits>>, paths: &mut Vec<Path>) {
        match self.nodes.get(node) {
            _ if paths.len() >= self.wanted.max(1) => {}
            None | Some(Node::Answer(0)) => {}
            Some(Node::Answer(answer)) => paths.push(Path { groups: groups.clone(), answer: *answer }),
            Some(Node::Branch(axis, children)) => {
                for (set, child) in children {
                    if let Some(place) = groups.get_mut(*axis) {
                        *place = Some(set.clone());
                    }
                    self.collect(*child, groups, paths);
                    if let Some(place) = groups.get_mut(*axis) {
                        *place = None;
                    }
                }
            }
        }
    }
}
