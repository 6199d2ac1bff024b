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
use sweep::{Edge, sweep};

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
    v6: Vec<Edge<[u64; 2]>>,
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
        self.v6.push(Edge::opening(halves(first), number));
        self.v6.extend(last.checked_add(1).map(|after| Edge::closing(halves(after), number)));
    }
}

/// The high and the low half of an address: they need no alignment of 16 bytes, so that an edge is a third smaller.
fn halves(address: u128) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}

fn joined([high, low]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// The table of a bundle.
#[derive(Debug)]
pub struct NetworkTable {
    v4: V4,
    v6: Stretches<u128, u128>,
    places: Places,
}

/// IPv4 stretches. When there are many, the index takes half of the address and the other half is stored.
#[derive(Debug)]
enum V4 {
    Few(Stretches<u32, u32>),
    Many(Stretches<u32, u16>),
}

/// From so many IPv4 stretches on, an index of 16 bits is no larger than what it spares.
const MANY: usize = 1 << 17;

/// Most bits of an index.
const INDEX_BITS_MAX: u32 = 18;

impl NetworkTable {
    /// Sweeps `layers`. Cost: n log n in the ranges, and the locations that are open at each of their edges.
    ///
    /// Errors: ranges overlap in so many ways that the places have more than `limits::PLACE_LOCATIONS_MAX` locations.
    pub fn new(layers: Layers) -> Result<Self, String> {
        let Layers { v4, v6, locations, has_countries } = layers;
        let mut places = PlaceInterner::new(locations, has_countries);
        let v4 = sweep(v4, &mut places)?;
        let v4 = match v4.len() {
            MANY.. => V4::Many(Stretches::new(v4, |at| at, 0, 16)),
            // About two stretches in a bucket, and of the larger IPv6 addresses four: more index costs more memory
            // than it saves time.
            _ => V4::Few(Stretches::fitted(v4, |at| at, 1)),
        };
        let v6 = Stretches::fitted(sweep(v6, &mut places)?, joined, 2);
        Ok(Self { v4, v6, places: places.finish() })
    }

    /// The place of `address`, which must be canonical. Cost: one look-up, no allocation.
    pub fn place(&self, address: IpAddr) -> Place<'_> {
        let number = match address {
            IpAddr::V4(address) => match &self.v4 {
                V4::Few(stretches) => stretches.find(address.into()),
                V4::Many(stretches) => stretches.find(address.into()),
            },
            IpAddr::V6(address) => self.v6.find(address.into()),
        };
        self.places.place(number)
    }

    /// Memory of the tables, bytes.
    pub fn bytes(&self) -> usize {
        let v4 = match &self.v4 {
            V4::Few(stretches) => stretches.bytes(),
            V4::Many(stretches) => stretches.bytes(),
        };
        v4 + self.v6.bytes() + self.places.bytes()
    }
}

/// A table address: `u32` or `u128`.
trait Address: Copy + Ord + Default {
    /// How far it lies behind `base`, in steps of 2 to the `shift`; nothing in front of it.
    fn bucket(self, base: Self, shift: u32) -> usize;
    /// How many bits the distance from `base` has.
    fn bits_behind(self, base: Self) -> u32;
}

macro_rules! address {
    ($type:ty) => {
        impl Address for $type {
            fn bucket(self, base: Self, shift: u32) -> usize {
                let steps = self.saturating_sub(base).checked_shr(shift).unwrap_or(0);
                usize::try_from(steps).unwrap_or(usize::MAX)
            }
            fn bits_behind(self, base: Self) -> u32 {
                <$type>::BITS - self.saturating_sub(base).leading_zeros()
            }
        }
    };
}

address!(u32);
address!(u128);

/// What is stored of an address that its bucket does not tell.
trait Low<A>: Copy + Ord {
    fn of(address: A) -> Self;
}

impl<A: Address> Low<A> for A {
    fn of(address: A) -> Self {
        address
    }
}

impl Low<u32> for u16 {
    fn of(address: u32) -> Self {
        address as Self
    }
}

/// Disjoint stretches that cover all addresses of a family.
///
/// Invariants: `starts` is ascending within each bucket and begins with the first address; `places` is as long;
/// `first[b]` is the last stretch that begins before bucket `b`, and `first` has one more entry than there are buckets.
/// Buckets are of 2 to the `shift` addresses from `base` on, before which only the first stretch begins.
#[derive(Debug)]
struct Stretches<A, L> {
    base: A,
    shift: u32,
    first: Vec<u32>,
    starts: Vec<L>,
    places: Vec<u32>,
}

impl<A: Address, L: Low<A>> Stretches<A, L> {
    /// Of swept `edges`, with an index that lies where the stretches are. It has about as many buckets as there are
    /// stretches, divided by 2 to the `spare_bits`.
    fn fitted<E: Copy>(edges: Vec<Edge<E>>, address: fn(E) -> A, spare_bits: u32) -> Self {
        let start = |edge: Option<&Edge<E>>| edge.map_or_else(A::default, |edge| address(edge.at));
        let base = start(edges.get(1));
        let span = start(edges.last()).bits_behind(base);
        let bits = (usize::BITS - edges.len().leading_zeros()).saturating_sub(spare_bits).clamp(1, INDEX_BITS_MAX);
        Self::new(edges, address, base, span.saturating_sub(bits))
    }

    fn new<E: Copy>(edges: Vec<Edge<E>>, address: fn(E) -> A, base: A, shift: u32) -> Self {
        let bucket = |edge: &Edge<E>| address(edge.at).bucket(base, shift);
        let buckets = edges.last().map_or(0, bucket) + 1;
        let mut first = Vec::with_capacity(buckets + 1);
        let mut stretch = 0u32;
        let mut rest = edges.iter().skip(1).peekable();
        for index in 0..=buckets {
            while rest.next_if(|edge| bucket(edge) < index).is_some() {
                stretch += 1;
            }
            first.push(stretch);
        }
        let starts = edges.iter().map(|edge| L::of(address(edge.at))).collect();
        let places = edges.iter().map(|edge| edge.tag).collect();
        Self { base, shift, first, starts, places }
    }

    fn find(&self, address: A) -> u32 {
        let bucket = address.bucket(self.base, self.shift);
        let low = self.first.get(bucket).map(|index| *index as usize);
        let high = self.first.get(bucket.saturating_add(1)).map(|index| *index as usize);
        let stretch = match low.zip(high) {
            Some((low, high)) => {
                let of_bucket = self.starts.get(low + 1..=high).unwrap_or_default();
                low + of_bucket.partition_point(|start| *start <= L::of(address))
            }
            // Behind the last bucket is the last stretch.
            None => self.places.len().saturating_sub(1),
        };
        self.places.get(stretch).copied().unwrap_or(0)
    }

    fn bytes(&self) -> usize {
        self.first.len() * 4 + self.starts.len() * size_of::<L>() + self.places.len() * 4
    }
}
