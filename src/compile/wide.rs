//! Wide policies as masks: those that cover every workload but the listed, and have no other condition than location and
//! risk.
//!
//! They are numbered by slot, sixty-four to a block, whose masks lie together: a decision joins a few words of each block.
//! Start with [`WideMasks::each_applying`].

use super::gate::{risk_bit, risk_bits};
use super::location::{LocationSet, ones};
use super::policy::{CompiledPolicy, Grant, PolicyIndex, Slot};
use super::workload::WideMask;
use crate::model::RiskLevel;
use crate::model::set::Word;

/// Memory for the rows of masks that a request needs, to reuse.
#[derive(Debug, Default)]
pub struct WideScratch {
    inside: Vec<usize>,
    /// Those of the locations that it may be in, when these are not the same.
    possible: Vec<usize>,
}

/// The conditions of wide policies as masks over them.
#[derive(Debug)]
pub struct WideMasks {
    blocks: Vec<WideBlock>,
    /// Policies that name each location, a row of masks for each block.
    locations: Vec<Naming>,
    /// The locations that any of them names, as far as there are any.
    named: Vec<u64>,
    /// Which policies they are, by slot. Gates say it too, but are four times as far apart, and many may apply at once.
    policies: Vec<PolicyIndex>,
}

/// Policies that name a location.
///
/// WHY together: most requests ask for both at once.
#[derive(Clone, Copy, Debug, Default)]
struct Naming {
    include: u64,
    exclude: u64,
}

/// Sixty-four wide policies: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
struct WideBlock {
    /// Policies that name everywhere.
    everywhere: Naming,
    /// Policies that each level of risk matches.
    risk: [u64; RiskLevel::ALL.len()],
    /// Policies that block.
    blocks: u64,
    /// Policies that are reported only.
    report_only: u64,
}

/// Those of a block of wide policies that may apply, a bit for each.
#[derive(Clone, Copy, Debug)]
pub struct Applying {
    /// The slot of the lowest bit.
    pub first: Slot,
    /// Those that block.
    pub blocking: u64,
    /// Those that do not.
    pub asking: u64,
    /// All of the block that are reported only, whether they may apply or not.
    pub report_only: u64,
}

