//! One request against one compiled bundle.
//!
//! Sees a compiled bundle and values, never files or wire formats. Deciding allocates nothing (after the first use of
//! an [`Evaluation`], and unless a policy with a condition in Cedar still stands when all else has been asked), takes
//! no lock, and reads no clock.
//!
//! The walk: [`facts`] settles what is known of the request; [`condition`] says of each condition whether it holds,
//! three-valued; a policy applies when every condition may hold, so that missing evidence never widens access;
//! [`combine`] alone orders outcomes. [`mod@trace`] runs the same conditions for people.

mod cedar;
mod combine;
mod condition;
mod facts;
mod trace;

pub use cedar::{CedarRequest, cedar_request};
pub use trace::{ConditionTrace, Outcome, PolicyTrace, trace};

use combine::Combination;
use facts::{FactScratch, Facts};

use crate::compile::{Candidate, CompiledBundle, PolicyIndex, Slot, WideScratch};
use crate::model::decision::{Control, Decision, InputError, Reason};
use crate::model::{IdentityKind, TokenRequest};

/// The result of one decision. Keep one for each thread and reuse it: after its first use, deciding never allocates.
#[derive(Debug, Default)]
pub struct Evaluation {
    outcome: Combination,
    /// Memory that one decision leaves to the next.
    facts: FactScratch,
    wide: WideScratch,
}

impl Evaluation {
    /// Allow or block.
    pub fn decision(&self) -> Decision {
        self.reason().decision()
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.outcome.reason()
    }

    /// The policies that decided, in bundle order: those that block, those with unmet controls, or those whose
    /// controls are met, by the reason.
    pub fn policies(&self) -> &[PolicyIndex] {
        self.outcome.policies()
    }

    /// Report-only policies that would have blocked or asked for more, in bundle order.
    pub fn report_only(&self) -> &[PolicyIndex] {
        self.outcome.report_only()
    }

    /// The unmet controls of the deciding policies in the order of Entra's prompts, none twice. `bundle` is the one
    /// that decided.
    pub fn unmet<'b>(&'b self, bundle: &'b CompiledBundle) -> impl Iterator<Item = Control<'b>> {
        self.outcome.unmet(bundle)
    }
}

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
    let Evaluation { outcome, facts, wide } = evaluation;
    outcome.begin(bundle);
    let facts = Facts::settle(bundle, request, facts)?;
    each_applying(bundle, &facts, wide, |slot| outcome.apply(bundle, slot));
    let is_certain = |slot| condition::certainly_applies(bundle.slot(slot), &facts);
    outcome.conclude(bundle, &request.satisfied, is_certain);
    Ok(())
}

/// Calls `found` with every policy that takes part and may apply, in no order, none twice.
fn each_applying(bundle: &CompiledBundle, facts: &Facts<'_>, scratch: &mut WideScratch, mut found: impl FnMut(Slot)) {
    match facts.request.identity.kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
            let workload = &facts.workload;
            if workload.eligible.is_possible() {
                each_wide(bundle, facts, workload.class.wide, scratch, &mut found);
                each_candidate(bundle, facts, workload.class.candidates.iter().copied(), found);
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

fn each_wide(
    bundle: &CompiledBundle,
    facts: &Facts<'_>,
    covering: &[u64],
    scratch: &mut WideScratch,
    found: &mut impl FnMut(Slot),
) {
    if covering.is_empty() {
        return;
    }
    let wide = bundle.wide();
    let locations = facts.locations.among(&wide.locations);
    wide.applying(covering, facts.request.risk.service_principal, locations, scratch);
    for (word, applying) in (0u32..).zip(&scratch.applying) {
        let mut rest = *applying;
        while rest != 0 {
            found(word * 64 + rest.trailing_zeros());
            rest &= rest - 1;
        }
    }
}

fn each_candidate(
    bundle: &CompiledBundle,
    facts: &Facts<'_>,
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
