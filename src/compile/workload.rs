//! From an object id to the policies that may cover that workload.
//!
//! Principals with the same candidate policies share a *class*. Includes, excludes and filters over the catalogue are
//! folded in here, so a decision looks up the class and is done with identity. Policies that cover every workload and
//! have no other condition than location and risk are *wide*: a class holds them as a mask, the others as a list. The list
//! begins with the *gated* ones, which certainly cover the members, block, and have a gate that says the rest: a decision
//! asks nothing else of them.
//!
//! A class is a record in one pool, and its number is where the record begins: finding it costs one access.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::gate::Gates;
use super::idmap::IdMap;
use super::policy::{CompiledPolicy, Slot};
use super::scope::{Blueprint, STRANGER};
use crate::limits;
use crate::model::{Attributes, Id, IdRef, ServicePrincipal, ServicePrincipalType, Truth};

#[cfg(test)]
mod tests;

/// A policy that may cover a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate(u32);

impl Candidate {
    const RESIDUAL: u32 = 1 << 31;

    /// A policy that covers the principal if `is_certain`, and otherwise must be asked with the request's facts.
    pub const fn new(slot: Slot, is_certain: bool) -> Self {
        Self(if is_certain { slot } else { slot | Self::RESIDUAL })
    }

    /// The policy.
    pub const fn slot(self) -> Slot {
        self.0 & !Self::RESIDUAL
    }

    /// Whether identity is settled.
    pub const fn is_certain(self) -> bool {
        self.0 & Self::RESIDUAL == 0
    }
}

/// What the bundle knows of one principal.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its class: where the record begins.
    class: u32,
    /// Its entry of the catalogue, if it has one.
    catalogue: Option<u32>,
    /// Whether it is eligible, by the catalogue alone.
    pub eligible: Truth,
    /// What kind the catalogue says it is.
    pub kind: Option<ServicePrincipalType>,
}

impl Known {
    /// Position in the catalogue.
    pub fn catalogue(&self) -> Option<usize> {
        self.catalogue.map(|index| index as usize)
    }
}

/// A class: the policies that may cover its members.
#[derive(Clone, Copy, Debug, Default)]
pub struct Class<'w> {
    /// The wide ones.
    pub wide: WideMask<'w>,
    /// The gated ones, and behind them the others.
    candidates: &'w [u32],
    gated: u32,
}

impl<'w> Class<'w> {
    /// The gated ones of the policies that are not wide, and the others; each part ascending.
    #[inline]
    pub fn parts(self) -> (impl Iterator<Item = Candidate> + use<'w>, impl Iterator<Item = Candidate> + use<'w>) {
        let candidate = |candidate: &u32| Candidate(*candidate);
        let (gated, others) = self.candidates.split_at_checked(self.gated as usize).unwrap_or_default();
        (gated.iter().map(candidate), others.iter().map(candidate))
    }

    /// All that are not wide.
    pub fn candidates(self) -> impl Iterator<Item = Candidate> + use<'w> {
        self.candidates.iter().map(|candidate| Candidate(*candidate))
    }
}

/// Which wide policies may cover somebody: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct WideMask<'w>(&'w [[u32; 2]]);

impl<'w> WideMask<'w> {
    /// The words of the mask.
    #[inline]
    pub fn words(self) -> impl ExactSizeIterator<Item = u64> + use<'w> {
        self.0.iter().map(|[low, high]| u64::from(*low) | u64::from(*high) << 32)
    }
}

/// The index.
///
/// Invariants: `pool` is records, each of which is how many candidates there are, how many of them are gated, the words of
/// the wide mask, each with its lower half first, and the candidates. The first is that of principals nobody named.
#[derive(Debug)]
pub struct Workloads {
    principals: IdMap<Known>,
    pool: Vec<u32>,
    wide_words: usize,
}

impl Workloads {
    /// What is known of `id`, and its class.
    // WHY always: every decision begins with it, and a call costs a part of that.
    #[inline(always)]
    pub fn class(&self, id: IdRef<'_>) -> (Option<&Known>, Class<'_>) {
        let known = self.principals.value(id);
        let record = self.pool.get(known.map_or(0, |known| known.class as usize)..).unwrap_or_default();
        let [count, gated, record @ ..] = record else { return (known, Class::default()) };
        let (wide, candidates) = record.split_at_checked(2 * self.wide_words).unwrap_or_default();
        let candidates = candidates.get(..*count as usize).unwrap_or_default();
        (known, Class { wide: WideMask(wide.as_chunks().0), candidates, gated: *gated })
    }

