//! The compiled bundle: immutable, shared by all threads, made once.

use std::net::IpAddr;

use super::directory::Directory;
use super::entity::EntityTable;
use super::gate::Gates;
use super::idmap::IdMap;
use super::location::LocationTable;
use super::network::{NetworkTable, Place};
use super::policy::{CompiledPolicy, PolicyHead, PolicyIndex, Slot};
use super::subject::Population;
use super::wide::WideMasks;
use super::workload::Workloads;
use crate::model::bundle::{DefaultDecision, Eligibility, MissingIp};
use crate::model::location::CountryFact;
use crate::model::{Attributes, Id, IdRef, ResourceKind, ServicePrincipal, ServicePrincipalType};

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
