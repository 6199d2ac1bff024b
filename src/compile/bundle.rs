//! The compiled bundle: immutable, shared by all threads, made once.

use std::net::IpAddr;

use super::directory::Directory;
use super::entity::EntityTable;
use super::gate::Gates;
use super::idmap::IdMap;
use super::network::{LocationIndex, NetworkTable, Place};
use super::policy::{CompiledPolicy, PolicyHead, PolicyIndex};
use super::subject::Population;
use super::wide::WideMasks;
use super::workload::{Slot, Workloads};
use crate::limits;
use crate::model::bundle::{DefaultDecision, Eligibility, MissingIp};
use crate::model::location::{Country, CountryFact};
use crate::model::{Attributes, Id, IdRef, ResourceKind, ServicePrincipal, ServicePrincipalType};

/// Words in a set of locations: the named ones, the two pseudo-locations, and words that stay empty.
///
/// WHY: a power of two, so that finding a word needs no check.
pub const LOCATION_WORDS: usize = ((limits::LOCATIONS_MAX + 2) / 64 + 1).next_power_of_two();

/// A set of locations.
pub type LocationSet = [u64; LOCATION_WORDS];

/// Everything a decision needs.
#[derive(Debug)]
pub struct CompiledBundle {
    pub(super) identity: BundleIdentity,
    pub(super) heads: Vec<PolicyHead>,
    /// Policies that take part, by slot: wide ones first, each group in bundle order.
    pub(super) policies: Vec<CompiledPolicy>,
    pub(super) gates: Gates,
    /// The enforced policies that oblige callers to something.
    pub(super) obliging: Vec<Slot>,
    pub(super) wide: WideMasks,
    pub(super) workloads: Workloads,
    /// Policies for users, agents' user accounts included, and those for agent identities.
    pub(super) users: Population,
    pub(super) agents: Population,
    pub(super) network: NetworkTable,
    pub(super) locations: LocationTable,
    pub(super) catalogue: Vec<ServicePrincipal>,
    pub(super) catalogue_by_app: IdMap<u32>,
    pub(super) directory: Directory,
    pub(super) entities: EntityTable,
}

/// What the bundle says of itself.
#[derive(Debug)]
pub struct BundleIdentity {
    pub(crate) name: Box<str>,
    pub(crate) revision: Box<str>,
    pub(crate) digest: Box<str>,
    pub(crate) sequence: Option<u64>,
    pub(crate) expires: Option<jiff::Timestamp>,
    pub(crate) tenant_id: Option<Id>,
    pub(crate) default_decision: DefaultDecision,
    pub(crate) missing_ip: MissingIp,
    pub(crate) eligibility: Eligibility,
    pub(crate) has_country_database: bool,
    pub(crate) ranges: usize,
}

impl CompiledBundle {
    /// Name in answers, logs and metrics.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Label of this version.
    pub fn revision(&self) -> &str {
        &self.identity.revision
    }

    /// SHA-256 of the files, hex.
    pub fn digest(&self) -> &str {
        &self.identity.digest
    }

    /// The strictly increasing number, if the bundle has one.
    pub fn sequence(&self) -> Option<u64> {
        self.identity.sequence
    }

    /// From when on the bundle is refused.
    pub fn expires(&self) -> Option<jiff::Timestamp> {
        self.identity.expires
    }

    /// Whether it has expired at the time `now`. What is in force stays so: old rules are better than none.
    pub fn has_expired(&self, now: jiff::Timestamp) -> bool {
        self.identity.expires.is_some_and(|expires| expires <= now)
    }

    /// Every policy in bundle order, also those that take no part.
    pub fn policies(&self) -> &[PolicyHead] {
        &self.heads
    }

    /// The policy at `index`, which must stem from this bundle.
    #[expect(clippy::indexing_slicing, reason = "indexes are made by this bundle, one for each of its policies")]
    pub fn policy(&self, index: PolicyIndex) -> &PolicyHead {
        &self.heads[index.as_usize()]
    }

    /// Every policy with its index.
    pub fn indexed_policies(&self) -> impl Iterator<Item = (PolicyIndex, &PolicyHead)> {
        (0..).map(PolicyIndex).zip(&self.heads)
    }

    /// How many named locations there are.
    pub fn locations(&self) -> usize {
        self.locations.names.len()
    }

