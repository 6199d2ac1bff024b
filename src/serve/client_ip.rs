//! Which address a request came from when proxies stand between it and doorward.
//!
//! A forwarded header is what somebody says; it counts only as far as those who say it are trusted. So the chain of
//! addresses is read from its trusted end, the first address that is no trusted proxy is the client, and an entry that
//! cannot be read is never skipped: whoever wrote it may be the client. Pure: knows neither connections nor HTTP types
//! beyond the bytes of header lines. Start with [`ClientIp::resolve`]; [`forwarded`] reads RFC 7239.

mod forwarded;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;

use serde::Deserialize;

use crate::compile::prefix;
use crate::limits;
use crate::model::location::{IpRange, canonical};

/// How to find the address of a client: who is trusted to say it, and in which header.
///
/// The addresses of NAT64 (`64:ff9b::/96`) and 6to4 (`2002::/16`) are compared as the IPv6 addresses that they are: what
/// they embed is not the address that the client has on this network. IPv4-mapped ones are the IPv4 address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct ClientIp {
    mode: Mode,
    trusted_proxies: Vec<IpRange>,
    hops: Option<NonZeroUsize>,
    trust_unix: bool,
}

/// Where the address is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Mode {
    /// Nowhere: it is the one at the other end of the connection.
    #[default]
    Peer,
    /// `X-Forwarded-For`: one entry for each proxy, the nearest last.
    Xff,
    /// `Forwarded` (RFC 7239), likewise.
    Forwarded,
    /// A header with one address.
    Header(String),
    /// `X-Envoy-External-Address`, in which Envoy says what it has found (`use_remote_address`). Another address than the one
    /// that is connected to Envoy counts only behind a trusted proxy (`xff_num_trusted_hops`), and never of a client that
    /// Envoy takes for an internal one: then the header is that client's own.
    External,
}

const EXTERNAL: &str = "x-envoy-external-address";

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "peer" => Ok(Self::Peer),
            "xff" => Ok(Self::Xff),
            "forwarded" => Ok(Self::Forwarded),
            "external" => Ok(Self::External),
            other => match other.strip_prefix("header:").map(http::HeaderName::try_from) {
                // WHY: it is Envoy's own word only where Envoy says so, which is for `external` to see.
                Some(Ok(name)) if name == EXTERNAL => Err(format!(
                    "`{other}` may be what a client has sent, which Envoy passes on of those that it takes for internal: \
                     use `external` over gRPC, and a header that Envoy sets on every request over HTTP"
                )),
                Some(Ok(name)) => Ok(Self::Header(name.as_str().to_owned())),
                _ => Err(format!(
                    "`{other}` is no way to find the address of a client: `peer`, `xff`, `forwarded`, `external` and \
                     `header:NAME` are"
                )),
            },
        }
    }
}

/// The settings as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Written {
    mode: Mode,
    trusted_proxies: Vec<String>,
    hops: Option<NonZeroUsize>,
    trust_unix: bool,
}

impl TryFrom<Written> for ClientIp {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { mode, trusted_proxies, hops, trust_unix } = written;
        if hops.is_some() && !matches!(mode, Mode::Xff | Mode::Forwarded) {
            return Err("`hops` counts the entries of a chain: it goes with mode `xff` or `forwarded`".to_owned());
        }
        if hops.is_some_and(|hops| hops.get() > limits::FORWARDED_ENTRIES_MAX) {
            return Err(format!("`hops` is at most {}", limits::FORWARDED_ENTRIES_MAX));
        }
        let trusted_proxies = trusted_proxies.iter().map(|text| range(text)).collect::<Result<_, _>>()?;
        Ok(Self { mode, trusted_proxies, hops, trust_unix })
    }
}

