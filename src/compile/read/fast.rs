//! Address ranges on the fast way: a million of them go from JSON to numbers without a document node each.
//!
//! Only Graph's two prefix objects and plain prefixes are read here; anything else, and anything wrong, makes the fast
//! reading give up, and the file is then read with spans by [`super::location`]. A test holds that both readings agree.

use std::fmt;
use std::marker::PhantomData;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::prefix;
use crate::limits;
use crate::model::IpRange;
use crate::model::location::Ranges;

/// Graph's type of an IPv4 prefix.
pub const V4_PREFIX: &str = "#microsoft.graph.iPv4CidrRange";
/// Graph's type of an IPv6 prefix.
pub const V6_PREFIX: &str = "#microsoft.graph.iPv6CidrRange";

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

/// Reads one of Graph's prefix objects, or a prefix as people write it, into a list.
struct RangeSeed<'r>(&'r mut Ranges);

impl<'de> DeserializeSeed<'de> for RangeSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RangeSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address prefix")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        // Host bits are worth a warning, so the spanned reading must see them.
        let prefix = prefix::of_either(text).filter(|prefix| prefix.addr() == prefix.network());
        self.0.push(IpRange::from_prefix(prefix.ok_or_else(|| E::custom("no address prefix"))?));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut kind, mut prefix) = (None, None);
        while let Some(Text(member)) = members.next_key()? {
            match member {
                Member::Type if kind.is_none() => kind = Some(members.next_value::<Text<IsV4>>()?.0.0),
                Member::Address if prefix.is_none() => prefix = Some(members.next_value::<Text<IpNet>>()?.0),
                _ => return Err(A::Error::custom("a member twice")),
            }
        }
        match (kind, prefix) {
            (Some(true), Some(prefix @ IpNet::V4(_))) | (Some(false), Some(prefix @ IpNet::V6(_))) => {
                self.0.push(IpRange::from_prefix(prefix));
                Ok(())
            }
            _ => Err(A::Error::custom("no address prefix")),
        }
    }
}

/// Something that is read from text, without a copy of the text.
struct Text<T>(T);

/// What text can be read as.
trait FromText: Sized {
    fn from_text(text: &str) -> Option<Self>;
}

/// The members of a prefix object.
enum Member {
    Type,
    Address,
}

impl FromText for Member {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "@odata.type" => Some(Self::Type),
            "cidrAddress" => Some(Self::Address),
            _ => None,
        }
    }
}

/// The type of a prefix object.
struct IsV4(bool);

impl FromText for IsV4 {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            V4_PREFIX => Some(Self(true)),
            V6_PREFIX => Some(Self(false)),
            _ => None,
        }
    }
}

impl FromText for IpNet {
    fn from_text(text: &str) -> Option<Self> {
        prefix::of_either(text)
    }
}

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a prefix object says")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::from_text(text).map(Text).ok_or_else(|| E::custom("not of a prefix object"))
    }
}

struct RangesVisitor;

impl<'de> Visitor<'de> for RangesVisitor {
    type Value = Ranges;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of address prefixes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        // WHY: a list that begins this large is memory of its own, which goes back to the system when the list is dropped.
        let mut ranges = Ranges::with_bytes(128 << 10);
        while elements.next_element_seed(RangeSeed(&mut ranges))?.is_some() {
            if ranges.len() > limits::RANGES_MAX {
                return Err(A::Error::custom("too many ranges"));
            }
        }
        ranges.shrink_to_fit();
        Ok(ranges)
    }
}
