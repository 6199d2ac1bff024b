//! What is known of a request: its own facts, joined with those of the catalogue.
//!
//! Two sources of one fact that disagree are an error here. Says nothing about policies.

use std::cell::OnceCell;

use super::audience::Audiences;
use super::cedar::CedarRequest;
use super::guest;
use super::membership::Memberships;
use crate::compile::{
    Class, CompiledBundle, EligibilityFacts, Known, LocationIndex, LocationMarks, LocationSet, LocationTable, contains,
    insert, ones,
};
use crate::model::bundle::MissingIp;
use crate::model::decision::InputError;
use crate::model::location::{Country, CountryFact};
use crate::model::request::{Device, Identity, Network, Resource, Satisfied};
use crate::model::{
    Attributes, GrantControl, Id, IdRef, IdentityKind, ResourceKind, ServicePrincipal, ServicePrincipalType,
    TokenRequest, Truth,
};

/// The facts of one request.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The request.
    pub request: &'a TokenRequest<'a>,
    /// The bundle.
    pub bundle: &'a CompiledBundle,
    /// What the bundle knows of who asks, as a workload.
    pub workload: Workload<'a>,
    /// Whether workload policies cover it at all; only of service principals and managed identities.
    pub eligible: Truth,
    /// The locations.
    pub locations: &'a LocationFacts,
    /// Groups and roles of a user.
    pub memberships: &'a Memberships,
    /// What the token is for.
    pub audiences: Audiences<'a>,
    /// The request in Cedar's terms, once some condition has asked for it.
    pub cedar: OnceCell<Option<Box<CedarRequest>>>,
}

/// Memory for facts, to reuse: sets that are too large to copy about.
#[derive(Debug, Default)]
pub struct FactScratch {
    locations: LocationFacts,
    memberships: Memberships,
}

impl FactScratch {
    /// Settles where `request` comes from and who asks, of whom the bundle knows `workload`: all that most decisions about
    /// workloads look at. Whether it is eligible. Errors: what is said disagrees.
    ///
    /// WHY not the facts themselves: they are larger than an error, and would be moved out of a result.
    #[inline]
    pub fn settle(
        &mut self,
        bundle: &CompiledBundle,
        request: &TokenRequest<'_>,
        workload: Workload<'_>,
    ) -> Result<Truth, InputError> {
        self.locations.settle(bundle, &request.network, country)?;
        join(bundle, request, workload, &mut self.memberships)
    }

    /// Where the request comes from that was settled last.
    pub const fn locations(&self) -> &LocationFacts {
        &self.locations
    }
}

/// What the bundle knows of somebody as a workload or agent identity.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'b> {
    /// The policies that may cover it.
    pub class: Class<'b>,
    known: Option<&'b Known>,
}

impl<'a> Facts<'a> {
    /// Joins request and bundle.
    #[inline]
    pub fn settle(
        bundle: &'a CompiledBundle,
        request: &'a TokenRequest<'a>,
        scratch: &'a mut FactScratch,
    ) -> Result<Self, InputError> {
        let workload = Workload::of(bundle, &request.identity);
        let eligible = scratch.settle(bundle, request, workload)?;
        Ok(Self::of(bundle, request, scratch, workload, eligible))
    }

    /// Joins a supposed request and a bundle: the country that is said is that of country locations, whatever the
    /// address is, and a workload of which nobody knows whether it is eligible is. Microsoft's own examples of What If
    /// put one address into two countries, and its service principals are single-tenant ones by definition.
    /// Source: Microsoft Graph, conditionalAccessRoot: evaluate; Entra documentation, What If tool; read August 2026.
    pub fn suppose(
        bundle: &'a CompiledBundle,
        request: &'a TokenRequest<'a>,
        scratch: &'a mut FactScratch,
    ) -> Result<Self, InputError> {
        scratch.locations.settle(bundle, &request.network, |said, mapped| Ok(said.or(mapped)))?;
        let workload = Workload::of(bundle, &request.identity);
        let eligible = match join(bundle, request, workload, &mut scratch.memberships)? {
            Truth::Unknown => Truth::True,
            known => known,
        };
        Ok(Self::of(bundle, request, scratch, workload, eligible))
    }

    /// The facts that `scratch` was settled for, with `eligible` as the answer.
    #[inline]
    pub fn of(
        bundle: &'a CompiledBundle,
        request: &'a TokenRequest<'a>,
        scratch: &'a FactScratch,
        workload: Workload<'a>,
        eligible: Truth,
    ) -> Self {
        Self {
            request,
            bundle,
            workload,
            eligible,
            locations: &scratch.locations,
            memberships: &scratch.memberships,
            audiences: Audiences::of(&request.resource, request.credential.kind),
            cedar: OnceCell::new(),
        }
    }

