//! Small changes of a bundle's model, each a mistake that somebody could make.
//!
//! Changes models and tells the change in words; knows no tests.

use crate::model::location::Ranges;
use crate::model::policy::{
    Filter, LocationTarget, Platforms, Policy, PrincipalTarget, ResourceTarget, Scope, UserTarget, Users,
};
use crate::model::set::Word;
use crate::model::{Bundle, FilterMode, InsiderRiskLevel, IpRange, LocationKind, Platform, RiskLevel, Set, State};
use crate::text::Spanned;

/// A change of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The policy is gone. It is disabled in fact, so that the others keep their places.
    Drop {
        /// Position in bundle order.
        policy: usize,
    },
    /// The policy has another state.
    State {
        /// Position in bundle order.
        policy: usize,
        /// The state.
        to: State,
    },
    /// Whom or what a condition includes it excludes, and the reverse.
    Flip {
        /// Position in bundle order.
        policy: usize,
        /// The condition.
        part: Part,
    },
    /// One level of risk in the place of another.
    Level {
        /// Position in bundle order.
        policy: usize,
        /// The kind of risk.
        kind: Kind,
        /// What is taken out.
        from: &'static str,
        /// What is put in.
        to: &'static str,
    },
    /// A range of another size.
    Range {
        /// Position of the location in bundle order; `None`: the MFA trusted IPs.
        location: Option<usize>,
        /// Position among its ranges, IPv4 first.
        range: usize,
        /// The range.
        to: IpRange,
    },
}

/// A condition with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Users,
    ServicePrincipals,
    ServicePrincipalFilter,
    AgentIdentities,
    AgentIdentityFilter,
    Applications,
    ApplicationFilter,
    Platforms,
    Locations,
    DeviceFilter,
}

impl Part {
    pub const ALL: [(Self, &str); 10] = [
        (Self::Users, "users"),
        (Self::ServicePrincipals, "service principals"),
        (Self::ServicePrincipalFilter, "the service principal filter"),
        (Self::AgentIdentities, "agent identities"),
        (Self::AgentIdentityFilter, "the agent identity filter"),
        (Self::Applications, "applications"),
        (Self::ApplicationFilter, "the application filter"),
        (Self::Platforms, "platforms"),
        (Self::Locations, "locations"),
        (Self::DeviceFilter, "the device filter"),
    ];
}

/// A kind of risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    ServicePrincipal,
    SignIn,
    User,
    Agent,
    Insider,
}

/// The changes of the policy at `index`, which takes part.
pub fn of_policy(index: usize, policy: &Policy) -> Vec<Change> {
    let to = if policy.state == State::Enabled { State::ReportOnly } else { State::Enabled };
    let mut all = vec![Change::Drop { policy: index }, Change::State { policy: index, to }];
    all.extend(Part::ALL.map(|(part, _)| Change::Flip { policy: index, part }));
    const RISK: [RiskLevel; 4] = [RiskLevel::None, RiskLevel::Low, RiskLevel::Medium, RiskLevel::High];
    const INSIDER: [InsiderRiskLevel; 3] =
        [InsiderRiskLevel::Minor, InsiderRiskLevel::Moderate, InsiderRiskLevel::Elevated];
    let conditions = &policy.conditions;
    let moves = [
        (Kind::ServicePrincipal, moves(conditions.service_principal_risk, &RISK)),
        (Kind::SignIn, moves(conditions.sign_in_risk, &RISK)),
        (Kind::User, moves(conditions.user_risk, &RISK)),
        (Kind::Agent, moves(conditions.agent_risk, &RISK)),
        (Kind::Insider, moves(conditions.insider_risk, &INSIDER)),
    ];
    for (kind, moves) in moves {
        all.extend(moves.into_iter().map(|(from, to)| Change::Level { policy: index, kind, from, to }));
    }
    all
}

/// Each level of `set` with those next to it that are not in it.
fn moves<T: Word>(set: Set<T>, order: &[T]) -> Vec<(&'static str, &'static str)> {
    let pairs = order.iter().zip(order.iter().skip(1));
    let both = pairs.flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
    let wanted = both.filter(|(from, to)| set.contains(*from) && !set.contains(*to));
    wanted.map(|(from, to)| (from.as_str(), to.as_str())).collect()
}

/// The changes of the ranges of a location.
pub fn of_ranges(location: Option<usize>, ranges: &Ranges) -> Vec<Change> {
    let each = ranges.iter().enumerate();
    each.flat_map(|(range, of)| resized(of).into_iter().map(move |to| Change::Range { location, range, to })).collect()
}

