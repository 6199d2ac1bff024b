//! From an address to the locations that contain it, in one look-up.
//!
//! All ranges of all locations, and the ranges of the country database, are swept once into disjoint stretches of
//! addresses; nesting and overlap are gone after that. Each stretch names its [`Place`]: the set of locations and the
//! country, interned, because many stretches share one. A look-up finds the stretch by the top bits of the address
//! and a binary search in between. Knows addresses and location numbers, not what locations mean. Start with
//! [`NetworkTable`]; `sweep` makes stretches of ranges, `place` keeps the places.

use std::net::IpAddr;

use crate::model::IpRange;
use crate::model::location::{Country, Ranges};

mod place;
mod sweep;
#[cfg(test)]
mod tests;

pub use place::Place;
use place::{PlaceInterner, Places};
use sweep::{Edge, Key, quarters, sweep};

/// Number of a location: its place in the bundle, then the pseudo-locations.
pub type LocationIndex = u16;

/// What lies in a range.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    /// A location.
    Location(LocationIndex),
    /// A country of the database.
    Country(Country),
}

impl Layer {
    /// Countries are numbered behind all locations.
    fn number(self) -> u16 {
        match self {
            Self::Location(location) => location,
            Self::Country(country) => sweep::COUNTRY_BASE + u16::try_from(country.index()).unwrap_or(0),
        }
    }
}

/// Ranges to make a table of, and what lies in each.
#[derive(Debug, Default)]
pub struct Layers {
    v4: Vec<Edge<u32>>,
    v6: Vec<Edge<[u32; 4]>>,
    /// One more than the largest number of a location.
    locations: LocationIndex,
    has_countries: bool,
}

impl Layers {
    /// Nothing yet, with room for so many ranges of each family.
    pub fn with_capacity(v4: usize, v6: usize) -> Self {
        // Two edges each, and the one that the sweep begins with.
        Self { v4: Vec::with_capacity(2 * v4 + 1), v6: Vec::with_capacity(2 * v6 + 1), ..Self::default() }
    }

    /// Adds a range.
    pub fn add(&mut self, range: IpRange, layer: Layer) {
        let number = self.note(layer);
        match range {
            IpRange::V4(first, last) => self.add_v4(first, last, number),
            IpRange::V6(first, last) => self.add_v6(first, last, number),
        }
    }

    /// Adds ranges that the same lies in.
    pub fn add_all(&mut self, ranges: &Ranges, layer: Layer) {
        let number = self.note(layer);
        ranges.v4().iter().for_each(|(first, last)| self.add_v4(*first, *last, number));
        ranges.v6().iter().for_each(|(first, last)| self.add_v6(*first, *last, number));
    }

    fn note(&mut self, layer: Layer) -> u16 {
        match layer {
            Layer::Location(location) => self.locations = self.locations.max(location.saturating_add(1)),
            Layer::Country(_) => self.has_countries = true,
        }
        layer.number()
    }

    fn add_v4(&mut self, first: u32, last: u32, number: u16) {
        self.v4.push(Edge::opening(first, number));
        self.v4.extend(last.checked_add(1).map(|after| Edge::closing(after, number)));
    }

    fn add_v6(&mut self, first: u128, last: u128, number: u16) {
        self.v6.push(Edge::opening(quarters(first), number));
        self.v6.extend(last.checked_add(1).map(|after| Edge::closing(quarters(after), number)));
    }
}

/// The table of a bundle.
#[derive(Debug)]
pub struct NetworkTable {
    v4: Stretches<u32>,
    v6: Stretches<[u32; 4]>,
    places: Places,
}

/// Most bits of an index.
const INDEX_BITS_MAX: u32 = 17;

impl NetworkTable {
    /// Sweeps `layers`. Cost: n log n in the ranges, and the locations that are open at each of their edges.
    ///
    /// Errors: ranges overlap in so many ways that the places have more than `limits::PLACE_LOCATIONS_MAX` locations.
    pub fn new(layers: Layers) -> Result<Self, String> {
        let Layers { v4, v6, locations, has_countries } = layers;
        let mut places = PlaceInterner::new(locations, has_countries);
        let v4 = Stretches::new(sweep(v4, &mut places)?, 0);
        // WHY: four of the larger IPv6 stretches in a bucket cost hardly more time than one, and less memory.
        let v6 = Stretches::new(sweep(v6, &mut places)?, 2);
        Ok(Self { v4, v6, places: places.finish() })
    }

