//! From an address to the locations that contain it, in one look-up.
//!
//! All ranges of all locations, and the ranges of the country database, are swept once into disjoint stretches of
//! addresses; nesting and overlap are gone after that. Each stretch names its [`Place`]: the set of locations and the
//! country, interned, because many stretches share one. A look-up finds the stretch by the top bits of the address
//! and a binary search in between. Knows addresses and location numbers, not what locations mean.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::limits;
use crate::model::IpRange;
use crate::model::location::{Country, CountryFact};

/// Number of a location: its place in the bundle, then the pseudo-locations.
pub type LocationIndex = u16;

/// A range and what lies in it.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    /// A location.
    Location(LocationIndex),
    /// A country of the database.
    Country(Country),
}

/// What is known of an address: the locations that contain it, and its country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'t> {
    /// The locations, ascending, no duplicates.
    pub locations: &'t [LocationIndex],
    /// The country by the database; unmapped when there is no database.
    pub country: CountryFact,
}

/// The table of a bundle.
#[derive(Debug)]
pub struct NetworkTable {
    v4: Stretches<u32>,
    v6: Stretches<u128>,
    places: Places,
}

impl NetworkTable {
    /// Sweeps `ranges`. Cost: n log n in the ranges, and the locations that are open at each of their edges.
    ///
    /// Errors: ranges overlap in so many ways that the places have more than `limits::PLACE_LOCATIONS_MAX` locations.
    pub fn new(ranges: impl IntoIterator<Item = (IpRange, Layer)>) -> Result<Self, String> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (range, layer) in ranges {
            match range {
                IpRange::V4(first, last) => push_events(&mut v4, first, last, layer),
                IpRange::V6(first, last) => push_events(&mut v6, first, last, layer),
            }
        }
        let mut places = PlaceInterner::default();
        let v4 = sweep(v4, &mut places, 16)?;
        let v6 = sweep(v6, &mut places, 20)?;
        Ok(Self { v4, v6, places: places.places })
    }

    /// The place of `address`, which must be canonical. Cost: one look-up, no allocation.
    pub fn place(&self, address: IpAddr) -> Place<'_> {
        let index = match address {
            IpAddr::V4(address) => self.v4.find(address.into()),
            IpAddr::V6(address) => self.v6.find(address.into()),
        };
        self.places.place(index)
    }

    /// Memory of the tables, bytes.
    pub fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes() + self.places.bytes()
    }
}

/// A table address: `u32` or `u128`.
trait Address: Copy + Ord + Default {
    const BITS: u32;
    fn next(self) -> Option<Self>;
    fn bucket(self, shift: u32) -> usize;
}

impl Address for u32 {
    const BITS: u32 = 32;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn bucket(self, shift: u32) -> usize {
        self.checked_shr(shift).unwrap_or(0) as usize
    }
}

impl Address for u128 {
    const BITS: u32 = 128;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn bucket(self, shift: u32) -> usize {
        self.checked_shr(shift).unwrap_or(0) as usize
    }
}

/// Disjoint stretches that cover all addresses of a family.
///
/// Invariants: `starts` is ascending and begins with the first address; `places` is as long; `first[b]` is the last
/// stretch that begins before bucket `b`, and `first` has one more entry than there are buckets.
#[derive(Debug)]
struct Stretches<A> {
    shift: u32,
    first: Vec<u32>,
    starts: Vec<A>,
    places: Vec<u32>,
}

impl<A: Address> Stretches<A> {
    fn new(starts: Vec<A>, places: Vec<u32>, index_bits_max: u32) -> Self {
        // WHY: about one stretch in a bucket; more index would cost memory, less would cost look-ups.
        let bits = (usize::BITS - starts.len().leading_zeros()).clamp(1, index_bits_max);
        let shift = A::BITS - bits;
        let buckets = 1usize << bits;
        let mut first = Vec::with_capacity(buckets + 1);
        let mut stretch = 0u32;
        let mut rest = starts.iter().skip(1).peekable();
        for bucket in 0..=buckets {
            while rest.next_if(|start| start.bucket(shift) < bucket).is_some() {
                stretch += 1;
            }
            first.push(stretch);
        }
        Self { shift, first, starts, places }
    }

    fn find(&self, address: A) -> u32 {
        let bucket = address.bucket(self.shift);
        let low = self.first.get(bucket).map_or(0, |index| *index as usize);
        let high = self.first.get(bucket + 1).map_or(self.starts.len(), |index| *index as usize + 1);
        let candidates = self.starts.get(low..high).unwrap_or_default();
        let stretch = low + candidates.partition_point(|start| *start <= address).saturating_sub(1);
        self.places.get(stretch).copied().unwrap_or(0)
    }

    fn bytes(&self) -> usize {
        self.first.len() * 4 + self.starts.len() * size_of::<A>() + self.places.len() * 4
    }
}

/// Something that begins or ends at an address. Sorted by address alone; all events of one address are applied
/// before the next stretch begins.
type Event<A> = (A, u16, bool);

