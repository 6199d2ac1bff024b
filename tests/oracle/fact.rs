//! What catalogue, country database and request say about the same thing, and whether they agree.

use doorward::model::decision::InputError;
use doorward::model::location::CountryFact;
use doorward::model::principal::ServicePrincipal;
use doorward::model::{
    Attributes, Bundle, GrantControl, GuestType, Id, IdRef, IdentityKind, ResourceKind, ServicePrincipalType,
    SignInAudience, TokenRequest, Truth,
};

use super::subject::consumers;
use super::{Case, CountryOf};

/// The catalogue's entry of the identity, for the kinds of identity that a catalogue holds.
pub fn catalogued<'a>(bundle: &'a Bundle, request: &TokenRequest<'_>) -> Option<&'a ServicePrincipal> {
    match request.identity.kind {
        IdentityKind::User | IdentityKind::AgentUser => None,
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity | IdentityKind::AgentIdentity => {
            bundle.principals.iter().find(|principal| principal.id.as_ref() == request.identity.id)
        }
    }
}

/// The catalogue's entry of the application `app`.
pub fn catalogued_app<'a>(bundle: &'a Bundle, app: IdRef<'_>) -> Option<&'a ServicePrincipal> {
    bundle.principals.iter().find(|principal| principal.app_id.as_ref().is_some_and(|id| id.as_ref() == app))
}

/// Whether Entra lets a workload policy cover this service principal: an application of this tenant, for this tenant.
pub fn is_eligible(case: &Case<'_>) -> Truth {
    use doorward::model::bundle::Eligibility;
    let identity = &case.request.identity;
    if case.bundle.settings.eligibility == Eligibility::All {
        return Truth::True;
    }
    if identity.kind == IdentityKind::ManagedIdentity {
        return Truth::False;
    }
    let entry = catalogued(case.bundle, case.request);
    let kind = entry.and_then(|entry| entry.kind);
    // A request calls only an application's service principal a service principal; the catalogue may know better.
    let is_application: Truth = kind.is_none_or(|kind| kind == ServicePrincipalType::Application).into();

    let owner = entry.and_then(|entry| entry.owner_tenant.as_ref()).map(Id::as_ref).or(identity.owner_tenant);
    let tenant = case.bundle.settings.tenant_id.as_ref().map(Id::as_ref);
    let is_own = match (owner, tenant) {
        (Some(owner), Some(tenant)) => is_same(owner, tenant),
        _ => Truth::Unknown,
    };

    let audience = entry.and_then(|entry| entry.audience).or(identity.audience);
    let is_single_tenant = audience.map_or(Truth::Unknown, |audience| (audience == SignInAudience::MyOrg).into());

    is_application & is_own & is_single_tenant
}

/// Whether two ids are one tenant. A domain and a GUID may be: nobody here can look it up.
pub fn is_same(one: IdRef<'_>, other: IdRef<'_>) -> Truth {
    match (one, other) {
        (IdRef::Guid(one), IdRef::Guid(other)) => (one == other).into(),
        (IdRef::Text(one), IdRef::Text(other)) => (one == other).into(),
        _ => Truth::Unknown,
    }
}

/// The identity's custom security attributes; `None` when neither catalogue nor request has them.
pub fn attributes<'a>(case: &Case<'a>) -> Option<&'a Attributes<'a>> {
    let known = catalogued(case.bundle, case.request).and_then(|entry| entry.attributes.as_ref());
    known.or(case.request.identity.attributes.as_ref())
}

/// What kind of object the resource `app` is; `None` when neither the request nor the catalogue says.
pub fn kind_of_app(case: &Case<'_>, app: IdRef<'_>) -> Option<ResourceKind> {
    case.request.resource.kind.or_else(|| catalogued_kind(case.bundle, app))
}

/// What the catalogue says that a resource is, which it knows by app id or by object id.
fn catalogued_kind(bundle: &Bundle, app: IdRef<'_>) -> Option<ResourceKind> {
    let by_object = || bundle.principals.iter().find(|principal| principal.id.as_ref() == app);
    let entry = catalogued_app(bundle, app).or_else(by_object)?;
    Some(match entry.kind? {
        ServicePrincipalType::ServiceIdentity => ResourceKind::AgentIdentity,
        ServicePrincipalType::AgentBlueprint => ResourceKind::AgentBlueprint,
        _ => ResourceKind::Application,
    })
}