/// A prefix, read as those of bundles are, or a single address.
fn range(text: &str) -> Result<IpRange, String> {
    let address = || text.parse().ok().map(|address: IpAddr| address.into());
    match prefix::of_either(text).or_else(address).map(IpRange::from_prefix) {
        // WHY: who trusts every address takes any address that a client makes up.
        Some(IpRange::V4(0, u32::MAX) | IpRange::V6(0, u128::MAX)) => {
            Err(format!("`{text}` trusts everybody: name the proxies"))
        }
        Some(range) => Ok(range),
        None => Err(format!(
            "`{text}` is no address and no prefix such as `10.0.0.0/8`; numbers have no leading zeros, and a prefix of \
             IPv4-mapped addresses has 96 bits or more"
        )),
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// From there.
    Known {
        /// The address, never IPv4-mapped.
        address: IpAddr,
        /// Whether every address of the chain, this one too, is a trusted proxy's.
        is_proxy: bool,
    },
    /// Nobody says: the connection has no address, and there is no header.
    Missing,
    /// Somebody says something that is no address. Such a request is refused.
    Invalid,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The client.
    pub client: Client,
    /// Whether there was a forwarded header that did not count, because its sender is not trusted.
    pub was_ignored: bool,
    /// Whether a trusted peer has forwarded nothing, so that the client is the peer itself.
    pub is_unsaid: bool,
}

impl Resolved {
    /// Whether the client is unknown, or at this address: nothing is believed that a header alone says.
    pub fn is_at(&self, peer: Option<IpAddr>) -> bool {
        match self.client {
            Client::Known { address, .. } => peer.map(canonical) == Some(address),
            Client::Missing | Client::Invalid => true,
        }
    }
}

impl ClientIp {
    /// The header that is looked at, in lower case, if one is.
    pub fn header(&self) -> Option<&str> {
        match &self.mode {
            Mode::Peer => None,
            Mode::Xff => Some("x-forwarded-for"),
            Mode::Forwarded => Some("forwarded"),
            Mode::Header(name) => Some(name),
            Mode::External => Some(EXTERNAL),
        }
    }

    /// Whether the address is Envoy's own finding, so that no proxy need be trusted.
    pub const fn is_external(&self) -> bool {
        matches!(self.mode, Mode::External)
    }

    /// Whether a peer is believed when it says something about others; `None` is the Unix socket.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            Some(address) => self.trusted_proxies.iter().any(|range| range.contains(address)),
            None => self.trust_unix,
        }
    }

    /// Whether nobody is believed, so that whoever is connected is always the client.
    pub const fn trusts_nobody(&self) -> bool {
        self.trusted_proxies.is_empty() && !self.trust_unix
    }

    /// The client of a request that `peer` sent, `None` being the Unix socket, with these lines of [`Self::header`].
    ///
    /// Never panics. Cost: linear in the lines, of which at most [`limits::FORWARDED_BYTES_MAX`] are looked at.
    pub fn resolve<'h>(&self, peer: Option<IpAddr>, lines: impl IntoIterator<Item = &'h [u8]>) -> Resolved {
        let lines: Vec<&[u8]> = lines.into_iter().map(<[u8]>::trim_ascii).collect();
        let is_said = lines.iter().any(|line| !line.is_empty());
        let found = |client| Resolved { client, was_ignored: false, is_unsaid: false };
        match &self.mode {
            Mode::Peer => found(of_peer(peer, false)),
            Mode::External if !is_said => found(Client::Missing),
            Mode::External => self.external(peer, &lines),
            _ if !self.trusts(peer) => Resolved { was_ignored: is_said, ..found(of_peer(peer, false)) },
            _ if lines.iter().map(|line| line.len()).sum::<usize>() > limits::FORWARDED_BYTES_MAX => {
                found(Client::Invalid)
            }
            // WHY: such a header is not one of a chain that may be empty; without it nobody has said anything.
            Mode::Header(_) if !is_said => found(Client::Missing),
            Mode::Header(_) => found(alone(&lines)),
            Mode::Xff | Mode::Forwarded if !is_said && self.hops.is_none() => {
                Resolved { is_unsaid: true, ..found(of_peer(peer, true)) }
            }
            Mode::Xff | Mode::Forwarded => {
                let chain = if is_said { self.chain(&lines) } else { None };
                found(chain.map_or(Client::Invalid, |chain| self.walk(peer, &chain)))
            }
        }
    }

    /// What Envoy has found out, which is where its request came from, or what a trusted proxy before it has.
    fn external(&self, peer: Option<IpAddr>, lines: &[&[u8]]) -> Resolved {
        let found = Resolved { client: alone(lines), was_ignored: false, is_unsaid: false };
        if found.is_at(peer) || self.trusts(peer) { found } else { Resolved { client: Client::Invalid, ..found } }
    }

    /// The entries of all lines in their order; `None` when they cannot be told apart or are too many.
    fn chain<'h>(&self, lines: &[&'h [u8]]) -> Option<Vec<&'h [u8]>> {
        let mut chain = Vec::new();
        for line in lines {
            match self.mode {
                Mode::Forwarded => forwarded::entries(line, &mut chain)?,
                _ => chain.extend(line.split(|byte| *byte == b',').take(limits::FORWARDED_ENTRIES_MAX + 1)),
            }
            if chain.len() > limits::FORWARDED_ENTRIES_MAX {
                return None;
            }
        }
        Some(chain)
    }

    /// Goes through a chain from its trusted end. The peer is trusted.
    fn walk(&self, peer: Option<IpAddr>, chain: &[&[u8]]) -> Client {
        if let Some(hops) = self.hops {
            let place = chain.len().checked_sub(hops.get()).and_then(|place| chain.get(place));
            let address = place.and_then(|entry| address(entry));
            return address
                .map_or(Client::Invalid, |address| Client::Known { address, is_proxy: self.trusts(Some(address)) });
        }
        let mut last = of_peer(peer, true);
        for entry in chain.iter().rev() {
            let Some(address) = address(entry) else {
                return Client::Invalid;
            };
            let is_proxy = self.trusts(Some(address));
            last = Client::Known { address, is_proxy };
            if !is_proxy {
                break;
            }
        }
        last
    }
}

fn of_peer(peer: Option<IpAddr>, is_proxy: bool) -> Client {
    peer.map_or(Client::Missing, |peer| Client::Known { address: canonical(peer), is_proxy })
}

/// The one address of a header that has one.
fn alone(lines: &[&[u8]]) -> Client {
    match lines {
        [line] => address(line).map_or(Client::Invalid, |address| Client::Known { address, is_proxy: false }),
        _ => Client::Invalid,
    }
}

/// An IPv4 address in four plain decimal parts, or an IPv6 address with or without brackets; a port only where it cannot
/// be taken for a part of the address. No zones.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            is_port(port).then(|| address.parse().map(Ipv6Addr::into))?
        }
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                is_port(text.get(address.len()..)?).then(|| address.parse().map(IpAddr::V4))?
            }
            _ => text.parse(),
        },
    };
    address.ok().map(canonical)
}

/// Nothing, or a colon and a number of 16 bits.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|digits| {
            (1..=5).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_digit())
                && digits.parse::<u16>().is_ok()
        })
}
