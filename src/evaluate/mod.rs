//! One request against one compiled bundle.
//!
//! Sees a compiled bundle and values, never files or wire formats. Deciding allocates nothing (after the first use of
//! an [`Evaluation`], and unless a policy with a condition in Cedar still stands when all else has been asked), takes
//! no lock, and reads no clock.
//!
//! The walk: [`facts`] settles what is known of the request; [`condition`] says of each condition whether it holds,
//! three-valued; a policy applies when every condition may hold, so that missing evidence never widens access;
//! [`combine`] alone orders outcomes. [`mod@trace`] runs the same conditions for people, [`mod@what_if`] as
//! Entra's What If does.

mod audience;
mod cedar;
mod combine;
mod condition;
mod control;
mod facts;
mod membership;
pub(crate) mod probe;
mod session;
mod subject;
mod trace;
mod what_if;
mod whereabouts;
mod words;

pub use audience::is_open_id;
pub use cedar::{CedarRequest, cedar_request};
pub use session::{MergedSession, MergedToken};
pub use trace::{ConditionTrace, Outcome, PolicyTrace, Side, trace, trace_one};
pub use what_if::{AnalysisReason, WhatIf, what_if};
pub use whereabouts::locations;

use std::cell::LazyCell;

use combine::{Blocking, Combination};
use facts::{FactScratch, Facts, LocationFacts, Workload};
use subject::SubjectScratch;

use crate::compile::{Class, CompiledBundle, PolicyIndex, WideMask, WideMasks, WideScratch, guest, risk_bit};
use crate::model::decision::{Control, Decision, InputError, Reason};
use crate::model::shaping::Obligation;
use crate::model::{IdentityKind, RiskLevel, TokenRequest};

/// The result of one decision. Keep one for each thread and reuse it: after its first use for a bundle and a kind of
/// identity, deciding never allocates.
#[derive(Debug, Default)]
pub struct Evaluation {
    outcome: Combination,
    /// Memory that one decision leaves to the next.
    facts: FactScratch,
    wide: WideScratch,
    subject: SubjectScratch,
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

    /// The session controls that an allowed token comes with: those of every enforced policy that applies, merged.
    /// `None` when there are none. `bundle` is the one that decided.
    pub fn session<'b>(&self, bundle: &'b CompiledBundle) -> Option<MergedSession<'b>> {
        self.outcome.session(bundle)
    }

    /// The shortest time between sign-ins that any policy of an allowed token names, hours: what merging into
    /// [`Self::session`] may leave out. `bundle` is the one that decided.
    pub fn sign_in_hours(&self, bundle: &CompiledBundle) -> Option<u64> {
        self.outcome.sign_in_hours(bundle)
    }

    /// What callers owe for the decision, by id, none twice: what the policies that decided oblige them to, which for an
    /// allow are all enforced ones that apply. `bundle` is the one that decided. Cost: none when no policy of the bundle
    /// obliges anybody to anything.
    pub fn obligations<'b>(&self, bundle: &'b CompiledBundle) -> Vec<&'b Obligation> {
        self.outcome.obligations(bundle)
    }

    /// What to tell the person who asked, in a sentence, when there is something to do about a block.
    pub fn message(&self) -> Option<&'static str> {
        self.outcome.message()
    }
}

/// Decides `request`; the result is in `evaluation`, whatever it held before.
///
/// Errors: two sources of one fact disagree; `evaluation` then holds nothing of use.
/// Cost: one hash look-up, one address look-up, a word of mask for each 64 tenant-wide policies, a few comparisons for
/// each policy that names the caller. Of users and agent identities: one hash look-up for each group and role, and for
/// each 64 policies that cover everybody, or that name the caller, some words of masks.
pub fn evaluate(
    bundle: &CompiledBundle,
    request: &TokenRequest<'_>,
    evaluation: &mut Evaluation,
) -> Result<(), InputError> {
    let Evaluation { outcome, facts: scratch, wide, subject } = evaluation;
    outcome.begin(bundle);
    let workload = Workload::of(bundle, &request.identity);
    let eligible = scratch.settle(bundle, request, workload)?;
    match request.identity.kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
            // WHY: most decisions about workloads never look at all facts, and to gather them is a part of their cost.
            let facts = LazyCell::new(|| Facts::of(bundle, request, scratch, workload, eligible));
            if eligible.is_possible() {
                let network = scratch.locations();
                each_wide(bundle, request, network, workload.class.wide, wide, outcome);
                outcome.begin_second_run();
                each_candidate(bundle, request, network, workload.class, &facts, outcome);
            }
            outcome.conclude(bundle, request, |slot| condition::certainly_applies(bundle.slot(slot), &facts));
        }
        IdentityKind::User | IdentityKind::AgentUser | IdentityKind::AgentIdentity => {
            decide_subject(&Facts::of(bundle, request, scratch, workload, eligible), subject, outcome);
        }
    }
    outcome.advise(bundle, &request.identity);
    Ok(())
}

