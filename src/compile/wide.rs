//! Wide policies as masks: those that cover every workload but the listed, and have no other condition than location and
//! risk.
//!
//! They are numbered by slot, sixty-four to a block, whose masks lie together: a decision joins a few words of each block.
//! Start with [`WideMasks::each_applying`].

use super::bundle::{LocationSet, ones};
use super::gate::{risk_bit, risk_bits};
use super::policy::{CompiledPolicy, Grant};
use super::workload::Slot;
use crate::model::RiskLevel;
use crate::model::set::Word;

/// Memory for the rows of masks that a request needs, to reuse.
#[derive(Debug, Default)]
pub struct WideScratch {
    include: Vec<usize>,
    exclude: Vec<usize>,
}

/// The conditions of wide policies as masks over them.
#[derive(Debug)]
pub struct WideMasks {
    blocks: Vec<WideBlock>,
    /// Policies that include each location, a row of a word for each block.
    include: Vec<u64>,
    /// Policies that exclude each location, likewise.
    exclude: Vec<u64>,
    /// The locations that any of them names, as far as there are any.
    locations: Vec<u64>,
}

/// Sixty-four wide policies: a bit for each.
#[derive(Clone, Copy, Debug, Default)]
struct WideBlock {
    /// Policies that include everywhere.
    everywhere: u64,
    /// Policies that exclude everywhere.
    nowhere: u64,
    /// Policies that each level of risk matches.
    risk: [u64; RiskLevel::ALL.len()],
    /// Policies that block.
    blocks: u64,
}

impl WideMasks {
    /// Tabulates the first `count` of `policies`.
    pub(super) fn new(policies: &[CompiledPolicy], count: usize, locations: usize) -> Self {
        let wide = policies.get(..count).unwrap_or_default();
        let words = count.div_ceil(64);
        let row = |locations: usize| vec![0; locations * words];
        let (mut include, mut exclude, mut named) = (row(locations), row(locations), vec![0; locations.div_ceil(64)]);
        let set = |table: &mut [u64], word: usize, bit: usize| {
            if let Some(word) = table.get_mut(word) {
                *word |= 1 << (bit % 64);
            }
        };
        for (slot, policy) in wide.iter().enumerate() {
            let sides = [(&policy.locations.include, &mut include), (&policy.locations.exclude, &mut exclude)];
            for (side, table) in sides {
                for location in side.iter().map(|location| usize::from(*location)) {
                    set(table, location * words + slot / 64, slot);
                    set(&mut named, location / 64, location);
                }
            }
        }
        named.truncate(named.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1));
        Self { blocks: wide.chunks(64).map(WideBlock::new).collect(), include, exclude, locations: named }
    }

    /// Calls `found` for each block of policies with the slot of its first, those among `covering` whose location and risk
    /// conditions may hold and that block, and those that do not block. `possible` is a superset of `inside`.
    #[inline]
    pub(crate) fn each_applying(
        &self,
        covering: &[u64],
        risk: RiskLevel,
        inside: &LocationSet,
        possible: &LocationSet,
        scratch: &mut WideScratch,
        mut found: impl FnMut(Slot, u64, u64),
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
        let mut first: Slot = 0;
        for (word, block) in self.blocks.iter().enumerate() {
            let joined = |bits: u64, table: &[u64], rows: &[usize]| {
                rows.iter().fold(bits, |bits, row| bits | table.get(row + word).copied().unwrap_or_default())
            };
            let covering = covering.get(word).copied().unwrap_or_default();
            let included = joined(block.everywhere, &self.include, include);
            let excluded = joined(block.nowhere, &self.exclude, exclude);
            let risk = block.risk.get(risk.index()).copied().unwrap_or_default();
            let applying = covering & included & !excluded & risk;
            found(first, applying & block.blocks, applying & !block.blocks);
            first += 64;
        }
    }

    /// Adds where the rows of `locations` begin, of those that any policy names.
    #[inline]
    fn rows(&self, locations: &LocationSet, rows: &mut Vec<usize>) {
        for (word, (locations, named)) in locations.iter().zip(&self.locations).enumerate() {
            rows.extend(ones(locations & named).map(|bit| (word * 64 + bit as usize) * self.blocks.len()));
        }
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.blocks.as_slice()) + (self.include.len() + self.exclude.len() + self.locations.len()) * 8
    }
}

impl WideBlock {
    /// Of at most sixty-four policies.
    fn new(policies: &[CompiledPolicy]) -> Self {
        let mut block = Self::default();
        for (place, policy) in policies.iter().enumerate() {
            let bit = 1 << place;
            block.everywhere |= if policy.locations.everywhere { bit } else { 0 };
            block.nowhere |= if policy.locations.nowhere { bit } else { 0 };
            block.blocks |= if matches!(policy.grant, Grant::Block) { bit } else { 0 };
            for (mask, level) in block.risk.iter_mut().zip(RiskLevel::ALL) {
                *mask |= if risk_bits(policy) & risk_bit(*level) != 0 { bit } else { 0 };
            }
        }
        block
    }
}
