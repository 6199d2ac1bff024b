//! What is known of a request: its own facts, joined with those of the catalogue.
//!
//! Two sources of one fact that disagree are an error here. Says nothing about policies.

use crate::compile::{
    CompiledBundle, EligibilityFacts, LocationIndex, LocationSet, LocationTable, contains, insert, risk_bit,
};
use crate::model::bundle::MissingIp;
use crate::model::decision::InputError;
use crate::model::location::{Country, CountryFact};
use crate::model::request::{Identity, Network};
use crate::model::{Attributes, Id, IdRef, IdentityKind, ServicePrincipal, ServicePrincipalType, TokenRequest, Truth};

/// The facts of one request. `'r` is the request's, `'b` the bundle's.
#[derive(Debug)]
pub struct Facts<'r, 'b> {
    /// The request.
    pub request: &'r TokenRequest<'r>,
    /// The bundle.
    pub bundle: &'b CompiledBundle,
    /// Whether the workload is covered by workload policies at all; meaningless for other identities.
    pub eligible: Truth,
    /// The identity's custom security attributes as the catalogue has them; the request's own are in the request.
    catalogue_attributes: Option<&'b Attributes<'static>>,
    /// The locations.
    pub locations: LocationFacts,
    /// The bit of the service principal's risk.
    pub risk_bit: u8,
    /// Groups and roles of a user.
    pub memberships: Memberships,
}

impl<'r, 'b> Facts<'r, 'b> {
    /// Joins request and bundle. `memberships` is memory to reuse.
    pub fn settle(
        bundle: &'b CompiledBundle,
        request: &'r TokenRequest<'r>,
        mut memberships: Memberships,
    ) -> Result<Self, InputError> {
        let locations = LocationFacts::settle(bundle, &request.network)?;
        let identity = &request.identity;
        if let Some(own) = &request.resource.attributes {
            for app_id in &request.resource.app_ids {
                let catalogue = bundle.attributes_of_app(*app_id);
                agree_on_attributes("resource.customSecurityAttributes", Some(own), catalogue)?;
            }
        }
        let (eligible, catalogue_attributes) = match identity.kind {
            IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => settle_workload(bundle, identity)?,
            IdentityKind::AgentIdentity => (Truth::True, settle_agent(bundle, identity)?),
            IdentityKind::User | IdentityKind::AgentUser => {
                memberships.settle(bundle, identity);
                (Truth::True, None)
            }
        };
        Ok(Self {
            request,
            bundle,
            eligible,
            catalogue_attributes,
            locations,
            risk_bit: risk_bit(request.risk.service_principal),
            memberships,
        })
    }

    /// All custom security attributes of the identity; `None`: nobody said.
    pub fn attributes(&self) -> Option<&Attributes<'_>> {
        self.request.identity.attributes.as_ref().or(self.catalogue_attributes)
    }

    /// All custom security attributes of a resource's service principal; `None`: nobody said.
    pub fn resource_attributes(&self, app_id: IdRef<'_>) -> Option<&Attributes<'_>> {
        let own = self.request.resource.attributes.as_ref();
        own.or_else(|| self.bundle.attributes_of_app(app_id))
    }

    /// Gives the memory of the memberships back.
    pub fn into_memberships(self) -> Memberships {
        self.memberships
    }
}

type Settled<'b> = (Truth, Option<&'b Attributes<'static>>);

