//! Address ranges on the fast way: a million of them go from JSON to numbers without a document node each.
//!
//! Only Graph's two prefix objects and plain prefixes are read here; anything else, and anything wrong, makes the fast reading give up,
//! and the file is then read with spans by [`super::location`]. A test holds that both readings agree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::location::typed_prefix;
use super::prefix;
use crate::limits;
use crate::model::IpRange;
use crate::model::location::Ranges;

/// The lists of ranges taken out of one document, by index.
#[derive(Debug, Default)]
pub struct PackedRanges {
    lists: Vec<Ranges>,
}

impl PackedRanges {
    /// Hands list `index` over; empty if it was handed over before.
    pub fn take(&mut self, index: usize) -> Ranges {
        self.lists.get_mut(index).map(std::mem::take).unwrap_or_default()
    }

    /// Whether the values of members called `key` are taken.
    pub fn wants(&self, key: &str) -> bool {
        key == "ipRanges"
    }

    /// Takes a list of ranges out of a document; the result is for [`PackedRanges::take`].
    pub fn read<'a, D: Deserializer<'a>>(&mut self, deserializer: D) -> Result<usize, D::Error> {
        let ranges = deserializer.deserialize_seq(RangesVisitor)?;
        self.lists.push(ranges);
        Ok(self.lists.len() - 1)
    }
}

/// One of Graph's prefix objects, or a prefix as people write it.
struct Range(IpRange);

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangeVisitor).map(Range)
    }
}

struct RangeVisitor;

impl<'de> Visitor<'de> for RangeVisitor {
    type Value = IpRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address prefix")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<IpRange, E> {
        // Host bits are worth a warning, so the spanned reading must see them.
        let prefix = prefix::of_either(text).filter(|prefix| prefix.addr() == prefix.network());
        prefix.map(IpRange::from_prefix).ok_or_else(|| E::custom("no address prefix"))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<IpRange, A::Error> {
        let object = PrefixObject::deserialize(MapAccessDeserializer::new(members))?;
        typed_prefix(Some(&object.odata_type), &object.cidr_address)
            .ok_or_else(|| A::Error::custom("no address prefix"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrefixObject<'a> {
    #[serde(rename = "@odata.type", borrow)]
    odata_type: Cow<'a, str>,
    #[serde(rename = "cidrAddress", borrow)]
    cidr_address: Cow<'a, str>,
}

struct RangesVisitor;

impl<'de> Visitor<'de> for RangesVisitor {
    type Value = Ranges;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of address prefixes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut ranges = Ranges::default();
        while let Some(Range(range)) = elements.next_element()? {
            ranges.push(range);
            if ranges.len() > limits::RANGES_MAX {
                return Err(A::Error::custom("too many ranges"));
            }
        }
        ranges.shrink_to_fit();
        Ok(ranges)
    }
}