    /// How many address ranges the named locations have.
    pub fn ranges(&self) -> usize {
        self.identity.ranges
    }

    /// How many service principals the catalogue has.
    pub fn principals(&self) -> usize {
        self.catalogue.len()
    }

    /// The catalogue of entities.
    pub fn entities(&self) -> &EntityTable {
        &self.entities
    }

    /// The locations and the country of an address, which must be canonical.
    #[inline]
    pub fn place(&self, address: IpAddr) -> Place<'_> {
        self.network.place(address)
    }

    /// The country of an address, which must be canonical, by the bundle's database; `None` when it has none.
    pub fn country(&self, address: IpAddr) -> Option<CountryFact> {
        self.identity.has_country_database.then(|| self.place(address).country)
    }

    /// Memory of the tables, bytes: what grows with policies, principals and ranges.
    pub fn table_bytes(&self) -> usize {
        let subjects = self.users.bytes() + self.agents.bytes();
        let workloads = self.workloads.bytes() + self.gates.bytes() + self.wide.bytes();
        self.network.bytes() + workloads + self.directory.bytes() + subjects
    }

    pub(crate) fn identity(&self) -> &BundleIdentity {
        &self.identity
    }

    pub(crate) fn compiled(&self) -> &[CompiledPolicy] {
        &self.policies
    }

    #[expect(clippy::indexing_slicing, reason = "slots are made by this bundle, one for each policy that takes part")]
    pub(crate) fn slot(&self, slot: Slot) -> &CompiledPolicy {
        &self.policies[slot as usize]
    }

    /// The enforced policies that oblige callers to something, by slot.
    pub(crate) fn obliging(&self) -> &[Slot] {
        &self.obliging
    }

    pub(crate) fn gates(&self) -> &Gates {
        &self.gates
    }

    pub(crate) fn wide(&self) -> &WideMasks {
        &self.wide
    }

    pub(crate) fn workloads(&self) -> &Workloads {
        &self.workloads
    }

    pub(crate) fn users(&self) -> &Population {
        &self.users
    }

    pub(crate) fn agents(&self) -> &Population {
        &self.agents
    }

    pub(crate) fn location_table(&self) -> &LocationTable {
        &self.locations
    }

    pub(crate) fn principal(&self, index: usize) -> Option<&ServicePrincipal> {
        self.catalogue.get(index)
    }

    /// The catalogue's entry for an object id.
    pub(crate) fn principal_of(&self, id: IdRef<'_>) -> Option<&ServicePrincipal> {
        self.principal(self.workloads.class(id).0?.catalogue()?)
    }

    /// The catalogue's entry for the service principal of an application.
    pub(crate) fn principal_of_app(&self, app_id: IdRef<'_>) -> Option<&ServicePrincipal> {
        self.principal(*self.catalogue_by_app.value(app_id)? as usize)
    }

    /// What kind of object a requested resource is, if the catalogue has it, by app id or object id, and says.
    pub(crate) fn kind_of_resource(&self, id: IdRef<'_>) -> Option<ResourceKind> {
        let principal = self.principal_of_app(id).or_else(|| self.principal_of(id))?;
        principal.kind.map(|kind| match kind {
            ServicePrincipalType::ServiceIdentity => ResourceKind::AgentIdentity,
            ServicePrincipalType::AgentBlueprint => ResourceKind::AgentBlueprint,
            _ => ResourceKind::Application,
        })
    }

    /// Custom security attributes of the service principal of an application, if the catalogue has them.
    pub(crate) fn attributes_of_app(&self, app_id: IdRef<'_>) -> Option<&Attributes<'static>> {
        self.principal_of_app(app_id)?.attributes.as_ref()
    }

    /// Number of a group or role that some policy names.
    #[inline]
    pub(crate) fn directory_object(&self, id: IdRef<'_>) -> Option<u32> {
        self.directory.number(id)
    }

    /// The group or role of a number.
    pub(crate) fn directory_name(&self, number: u32) -> Option<&Id> {
        self.directory.name(number)
    }

    /// How many groups and roles policies name.
    pub(crate) fn directory_size(&self) -> usize {
        self.directory.len()
    }
}

