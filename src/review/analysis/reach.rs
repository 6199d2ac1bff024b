//! What of a space a walk has to look at, and in which order.
//!
//! A question is about few policies: those that the two sides have differently. Where none of them can apply nothing can
//! change, so of each axis only the groups are left in which one of them may ([`Reach::new`]). In what is left many other
//! policies never apply, or always do, before a single step is taken.
//!
//! Who asks comes first, for most policies are about few. Memberships come last, those of one policy next to each other:
//! what is behind a policy's own groups is then settled, so that a walk grows with the groups and not with their
//! combinations. Knows nothing of outcomes.

use super::axis::{Axis, Column};
use super::bits::{Bits, each, has, meet, restrict, subtract, unite};
use super::universe::View;
use super::walk::Space;

/// One axis, as far as it matters.
#[derive(Debug)]
pub struct Leg<'s> {
    /// The number of the axis.
    pub axis: usize,
    /// The groups that matter.
    pub domain: Bits,
    /// The columns that tell groups of the domain apart.
    pub columns: Vec<&'s Column>,
    /// Policies whose identity condition every group of the domain fulfils.
    pub raised: Vec<u64>,
    /// Policies of which the two sides make something different, by number.
    pub differing: Vec<u64>,
    /// Whether it is about identity as an include and an exclude side.
    pub is_side: bool,
}

/// The axes to walk along.
#[derive(Debug)]
pub struct Reach<'s> {
    /// The policies to begin with, in all views.
    pub start: Vec<u64>,
    /// In walking order; those that make no difference are left out.
    pub legs: Vec<Leg<'s>>,
}

impl<'s> Reach<'s> {
    /// What of `space` matters to a walk that begins with `start`, a view of which has `words` words. Of `odd`, by
    /// number, one must be left with which the sides deal differently; `None` if there is no such condition.
    pub fn new(space: &'s Space, start: &[u64], words: usize, odd: Option<&Bits>) -> Self {
        let Some(odd) = odd else {
            return Self::within(space, start, vec![None; space.axes.len()], |axis| axis.differing.clone());
        };
        let mut domain: Vec<Option<Bits>> = space.axes.iter().map(|axis| Some(Bits::none(axis.groups.len()))).collect();
        let mut differing = vec![vec![0; words]; space.axes.len()];
        let mut is_any = false;
        for number in odd.iter() {
            let Some(own) = Own::of(space, start, words, number) else { continue };
            is_any = true;
            for ((place, allowed), differing) in domain.iter_mut().zip(own.allowed).zip(&mut differing) {
                match (place.as_mut(), allowed.groups) {
                    (Some(place), Some(allowed)) => place.unite(&allowed),
                    _ => *place = None,
                }
                if let Some(word) = differing.get_mut(number / 64).filter(|_| allowed.differs) {
                    *word |= 1 << (number % 64);
                }
            }
        }
        if !is_any {
            return Self { start: vec![0; start.len()], legs: Vec::new() };
        }
        let mut differing = differing.into_iter();
        Self::within(space, start, domain, |_| differing.next().unwrap_or_default())
    }

    /// One group of each axis and no more.
    pub fn cell(space: &'s Space, start: &[u64], cell: &[usize]) -> Self {
        let only = |(axis, group): (&std::rc::Rc<Axis>, &usize)| {
            let mut only = Bits::none(axis.groups.len());
            only.insert(*group);
            Some(only)
        };
        let domain = space.axes.iter().zip(cell).map(only).collect();
        Self::within(space, start, domain, |axis| axis.differing.clone())
    }

    /// What matters in `domain`: the groups of each axis, `None` for all.
    fn within(
        space: &'s Space,
        start: &[u64],
        domain: Vec<Option<Bits>>,
        mut differing: impl FnMut(&Axis) -> Vec<u64>,
    ) -> Self {
        let mut left = start.to_vec();
        let mut raisable = vec![0; start.len()];
        let mut legs = Vec::with_capacity(space.axes.len());
        for (number, (axis, domain)) in space.axes.iter().zip(domain).enumerate() {
            let is_side = number < space.sides;
            let is_whole = domain.is_none();
            let domain = domain.unwrap_or_else(|| Bits::all(axis.groups.len()));
            let mut raised = vec![0; start.len()];
            let mut columns = Vec::new();
            for column in axis.columns.iter().filter(|column| meet(&column.drop, start) || meet(&column.raise, start)) {
                let is_in = meet(&domain.0, &column.row.0);
                let is_out = !domain.is_within(&column.row);
                match (is_in, is_out) {
                    (true, true) => columns.push(column),
                    (false, _) => subtract(&mut left, &column.drop),
                    (true, false) => unite(&mut raised, &column.raise),
                }
                if is_in && is_side {
                    unite(&mut raisable, &column.raise);
                }
            }
            let differing = differing(axis);
            let leg = Leg { axis: number, domain, columns, raised, differing, is_side };
            legs.push((leg, is_whole));
        }
        if space.sides > 0 {
            restrict(&mut left, &raisable);
        }
        for (leg, _) in &mut legs {
            leg.columns.retain(|column| meet(&column.drop, &left) || meet(&column.raise, &left));
        }
        legs.retain(|(leg, is_whole)| !is_whole || !leg.columns.is_empty() || meet(&leg.raised, &left));
        let mut legs: Vec<_> = legs.into_iter().map(|(leg, _)| leg).collect();
        // The first policy that a leg is about.
        let of_policy = |leg: &Leg<'_>| {
            let firsts = leg.columns.iter().map(|column| {
                let about =
                    column.drop.iter().zip(&column.raise).zip(&left).map(|((drop, raise), left)| (drop | raise) & left);
                each(&about.collect::<Vec<_>>()).next().unwrap_or(usize::MAX)
            });
            firsts.min().unwrap_or(usize::MAX)
        };
        legs.sort_by_cached_key(|leg| match (leg.is_side, leg.axis) {
            (true, axis) if axis > 0 => (1, of_policy(leg), axis),
            (_, axis) => (0, axis, axis),
        });
        Self { start: left, legs }
    }
}

