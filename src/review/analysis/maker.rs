//! Cuts requests by what the conditions of two bundles make of facts.
//!
//! What a policy makes of a fact is asked of `evaluate`, so nothing here says what a condition means. What cannot be
//! enumerated is told in `notes`, never left out in silence. Start with [`Maker`].

use std::collections::{BTreeMap, BTreeSet};

use super::axis::{Axis, AxisBuilder, Meaning};
use super::fact::{Fact, Who, Witness};
use super::network;
use super::note::Note;
use super::universe::Universe;
use crate::compile::{CompiledBundle, CompiledFilter, CompiledPolicy};
use crate::evaluate::probe::Probe;
use crate::model::set::Word;
use crate::model::{Attributes, Condition, Entities, Entity, Id, IdentityKind, ServicePrincipal, TokenRequest, Truth};

/// Makes axes.
pub struct Maker<'u, 'b> {
    /// The policies.
    pub universe: &'u Universe<'b>,
    /// Those by which requests are cut.
    pub is_considered: &'u dyn Fn(&CompiledPolicy) -> bool,
    /// Asks conditions.
    pub probe: Probe,
    /// What is not enumerated.
    pub notes: BTreeSet<Note>,
}

impl<'u, 'b> Maker<'u, 'b> {
    /// The policies of both sides that are considered.
    pub fn policies(&self) -> impl Iterator<Item = &'b CompiledPolicy> + use<'u, 'b> {
        let is_considered = self.is_considered;
        let [before, after] = self.universe.sides;
        before.compiled().iter().chain(after.compiled()).filter(move |policy| is_considered(policy))
    }

    /// What `condition` makes of `facts`, of which requests may say each.
    pub fn part(&mut self, condition: Condition, kind: IdentityKind, policies: &[u64], facts: Vec<Fact>) -> Axis {
        let mut builder = AxisBuilder::new(condition);
        for fact in facts {
            let mut witness = Witness::new(stranger(self.universe, kind));
            witness.say(&fact);
            if let Some(keep) = kept(self.universe, &mut self.probe, &witness.request(), condition) {
                builder.add(fact, true, Meaning { keep, raise: self.universe.none() });
            } else {
                let what = format!("requests whose {} one of the bundles refuses as contradictory", condition.as_str());
                self.notes.insert(self.refused(what));
            }
        }
        builder.finish(policies, self.universe.words)
    }

    /// Custom security attributes that `filters` tell apart, and that nobody said which.
    pub fn attributes(&mut self, filters: &[&CompiledFilter], of: &str) -> Vec<Option<Attributes<'static>>> {
        if filters.is_empty() {
            return vec![None];
        }
        let (examples, is_exact) = super::example::attributes(filters);
        if !is_exact {
            self.notes.insert(Note::left_out(format!(
                "custom security attributes beyond examples made of the values that {of} compare with"
            )));
        }
        std::iter::once(None).chain(examples.into_iter().map(Some)).collect()
    }

    /// Several resources in one request come to what each of them comes to, taken together (an agent's token exchange
    /// aside, which is enumerated). So a change for several is a change for one of them, unless a default block hides what
    /// one of them comes to.
    pub fn multiple(&mut self) {
        let is_narrow = |policy: &CompiledPolicy| !policy.resources.is_any();
        if self.universe.has_certain && self.policies().any(is_narrow) {
            let what = "requests for several resources at once, because a bundle blocks by default";
            self.notes.insert(Note::left_out(what));
        }
    }

    /// A request that contradicts what a bundle knows is refused, not decided.
    pub fn catalogues(&mut self) {
        let [before, after] = self.universe.sides;
        if before.identity().tenant_id != after.identity().tenant_id {
            let what = "users whose home is one of the two tenants, which differ, and who contradict that: they are refused, not decided";
            self.notes.insert(Note::left_out(what));
        }
        if !network::has_one_atlas(self.universe.sides) {
            let what = "requests that contradict one of the two country databases, which differ: they are refused, not decided";
            self.notes.insert(Note::left_out(what));
        }
        if !self.has_one_catalogue() {
            let what =
                "requests that contradict one of the two catalogues, which differ: they are refused, not decided";
            self.notes.insert(Note::left_out(what));
        }
        if !self.has_same_entities() {
            let what =
                "requests that name entities whose properties differ: conditions in Cedar may judge them otherwise";
            self.notes.insert(Note::left_out(what));
        }
        let types = self.universe.sides.map(|bundle| {
            let types = bundle.entities().subject_types();
            types.all().map(|(name, _)| (name, types.kind(name))).collect::<BTreeMap<_, _>>()
        });
        if types[0] != types[1] {
            let what = "subjects of AuthZEN, whose types stand for other kinds of identity";
            self.notes.insert(Note::left_out(what));
        }
    }

    /// Whether both sides know the same of the same service principals. Cost: linear in the catalogues; allocates.
    pub fn has_one_catalogue(&self) -> bool {
        let facts = |bundle: &CompiledBundle| -> BTreeSet<String> {
            let told = |entry: &ServicePrincipal| {
                let ServicePrincipal { id, app_id, kind, owner_tenant, audience, attributes, .. } = entry;
                format!("{} {app_id:?} {kind:?} {owner_tenant:?} {audience:?} {attributes:?}", id.value)
            };
            bundle.catalogue().iter().map(told).collect()
        };
        let [before, after] = self.universe.sides;
        std::ptr::eq(before, after) || facts(before) == facts(after)
    }

    /// Whether both sides know the same of the same entities. Cost: linear in the entities; allocates.
    pub fn has_same_entities(&self) -> bool {
        let facts = |bundle: &CompiledBundle| -> BTreeSet<String> {
            let table = bundle.entities();
            let Entities { subjects, resources, actions } = table.all();
            let told = |entity: &Entity| {
                let kind = table.subject_types().kind(&entity.kind.value);
                format!("{} {kind:?} {} {:?}", entity.kind.value, entity.id.value, entity.properties)
            };
            [subjects, resources, actions].into_iter().flatten().map(told).collect()
        };
        let [before, after] = self.universe.sides;
        std::ptr::eq(before, after) || facts(before) == facts(after)
    }

    /// A note of requests that a bundle refuses. What both sides refuse, because their catalogue is one, is no request.
    pub fn refused(&self, what: String) -> Note {
        let [before, after] = self.universe.sides;
        let is_one = before.digest() == after.digest();
        if is_one { Note::added(what) } else { Note::left_out(what) }
    }
}

