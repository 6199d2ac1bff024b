//! Claims about all requests although some were left out: by policies alone that can be enumerated.
//!
//! Policies only hold back. So what some of them come to with and without another policy, which is the same for every
//! request, stays the same when the rest come on top. A bundle that blocks by default is no such thing: there a policy
//! that applies opens, and whoever asks must say what that means.

use super::change::Change;
use super::space::Spaces;
use super::universe::Universe;
use super::walk::{Steps, Walk};
use super::{Pass, start};
use crate::compile::{CompiledFilter, CompiledPolicy};

/// Whether some request is decided differently, as far as `pass` wants to know; `None` when that is not known, because
/// requests were left out of `cut` or the steps do not suffice.
pub fn changes(universe: &Universe<'_>, cut: &Spaces, pass: &Pass<'_>, steps: &mut Steps) -> Option<bool> {
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
