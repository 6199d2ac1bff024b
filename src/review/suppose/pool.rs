//! Values of facts that matter to a bundle: whom and what it names, the ends of its ranges, and somebody and something
//! that it does not name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{entry, object, put, text, texts};
use crate::compile::DeviceAttribute;
use crate::limits;
use crate::model::location::{Country, CountryLookup};
use crate::model::policy::{Filter, Policy, PrincipalTarget, ResourceTarget, UserTarget};
use crate::model::set::Word;
use crate::model::{
    Bundle, ClientApp, CredentialType, Id, InsiderRiskLevel, IpRange, LocationKind, Platform, RiskLevel,
    ServicePrincipal, ServicePrincipalType, SignInAudience, TransferMethod, UserAction,
};
use crate::text::{Node, Value};

/// An id that no directory has given to anybody.
const NOBODY: &str = "00000000-0000-4000-8000-000000000001";
/// Likewise of an application.
const NOTHING: &str = "00000000-0000-4000-8000-000000000002";

/// Identities: of the catalogue, named by policies, and of nobody's.
pub fn identities(bundle: &Bundle) -> Vec<Node<'static>> {
    let mut all = Vec::new();
    let policies = &bundle.policies;
    if policies.iter().any(|policy| !policy.conditions.service_principals.is_empty()) {
        all.extend(bundle.principals.iter().take(limits::SUPPOSED_MAX / 4).map(listed));
        let targets = policies.iter().flat_map(|policy| {
            let scope = &policy.conditions.service_principals;
            scope.include.iter().chain(&scope.exclude)
        });
        let named = targets.filter_map(|target| match &target.value {
            PrincipalTarget::Named(name) => Some(name.to_string()),
            PrincipalTarget::All => None,
        });
        let is_listed = |id: &String| {
            let is_it = |principal: &ServicePrincipal| {
                principal.id.value == Id::new(id) || principal.display_name.as_ref().is_some_and(|it| *it.value == **id)
            };
            bundle.principals.iter().any(is_it)
        };
        let own = named.filter(|id| !is_listed(id)).map(|id| unlisted(bundle, &id, object([])));
        all.extend(own);
        all.push(unlisted(bundle, NOBODY, object([])));
        all.push(object([("type", text("managedIdentity")), ("id", text(NOBODY))]));
        let filters = policies.iter().filter_map(|policy| policy.conditions.service_principals.filter.as_ref());
        all.extend(filters.flat_map(attributes).map(|attributes| unlisted(bundle, NOBODY, attributes)));
    }
    all.extend(agents(policies));
    all.extend(users(policies));
    all.truncate(limits::SUPPOSED_MAX);
    if all.is_empty() {
        all.push(object([("type", text("user")), ("id", text(NOBODY))]));
    }
    all
}

fn listed(principal: &ServicePrincipal) -> Node<'static> {
    let kind = match principal.kind {
        Some(ServicePrincipalType::ManagedIdentity) => "managedIdentity",
        Some(ServicePrincipalType::ServiceIdentity) => "agentIdentity",
        _ => "servicePrincipal",
    };
    object([("type", text(kind)), ("id", text(principal.id.value.to_string()))])
}

