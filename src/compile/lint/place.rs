//! Locations: addresses that are never seen, lists that let in or keep out more than they say.
//!
//! Ranges are looked at once each, a few comparisons a range.
//! Source: Entra documentation, "Conditional Access: Network assignment", read August 2026.

use super::super::network::LocationIndex;
use super::super::policy::{CompiledPolicy, Grant};
use super::super::rules;
use crate::limits;
use crate::model::location::CountryLookup;
use crate::model::policy::{LocationTarget, Policy};
use crate::model::{Bundle, IpRange, LocationKind, NamedLocation};
use crate::text::Diagnostic;

/// A policy for workloads that names a location by the position of a phone.
pub fn gps(bundle: &Bundle, policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let has_users = !compiled.users.include.is_empty();
    if has_users || (compiled.workloads.is_empty() && compiled.agents.is_empty()) {
        return;
    }
    let named = compiled.locations.include.iter().chain(&compiled.locations.exclude);
    let by_gps = named.filter_map(|index| location(bundle, *index)).find(|location| {
        matches!(location.kind, LocationKind::Country { lookup: CountryLookup::AuthenticatorAppGps, .. })
    });
    if let Some(location) = by_gps {
        let what =
            format!("`{}` is for workloads and names `{}`", policy.display_name.value, location.display_name.value);
        let help = "name a location with `countryLookupMethod: clientIpAddress`";
        problems.push(
            Diagnostic::new(&rules::GPS_LOCATION, policy.display_name.span, what)
                .help(help)
                .related(location.display_name.span, "the location"),
        );
    }
}

/// `AllTrusted` while nothing is trusted; told once, at the first policy.
pub fn no_trusted_location(bundle: &Bundle, policies: &[CompiledPolicy], problems: &mut Vec<Diagnostic>) {
    if !bundle.settings.mfa_trusted_ips.is_empty() || bundle.locations.iter().any(is_trusted) {
        return;
    }
    let mut naming =
        policies.iter().filter_map(|policy| bundle.policies.get(policy.index.as_usize())).filter_map(|policy| {
            let locations = &policy.conditions.locations;
            let mut targets = locations.include.iter().chain(&locations.exclude);
            targets.find(|target| target.value == LocationTarget::AllTrusted)
        });
    let Some(first) = naming.next() else { return };
    let what = match naming.count() {
        0 => "no location is trusted".to_owned(),
        1 => "no location is trusted, and 1 more policy names `AllTrusted`".to_owned(),
        more => format!("no location is trusted, and {more} more policies name `AllTrusted`"),
    };
    let help = "add the named locations to the bundle and mark those with `isTrusted: true`, or list `mfaTrustedIps` in \
                bundle.yaml";
    problems.push(Diagnostic::new(&rules::NO_TRUSTED_LOCATION, first.span, what).help(help));
}

/// Trusted locations that nothing can be judged against, while policies name `AllTrusted`: told once for each location, as an
/// error where a policy includes it.
///
/// WHY: excluded they exempt nobody, which lets nobody in; included they would be left out of what is to be blocked.
pub fn unjudgeable_trusted(bundle: &Bundle, policies: &[CompiledPolicy], problems: &mut Vec<Diagnostic>) {
    let named = |is_included: bool| {
        let mut policies = policies.iter().filter_map(|policy| bundle.policies.get(policy.index.as_usize()));
        policies.find_map(|policy| {
            let locations = &policy.conditions.locations;
            let targets = if is_included { &locations.include } else { &locations.exclude };
            targets.iter().find(|target| target.value == LocationTarget::AllTrusted)
        })
    };
    let (rule, target) = match (named(true), named(false)) {
        (Some(target), _) => (&rules::UNJUDGEABLE_LOCATION, target),
        (None, Some(target)) => (&rules::UNJUDGEABLE_TRUSTED, target),
        (None, None) => return,
    };
    for location in &bundle.locations {
        let LocationKind::Unjudgeable { kind, is_trusted: true } = &location.kind else { continue };
        let what = format!("`{}` is trusted, and is a {kind}", location.display_name.value);
        let help = "name the addresses of the network in a location, and write `isTrusted: false` here";
        problems.push(
            Diagnostic::new(rule, location.display_name.span, what)
                .help(help)
                .related(target.span, "`AllTrusted` is named here"),
        );
    }
}

