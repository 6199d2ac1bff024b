//! Places: sets of locations with a country, interned while a table is swept and then only read.
//!
//! A place is a record in one pool of bytes, and its number is where the record begins: finding it costs one access.
//! Knows numbers, not addresses. Start with [`Places`].

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::LocationIndex;
use crate::limits;
use crate::model::location::{Country, CountryFact};

/// What is known of an address: the locations that contain it, and its country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'t> {
    /// The locations.
    pub locations: Locations<'t>,
    /// The country by the database; unmapped when there is no database.
    pub country: CountryFact,
}

/// The locations of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locations<'t> {
    bytes: &'t [u8],
    width: Width,
}

impl Locations<'_> {
    /// Calls `found` with each location, ascending, none twice.
    #[inline]
    pub fn each(self, mut found: impl FnMut(LocationIndex)) {
        match self.width {
            Width::One => self.bytes.iter().for_each(|byte| found(LocationIndex::from(*byte))),
            Width::Two => {
                let (numbers, _) = self.bytes.as_chunks();
                numbers.iter().for_each(|bytes| found(LocationIndex::from_le_bytes(*bytes)));
            }
        }
    }
}

/// Bytes of a location's number, and of how many there are.
///
/// WHY: Entra allows 195 locations, so that one byte nearly always does, and sets of locations are a good part of a
/// large table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    One,
    Two,
}

impl Width {
    const fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    fn push(self, number: u16, record: &mut Vec<u8>) {
        let [low, high] = number.to_le_bytes();
        record.push(low);
        if self == Self::Two {
            record.push(high);
        }
    }
}

/// Interned places. Place 0 is nowhere: in no location and no country.
///
/// Invariants: `pool` is records, each of which is how many locations there are, the country if the bundle has a
/// database, and the locations, ascending; a place's number is where its record begins.
#[derive(Debug)]
pub struct Places {
    pool: Vec<u8>,
    width: Width,
    has_countries: bool,
}

const UNMAPPED: u16 = u16::MAX;

impl Places {
    /// The place of a number that its interner gave. Cost: no allocation.
    #[inline]
    pub fn place(&self, number: u32) -> Place<'_> {
        let width = self.width;
        let record = self.pool.get(number as usize..).unwrap_or_default();
        let (count, mut rest) = match (width, record) {
            (Width::One, [count, rest @ ..]) => (usize::from(*count), rest),
            (Width::Two, [low, high, rest @ ..]) => (2 * usize::from(u16::from_le_bytes([*low, *high])), rest),
            _ => (0, record),
        };
        let mut country = CountryFact::Unmapped;
        if self.has_countries
            && let [low, high, locations @ ..] = rest
        {
            let index = usize::from(u16::from_le_bytes([*low, *high]));
            country = Country::from_index(index).map_or(CountryFact::Unmapped, CountryFact::Known);
            rest = locations;
        }
        Place { locations: Locations { bytes: rest.get(..count).unwrap_or_default(), width }, country }
    }

    /// Every place and its number.
    pub fn each(&self) -> impl Iterator<Item = (u32, Place<'_>)> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let number = u32::try_from(next).ok().filter(|_| next < self.pool.len())?;
            next += self.record(number).len().max(1);
            Some((number, self.place(number)))
        })
    }

    /// The record that begins at `number`, as it is stored.
    fn record(&self, number: u32) -> &[u8] {
        let record = self.pool.get(number as usize..).unwrap_or_default();
        let count = match (self.width, record) {
            (Width::One, [count, ..]) => usize::from(*count),
            (Width::Two, [low, high, ..]) => usize::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        let country = if self.has_countries { 2 } else { 0 };
        record.get(..(count + 1) * self.width.bytes() + country).unwrap_or_default()
    }

    /// Memory, bytes.
    pub fn bytes(&self) -> usize {
        self.pool.len()
    }
}

/// Gives equal places one number. It stores numbers only; the places themselves are the keys.
#[derive(Debug)]
pub struct PlaceInterner {
    places: Places,
    numbers: HashTable<u32>,
    hasher: RandomState,
    /// How many locations all places have together.
    listed: usize,
}

impl PlaceInterner {
    /// For locations with numbers below `locations`, and countries if there are any.
    pub fn new(locations: LocationIndex, has_countries: bool) -> Self {
        let width = if locations <= LocationIndex::from(u8::MAX) { Width::One } else { Width::Two };
        let places = Places { pool: Vec::new(), width, has_countries };
        let (numbers, hasher) = (HashTable::new(), RandomState::default());
        let mut interner = Self { places, numbers, hasher, listed: 0 };
        interner.write(&[], None);
        interner.grow();
        interner
    }

    /// The number of the place with these locations, ascending, and this country.
    ///
    /// Errors: the places have more than `limits::PLACE_LOCATIONS_MAX` locations.
    pub fn intern(&mut self, locations: &[LocationIndex], country: Option<u16>) -> Result<u32, String> {
        // WHY: the record is written where it would stand, and looked for from there, so that most need no copy.
        let end = self.places.pool.len();
        self.write(locations, country);
        let Self { places, numbers, hasher, listed } = self;
        let wanted = places.pool.get(end..).unwrap_or_default();
        let hash = hash(hasher, wanted);
        if let Some(number) = numbers.find(hash, |number| places.record(*number) == wanted) {
            places.pool.truncate(end);
            return Ok(*number);
        }
        *listed += locations.len();
        if *listed > limits::PLACE_LOCATIONS_MAX {
            let most = limits::PLACE_LOCATIONS_MAX;
            return Err(format!("address ranges overlap in too many ways: {most} locations in all are the most"));
        }
        let number = u32::try_from(end).unwrap_or(u32::MAX);
        if numbers.len() < numbers.capacity() {
            numbers.insert_unique(hash, number, |_| 0);
        } else {
            self.grow();
        }
        Ok(number)
    }

    /// The places, when all are known.
    pub fn finish(mut self) -> Places {
        self.places.pool.shrink_to_fit();
        self.places
    }

    /// Writes a record at the end of the pool.
    fn write(&mut self, locations: &[LocationIndex], country: Option<u16>) {
        let Places { pool, width, has_countries } = &mut self.places;
        width.push(u16::try_from(locations.len()).unwrap_or(u16::MAX), pool);
        if *has_countries {
            pool.extend(country.unwrap_or(UNMAPPED).to_le_bytes());
        }
        match width {
            Width::One => pool.extend(locations.iter().map(|location| *location as u8)),
            Width::Two => locations.iter().for_each(|location| width.push(*location, pool)),
        }
    }

    /// Makes room for twice as many numbers, and numbers every record of the pool.
    ///
    /// WHY: so records are read in a row, not all over the pool, and the old table is gone before the new one is there.
    fn grow(&mut self) {
        let Self { places, numbers, hasher, .. } = self;
        let room = (numbers.len() + 1) * 2;
        *numbers = HashTable::new();
        *numbers = HashTable::with_capacity(room);
        let mut next = 0;
        while next < places.pool.len() {
            let number = u32::try_from(next).unwrap_or(u32::MAX);
            let record = places.record(number);
            numbers.insert_unique(hash(hasher, record), number, |_| 0);
            next += record.len().max(1);
        }
    }
}

fn hash(hasher: &RandomState, record: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(record);
    hasher.finish()
}
