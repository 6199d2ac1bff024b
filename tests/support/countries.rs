//! A country database in MaxMind's format, written anew for each test: what addresses are in which country.
//!
//! Source: MaxMind DB file format 2.0, read August 2026.

use std::net::{IpAddr, Ipv4Addr};

/// Networks in countries, addresses of IPv4 as IPv6 has them in `::/96`; none of them within another.
const NETWORKS: [(&str, u8, &str); 7] = [
    ("81.2.69.128", 124, "GB"),
    ("89.160.20.112", 124, "SE"),
    ("203.0.113.16", 128, "US"),
    ("214.0.0.0", 104, "CN"),
    ("216.160.83.56", 125, "US"),
    ("2001:218::", 32, "JP"),
    ("2a02:d500::", 29, "SE"),
];

/// Bytes of a record.
const RECORD: usize = 3;

/// The database of [`NETWORKS`].
pub fn database() -> Vec<u8> {
    let mut data = Vec::new();
    let mut nodes: Vec<[Record; 2]> = vec![[Record::Nothing; 2]];
    for (address, length, country) in NETWORKS {
        insert(&mut nodes, bits(address), length, Record::Data(data.len()));
        map(&mut data, 1);
        text(&mut data, "country");
        map(&mut data, 1);
        text(&mut data, "iso_code");
        text(&mut data, country);
    }
    let mut bytes = Vec::new();
    for record in nodes.iter().flatten() {
        let number = match record {
            Record::Nothing => nodes.len(),
            Record::Node(node) => *node,
            Record::Data(offset) => nodes.len() + 16 + offset,
        };
        bytes.extend(&u32::try_from(number).unwrap().to_be_bytes()[4 - RECORD..]);
    }
    bytes.extend([0; 16]);
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    metadata(&mut bytes, nodes.len());
    bytes
}

#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    /// From the start of the data.
    Data(usize),
}

fn bits(address: &str) -> u128 {
    match address.parse().unwrap() {
        IpAddr::V4(address) => Ipv4Addr::to_bits(address).into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn insert(nodes: &mut Vec<[Record; 2]>, address: u128, length: u8, record: Record) {
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(address >> (127 - depth) & 1 == 1);
        if depth == length - 1 {
            nodes[node][side] = record;
        } else if let Record::Node(next) = nodes[node][side] {
            node = next;
        } else {
            nodes[node][side] = Record::Node(nodes.len());
            node = nodes.len();
            nodes.push([Record::Nothing; 2]);
        }
    }
}

fn metadata(bytes: &mut Vec<u8>, nodes: usize) {
    map(bytes, 9);
    for (name, value) in [
        ("binary_format_major_version", 2),
        ("binary_format_minor_version", 0),
        ("ip_version", 6),
        ("record_size", u16::try_from(8 * RECORD).unwrap()),
    ] {
        text(bytes, name);
        bytes.push(5 << 5 | 2);
        bytes.extend(value.to_be_bytes());
    }
    text(bytes, "node_count");
    bytes.push(6 << 5 | 4);
    bytes.extend(u32::try_from(nodes).unwrap().to_be_bytes());
    text(bytes, "build_epoch");
    // An unsigned number of 64 bits in one byte, an extended type.
    bytes.extend([1, 2, 1]);
    text(bytes, "database_type");
    text(bytes, "Country");
    text(bytes, "description");
    map(bytes, 0);
    text(bytes, "languages");
    // An empty list, an extended type.
    bytes.extend([0, 4]);
}

fn map(bytes: &mut Vec<u8>, members: u8) {
    bytes.push(7 << 5 | members);
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(2 << 5 | u8::try_from(text.len()).unwrap());
    bytes.extend(text.bytes());
}