/// A block everywhere but in locations of IPv4 ranges, in a bundle that knows no IPv6 at all; told once.
///
/// WHY: where some location has IPv6 ranges, those without are so on purpose.
pub fn ipv4_only(bundle: &Bundle, policies: &[CompiledPolicy], ranged: &Ranged, problems: &mut Vec<Diagnostic>) {
    if ranged.has_v6 {
        return;
    }
    let is_address_list = |index: usize| ranged.have_ranges.get(index) == Some(&true);
    // INVARIANT: behind the named locations come the MFA trusted IPs, then all trusted locations.
    let count = bundle.locations.len();
    let has_mfa = !bundle.settings.mfa_trusted_ips.is_empty();
    let mut trusted = bundle.locations.iter().enumerate().filter(|(_, location)| is_trusted(location)).peekable();
    let are_trusted_addresses =
        (trusted.peek().is_some() || has_mfa) && trusted.all(|(index, _)| is_address_list(index));
    let is_allow_list = |policy: &&CompiledPolicy| {
        let locations = &policy.locations;
        let is_list = |index: &LocationIndex| match usize::from(*index).checked_sub(count) {
            None => is_address_list(usize::from(*index)),
            Some(0) => has_mfa,
            Some(_) => are_trusted_addresses,
        };
        matches!(policy.grant, Grant::Block)
            && locations.everywhere
            && !locations.exclude.is_empty()
            && locations.exclude.iter().all(is_list)
    };
    let Some(policy) = policies.iter().find(is_allow_list) else { return };
    let Some(policy) = bundle.policies.get(policy.index.as_usize()) else { return };
    let what = format!("`{}` blocks everybody who arrives over IPv6", policy.display_name.value);
    let help = "add the IPv6 ranges of the same networks, or have the token service listen on IPv4 alone";
    let span = policy.conditions.locations.exclude.first().map_or(policy.display_name.span, |target| target.span);
    problems.push(Diagnostic::new(&rules::IPV4_ONLY, span, what).help(help));
}

/// A block of countries that lets addresses of no known country through; told once for each location.
pub fn unknown_countries(bundle: &Bundle, policies: &[CompiledPolicy], problems: &mut Vec<Diagnostic>) {
    let mut told = vec![false; bundle.locations.len()];
    for compiled in policies.iter().filter(|policy| matches!(policy.grant, Grant::Block)) {
        let included = || compiled.locations.include.iter();
        let covers_unknown = |index: &LocationIndex| {
            matches!(
                location(bundle, *index).map(|location| &location.kind),
                Some(LocationKind::Country { include_unknown: true, .. })
            )
        };
        if compiled.locations.everywhere || included().any(covers_unknown) {
            continue;
        }
        let Some(policy) = bundle.policies.get(compiled.index.as_usize()) else { continue };
        for index in included() {
            let Some(location) = location(bundle, *index) else { continue };
            let by_address =
                matches!(location.kind, LocationKind::Country { lookup: CountryLookup::ClientIpAddress, .. });
            let Some(is_told) = told.get_mut(usize::from(*index)).filter(|is_told| by_address && !**is_told) else {
                continue;
            };
            *is_told = true;
            let what = format!("`{}` does not contain addresses of no known country", location.display_name.value);
            let help = "write `includeUnknownCountriesAndRegions: true` to block them too";
            let label = format!("`{}` blocks what is inside, and lets them through", policy.display_name.value);
            problems.push(
                Diagnostic::new(&rules::UNKNOWN_COUNTRY, location.display_name.span, what)
                    .help(help)
                    .related(policy.display_name.span, label),
            );
        }
    }
}

/// What there is to say of the ranges of locations, looked at while the model still has them.
#[derive(Debug, Default)]
pub struct Ranged {
    /// Whether each location has any.
    have_ranges: Vec<bool>,
    /// Whether any location, or the MFA trusted IPs, have IPv6 ranges.
    has_v6: bool,
    /// Their problems.
    pub(super) problems: Vec<Diagnostic>,
}

