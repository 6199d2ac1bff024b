//! Entra's What If: which policies apply to a supposed sign-in, and why the others do not.
//!
//! The conditions are those of enforcement, asked with the opposite doubt. In enforcement a condition that may hold
//! does; here only one that certainly holds does, so a policy that configures what the request leaves out does not
//! apply. That is Entra's documented rule for What If. An answer of What If is therefore never a decision. Where Entra
//! defines what absence means (platform, flow, risk, device), the condition says so itself.
//!
//! Rulings on what the documentation leaves open:
//!
//! - The reason is the first condition that does not hold, in the order of [`ORDER`], the numeric order of Graph's
//!   flags and that of the portal.
//! - Service principal risk has no reason of its own in Graph; it is told as `signInRisk`, the risk of who signs in.
//! - What would need the directory (groups, roles, attributes, a blueprint) and is unknown is told as
//!   `notEnoughInformation`, as Entra does for what it cannot resolve.
//! - Without an address `All` but the trusted locations is not satisfied, unless the bundle's `missingIp` says that such a
//!   request is outside of every location.
//! - Disabled policies are outside of a run and have no result; report-only policies are in it like enabled ones.
//!
//! Source: Entra documentation, What If tool; Microsoft Graph, conditionalAccessRoot: evaluate and
//! whatIfAnalysisReasons; read August 2026.

use super::condition;
use super::facts::{FactScratch, Facts};
use crate::compile::{CompiledBundle, CompiledPolicy, Match, PolicyIndex};
use crate::model::decision::InputError;
use crate::model::set::Word;
use crate::model::{Condition, TokenRequest, Truth};

/// Whether one policy applies to a supposed sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// Which policy.
    pub policy: PolicyIndex,
    /// Why it does not apply; [`AnalysisReason::NotSet`] when it does.
    pub reason: AnalysisReason,
    /// The condition that is meant.
    pub condition: Option<Condition>,
}

impl WhatIf {
    /// Whether the policy applies.
    pub const fn applies(self) -> bool {
        matches!(self.reason, AnalysisReason::NotSet)
    }
}

/// Why a policy does not apply: those members of Graph's `whatIfAnalysisReasons` that doorward gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnalysisReason {
    /// It applies.
    NotSet,
    /// What it depends on is in no request and in no catalogue.
    NotEnoughInformation,
    /// The user is not in scope.
    Users,
    /// The service principal is not in scope.
    WorkloadIdentities,
    /// The agent identity is not in scope. Graph has this on beta only.
    AgentIdentities,
    /// No requested application is in scope.
    Application,
    /// The user action is not in scope.
    UserActions,
    /// The authentication context is not in scope.
    AuthenticationContext,
    /// The device platform.
    DevicePlatform,
    /// The device.
    Devices,
    /// The kind of client app.
    ClientApps,
    /// The location.
    Location,
    /// The risk of the sign-in, or of the service principal.
    SignInRisk,
    /// The policy targets nobody.
    EmptyPolicy,
    /// The risk of the user.
    UserRisk,
    /// The insider risk.
    InsiderRisk,
    /// The authentication flow.
    AuthenticationFlow,
    /// The risk of the agent. Graph has this on beta only.
    AgentIdRisk,
    /// A condition that Graph has no name for.
    UnknownFutureValue,
}

impl AnalysisReason {
    /// Graph's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSet => "notSet",
            Self::NotEnoughInformation => "notEnoughInformation",
            Self::Users => "users",
            Self::WorkloadIdentities => "workloadIdentities",
            Self::AgentIdentities => "agentIdentities",
            Self::Application => "application",
            Self::UserActions => "userActions",
            Self::AuthenticationContext => "authenticationContext",
            Self::DevicePlatform => "devicePlatform",
            Self::Devices => "devices",
            Self::ClientApps => "clientApps",
            Self::Location => "location",
            Self::SignInRisk => "signInRisk",
            Self::EmptyPolicy => "emptyPolicy",
            Self::UserRisk => "userRisk",
            Self::InsiderRisk => "insiderRisk",
            Self::AuthenticationFlow => "authenticationFlow",
            Self::AgentIdRisk => "agentIdRisk",
            Self::UnknownFutureValue => "unknownFutureValue",
        }
    }

    /// Whether only Graph's beta has it.
    pub const fn is_beta(self) -> bool {
        matches!(self, Self::AgentIdentities | Self::AgentIdRisk)
    }
}

