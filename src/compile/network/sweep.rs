//! From ranges that overlap to stretches that do not: one pass over their edges in order.
//!
//! Knows the order of addresses and numbers of what begins and ends there. Start with [`sweep`].

use super::LocationIndex;
use super::place::PlaceInterner;

/// Countries are numbered behind all locations.
pub const COUNTRY_BASE: u16 = 1 << 14;

/// An address at which something changes. Before the sweep `tag` says what begins or ends there, after it the place
/// that begins there: so that a million ranges are swept in the memory that they come in.
#[derive(Clone, Copy, Debug)]
pub struct Edge<A> {
    /// The address.
    pub at: A,
    /// A number, with [`OPENING`] or without; after the sweep a place.
    pub tag: u32,
}

/// Set in the tag of an edge where a range begins. Ends are less, so that a country that begins where its neighbour
/// ends is not closed by it.
const OPENING: u32 = 1 << 16;

impl<A> Edge<A> {
    /// The range of `number` begins here.
    pub fn opening(at: A, number: u16) -> Self {
        Self { at, tag: OPENING | u32::from(number) }
    }

    /// The range of `number` has ended just before.
    pub fn closing(at: A, number: u16) -> Self {
        Self { at, tag: u32::from(number) }
    }

    const fn number(&self) -> u16 {
        self.tag as u16
    }
}

/// How an edge stores its address.
pub trait Key: Copy + Eq + Default {
    /// The address as a number.
    type Address: Copy + Ord + std::fmt::Debug;

    /// The address.
    fn address(self) -> Self::Address;

    /// How far `address` lies behind `base`, in steps of 2 to the `shift`; nothing in front of it.
    fn bucket(address: Self::Address, base: Self::Address, shift: u32) -> usize;

    /// How many bits the distance from `base` to `address` has.
    fn bits_between(base: Self::Address, address: Self::Address) -> u32;

    /// Sorts edges by address, then by tag.
    fn sort(edges: &mut [Edge<Self>]);
}

impl Key for u32 {
    type Address = Self;

    #[inline]
    fn address(self) -> Self {
        self
    }

    #[inline]
    fn bucket(address: Self, base: Self, shift: u32) -> usize {
        address.saturating_sub(base).checked_shr(shift).unwrap_or(0) as usize
    }

    fn bits_between(base: Self, address: Self) -> u32 {
        Self::BITS - address.saturating_sub(base).leading_zeros()
    }

    fn sort(edges: &mut [Edge<Self>]) {
        edges.sort_unstable_by_key(|edge| u64::from(edge.at) << 32 | u64::from(edge.tag));
    }
}

/// Four quarters, the highest first: they need no alignment of 16 bytes, so that an edge is three fifths as large.
impl Key for [u32; 4] {
    type Address = u128;

    #[inline]
    fn address(self) -> u128 {
        self.iter().fold(0, |address, quarter| address << 32 | u128::from(*quarter))
    }

    #[inline]
    fn bucket(address: u128, base: u128, shift: u32) -> usize {
        let steps = address.saturating_sub(base).checked_shr(shift).unwrap_or(0);
        usize::try_from(steps).unwrap_or(usize::MAX)
    }

    fn bits_between(base: u128, address: u128) -> u32 {
        u128::BITS - address.saturating_sub(base).leading_zeros()
    }

    fn sort(edges: &mut [Edge<Self>]) {
        edges.sort_unstable_by_key(|edge| (edge.at.address(), edge.tag));
    }
}

/// An IPv6 address as an edge stores it.
pub fn quarters(address: u128) -> [u32; 4] {
    [96, 64, 32, 0].map(|shift| (address >> shift) as u32)
}

/// Makes edges of ranges to those of stretches: ascending, the first at the first address, neighbours in different
/// places.
///
/// Errors: as [`PlaceInterner::intern`].
pub fn sweep<A: Key>(mut edges: Vec<Edge<A>>, places: &mut PlaceInterner) -> Result<Vec<Edge<A>>, String> {
    // The first stretch begins at the first address. What was never open can be closed there.
    edges.push(Edge::closing(A::default(), 0));
    A::sort(&mut edges);
    let mut open = Open::default();
    let (mut read, mut written) = (0, 0);
    let mut last = None;
    while let Some(rest @ [Edge { at, .. }, ..]) = edges.get(read..) {
        let at = *at;
        let of_address = rest.iter().take_while(|edge| edge.at == at).count();
        let place = open.cross(rest.get(..of_address).unwrap_or_default(), places)?;
        read += of_address;
        if last != Some(place) {
            // INVARIANT: no more stretches are written than addresses were read, so that nothing unread is lost.
            if let Some(edge) = edges.get_mut(written) {
                *edge = Edge { at, tag: place };
            }
            written += 1;
            last = Some(place);
        }
    }
    edges.truncate(written);
    Ok(edges)
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
    /// The place of all that.
    place: u32,
    /// Ranges that were opened and not closed, the innermost last: the location, and the place of all that was open
    /// before, if that is known.
    ///
    /// WHY: prefixes are nested or apart, so that the place behind one is that around it, which spares half of the
    /// look-ups. Nothing is wrong when ranges overlap otherwise, or when this is cleared: then less is known.
    nested: Vec<(u16, Option<u32>)>,
}

/// How far out the range that ends is looked for among the nested.
const NESTED_LOOK_MAX: usize = 16;

impl Open {
    /// Goes past `edges`, all of one address and sorted, and returns the place that begins there.
    fn cross<A>(&mut self, edges: &[Edge<A>], places: &mut PlaceInterner) -> Result<u32, String> {
        let (closing, opening) = edges.split_at(edges.partition_point(|edge| edge.tag < OPENING));
        let mut outer = Some(self.place);
        if edges.iter().any(|edge| edge.number() >= COUNTRY_BASE) {
            self.nested.clear();
            outer = None;
        }
        for number in closing.iter().map(Edge::number) {
            self.close(number);
            outer = self.unnest(number);
        }
        opening.iter().for_each(|edge| self.open(edge.number()));
        self.place = match outer {
            Some(place) if opening.is_empty() => place,
            _ => places.intern(&self.locations, self.country)?,
        };
        let numbers = opening.iter().map(Edge::number).filter(|number| *number < COUNTRY_BASE);
        self.nested.extend(numbers.map(|number| (number, outer.take())));
        Ok(self.place)
    }

    /// Takes `number` out of the nested, and returns the place of what is still open, if that is known.
    fn unnest(&mut self, number: u16) -> Option<u32> {
        let outermost = self.nested.len().saturating_sub(NESTED_LOOK_MAX);
        let looked_at = self.nested.get(outermost..).unwrap_or_default();
        let Some(position) = looked_at.iter().rposition(|(open, _)| *open == number) else {
            self.nested.clear();
            return None;
        };
        let (_, mut outer) = self.nested.remove(outermost + position);
        for (_, around) in self.nested.iter_mut().skip(outermost + position) {
            *around = outer.take();
        }
        outer
    }

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
