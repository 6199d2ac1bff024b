//! The hot part of each policy: what a decision looks at first, and for most policies all it looks at.
//!
//! A simple policy has no other conditions than identity, location and service principal risk, and few locations; its
//! gate alone says whether it may apply. Of the others the gate says what applying comes to. Start with [`Gate`].

use super::location::{LOCATION_WORDS, LocationMarks, LocationSet, contains};
use super::network::LocationIndex;
use super::policy::{CompiledPolicy, Grant, LocationCondition, PolicyIndex, Slot};
use crate::limits;
use crate::model::RiskLevel;
use crate::model::set::Word;

/// A location that contains nothing.
const NO_LOCATION: LocationIndex = (LOCATION_WORDS as LocationIndex - 1) * 64;

const _: () = assert!(limits::LOCATIONS_MAX + 2 <= NO_LOCATION as usize, "no location has its number");

/// The hot part of a policy that takes part, four to a cache line.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Which policy.
    pub(crate) index: PolicyIndex,
    /// The locations of a simple policy: those that it excludes, or for one that is not for everywhere those that it
    /// includes.
    locations: [LocationIndex; 5],
    /// Levels of service principal risk that match, as bits; all ones when not configured.
    pub(crate) risk: u8,
    flags: u8,
}

impl Gate {
    const EVERYWHERE: u8 = 1;
    const SIMPLE: u8 = 2;
    const REPORT_ONLY: u8 = 4;
    const BLOCK: u8 = 8;
    const SESSION: u8 = 16;

    fn new(policy: &CompiledPolicy) -> Self {
        let LocationCondition { everywhere, nowhere, include, exclude, .. } = &policy.locations;
        let (named, other) = if *everywhere { (exclude, include) } else { (include, exclude) };
        let mut locations = [NO_LOCATION; 5];
        locations.iter_mut().zip(named).for_each(|(place, location)| *place = *location);
        let has_room = named.len() <= locations.len() && (*everywhere || other.is_empty());
        let flags = [
            (*everywhere, Self::EVERYWHERE),
            (has_room && !nowhere && policy.is_plain(), Self::SIMPLE),
            (policy.is_report_only, Self::REPORT_ONLY),
            (matches!(policy.grant, Grant::Block), Self::BLOCK),
            (policy.has_session(), Self::SESSION),
        ];
        Self {
            index: policy.index,
            locations,
            risk: risk_bits(policy),
            flags: flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum(),
        }
    }

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether [`Self::may_hold`] speaks for all conditions of the policy besides identity.
    pub(crate) const fn is_simple(self) -> bool {
        self.has(Self::SIMPLE)
    }

    /// Whether it is reported only.
    pub(crate) const fn is_report_only(self) -> bool {
        self.has(Self::REPORT_ONLY)
    }

    /// Whether it has session controls.
    pub(crate) const fn has_session(self) -> bool {
        self.has(Self::SESSION)
    }

    /// Whether it blocks.
    pub(crate) const fn blocks(self) -> bool {
        self.has(Self::BLOCK)
    }

    /// Whether the conditions of a simple policy hold for a request of which all locations are known, and marked.
    ///
    /// WHY: without a branch, since which policies apply to a request is just what nobody can predict.
    #[inline]
    pub(crate) fn holds(self, risk_bit: u8, inside: &LocationMarks) -> bool {
        self.is_met(risk_bit, |location| inside.has(location))
    }

    /// Whether the conditions of a simple policy may hold. `possible` is a superset of `inside`.
    #[inline]
    pub(crate) fn may_hold(self, risk_bit: u8, inside: &LocationSet, possible: &LocationSet) -> bool {
        let set = if self.has(Self::EVERYWHERE) { inside } else { possible };
        self.is_met(risk_bit, |location| contains(set, location))
    }

    #[inline]
    fn is_met(self, risk_bit: u8, is_in: impl Fn(LocationIndex) -> bool) -> bool {
        let is_named = self.locations.iter().fold(false, |is_named, location| is_named | is_in(*location));
        (self.risk & risk_bit != 0) & (is_named != self.has(Self::EVERYWHERE))
    }
}

/// The gates, by slot.
#[derive(Debug, Default)]
pub struct Gates(Vec<Gate>);

impl Gates {
    pub(super) fn new(policies: &[CompiledPolicy]) -> Self {
        Self(policies.iter().map(Gate::new).collect())
    }

    /// The gate of a slot.
    #[expect(clippy::indexing_slicing, reason = "there is a gate for every slot of the bundle")]
    #[inline]
    pub(crate) fn gate(&self, slot: Slot) -> Gate {
        self.0[slot as usize]
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.len() * size_of::<Gate>()
    }
}

/// The bits of the levels that a policy names; all ones when it names none.
pub(super) fn risk_bits(policy: &CompiledPolicy) -> u8 {
    match policy.service_principal_risk {
        levels if levels.is_empty() => u8::MAX,
        levels => levels.iter().map(risk_bit).sum(),
    }
}

/// The bit of a level in [`Gate::risk`].
pub fn risk_bit(level: RiskLevel) -> u8 {
    1 << level.index()
}