/// A range one bit wider and one bit narrower; one that is no prefix, an address longer and one shorter.
fn resized(range: IpRange) -> Vec<IpRange> {
    let is_prefix = range.prefix_length().is_some();
    match range {
        IpRange::V4(first, last) => sizes((first.into(), last.into()), 32, is_prefix)
            .into_iter()
            .map(|(first, last)| IpRange::V4(first as u32, last as u32))
            .collect(),
        IpRange::V6(first, last) => {
            sizes((first, last), 128, is_prefix).into_iter().map(|(first, last)| IpRange::V6(first, last)).collect()
        }
    }
}

fn sizes((first, last): (u128, u128), bits: u32, is_prefix: bool) -> Vec<(u128, u128)> {
    let top = u128::MAX >> (128 - bits);
    let host = first ^ last;
    if !is_prefix {
        let longer = (last < top).then_some((first, last + 1));
        return longer.into_iter().chain((last > first).then(|| (first, last - 1))).collect();
    }
    let wider = (host != top).then(|| {
        let host = host << 1 | 1;
        (first & !host, first | host)
    });
    let narrower = (host > 0).then_some((first, first | host >> 1));
    wider.into_iter().chain(narrower).collect()
}

impl Change {
    /// The policy that is changed.
    pub const fn policy(self) -> Option<usize> {
        match self {
            Self::Drop { policy }
            | Self::State { policy, .. }
            | Self::Flip { policy, .. }
            | Self::Level { policy, .. } => Some(policy),
            Self::Range { .. } => None,
        }
    }

    /// `bundle` with the change; `None` when it makes no difference to the model.
    pub fn applied(self, bundle: &Bundle) -> Option<Bundle> {
        let mut changed = bundle.clone();
        match self {
            Self::Range { location, range, to } => {
                let ranges = ranges_mut(&mut changed, location)?;
                *ranges = ranges.iter().enumerate().map(|(index, of)| if index == range { to } else { of }).collect();
            }
            Self::Drop { policy } => changed.policies.get_mut(policy)?.state = State::Disabled,
            Self::State { policy, to } => changed.policies.get_mut(policy)?.state = to,
            Self::Flip { policy, part } => flip(changed.policies.get_mut(policy)?, part),
            Self::Level { policy, kind, from, to } => relevel(changed.policies.get_mut(policy)?, kind, from, to),
        }
        (changed != *bundle).then_some(changed)
    }

    /// The change in words, without a final period.
    pub fn told(self, bundle: &Bundle) -> String {
        let name = |policy: usize| bundle.policies.get(policy).map_or("", |policy| &*policy.display_name.value);
        match self {
            Self::Drop { policy } => format!("{}: dropped", name(policy)),
            Self::State { policy, to } => format!("{}: state {}", name(policy), to.as_str()),
            Self::Flip { policy, part } => {
                let words = Part::ALL.iter().find(|(other, _)| *other == part).map_or("", |(_, words)| words);
                format!("{}: include and exclude of {words} flipped", name(policy))
            }
            Self::Level { policy, from, to, .. } => format!("{}: risk {to} in the place of {from}", name(policy)),
            Self::Range { location, range, to } => {
                let place = location.and_then(|location| bundle.locations.get(location));
                let name = place.map_or("MFA trusted IPs", |place| &*place.display_name.value);
                let from = ranges(bundle, location).and_then(|ranges| ranges.iter().nth(range));
                format!("{name}: {} in the place of {}", to.told(), from.map(IpRange::told).unwrap_or_default())
            }
        }
    }
}

/// The ranges of a location, or the MFA trusted IPs.
pub fn ranges(bundle: &Bundle, location: Option<usize>) -> Option<&Ranges> {
    match location {
        None => Some(&bundle.settings.mfa_trusted_ips),
        Some(index) => match &bundle.locations.get(index)?.kind {
            LocationKind::Ip { ranges, .. } => Some(ranges),
            _ => None,
        },
    }
}

fn ranges_mut(bundle: &mut Bundle, location: Option<usize>) -> Option<&mut Ranges> {
    match location {
        None => Some(&mut bundle.settings.mfa_trusted_ips),
        Some(index) => match &mut bundle.locations.get_mut(index)?.kind {
            LocationKind::Ip { ranges, .. } => Some(ranges),
            _ => None,
        },
    }
}