/// The policies whose `condition` may hold of `request`; `None` when a bundle refuses it.
pub fn kept(
    universe: &Universe<'_>,
    probe: &mut Probe,
    request: &TokenRequest<'_>,
    condition: Condition,
) -> Option<Vec<u64>> {
    let mut keep = universe.none();
    for (side, bundle) in universe.sides.iter().enumerate() {
        let add = |slot, holds: Truth| {
            if holds.is_possible() {
                universe.add(&mut keep, side, slot, holds == Truth::True);
            }
        };
        probe.condition(bundle, request, condition, add).ok()?;
    }
    Some(keep)
}

/// Somebody whom no bundle names.
pub fn stranger(universe: &Universe<'_>, kind: IdentityKind) -> Who {
    Who { is_named: false, ..Who::new(kind, stranger_id(universe, |_| false)) }
}

/// An id that `is_taken` does not know, and that no bundle knows for a workload's: it may be anybody's. Cost: linear in
/// the ids that are taken, which are few of those that are tried first.
pub fn stranger_id(universe: &Universe<'_>, is_taken: impl Fn(&Id) -> bool) -> Id {
    let is_workload = |id: &Id| universe.sides.iter().any(|bundle| bundle.workloads().class(id.as_ref()).0.is_some());
    let last = 0xffff_ffff_ffff_4fff_8fff_ffff_ffff_ffff_u128;
    let mut ids = (0..=last).rev().map(Id::Guid);
    ids.find(|id| !is_taken(id) && !is_workload(id)).unwrap_or(Id::NIL)
}

/// Whether `id` is in the catalogue of `bundle`.
pub fn is_catalogued(bundle: &CompiledBundle, id: &Id) -> bool {
    bundle.principal_of(id.as_ref()).is_some()
}