fn settle_workload<'b>(bundle: &'b CompiledBundle, identity: &Identity<'_>) -> Result<Settled<'b>, InputError> {
    let own = own_kind(identity.kind);
    let (known, _) = bundle.workloads().class(identity.id);
    let catalogue = known.and_then(|known| Some((known, bundle.principal(known.catalogue()?)?)));
    let Some((known, principal)) = catalogue else {
        let kind =
            (own == Some(ServicePrincipalType::ManagedIdentity)).then_some(ServicePrincipalType::ManagedIdentity);
        let facts = EligibilityFacts { kind, owner_tenant: identity.owner_tenant, audience: identity.audience };
        return Ok((judge(bundle, facts), None));
    };
    if let Some(kind) = known.kind
        && (own == Some(ServicePrincipalType::ManagedIdentity)) != (kind == ServicePrincipalType::ManagedIdentity)
    {
        return Err(InputError::conflict("identity.type", "is not what the bundle's catalogue says"));
    }
    let attributes = agree_on_principal(identity, principal)?;
    let is_managed = own == Some(ServicePrincipalType::ManagedIdentity);
    if !is_managed && identity.owner_tenant.is_none() && identity.audience.is_none() {
        return Ok((known.eligible, attributes));
    }
    let facts = EligibilityFacts {
        kind: principal.kind.or(is_managed.then_some(ServicePrincipalType::ManagedIdentity)),
        owner_tenant: identity.owner_tenant.or(principal.owner_tenant.as_ref().map(Id::as_ref)),
        audience: identity.audience.or(principal.audience),
    };
    Ok((judge(bundle, facts), attributes))
}

fn settle_agent<'b>(
    bundle: &'b CompiledBundle,
    identity: &Identity<'_>,
) -> Result<Option<&'b Attributes<'static>>, InputError> {
    let (known, _) = bundle.workloads().class(identity.id);
    match known.and_then(|known| bundle.principal(known.catalogue()?)) {
        Some(principal) => agree_on_principal(identity, principal),
        None => Ok(None),
    }
}

/// Holds the request's facts against the catalogue's; gives the catalogue's attributes.
fn agree_on_principal<'b>(
    identity: &Identity<'_>,
    principal: &'b ServicePrincipal,
) -> Result<Option<&'b Attributes<'static>>, InputError> {
    agree("identity.appId", identity.app_id, principal.app_id.as_ref().map(Id::as_ref))?;
    agree("identity.ownerTenant", identity.owner_tenant, principal.owner_tenant.as_ref().map(Id::as_ref))?;
    agree("identity.audience", identity.audience, principal.audience)?;
    let attributes = principal.attributes.as_ref();
    agree_on_attributes("identity.customSecurityAttributes", identity.attributes.as_ref(), attributes)?;
    Ok(attributes)
}

fn own_kind(kind: IdentityKind) -> Option<ServicePrincipalType> {
    (kind == IdentityKind::ManagedIdentity).then_some(ServicePrincipalType::ManagedIdentity)
}

fn judge(bundle: &CompiledBundle, facts: EligibilityFacts<'_>) -> Truth {
    let identity = bundle.identity();
    facts.judge(identity.eligibility, identity.tenant_id.as_ref())
}

fn agree<T: PartialEq>(field: &str, request: Option<T>, catalogue: Option<T>) -> Result<(), InputError> {
    match (request, catalogue) {
        (Some(request), Some(catalogue)) if request != catalogue => {
            Err(InputError::conflict(field, "is not what the bundle's catalogue says"))
        }
        _ => Ok(()),
    }
}

fn agree_on_attributes(
    field: &str,
    request: Option<&Attributes<'_>>,
    catalogue: Option<&Attributes<'_>>,
) -> Result<(), InputError> {
    match (request, catalogue) {
        (Some(request), Some(catalogue)) if !request.agrees_with(catalogue) => {
            Err(InputError::conflict(field, "is not what the bundle's catalogue says"))
        }
        _ => Ok(()),
    }
}

/// Where a request comes from, as sets of locations.
#[derive(Debug)]
pub struct LocationFacts {
    /// Locations that certainly contain it.
    pub inside: LocationSet,
    /// Locations that may contain it; a superset of `inside`.
    pub possible: LocationSet,
    words: usize,
}

