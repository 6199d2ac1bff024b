//! Named locations.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::id::Id;
use crate::text::{Span, Spanned};

/// A stretch of addresses of one family, both ends included, `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpRange {
    /// IPv4.
    V4(u32, u32),
    /// IPv6; never inside `::ffff:0:0/96`, which is folded into IPv4.
    V6(u128, u128),
}

/// An address as doorward compares it: an IPv4-mapped IPv6 address is the IPv4 address.
pub const fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl IpRange {
    /// The range from `first` to `last`; `None` when they are of different families or in the wrong order.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        match (canonical(first), canonical(last)) {
            (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => Some(Self::V4(first.into(), last.into())),
            (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => Some(Self::V6(first.into(), last.into())),
            _ => None,
        }
    }

    /// The addresses of a prefix, host bits cleared. A prefix of `::ffff:0:0/96` or longer is the IPv4 prefix.
    pub fn from_prefix(prefix: ipnet::IpNet) -> Self {
        match prefix {
            ipnet::IpNet::V4(net) => Self::V4(net.network().into(), net.broadcast().into()),
            ipnet::IpNet::V6(net) => match (net.network().to_ipv4_mapped(), net.broadcast().to_ipv4_mapped()) {
                (Some(first), Some(last)) => Self::V4(first.into(), last.into()),
                _ => Self::V6(net.network().into(), net.broadcast().into()),
            },
        }
    }

    /// The length of the prefix that this is; `None` when it is none.
    pub const fn prefix_length(self) -> Option<u32> {
        let (first, last, bits) = match self {
            Self::V4(first, last) => (first as u128, last as u128, 32),
            Self::V6(first, last) => (first, last, u128::BITS),
        };
        let hosts = first ^ last;
        let is_prefix = hosts & hosts.wrapping_add(1) == 0 && first & hosts == 0;
        if is_prefix { Some(bits - hosts.count_ones()) } else { None }
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        match self {
            Self::V4(first, _) => IpAddr::V4(first.into()),
            Self::V6(first, _) => IpAddr::V6(first.into()),
        }
    }

    /// This and `next`, when that begins where this ends.
    pub fn joined(self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::V4(first, end), Self::V4(start, last)) if end.checked_add(1) == Some(start) => {
                Some(Self::V4(first, last))
            }
            (Self::V6(first, end), Self::V6(start, last)) if end.checked_add(1) == Some(start) => {
                Some(Self::V6(first, last))
            }
            _ => None,
        }
    }

    /// As short as it can be said: an address, a prefix, or both ends.
    pub fn told(self) -> String {
        match self.prefix_length() {
            Some(32) if matches!(self, Self::V4(..)) => self.first().to_string(),
            Some(128) => self.first().to_string(),
            Some(length) => format!("{}/{length}", self.first()),
            None => self.to_string(),
        }
    }

    /// Whether `address` is inside; of the other family it never is.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self, canonical(address)) {
            (Self::V4(first, last), IpAddr::V4(address)) => (first..=last).contains(&address.into()),
            (Self::V6(first, last), IpAddr::V6(address)) => (first..=last).contains(&address.into()),
            _ => false,
        }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4(first, last) => write!(f, "{}-{}", Ipv4Addr::from(first), Ipv4Addr::from(last)),
            Self::V6(first, last) => write!(f, "{}-{}", Ipv6Addr::from(first), Ipv6Addr::from(last)),
        }
    }
}

