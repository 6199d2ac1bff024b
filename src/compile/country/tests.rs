//! Hostile country databases, built by hand.

use super::*;

/// A database of `nodes`, left and right record each; `DATA` is the record of a network in Germany.
fn database(ip_version: u8, nodes: &[[usize; 2]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in nodes.iter().flatten() {
        let record = if *record == DATA { nodes.len() + 16 } else { *record };
        bytes.extend(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
    }
    bytes.extend([0; 16]);
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.push(2 << 5 | u8::try_from(text.len()).unwrap());
        bytes.extend(text.bytes());
    };
    bytes.push(7 << 5 | 1);
    text(&mut bytes, "country_code");
    text(&mut bytes, "DE");
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.push(7 << 5 | 9);
    let number = |bytes: &mut Vec<u8>, name: &str, value: u16| {
        text(bytes, name);
        bytes.push(5 << 5 | 2);
        bytes.extend(value.to_be_bytes());
    };
    number(&mut bytes, "binary_format_major_version", 2);
    number(&mut bytes, "binary_format_minor_version", 0);
    number(&mut bytes, "ip_version", ip_version.into());
    number(&mut bytes, "record_size", 24);
    text(&mut bytes, "node_count");
    bytes.push(6 << 5 | 4);
    bytes.extend(u32::try_from(nodes.len()).unwrap().to_be_bytes());
    text(&mut bytes, "build_epoch");
    bytes.extend([1, 2, 1]);
    text(&mut bytes, "database_type");
    text(&mut bytes, "Country");
    text(&mut bytes, "description");
    bytes.push(7 << 5);
    text(&mut bytes, "languages");
    bytes.extend([0, 4]);
    bytes
}

const DATA: usize = usize::MAX;

#[test]
fn a_tree_of_two_networks_is_read() {
    let ranges = ranges(&database(4, &[[1, DATA], [DATA, 2]])).unwrap();
    assert_eq!(ranges.len(), 2);
}

#[test]
fn nodes_that_share_their_children_are_refused_before_they_multiply() {
    let chain = |end: usize| -> Vec<[usize; 2]> {
        let mut nodes: Vec<_> = (1..128).map(|next| [next, next]).collect();
        nodes.push([end, end]);
        nodes
    };
    for end in [DATA, 128] {
        let bytes = database(6, &chain(end));
        assert!(bytes.len() < 1_024, "{}", bytes.len());
        assert_eq!(ranges(&bytes), Err(CROWDED.to_owned()), "2^128 ends");
    }
}

#[test]
fn a_tree_that_leads_back_into_itself_is_refused() {
    assert_eq!(ranges(&database(4, &[[1, DATA], [0, DATA]])), Err(CROWDED.to_owned()));
}

#[test]
fn ipv6_prefixes_may_refer_to_the_ipv4_part() {
    // Node 96 is the IPv4 part; 1000::/4, by way of the right record of node 3, is an alias of it.
    let mut nodes: Vec<_> = (1..97).map(|next| [next, 98]).collect();
    nodes[3][1] = 96;
    nodes.push([DATA, 97]);
    nodes.push([98, DATA]);
    let ranges = ranges(&database(6, &nodes)).unwrap();
    assert_eq!(ranges.len(), 2, "{ranges:?}");
}
