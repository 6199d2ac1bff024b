//! What `bundle.yaml` says about a bundle as a whole.

use jiff::Timestamp;

use super::decision::Decision;
use super::entity::{Entities, SubjectTypes};
use super::id::Id;
use super::location::{NamedLocation, Ranges};
use super::policy::{AuthenticationStrength, Policy};
use super::principal::ServicePrincipal;
use super::vocabulary::State;
use crate::text::Spanned;

/// Everything that the files of a bundle say, references not yet resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bundle {
    /// `bundle.yaml`.
    pub settings: BundleSettings,
    /// The policies, in bundle order: by file name, then as written.
    pub policies: Vec<Policy>,
    /// The statements: policies that are claimed to follow from the others, and that never decide; in bundle order.
    pub statements: Vec<Policy>,
    /// The named locations, in bundle order.
    pub locations: Vec<NamedLocation>,
    /// The service principals catalogue, in bundle order.
    pub principals: Vec<ServicePrincipal>,
    /// Authentication strengths, in bundle order; they take the place of built-in ones with the same id.
    pub strengths: Vec<AuthenticationStrength>,
    /// The catalogue of entities.
    pub entities: Entities,
}

/// Settings of a bundle; the default is what an absent `bundle.yaml` means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BundleSettings {
    /// Name in answers, logs and metrics; default `bundle`.
    pub name: Option<Box<str>>,
    /// Label of this version; default: the first twelve hex digits of the digest.
    pub revision: Option<Box<str>>,
    /// Strictly increasing number; a lower one than the active bundle's is refused.
    pub sequence: Option<u64>,
    /// A bundle is refused from this instant on.
    pub expires: Option<Spanned<Timestamp>>,
    /// This tenant; needed to tell own service principals from foreign ones.
    pub tenant_id: Option<Id>,
    /// What is decided when no policy applies.
    pub default_decision: DefaultDecision,
    /// What a request without an address means for IP and country locations.
    pub missing_ip: MissingIp,
    /// Whether Entra's eligibility rules hold for workloads.
    pub eligibility: Eligibility,
    /// Identities that no enabled policy may block.
    pub break_glass: Vec<Spanned<Box<str>>>,
    /// The MFA trusted IPs, which no export contains.
    pub mfa_trusted_ips: Ranges,
    /// Members of `Office365`, in the place of the built-in list.
    pub office365: Option<Vec<Id>>,
    /// Members of `MicrosoftAdminPortals`, in the place of the built-in list.
    pub microsoft_admin_portals: Option<Vec<Id>>,
    /// The country database: a MaxMind-format file of the bundle.
    pub country_database: Option<Spanned<Box<str>>>,
    /// Policies, by id or name, that are left out although doorward cannot represent them.
    pub ignored_policies: Vec<Spanned<Box<str>>>,
    /// Which kind of identity callers mean by the type of a subject.
    pub subject_types: SubjectTypes,
}

impl BundleSettings {
    /// Whether the author left `policy` out, by its id or its name.
    pub fn ignores(&self, policy: &Policy) -> bool {
        self.ignored_policies.iter().any(|ignored| policy.is_called(&ignored.value))
    }

    /// Whether `policy` has a part in decisions, enforced or reported.
    pub fn admits(&self, policy: &Policy) -> bool {
        policy.state != State::Disabled && !policy.is_deleted && !self.ignores(policy)
    }
}

/// What is decided when no enabled policy applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultDecision {
    /// Allow: Conditional Access is an overlay behind authentication.
    #[default]
    Allow,
    /// Block.
    Block,
}

impl From<DefaultDecision> for Decision {
    fn from(default: DefaultDecision) -> Self {
        match default {
            DefaultDecision::Allow => Self::Allow,
            DefaultDecision::Block => Self::Block,
        }
    }
}

/// What a request without an address means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingIp {
    /// Unknown: it may be inside and outside of every location, so it never widens access.
    #[default]
    Unknown,
    /// Outside every IP and country location.
    OutsideAll,
}

/// Which workloads a policy can cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eligibility {
    /// Single-tenant applications of this tenant only, as Entra.
    #[default]
    Entra,
    /// Managed identities, third-party and multi-tenant service principals too.
    All,
}
