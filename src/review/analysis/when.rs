//! Conditions in Cedar: each may hold or not, and of which requests is not enumerated.
//!
//! One text is one condition for both bundles, unless it reads what the bundles know differently: where locations lie,
//! what a catalogue says. Then it may hold in one and not in the other. Start with [`axes`].

use std::collections::BTreeMap;

use super::axis::{Axis, AxisBuilder, Meaning};
use super::fact::Fact;
use super::maker::Maker;
use super::network::has_one_map;
use super::note::Note;
use crate::model::Condition;

/// Which sides a condition is about: both, or one.
const BOTH: &[usize] = &[0, 1];
const EACH: [&[usize]; 2] = [&[0], &[1]];

/// An axis for each condition of the policies that are considered.
pub fn axes(maker: &mut Maker<'_, '_>, policies: &[u64]) -> Vec<Axis> {
    let conditions: BTreeMap<_, _> =
        maker.policies().filter_map(|policy| policy.when.as_deref()).map(|when| (when.text(), when.reads())).collect();
    if conditions.is_empty() {
        return Vec::new();
    }
    // Every combination is looked at, also those that no request has.
    maker
        .notes
        .insert(Note::added("which requests fulfil a condition in Cedar: it may hold for any and may fail for any"));
    let has_one_map = has_one_map(maker.universe.sides);
    let has_one_catalogue = maker.has_one_catalogue();
    let has_same_entities = maker.has_same_entities();
    let mut axes = Vec::new();
    for (text, reads) in conditions {
        // WHY: a name too many only keeps a change from being ruled out.
        let is_one = (has_one_map || !reads.any_of(&["locations", "country"]))
            && (has_one_catalogue || !reads.any_of(&["principal", "resource"]))
            && (has_same_entities || !reads.any_of(&["attributes"]));
        let sides = if is_one { &[BOTH][..] } else { &EACH };
        axes.extend(sides.iter().map(|sides| axis(maker, policies, text, sides)));
    }
    axes
}

fn axis(maker: &Maker<'_, '_>, policies: &[u64], text: &str, sides: &[usize]) -> Axis {
    let universe = maker.universe;
    let mut builder = AxisBuilder::new(Condition::When);
    for (may_hold, is_certain) in [(true, false), (true, true), (false, false)] {
        if is_certain && !universe.has_certain {
            continue;
        }
        let mut keep = universe.none();
        for (side, bundle) in universe.sides.iter().enumerate() {
            for (slot, policy) in (0..).zip(bundle.compiled()) {
                let is_own = sides.contains(&side) && policy.when.as_ref().is_some_and(|when| when.text() == text);
                if !is_own || may_hold {
                    universe.add(&mut keep, side, slot, !is_own || is_certain);
                }
            }
        }
        let side = match sides {
            [0] => " before",
            [1] => " after",
            _ => "",
        };
        let fact = Fact::Condition { text: text.into(), may_hold, side };
        // WHY: whether a request fulfils it, only the request itself can show.
        builder.add(fact, !is_certain, Meaning { keep, raise: universe.none() });
    }
    builder.finish(policies, universe.words)
}