/// Address ranges, each family apart, in the order written.
///
/// WHY: one list of [`IpRange`] takes 48 bytes for every range, and a tenant may have a million, most of them IPv4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl Ranges {
    /// None yet, with so many bytes of room for each family.
    pub fn with_bytes(bytes: usize) -> Self {
        Self {
            v4: Vec::with_capacity(bytes / size_of::<(u32, u32)>()),
            v6: Vec::with_capacity(bytes / size_of::<(u128, u128)>()),
        }
    }

    /// Adds `range`.
    pub fn push(&mut self, range: IpRange) {
        match range {
            IpRange::V4(first, last) => self.v4.push((first, last)),
            IpRange::V6(first, last) => self.v6.push((first, last)),
        }
    }

    /// The IPv4 ranges, first and last address of each.
    pub fn v4(&self) -> &[(u32, u32)] {
        &self.v4
    }

    /// The IPv6 ranges, first and last address of each.
    pub fn v6(&self) -> &[(u128, u128)] {
        &self.v6
    }

    /// Every range, IPv4 first.
    pub fn iter(&self) -> impl Iterator<Item = IpRange> {
        let v4 = self.v4.iter().map(|(first, last)| IpRange::V4(*first, *last));
        v4.chain(self.v6.iter().map(|(first, last)| IpRange::V6(*first, *last)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Gives memory back that was taken for further ranges.
    pub fn shrink_to_fit(&mut self) {
        self.v4.shrink_to_fit();
        self.v6.shrink_to_fit();
    }
}

impl FromIterator<IpRange> for Ranges {
    fn from_iter<I: IntoIterator<Item = IpRange>>(ranges: I) -> Self {
        let mut all = Self::default();
        ranges.into_iter().for_each(|range| all.push(range));
        all
    }
}

/// The assigned codes of ISO 3166-1 alpha-2, 2026, and `XK` for Kosovo, which Graph and country databases use.
const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
     BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
     FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
     IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
     ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
     PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
     TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW XK";

/// A country or region: an assigned code of ISO 3166-1 alpha-2, upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The country that `text` spells, in any case; `None` unless it is an assigned code.
    pub fn new(text: &str) -> Option<Self> {
        let &[a, b] = text.as_bytes() else { return None };
        let code = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
        CODES.as_bytes().chunks(3).any(|known| known.starts_with(&code)).then_some(Self(code))
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// A number below [`Country::COUNT`], unique to the country.
    pub fn index(self) -> usize {
        usize::from(self.0[0] - b'A') * 26 + usize::from(self.0[1] - b'A')
    }

    /// The country of a number that [`Country::index`] gave.
    pub fn from_index(index: usize) -> Option<Self> {
        let letter = |number: usize| u8::try_from(number).ok().map(|number| b'A' + number);
        (index < Self::COUNT).then(|| Some(Self([letter(index / 26)?, letter(index % 26)?])))?
    }

    /// How many codes two letters can spell.
    pub const COUNT: usize = 26 * 26;
}

/// What a country lookup found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountryFact {
    /// The address is in this country.
    Known(Country),
    /// The address is in no country's ranges. Requests spell this `ZZ`, CLDR's code for an unknown region.
    Unmapped,
}

impl CountryFact {
    /// CLDR's code for an unknown region, with which a caller says that its own lookup found nothing.
    pub const UNMAPPED: &'static str = "ZZ";

    /// The fact that `text` spells; `None` unless it is an assigned code or `ZZ`.
    pub fn new(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case(Self::UNMAPPED) {
            Some(Self::Unmapped)
        } else {
            Country::new(text).map(Self::Known)
        }
    }

    /// The two letters, `ZZ` for an unmapped address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(country) => country.as_str(),
            Self::Unmapped => Self::UNMAPPED,
        }
    }
}

/// How a country location finds the country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountryLookup {
    /// By the caller's address.
    ClientIpAddress,
    /// By the position that the Authenticator app reports.
    AuthenticatorAppGps,
}

/// What a location contains.
#[derive(Clone, Debug, PartialEq)]
pub enum LocationKind {
    /// Address ranges.
    Ip {
        /// The ranges, possibly overlapping.
        ranges: Ranges,
        /// Whether `AllTrusted` includes it.
        is_trusted: bool,
    },
    /// Countries and regions.
    Country {
        /// The countries, in the order written.
        countries: Vec<Country>,
        /// Whether an unmapped address is inside too.
        include_unknown: bool,
        /// Where the country comes from.
        lookup: CountryLookup,
    },
    /// The tenant's compliant network.
    CompliantNetwork {
        /// Whether `AllTrusted` includes it.
        is_trusted: bool,
    },
    /// A kind that no request can be judged against: private link or service tag.
    Unjudgeable {
        /// Graph's type name.
        kind: Box<str>,
        /// Whether Graph's `AllTrusted` includes it.
        is_trusted: bool,
    },
}

/// A named location.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedLocation {
    /// Graph's id; `None` in hand-written bundles that leave it out.
    pub id: Option<Spanned<Id>>,
    /// The name people use; not unique in Graph.
    pub display_name: Spanned<Box<str>>,
    /// What it contains.
    pub kind: LocationKind,
    /// Properties that decide nothing, kept as they were written.
    pub kept: Vec<Kept>,
}

/// A property that decides nothing and is kept for export: its path and its value as compact JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Path from the object, for example `conditions.times`.
    pub path: Box<str>,
    /// The value, compact JSON.
    pub json: Box<str>,
    /// Where the key stands.
    pub span: Span,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_told_as_an_address_a_prefix_or_its_ends() {
        let range = |first: &str, last: &str| IpRange::new(first.parse().unwrap(), last.parse().unwrap()).unwrap();
        for (first, last, told) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("192.0.2.0", "192.0.2.255", "192.0.2.0/24"),
            ("192.0.2.1", "192.0.2.255", "192.0.2.1-192.0.2.255"),
            ("0.0.0.0", "255.255.255.255", "0.0.0.0/0"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::/32"),
            ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(range(first, last).told(), told);
        }
    }
}
