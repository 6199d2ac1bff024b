//! A named location in Graph's shape.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::lay;
use crate::model::location::CountryLookup;
use crate::model::{IpRange, LocationKind, NamedLocation};

/// The location, under the id that references to it have.
pub(super) fn location(location: &NamedLocation, id: Option<&Option<String>>) -> Value {
    let mut object = match &location.kind {
        LocationKind::Ip { ranges, is_trusted } => json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation",
            "isTrusted": is_trusted,
            "ipRanges": ranges.iter().map(range).collect::<Vec<_>>(),
        }),
        LocationKind::Country { countries, include_unknown, lookup } => json!({
            "@odata.type": "#microsoft.graph.countryNamedLocation",
            "countriesAndRegions": countries.iter().map(|country| country.as_str()).collect::<Vec<_>>(),
            "includeUnknownCountriesAndRegions": include_unknown,
            "countryLookupMethod": match lookup {
                CountryLookup::ClientIpAddress => "clientIpAddress",
                CountryLookup::AuthenticatorAppGps => "authenticatorAppGps",
            },
        }),
        LocationKind::CompliantNetwork { is_trusted } => json!({
            "@odata.type": "#microsoft.graph.compliantNetworkNamedLocation",
            "compliantNetworkType": "allTenantCompliantNetworks",
            "isTrusted": is_trusted,
        }),
        LocationKind::Unjudgeable { kind, .. } => json!({ "@odata.type": format!("#microsoft.graph.{kind}") }),
    };
    let common = json!({
        "id": id,
        "displayName": location.display_name.value,
        "createdDateTime": null,
        "modifiedDateTime": null,
        "deletedDateTime": null,
    });
    if let (Value::Object(object), Value::Object(common)) = (&mut object, common) {
        object.extend(common);
    }
    lay(&mut object, &location.kept);
    object
}

/// A prefix where the range is one, its two ends otherwise.
fn range(range: IpRange) -> Value {
    let (kind, upper) = match range {
        IpRange::V4(_, last) => ("iPv4", Ipv4Addr::from(last).to_string()),
        IpRange::V6(_, last) => ("iPv6", Ipv6Addr::from(last).to_string()),
    };
    let lower = range.first();
    let prefix = range.prefix_length().map(|length| format!("{lower}/{length}"));
    match prefix {
        Some(prefix) => json!({ "@odata.type": format!("#microsoft.graph.{kind}CidrRange"), "cidrAddress": prefix }),
        None => json!({
            "@odata.type": format!("#microsoft.graph.{kind}Range"),
            "lowerAddress": lower.to_string(),
            "upperAddress": upper,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_prefix_only_where_it_is_one() {
        let told = |text: &str| {
            let (first, last) = text.split_once('-').unwrap();
            let range = self::range(IpRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap());
            range["cidrAddress"].as_str().map_or_else(
                || format!("{} {}", range["lowerAddress"].as_str().unwrap(), range["upperAddress"].as_str().unwrap()),
                ToOwned::to_owned,
            )
        };
        assert_eq!(told("0.0.0.0-255.255.255.255"), "0.0.0.0/0");
        assert_eq!(told("192.0.2.7-192.0.2.7"), "192.0.2.7/32");
        assert_eq!(told("192.0.2.0-192.0.2.127"), "192.0.2.0/25");
        assert_eq!(told("192.0.2.1-192.0.2.2"), "192.0.2.1 192.0.2.2");
        assert_eq!(told("192.0.2.64-192.0.2.191"), "192.0.2.64 192.0.2.191");
        assert_eq!(told("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
        assert_eq!(told("2001:db8::-2001:db8::ffff"), "2001:db8::/112");
        assert_eq!(told("2001:db8::1-2001:db8::ffff"), "2001:db8::1 2001:db8::ffff");
    }
}
