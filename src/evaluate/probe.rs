//! Single conditions of all policies, asked of supposed facts: for analyses of whole bundles.
//!
//! An analysis must not have a second opinion of what a condition means, so it asks here, condition by condition, what
//! the decision would ask. Start with [`Probe`].

pub(crate) use super::audience::{LEADING, leads_to_compliance};
use super::condition;
use super::facts::{FactScratch, Facts, LocationFacts};
use super::session::MergedSession;
use crate::compile::{CompiledBundle, CompiledPolicy, CompiledSession, LocationSet, Slot, ones};
use crate::model::decision::InputError;
use crate::model::request::Network;
use crate::model::{Condition, IdentityKind, TokenRequest, Truth};

/// The session controls of several policies as one; `None` when there are none.
pub(crate) fn merged<'b>(sessions: impl Iterator<Item = &'b CompiledSession>) -> Option<MergedSession<'b>> {
    MergedSession::of(sessions)
}

/// Memory to reuse from one question to the next.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    scratch: FactScratch,
    locations: LocationFacts,
}

impl Probe {
    /// Calls `found` with each policy whose identity condition may hold, none twice. Errors as [`super::evaluate`].
    pub(crate) fn identity(
        &mut self,
        bundle: &CompiledBundle,
        request: &TokenRequest<'_>,
        mut found: impl FnMut(Slot, Truth),
    ) -> Result<(), InputError> {
        let facts = Facts::settle(bundle, request, &mut self.scratch)?;
        let workload = &facts.workload;
        let mut ask = |slot: Slot| {
            let holds = condition::identity(bundle.slot(slot), &facts).holds;
            if holds.is_possible() {
                found(slot, holds);
            }
        };
        match request.identity.kind {
            IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
                // WHY: the class names the few policies that can cover a workload, as for the decision.
                for (word, rest) in workload.class.wide.words().enumerate() {
                    ones(rest).for_each(|bit| ask(word as Slot * 64 + bit));
                }
                workload.class.candidates().for_each(|candidate| ask(candidate.slot()));
            }
            IdentityKind::User | IdentityKind::AgentUser => for_users(bundle).for_each(|(slot, _)| ask(slot)),
            IdentityKind::AgentIdentity => {
                (0..)
                    .zip(bundle.compiled())
                    .filter(|(_, policy)| !policy.agents.is_empty())
                    .for_each(|(slot, _)| ask(slot));
            }
        }
        Ok(())
    }

    /// Calls `found` with each policy that targets users, and whether it includes and whether it excludes this one.
    /// Errors as [`super::evaluate`].
    pub(crate) fn user_sides(
        &mut self,
        bundle: &CompiledBundle,
        request: &TokenRequest<'_>,
        mut found: impl FnMut(Slot, Truth, Truth),
    ) -> Result<(), InputError> {
        let facts = Facts::settle(bundle, request, &mut self.scratch)?;
        for (slot, policy) in for_users(bundle) {
            let users = &policy.users;
            let side = |list| condition::user_side(list, &facts).map(|(truth, _)| truth).max();
            let [include, exclude] =
                [side(&users.include), side(&users.exclude)].map(|side| side.unwrap_or(Truth::False));
            found(slot, include, exclude);
        }
        Ok(())
    }

    /// Whether `condition` holds, by slot. Errors as [`super::evaluate`].
    pub(crate) fn condition(
        &mut self,
        bundle: &CompiledBundle,
        request: &TokenRequest<'_>,
        condition: Condition,
        mut found: impl FnMut(Slot, Truth),
    ) -> Result<(), InputError> {
        let facts = Facts::settle(bundle, request, &mut self.scratch)?;
        let ask = condition::of(condition);
        for (slot, policy) in (0..).zip(bundle.compiled()) {
            found(slot, ask(policy, &facts).holds);
        }
        Ok(())
    }

    /// The locations that certainly contain, and that may contain, a request from `network`.
    ///
    /// Errors: the country is not that of the address.
    pub(crate) fn locations(
        &mut self,
        bundle: &CompiledBundle,
        network: &Network,
    ) -> Result<(&LocationSet, &LocationSet), InputError> {
        self.locations.enter(bundle, network)?;
        Ok((self.locations.inside(), self.locations.possible()))
    }
}

/// The policies that target users.
fn for_users(bundle: &CompiledBundle) -> impl Iterator<Item = (Slot, &CompiledPolicy)> {
    (0..).zip(bundle.compiled()).filter(|(_, policy)| !policy.users.include.is_empty())
}