    /// Everybody whom the catalogue or a policy names, in no order.
    pub fn named(&self) -> impl Iterator<Item = Id> {
        self.principals.ids()
    }

    /// Adds a class, of these candidates that are not wide, ascending, and of these wide ones; returns its number.
    fn add(&mut self, candidates: Vec<Candidate>, gates: &Gates, wide: &[u64]) -> u32 {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let begin = number(self.pool.len());
        let (gated, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|one| is_gated(*one, gates));
        self.pool.extend([number(gated.len() + others.len()), number(gated.len())]);
        self.pool.extend(wide.iter().flat_map(|word| [*word as u32, (*word >> 32) as u32]));
        self.pool.extend(gated.into_iter().chain(others).map(|candidate| candidate.0));
        begin
    }

    /// Memory of the tables, bytes.
    pub fn bytes(&self) -> usize {
        self.principals.bytes() + size_of_val(self.pool.as_slice())
    }

    /// Folds `policies`, which have `gates` and of which the first `wide_count` are wide, over everybody they name and over
    /// `catalogue`. `eligible` tells what the catalogue alone says of a principal.
    ///
    /// Errors: what of it is too many, in words.
    /// Cost: filtered policies times different sets of attributes, and the size of the lists; both are bounded.
    pub fn new(
        policies: &[CompiledPolicy],
        gates: &Gates,
        wide_count: usize,
        catalogue: &[ServicePrincipal],
        eligible: impl Fn(&ServicePrincipal) -> Truth,
    ) -> Result<Self, String> {
        let mut builder = Builder::new(policies, wide_count, catalogue);
        builder.name_everybody(&eligible);
        builder.explicit();
        builder.broad()?;
        builder.finish(gates)
    }
}

struct Builder<'p> {
    policies: &'p [CompiledPolicy],
    catalogue: &'p [ServicePrincipal],
    wide_count: usize,
    principals: IdMap<Known>,
    /// Named principals, by their temporary number, which `Known::class` holds until `finish`.
    drafts: Vec<Draft>,
    /// What filtered broad policies make of principals whom they do not list: group 0 is that of strangers.
    groups: Vec<Vec<Candidate>>,
}

/// What a policy makes of one principal, where it is not what it makes of the rest of the group.
type Own = (Slot, Option<Candidate>);

struct Draft {
    id: Id,
    catalogue: Option<u32>,
    /// Policies that are not broad and list it.
    own: Vec<Own>,
    /// Broad policies that list it, on either side.
    listed: Vec<Slot>,
    group: u32,
    /// Wide policies that exclude it.
    excluded: Vec<Slot>,
}

impl<'p> Builder<'p> {
    fn new(policies: &'p [CompiledPolicy], wide_count: usize, catalogue: &'p [ServicePrincipal]) -> Self {
        Self { policies, catalogue, wide_count, principals: IdMap::default(), drafts: Vec::new(), groups: Vec::new() }
    }

