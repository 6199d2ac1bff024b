//! Address prefixes and addresses from text, fast: a large bundle has a million of them, and every request has one, of
//! which the standard parser takes a tenth of a decision over HTTP.
//!
//! What is written as nearly everybody writes it is read here; other spellings are left to the standard parser. Knows text
//! and prefixes, not what they are for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// How many leading bits the IPv4-mapped addresses share.
const MAPPED_BITS: u8 = 96;

/// The IPv4 prefix that `text` spells, host bits kept. A number with a leading zero is none: some read it as octal.
pub fn of_v4(text: &str) -> Option<Ipv4Net> {
    plain_v4(text.as_bytes())
}

/// The IPv6 prefix that `text` spells, host bits kept.
///
/// WHY a mapped address with a shorter length than that of all mapped addresses is none: `::ffff:192.0.2.0/24` is
/// written for an IPv4 prefix, and would contain no IPv4 address.
pub fn of_v6(text: &str) -> Option<Ipv6Net> {
    let prefix = plain_v6(text.as_bytes()).or_else(|| {
        let (address, bits) = text.split_once('/')?;
        Ipv6Net::new(address.parse().ok()?, length(bits.as_bytes())?).ok()
    });
    prefix.filter(|prefix| prefix.prefix_len() >= MAPPED_BITS || prefix.addr().to_ipv4_mapped().is_none())
}

/// The prefix of either family that `text` spells, host bits kept.
pub fn of_either(text: &str) -> Option<IpNet> {
    of_v4(text).map(IpNet::V4).or_else(|| of_v6(text).map(IpNet::V6))
}

/// The address that `text` spells, with no zone, length or port: what the standard parser reads.
pub fn address(text: &str) -> Option<IpAddr> {
    match groups(text.as_bytes()) {
        Some((address, [])) => Some(address.into()),
        _ => text.parse().ok(),
    }
}