    /// The place of `address`, which must be canonical. Cost: one look-up, no allocation.
    #[inline]
    pub fn place(&self, address: IpAddr) -> Place<'_> {
        let number = match address {
            IpAddr::V4(address) => self.v4.find(address.into()),
            IpAddr::V6(address) => self.v6.find(address.into()),
        };
        self.places.place(number)
    }

    /// The IPv4 stretches: where each begins, and the number of its place. Ascending from the first address.
    pub fn v4(&self) -> impl Iterator<Item = (u32, u32)> {
        self.v4.stretches.iter().map(|stretch| (stretch.at, stretch.tag))
    }

    /// The IPv6 stretches, likewise.
    pub fn v6(&self) -> impl Iterator<Item = (u128, u32)> {
        self.v6.stretches.iter().map(|stretch| (stretch.at.address(), stretch.tag))
    }

    /// All stretches as ranges, IPv4 first, each with the number of its place. Ascending, without a gap.
    pub fn stretches(&self) -> impl Iterator<Item = (IpRange, u32)> + Clone {
        let v4 =
            self.v4.ranges(u32::MAX, |address| address - 1).map(|(ends, place)| (IpRange::V4(ends.0, ends.1), place));
        let v6 =
            self.v6.ranges(u128::MAX, |address| address - 1).map(|(ends, place)| (IpRange::V6(ends.0, ends.1), place));
        v4.chain(v6)
    }

    /// Every place, once, and its number.
    pub fn places(&self) -> impl Iterator<Item = (u32, Place<'_>)> {
        self.places.each()
    }

    /// The place of a number that a stretch has.
    pub fn numbered(&self, number: u32) -> Place<'_> {
        self.places.place(number)
    }

    /// Memory of the tables, bytes.
    pub fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes() + self.places.bytes()
    }
}

/// Disjoint stretches that cover all addresses of a family: where each begins, and its place.
///
/// Invariants: `stretches` is ascending and begins with the first address; `first[b]` is the last stretch that begins
/// before bucket `b`, and `first` has one more entry than there are buckets. Buckets are of 2 to the `shift` addresses
/// from `base` on, where the second stretch begins, so that they lie where the bundle has ranges.
#[derive(Debug)]
struct Stretches<K: Key> {
    base: K::Address,
    shift: u32,
    first: Vec<u32>,
    stretches: Vec<Edge<K>>,
}

impl<K: Key> Stretches<K> {
    /// Of swept edges, which stay where they are. The index has about as many buckets as there are stretches, divided
    /// by 2 to the `spare_bits`.
    fn new(mut stretches: Vec<Edge<K>>, spare_bits: u32) -> Self {
        stretches.shrink_to_fit();
        let start = |edge: Option<&Edge<K>>| edge.map_or_else(K::default, |edge| edge.at).address();
        let base = start(stretches.get(1));
        let last = start(stretches.last());
        let bits = usize::BITS - stretches.len().leading_zeros();
        let shift =
            K::bits_between(base, last).saturating_sub(bits.saturating_sub(spare_bits).clamp(1, INDEX_BITS_MAX));
        let buckets = K::bucket(last, base, shift) + 1;
        let mut first = Vec::with_capacity(buckets + 1);
        let mut stretch = 0u32;
        let mut rest = stretches.iter().skip(1).peekable();
        for index in 0..=buckets {
            while rest.next_if(|edge| K::bucket(edge.at.address(), base, shift) < index).is_some() {
                stretch += 1;
            }
            first.push(stretch);
        }
        Self { base, shift, first, stretches }
    }

    #[inline]
    fn find(&self, address: K::Address) -> u32 {
        let bucket = K::bucket(address, self.base, self.shift);
        let low = self.first.get(bucket).map(|index| *index as usize);
        let high = self.first.get(bucket.saturating_add(1)).map(|index| *index as usize);
        let stretch = match low.zip(high) {
            Some((low, high)) => {
                let of_bucket = self.stretches.get(low + 1..=high).unwrap_or_default();
                low + of_bucket.partition_point(|stretch| stretch.at.address() <= address)
            }
            // Behind the last bucket is the last stretch.
            None => self.stretches.len().saturating_sub(1),
        };
        self.stretches.get(stretch).map_or(0, |stretch| stretch.tag)
    }

    /// First and last address of each stretch, of which the last ends with `end`, and its place.
    fn ranges(
        &self,
        end: K::Address,
        before: fn(K::Address) -> K::Address,
    ) -> impl Iterator<Item = ((K::Address, K::Address), u32)> + Clone {
        let ends = self.stretches.iter().skip(1).map(move |next| before(next.at.address())).chain([end]);
        self.stretches.iter().zip(ends).map(|(stretch, end)| ((stretch.at.address(), end), stretch.tag))
    }

    fn bytes(&self) -> usize {
        size_of_val(self.first.as_slice()) + size_of_val(self.stretches.as_slice())
    }
}
