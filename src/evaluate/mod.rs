//! One request against one compiled bundle.
//!
//! Sees a compiled bundle and values, never files or wire formats. Deciding allocates nothing (after the first use of
//! an [`Evaluation`]), takes no lock, and reads no clock.
//!
//! The walk: [`facts`] settles what is known of the request; [`condition`] says of each condition whether it holds,
//! three-valued; a policy applies when every condition may hold, so that missing evidence never widens access;
//! [`combine`] alone orders outcomes. [`trace`] runs the same conditions for people.

mod combine;
mod condition;
mod facts;
mod trace;

pub use combine::Evaluation;
pub use trace::{ConditionTrace, Outcome, PolicyTrace, trace};

use facts::Facts;

use crate::compile::{Candidate, CompiledBundle, Slot};
use crate::model::decision::InputError;
use crate::model::{IdentityKind, TokenRequest};

/// Decides `request`; the result is in `evaluation`, whatever it held before.
///
/// Errors: two sources of one fact disagree; `evaluation` then holds nothing of use.
/// Cost: one hash look-up, one address look-up, a word of mask for each 64 tenant-wide policies, a few comparisons for
/// each policy that names the caller; users and agent identities cost a look at each policy that targets any of them.
pub fn evaluate(
    bundle: &CompiledBundle,
    request: &TokenRequest<'_>,
    evaluation: &mut Evaluation,
) -> Result<(), InputError> {
    evaluation.begin(bundle);
    let facts = Facts::settle(bundle, request, evaluation.take_memberships())?;
    each_applying(bundle, &facts, |slot| evaluation.apply(bundle, slot));
    let is_certain = |slot| condition::certainly_applies(bundle.slot(slot), &facts);
    evaluation.conclude(bundle, &request.satisfied, is_certain);
    evaluation.return_memberships(facts.into_memberships());
    Ok(())
}

/// Calls `found` with every policy that takes part and may apply, in no order, none twice.
fn each_applying(bundle: &CompiledBundle, facts: &Facts<'_, '_>, mut found: impl FnMut(Slot)) {
    match facts.request.identity.kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
            if facts.eligible.is_possible() {
                let (_, class) = bundle.workloads().class(facts.request.identity.id);
                each_wide(bundle, facts, class.wide, &mut found);
                each_candidate(bundle, facts, class.candidates.iter().copied(), found);
            }
        }
        IdentityKind::User | IdentityKind::AgentUser => {
            let slots = bundle.user_policies().iter().map(|slot| Candidate::new(*slot, false));
            each_candidate(bundle, facts, slots, found);
        }
        IdentityKind::AgentIdentity => {
            let slots = bundle.agent_policies().iter().map(|slot| Candidate::new(*slot, false));
            each_candidate(bundle, facts, slots, found);
        }
    }
}

fn each_wide(bundle: &CompiledBundle, facts: &Facts<'_, '_>, class: &[u64], found: &mut impl FnMut(Slot)) {
    let masks = bundle.wide();
    for (word, covering) in class.iter().enumerate().take(masks.words) {
        let holding = masks.word(word, facts.request.risk.service_principal, facts.locations.iter());
        let mut applying = covering & holding;
        while applying != 0 {
            let bit = applying.trailing_zeros();
            found(u32::try_from(word * 64).unwrap_or(u32::MAX) + bit);
            applying &= applying - 1;
        }
    }
}

fn each_candidate(
    bundle: &CompiledBundle,
    facts: &Facts<'_, '_>,
    candidates: impl Iterator<Item = Candidate>,
    mut found: impl FnMut(Slot),
) {
    let (gates, locations) = (bundle.gates(), &facts.locations);
    for candidate in candidates {
        let slot = candidate.slot();
        let gate = gates.gate(slot);
        let applies = gate.risk & facts.risk_bit != 0
            && gates.location_may_hold(gate, &locations.inside, &locations.possible)
            && (candidate.is_certain() || condition::identity(bundle.slot(slot), facts).holds.is_possible())
            && (gate.is_plain() || condition::others_may_hold(bundle.slot(slot), facts));
        if applies {
            found(slot);
        }
    }
}
