//! Whether policies for workloads cover a service principal at all.
//!
//! The loader asks of those in the catalogue, `evaluate` of those of whom a request says more.

use crate::model::bundle::Eligibility;
use crate::model::{Id, IdRef, ServicePrincipal, ServicePrincipalType, SignInAudience, Truth};

/// Whether the catalogue alone makes a principal eligible for workload policies.
pub fn eligible(eligibility: Eligibility, tenant: Option<&Id>, principal: &ServicePrincipal) -> Truth {
    let parts = EligibilityFacts {
        kind: principal.kind,
        owner_tenant: principal.owner_tenant.as_ref().map(Id::as_ref),
        audience: principal.audience,
    };
    parts.judge(eligibility, tenant)
}

/// What eligibility for workload policies depends on; `None` is unknown.
#[derive(Clone, Copy, Debug)]
pub struct EligibilityFacts<'a> {
    /// What kind of service principal.
    pub kind: Option<ServicePrincipalType>,
    /// The tenant that owns the application.
    pub owner_tenant: Option<IdRef<'a>>,
    /// Who may sign in to it.
    pub audience: Option<SignInAudience>,
}

impl EligibilityFacts<'_> {
    /// Whether a workload with these facts is covered at all: an application of this tenant, for this tenant only.
    /// Source: Entra documentation, Conditional Access for workload identities, read August 2026.
    pub fn judge(self, eligibility: Eligibility, tenant: Option<&Id>) -> Truth {
        if eligibility == Eligibility::All {
            return Truth::True;
        }
        let is_own_tenant = self.owner_tenant.zip(tenant).map(|(owner, tenant)| owner.is_same(tenant.as_ref()));
        // A service principal of no stated type is an application: requests can state no other but managed identity.
        Truth::from(self.kind.is_none_or(|kind| kind == ServicePrincipalType::Application))
            & self.audience.map_or(Truth::Unknown, |audience| Truth::from(audience == SignInAudience::MyOrg))
            & is_own_tenant.unwrap_or(Truth::Unknown)
    }
}
