//! Small things in people's words: ranges, devices, attributes.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::request::Device;
use crate::model::{AttributeValue, Attributes, IpRange};

/// A range as a prefix if it is one, else as its ends.
pub fn range(range: IpRange) -> String {
    match range {
        IpRange::V4(first, last) if first == last => Ipv4Addr::from(first).to_string(),
        IpRange::V4(first, last) => match length(u128::from(first), u128::from(last), 32) {
            Some(length) => format!("{}/{length}", Ipv4Addr::from(first)),
            None => range_ends(range),
        },
        IpRange::V6(first, last) if first == last => Ipv6Addr::from(first).to_string(),
        IpRange::V6(first, last) => match length(first, last, 128) {
            Some(length) => format!("{}/{length}", Ipv6Addr::from(first)),
            None => range_ends(range),
        },
    }
}

fn range_ends(range: IpRange) -> String {
    range.to_string()
}

/// The length of the prefix that a range is, of addresses of `bits` bits.
fn length(first: u128, last: u128, bits: u32) -> Option<u32> {
    let host = first ^ last;
    let is_prefix = host & host.wrapping_add(1) == 0 && first & host == 0;
    is_prefix.then(|| bits - (u128::BITS - host.leading_zeros()))
}

/// A registered device, by what is known of it.
pub fn device(device: &Device<'_>) -> String {
    let mut parts: Vec<_> =
        device.texts().iter().filter_map(|(name, text)| Some(format!("{name} {}", (*text)?))).collect();
    parts.extend(device.is_compliant.map(|is_compliant| format!("isCompliant {is_compliant}")));
    for (name, list) in [("physicalIds", &device.physical_ids), ("systemLabels", &device.system_labels)] {
        if !list.is_empty() {
            parts.push(format!("{name} {}", list.join("+")));
        }
    }
    for (index, text) in device.extension_attributes.iter().enumerate() {
        parts.extend(text.as_deref().map(|text| format!("extensionAttribute{} {text}", index + 1)));
    }
    if parts.is_empty() { "registered".to_owned() } else { parts.join(", ") }
}

/// Custom security attributes.
pub fn attributes(attributes: &Attributes<'_>) -> String {
    let one = |(name, value): (&str, &AttributeValue<'_>)| match value {
        AttributeValue::Text(text) => format!("{name} {text}"),
        AttributeValue::Texts(texts) => format!("{name} {}", texts.join("+")),
        AttributeValue::Other => format!("{name} no text"),
    };
    let all: Vec<_> = attributes.iter().map(one).collect();
    if all.is_empty() { "without attributes".to_owned() } else { all.join(", ") }
}
