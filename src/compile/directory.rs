//! The groups and roles that policies name, by number.
//!
//! A user may be in thousands of groups, of which policies name a few. So what no policy names is told apart by one bit,
//! before the map is asked. Start with [`Directory::number`].

use super::idmap::IdMap;
use crate::model::{Id, IdRef};

/// The numbered groups and roles.
#[derive(Debug)]
pub struct Directory {
    numbers: IdMap<u32>,
    names: Vec<Id>,
    /// The bits of the GUIDs among them. INVARIANT: a power of two of words, at least two.
    sieve: Box<[u64]>,
    /// How far a scattered GUID is shifted to be the number of a bit.
    shift: u32,
}

/// Bits of the sieve for each object, at least: about one in forty GUIDs that no policy names passes.
const BITS_PER_OBJECT: usize = 32;
/// Most bits of the sieve: half a megabyte, so that it stays in the processor's caches.
const BITS_MAX: usize = 1 << 22;

impl Directory {
    /// Of what policies name: `names` by number, `numbers` the same by name.
    pub(super) fn new(numbers: IdMap<u32>, names: Vec<Id>) -> Self {
        let bits = (names.len() * BITS_PER_OBJECT).clamp(128, BITS_MAX).next_power_of_two();
        let mut directory =
            Self { numbers, names, sieve: vec![0; bits / 64].into(), shift: u64::BITS - bits.trailing_zeros() };
        // WHY of the map's own ids: one that had no bit would not be found.
        for id in directory.numbers.ids() {
            let Id::Guid(guid) = id else { continue };
            let bit = scattered(guid) >> directory.shift;
            if let Some(word) = directory.sieve.get_mut(bit as usize / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        directory
    }

    /// The number of a group or role that some policy names. Cost: for most that none names, a multiplication.
    #[inline]
    pub(crate) fn number(&self, id: IdRef<'_>) -> Option<u32> {
        match id {
            IdRef::Guid(guid) if !self.may_have(guid) => None,
            id => self.numbers.value(id).copied(),
        }
    }

    #[inline]
    fn may_have(&self, guid: u128) -> bool {
        let bit = scattered(guid) >> self.shift;
        self.sieve.get(bit as usize / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// The group or role of a number.
    pub(crate) fn name(&self, number: u32) -> Option<&Id> {
        self.names.get(number as usize)
    }

    /// How many groups and roles policies name.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Memory of the tables, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.bytes() + size_of_val(self.sieve.as_ref()) + size_of_val(self.names.as_slice())
    }
}

/// The bits of a GUID, scattered so that the upper ones depend on all. WHY no seed: who picks GUIDs that pass the sieve
/// gains a look-up in the map, which has one.
#[inline]
const fn scattered(guid: u128) -> u64 {
    // 2 to the 64 divided by the golden ratio, odd: multiples of it are spread evenly.
    ((guid >> 64) as u64 ^ guid as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(ids: impl Iterator<Item = Id>) -> Directory {
        let names: Vec<Id> = ids.collect();
        let mut numbers = IdMap::default();
        for (number, name) in (0u32..).zip(&names) {
            numbers.entry(name.as_ref(), || number);
        }
        Directory::new(numbers, names)
    }

    #[test]
    fn every_object_that_policies_name_has_its_number_and_no_other_has_one() {
        for size in [0, 1, 3, 64, 500, 5_000] {
            // Consecutive GUIDs, GUIDs that differ in the upper half alone, and names that are no GUIDs.
            let id = |number: u128| match number % 3 {
                0 => Id::Guid(number),
                1 => Id::Guid(number << 64),
                _ => Id::new(&format!("group {number}")),
            };
            let directory = directory((0..size).map(id));
            for number in 0..size {
                assert_eq!(directory.number(id(number).as_ref()), u32::try_from(number).ok());
                assert_eq!(directory.number(id(number + size).as_ref()), None);
            }
        }
    }

    #[test]
    fn few_guids_that_no_policy_names_pass_the_sieve() {
        let mut rng = fastrand::Rng::with_seed(7);
        let directory = directory((0..500).map(|_| Id::Guid(rng.u128(..))));
        let passed = (0..10_000).filter(|_| directory.may_have(rng.u128(..))).count();
        assert!(passed < 500, "{passed} of 10,000");
    }
}