/// Decides about a user or an agent identity.
///
/// WHY apart: decisions about workloads are quicker without the room that this needs.
#[inline(never)]
fn decide_subject(facts: &Facts<'_>, scratch: &mut SubjectScratch, outcome: &mut Combination) {
    let bundle = facts.bundle;
    let population = match facts.request.identity.kind {
        IdentityKind::AgentIdentity if facts.audiences.are_never_evaluated(IdentityKind::AgentIdentity) => None,
        IdentityKind::AgentIdentity => Some(bundle.agents()),
        _ => Some(bundle.users()),
    };
    if let Some(population) = population {
        subject::note_policies(population, facts, scratch, outcome);
    }
    outcome.conclude(bundle, facts.request, |slot| condition::certainly_applies(bundle.slot(slot), facts));
}

/// Notes the wide policies that may apply.
#[inline]
fn each_wide(
    bundle: &CompiledBundle,
    request: &TokenRequest<'_>,
    network: &LocationFacts,
    covering: WideMask<'_>,
    scratch: &mut WideScratch,
    outcome: &mut Combination,
) {
    if covering.words().len() == 0 {
        return;
    }
    let (inside, possible, risk) = (network.inside(), network.possible(), request.risk.service_principal);
    let policies = bundle.wide();
    match policies.applying(covering, risk, inside, possible) {
        Some(applying) => outcome.note_wide(|notes| notes.add(policies, applying)),
        None => each_wide_block(policies, risk, network, covering, scratch, outcome),
    }
}

/// Notes the wide policies that may apply, when there are many.
///
/// WHY apart: decisions are quicker without the room that this needs, and few bundles need it.
#[inline(never)]
fn each_wide_block(
    policies: &WideMasks,
    risk: RiskLevel,
    network: &LocationFacts,
    covering: WideMask<'_>,
    scratch: &mut WideScratch,
    outcome: &mut Combination,
) {
    let (inside, possible) = (network.inside(), network.possible());
    outcome.note_wide(|notes| {
        policies.each_applying(covering, risk, inside, possible, scratch, |applying| notes.add(policies, applying));
    });
}

/// Notes the policies of `class` that are not wide and may apply.
#[inline]
fn each_candidate<'a>(
    bundle: &CompiledBundle,
    request: &TokenRequest<'_>,
    network: &LocationFacts,
    class: Class<'_>,
    facts: &LazyCell<Facts<'a>, impl FnOnce() -> Facts<'a>>,
    outcome: &mut Combination,
) {
    let (gates, risk_bit) = (bundle.gates(), risk_bit(request.risk.service_principal));
    let (inside, possible) = (network.inside(), network.possible());
    let (gated, others) = class.parts();
    let gated = gated.map(|candidate| gates.gate(candidate.slot()));
    match network.marks() {
        Some(marks) => outcome.note_blocking(gated.map(|gate| Blocking::of(gate, gate.holds(risk_bit, marks)))),
        None => {
            outcome.note_blocking(gated.map(|gate| Blocking::of(gate, gate.may_hold(risk_bit, inside, possible))));
        }
    }
    for candidate in others {
        let slot = candidate.slot();
        let gate = gates.gate(slot);
        let applies = match gate.is_simple() && candidate.is_certain() {
            true => gate.may_hold(risk_bit, inside, possible),
            false => condition::may_apply(bundle.slot(slot), facts),
        };
        outcome.note(slot, gate, applies);
    }
}
