//! Sets of locations, and what is known of locations besides their ranges.
//!
//! Locations are numbers here, and a set of them is a bit for each; who is in which is for the table of addresses and for
//! the decision. Start with [`LocationTable`].

use super::network::LocationIndex;
use crate::limits;
use crate::model::Id;
use crate::model::location::{Country, CountryFact};

/// Words in a set of locations: the named ones, the two pseudo-locations, and words that stay empty.
///
/// WHY: a power of two, so that finding a word needs no check.
pub const LOCATION_WORDS: usize = ((limits::LOCATIONS_MAX + 2) / 64 + 1).next_power_of_two();

/// A set of locations.
pub type LocationSet = [u64; LOCATION_WORDS];

/// What is known of locations besides their ranges.
#[derive(Debug)]
pub struct LocationTable {
    /// Names of the named locations.
    pub(crate) names: Vec<Box<str>>,
    /// Their ids, where they have one.
    pub(crate) ids: Vec<Option<Id>>,
    /// Locations whose names stand for them in conditions in Cedar, and for nothing else.
    pub(crate) by_name: LocationSet,
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
    let word = usize::from(location) / 64 % LOCATION_WORDS;
    set.get(word).is_some_and(|word| word >> (location % 64) & 1 == 1)
}

/// The places of the ones of a word of a mask, ascending.
#[inline]
pub fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let place = (word != 0).then(|| word.trailing_zeros());
        word &= word.wrapping_sub(1);
        place
    })
}

/// A byte for each location, for gates, which ask five times each whether one is in a set: a look-up in the place of
/// finding a word and shifting it.
#[derive(Debug)]
pub struct LocationMarks([bool; LOCATION_WORDS * 64]);

impl Default for LocationMarks {
    fn default() -> Self {
        Self([false; LOCATION_WORDS * 64])
    }
}

impl LocationMarks {
    /// Marks that are taken away whatever the bundle has: those of a word.
    const FEW: usize = 64;

    /// Whether `location` is marked.
    #[inline]
    pub fn has(&self, location: LocationIndex) -> bool {
        self.0.get(usize::from(location) % (LOCATION_WORDS * 64)).is_some_and(|mark| *mark)
    }

    /// Marks `location`.
    #[inline]
    pub fn mark(&mut self, location: LocationIndex) {
        if let Some(mark) = self.0.get_mut(usize::from(location)) {
            *mark = true;
        }
    }

    /// Takes the marks of the locations of so many words of a [`LocationSet`] away.
    #[inline]
    pub fn clear(&mut self, words: usize) {
        // WHY: a fixed few are done at once, without a call.
        let (few, rest) = self.0.split_at_mut(Self::FEW);
        few.fill(false);
        if words * 64 > Self::FEW {
            rest.iter_mut().take(words * 64 - Self::FEW).for_each(|mark| *mark = false);
        }
    }
}
