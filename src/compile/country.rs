//! The country database: ranges and country codes of a MaxMind-format file.
//!
//! Reads MaxMind's own layout (`country.iso_code`) and the flat one of free databases (`country_code`). An address
//! without either is unmapped. Source: MaxMind DB file format 2.0; GeoIP2 country fields, read August 2026.

use std::collections::HashMap;

use maxminddb::{PathElement, Reader, WithinOptions};

use crate::model::IpRange;
use crate::model::location::Country;

/// The ranges of `bytes`, disjoint, in no order. Errors: the file is broken, or maps no address to a country.
pub fn ranges(bytes: &[u8]) -> Result<Vec<(IpRange, Country)>, String> {
    let reader = Reader::from_source(bytes).map_err(|error| error.to_string())?;
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