fn flip(policy: &mut Policy, part: Part) {
    let conditions = &mut policy.conditions;
    let filter = |filter: &mut Option<Filter>| {
        if let Some(filter) = filter {
            filter.mode = match filter.mode {
                FilterMode::Include => FilterMode::Exclude,
                FilterMode::Exclude => FilterMode::Include,
            };
        }
    };
    let scope =
        |scope: &mut Scope<PrincipalTarget>| lists(&mut scope.include, &mut scope.exclude, &PrincipalTarget::All);
    match part {
        Part::Users => users(&mut conditions.users),
        Part::ServicePrincipals => scope(&mut conditions.service_principals),
        Part::ServicePrincipalFilter => filter(&mut conditions.service_principals.filter),
        Part::AgentIdentities => scope(&mut conditions.agent_identities),
        Part::AgentIdentityFilter => filter(&mut conditions.agent_identities.filter),
        Part::Applications => {
            lists(&mut conditions.resources.include, &mut conditions.resources.exclude, &ResourceTarget::All);
        }
        Part::ApplicationFilter => filter(&mut conditions.resources.filter),
        Part::Platforms => platforms(&mut conditions.platforms),
        Part::Locations => {
            lists(&mut conditions.locations.include, &mut conditions.locations.exclude, &LocationTarget::All);
        }
        Part::DeviceFilter => filter(&mut conditions.device_filter),
    }
}

/// All but some become these, and some become all but these. All without exception stay: flipped they would be nobody,
/// which dropping the policy is too.
fn lists<T: Clone + PartialEq>(include: &mut Vec<Spanned<T>>, exclude: &mut Vec<Spanned<T>>, all: &T) {
    let has_all = include.iter().any(|target| target.value == *all);
    match (has_all || include.is_empty(), exclude.is_empty()) {
        (true, true) => {}
        (true, false) => *include = std::mem::take(exclude),
        (false, true) => {
            *exclude = std::mem::take(include);
            include.extend(exclude.first().map(|first| Spanned::new(all.clone(), first.span)));
        }
        (false, false) => std::mem::swap(include, exclude),
    }
}

fn users(users: &mut Users) {
    let is_all = |target: &Spanned<UserTarget>| target.value == UserTarget::All;
    let has_all = users.include.iter().any(is_all);
    let excludes = !users.exclude.is_empty()
        || !users.exclude_groups.is_empty()
        || !users.exclude_roles.is_empty()
        || users.exclude_guests.is_some();
    if has_all && !excludes {
        return;
    }
    std::mem::swap(&mut users.include, &mut users.exclude);
    std::mem::swap(&mut users.include_groups, &mut users.exclude_groups);
    std::mem::swap(&mut users.include_roles, &mut users.exclude_roles);
    std::mem::swap(&mut users.include_guests, &mut users.exclude_guests);
    if has_all {
        users.exclude.retain(|target| !is_all(target));
    } else if !excludes {
        let span = users.exclude.first().map(|target| target.span);
        let span = span.or_else(|| users.exclude_groups.iter().chain(&users.exclude_roles).map(|id| id.span).next());
        users.include.extend(span.map(|span| Spanned::new(UserTarget::All, span)));
    }
}

fn platforms(platforms: &mut Platforms) {
    let Platforms { include, exclude } = *platforms;
    *platforms = match (include.contains(Platform::All) || include.is_empty(), exclude.is_empty()) {
        (true, true) => *platforms,
        (true, false) => Platforms { include: exclude, exclude: Set::EMPTY },
        (false, true) => Platforms { include: [Platform::All].into_iter().collect(), exclude: include },
        (false, false) => Platforms { include: exclude, exclude: include },
    };
}

fn relevel(policy: &mut Policy, kind: Kind, from: &str, to: &str) {
    fn moved<T: Word>(set: &mut Set<T>, from: &str, to: &str) {
        let kept = set.iter().filter(|level| level.as_str() != from);
        *set = kept.chain(T::parse(to)).collect();
    }
    let conditions = &mut policy.conditions;
    match kind {
        Kind::ServicePrincipal => moved(&mut conditions.service_principal_risk, from, to),
        Kind::SignIn => moved(&mut conditions.sign_in_risk, from, to),
        Kind::User => moved(&mut conditions.user_risk, from, to),
        Kind::Agent => moved(&mut conditions.agent_risk, from, to),
        Kind::Insider => moved(&mut conditions.insider_risk, from, to),
    }
}
