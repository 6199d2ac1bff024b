//! The compiled bundle: immutable, shared by all threads, made once.

use std::net::IpAddr;

use super::entity::EntityTable;
use super::gate::{Gates, risk_bit, risk_bits};
use super::idmap::IdMap;
use super::network::{LocationIndex, NetworkTable, Place};
use super::policy::{CompiledPolicy, PolicyHead, PolicyIndex};
use super::subject::Population;
use super::workload::{Slot, Workloads};
use crate::limits;
use crate::model::bundle::{DefaultDecision, Eligibility, MissingIp};
use crate::model::location::{Country, CountryFact};
use crate::model::set::Word;
use crate::model::{Attributes, Id, IdRef, RiskLevel, ServicePrincipal};

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
    /// Names of the claims that enforced policies state, sorted.
    pub(super) claim_names: Vec<Box<str>>,
    pub(super) wide: WideMasks,
    pub(super) workloads: Workloads,
    /// Policies for users, agents' user accounts included, and those for agent identities.
    pub(super) users: Population,
    pub(super) agents: Population,
    pub(super) network: NetworkTable,
    pub(super) locations: LocationTable,
    pub(super) catalogue: Vec<ServicePrincipal>,
    pub(super) catalogue_by_app: IdMap<u32>,
    pub(super) directory_objects: IdMap<u32>,
    pub(super) directory_names: Vec<Id>,
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

    /// Names of the claims that its enforced policies add to tokens, sorted, none twice.
    pub fn claim_names(&self) -> &[Box<str>] {
        &self.claim_names
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
        self.network.bytes() + self.workloads.bytes() + self.gates.bytes() + self.wide.bytes() + subjects
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

    /// Custom security attributes of the service principal of an application, if the catalogue has them.
    pub(crate) fn attributes_of_app(&self, app_id: IdRef<'_>) -> Option<&Attributes<'static>> {
        self.principal_of_app(app_id)?.attributes.as_ref()
    }

    /// Number of a group or role that some policy names.
    pub(crate) fn directory_object(&self, id: IdRef<'_>) -> Option<u32> {
        self.directory_objects.value(id).copied()
    }

    /// The group or role of a number.
    pub(crate) fn directory_name(&self, number: u32) -> Option<&Id> {
        self.directory_names.get(number as usize)
    }

    /// How many groups and roles policies name.
    pub(crate) fn directory_size(&self) -> usize {
        self.directory_names.len()
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

/// Memory for the rows of masks that a request needs, to reuse.
#[derive(Debug, Default)]
pub struct WideScratch {
    include: Vec<usize>,
    exclude: Vec<usize>,
}

/// The conditions of wide policies as masks over them.
#[derive(Debug)]
pub struct WideMasks {
    /// Words of a mask.
    words: usize,
    /// Policies that include everywhere.
    everywhere: Vec<u64>,
    /// Policies that exclude everywhere.
    nowhere: Vec<u64>,
    /// Policies that include each location, a row each.
    include: Vec<u64>,
    /// Policies that exclude each location, a row each.
    exclude: Vec<u64>,
    /// Policies that each level of risk matches, a row each.
    risk: Vec<u64>,
    /// The locations that any of them names, as long as the sets of the bundle are.
    locations: Vec<u64>,
}

impl WideMasks {
    /// Tabulates the first `count` of `policies`.
    pub(super) fn new(policies: &[CompiledPolicy], count: usize, locations: usize) -> Self {
        let words = count.div_ceil(64);
        let rows = |rows: usize| vec![0; rows * words];
        let mut masks = Self {
            words,
            everywhere: rows(1),
            nowhere: rows(1),
            include: rows(locations),
            exclude: rows(locations),
            risk: rows(RiskLevel::ALL.len()),
            locations: vec![0; locations.div_ceil(64)],
        };
        let set = |table: &mut Vec<u64>, row: usize, slot: usize| {
            if let Some(word) = table.get_mut(row * words + slot / 64) {
                *word |= 1 << (slot % 64);
            }
        };
        for (slot, policy) in policies.iter().take(count).enumerate() {
            if policy.locations.everywhere {
                set(&mut masks.everywhere, 0, slot);
            }
            if policy.locations.nowhere {
                set(&mut masks.nowhere, 0, slot);
            }
            let named = policy.locations.include.iter().chain(&policy.locations.exclude);
            for location in named {
                if let Some(word) = masks.locations.get_mut(usize::from(*location) / 64) {
                    *word |= 1 << (location % 64);
                }
            }
            policy.locations.include.iter().for_each(|location| set(&mut masks.include, usize::from(*location), slot));
            policy.locations.exclude.iter().for_each(|location| set(&mut masks.exclude, usize::from(*location), slot));
            for level in RiskLevel::ALL {
                if risk_bits(policy) & risk_bit(*level) != 0 {
                    set(&mut masks.risk, level.index(), slot);
                }
            }
        }
        masks
    }

    /// Calls `found` with the policies among `covering` whose location and risk conditions may hold. `possible` is a
    /// superset of `inside`.
    #[inline]
    pub(crate) fn each_applying(
        &self,
        covering: &[u64],
        risk: RiskLevel,
        inside: &LocationSet,
        possible: &LocationSet,
        scratch: &mut WideScratch,
        mut found: impl FnMut(Slot),
    ) {
        let WideScratch { include, exclude } = scratch;
        // All that any request can need, so that none but the first allocates.
        for rows in [&mut *include, &mut *exclude] {
            rows.clear();
            rows.reserve(self.locations.len() * 64);
        }
        self.rows(inside, exclude);
        // WHY: most often all is known, and both are one set.
        let include = match std::ptr::eq(inside, possible) {
            true => &*exclude,
            false => {
                self.rows(possible, include);
                &*include
            }
        };
        let risk = risk.index() * self.words;
        let at = |table: &[u64], place: usize| table.get(place).copied().unwrap_or_default();
        let mut first: Slot = 0;
        for (word, covering) in covering.iter().enumerate() {
            let mut applying = at(&self.everywhere, word);
            let mut excluded = at(&self.nowhere, word);
            include.iter().for_each(|row| applying |= at(&self.include, row + word));
            exclude.iter().for_each(|row| excluded |= at(&self.exclude, row + word));
            let mut rest = applying & !excluded & covering & at(&self.risk, risk + word);
            while rest != 0 {
                found(first + rest.trailing_zeros());
                rest &= rest - 1;
            }
            first += 64;
        }
    }

    /// Adds where the rows of `locations` begin, of those that any policy names.
    #[inline]
    fn rows(&self, locations: &LocationSet, rows: &mut Vec<usize>) {
        let mut first = 0;
        for (locations, named) in locations.iter().zip(&self.locations) {
            let mut rest = locations & named;
            while rest != 0 {
                rows.push((first + rest.trailing_zeros() as usize) * self.words);
                rest &= rest - 1;
            }
            first += 64;
        }
    }

    fn bytes(&self) -> usize {
        (self.everywhere.len() + self.nowhere.len() + self.include.len() + self.exclude.len() + self.risk.len()) * 8
    }
}