/// A workload of this tenant that the catalogue does not have.
fn unlisted(bundle: &Bundle, id: &str, attributes: Node<'static>) -> Node<'static> {
    let identity = object([
        ("type", text("servicePrincipal")),
        ("id", text(id)),
        ("audience", text(SignInAudience::MyOrg.as_str())),
        ("customSecurityAttributes", attributes),
    ]);
    match &bundle.settings.tenant_id {
        Some(tenant) => put(identity, "ownerTenant", text(tenant.to_string())),
        None => identity,
    }
}

fn agents(policies: &[Policy]) -> Vec<Node<'static>> {
    let scopes: Vec<_> = policies.iter().map(|policy| &policy.conditions.agent_identities).collect();
    if scopes.iter().all(|scope| scope.is_empty()) {
        return Vec::new();
    }
    let agent = |id: &str, attributes: Node<'static>| {
        let blueprint = ("blueprint", text(NOTHING));
        let all =
            [("type", text("agentIdentity")), ("id", text(id)), blueprint, ("customSecurityAttributes", attributes)];
        object(all)
    };
    let named = scopes.iter().flat_map(|scope| scope.include.iter().chain(&scope.exclude));
    let named = named.filter_map(|target| match &target.value {
        PrincipalTarget::Named(id) => Some(agent(id, object([]))),
        PrincipalTarget::All => None,
    });
    let filtered = scopes.iter().filter_map(|scope| scope.filter.as_ref()).flat_map(attributes);
    let nobody = std::iter::once(agent(NOBODY, object([])));
    named.chain(nobody).chain(filtered.map(|attributes| agent(NOBODY, attributes))).collect()
}

fn users(policies: &[Policy]) -> Vec<Node<'static>> {
    let user = |id: &str, group: Option<&Id>, role: Option<&Id>, guest: &str| {
        let ids = |id: Option<&Id>| texts(id.map(ToString::to_string));
        let guest = ("guestType", text(guest));
        object([("type", text("user")), ("id", text(id)), ("groups", ids(group)), ("roles", ids(role)), guest])
    };
    let mut all = vec![user(NOBODY, None, None, "none"), object([("type", text("agentUser")), ("id", text(NOBODY))])];
    for users in policies.iter().map(|policy| &policy.conditions.users) {
        for target in users.include.iter().chain(&users.exclude) {
            if let UserTarget::Id(id) = &target.value {
                all.push(user(&id.to_string(), None, None, "none"));
                all.push(object([("type", text("agentUser")), ("id", text(id.to_string()))]));
            }
        }
        let groups = users.include_groups.iter().chain(&users.exclude_groups);
        all.extend(groups.map(|group| user(NOBODY, Some(&group.value), None, "none")));
        let roles = users.include_roles.iter().chain(&users.exclude_roles);
        all.extend(roles.map(|role| user(NOBODY, None, Some(&role.value), "none")));
        for guests in [&users.include_guests, &users.exclude_guests].into_iter().flatten() {
            all.extend(guests.types.iter().map(|guest| user(NOBODY, None, None, guest.as_str())));
        }
    }
    all
}

/// The facts besides identity.
pub fn facts(bundle: &Bundle) -> Vec<(&'static str, Vec<Node<'static>>)> {
    fn words<T: Word>(except: &[T]) -> Vec<Node<'static>> {
        T::ALL.iter().filter(|word| !except.contains(word)).map(|word| text(word.as_str())).collect()
    }
    vec![
        ("network", networks(bundle)),
        ("resource", resources(&bundle.policies)),
        ("risk.servicePrincipal", words::<RiskLevel>(&[])),
        ("risk.signIn", words::<RiskLevel>(&[])),
        ("risk.user", words::<RiskLevel>(&[])),
        ("risk.agent", words::<RiskLevel>(&[])),
        ("risk.insider", words::<InsiderRiskLevel>(&[])),
        ("clientApp", words(&[ClientApp::All])),
        ("platform", words(&[Platform::All])),
        ("device", devices(&bundle.policies)),
        ("authenticationFlow", words::<TransferMethod>(&[])),
        ("credential.type", words::<CredentialType>(&[])),
    ]
}

