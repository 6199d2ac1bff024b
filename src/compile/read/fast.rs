//! Address ranges on the fast way: a million of them go from JSON to numbers without a document node each.
//!
//! Only Graph's two prefix objects are read here; anything else, and anything wrong, makes the fast reading give up,
//! and the file is then read with spans by [`super::location`]. A test holds that both readings agree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::location::typed_prefix;
use crate::limits;
use crate::model::IpRange;
use crate::text::json::Pack;

/// The lists of ranges taken out of one document, by index.
#[derive(Debug, Default)]
pub struct PackedRanges {
    lists: Vec<Vec<IpRange>>,
}

impl PackedRanges {
    /// Hands list `index` over; empty if it was handed over before.
    pub fn take(&mut self, index: usize) -> Vec<IpRange> {
        self.lists.get_mut(index).map(std::mem::take).unwrap_or_default()
    }
}

impl<'a> Pack<'a> for PackedRanges {
    fn wants(&self, key: &str) -> bool {
        key == "ipRanges"
    }

    fn take<D: Deserializer<'a>>(&mut self, deserializer: D) -> Result<usize, D::Error> {
        let ranges = deserializer.deserialize_seq(Ranges)?;
        self.lists.push(ranges);
        Ok(self.lists.len() - 1)
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

struct Ranges;

impl<'de> Visitor<'de> for Ranges {
    type Value = Vec<IpRange>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of address prefixes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut ranges = Vec::new();
        while let Some(object) = elements.next_element::<PrefixObject<'_>>()? {
            let range = typed_prefix(Some(&object.odata_type), &object.cidr_address);
            ranges.push(range.ok_or_else(|| A::Error::custom("no address prefix"))?);
            if ranges.len() > limits::RANGES_MAX {
                return Err(A::Error::custom("too many ranges"));
            }
        }
        Ok(ranges)
    }
}