/// Where one odd policy may matter.
struct Own {
    allowed: Vec<Allowed>,
}

/// Of one axis.
#[derive(Clone, Default)]
struct Allowed {
    /// The groups; `None` for all.
    groups: Option<Bits>,
    /// Whether the sides differ in some of them.
    differs: bool,
}

impl Own {
    /// Where the policy of `number` may matter; `None` when nowhere.
    fn of(space: &Space, start: &[u64], words: usize, number: usize) -> Option<Self> {
        let position = |view: usize| View::offset(view, words) * 64 + number;
        let sides: Vec<_> = [0, 1].into_iter().filter(|side| has(start, position(View::possible(*side)))).collect();
        if sides.is_empty() {
            return None;
        }
        let is_both = sides.len() == 2;
        let (mut allowed, mut differing, mut raising) = (Vec::new(), Vec::new(), Vec::new());
        for (place, axis) in space.axes.iter().enumerate() {
            let keeps: Option<Vec<_>> =
                sides.iter().map(|side| dropping(axis, position(View::possible(*side)))).collect();
            let groups = keeps.map(|rows| united(axis, rows));
            let differs = if is_both { differences(axis, start.len() / words, &position) } else { None };
            allowed.push(Allowed { groups, differs: differs.is_some() });
            differing.extend(differs.map(|groups| (place, groups)));
            if place < space.sides {
                let raises = sides.iter().filter_map(|side| raising_of(axis, position(View::possible(*side))));
                let raises: Vec<_> = raises.collect();
                raising.extend((!raises.is_empty()).then(|| (place, united(axis, raises))));
            }
        }
        // The sides deal differently with it only where they differ, which is known if that is on one axis; and likewise
        // with who is included.
        for (rows, is_asked) in [(differing, is_both), (raising, space.sides > 0)] {
            match rows.as_slice() {
                _ if !is_asked => {}
                [] => return None,
                [(place, groups)] => {
                    let allowed = allowed.get_mut(*place)?;
                    allowed.groups =
                        Some(allowed.groups.as_ref().map_or_else(|| groups.clone(), |own| own.and(groups)));
                }
                _ => {}
            }
        }
        let is_nowhere = allowed.iter().any(|allowed| allowed.groups.as_ref().is_some_and(Bits::is_empty));
        (!is_nowhere).then_some(Self { allowed })
    }
}

/// The groups outside of which the policy at `position` does not apply; `None` if there are none.
fn dropping(axis: &Axis, position: usize) -> Option<&Bits> {
    axis.columns.iter().find(|column| has(&column.drop, position)).map(|column| &column.row)
}

/// The groups that fulfil the identity condition of the policy at `position`; `None` if none does.
fn raising_of(axis: &Axis, position: usize) -> Option<&Bits> {
    axis.columns.iter().find(|column| has(&column.raise, position)).map(|column| &column.row)
}

fn united(axis: &Axis, rows: Vec<&Bits>) -> Bits {
    let mut all = Bits::none(axis.groups.len());
    rows.into_iter().for_each(|row| all.unite(row));
    all
}

/// The groups of which the sides make something different for one policy; `None` if there are none.
fn differences(axis: &Axis, views: usize, position: &impl Fn(usize) -> usize) -> Option<Bits> {
    let mut found = Bits::none(axis.groups.len());
    for view in (0..views).step_by(2) {
        let [before, after] = [view, view + 1].map(position);
        let keeps = [before, after].map(|position| dropping(axis, position));
        let raises = [before, after].map(|position| raising_of(axis, position));
        for (pair, absent) in [(keeps, Bits::all as fn(usize) -> Bits), (raises, Bits::none)] {
            let [Some(one), Some(other)] = pair else {
                if let Some(row) = pair.into_iter().flatten().next() {
                    let absent = absent(axis.groups.len());
                    found.unite(&row.minus(&absent));
                    found.unite(&absent.minus(row));
                }
                continue;
            };
            found.unite(&one.minus(other));
            found.unite(&other.minus(one));
        }
    }
    (!found.is_empty()).then_some(found)
}