/// Countries are numbered behind all locations.
const COUNTRY_BASE: u16 = 1 << 14;

fn push_events<A: Address>(events: &mut Vec<Event<A>>, first: A, last: A, layer: Layer) {
    let number = match layer {
        Layer::Location(location) => location,
        Layer::Country(country) => COUNTRY_BASE + u16::try_from(country.index()).unwrap_or(0),
    };
    events.push((first, number, true));
    if let Some(after) = last.next() {
        events.push((after, number, false));
    }
}

fn sweep<A: Address>(
    mut events: Vec<Event<A>>,
    interner: &mut PlaceInterner,
    index_bits_max: u32,
) -> Result<Stretches<A>, String> {
    events.sort_unstable_by_key(|event| event.0);
    let mut open = Open::default();
    let (mut starts, mut places) = (vec![A::default()], vec![0]);
    for group in events.chunk_by(|a, b| a.0 == b.0) {
        let Some((address, ..)) = group.first().copied() else { continue };
        // WHY: ends first, so that a country that begins where its neighbour ends is not closed by it.
        group.iter().filter(|event| !event.2).for_each(|event| open.close(event.1));
        group.iter().filter(|event| event.2).for_each(|event| open.open(event.1));
        let place = interner.intern(&open)?;
        if address == A::default() {
            places = vec![place];
        } else if places.last() != Some(&place) {
            starts.push(address);
            places.push(place);
        }
    }
    starts.shrink_to_fit();
    places.shrink_to_fit();
    Ok(Stretches::new(starts, places, index_bits_max))
}

/// What is open at the current address of the sweep.
#[derive(Debug, Default)]
struct Open {
    /// How many ranges of each location are open.
    depth: Vec<u32>,
    /// The locations that are, ascending.
    locations: Vec<LocationIndex>,
    /// The innermost country, as a number; databases do not nest countries.
    country: Option<u16>,
}

impl Open {
    fn open(&mut self, number: u16) {
        if number >= COUNTRY_BASE {
            self.country = Some(number - COUNTRY_BASE);
            return;
        }
        let depth = self.depth(number);
        *depth += 1;
        if *depth == 1
            && let Err(position) = self.locations.binary_search(&number)
        {
            self.locations.insert(position, number);
        }
    }

    fn close(&mut self, number: u16) {
        if number >= COUNTRY_BASE {
            self.country = None;
            return;
        }
        let depth = self.depth(number);
        *depth = depth.saturating_sub(1);
        if *depth == 0
            && let Ok(position) = self.locations.binary_search(&number)
        {
            self.locations.remove(position);
        }
    }

    fn depth(&mut self, number: u16) -> &mut u32 {
        let index = usize::from(number);
        if self.depth.len() <= index {
            self.depth.resize(index + 1, 0);
        }
        #[expect(clippy::indexing_slicing, reason = "the line above makes the vector long enough")]
        &mut self.depth[index]
    }
}

/// Interned places. Place 0 is nowhere: in no location and no country.
#[derive(Debug)]
struct Places {
    /// Where the locations of each place begin in `locations`; one more entry than places.
    offsets: Vec<u32>,
    locations: Vec<LocationIndex>,
    countries: Vec<u16>,
}

const UNMAPPED: u16 = u16::MAX;

impl Places {
    fn place(&self, number: u32) -> Place<'_> {
        let (country, locations) = self.key(number);
        let country = Country::from_index(usize::from(country)).map_or(CountryFact::Unmapped, CountryFact::Known);
        Place { locations, country }
    }

    /// Country number, out of range for none, and locations.
    fn key(&self, number: u32) -> (u16, &[LocationIndex]) {
        let index = number as usize;
        let bound = |index: usize| self.offsets.get(index).map_or(0, |offset| *offset as usize);
        let locations = self.locations.get(bound(index)..bound(index + 1)).unwrap_or_default();
        (self.countries.get(index).copied().unwrap_or(UNMAPPED), locations)
    }

    fn bytes(&self) -> usize {
        self.offsets.len() * 4 + self.locations.len() * 2 + self.countries.len() * 2
    }
}

/// Gives equal places one number. The table stores numbers only; the places themselves are the keys.
#[derive(Debug)]
struct PlaceInterner {
    places: Places,
    numbers: HashTable<u32>,
    hasher: RandomState,
}

impl Default for PlaceInterner {
    fn default() -> Self {
        let places = Places { offsets: vec![0, 0], locations: Vec::new(), countries: vec![UNMAPPED] };
        let mut interner = Self { places, numbers: HashTable::new(), hasher: RandomState::default() };
        let hash = interner.hasher.hash_one((UNMAPPED, &[] as &[LocationIndex]));
        interner.numbers.insert_unique(hash, 0, |_| hash);
        interner
    }
}

