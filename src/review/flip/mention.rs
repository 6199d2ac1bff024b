//! The facts that the policies of a bundle look at: an address in each location, each level of risk, and so on.
//!
//! Knows the model and no request. Where policies draw a line, a value on either side is taken. What is not tried, though
//! policies look at it, makes the list one that is cut.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::fact::{Fact, List, Risk};
use crate::limits;
use crate::model::location::{Country, CountryFact, CountryLookup};
use crate::model::policy::{Conditions, Guests, LocationTarget, Policy, ResourceTarget, UserTarget, Users};
use crate::model::set::Word;
use crate::model::{
    Bundle, ClientApp, CredentialType, GuestType, Id, InsiderRiskLevel, IpRange, LocationKind, Platform, RiskLevel,
    State, TransferMethod,
};
use crate::text::Spanned;

/// What the policies of a bundle look at.
#[derive(Clone, Debug, Default)]
pub struct Mentions {
    /// Values to try, likelier first; some may be in it twice.
    pub(super) facts: Vec<Fact>,
    /// Whether policies look at more.
    pub(super) is_cut: bool,
    /// Whether policies look at where a request comes from.
    pub(super) has_places: bool,
}

/// An application that no policy is likely to name: the resource is then some other one.
const OTHER_APP: &str = "d00d0000-0000-4000-8000-000000000000";
/// Addresses outside most lists: of the documentation ranges, and one that belongs to no location but everywhere.
const ELSEWHERE: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

impl Mentions {
    /// The facts that enabled policies look at, at most `limits::FLIP_FACTS_MAX`. Cost: linear in the bundle.
    pub fn of(bundle: &Bundle) -> Self {
        let taking_part = |policy: &&Policy| policy.state == State::Enabled && !policy.is_deleted;
        let policies: Vec<_> = bundle.policies.iter().filter(taking_part).collect();
        let any = |asks: fn(&Conditions) -> bool| policies.iter().any(|policy| asks(&policy.conditions));
        let mut facts = Vec::new();
        let has_places =
            any(|conditions| !conditions.locations.include.is_empty() || !conditions.locations.exclude.is_empty());
        if has_places {
            places(bundle, &policies, &mut facts);
        }
        for (kind, asks) in RISKS {
            if any(asks) {
                facts.extend(RiskLevel::ALL.iter().rev().map(|level| Fact::Risk(kind, *level)));
            }
        }
        if any(|conditions| !conditions.insider_risk.is_empty()) {
            facts.extend(InsiderRiskLevel::ALL.iter().rev().map(|level| Fact::InsiderRisk(*level)));
        }
        if any(|conditions| !conditions.client_apps.is_empty()) {
            facts.extend(words(&[ClientApp::All]).map(Fact::ClientApp));
        }
        if any(|conditions| !conditions.platforms.include.is_empty() || !conditions.platforms.exclude.is_empty()) {
            facts.extend(words(&[Platform::All]).map(Fact::Platform));
        }
        if any(|conditions| !conditions.flows.is_empty()) {
            facts.extend(words::<TransferMethod>(&[]).map(Fact::Flow));
        }
        if any(|conditions| conditions.device_filter.is_some()) {
            facts.extend([true, false].map(Fact::CompliantDevice));
        }
        if policies.iter().any(|policy| policy.when.is_some()) {
            facts.extend(words::<CredentialType>(&[]).map(Fact::Credential));
        }
        policies.iter().for_each(|policy| people(&policy.conditions.users, &mut facts));
        let mut is_cut = policies.iter().any(|policy| looks_further(policy));
        policies.iter().for_each(|policy| is_cut |= resources(&policy.conditions, &mut facts));
        is_cut |= facts.len() > limits::FLIP_FACTS_MAX;
        facts.truncate(limits::FLIP_FACTS_MAX);
        Self { facts, is_cut, has_places }
    }
}

/// Whether `policy` looks at what no fact here is: attributes of objects, home tenants, kinds of resource, and whatever a
/// condition in Cedar reads.
fn looks_further(policy: &Policy) -> bool {
    let Conditions { users, resources, service_principals, agent_identities, device_filter, .. } = &policy.conditions;
    let has_tenants = |guests: &Option<Guests>| guests.as_ref().is_some_and(|guests| guests.tenants.is_some());
    let is_agents = |target: &Spanned<ResourceTarget>| target.value == ResourceTarget::AllAgentResources;
    policy.when.is_some()
        || device_filter.is_some()
        || resources.filter.is_some()
        || service_principals.filter.is_some()
        || agent_identities.filter.is_some()
        || resources.include.iter().chain(&resources.exclude).any(is_agents)
        || has_tenants(&users.include_guests)
        || has_tenants(&users.exclude_guests)
}

type Asks = fn(&Conditions) -> bool;

const RISKS: [(Risk, Asks); 4] = [
    (Risk::ServicePrincipal, |conditions| !conditions.service_principal_risk.is_empty()),
    (Risk::SignIn, |conditions| !conditions.sign_in_risk.is_empty()),
    (Risk::User, |conditions| !conditions.user_risk.is_empty()),
    (Risk::Agent, |conditions| !conditions.agent_risk.is_empty()),
];

fn words<T: Word>(except: &'static [T]) -> impl Iterator<Item = T> {
    T::ALL.iter().copied().filter(move |word| !except.contains(word))
}