/// What is known of locations besides their ranges.
#[derive(Debug)]
pub struct LocationTable {
    /// Names of the named locations.
    pub(crate) names: Vec<Box<str>>,
    /// Their ids, where they have one.
    pub(crate) ids: Vec<Option<Id>>,
    /// Locations whose names stand for them in conditions in Cedar, and for nothing else.
    pub(crate) by_name: LocationSet,
    /// Words of a [`LocationSet`] that are in use.
    pub(crate) words: usize,
    /// The set of all trusted locations.
    pub(crate) all_trusted: LocationIndex,
    /// Locations judged by address ranges, the MFA trusted IPs among them if there are any.
    pub(crate) by_address: LocationSet,
    /// Country locations judged by address.
    pub(crate) by_country: LocationSet,
    /// Country locations judged by GPS.
    pub(crate) by_gps: LocationSet,
    /// Compliant network locations.
    pub(crate) by_compliant_network: LocationSet,
    /// Whether there are country locations judged by address.
    pub(crate) has_countries: bool,
    /// Whether there are country locations judged by GPS.
    pub(crate) has_gps: bool,
    /// Whether there are compliant network locations.
    pub(crate) has_compliant_network: bool,
    /// Locations that `AllTrusted` includes.
    pub(crate) trusted: LocationSet,
    /// Locations judged by address that contain each country, then the unmapped; by [`Country::index`].
    pub(crate) of_country: Vec<Box<[LocationIndex]>>,
    /// The same for locations judged by GPS.
    pub(crate) of_gps: Vec<Box<[LocationIndex]>>,
}

impl LocationTable {
    /// How Cedar spells `location`: its id if it has one, else its name; pseudo-locations as policies spell them.
    pub(crate) fn spelling(&self, location: LocationIndex) -> String {
        let index = usize::from(location);
        match (self.ids.get(index), self.names.get(index)) {
            (Some(Some(id)), _) => id.to_string(),
            (_, Some(name)) => name.to_string(),
            _ if location == self.all_trusted => "AllTrusted".to_owned(),
            _ => Id::NIL.to_string(),
        }
    }

    /// Position of `country` in the tables above.
    pub(crate) fn row(country: CountryFact) -> usize {
        match country {
            CountryFact::Known(country) => country.index(),
            CountryFact::Unmapped => Country::COUNT,
        }
    }
}

/// Adds `location` to `set`; a number outside the table is ignored.
pub fn insert(set: &mut LocationSet, location: LocationIndex) {
    if let Some(word) = set.get_mut(usize::from(location) / 64) {
        *word |= 1 << (location % 64);
    }
}

/// Whether `location` is in `set`.
pub fn contains(set: &LocationSet, location: LocationIndex) -> bool {
    let word = usize::from(location) / 64 % LOCATION_WORDS;
    set.get(word).is_some_and(|word| word >> (location % 64) & 1 == 1)
}

/// The places of the ones of a word of a mask, ascending.
#[inline]
pub fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let place = (word != 0).then(|| word.trailing_zeros());
        word &= word.wrapping_sub(1);
        place
    })
}

/// A byte for each location, for gates, which ask five times each whether one is in a set: a look-up in the place of
/// finding a word and shifting it.
#[derive(Debug)]
pub struct LocationMarks([bool; LOCATION_WORDS * 64]);

impl Default for LocationMarks {
    fn default() -> Self {
        Self([false; LOCATION_WORDS * 64])
    }
}

impl LocationMarks {
    /// Marks that are taken away whatever the bundle has: those of a word.
    const FEW: usize = 64;

    /// Whether `location` is marked.
    #[inline]
    pub fn has(&self, location: LocationIndex) -> bool {
        self.0.get(usize::from(location) % (LOCATION_WORDS * 64)).is_some_and(|mark| *mark)
    }

    /// Marks `location`.
    #[inline]
    pub fn mark(&mut self, location: LocationIndex) {
        if let Some(mark) = self.0.get_mut(usize::from(location)) {
            *mark = true;
        }
    }

    /// Takes the marks of the locations of so many words of a [`LocationSet`] away.
    #[inline]
    pub fn clear(&mut self, words: usize) {
        // WHY: a fixed few are done at once, without a call.
        let (few, rest) = self.0.split_at_mut(Self::FEW);
        few.fill(false);
        if words * 64 > Self::FEW {
            rest.iter_mut().take(words * 64 - Self::FEW).for_each(|mark| *mark = false);
        }
    }
}
