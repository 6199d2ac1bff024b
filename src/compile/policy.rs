//! A policy in the form that `evaluate` reads: references resolved, rules parsed, words as bits.
//!
//! Holds what conditions *are*; whether they hold is for `evaluate` to say.

use std::sync::Arc;

use super::cedar::CedarCondition;
use super::network::LocationIndex;
use super::strengths::Combinations;
use crate::filter;
use crate::model::policy::{Guests, Platforms};
use crate::model::session::SessionControls;
use crate::model::shaping::{Obligation, TokenShape};
use crate::model::{
    ClientApp, FilterMode, GrantControl, Id, InsiderRiskLevel, Operator, RiskLevel, Set, State, TransferMethod,
    UserAction,
};

/// Number of a policy inside the engine: wide policies first.
pub type Slot = u32;

/// Position of a policy in bundle order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyIndex(pub(crate) u32);

impl PolicyIndex {
    /// The position, from 0.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// What answers say of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyHead {
    /// Graph's id, or the name of a policy written without one.
    pub id: Box<str>,
    /// The name people use.
    pub display_name: Box<str>,
    /// Whether and how it takes part.
    pub state: State,
    /// Whether it takes part in decisions: neither disabled nor deleted nor ignored.
    pub takes_part: bool,
    /// Whether it would take part if the author had not left it out by name.
    pub is_ignored: bool,
}

/// A policy that takes part.
///
/// WHY: what most policies have alike, such as no users or all resources, they share, and what few have stands apart:
/// a bundle may have many thousands.
#[derive(Debug)]
pub struct CompiledPolicy {
    /// Which one.
    pub index: PolicyIndex,
    /// Whether it is evaluated and reported only.
    pub is_report_only: bool,
    /// Which users.
    pub users: Arc<UserScope>,
    /// Which workloads.
    pub workloads: PrincipalScope,
    /// Which agent identities.
    pub agents: Arc<PrincipalScope>,
    /// Which resources.
    pub resources: Arc<ResourceCondition>,
    /// Which client apps; empty: any.
    pub client_apps: Set<ClientApp>,
    /// Which platforms.
    pub platforms: Platforms,
    /// Which locations.
    pub locations: LocationCondition,
    /// Which devices.
    pub device_filter: Option<Box<CompiledFilter>>,
    /// Sign-in risk; empty: any.
    pub sign_in_risk: Set<RiskLevel>,
    /// User risk; empty: any.
    pub user_risk: Set<RiskLevel>,
    /// Service principal risk; empty: any.
    pub service_principal_risk: Set<RiskLevel>,
    /// Agent risk; empty: any.
    pub agent_risk: Set<RiskLevel>,
    /// Insider risk; empty: any.
    pub insider_risk: Set<InsiderRiskLevel>,
    /// Authentication flows; empty: any.
    pub flows: Set<TransferMethod>,
    /// The condition in Cedar, the last to be asked.
    pub when: Option<Box<CedarCondition>>,
    /// What must be satisfied.
    pub grant: Grant,
    /// What a token comes with, if anything.
    pub session: Option<Box<CompiledSession>>,
}

/// The session controls of a policy that has some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompiledSession {
    /// Those that can be merged.
    pub controls: SessionControls,
    /// The Global Secure Access filtering profile.
    pub filtering_profile: Option<Box<str>>,
    /// What Graph has no words for.
    pub shaping: Option<Box<CompiledShaping>>,
}

/// How a policy shapes the tokens that it lets through, and what it obliges callers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompiledShaping {
    /// How tokens are shaped; of a policy that blocks nothing.
    pub token: TokenShape,
    /// Obligations, in the order of the policy.
    pub obligations: Box<[Obligation]>,
}

/// What a policy asks for.
#[derive(Debug)]
pub enum Grant {
    /// No token.
    Block,
    /// These controls, in the fixed order, no duplicates; empty: nothing.
    Require {
        /// How they combine.
        operator: Operator,
        /// The controls.
        controls: Box<[CompiledControl]>,
    },
}

/// A grant control other than block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompiledControl {
    /// A built-in control.
    BuiltIn(GrantControl),
    /// An authentication strength: satisfied when the methods used cover a combination, or the token service says so by
    /// id.
    AuthenticationStrength {
        /// Its id.
        id: Box<str>,
        /// Combinations of methods, any of which satisfies it; empty: only the token service can say.
        combinations: Combinations,
    },
    /// An agreement.
    TermsOfUse(Box<str>),
    /// A custom control.
    CustomFactor(Box<str>),
}

/// A filter whose rule is parsed.
#[derive(Debug)]
pub struct CompiledFilter {
    /// In scope or exempt.
    pub mode: FilterMode,
    /// The rule.
    pub rule: filter::Rule,
}

