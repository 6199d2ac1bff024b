//! The compiled bundle: immutable, shared by all threads, made once.

use std::net::IpAddr;

use super::idmap::IdMap;
use super::network::{LocationIndex, NetworkTable, Place};
use super::policy::{CompiledPolicy, Grant, PolicyHead, PolicyIndex};
use super::workload::{Slot, Workloads};
use crate::limits;
use crate::model::bundle::{DefaultDecision, Eligibility, MissingIp};
use crate::model::location::{Country, CountryFact};
use crate::model::set::Word;
use crate::model::{Attributes, Id, IdRef, RiskLevel, ServicePrincipal};

/// Words in a set of locations: the named ones and the two pseudo-locations.
pub const LOCATION_WORDS: usize = (limits::LOCATIONS_MAX + 2) / 64;

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
    pub(super) wide: WideMasks,
    pub(super) workloads: Workloads,
    /// Slots of policies that target users, agents' user accounts included.
    pub(super) user_policies: Vec<Slot>,
    /// Slots of policies that target agent identities.
    pub(super) agent_policies: Vec<Slot>,
    pub(super) network: NetworkTable,
    pub(super) locations: LocationTable,
    pub(super) catalogue: Vec<ServicePrincipal>,
    pub(super) catalogue_by_app: IdMap<u32>,
    pub(super) directory_objects: IdMap<u32>,
    pub(super) directory_names: Vec<Id>,
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

    /// The locations and the country of an address, which must be canonical.
    pub fn place(&self, address: IpAddr) -> Place<'_> {
        self.network.place(address)
    }

    /// The country of an address, which must be canonical, by the bundle's database; `None` when it has none.
    pub fn country(&self, address: IpAddr) -> Option<CountryFact> {
        self.identity.has_country_database.then(|| self.place(address).country)
    }

    /// Memory of the tables, bytes: what grows with policies, principals and ranges.
    pub fn table_bytes(&self) -> usize {
        self.network.bytes() + self.workloads.bytes() + self.gates.bytes() + self.wide.bytes()
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

    pub(crate) fn gates(&self) -> &Gates {
        &self.gates
    }

    pub(crate) fn wide(&self) -> &WideMasks {
        &self.wide
    }

    pub(crate) fn workloads(&self) -> &Workloads {
        &self.workloads
    }

    pub(crate) fn user_policies(&self) -> &[Slot] {
        &self.user_policies
    }

    pub(crate) fn agent_policies(&self) -> &[Slot] {
        &self.agent_policies
    }

    pub(crate) fn location_table(&self) -> &LocationTable {
        &self.locations
    }

    pub(crate) fn principal(&self, index: usize) -> Option<&ServicePrincipal> {
        self.catalogue.get(index)
    }

    /// Custom security attributes of the service principal of an application, if the catalogue has them.
    pub(crate) fn attributes_of_app(&self, app_id: IdRef<'_>) -> Option<&Attributes<'static>> {
        let index = *self.catalogue_by_app.value(app_id)?;
        self.catalogue.get(index as usize)?.attributes.as_ref()
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
    set.get(usize::from(location) / 64).is_some_and(|word| word >> (location % 64) & 1 == 1)
}

/// The hot part of a policy that takes part, two to a cache line.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    include: u32,
    exclude: u32,
    end: u32,
    /// Levels of service principal risk that match, as bits; all ones when not configured.
    pub(crate) risk: u8,
    flags: u8,
}

impl Gate {
    const EVERYWHERE: u8 = 1;
    const NOWHERE: u8 = 2;
    const PLAIN: u8 = 4;
    const REPORT_ONLY: u8 = 8;
    const BLOCK: u8 = 16;

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether location and risk are its only conditions besides identity.
    pub(crate) const fn is_plain(self) -> bool {
        self.has(Self::PLAIN)
    }

    /// Whether it is reported only.
    pub(crate) const fn is_report_only(self) -> bool {
        self.has(Self::REPORT_ONLY)
    }

    /// Whether it blocks.
    pub(crate) const fn blocks(self) -> bool {
        self.has(Self::BLOCK)
    }
}

/// The gates, by slot.
#[derive(Debug, Default)]
pub struct Gates {
    gates: Vec<Gate>,
    locations: Vec<LocationIndex>,
}

impl Gates {
    pub(super) fn new(policies: &[CompiledPolicy]) -> Self {
        let mut gates = Self::default();
        for policy in policies {
            let flags = [
                (policy.locations.everywhere, Gate::EVERYWHERE),
                (policy.locations.nowhere, Gate::NOWHERE),
                (policy.is_plain(), Gate::PLAIN),
                (policy.is_report_only, Gate::REPORT_ONLY),
                (matches!(policy.grant, Grant::Block), Gate::BLOCK),
            ];
            let offset = |gates: &Self| u32::try_from(gates.locations.len()).unwrap_or(u32::MAX);
            let include = offset(&gates);
            gates.locations.extend(&policy.locations.include);
            let exclude = offset(&gates);
            gates.locations.extend(&policy.locations.exclude);
            let end = offset(&gates);
            gates.gates.push(Gate {
                include,
                exclude,
                end,
                risk: risk_bits(policy),
                flags: flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum(),
            });
        }
        gates
    }

    /// The gate of a slot.
    #[expect(clippy::indexing_slicing, reason = "there is a gate for every slot of the bundle")]
    pub(crate) fn gate(&self, slot: Slot) -> Gate {
        self.gates[slot as usize]
    }

    /// Whether the location condition of `gate` may hold. `possible` is a superset of `inside`.
    pub(crate) fn location_may_hold(&self, gate: Gate, inside: &LocationSet, possible: &LocationSet) -> bool {
        let list = |from: u32, to: u32| self.locations.get(from as usize..to as usize).unwrap_or_default();
        let includes = gate.has(Gate::EVERYWHERE)
            || list(gate.include, gate.exclude).iter().any(|location| contains(possible, *location));
        includes
            && !gate.has(Gate::NOWHERE)
            && !list(gate.exclude, gate.end).iter().any(|location| contains(inside, *location))
    }

    fn bytes(&self) -> usize {
        self.gates.len() * size_of::<Gate>() + self.locations.len() * 2
    }
}

fn risk_bits(policy: &CompiledPolicy) -> u8 {
    match policy.service_principal_risk {
        levels if levels.is_empty() => u8::MAX,
        levels => levels.iter().map(risk_bit).sum(),
    }
}

/// The bit of a level in [`Gate::risk`].
pub fn risk_bit(level: RiskLevel) -> u8 {
    1 << level.index()
}

/// Memory for masks over wide policies, to reuse.
#[derive(Debug, Default)]
pub struct WideScratch {
    /// The policies that apply.
    pub(crate) applying: Vec<u64>,
    excluded: Vec<u64>,
}

fn unite(mask: &mut [u64], other: &[u64]) {
    mask.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}

/// The conditions of wide policies as masks over them.
#[derive(Debug)]
pub struct WideMasks {
    /// Words of a mask.
    pub(crate) words: usize,
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
    /// The locations that any of them names.
    pub(crate) locations: LocationSet,
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
            locations: LocationSet::default(),
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
            named.for_each(|location| insert(&mut masks.locations, *location));
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

    /// The policies among `covering` whose location and risk conditions may hold, into `applying`. The locations are
    /// those that may contain the request, each with whether it certainly does.
    pub(crate) fn applying(
        &self,
        covering: &[u64],
        risk: RiskLevel,
        locations: impl Iterator<Item = (LocationIndex, bool)>,
        WideScratch { applying, excluded }: &mut WideScratch,
    ) {
        applying.resize(self.words, 0);
        applying.iter_mut().zip(&self.everywhere).for_each(|(word, everywhere)| *word = *everywhere);
        excluded.resize(self.words, 0);
        excluded.iter_mut().zip(&self.nowhere).for_each(|(word, nowhere)| *word = *nowhere);
        for (location, is_certain) in locations {
            unite(applying, self.row(&self.include, usize::from(location)));
            if is_certain {
                unite(excluded, self.row(&self.exclude, usize::from(location)));
            }
        }
        let others = excluded.iter().zip(covering).zip(self.row(&self.risk, risk.index()));
        for (word, ((excluded, covering), risk)) in applying.iter_mut().zip(others) {
            *word &= !excluded & covering & risk;
        }
    }

    fn row<'t>(&self, table: &'t [u64], row: usize) -> &'t [u64] {
        table.get(row * self.words..(row + 1) * self.words).unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        (self.everywhere.len() + self.nowhere.len() + self.include.len() + self.exclude.len() + self.risk.len()) * 8
    }
}
