//! Reads the address of a request.
//!
//! What the standard library reads, and nothing else; it knows no policy and no field.
//!
//! WHY not the standard library alone: it takes some 1,600 instructions for an IPv6 address, a tenth of all that a decision
//! over HTTP takes.

use std::net::{IpAddr, Ipv6Addr};

/// Longest IPv4 address as text, bytes.
const IPV4_BYTES_MAX: usize = "255.255.255.255".len();

/// The address that `text` is, without zone, prefix length or port.
pub fn read(text: &str) -> Option<IpAddr> {
    let whole = if text.len() > IPV4_BYTES_MAX { whole_ipv6(text) } else { None };
    whole.or_else(|| text.parse().ok())
}

/// An IPv6 address of which all eight groups are written.
fn whole_ipv6(text: &str) -> Option<IpAddr> {
    let mut groups = [0_u16; 8];
    let mut filled = groups.iter_mut();
    let (mut group, mut digits) = (filled.next()?, 0);
    for character in text.chars() {
        if character == ':' && digits > 0 {
            (group, digits) = (filled.next()?, 0);
            continue;
        }
        let digit = u16::try_from(character.to_digit(16)?).ok()?;
        digits += 1;
        if digits > 4 {
            return None;
        }
        *group = *group << 4 | digit;
    }
    (digits > 0 && filled.len() == 0).then(|| Ipv6Addr::from(groups).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_of_eight_groups_is_read_at_once_and_others_as_ever() {
        for (text, is_whole) in [
            ("2001:db8:1:22:333:4444:abcd:EF01", true),
            ("0000:0000:0000:0000:0000:0000:0000:0001", true),
            ("2001:db8::1", false),
            ("::ffff:203.0.113.77", false),
            ("203.0.113.77", false),
            ("2001:db8:1:22:333:4444:abcd", false),
            ("2001:db8:1:22:333:4444:abcd:", false),
            ("2001:db8:1:22:333:4444:abcd:12345", false),
            ("2001:db8:1:22:333:4444:abcd:1:2", false),
            ("2001:db8:1:22:333:4444:abcd:1%eth0", false),
        ] {
            assert_eq!(whole_ipv6(text).is_some(), is_whole, "{text}");
            assert_eq!(read(text), text.parse().ok(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn everything_is_read_as_the_standard_library_reads_it(
            groups: [u16; 8],
            text in "([0-9a-fA-Fg]{0,5}[:.]){0,9}[0-9a-f.]{0,5}",
        ) {
            for text in [Ipv6Addr::from(groups).to_string(), text] {
                prop_assert_eq!(read(&text), text.parse().ok());
            }
        }
    }
}