    /// The catalogue's entry of the identity.
    pub fn principal(&self) -> Option<&ServicePrincipal> {
        self.bundle.principal(self.workload.known?.catalogue()?)
    }

    /// All custom security attributes of the identity; `None`: nobody said.
    pub fn attributes(&self) -> Option<&Attributes<'_>> {
        let catalogue = || self.principal()?.attributes.as_ref();
        self.request.identity.attributes.as_ref().or_else(catalogue)
    }

    /// What kind of object a resource is; `None`: nobody said. The directory, which nobody names, is an application.
    pub fn resource_kind(&self, app_id: IdRef<'_>, is_named: bool) -> Option<ResourceKind> {
        if !is_named {
            return Some(ResourceKind::Application);
        }
        self.request.resource.kind.or_else(|| self.bundle.kind_of_resource(app_id))
    }

    /// All custom security attributes of a resource's service principal; `None`: nobody said. The request's own are
    /// about the resource that it names. Of several it does not say whose they are: those of one must not exempt another.
    pub fn resource_attributes(&self, app_id: IdRef<'_>, is_named: bool) -> Option<&Attributes<'_>> {
        let resource = &self.request.resource;
        let is_only = || resource.app_ids.iter().all(|other| *other == app_id);
        let own = resource.attributes.as_ref().filter(|_| is_named && is_only());
        own.or_else(|| self.bundle.attributes_of_app(app_id))
    }
}

/// Holds what the request says against the bundle; whether the workload is eligible, or the memberships of a user.
#[inline]
fn join(
    bundle: &CompiledBundle,
    request: &TokenRequest<'_>,
    workload: Workload<'_>,
    memberships: &mut Memberships,
) -> Result<Truth, InputError> {
    let identity = &request.identity;
    let Resource { attributes, kind, .. } = &request.resource;
    if request.device.is_some() || attributes.is_some() || kind.is_some() {
        agree_on_device_and_resource(bundle, request)?;
    }
    let catalogued = workload.known.and_then(|known| Some((known, known.catalogue()?)));
    match (identity.kind, catalogued) {
        (IdentityKind::User | IdentityKind::AgentUser, Some(_)) => {
            Err(InputError::conflict("identity.type", CATALOGUE_DISAGREES))
        }
        (IdentityKind::User | IdentityKind::AgentUser, None) => join_person(bundle, identity, memberships),
        (_, Some((known, index))) => agree_with_catalogue(bundle, identity, known, index),
        (_, None) => {
            let facts = EligibilityFacts {
                kind: stated_kind(identity),
                owner_tenant: identity.owner_tenant,
                audience: identity.audience,
            };
            Ok(facts.judge(bundle.identity().eligibility, bundle.identity().tenant_id.as_ref()))
        }
    }
}

/// WHY apart: decisions about workloads are quicker without the room that this needs.
#[inline(never)]
fn join_person(
    bundle: &CompiledBundle,
    identity: &Identity<'_>,
    memberships: &mut Memberships,
) -> Result<Truth, InputError> {
    if guest::contradicts(identity, bundle.identity().tenant_id.as_ref()) {
        let what = "is not where `identity.guestType` has its home";
        return Err(InputError::conflict("identity.homeTenant", what));
    }
    memberships.settle(bundle, identity);
    Ok(Truth::True)
}

impl<'b> Workload<'b> {
    /// Cost: one hash look-up.
    #[inline]
    pub fn of(bundle: &'b CompiledBundle, identity: &Identity<'_>) -> Self {
        let (known, class) = bundle.workloads().class(identity.id);
        Self { class, known }
    }
}

