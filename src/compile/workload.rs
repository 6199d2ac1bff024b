//! From an object id to the policies that may cover that workload.
//!
//! Principals with the same candidate policies share a *class*. Includes, excludes and filters over the catalogue are
//! folded in here, so a decision looks up the class and is done with identity. Policies that cover every workload and
//! have no other condition than location and risk are *wide*: a class holds them as a mask, the others as a list.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::idmap::IdMap;
use super::policy::CompiledPolicy;
use super::scope::Blueprint;
use crate::model::{Id, IdRef, ServicePrincipal, ServicePrincipalType, Truth};

/// Number of a policy inside the engine: wide policies first.
pub type Slot = u32;

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
    /// Its class.
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
#[derive(Clone, Copy, Debug)]
pub struct Class<'w> {
    /// The policies that are not wide.
    pub candidates: &'w [Candidate],
    /// The wide ones, as a mask.
    pub wide: &'w [u64],
}

/// The index.
#[derive(Debug)]
pub struct Workloads {
    principals: IdMap<Known>,
    /// Where the candidates of each class begin; one more entry than classes.
    offsets: Vec<u32>,
    candidates: Vec<Candidate>,
    wide: Vec<u64>,
    wide_words: usize,
}

impl Workloads {
    /// What is known of `id`, and its class; class 0 is that of principals nobody named.
    pub fn class(&self, id: IdRef<'_>) -> (Option<&Known>, Class<'_>) {
        let known = self.principals.value(id);
        let class = known.map_or(0, |known| known.class as usize);
        let offset = |index: usize| self.offsets.get(index).map_or(0, |offset| *offset as usize);
        let candidates = self.candidates.get(offset(class)..offset(class + 1)).unwrap_or_default();
        let wide = self.wide.get(class * self.wide_words..(class + 1) * self.wide_words).unwrap_or_default();
        (known, Class { candidates, wide })
    }

    /// Memory of the tables, bytes.
    pub fn bytes(&self) -> usize {
        self.principals.bytes() + self.offsets.len() * 4 + self.candidates.len() * 4 + self.wide.len() * 8
    }

    /// Folds `policies`, of which the first `wide_count` are wide, over everybody they name and over `catalogue`.
    /// `eligible` tells what the catalogue alone says of a principal.
    pub fn new(
        policies: &[CompiledPolicy],
        wide_count: usize,
        catalogue: &[ServicePrincipal],
        eligible: impl Fn(&ServicePrincipal) -> Truth,
    ) -> Self {
        let mut builder = Builder::new(policies, wide_count, catalogue);
        builder.name_everybody(&eligible);
        builder.explicit();
        builder.broad();
        builder.finish()
    }
}

struct Builder<'p> {
    policies: &'p [CompiledPolicy],
    catalogue: &'p [ServicePrincipal],
    wide_count: usize,
    principals: IdMap<Known>,
    /// Named principals, by their temporary number, which `Known::class` holds until `finish`.
    drafts: Vec<Draft>,
}

struct Draft {
    id: Id,
    catalogue: Option<u32>,
    candidates: Vec<Candidate>,
    /// Wide policies that exclude it.
    excluded: Vec<Slot>,
}

impl<'p> Builder<'p> {
    fn new(policies: &'p [CompiledPolicy], wide_count: usize, catalogue: &'p [ServicePrincipal]) -> Self {
        Self { policies, catalogue, wide_count, principals: IdMap::default(), drafts: Vec::new() }
    }

    fn slots(&self) -> impl Iterator<Item = (Slot, &'p CompiledPolicy)> + use<'p> {
        (0..).zip(self.policies)
    }

    fn draft(&mut self, id: &Id) -> &mut Draft {
        let next = u32::try_from(self.drafts.len()).unwrap_or(u32::MAX);
        let unknown = Known { class: next, catalogue: None, eligible: Truth::Unknown, kind: None };
        let number = self.principals.entry(id.as_ref(), || unknown).class;
        if number == next {
            self.drafts.push(Draft { id: id.clone(), catalogue: None, candidates: Vec::new(), excluded: Vec::new() });
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
                    self.draft(id);
                }
            } else {
                let excluded = |id: &Id| scope.excludes_all || scope.exclude.binary_search(id).is_ok();
                for id in scope.include.iter().filter(|id| !excluded(id)) {
                    self.draft(id).candidates.push(Candidate::new(slot, scope.filter.is_none()));
                }
            }
        }
    }

    /// Policies that may cover anybody: everybody who is named gets them as far as the catalogue lets them be decided.
    fn broad(&mut self) {
        let broad: Vec<_> = self.broad_slots().collect();
        for draft in &mut self.drafts {
            let principal = draft.catalogue.and_then(|index| self.catalogue.get(index as usize));
            let attributes = principal.and_then(|principal| principal.attributes.as_ref());
            for (slot, policy) in &broad {
                let scope = &policy.workloads;
                let holds = scope.covers("", draft.id.as_ref(), Blueprint::Inapplicable, attributes).holds;
                if holds.is_possible() {
                    draft.candidates.push(Candidate::new(*slot, holds == Truth::True));
                }
            }
        }
    }

    fn broad_slots(&self) -> impl Iterator<Item = (Slot, &'p CompiledPolicy)> + use<'p> {
        let wide_count = self.wide_count;
        self.slots().filter(move |(slot, policy)| *slot as usize >= wide_count && is_broad(policy))
    }

    fn finish(self) -> Workloads {
        let wide_words = self.wide_count.div_ceil(64);
        let strangers = self.broad_slots().filter_map(|(slot, policy)| {
            let scope = &policy.workloads;
            // A stranger is in no list, and nobody said which attributes it has.
            let holds = scope.covers("", IdRef::Text(""), Blueprint::Inapplicable, None).holds;
            holds.is_possible().then(|| Candidate::new(slot, holds == Truth::True))
        });
        let mut workloads = Workloads {
            principals: IdMap::default(),
            offsets: vec![0],
            candidates: Vec::new(),
            wide: Vec::new(),
            wide_words,
        };
        let mut interner = HashMap::<_, u32, RandomState>::default();
        let mut intern = |candidates: Vec<Candidate>, excluded: Vec<Slot>| {
            let key = (candidates, excluded);
            if let Some(class) = interner.get(&key) {
                return *class;
            }
            let class = u32::try_from(interner.len()).unwrap_or(u32::MAX);
            workloads.candidates.extend(&key.0);
            workloads.offsets.push(u32::try_from(workloads.candidates.len()).unwrap_or(u32::MAX));
            workloads.wide.extend(mask_without(self.wide_count, &key.1));
            interner.insert(key, class);
            class
        };
        intern(strangers.collect(), Vec::new());
        let classes: Vec<u32> = self
            .drafts
            .into_iter()
            .map(|mut draft| {
                draft.candidates.sort_unstable_by_key(|candidate| candidate.slot());
                intern(draft.candidates, draft.excluded)
            })
            .collect();
        workloads.principals = self.principals;
        for known in workloads.principals.values_mut() {
            known.class = classes.get(known.class as usize).copied().unwrap_or(0);
        }
        workloads.offsets.shrink_to_fit();
        workloads.candidates.shrink_to_fit();
        workloads
    }
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