impl LocationFacts {
    fn settle(bundle: &CompiledBundle, network: &Network) -> Result<Self, InputError> {
        let table = bundle.location_table();
        let mut inside = LocationSet::default();
        let mut unknown = LocationSet::default();
        let is_outside = bundle.identity().missing_ip == MissingIp::OutsideAll;
        let place = network.ip_address.map(|address| bundle.place(address));
        match place {
            Some(place) => place.locations.iter().for_each(|location| insert(&mut inside, *location)),
            None if is_outside => {}
            None => unite(&mut unknown, &table.by_address),
        }
        let mapped = place.filter(|_| bundle.identity().has_country_database).map(|place| place.country);
        match country(network.country, mapped)? {
            Some(country) => enter(&mut inside, &table.of_country, LocationTable::row(country)),
            None if place.is_none() && is_outside => {}
            None => unite(&mut unknown, &table.by_country),
        }
        match network.gps_country {
            Some(country) => enter(&mut inside, &table.of_gps, Country::index(country)),
            None => unite(&mut unknown, &table.by_gps),
        }
        match network.compliant_network {
            Some(true) => unite(&mut inside, &table.by_compliant_network),
            Some(false) => {}
            None => unite(&mut unknown, &table.by_compliant_network),
        }
        if meet(&inside, &table.trusted) {
            insert(&mut inside, table.all_trusted);
        } else if meet(&unknown, &table.trusted) {
            insert(&mut unknown, table.all_trusted);
        }
        unite(&mut unknown, &inside);
        Ok(Self { inside, possible: unknown, words: table.words })
    }

    /// Whether the request is in `location`.
    pub fn is_in(&self, location: LocationIndex) -> Truth {
        if contains(&self.inside, location) {
            Truth::True
        } else if contains(&self.possible, location) {
            Truth::Unknown
        } else {
            Truth::False
        }
    }

    /// The locations that may contain the request, each with whether it certainly does.
    pub fn iter(&self) -> impl Iterator<Item = (LocationIndex, bool)> {
        (0u16..).zip(&self.possible).take(self.words).flat_map(move |(word, bits)| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                let bit = u16::try_from(rest.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                rest &= rest - 1;
                let location = word * 64 + bit;
                Some((location, contains(&self.inside, location)))
            })
        })
    }
}

/// The country of a request: the caller's word, the database's, or unknown. They may not contradict each other.
fn country(said: Option<CountryFact>, mapped: Option<CountryFact>) -> Result<Option<CountryFact>, InputError> {
    match (said, mapped) {
        (Some(said), Some(mapped @ CountryFact::Known(_))) if said != mapped => {
            Err(InputError::conflict("network.country", "is not the country of `network.ipAddress`"))
        }
        (Some(said), _) => Ok(Some(said)),
        (None, mapped) => Ok(mapped),
    }
}

fn enter(set: &mut LocationSet, rows: &[Box<[LocationIndex]>], row: usize) {
    rows.get(row).into_iter().flatten().for_each(|location| insert(set, *location));
}

fn unite(set: &mut LocationSet, other: &LocationSet) {
    set.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}

fn meet(set: &LocationSet, other: &LocationSet) -> bool {
    set.iter().zip(other).any(|(word, other)| word & other != 0)
}

/// Groups and roles of a user, as far as policies name them.
#[derive(Debug, Default)]
pub struct Memberships {
    groups: Vec<u64>,
    roles: Vec<u64>,
    are_groups_known: bool,
    are_roles_known: bool,
}

impl Memberships {
    fn settle(&mut self, bundle: &CompiledBundle, identity: &Identity<'_>) {
        let words = bundle.directory_size().div_ceil(64);
        let fill = |set: &mut Vec<u64>, ids: Option<&[IdRef<'_>]>| {
            set.clear();
            set.resize(words, 0);
            for number in ids.into_iter().flatten().filter_map(|id| bundle.directory_object(*id)) {
                if let Some(word) = set.get_mut(number as usize / 64) {
                    *word |= 1 << (number % 64);
                }
            }
            ids.is_some()
        };
        self.are_groups_known = fill(&mut self.groups, identity.groups.as_deref());
        self.are_roles_known = fill(&mut self.roles, identity.roles.as_deref());
    }

    /// Whether the user is in group `number`.
    pub fn is_in_group(&self, number: u32) -> Truth {
        member(&self.groups, self.are_groups_known, number)
    }

    /// Whether the user holds role `number`.
    pub fn has_role(&self, number: u32) -> Truth {
        member(&self.roles, self.are_roles_known, number)
    }
}

fn member(set: &[u64], is_known: bool, number: u32) -> Truth {
    match set.get(number as usize / 64) {
        _ if !is_known => Truth::Unknown,
        Some(word) => Truth::from(word >> (number % 64) & 1 == 1),
        None => Truth::False,
    }
}
