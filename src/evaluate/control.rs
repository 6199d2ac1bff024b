//! Whether grant controls are satisfied.
//!
//! Knows one policy at a time; what several come to is for [`combine`](super::combine). Start with [`is_met`].

use super::audience;
use crate::compile::{CompiledControl, CompiledPolicy, Grant};
use crate::model::{GrantControl, IdRef, Operator, TokenRequest};

/// Whether a policy that applies lets the request through.
pub(super) fn is_met(policy: &CompiledPolicy, request: &TokenRequest<'_>) -> bool {
    let is_met = |control: &CompiledControl| control.is_met(request) || is_spared(control, policy, request);
    match &policy.grant {
        Grant::Block => false,
        Grant::Require { controls, .. } if controls.is_empty() => true,
        Grant::Require { operator: Operator::And, controls } => controls.iter().all(is_met),
        Grant::Require { operator: Operator::Or, controls } => controls.iter().any(is_met),
    }
}

/// The controls that a policy asks for and the request has not satisfied, with their places; none for a block.
pub(super) fn open<'b>(
    policy: &'b CompiledPolicy,
    request: &TokenRequest<'_>,
) -> impl Iterator<Item = (usize, &'b CompiledControl)> {
    let controls = all(policy).iter().enumerate();
    controls.filter(move |(_, control)| !control.is_met(request) && !is_spared(control, policy, request))
}

/// The controls that a policy asks for; none for a block.
pub(super) fn all(policy: &CompiledPolicy) -> &[CompiledControl] {
    match &policy.grant {
        Grant::Block => &[],
        Grant::Require { controls, .. } => controls,
    }
}

/// Whether nobody asks for `control` of `policy`, because what is requested is how a device comes to satisfy it.
///
/// WHY not where another control would do that can be had on the spot: nobody is kept from becoming compliant there, and
/// a password alone must not register a device.
fn is_spared(control: &CompiledControl, policy: &CompiledPolicy, request: &TokenRequest<'_>) -> bool {
    let has_other_way = || match &policy.grant {
        Grant::Require { operator: Operator::Or, controls } => controls.iter().any(CompiledControl::is_interactive),
        Grant::Require { .. } | Grant::Block => false,
    };
    matches!(control, CompiledControl::BuiltIn(GrantControl::CompliantDevice))
        && audience::leads_to_compliance(&request.resource)
        && !has_other_way()
}

impl CompiledControl {
    /// Whether the request satisfies it.
    pub(crate) fn is_met(&self, request: &TokenRequest<'_>) -> bool {
        use GrantControl as Built;
        let satisfied = &request.satisfied;
        let listed = |ids: &[IdRef<'_>], id: &str| ids.contains(&IdRef::new(id));
        match self {
            Self::BuiltIn(Built::CompliantDevice | Built::DomainJoinedDevice) if request.is_for_another_device() => {
                false
            }
            Self::BuiltIn(control) => satisfied.built_in.contains(*control),
            Self::AuthenticationStrength { id, combinations } => {
                listed(&satisfied.authentication_strengths, id)
                    || combinations.iter().any(|methods| methods.is_subset_of(satisfied.methods))
            }
            Self::TermsOfUse(id) => listed(&satisfied.terms_of_use, id),
            Self::CustomFactor(id) => listed(&satisfied.custom_factors, id),
        }
    }

    /// Whether Entra would ask the user for it on the spot.
    pub(crate) fn is_interactive(&self) -> bool {
        match self {
            Self::BuiltIn(control) => control.is_interactive(),
            _ => true,
        }
    }
}