/// Addresses at the ends of ranges, those next to them, and countries. Each says everything that a location may ask.
fn networks(bundle: &Bundle) -> Vec<Node<'static>> {
    let (mut countries, mut gps, mut compliant) = (Vec::new(), Vec::new(), false);
    for location in &bundle.locations {
        match &location.kind {
            LocationKind::Country { countries: named, lookup: CountryLookup::ClientIpAddress, .. } => {
                countries.extend(named.iter().copied());
            }
            LocationKind::Country { countries: named, .. } => gps.extend(named.iter().copied()),
            LocationKind::CompliantNetwork { .. } => compliant = true,
            LocationKind::Ip { .. } | LocationKind::Unjudgeable { .. } => {}
        }
    }
    let elsewhere = |named: &[Country]| {
        let unnamed = (0..Country::COUNT).rev().filter_map(Country::from_index);
        let mut unnamed = unnamed.filter(|it| Country::new(it.as_str()).is_some() && !named.contains(it));
        (!named.is_empty()).then(|| unnamed.next()).flatten()
    };
    // A database knows the country of every address, and a caller may not contradict it.
    let asks_country = bundle.settings.country_database.is_none() || countries.is_empty();
    let (country, position) = (elsewhere(&countries).filter(|_| asks_country), elsewhere(&gps));
    let network = |address: Option<IpAddr>, country: Option<&str>, gps: Option<&str>, is_compliant: bool| {
        let members = [
            address.map(|address| ("ipAddress", text(address.to_string()))),
            country.map(|country| ("country", text(country))),
            gps.map(|country| ("gpsCountry", text(country))),
            compliant.then(|| ("compliantNetwork", Node::unplaced(Value::Bool(is_compliant)))),
        ];
        let entries = members.into_iter().flatten().map(|(key, node)| entry(key.to_owned(), node));
        Node::unplaced(Value::Map(entries.collect()))
    };
    let (country, position) = (country.as_ref().map(Country::as_str), position.as_ref().map(Country::as_str));
    let addresses = addresses(bundle);
    let mut all: Vec<_> = addresses.iter().map(|address| network(Some(*address), country, position, false)).collect();
    for address in addresses.first().map(|first| Some(*first)).into_iter().chain([None]) {
        all.extend(countries.iter().map(|country| network(address, Some(country.as_str()), position, false)));
        if !countries.is_empty() {
            all.push(network(address, Some("ZZ"), position, false));
        }
        all.extend(gps.iter().map(|gps| network(address, country, Some(gps.as_str()), false)));
        if compliant {
            all.push(network(address, country, position, true));
        }
    }
    all.truncate(limits::SUPPOSED_MAX);
    all
}

fn addresses(bundle: &Bundle) -> Vec<IpAddr> {
    /// Of one location; a long list is generated, and its ranges are alike.
    const RANGES: usize = 4;
    let of_locations = bundle.locations.iter().filter_map(|location| match &location.kind {
        LocationKind::Ip { ranges, .. } => Some(ranges),
        _ => None,
    });
    let ranges = of_locations.chain([&bundle.settings.mfa_trusted_ips]).flat_map(|ranges| ranges.iter().take(RANGES));
    let mut all: Vec<IpAddr> = Vec::new();
    for range in ranges {
        all.extend(ends(range).into_iter().chain(outside(range)));
    }
    all.extend(
        ["203.0.113.1", "198.51.100.1", "192.0.2.1", "2001:db8::1"].iter().filter_map(|it| it.parse::<IpAddr>().ok()),
    );
    let mut seen = std::collections::HashSet::new();
    all.retain(|address| seen.insert(*address));
    all.truncate(limits::SUPPOSED_MAX);
    all
}

fn ends(range: IpRange) -> [IpAddr; 2] {
    match range {
        IpRange::V4(first, last) => [Ipv4Addr::from(first).into(), Ipv4Addr::from(last).into()],
        IpRange::V6(first, last) => [Ipv6Addr::from(first).into(), Ipv6Addr::from(last).into()],
    }
}

/// The addresses next to a range, where there are any.
fn outside(range: IpRange) -> impl Iterator<Item = IpAddr> {
    let sides: [Option<IpAddr>; 2] = match range {
        IpRange::V4(first, last) => {
            [last.checked_add(1), first.checked_sub(1)].map(|bits| bits.map(|bits| Ipv4Addr::from(bits).into()))
        }
        IpRange::V6(first, last) => {
            [last.checked_add(1), first.checked_sub(1)].map(|bits| bits.map(|bits| Ipv6Addr::from(bits).into()))
        }
    };
    sides.into_iter().flatten()
}