/// Ranges that no request comes from, and ranges that nearly every request comes from; each told once for a location.
///
/// WHY: a bundle of private ranges alone is for a token service that no address translation stands before.
pub fn ranges(bundle: &Bundle) -> Ranged {
    let mut ranged = Ranged { has_v6: !bundle.settings.mfa_trusted_ips.v6().is_empty(), ..Ranged::default() };
    let mut has_public = false;
    let mut private = Vec::new();
    for location in &bundle.locations {
        let LocationKind::Ip { ranges, .. } = &location.kind else {
            ranged.have_ranges.push(false);
            continue;
        };
        ranged.have_ranges.push(!ranges.is_empty());
        ranged.has_v6 |= !ranges.v6().is_empty();
        let (mut first_private, mut privates, mut first_wide) = (None, 0usize, None);
        for range in ranges.iter() {
            if is_private(range) {
                first_private.get_or_insert(range);
                privates += 1;
            } else {
                has_public = true;
                if first_wide.is_none() && is_wide(range) {
                    first_wide = Some(range);
                }
            }
        }
        let (name, span) = (&location.display_name.value, location.display_name.span);
        if let Some(range) = first_wide {
            let what = format!("`{name}` has the range {}", shown(range));
            let help =
                "list the networks that are meant; for every address write `includeLocations: [All]` in the policy";
            ranged.problems.push(Diagnostic::new(&rules::WIDE_RANGE, span, what).help(help));
        }
        if let Some(range) = first_private.filter(|_| ranges.len() <= limits::LINTED_RANGES_MAX) {
            let more = if privates > 1 { format!(", and {} more such", privates - 1) } else { String::new() };
            let what = format!("`{name}` has the private range {}{more}", shown(range));
            let help = "list the public addresses that the network goes out with";
            private.push(Diagnostic::new(&rules::PRIVATE_RANGE, span, what).help(help));
        }
    }
    if has_public {
        ranged.problems.append(&mut private);
    }
    ranged
}

/// The named location with this number, which is none of the pseudo-locations.
pub fn location(bundle: &Bundle, index: LocationIndex) -> Option<&NamedLocation> {
    bundle.locations.get(usize::from(index))
}

/// Whether `AllTrusted` contains it, as far as anybody can tell.
pub fn is_trusted(location: &NamedLocation) -> bool {
    match &location.kind {
        LocationKind::Ip { is_trusted, .. }
        | LocationKind::CompliantNetwork { is_trusted }
        | LocationKind::Unjudgeable { is_trusted, .. } => *is_trusted,
        LocationKind::Country { .. } => false,
    }
}

/// Wholly inside addresses that no router of the internet carries: RFC 1918, RFC 6598, RFC 4193, loopback, link-local.
fn is_private(range: IpRange) -> bool {
    match range {
        IpRange::V4(first, last) => {
            let (prefix, bits) = match first >> 24 {
                10 => (10 << 24, 8),
                100 => (0x6440_0000, 10),
                127 => (127 << 24, 8),
                169 => (0xA9FE_0000, 16),
                172 => (0xAC10_0000, 12),
                192 => (0xC0A8_0000, 16),
                _ => return false,
            };
            let network = |address: u32| address >> (32 - bits) == prefix >> (32 - bits);
            network(first) && network(last)
        }
        IpRange::V6(first, last) => {
            let within = |prefix: u128, bits: u32| first >> (128 - bits) == prefix && last >> (128 - bits) == prefix;
            within(0xFC >> 1, 7) || within(0xFE80 >> 6, 10) || (first == 1 && last == 1)
        }
    }
}

/// More addresses than a /8 has.
fn is_wide(range: IpRange) -> bool {
    match range {
        IpRange::V4(first, last) => last - first > u32::MAX >> 8,
        IpRange::V6(first, last) => last - first > u128::MAX >> 8,
    }
}

/// The range as a prefix if it is one, else its bounds.
fn shown(range: IpRange) -> String {
    let (first, bits, size): (std::net::IpAddr, u32, u128) = match range {
        IpRange::V4(first, last) => (std::net::Ipv4Addr::from(first).into(), 32, u128::from(last - first)),
        IpRange::V6(first, last) => (std::net::Ipv6Addr::from(first).into(), 128, last - first),
    };
    let length = bits.saturating_sub(128 - size.leading_zeros());
    let prefix = u8::try_from(length).ok().and_then(|length| ipnet::IpNet::new(first, length).ok());
    match prefix.filter(|prefix| IpRange::from_prefix(prefix.trunc()) == range) {
        Some(prefix) => prefix.to_string(),
        None => range.to_string(),
    }
}