impl PlaceInterner {
    fn intern(&mut self, open: &Open) -> Result<u32, String> {
        let Self { places, numbers, hasher } = self;
        let country = open.country.unwrap_or(UNMAPPED);
        let hash = hasher.hash_one((country, open.locations.as_slice()));
        let is_same = |number: &u32| places.key(*number) == (country, open.locations.as_slice());
        if let Some(number) = numbers.find(hash, is_same) {
            return Ok(*number);
        }
        let number = u32::try_from(places.countries.len()).unwrap_or(u32::MAX);
        if places.locations.len() + open.locations.len() > limits::PLACE_LOCATIONS_MAX {
            let most = limits::PLACE_LOCATIONS_MAX;
            return Err(format!("address ranges overlap in too many ways: {most} locations in all are the most"));
        }
        places.locations.extend(&open.locations);
        places.offsets.push(u32::try_from(places.locations.len()).unwrap_or(u32::MAX));
        places.countries.push(country);
        numbers.insert_unique(hash, number, |number| hasher.hash_one(places.key(*number)));
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn country(text: &str) -> Country {
        Country::new(text).unwrap()
    }

    #[test]
    fn neighbouring_countries_do_not_close_each_other() {
        let table = NetworkTable::new([
            (IpRange::V4(10, 19), Layer::Country(country("SE"))),
            (IpRange::V4(20, 29), Layer::Country(country("NO"))),
        ])
        .unwrap();
        let country_of = |address: u32| table.place(IpAddr::V4(address.into())).country;
        assert_eq!(country_of(9), CountryFact::Unmapped);
        assert_eq!(country_of(19), CountryFact::Known(country("SE")));
        assert_eq!(country_of(20), CountryFact::Known(country("NO")));
        assert_eq!(country_of(30), CountryFact::Unmapped);
    }

    #[test]
    fn the_first_and_last_address_are_found() {
        let table = NetworkTable::new([
            (IpRange::V4(0, 0), Layer::Location(0)),
            (IpRange::V4(u32::MAX, u32::MAX), Layer::Location(1)),
            (IpRange::V6(0, u128::MAX), Layer::Location(2)),
        ])
        .unwrap();
        let locations = |address: IpAddr| table.place(address).locations.to_vec();
        assert_eq!(locations("0.0.0.0".parse().unwrap()), [0]);
        assert_eq!(locations("0.0.0.1".parse().unwrap()), [0u16; 0]);
        assert_eq!(locations("255.255.255.255".parse().unwrap()), [1]);
        assert_eq!(locations("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap()), [2]);
        assert_eq!(locations("::".parse().unwrap()), [2]);
    }

    #[test]
    fn ranges_that_overlap_in_ever_new_ways_are_refused_before_memory_runs_out() {
        // A thousand locations are open throughout, and each further edge makes a set of them that was not there yet.
        let open = (0..1_000).map(|location| (IpRange::V4(0, u32::MAX - 1 - u32::from(location)), location));
        let holes = (0u32..17).flat_map(|bit| {
            let step = 1 << (bit + 3);
            (0..(1u32 << 20) / step).step_by(2).map(move |index| {
                let first = index * step;
                (IpRange::V4(first, first + step - 1), 1_000 + u16::try_from(bit).unwrap())
            })
        });
        let table = NetworkTable::new(open.chain(holes).map(|(range, number)| (range, Layer::Location(number))));
        assert!(table.is_err_and(|error| error.contains("67108864 locations in all are the most")));
    }

    proptest! {
        #[test]
        fn the_table_finds_what_a_scan_of_all_ranges_finds(
            ranges in prop::collection::vec((any::<u16>(), 0u32..4096, 0u16..9, any::<bool>()), 0..60),
            probes in prop::collection::vec((any::<u16>(), 0u32..4), 60),
        ) {
            // Addresses cluster on few top bits, so that ranges nest, overlap and share buckets.
            let ranges: Vec<_> = ranges.into_iter().map(|(start, length, location, is_v4)| {
                let range = if is_v4 {
                    let first = u32::from(start) << 14;
                    IpRange::V4(first, first.saturating_add(length << 8))
                } else {
                    let first = u128::from(start) << 112;
                    IpRange::V6(first, first.saturating_add(u128::from(length) << 106))
                };
                (range, location)
            }).collect();
            let table = NetworkTable::new(ranges.iter().map(|(range, location)| (*range, Layer::Location(*location)))).unwrap();
            let edges = ranges.iter().flat_map(|(range, _)| match *range {
                IpRange::V4(first, last) => [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                    .map(|address| IpAddr::V4(address.into())),
                IpRange::V6(first, last) => [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                    .map(|address| IpAddr::V6(address.into())),
            });
            let random = probes.iter().map(|(top, low)| IpAddr::V4(((u32::from(*top) << 14) + low).into()));
            for address in edges.chain(random) {
                let mut expected: Vec<_> =
                    ranges.iter().filter(|(range, _)| range.contains(address)).map(|(_, location)| *location).collect();
                expected.sort_unstable();
                expected.dedup();
                // WHY: `contains` folds mapped addresses, the table is asked for canonical ones only.
                if address == address.to_canonical() {
                    prop_assert_eq!(table.place(address).locations, &expected[..], "{}", address);
                }
            }
        }
    }
}