fn resources(policies: &[Policy]) -> Vec<Node<'static>> {
    let app = |id: &str| object([("appIds", texts([id.to_owned()]))]);
    let mut all = vec![app(NOTHING)];
    for resources in policies.iter().map(|policy| &policy.conditions.resources) {
        for target in resources.include.iter().chain(&resources.exclude) {
            match &target.value {
                ResourceTarget::App(id) => all.push(app(&id.to_string())),
                ResourceTarget::AllAgentResources => {
                    all.push(object([("appIds", texts([NOTHING.to_owned()])), ("type", text("agentIdentity"))]));
                    all.push(object([("appIds", texts([NOTHING.to_owned()])), ("type", text("application"))]));
                }
                _ => {}
            }
        }
        let context = |it: &str| object([("appIds", texts([NOTHING.to_owned()])), ("authenticationContext", text(it))]);
        all.extend(resources.authentication_contexts.iter().map(|it| context(it)));
        for attributes in
            resources.filter.iter().flat_map(attributes).chain(resources.filter.iter().map(|_| object([])))
        {
            all.push(object([("appIds", texts([NOTHING.to_owned()])), ("customSecurityAttributes", attributes)]));
        }
        if !resources.user_actions.is_empty() {
            all.extend(UserAction::ALL.iter().map(|action| object([("userAction", text(action.as_str()))])));
        }
    }
    all.truncate(limits::SUPPOSED_MAX);
    all
}

fn devices(policies: &[Policy]) -> Vec<Node<'static>> {
    let filters = policies.iter().filter_map(|policy| policy.conditions.device_filter.as_ref());
    let compared = filters.flat_map(|filter| compared(&filter.rule.text, "device."));
    let device = compared.filter_map(|(name, literal)| {
        let name = match DeviceAttribute::parse(&name)?.as_str() {
            "deviceOwnership" => "ownership",
            name => name,
        };
        let value = match literal.to_ascii_lowercase().as_str() {
            "true" => Node::unplaced(Value::Bool(true)),
            "false" => Node::unplaced(Value::Bool(false)),
            _ if matches!(name, "physicalIds" | "systemLabels") => texts([literal]),
            _ => text(literal),
        };
        Some(object([(name, value)]))
    });
    let mut all: Vec<_> = device.collect();
    if !all.is_empty() {
        all.push(object([]));
    }
    all
}

/// Sets of custom security attributes that a rule compares with something, each of a single one.
fn attributes(filter: &Filter) -> Vec<Node<'static>> {
    let compared = compared(&filter.rule.text, "CustomSecurityAttribute.");
    let attribute = compared.filter_map(|(name, literal)| {
        let (set, attribute) = name.split_once('_')?;
        Some(object([(set, object([(attribute, text(literal))]))]))
    });
    attribute.collect()
}

/// The attributes that a rule names after `root`, each with the text or word that follows it.
fn compared(rule: &str, root: &'static str) -> impl Iterator<Item = (String, String)> {
    let lower = rule.to_ascii_lowercase();
    let places: Vec<_> = lower.match_indices(&root.to_ascii_lowercase()).map(|(at, _)| at + root.len()).collect();
    let rest = |at: usize| rule.get(at..).unwrap_or_default();
    let pairs: Vec<_> = places
        .into_iter()
        .filter_map(|at| {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let name: String = rest(at).chars().take_while(|letter| is_name(*letter)).collect();
            let behind = rest(at + name.len());
            let literal = match behind.find(['"', '\'']).filter(|quote| *quote < 32) {
                Some(quote) => behind.get(quote + 1..)?.split(['"', '\'']).next()?.to_owned(),
                None => behind.split_whitespace().nth(1)?.trim_end_matches(')').to_owned(),
            };
            Some((name, literal))
        })
        .collect();
    pairs.into_iter()
}
