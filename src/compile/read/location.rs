//! Reads a named location, in Graph's shape or written by hand with ranges as plain text.
//!
//! Source: Microsoft Graph `namedLocation` and its subtypes, v1.0 and beta, read August 2026.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::{prefix, rules};
use super::fast::{PackedRanges, V4_PREFIX, V6_PREFIX};
use super::object::{Context, Object, Path, wrong_type};
use super::policy::deleted;
use crate::model::location::{Country, CountryLookup, Ranges};
use crate::model::{Id, IpRange, LocationKind, NamedLocation};
use crate::text::{Diagnostic, Mend, Node, Span, Spanned, Value};

/// Reads `node`; ranges that the fast reading took out of the tree are in `packed`.
pub fn location(node: &Node<'_>, packed: &mut PackedRanges, context: &mut Context) -> Option<NamedLocation> {
    let mut object = Object::new(node, Path::default(), context)?;
    let id = object.id("id", context).map(|id| Spanned::new(Id::new(id.value), id.span));
    let name = object.text("displayName", context);
    let deleted = deleted(&mut object, context);
    for key in ["createdDateTime", "modifiedDateTime"] {
        object.keep(key, context);
    }
    let kind = kind(&mut object, packed, context);
    if name.is_none() {
        let what = "`displayName` is missing";
        let help = "give the location a name";
        context.report(Diagnostic::new(&rules::MISSING_PROPERTY, object.span(), what).help(help));
    }
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    let kept = std::mem::take(&mut context.kept);
    let display_name = name.map(|name| Spanned::new(Box::from(name.value), name.span))?;
    if let Some(deleted) = deleted {
        let what = format!("`{}` is in the recycle bin", display_name.value);
        let help = "restore it and export again, or take it out of the bundle";
        context.report(Diagnostic::new(&rules::DELETED_LOCATION, deleted, what).help(help));
        return None;
    }
    // WHY: of an unreadable kind the bundle is refused; policies that name the location are right to do so.
    let kind = kind.unwrap_or(LocationKind::Ip { ranges: Ranges::default(), is_trusted: false });
    Some(NamedLocation { id, display_name, kind, kept })
}

fn kind(object: &mut Object<'_, '_>, packed: &mut PackedRanges, context: &mut Context) -> Option<LocationKind> {
    let odata_type = object.text("@odata.type", context);
    let short = odata_type.map(|text| text.value.trim_start_matches("#microsoft.graph."));
    match short {
        Some("ipNamedLocation") => Some(ip(object, packed, context)),
        Some("countryNamedLocation") => Some(country(object, context)),
        Some("compliantNetworkNamedLocation") => Some(compliant_network(object, context)),
        Some(other @ ("privateLinkNamedLocation" | "serviceTagNamedLocation")) => {
            for key in ["privateLinkResourcePolicyIds", "serviceTags", "isTrusted"] {
                object.keep(key, context);
            }
            let is_trusted = object.boolean("isTrusted", context).unwrap_or(false);
            Some(LocationKind::Unjudgeable { kind: other.into(), is_trusted })
        }
        Some(other) => {
            let what = format!("`{other}` is no kind of named location");
            let span = odata_type.map_or(object.span(), |text| text.span);
            context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, span, what));
            None
        }
        None if object.member("ipRanges").is_some() => Some(ip(object, packed, context)),
        None if object.member("countriesAndRegions").is_some() => Some(country(object, context)),
        None if object.member("compliantNetworkType").is_some() => Some(compliant_network(object, context)),
        None => {
            let what = "a location of no kind";
            let help = "give it `ipRanges` or `countriesAndRegions`";
            context.report(Diagnostic::new(&rules::MISSING_PROPERTY, object.span(), what).help(help));
            None
        }
    }
}

fn ip(object: &mut Object<'_, '_>, packed: &mut PackedRanges, context: &mut Context) -> LocationKind {
    let is_trusted = object.boolean("isTrusted", context).unwrap_or(false);
    let node = object.member("ipRanges");
    let ranges = match node {
        Some(Node { value: Value::Packed(index), .. }) => packed.take(*index),
        Some(node) => match node.as_list() {
            Some(nodes) => nodes.iter().filter_map(|node| range(node, context)).collect(),
            None => {
                context.report(wrong_type(node, "ipRanges", "a list"));
                Ranges::default()
            }
        },
        None => Ranges::default(),
    };
    // WHY: ranges that could not be read have been reported, and the author meant some.
    if ranges.is_empty() && node.and_then(Node::as_list).is_none_or(<[_]>::is_empty) {
        empty(object, "it has no address ranges", context);
    }
    LocationKind::Ip { ranges, is_trusted }
}

