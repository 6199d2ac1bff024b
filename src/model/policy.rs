//! Conditional Access policies, every property of them.
//!
//! A list that is missing, null or empty means the same: not configured. References are still names here; `compile`
//! resolves them. Source: Microsoft Graph `conditionalAccessPolicy`, v1.0 and beta metadata, read August 2026.

use super::id::Id;
use super::location::Kept;
use super::session::SessionControls;
use super::set::Set;
use super::shaping::Shaping;
use super::vocabulary::{
    AuthenticationMethod, ClientApp, FilterMode, GrantControl, GuestType, InsiderRiskLevel, Operator, Platform,
    RiskLevel, State, TransferMethod, UserAction,
};
use crate::text::{Embedded, Span, Spanned};

/// A policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Graph's id; `None` in hand-written bundles that leave it out.
    pub id: Option<Spanned<Box<str>>>,
    /// The name people use; not unique in Graph.
    pub display_name: Spanned<Box<str>>,
    /// Whether and how it takes part.
    pub state: State,
    /// `deletedDateTime` is set: the policy is in the recycle bin and takes no part.
    pub is_deleted: bool,
    /// When it applies.
    pub conditions: Conditions,
    /// One more condition, in Cedar.
    pub when: Option<When>,
    /// What must be satisfied.
    pub grant: Option<GrantControls>,
    /// The session controls that have an effect.
    pub session_controls: SessionControls,
    /// The Global Secure Access filtering profile that its sessions get.
    pub filtering_profile: Option<Box<str>>,
    /// How its tokens are shaped, and what it obliges callers to; `None`: it says nothing of either.
    pub shaping: Option<Box<Shaping>>,
    /// Properties that decide nothing, session controls among them, kept as they were written.
    pub kept: Vec<Kept>,
}

impl Policy {
    /// Whether `name` is its id or its name.
    pub fn is_called(&self, name: &str) -> bool {
        [self.id.as_ref(), Some(&self.display_name)].into_iter().flatten().any(|own| *own.value == *name)
    }

    /// Its texts in other languages: the rules of its filters, and its condition in Cedar.
    pub fn embedded_mut(&mut self) -> impl Iterator<Item = &mut Embedded> {
        let conditions = &mut self.conditions;
        let filters = [
            &mut conditions.device_filter,
            &mut conditions.service_principals.filter,
            &mut conditions.agent_identities.filter,
            &mut conditions.resources.filter,
        ];
        let rules = filters.into_iter().flatten().map(|filter| &mut filter.rule);
        rules.chain(self.when.as_mut().map(|when| &mut when.text))
    }
}

/// A condition in Cedar, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// Whether it is a property or a whole policy.
    pub form: WhenForm,
    /// The text, and where each part of it stands.
    pub text: Embedded,
}

/// How a condition in Cedar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenForm {
    /// The property `when`: an expression, what stands between the braces of Cedar's own `when { ... }`.
    Expression,
    /// A policy of a `.cedar` file, with its annotations, scope and clauses.
    Statement,
}

/// The conditions of a policy, joined by AND.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Which users; also agents' user accounts.
    pub users: Users,
    /// Which workloads.
    pub service_principals: Scope<PrincipalTarget>,
    /// Which agent identities.
    pub agent_identities: Scope<PrincipalTarget>,
    /// Which resources.
    pub resources: Resources,
    /// Which kinds of client app; empty or `all`: any.
    pub client_apps: Set<ClientApp>,
    /// Which platforms.
    pub platforms: Platforms,
    /// Which locations.
    pub locations: Locations,
    /// Which devices.
    pub device_filter: Option<Filter>,
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
}

/// The `users` assignment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Users {
    /// `includeUsers`.
    pub include: Vec<Spanned<UserTarget>>,
    /// `excludeUsers`.
    pub exclude: Vec<Spanned<UserTarget>>,
    /// `includeGroups`.
    pub include_groups: Vec<Spanned<Id>>,
    /// `excludeGroups`.
    pub exclude_groups: Vec<Spanned<Id>>,
    /// `includeRoles`: role template ids.
    pub include_roles: Vec<Spanned<Id>>,
    /// `excludeRoles`.
    pub exclude_roles: Vec<Spanned<Id>>,
    /// `includeGuestsOrExternalUsers`.
    pub include_guests: Option<Guests>,
    /// `excludeGuestsOrExternalUsers`.
    pub exclude_guests: Option<Guests>,
}