    fn slots(&self) -> impl Iterator<Item = (Slot, &'p CompiledPolicy)> + use<'p> {
        (0..).zip(self.policies)
    }

    fn draft(&mut self, id: &Id) -> &mut Draft {
        let next = u32::try_from(self.drafts.len()).unwrap_or(u32::MAX);
        let unknown = Known { class: next, catalogue: None, eligible: Truth::Unknown, kind: None };
        let number = self.principals.entry(id.as_ref(), || unknown).class;
        if number == next {
            self.drafts.push(Draft {
                id: id.clone(),
                catalogue: None,
                own: Vec::new(),
                listed: Vec::new(),
                group: 0,
                excluded: Vec::new(),
            });
        }
        #[expect(clippy::indexing_slicing, reason = "numbers are handed out as drafts are pushed")]
        &mut self.drafts[number as usize]
    }

    /// A draft for everybody in the catalogue.
    fn name_everybody(&mut self, eligible: impl Fn(&ServicePrincipal) -> Truth) {
        for (index, principal) in (0..).zip(self.catalogue) {
            let draft = self.draft(&principal.id.value);
            // WHY: a second entry for one id is an error of the bundle; the first stands until it is refused.
            draft.catalogue.get_or_insert(index);
            let known =
                Known { class: 0, catalogue: draft.catalogue, eligible: eligible(principal), kind: principal.kind };
            let entry = self.principals.entry(principal.id.value.as_ref(), || known);
            *entry = Known { class: entry.class, ..known };
        }
    }

    /// Policies that list ids: the listed get a candidate, the excluded of wide policies are noted.
    fn explicit(&mut self) {
        for (slot, policy) in self.slots() {
            let scope = &policy.workloads;
            if (slot as usize) < self.wide_count {
                scope.exclude.iter().for_each(|id| self.draft(id).excluded.push(slot));
            } else if is_broad(policy) {
                // Everybody the policy names differs from the rest, so each needs a draft of its own.
                for id in scope.include.iter().chain(&scope.exclude) {
                    self.draft(id).listed.push(slot);
                }
            } else {
                let excluded = |id: &Id| scope.excludes_all || scope.exclude.binary_search(id).is_ok();
                for id in scope.include.iter().filter(|id| !excluded(id)) {
                    let candidate = Candidate::new(slot, scope.filter.is_none());
                    self.draft(id).own.push((slot, Some(candidate)));
                }
            }
        }
    }

    /// Policies that may cover anybody: everybody who is named gets them as far as the catalogue lets them be decided.
    ///
    /// WHY: what such a policy makes of a principal it does not list depends on the attributes alone, so filters are
    /// asked once for all who have the same; asking each policy of each principal is too much work for a catalogue.
    fn broad(&mut self) -> Result<(), String> {
        let filtered: Vec<_> = self.broad_slots().filter(|(_, policy)| policy.workloads.filter.is_some()).collect();
        let mut sets = HashMap::<Option<&Attributes<'static>>, u32, RandomState>::default();
        sets.insert(None, 0);
        for draft in &mut self.drafts {
            let attributes = attributes_of(self.catalogue, draft).filter(|_| !filtered.is_empty());
            let next = u32::try_from(sets.len()).unwrap_or(u32::MAX);
            draft.group = *sets.entry(attributes).or_insert(next);
        }
        if sets.len().saturating_mul(filtered.len()) > limits::CATALOGUE_EVALUATIONS_MAX {
            return Err(format!(
                "{} policies filter {} different sets of attributes; {} evaluations are the most",
                filtered.len(),
                sets.len(),
                limits::CATALOGUE_EVALUATIONS_MAX
            ));
        }
        // Sets of which the filters make the same are one group.
        let mut groups = HashMap::<Vec<Candidate>, u32, RandomState>::default();
        let mut sets: Vec<_> = sets.into_iter().map(|(attributes, number)| (number, attributes)).collect();
        sets.sort_unstable_by_key(|(number, _)| *number);
        let mut group_of = Vec::with_capacity(sets.len());
        for (_, attributes) in sets {
            let judge = |(slot, policy): &(Slot, &CompiledPolicy)| judged(*slot, policy, STRANGER, attributes);
            let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
            group_of.push(*groups.entry(filtered.iter().filter_map(judge).collect()).or_insert(next));
        }
        for draft in &mut self.drafts {
            draft.group = group_of.get(draft.group as usize).copied().unwrap_or(0);
        }
        let mut groups: Vec<_> = groups.into_iter().map(|(candidates, group)| (group, candidates)).collect();
        groups.sort_unstable_by_key(|(group, _)| *group);
        self.groups = groups.into_iter().map(|(_, candidates)| candidates).collect();
        Ok(())
    }

    fn broad_slots(&self) -> impl Iterator<Item = (Slot, &'p CompiledPolicy)> + use<'p> {
        let wide_count = self.wide_count;
        self.slots().filter(move |(slot, policy)| *slot as usize >= wide_count && is_broad(policy))
    }

    fn finish(mut self, gates: &Gates) -> Result<Workloads, String> {
        let wide_words = self.wide_count.div_ceil(64);
        // Broad policies without a filter make the same of everybody whom they do not list.
        let unfiltered: Vec<_> = self
            .broad_slots()
            .filter(|(_, policy)| policy.workloads.filter.is_none())
            .filter_map(|(slot, policy)| judged(slot, policy, STRANGER, None))
            .collect();
        let mut workloads = Workloads { principals: IdMap::default(), pool: Vec::new(), wide_words };
        let mut room = limits::CATALOGUE_BYTES_MAX;
        let mut interner = HashMap::<_, u32, RandomState>::default();
        let mut intern = |group: u32, own: Vec<Own>, excluded: Vec<Slot>| {
            let key = (group, own, excluded);
            if let Some(class) = interner.get(&key) {
                return Ok::<_, String>(*class);
            }
            let filtered = self.groups.get(group as usize).map(Vec::as_slice).unwrap_or_default();
            let candidates = unfiltered.len() + filtered.len() + key.1.len();
            let bytes = (2 + candidates) * size_of::<u32>() + wide_words * size_of::<u64>();
            room = room.checked_sub(bytes).ok_or_else(too_long)?;
            let class = u32::try_from(interner.len()).unwrap_or(u32::MAX);
            interner.insert(key, class);
            Ok(class)
        };
        intern(0, Vec::new(), Vec::new())?;
        let mut classes = Vec::with_capacity(self.drafts.len());
        for mut draft in std::mem::take(&mut self.drafts) {
            let attributes = attributes_of(self.catalogue, &draft);
            draft.listed.dedup();
            for slot in draft.listed {
                let Some(policy) = self.policies.get(slot as usize) else { continue };
                draft.own.push((slot, judged(slot, policy, Some(draft.id.as_ref()), attributes)));
            }
            draft.own.sort_unstable_by_key(|(slot, _)| *slot);
            classes.push(intern(draft.group, draft.own, draft.excluded)?);
        }
        // WHY: only now that all of them are known to have room.
        let mut keys: Vec<_> = interner.into_iter().map(|(key, class)| (class, key)).collect();
        keys.sort_unstable_by_key(|(class, _)| *class);
        let mut numbers = Vec::with_capacity(keys.len());
        for (_, (group, own, excluded)) in keys {
            let filtered = self.groups.get(group as usize).map(Vec::as_slice).unwrap_or_default();
            let candidates = laid(&own, unfiltered.iter().chain(filtered).copied());
            numbers.push(workloads.add(candidates, gates, &mask_without(self.wide_count, &excluded)));
        }
        workloads.principals = self.principals;
        for known in workloads.principals.values_mut() {
            let class = classes.get(known.class as usize).and_then(|class| numbers.get(*class as usize));
            known.class = class.copied().unwrap_or(0);
        }
        workloads.pool.shrink_to_fit();
        Ok(workloads)
    }
}

fn too_long() -> String {
    let most = limits::CATALOGUE_BYTES_MAX >> 20;
    format!("the policies that principals get by name or by filter make lists of more than {most} MiB")
}

fn attributes_of<'p>(catalogue: &'p [ServicePrincipal], draft: &Draft) -> Option<&'p Attributes<'static>> {
    draft.catalogue.and_then(|index| catalogue.get(index as usize))?.attributes.as_ref()
}

/// `policy` as a candidate of `id`, unless it cannot cover it.
fn judged(
    slot: Slot,
    policy: &CompiledPolicy,
    id: Option<IdRef<'_>>,
    attributes: Option<&Attributes<'_>>,
) -> Option<Candidate> {
    let holds = policy.workloads.covers("", id, Blueprint::Inapplicable, attributes).holds;
    holds.is_possible().then(|| Candidate::new(slot, holds == Truth::True))
}

/// `own`, ascending, laid on `group`; the result is ascending.
fn laid(own: &[Own], group: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let is_own = |slot| own.binary_search_by_key(&slot, |(slot, _)| *slot).is_ok();
    let mut candidates: Vec<_> = group.filter(|candidate| !is_own(candidate.slot())).collect();
    candidates.extend(own.iter().filter_map(|(_, candidate)| *candidate));
    candidates.sort_unstable_by_key(|candidate| candidate.slot());
    candidates
}

/// Whether the gate of a policy says whether it applies, and that it blocks then.
fn is_gated(candidate: Candidate, gates: &Gates) -> bool {
    let gate = gates.gate(candidate.slot());
    candidate.is_certain() && gate.is_simple() && gate.blocks()
}

/// Whether a policy may cover workloads that it does not list.
fn is_broad(policy: &CompiledPolicy) -> bool {
    let scope = &policy.workloads;
    scope.includes_all || scope.filter.as_ref().is_some_and(|filter| filter.mode == crate::model::FilterMode::Include)
}

/// A mask of `count` ones without `excluded`.
fn mask_without(count: usize, excluded: &[Slot]) -> Vec<u64> {
    let mut mask = vec![u64::MAX; count.div_ceil(64)];
    if !count.is_multiple_of(64)
        && let Some(last) = mask.last_mut()
    {
        *last = (1 << (count % 64)) - 1;
    }
    for slot in excluded {
        if let Some(word) = mask.get_mut(*slot as usize / 64) {
            *word &= !(1 << (slot % 64));
        }
    }
    mask
}