impl WideMasks {
    /// Tabulates the first `count` of `policies`.
    pub(super) fn new(policies: &[CompiledPolicy], count: usize, locations: usize) -> Self {
        let wide = policies.get(..count).unwrap_or_default();
        let blocks = count.div_ceil(64);
        let (mut naming, mut named) = (vec![Naming::default(); locations * blocks], vec![0; locations.div_ceil(64)]);
        for (slot, policy) in wide.iter().enumerate() {
            let mut name = |location: u16, side: fn(&mut Naming) -> &mut u64| {
                let location = usize::from(location);
                if let Some(naming) = naming.get_mut(location * blocks + slot / 64) {
                    *side(naming) |= 1 << (slot % 64);
                }
                if let Some(word) = named.get_mut(location / 64) {
                    *word |= 1u64 << (location % 64);
                }
            };
            policy.locations.include.iter().for_each(|location| name(*location, |naming| &mut naming.include));
            policy.locations.exclude.iter().for_each(|location| name(*location, |naming| &mut naming.exclude));
        }
        named.truncate(named.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1));
        let blocks = wide.chunks(64).map(WideBlock::new).collect();
        Self { blocks, locations: naming, named, policies: wide.iter().map(|policy| policy.index).collect() }
    }

    /// The policies of the only block, as most bundles have, that are among `covering` and whose location and risk
    /// conditions may hold; `None` when there are more blocks or none. `possible` is a superset of `inside`.
    #[inline]
    pub(crate) fn applying(
        &self,
        covering: WideMask<'_>,
        risk: RiskLevel,
        inside: &LocationSet,
        possible: &LocationSet,
    ) -> Option<Applying> {
        let [block] = &*self.blocks else { return None };
        let covering = covering.words().next().unwrap_or_default();
        let mut naming = block.everywhere;
        self.each_row(inside, |row| naming.join(self.naming(row)));
        // WHY: most often all is known, and both are one set.
        if !std::ptr::eq(inside, possible) {
            self.each_row(possible, |row| naming.include |= self.naming(row).include);
        }
        Some(block.applying(0, covering, risk, naming))
    }

    /// Calls `found` with what [`Self::applying`] says of each block, however many there are.
    #[inline]
    pub(crate) fn each_applying(
        &self,
        covering: WideMask<'_>,
        risk: RiskLevel,
        inside: &LocationSet,
        possible: &LocationSet,
        scratch: &mut WideScratch,
        mut found: impl FnMut(Applying),
    ) {
        // All that any request can need, so that none but the first allocates.
        for rows in [&mut scratch.inside, &mut scratch.possible] {
            rows.clear();
            rows.reserve(self.named.len() * 64);
        }
        self.each_row(inside, |row| scratch.inside.push(row));
        if !std::ptr::eq(inside, possible) {
            self.each_row(possible, |row| scratch.possible.push(row));
        }
        let mut first: Slot = 0;
        for (place, (block, covering)) in self.blocks.iter().zip(covering.words()).enumerate() {
            let mut naming = block.everywhere;
            for row in &scratch.inside {
                naming.join(self.naming(row + place));
            }
            for row in &scratch.possible {
                naming.include |= self.naming(row + place).include;
            }
            found(block.applying(first, covering, risk, naming));
            first += 64;
        }
    }

    /// Which policy a wide one is.
    #[expect(clippy::indexing_slicing, reason = "there is an index for the slot of every wide policy")]
    #[inline]
    pub(crate) fn policy(&self, slot: Slot) -> PolicyIndex {
        self.policies[slot as usize]
    }

    /// Calls `found` with where the row of each of `locations` begins, of those that any policy names.
    #[inline]
    fn each_row(&self, locations: &LocationSet, mut found: impl FnMut(usize)) {
        for (word, (named, locations)) in self.named.iter().zip(locations).enumerate() {
            ones(named & locations).for_each(|bit| found((word * 64 + bit as usize) * self.blocks.len()));
        }
    }

    #[inline]
    fn naming(&self, place: usize) -> Naming {
        self.locations.get(place).copied().unwrap_or_default()
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.blocks.as_slice())
            + size_of_val(self.locations.as_slice())
            + size_of_val(self.named.as_slice())
            + size_of_val(self.policies.as_slice())
    }
}

impl Naming {
    #[inline]
    fn join(&mut self, other: Self) {
        self.include |= other.include;
        self.exclude |= other.exclude;
    }
}

impl WideBlock {
    /// Those among `covering` that may apply at a level of risk and where policies of `naming` are named.
    #[inline]
    fn applying(&self, first: Slot, covering: u64, risk: RiskLevel, naming: Naming) -> Applying {
        let risk = self.risk.get(risk.index()).copied().unwrap_or_default();
        let applying = covering & naming.include & !naming.exclude & risk;
        let (blocking, asking) = (applying & self.blocks, applying & !self.blocks);
        Applying { first, blocking, asking, report_only: self.report_only }
    }

    /// Of at most sixty-four policies.
    fn new(policies: &[CompiledPolicy]) -> Self {
        let mut block = Self::default();
        for (place, policy) in policies.iter().enumerate() {
            let bit = 1 << place;
            block.everywhere.include |= if policy.locations.everywhere { bit } else { 0 };
            block.everywhere.exclude |= if policy.locations.nowhere { bit } else { 0 };
            block.blocks |= if matches!(policy.grant, Grant::Block) { bit } else { 0 };
            block.report_only |= if policy.is_report_only { bit } else { 0 };
            for (mask, level) in block.risk.iter_mut().zip(RiskLevel::ALL) {
                *mask |= if risk_bits(policy) & risk_bit(*level) != 0 { bit } else { 0 };
            }
        }
        block
    }
}