fn empty(object: &Object<'_, '_>, what: &str, context: &mut Context) {
    context.report(Diagnostic::new(&rules::EMPTY_LOCATION, object.span(), what.to_owned()));
}

/// One range: plain text, or one of Graph's four objects.
fn range(node: &Node<'_>, context: &mut Context) -> Option<IpRange> {
    if let Some(text) = node.as_str() {
        return plain_range(Spanned::new(text, node.span), context);
    }
    let mut object = Object::new(node, Path::default().join("ipRanges"), context)?;
    let odata_type = object.text("@odata.type", context).map(|text| text.value);
    let cidr = object.text("cidrAddress", context);
    let lower = object.text("lowerAddress", context);
    let upper = object.text("upperAddress", context);
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    let range = match (cidr, lower, upper) {
        (Some(cidr), None, None) => typed_prefix(odata_type, cidr.value),
        (None, Some(lower), Some(upper)) => typed_bounds(odata_type, lower.value, upper.value),
        _ => None,
    };
    if range.is_none() {
        let meant = match (cidr.or(lower), upper) {
            (Some(lower), Some(upper)) => format!("`{}` to `{}`", lower.value, upper.value),
            (Some(text), None) => format!("`{}`", text.value),
            (None, _) => node.kind().to_owned(),
        };
        let span = cidr.or(lower).map_or(node.span, |text| text.span);
        context.report(not_a_range(&meant, odata_type, span));
    }
    range
}

fn not_a_range(meant: &str, odata_type: Option<&str>, span: Span) -> Diagnostic {
    let kind = odata_type.map_or("address range", |text| text.trim_start_matches("#microsoft.graph."));
    let begins_with_zero =
        |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|it| it.is_ascii_digit());
    let help = if meant.contains("::ffff:") {
        "write IPv4 addresses and prefixes as such: an IPv4-mapped prefix is /96 or longer"
    } else if meant.contains('.') && meant.split(['`', '.', '/', ' ']).any(begins_with_zero) {
        "write its numbers without leading zeros, which some read as octal"
    } else {
        "a single address is a prefix too: 203.0.113.9/32, 2001:db8::1/128"
    };
    Diagnostic::new(&rules::ADDRESS_RANGE, span, format!("{meant} is no {kind}")).help(help)
}

/// The range of a Graph prefix object; host bits are cleared, as the service does when it matches.
fn typed_prefix(odata_type: Option<&str>, cidr: &str) -> Option<IpRange> {
    match odata_type {
        Some(V4_PREFIX) => prefix::of_v4(cidr).map(|net| IpRange::from_prefix(net.into())),
        Some(V6_PREFIX) => prefix::of_v6(cidr).map(|net| IpRange::from_prefix(net.into())),
        None => prefix::of_either(cidr).map(IpRange::from_prefix),
        Some(_) => None,
    }
}

fn typed_bounds(odata_type: Option<&str>, lower: &str, upper: &str) -> Option<IpRange> {
    let v4 = || Some((lower.parse::<Ipv4Addr>().ok()?.into(), upper.parse::<Ipv4Addr>().ok()?.into()));
    let v6 = || Some((lower.parse::<Ipv6Addr>().ok()?.into(), upper.parse::<Ipv6Addr>().ok()?.into()));
    let (first, last): (IpAddr, IpAddr) = match odata_type {
        Some("#microsoft.graph.iPv4Range") => v4()?,
        Some("#microsoft.graph.iPv6Range") => v6()?,
        None => v4().or_else(v6)?,
        Some(_) => return None,
    };
    IpRange::new(first, last)
}