/// Service principals or agent identities in scope. The id lists are sorted.
#[derive(Debug, Default)]
pub struct PrincipalScope {
    /// Everybody of the kind.
    pub includes_all: bool,
    /// These.
    pub include: Box<[Id]>,
    /// Nobody of the kind.
    pub excludes_all: bool,
    /// Not these.
    pub exclude: Box<[Id]>,
    /// These or not these, by attributes.
    pub filter: Option<Box<CompiledFilter>>,
}

impl PrincipalScope {
    /// Whether nobody can be in scope.
    pub fn is_empty(&self) -> bool {
        let filter_includes = self.filter.as_ref().is_some_and(|filter| filter.mode == FilterMode::Include);
        !self.includes_all && self.include.is_empty() && !filter_includes
    }
}

/// Users in scope.
#[derive(Debug, Default)]
pub struct UserScope {
    /// In scope.
    pub include: UserList,
    /// Exempt.
    pub exclude: UserList,
}

/// One side of a user scope. The id list is sorted; groups and roles are numbers of the bundle's directory objects.
#[derive(Debug, Default)]
pub struct UserList {
    /// Every user that is not an agent's user account.
    pub all: bool,
    /// Every agent's user account.
    pub all_agent_users: bool,
    /// Every guest.
    pub all_guests: bool,
    /// Accounts.
    pub ids: Box<[Id]>,
    /// Groups.
    pub groups: Box<[u32]>,
    /// Roles.
    pub roles: Box<[u32]>,
    /// Guests by kind and tenant.
    pub guests: Option<Box<Guests>>,
}

impl UserList {
    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        !self.all
            && !self.all_agent_users
            && !self.all_guests
            && self.ids.is_empty()
            && self.groups.is_empty()
            && self.roles.is_empty()
            && self.guests.is_none()
    }
}

/// Resources in scope.
#[derive(Debug, Default)]
pub struct ResourceCondition {
    /// In scope.
    pub include: ResourceList,
    /// Exempt.
    pub exclude: ResourceList,
    /// In scope: user actions.
    pub user_actions: Set<UserAction>,
    /// In scope: authentication contexts.
    pub authentication_contexts: Box<[Box<str>]>,
    /// In scope or exempt, by attributes.
    pub filter: Option<Box<CompiledFilter>>,
}

impl ResourceCondition {
    /// Whether every resource is in scope, whatever the request says.
    pub fn is_any(&self) -> bool {
        self.include.all && self.exclude.is_empty() && self.filter.is_none()
    }

    /// Whether no request is for what is in scope: it names nothing, or exempts every application that it names.
    pub fn is_nothing(&self) -> bool {
        let by_filter = self.filter.as_ref().is_some_and(|filter| filter.mode == FilterMode::Include);
        let has_app = !self.exclude.all && (by_filter || !self.include.is_empty());
        !has_app && self.user_actions.is_empty() && self.authentication_contexts.is_empty()
    }
}

/// One side of a resource condition. Lists of ids are sorted; members of suites are in the lists of those alone.
#[derive(Debug, Default)]
pub struct ResourceList {
    /// Every resource.
    pub all: bool,
    /// Agent identities and their blueprints.
    pub all_agents: bool,
    /// Applications.
    pub ids: Box<[Id]>,
    /// Suites that are named, each with the ids of its members, which all policies share.
    pub suites: Box<[(Suite, Arc<[Id]>)]>,
}

impl ResourceList {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        !self.all && !self.all_agents && self.ids.is_empty() && self.suites.is_empty()
    }
}

/// A suite of applications that policies name as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `Office365`.
    Office365,
    /// `MicrosoftAdminPortals`.
    MicrosoftAdminPortals,
}

/// Locations in scope, as numbers of the bundle's locations.
#[derive(Debug, Default)]
pub struct LocationCondition {
    /// Whether the condition is configured at all.
    pub is_configured: bool,
    /// Everywhere.
    pub everywhere: bool,
    /// These.
    pub include: Box<[LocationIndex]>,
    /// Nowhere: `All` is excluded.
    pub nowhere: bool,
    /// Not these.
    pub exclude: Box<[LocationIndex]>,
}

impl CompiledPolicy {
    /// Whether its only conditions besides identity are locations and service principal risk, the two that Entra
    /// offers for workloads. Such policies are decided by masks alone.
    pub fn is_plain(&self) -> bool {
        self.resources.is_any()
            && (self.client_apps.is_empty() || self.client_apps.contains(ClientApp::All))
            && self.platforms == Platforms::default()
            && self.device_filter.is_none()
            && self.sign_in_risk.is_empty()
            && self.user_risk.is_empty()
            && self.agent_risk.is_empty()
            && self.insider_risk.is_empty()
            && self.flows.is_empty()
            && self.when.is_none()
    }
}
