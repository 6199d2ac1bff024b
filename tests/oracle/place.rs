//! The location condition.
//!
//! Source: Entra documentation, Network in Conditional Access policy, read August 2026.

use std::net::IpAddr;

use doorward::model::bundle::MissingIp;
use doorward::model::location::{Country, CountryFact, CountryLookup, Ranges};
use doorward::model::policy::{LocationTarget, Locations};
use doorward::model::{Id, LocationKind, NamedLocation, Truth};

use super::Case;

/// Included somewhere, or not limited to anywhere; and excluded nowhere.
pub fn matches(case: &Case<'_>, locations: &Locations) -> Truth {
    let included =
        if locations.include.is_empty() { Truth::True } else { any(&locations.include, |one| is_in(case, one)) };
    let excluded = any(&locations.exclude, |one| is_in(case, one));
    included & !excluded
}

/// Whether the request comes from `target`.
pub fn is_in(case: &Case<'_>, target: &LocationTarget) -> Truth {
    match target {
        LocationTarget::All => Truth::True,
        LocationTarget::AllTrusted => {
            any(&case.bundle.locations, |location| is_in_trusted(case, location)) | is_in_mfa_trusted(case)
        }
        LocationTarget::MfaTrustedIps => is_in_mfa_trusted(case),
        LocationTarget::Named(name) => {
            let id = Id::new(name);
            if id == Id::NIL {
                return is_in_mfa_trusted(case);
            }
            let by_id = |location: &&NamedLocation| location.id.as_ref().is_some_and(|own| own.value == id);
            let by_name = |location: &&NamedLocation| location.display_name.value == *name;
            let locations = &case.bundle.locations;
            let location = locations.iter().find(by_id).or_else(|| locations.iter().find(by_name));
            contains(case, location.expect("a location that a policy names exists"))
        }
    }
}

fn is_in_trusted(case: &Case<'_>, location: &NamedLocation) -> Truth {
    match location.kind {
        LocationKind::Ip { is_trusted: true, .. } | LocationKind::CompliantNetwork { is_trusted: true } => {
            contains(case, location)
        }
        _ => Truth::False,
    }
}

fn is_in_mfa_trusted(case: &Case<'_>) -> Truth {
    is_in_ranges(case, &case.bundle.settings.mfa_trusted_ips)
}

fn contains(case: &Case<'_>, location: &NamedLocation) -> Truth {
    let network = &case.request.network;
    match &location.kind {
        LocationKind::Ip { ranges, .. } => is_in_ranges(case, ranges),
        LocationKind::Country { countries, include_unknown, lookup } => match lookup {
            CountryLookup::AuthenticatorAppGps => match network.gps_country {
                Some(country) => countries.contains(&country).into(),
                None => Truth::Unknown,
            },
            CountryLookup::ClientIpAddress => is_in_countries(case, countries, *include_unknown),
        },
        LocationKind::CompliantNetwork { .. } => network.compliant_network.map_or(Truth::Unknown, Truth::from),
        LocationKind::Unjudgeable { .. } => Truth::Unknown,
    }
}

fn is_in_ranges(case: &Case<'_>, ranges: &Ranges) -> Truth {
    match address(case) {
        Ok(address) => ranges.iter().any(|range| range.contains(address)).into(),
        Err(missing) if ranges.is_empty() => missing & Truth::False,
        Err(missing) => missing,
    }
}

fn is_in_countries(case: &Case<'_>, countries: &[Country], include_unknown: bool) -> Truth {
    let fact = match case.request.network.country {
        Some(said) => said,
        None => match address(case) {
            Err(missing) => return missing,
            Ok(address) => match (case.country_of)(address) {
                None => return Truth::Unknown,
                Some(found) => found,
            },
        },
    };
    match fact {
        CountryFact::Known(country) => countries.contains(&country).into(),
        CountryFact::Unmapped => include_unknown.into(),
    }
}

/// The address, or what its absence means in this bundle.
fn address(case: &Case<'_>) -> Result<IpAddr, Truth> {
    case.request.network.ip_address.ok_or(match case.bundle.settings.missing_ip {
        MissingIp::Unknown => Truth::Unknown,
        MissingIp::OutsideAll => Truth::False,
    })
}

fn any<T>(items: &[T], holds: impl Fn(&T) -> Truth) -> Truth {
    items.iter().map(holds).fold(Truth::False, |any, one| any | one)
}