/// One entry of `includeUsers` or `excludeUsers`. `None` contributes nothing and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserTarget {
    /// `All`: every user that is not an agent's user account.
    All,
    /// `GuestsOrExternalUsers`: every kind of guest.
    GuestsOrExternalUsers,
    /// `AllAgentIdUsers`: every agent's user account.
    AllAgentUsers,
    /// One account.
    Id(Id),
}

/// Which guests, from which tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guests {
    /// The kinds.
    pub types: Set<GuestType>,
    /// Home tenants; `None`: any.
    pub tenants: Option<Vec<Id>>,
}

/// Who is in scope by list and by filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope<T> {
    /// In scope.
    pub include: Vec<Spanned<T>>,
    /// Exempt.
    pub exclude: Vec<Spanned<T>>,
    /// In scope or exempt by attributes.
    pub filter: Option<Filter>,
}

impl<T> Scope<T> {
    /// Whether the policy says nothing about this kind of subject.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.filter.is_none()
    }
}

impl<T> Default for Scope<T> {
    fn default() -> Self {
        Self { include: Vec::new(), exclude: Vec::new(), filter: None }
    }
}

/// One entry of a service principal or agent identity list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalTarget {
    /// `ServicePrincipalsInMyTenant`, or `All` for agent identities.
    All,
    /// An object id, or a display name of the catalogue.
    Named(Box<str>),
}

/// The `applications` assignment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// `includeApplications`.
    pub include: Vec<Spanned<ResourceTarget>>,
    /// `excludeApplications`.
    pub exclude: Vec<Spanned<ResourceTarget>>,
    /// `includeUserActions`.
    pub user_actions: Set<UserAction>,
    /// `includeAuthenticationContextClassReferences`.
    pub authentication_contexts: Vec<Box<str>>,
    /// `applicationFilter`.
    pub filter: Option<Filter>,
}

/// One entry of `includeApplications` or `excludeApplications`. `None` contributes nothing and is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceTarget {
    /// `All`.
    All,
    /// `Office365`.
    Office365,
    /// `MicrosoftAdminPortals`.
    MicrosoftAdminPortals,
    /// `AllAgentIdResources`: tokens for agent identities and their blueprints.
    AllAgentResources,
    /// One application, by app id.
    App(Id),
}

/// The `platforms` condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Platforms {
    /// Included; empty: not configured.
    pub include: Set<Platform>,
    /// Excluded.
    pub exclude: Set<Platform>,
}

/// The `locations` condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locations {
    /// Included; empty: any.
    pub include: Vec<Spanned<LocationTarget>>,
    /// Excluded.
    pub exclude: Vec<Spanned<LocationTarget>>,
}

/// One entry of a location list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocationTarget {
    /// `All`: everywhere.
    All,
    /// `AllTrusted`: every location marked trusted, and the MFA trusted IPs.
    AllTrusted,
    /// The nil GUID: the MFA trusted IPs.
    MfaTrustedIps,
    /// A location, by id or name.
    Named(Box<str>),
}

impl LocationTarget {
    /// What stands for trusted locations in lists and in conditions alike, whatever a location is called.
    pub fn trusted(text: &str) -> Option<Self> {
        match text {
            "AllTrusted" => Some(Self::AllTrusted),
            nil if Id::new(nil) == Id::NIL => Some(Self::MfaTrustedIps),
            _ => None,
        }
    }
}

/// A filter: a rule and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// In scope or exempt.
    pub mode: FilterMode,
    /// The rule as written, and where each part of it stands.
    pub rule: Embedded,
}

/// The grant controls of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantControls {
    /// How they combine.
    pub operator: Operator,
    /// Built-in controls.
    pub built_in: Set<GrantControl>,
    /// The authentication strength, if one is required.
    pub authentication_strength: Option<AuthenticationStrength>,
    /// Agreements to accept.
    pub terms_of_use: Vec<Box<str>>,
    /// Custom controls.
    pub custom_factors: Vec<Box<str>>,
    /// Where the grant controls stand.
    pub span: Span,
}

impl GrantControls {
    /// How many controls they are.
    pub fn len(&self) -> usize {
        self.built_in.len()
            + usize::from(self.authentication_strength.is_some())
            + self.terms_of_use.len()
            + self.custom_factors.len()
    }

    /// Whether they ask for nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An authentication strength, as expanded in an export, as an object of the bundle, or as a mere id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationStrength {
    /// Its id.
    pub id: Spanned<Box<str>>,
    /// Its name, when the export carries it.
    pub display_name: Option<Box<str>>,
    /// The combinations of methods that satisfy it; `None` when the export has only the id. A combination that is
    /// restricted further, to certain keys or issuers, is left out: no request says which were used.
    pub allowed_combinations: Option<Vec<Set<AuthenticationMethod>>>,
}