/// Whether a workload is eligible of which the bundle knows entry `index` of its catalogue. Errors: the request says
/// something else of it.
fn agree_with_catalogue(
    bundle: &CompiledBundle,
    identity: &Identity<'_>,
    known: &Known,
    index: usize,
) -> Result<Truth, InputError> {
    let is_managed = identity.kind == IdentityKind::ManagedIdentity;
    let is_agent = identity.kind == IdentityKind::AgentIdentity;
    let agrees = known.kind.is_none_or(|kind| match kind {
        ServicePrincipalType::ManagedIdentity => is_managed,
        ServicePrincipalType::ServiceIdentity => is_agent,
        _ => !is_managed && !is_agent,
    });
    if !agrees {
        return Err(InputError::conflict("identity.type", CATALOGUE_DISAGREES));
    }
    // WHY: most requests state no fact that the catalogue also has; its entry is then not touched, which spares
    // the decision a cache miss.
    let states_facts = identity.app_id.is_some()
        || identity.owner_tenant.is_some()
        || identity.audience.is_some()
        || identity.attributes.is_some();
    let principal = bundle.principal(index).filter(|_| states_facts);
    if let Some(principal) = principal {
        agree_on_principal(identity, principal)?;
    }
    let settings = bundle.identity();
    // What the request says is then what the catalogue says, and that has been judged.
    let is_judged = || principal.is_some_and(|entry| entry.owner_tenant.is_some() && entry.audience.is_some());
    if !is_managed && (!states_facts || is_judged()) {
        return Ok(known.eligible);
    }
    let facts = EligibilityFacts {
        kind: known.kind.or(stated_kind(identity)),
        owner_tenant: identity
            .owner_tenant
            .or(principal.and_then(|principal| principal.owner_tenant.as_ref()).map(Id::as_ref)),
        audience: identity.audience.or(principal.and_then(|principal| principal.audience)),
    };
    Ok(facts.judge(settings.eligibility, settings.tenant_id.as_ref()))
}
/// What kind of service principal a request says that its identity is, as far as eligibility goes.
fn stated_kind(identity: &Identity<'_>) -> Option<ServicePrincipalType> {
    (identity.kind == IdentityKind::ManagedIdentity).then_some(ServicePrincipalType::ManagedIdentity)
}

const CATALOGUE_DISAGREES: &str = "is not what the bundle's catalogue says";

/// Holds the request's facts against the catalogue's.
fn agree_on_principal(identity: &Identity<'_>, principal: &ServicePrincipal) -> Result<(), InputError> {
    agree("identity.appId", identity.app_id, principal.app_id.as_ref().map(Id::as_ref))?;
    agree("identity.ownerTenant", identity.owner_tenant, principal.owner_tenant.as_ref().map(Id::as_ref))?;
    agree("identity.audience", identity.audience, principal.audience)?;
    let field = "identity.customSecurityAttributes";
    agree_on_attributes(field, identity.attributes.as_ref(), principal.attributes.as_ref())
}

/// A device cannot satisfy what it is not.
fn agree_on_device(device: &Device<'_>, satisfied: &Satisfied<'_>) -> Result<(), InputError> {
    match satisfied.built_in.iter().find(|control| device.contradicts(*control)) {
        Some(GrantControl::CompliantDevice) => Err(InputError::conflict("device.isCompliant", DEVICE_DISAGREES)),
        Some(_) => Err(InputError::conflict("device.trustType", DEVICE_DISAGREES)),
        None => Ok(()),
    }
}