/// Four decimal numbers and a length, none of them with a leading zero.
fn plain_v4(text: &[u8]) -> Option<Ipv4Net> {
    let (mut address, mut dots) = (0u32, 0);
    let (mut number, mut digits) = (0u32, 0);
    let mut rest = text.iter();
    loop {
        match *rest.next()? {
            digit @ b'0'..=b'9' if digits < 3 && (digits == 0 || number > 0) => {
                number = number * 10 + u32::from(digit - b'0');
                digits += 1;
            }
            end @ (b'.' | b'/') if digits > 0 && number < 256 => {
                address = address << 8 | number;
                match (end, dots) {
                    (b'.', 0..3) => (number, digits, dots) = (0, 0, dots + 1),
                    (b'/', 3) => break,
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
    Ipv4Net::new(Ipv4Addr::from(address), length(rest.as_slice())?).ok()
}

/// An address in groups, and a length without a leading zero.
fn plain_v6(text: &[u8]) -> Option<Ipv6Net> {
    let (address, rest) = groups(text)?;
    Ipv6Net::new(address, length(rest.strip_prefix(b"/")?)?).ok()
}

/// Groups of hexadecimal digits, at most one `::`, no dots; and what follows, which is nothing or begins with a slash.
fn groups(text: &[u8]) -> Option<(Ipv6Addr, &[u8])> {
    // The groups in front of `::` and how many they are, and those behind it.
    let mut head = None;
    let (mut bits, mut groups) = (0u128, 0u32);
    let mut rest = text;
    loop {
        if let [b':', b':', after @ ..] = rest {
            if head.replace((bits, groups)).is_some() {
                return None;
            }
            (bits, groups, rest) = (0, 0, after);
            if let [] | [b'/', ..] = rest {
                break;
            }
        }
        let (group, after) = hexadecimal(rest)?;
        bits = bits << 16 | u128::from(group);
        groups += 1;
        match after {
            _ if groups > 8 => return None,
            [] | [b'/', ..] => {
                rest = after;
                break;
            }
            [b':', b':', ..] => rest = after,
            [b':', after @ ..] => rest = after,
            _ => return None,
        }
    }
    let address = match head {
        // `::` stands for one group at least.
        Some((head, before)) if before + groups < 8 => head.checked_shl(16 * (8 - before)).unwrap_or(0) | bits,
        None if groups == 8 => bits,
        _ => return None,
    };
    Some((Ipv6Addr::from(address), rest))
}

/// All of `text` as a number of one to three digits without a leading zero.
fn length(text: &[u8]) -> Option<u8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let number = match *text {
        [only] => digit(only)?,
        [b'0', ..] => return None,
        [first, second] => digit(first)? * 10 + digit(second)?,
        [first, second, third] => digit(first)? * 100 + digit(second)? * 10 + digit(third)?,
        _ => return None,
    };
    u8::try_from(number).ok()
}

/// A number of one to four digits, and what follows.
fn hexadecimal(text: &[u8]) -> Option<(u16, &[u8])> {
    let mut value = 0;
    let mut digits = 0;
    for byte in text.iter().take(4) {
        let Some(digit) = char::from(*byte).to_digit(16) else { break };
        value = value << 4 | u16::try_from(digit).ok()?;
        digits += 1;
    }
    (digits > 0).then_some((value, text.get(digits..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_spellings_need_no_other_parser() {
        for text in ["0.0.0.0/0", "203.0.113.9/32", "10.0.0.0/8", "255.255.255.255/24"] {
            assert_eq!(plain_v4(text.as_bytes()), Some(text.parse().unwrap()), "{text}");
        }
        for text in
            ["::/0", "2001:db8::/32", "::1/128", "1:2:3:4:5:6:7:8/64", "fe80::1:2/10", "1::/16", "1:2:3:4:5:6:7::/120"]
        {
            assert_eq!(plain_v6(text.as_bytes()), Some(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn usual_spellings_of_addresses_need_no_other_parser() {
        for text in ["::", "2001:db8::1", "1:2:3:4:5:6:7:8", "fe80::1:2", "2001:0db8::", "ABCD::ef01"] {
            assert!(matches!(groups(text.as_bytes()), Some((_, []))), "{text}");
            assert_eq!(address(text), text.parse().ok(), "{text}");
        }
        for text in
            ["", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::1/64", "::1%eth0", "[::1]"]
        {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn prefixes_that_are_not_what_they_seem_are_none() {
        for text in [
            "010.20.0.0/16",
            "10.020.0.0/16",
            "10.0.0.00/16",
            "10.0.0.0/08",
            "2001:db8::/032",
            "::ffff:010.0.0.0/104",
            "::ffff:192.0.2.0/24",
            "::ffff:192.0.2.0/95",
            "::ffff:c000:200/24",
            "2001:db8::/+8",
        ] {
            assert_eq!(of_either(text), None, "{text}");
        }
        for text in ["::ffff:192.0.2.0/120", "::ffff:0.0.0.0/96", "::/0", "::1.2.3.4/24", "2001:0db8:0000::/48"] {
            assert_eq!(of_either(text), Some(text.parse().unwrap()), "{text}");
        }
    }

    /// What the standard parser of addresses makes of `text`, and ipnet of its length.
    fn expected(text: &str) -> Option<IpNet> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let is_mapped = |net: &IpNet| matches!(net, IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some());
        let net =
            text.parse().ok().filter(|net: &IpNet| net.addr() == address && !(is_mapped(net) && net.prefix_len() < 96));
        net.filter(|_| bits == "0" || !bits.starts_with('0'))
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_standard_parser_reads(
            bits in prop_oneof![any::<u128>(), any::<u128>().prop_map(|bits| bits & (u128::MAX << 80)), 0..1u128 << 33,
                (0..1u128 << 32).prop_map(|bits| bits | 0xffff << 32)],
            length in 0u8..140,
            at in any::<prop::sample::Index>(),
            change in prop_oneof![Just(""), Just("0"), Just(":"), Just("::"), Just("."), Just("/"), Just("f"), Just("1"), Just(" ")],
        ) {
            let v4 = format!("{}/{length}", Ipv4Addr::from(bits as u32));
            let v6 = format!("{}/{length}", Ipv6Addr::from(bits));
            for text in [v4, v6] {
                let mut changed = text.clone();
                changed.insert_str(at.index(text.len() + 1), change);
                let mut shorter = text.clone();
                shorter.remove(at.index(text.len()));
                for text in [text, changed, shorter] {
                    for text in text.split('/') {
                        prop_assert_eq!(address(text), text.parse().ok(), "{}", text);
                    }
                    prop_assert!(plain_v4(text.as_bytes()).is_none_or(|net| Some(net) == text.parse().ok()), "{}", text);
                    prop_assert!(plain_v6(text.as_bytes()).is_none_or(|net| Some(net) == text.parse().ok()), "{}", text);
                    prop_assert_eq!(of_either(&text), expected(&text), "{}", text);
                }
            }
        }
    }
}
