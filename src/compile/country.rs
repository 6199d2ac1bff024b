//! The country database: ranges and country codes of a MaxMind-format file.
//!
//! Reads MaxMind's own layout (`country.iso_code`) and the flat one of free databases (`country_code`). An address
//! without either is unmapped. Source: MaxMind DB file format 2.0; GeoIP2 country fields, read August 2026.

use std::collections::HashMap;

use maxminddb::{PathElement, Reader, WithinOptions};

use crate::limits;
use crate::model::IpRange;
use crate::model::location::Country;

#[cfg(test)]
mod tests;

const CROWDED: &str = "it maps more networks than it has room for";

/// The ranges of `bytes`, disjoint, in no order.
///
/// Errors: the file is broken, maps no address to a country, or more than `limits::COUNTRY_NETWORKS_MAX` networks.
/// Cost: linear in the file.
pub fn ranges(bytes: &[u8]) -> Result<Vec<(IpRange, Country)>, String> {
    let reader = Reader::from_source(bytes).map_err(|error| error.to_string())?;
    if !is_tree(&reader, bytes) {
        return Err(CROWDED.to_owned());
    }
    let mut ranges = Vec::new();
    // WHY: thousands of networks share one record, so each record is decoded once.
    let mut decoded: HashMap<usize, Option<Country>, foldhash::fast::RandomState> = HashMap::default();
    for network in reader.networks(WithinOptions::default()).map_err(|error| error.to_string())? {
        let network = network.map_err(|error| error.to_string())?;
        let Some(offset) = network.offset() else { continue };
        let country = match decoded.get(&offset) {
            Some(country) => *country,
            None => {
                let country = country_of(&network).map_err(|error| error.to_string())?;
                decoded.insert(offset, country);
                country
            }
        };
        if let Some(country) = country {
            let prefix = network.network().map_err(|error| error.to_string())?;
            let prefix = ipnet::IpNet::new(prefix.ip(), prefix.prefix()).map_err(|error| error.to_string())?;
            if ranges.len() == limits::COUNTRY_NETWORKS_MAX {
                return Err(CROWDED.to_owned());
            }
            ranges.push((IpRange::from_prefix(prefix), country));
        }
    }
    if ranges.is_empty() {
        return Err("it maps no address to a country".to_owned());
    }
    Ok(ranges)
}

fn country_of(network: &maxminddb::LookupResult<'_, &[u8]>) -> Result<Option<Country>, maxminddb::MaxMindDbError> {
    let nested = [PathElement::Key("country"), PathElement::Key("iso_code")];
    let code = match network.decode_path::<&str>(&nested)? {
        Some(code) => Some(code),
        None => network.decode_path::<&str>(&[PathElement::Key("country_code")])?,
    };
    Ok(code.and_then(Country::new))
}

/// Whether each node of the search tree has one parent, but for the IPv4 part, to which IPv6 prefixes may refer.
///
/// WHY: nodes that are shared multiply what they lead to: a chain of 128 nodes whose records are equal has 2^128 ends.
/// Counting networks as they come is not enough, because empty ends are passed over without a word. The reader passes
/// over every reference to the IPv4 part but the one at `::/96`.
fn is_tree(reader: &Reader<&[u8]>, bytes: &[u8]) -> bool {
    let metadata = reader.metadata();
    let (nodes, size) = (metadata.node_count as usize, usize::from(metadata.record_size));
    let child = |node: usize, side| record(bytes, node, side, size);
    let mut ipv4 = 0;
    let depth = if metadata.ip_version == 6 { 96 } else { 0 };
    for _ in 0..depth {
        match child(ipv4, 0) {
            Some(next) if next < nodes => ipv4 = next,
            // An end before `::/96`: there is no IPv4 part.
            _ => ipv4 = usize::MAX,
        }
    }
    let mut has_parent = vec![false; nodes];
    if let Some(root) = has_parent.first_mut() {
        *root = true;
    }
    (0..nodes).flat_map(|node| [(node, 0), (node, 1)]).all(|(node, side)| match child(node, side) {
        None => false,
        // INVARIANT: a node that is not below `nodes` is an end.
        Some(next) => has_parent
            .get_mut(next)
            .is_none_or(|has_parent| !std::mem::replace(has_parent, true) || (next == ipv4 && ipv4 != 0)),
    })
}

/// Record `side` of `node`, of `bits` bits; `None` when the file is too short or there is no such size of records.
fn record(bytes: &[u8], node: usize, side: usize, bits: usize) -> Option<usize> {
    let start = node.checked_mul(bits / 4)?;
    let node = bytes.get(start..start.checked_add(bits / 4)?)?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    match (bits, node) {
        (24 | 32, _) => node.chunks_exact(bits / 8).nth(side).map(number),
        // The byte in the middle has the high bits of both.
        (28, [left @ .., middle, _, _, _]) if side == 0 => Some(usize::from(middle >> 4) << 24 | number(left)),
        (28, [_, _, _, middle, right @ ..]) => Some(usize::from(middle & 15) << 24 | number(right)),
        _ => None,
    }
}