/// WHY apart: workloads have no devices, and most requests leave to the catalogue what it knows of resources.
#[inline(never)]
fn agree_on_device_and_resource(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Result<(), InputError> {
    let TokenRequest { device, resource, satisfied, .. } = request;
    if let Some(device) = device.as_deref() {
        agree_on_device(device, satisfied)?;
    }
    for app_id in resource.app_ids.iter().filter(|_| resource.attributes.is_some()) {
        let catalogue = bundle.attributes_of_app(*app_id);
        agree_on_attributes("resource.customSecurityAttributes", resource.attributes.as_ref(), catalogue)?;
    }
    for app_id in resource.app_ids.iter().filter(|_| resource.kind.is_some()) {
        agree("resource.type", resource.kind, bundle.kind_of_resource(*app_id))?;
    }
    Ok(())
}

const DEVICE_DISAGREES: &str = "is not what `satisfied.builtInControls` says of the device";

fn agree<T: PartialEq>(field: &str, request: Option<T>, catalogue: Option<T>) -> Result<(), InputError> {
    match (request, catalogue) {
        (Some(request), Some(catalogue)) if request != catalogue => {
            Err(InputError::conflict(field, CATALOGUE_DISAGREES))
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
            Err(InputError::conflict(field, CATALOGUE_DISAGREES))
        }
        _ => Ok(()),
    }
}

/// Locations, as a set and as marks of the same, since some who ask are quicker with the one and some with the other.
#[derive(Debug, Default)]
struct Inside {
    set: LocationSet,
    marks: LocationMarks,
}

impl Inside {
    fn clear(&mut self, words: usize) {
        clear(&mut self.set, words);
        self.marks.clear(words);
    }

    #[inline]
    fn enter(&mut self, location: LocationIndex) {
        insert(&mut self.set, location);
        self.marks.mark(location);
    }
}

/// Where a request comes from, as sets of locations. Only the words that the bundle uses mean anything.
#[derive(Debug, Default)]
pub struct LocationFacts {
    inside: Inside,
    /// Locations that may contain it; a superset of `inside`, and only right when not all is known.
    possible: LocationSet,
    is_all_known: bool,
}

impl LocationFacts {
    /// Where `network` is, as a decision sees it. Errors: the country is not that of the address.
    pub fn enter(&mut self, bundle: &CompiledBundle, network: &Network) -> Result<(), InputError> {
        self.settle(bundle, network, country)
    }

    /// `country` says which country a request is in: by its caller, and by the database.
    #[inline]
    fn settle(
        &mut self,
        bundle: &CompiledBundle,
        network: &Network,
        country: impl Fn(Option<CountryFact>, Option<CountryFact>) -> Result<Option<CountryFact>, InputError>,
    ) -> Result<(), InputError> {
        let (table, settings) = (bundle.location_table(), bundle.identity());
        let words = table.words;
        let Self { inside, possible: unknown, is_all_known } = self;
        inside.clear(words);
        let mut enter = |location| inside.enter(location);
        *is_all_known = true;
        let mut may_be_in = |set: &LocationSet| {
            if std::mem::take(is_all_known) {
                clear(unknown, words);
            }
            unite(unknown, set, words);
        };
        let is_outside = settings.missing_ip == MissingIp::OutsideAll;
        let place = network.ip_address.map(|address| bundle.place(address));
        match place {
            Some(place) => place.locations.each(&mut enter),
            None if is_outside => {}
            None => may_be_in(&table.by_address),
        }
        if table.has_countries || network.country.is_some() {
            let mapped = place.filter(|_| settings.has_country_database).map(|place| place.country);
            match country(network.country, mapped)? {
                Some(country) => row(&table.of_country, LocationTable::row(country)).for_each(&mut enter),
                None if place.is_none() && is_outside => {}
                None => may_be_in(&table.by_country),
            }
        }
        if table.has_gps {
            match network.gps_country {
                Some(country) => row(&table.of_gps, Country::index(country)).for_each(&mut enter),
                None => may_be_in(&table.by_gps),
            }
        }
        if table.has_compliant_network {
            match network.compliant_network {
                Some(true) => each(&table.by_compliant_network, words, &mut enter),
                Some(false) => {}
                None => may_be_in(&table.by_compliant_network),
            }
        }
        if meet(&inside.set, &table.trusted, words) {
            inside.enter(table.all_trusted);
        } else if !*is_all_known && meet(unknown, &table.trusted, words) {
            insert(unknown, table.all_trusted);
        }
        if !*is_all_known {
            unite(unknown, &inside.set, words);
        }
        Ok(())
    }

    /// Locations that certainly contain it.
    pub const fn inside(&self) -> &LocationSet {
        &self.inside.set
    }

    /// Locations that may contain it; a superset of [`Self::inside`], and the same set where all is known.
    pub const fn possible(&self) -> &LocationSet {
        if self.is_all_known { &self.inside.set } else { &self.possible }
    }

    /// The locations that contain it, marked; `None`: others may.
    #[inline]
    pub fn marks(&self) -> Option<&LocationMarks> {
        self.is_all_known.then_some(&self.inside.marks)
    }

    /// Whether the request is in `location`.
    pub fn is_in(&self, location: LocationIndex) -> Truth {
        if contains(self.inside(), location) {
            Truth::True
        } else if contains(self.possible(), location) {
            Truth::Unknown
        } else {
            Truth::False
        }
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

fn row(rows: &[Box<[LocationIndex]>], row: usize) -> impl Iterator<Item = LocationIndex> {
    rows.get(row).into_iter().flatten().copied()
}

fn each(set: &LocationSet, words: usize, mut found: impl FnMut(LocationIndex)) {
    for (first, word) in (0..).step_by(64).zip(set.iter().take(words)) {
        ones(*word).for_each(|bit| found(first + bit as LocationIndex));
    }
}

fn unite(set: &mut LocationSet, other: &LocationSet, words: usize) {
    set.iter_mut().zip(other).take(words).for_each(|(word, other)| *word |= other);
}

/// Words that are looked at whatever the bundle has: those of Entra's 195 locations.
///
/// WHY: a fixed few are done at once, without a loop.
const FEW_WORDS: usize = 4;

fn meet(set: &LocationSet, other: &LocationSet, words: usize) -> bool {
    let pairs = || set.iter().zip(other);
    pairs().take(FEW_WORDS).fold(0, |met, (word, other)| met | (word & other)) != 0
        || (words > FEW_WORDS && pairs().take(words).skip(FEW_WORDS).any(|(word, other)| word & other != 0))
}

fn clear(set: &mut LocationSet, words: usize) {
    set.iter_mut().take(FEW_WORDS).for_each(|word| *word = 0);
    if words > FEW_WORDS {
        set.iter_mut().take(words).skip(FEW_WORDS).for_each(|word| *word = 0);
    }
}