/// An address in each range list, one behind it, and what the other kinds of location look at.
fn places(bundle: &Bundle, policies: &[&Policy], facts: &mut Vec<Fact>) {
    let conditions = policies.iter().map(|policy| &policy.conditions.locations);
    let targets: Vec<_> = conditions.flat_map(|locations| locations.include.iter().chain(&locations.exclude)).collect();
    let is_trusted = targets.iter().any(|target| target.value == LocationTarget::AllTrusted);
    let is_named = |name: &str, id: Option<&Id>| {
        targets.iter().any(|target| match &target.value {
            LocationTarget::Named(target) => **target == *name || id.is_some_and(|id| *id == Id::new(target)),
            _ => false,
        })
    };
    let (mut behind, mut lists) = (Vec::new(), Vec::new());
    let mut ends = |ranges: &mut dyn Iterator<Item = IpRange>, facts: &mut Vec<Fact>| {
        for range in ranges {
            facts.push(Fact::Address(range.first()));
            behind.extend(after(range).map(Fact::Address));
        }
    };
    for location in &bundle.locations {
        let is_looked_at = is_named(&location.display_name.value, location.id.as_ref().map(|id| &id.value));
        match &location.kind {
            LocationKind::Ip { ranges, is_trusted: marked } if is_looked_at || (*marked && is_trusted) => {
                let v4 = ranges.v4().iter().take(1).map(|(first, last)| IpRange::V4(*first, *last));
                let v6 = ranges.v6().iter().take(1).map(|(first, last)| IpRange::V6(*first, *last));
                ends(&mut v4.chain(v6), facts);
            }
            LocationKind::Country { countries, lookup, .. } if is_looked_at => {
                let other = Country::new("AQ").filter(|other| !countries.contains(other));
                let some = countries.iter().copied().take(1).chain(other);
                match lookup {
                    CountryLookup::AuthenticatorAppGps => facts.extend(some.map(Fact::GpsCountry)),
                    CountryLookup::ClientIpAddress => {
                        facts.extend(some.map(CountryFact::Known).chain([CountryFact::Unmapped]).map(Fact::Country));
                    }
                }
                lists.push((*lookup, countries));
            }
            LocationKind::CompliantNetwork { .. } if is_looked_at || is_trusted => {
                facts.extend([true, false].map(Fact::CompliantNetwork));
            }
            _ => {}
        }
    }
    ends(&mut bundle.settings.mfa_trusted_ips.iter().take(1), facts);
    facts.extend(ELSEWHERE.map(Fact::Address));
    facts.extend(behind);
    for looked_up in [CountryLookup::ClientIpAddress, CountryLookup::AuthenticatorAppGps] {
        let of_kind: Vec<_> = lists.iter().filter(|(lookup, _)| *lookup == looked_up).map(|(_, list)| list).collect();
        // One country of those that are in the same lists.
        let mut seen = HashSet::new();
        let mut is_new =
            |country: &Country| seen.insert(of_kind.iter().map(|list| list.contains(country)).collect::<Vec<_>>());
        let all = (0..Country::COUNT).filter_map(Country::from_index).filter(|country| is_new(country));
        facts.extend(all.map(|country| match looked_up {
            CountryLookup::ClientIpAddress => Fact::Country(CountryFact::Known(country)),
            CountryLookup::AuthenticatorAppGps => Fact::GpsCountry(country),
        }));
    }
}

/// The address after the last one, if there is one.
fn after(range: IpRange) -> Option<IpAddr> {
    match range {
        IpRange::V4(_, last) => last.checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpRange::V6(_, last) => {
            last.checked_add(1).map(|next| crate::model::location::canonical(IpAddr::V6(next.into())))
        }
    }
}

fn people(users: &Users, facts: &mut Vec<Fact>) {
    let groups = users.exclude_groups.iter().chain(&users.include_groups);
    facts.extend(groups.map(|id| Fact::Entry(List::Groups, id.value.clone(), true)));
    let roles = users.exclude_roles.iter().chain(&users.include_roles);
    facts.extend(roles.map(|id| Fact::Entry(List::Roles, id.value.clone(), true)));
    let names_guests = |targets: &[Spanned<UserTarget>]| {
        targets.iter().any(|target| target.value == UserTarget::GuestsOrExternalUsers)
    };
    let has_guests = users.include_guests.is_some() || users.exclude_guests.is_some();
    if has_guests || names_guests(&users.include) || names_guests(&users.exclude) {
        facts.extend(words::<GuestType>(&[]).map(Fact::Guest));
    }
}

/// Whether there are more than were taken.
fn resources(conditions: &Conditions, facts: &mut Vec<Fact>) -> bool {
    let resources = &conditions.resources;
    let mut apps = resources.exclude.iter().chain(&resources.include).filter_map(|target| match &target.value {
        ResourceTarget::App(id) => Some(id.clone()),
        _ => None,
    });
    let some = apps.by_ref().take(limits::RESOURCES_MAX).chain([Id::new(OTHER_APP)]);
    facts.extend(some.map(Fact::Resource));
    let is_cut = apps.next().is_some();
    facts.extend(resources.user_actions.iter().map(Fact::UserAction));
    facts.extend(resources.authentication_contexts.iter().cloned().map(Fact::AuthenticationContext));
    is_cut
}