/// The custom security attributes of the resource `app`; `None` when neither catalogue nor request has them.
pub fn attributes_of_app<'a>(case: &Case<'a>, app: IdRef<'_>) -> Option<&'a Attributes<'a>> {
    let known = catalogued_app(case.bundle, app).and_then(|entry| entry.attributes.as_ref());
    let resource = &case.request.resource;
    // One object's attributes say nothing of several resources.
    known.or(resource.attributes.as_ref().filter(|_| resource.app_ids.iter().all(|other| *other == app)))
}

/// Every fact on which two sources disagree.
pub fn conflicts(bundle: &Bundle, country_of: CountryOf<'_>, request: &TokenRequest<'_>) -> Vec<InputError> {
    let mut fields: Vec<&str> = Vec::new();
    let identity = &request.identity;
    if let Some(entry) = catalogued(bundle, request) {
        let is_managed = entry.kind.map(|kind| kind == ServicePrincipalType::ManagedIdentity);
        match identity.kind {
            IdentityKind::AgentIdentity
                if entry.kind.is_some_and(|kind| kind != ServicePrincipalType::ServiceIdentity) =>
            {
                fields.push("identity.type");
            }
            IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity
                if entry.kind == Some(ServicePrincipalType::ServiceIdentity) =>
            {
                fields.push("identity.type");
            }
            IdentityKind::ServicePrincipal if is_managed == Some(true) => fields.push("identity.type"),
            IdentityKind::ManagedIdentity if is_managed == Some(false) => fields.push("identity.type"),
            _ => {}
        }
        if disagree(entry.app_id.as_ref().map(Id::as_ref), identity.app_id) {
            fields.push("identity.appId");
        }
        if disagree(entry.owner_tenant.as_ref().map(Id::as_ref), identity.owner_tenant) {
            fields.push("identity.ownerTenant");
        }
        if disagree(entry.audience, identity.audience) {
            fields.push("identity.audience");
        }
        if attributes_disagree(entry.attributes.as_ref(), identity.attributes.as_ref()) {
            fields.push("identity.customSecurityAttributes");
        }
    }
    // A service principal of the catalogue is no user.
    let is_user = matches!(identity.kind, IdentityKind::User | IdentityKind::AgentUser);
    if is_user && bundle.principals.iter().any(|principal| principal.id.as_ref() == identity.id) {
        fields.push("identity.type");
    }
    if identity.kind == IdentityKind::User || identity.kind == IdentityKind::AgentUser {
        let home = |tenant: Option<IdRef<'_>>| match (identity.home_tenant, tenant) {
            (Some(home), Some(tenant)) => is_same(home, tenant),
            _ => Truth::Unknown,
        };
        let lives_with_consumers = home(Some(consumers().as_ref()));
        let lives_here = home(bundle.settings.tenant_id.as_ref().map(Id::as_ref));
        let is_impossible = match identity.guest_type {
            None => false,
            Some(GuestType::PersonalMicrosoftAccount) => lives_with_consumers == Truth::False,
            // Whose home is this tenant: members, and guests without external credentials.
            Some(GuestType::None | GuestType::InternalGuest) => {
                lives_here == Truth::False || lives_with_consumers == Truth::True
            }
            // Whose home is another one.
            Some(_) => lives_here == Truth::True,
        };
        if is_impossible {
            fields.push("identity.homeTenant");
        }
    }
    // What a device is not it does not satisfy.
    if let Some(device) = &request.device {
        let satisfied = request.satisfied.built_in;
        if satisfied.contains(GrantControl::CompliantDevice) && device.is_compliant == Some(false) {
            fields.push("device.isCompliant");
        }
        let is_hybrid = device.trust_type.as_ref().map(|kind| kind.to_lowercase() == "serverad");
        if satisfied.contains(GrantControl::DomainJoinedDevice) && is_hybrid == Some(false) {
            fields.push("device.trustType");
        }
    }
    for app in &request.resource.app_ids {
        if disagree(catalogued_kind(bundle, *app), request.resource.kind) {
            fields.push("resource.type");
        }
        let known = catalogued_app(bundle, *app).and_then(|entry| entry.attributes.as_ref());
        if attributes_disagree(known, request.resource.attributes.as_ref()) {
            fields.push("resource.customSecurityAttributes");
        }
    }
    // A caller whose own look-up found nothing contradicts a database that found a country.
    if let (Some(address), Some(said)) = (request.network.ip_address, request.network.country)
        && let Some(found @ CountryFact::Known(_)) = country_of(address)
        && said != found
    {
        fields.push("network.country");
    }
    fields.into_iter().map(|field| InputError::conflict(field, "contradicts another source")).collect()
}

fn disagree<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

fn attributes_disagree(one: Option<&Attributes<'_>>, other: Option<&Attributes<'_>>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if !one.agrees_with(other))
}
