//! Wide policies as masks: those that cover every workload but the listed, and have no other condition than location and
//! risk.
//!
//! They are numbered by slot, sixty-four to a block, whose masks lie together: a decision joins a few words of each block.
//! Start with [`WideMasks::each_applying`].

use super::bundle::{LocationSet, ones};
use super::gate::{risk_bit, risk_bits};
use super::policy::{CompiledPolicy, Grant, PolicyIndex};
use super::workload::Slot;
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
    /// Those that block, and are enforced.
    pub blocking: u64,
    /// Those that would block, and are reported only.
    pub reported: u64,
    /// Those that do not block.
    pub others: u64,
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

    /// Calls `found` for each block of policies with those among `covering` whose location and risk conditions may hold.
    /// `possible` is a superset of `inside`.
    #[inline]
    pub(crate) fn each_applying(
        &self,
        covering: &[u64],
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
        self.rows(inside, &mut scratch.inside);
        // WHY: most often all is known, and both are one set.
        if !std::ptr::eq(inside, possible) {
            self.rows(possible, &mut scratch.possible);
        }
        let mut first: Slot = 0;
        for (place, (block, covering)) in self.blocks.iter().zip(covering).enumerate() {
            let naming = |row: &usize| self.locations.get(row + place).copied().unwrap_or_default();
            let Naming { mut include, mut exclude } = block.everywhere;
            for named in scratch.inside.iter().map(naming) {
                include |= named.include;
                exclude |= named.exclude;
            }
            for named in scratch.possible.iter().map(naming) {
                include |= named.include;
            }
            let risk = block.risk.get(risk.index()).copied().unwrap_or_default();
            let applying = covering & include & !exclude & risk;
            let blocking = applying & block.blocks;
            found(Applying {
                first,
                blocking: blocking & !block.report_only,
                reported: blocking & block.report_only,
                others: applying & !block.blocks,
            });
            first += 64;
        }
    }

    /// Which policy a wide one is.
    #[expect(clippy::indexing_slicing, reason = "there is an index for the slot of every wide policy")]
    #[inline]
    pub(crate) fn policy(&self, slot: Slot) -> PolicyIndex {
        self.policies[slot as usize]
    }

    /// Adds where the rows of `locations` begin, of those that any policy names.
    #[inline]
    fn rows(&self, locations: &LocationSet, rows: &mut Vec<usize>) {
        for (word, named) in self.named.iter().enumerate() {
            let named = named & locations.get(word).copied().unwrap_or_default();
            rows.extend(ones(named).map(|bit| (word * 64 + bit as usize) * self.blocks.len()));
        }
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.blocks.as_slice())
            + size_of_val(self.locations.as_slice())
            + size_of_val(self.named.as_slice())
            + size_of_val(self.policies.as_slice())
    }
}

impl WideBlock {
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