/// The conditions in the order in which the first that does not hold is looked for, and their reasons.
const ORDER: [(Condition, AnalysisReason); Condition::ALL.len()] = [
    (Condition::Users, AnalysisReason::Users),
    (Condition::ServicePrincipals, AnalysisReason::WorkloadIdentities),
    (Condition::AgentIdentities, AnalysisReason::AgentIdentities),
    (Condition::Application, AnalysisReason::Application),
    (Condition::DevicePlatform, AnalysisReason::DevicePlatform),
    (Condition::DeviceState, AnalysisReason::Devices),
    (Condition::ClientType, AnalysisReason::ClientApps),
    (Condition::Location, AnalysisReason::Location),
    (Condition::SignInRisk, AnalysisReason::SignInRisk),
    (Condition::UserRisk, AnalysisReason::UserRisk),
    (Condition::ServicePrincipalRisk, AnalysisReason::SignInRisk),
    (Condition::InsiderRisk, AnalysisReason::InsiderRisk),
    (Condition::AuthenticationFlows, AnalysisReason::AuthenticationFlow),
    (Condition::AgentIdRisk, AnalysisReason::AgentIdRisk),
    (Condition::When, AnalysisReason::UnknownFutureValue),
];

/// What would happen to `request`: every policy that is enabled or report-only, in bundle order.
///
/// Errors: the request contradicts the catalogue. Unlike in [`super::evaluate`] a country need not be that of the
/// address. Cost: linear in the policies; allocates.
pub fn what_if(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Result<Vec<WhatIf>, InputError> {
    let mut scratch = FactScratch::default();
    let facts = Facts::suppose(bundle, request, &mut scratch)?;
    let result = |policy: &CompiledPolicy| {
        let (reason, condition) = judge(policy, &facts);
        WhatIf { policy: policy.index, reason, condition }
    };
    let mut results: Vec<_> = bundle.compiled().iter().map(result).collect();
    results.sort_unstable_by_key(|result| result.policy);
    Ok(results)
}

/// Why the policy does not apply, and the condition that says so.
fn judge(policy: &CompiledPolicy, facts: &Facts<'_>) -> (AnalysisReason, Option<Condition>) {
    if policy.users.include.is_empty() && policy.workloads.is_empty() && policy.agents.is_empty() {
        return (AnalysisReason::EmptyPolicy, None);
    }
    let every = condition::every(policy, facts);
    let failing = ORDER.iter().find_map(|(condition, reason)| {
        let (_, found) = every.iter().find(|(asked, found)| asked == condition && found.holds != Truth::True)?;
        Some((*condition, *reason, found))
    });
    let Some((condition, named, found)) = failing else { return (AnalysisReason::NotSet, None) };
    let reason = match named {
        AnalysisReason::Application => resource(policy, facts, found),
        AnalysisReason::Users | AnalysisReason::WorkloadIdentities | AnalysisReason::AgentIdentities
            if found.holds == Truth::Unknown =>
        {
            AnalysisReason::NotEnoughInformation
        }
        named => named,
    };
    (reason, Some(condition))
}

/// Applications, user actions and authentication contexts are one condition with three names: that of what the policy
/// is for. A request that names its applications lacks at most what the directory knows of them.
fn resource(policy: &CompiledPolicy, facts: &Facts<'_>, found: &Match<'_>) -> AnalysisReason {
    let condition = &policy.resources;
    if found.holds == Truth::Unknown && !facts.request.resource.app_ids.is_empty() {
        AnalysisReason::NotEnoughInformation
    } else if !condition.user_actions.is_empty() {
        AnalysisReason::UserActions
    } else if !condition.authentication_contexts.is_empty() {
        AnalysisReason::AuthenticationContext
    } else {
        AnalysisReason::Application
    }
}