/// A prefix written by hand, as in `ipRanges: [203.0.113.0/24]`. Host bits are cleared with a warning.
fn plain_range(text: Spanned<&str>, context: &mut Context) -> Option<IpRange> {
    let Some(net) = prefix::of_either(text.value) else {
        context.report(not_a_range(&format!("`{}`", text.value), None, text.span));
        return None;
    };
    if net.addr() != net.network() {
        let what = format!("`{}` covers {}", text.value, net.trunc());
        let help = format!("write {}", net.trunc());
        let mend = Mend::say(text.value, net.trunc().to_string());
        context.report(Diagnostic::new(&rules::HOST_BITS, text.span, what).help(help).mend(mend));
    }
    Some(IpRange::from_prefix(net))
}

/// A prefix of the MFA trusted IPs, which are IPv4 only.
/// Source: Entra documentation, "Conditional Access: Network assignment", read August 2026.
pub fn mfa_trusted_range(text: Spanned<&str>, context: &mut Context) -> Option<IpRange> {
    let range = plain_range(text, context)?;
    if matches!(range, IpRange::V6(..)) {
        let what = format!("`{}` is no IPv4 range", text.value);
        let help = "the MFA trusted IPs are IPv4 only; make it a named location with `isTrusted: true`";
        context.report(Diagnostic::new(&rules::ADDRESS_RANGE, text.span, what).help(help));
        return None;
    }
    if range.prefix_length().is_some_and(|length| length < 8) {
        let what = format!("the MFA trusted IPs have the range {}", range.told());
        let help = "list the networks that are meant: `AllTrusted` contains all of it";
        context.report(Diagnostic::new(&rules::WIDE_RANGE, text.span, what).help(help));
    }
    Some(range)
}

fn country(object: &mut Object<'_, '_>, context: &mut Context) -> LocationKind {
    let texts = object.texts("countriesAndRegions", context);
    let is_empty = texts.is_empty();
    let countries: Vec<Country> = texts
        .into_iter()
        .filter_map(|text| {
            let country = Country::new(text.value);
            if country.is_none() {
                let what = format!("`{}` is no country code", text.value);
                let mut diagnostic = Diagnostic::new(&rules::COUNTRY_CODE, text.span, what);
                match text.value.to_ascii_uppercase().as_str() {
                    "UK" => {
                        let mend = Mend::say(text.value, "GB");
                        diagnostic = diagnostic.help("the United Kingdom is `GB`").mend(mend);
                    }
                    "ZZ" => diagnostic = diagnostic.help("write `includeUnknownCountriesAndRegions: true`"),
                    _ => {}
                }
                context.report(diagnostic);
            }
            country
        })
        .collect();
    let include_unknown = object.boolean("includeUnknownCountriesAndRegions", context).unwrap_or(false);
    let lookup = match object.text("countryLookupMethod", context) {
        None => CountryLookup::ClientIpAddress,
        Some(text) if text.value.eq_ignore_ascii_case("clientIpAddress") => CountryLookup::ClientIpAddress,
        Some(text) if text.value.eq_ignore_ascii_case("authenticatorAppGps") => CountryLookup::AuthenticatorAppGps,
        Some(text) => {
            let what = format!("`{}` is no look-up method", text.value);
            let help = "it is `clientIpAddress` or `authenticatorAppGps`";
            context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help(help));
            CountryLookup::ClientIpAddress
        }
    };
    if is_empty && !include_unknown {
        empty(object, "it has no countries", context);
    }
    if let Some(node) = object.member("isTrusted").filter(|node| node.value == Value::Bool(true)) {
        let help = "take it out, and exclude the location by its name";
        let what = "a country location is marked trusted";
        context.report(Diagnostic::new(&rules::TRUSTED_COUNTRY, node.span, what).help(help));
    }
    LocationKind::Country { countries, include_unknown, lookup }
}

fn compliant_network(object: &mut Object<'_, '_>, context: &mut Context) -> LocationKind {
    if let Some(text) = object.text("compliantNetworkType", context)
        && !text.value.eq_ignore_ascii_case("allTenantCompliantNetworks")
    {
        let what = format!("`{}` is no kind of compliant network", text.value);
        let help = "it is `allTenantCompliantNetworks`";
        context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help(help));
    }
    LocationKind::CompliantNetwork { is_trusted: object.boolean("isTrusted", context).unwrap_or(false) }
}
