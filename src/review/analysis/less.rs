//! Claims about all requests although some were left out: by policies alone that can be enumerated.
//!
//! Policies only hold back. So what some of them come to with and without another policy, which is the same for every
//! request, stays the same when the rest come on top. A bundle that blocks by default is no such thing: there a policy
//! that applies opens, and whoever asks must say what that means.

use super::change::Change;
use super::outcome::Clause;
use super::space::{Spaces, policy_of};
use super::universe::Universe;
use super::walk::{Steps, Walk};
use super::{Pass, start};
use crate::compile::{CompiledFilter, CompiledPolicy};
use crate::evaluate::probe::LEADING;
use crate::model::UserAction;

/// Whether some request is decided differently, as far as `pass` wants to know; `None` when that is not known, because
/// requests were left out of `cut` or the steps do not suffice.
pub fn changes(universe: &Universe<'_>, cut: &Spaces, pass: &Pass<'_>, steps: &mut Steps) -> Option<bool> {
    let found = enumerated(universe, cut, pass, steps);
    found.filter(|changes| *changes || !hides_the_way(universe, cut, pass, steps))
}

fn enumerated(universe: &Universe<'_>, cut: &Spaces, pass: &Pass<'_>, steps: &mut Steps) -> Option<bool> {
    let mut is_known = !cut.notes.iter().any(|note| note.leaves_out);
    for space in &cut.spaces {
        let start = start(universe, space, pass.is_report_only, pass.is_in);
        let question = Change::new(universe, pass.is_report_only, pass.is_wanted);
        let found = Walk::first(space, question, &start, steps);
        if !found.paths.is_empty() {
            return Some(true);
        }
        is_known &= found.is_nothing();
    }
    is_known.then_some(false)
}

/// Whether what leads to a compliant device may be decided differently although nothing else is; false only if not.
///
/// It comes to what others come to who have such a device, but for policies that would do with something else as well:
/// those ask for that, even where another policy, which is spared, makes them add nothing for everybody else. So what
/// follows without the policies that are spared holds for all.
pub fn hides_the_way(universe: &Universe<'_>, cut: &Spaces, pass: &Pass<'_>, steps: &mut Steps) -> bool {
    let has = |side: usize, bit: usize| {
        universe.bits.get(side).is_some_and(|bits| bits.contains(&bit)) && (pass.is_in)(side, bit)
    };
    let asks = |bit: usize, is_it: &dyn Fn(&Clause) -> bool| {
        let ask = universe.asks.get(bit).filter(|ask| ask.is_report_only == pass.is_report_only);
        ask.is_some_and(|ask| ask.clauses.iter().any(is_it))
    };
    let spares = |clause: &Clause| universe.controls.spares(clause);
    let keeps = |clause: &Clause| universe.controls.asks_for_compliance(clause) && !spares(clause);
    let leads = |bit: usize| [0, 1].into_iter().any(|side| policy_of(universe, side, bit).is_some_and(may_lead));
    let mut all = 0..universe.asks.len();
    let differs = all.any(|bit| has(0, bit) != has(1, bit) && asks(bit, &keeps) && leads(bit));
    let is_spared = |bit: usize| asks(bit, &spares);
    if !differs || !(0..universe.asks.len()).any(|bit| (has(0, bit) || has(1, bit)) && is_spared(bit)) {
        return false;
    }
    let is_in = |side, bit| (pass.is_in)(side, bit) && !is_spared(bit);
    universe.has_certain || enumerated(universe, cut, &Pass { is_in: &is_in, ..*pass }, steps) != Some(false)
}

/// Whether `policy` may be about what leads to a compliant device.
fn may_lead(policy: &CompiledPolicy) -> bool {
    LEADING.iter().any(|id| policy.resources.covers(Some(*id), None, None).holds.is_possible())
        || policy.resources.user_actions.contains(UserAction::RegisterOrJoinDevices)
}

/// Whether `policy` is about objects of which only examples can be made.
pub fn has_filter(policy: &CompiledPolicy) -> bool {
    all(policy).into_iter().any(|filter| filter.is_some())
}

/// Whether a filter of `policy` compares parts of texts, so that examples never are all objects.
pub fn compares_parts(policy: &CompiledPolicy) -> bool {
    all(policy).into_iter().flatten().any(|filter| filter.rule.cuts().iter().any(|cut| !cut.is_whole))
}

/// The filters of `policy`, as they are written.
pub fn filters(policy: &CompiledPolicy) -> Vec<Option<String>> {
    all(policy).map(|filter| filter.map(|filter| format!("{:?} {}", filter.mode, filter.rule))).to_vec()
}

fn all(policy: &CompiledPolicy) -> [Option<&CompiledFilter>; 4] {
    [
        policy.device_filter.as_deref(),
        policy.workloads.filter.as_deref(),
        policy.agents.filter.as_deref(),
        policy.resources.filter.as_deref(),
    ]
}
