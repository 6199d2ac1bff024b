//! Whether each condition of a policy holds for a request: the meaning of policies, one function a condition.
//!
//! Each function is asked twice: by the decision, for whether the condition may hold, and by the trace, for what
//! decided it. So the two cannot disagree. Sources: Entra Conditional Access documentation, read August 2026; what it
//! leaves open is settled as the crate's rulings say.

pub(super) use super::cedar::when;
use super::facts::Facts;
use super::guest;
use crate::compile::{
    Blueprint, By, CompiledPolicy, Entry, Match, Residual, UserList, client_app, find, listed, platform,
};
use crate::filter::Unregistered;
use crate::model::set::Word;
use crate::model::{Condition, FilterMode, IdRef, IdentityKind, TransferMethod, Truth, UserAction};

/// Whether every condition may hold.
pub fn may_apply(policy: &CompiledPolicy, facts: &Facts<'_>) -> bool {
    all(policy, facts, Truth::is_possible)
}

/// Whether every condition certainly holds, whatever the missing facts are.
pub fn certainly_applies(policy: &CompiledPolicy, facts: &Facts<'_>) -> bool {
    all(policy, facts, |holds| holds == Truth::True)
}

/// Whether the conditions that `residual` names may hold.
pub fn residual_may_apply(policy: &CompiledPolicy, facts: &Facts<'_>, residual: Residual) -> bool {
    let parts: [(Residual, Ask); 4] = [
        (Residual::SUBJECT, identity),
        (Residual::RESOURCE, resource),
        (Residual::DEVICE, device),
        (Residual::WHEN, when),
    ];
    parts.into_iter().all(|(part, ask)| !residual.has(part) || ask(policy, facts).holds.is_possible())
}

fn all(policy: &CompiledPolicy, facts: &Facts<'_>, holds: impl Fn(Truth) -> bool) -> bool {
    holds(service_principal_risk(policy, facts).holds)
        && holds(location(policy, facts).holds)
        && holds(identity(policy, facts).holds)
        && OTHERS.iter().all(|ask| holds(ask(policy, facts).holds))
        && holds(when(policy, facts).holds)
}

/// Asks a condition: its truth, and what decided it.
pub type Ask = for<'b> fn(&'b CompiledPolicy, &Facts<'_>) -> Match<'b>;

/// How many conditions [`all`] names: risk of the service principal, location, the three of identity, Cedar.
const APART: usize = 6;

/// The other ones. Their number is stated so that a condition that is new cannot be forgotten here.
const OTHERS: &[Ask; Condition::ALL.len() - APART] = &[
    of(Condition::Application),
    of(Condition::DevicePlatform),
    of(Condition::DeviceState),
    of(Condition::ClientType),
    of(Condition::SignInRisk),
    of(Condition::UserRisk),
    of(Condition::InsiderRisk),
    of(Condition::AuthenticationFlows),
    of(Condition::AgentIdRisk),
];

/// How `condition` is asked.
pub const fn of(condition: Condition) -> Ask {
    match condition {
        Condition::Users | Condition::ServicePrincipals | Condition::AgentIdentities => identity,
        Condition::Application => resource,
        Condition::Location => location,
        Condition::ServicePrincipalRisk => service_principal_risk,
        Condition::DevicePlatform => |policy, facts| platform(policy.platforms, facts.request.platform),
        Condition::DeviceState => device,
        Condition::ClientType => |policy, facts| client_app(policy.client_apps, facts.request.client_app),
        Condition::SignInRisk => |policy, facts| listed(policy.sign_in_risk, facts.request.risk.sign_in),
        Condition::UserRisk => |policy, facts| listed(policy.user_risk, facts.request.risk.user),
        Condition::InsiderRisk => |policy, facts| listed(policy.insider_risk, facts.request.risk.insider),
        Condition::AuthenticationFlows => flow,
        Condition::AgentIdRisk => |policy, facts| listed(policy.agent_risk, facts.request.risk.agent),
        Condition::When => when,
    }
}

/// Every condition that the policy may have for the kind of identity that asks, in the order of [`Condition`].
pub fn every<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Vec<(Condition, Match<'b>)> {
    let asked = Condition::of_identity(facts.request.identity.kind);
    let is_asked = |condition: Condition| match condition {
        Condition::When => policy.when.is_some(),
        condition => condition == asked || !condition.is_of_identity(),
    };
    let every = Condition::ALL.iter().copied().filter(|condition| is_asked(*condition));
    every.map(|condition| (condition, of(condition)(policy, facts))).collect()
}

/// Who: each kind of identity is in scope only through its own fields.
pub fn identity<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    let identity = &facts.request.identity;
    match identity.kind {
        IdentityKind::User => user(policy, facts),
        IdentityKind::AgentUser => agent_user(policy, identity.id),
        IdentityKind::AgentIdentity => {
            let blueprint = identity.blueprint.map_or(Blueprint::Unknown, Blueprint::Known);
            policy.agents.covers("All", Some(identity.id), blueprint, facts.attributes())
        }
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
            let scope = &policy.workloads;
            let all = "ServicePrincipalsInMyTenant";
            let covered = scope.covers(all, Some(identity.id), Blueprint::Inapplicable, facts.attributes());
            match facts.eligible {
                Truth::False if !scope.is_empty() => Match { holds: Truth::False, by: By::NotEligible },
                eligible => Match { holds: covered.holds & eligible, ..covered },
            }
        }
    }
}

fn user<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    let scope = &policy.users;
    if scope.include.is_empty() {
        return Match { holds: Truth::False, by: By::NoScope };
    }
    Match::of(user_side(&scope.include, facts), user_side(&scope.exclude, facts))
}

/// Whom one side of a user scope names, of the user who asks.
pub fn user_side<'b>(list: &'b UserList, facts: &Facts<'_>) -> impl Iterator<Item = (Truth, Entry<'b>)> {
    let identity = &facts.request.identity;
    let all = list.all.then_some((Truth::True, Entry::Word("All")));
    let id = find(&list.ids, identity.id).map(|id| (Truth::True, Entry::Id(id)));
    let guests = list.all_guests.then(|| (guest::is_any(identity), Entry::Word("GuestsOrExternalUsers")));
    let some_guests =
        list.guests.as_ref().map(|guests| (guest::is_among(guests, identity), Entry::Word("guestOrExternalUserTypes")));
    let groups = list.groups.iter().map(|group| (facts.memberships.is_in_group(*group), Entry::Group(*group)));
    let roles = list.roles.iter().map(|role| (facts.memberships.has_role(*role), Entry::Role(*role)));
    let fixed = [all, id, guests, some_guests].into_iter().flatten();
    // The iterators read the facts now, so that the result borrows only the bundle.
    let memberships: Option<(Truth, Entry<'b>)> =
        groups.chain(roles).max_by(|a, b| a.0.cmp(&b.0).then(std::cmp::Ordering::Greater));
    fixed.chain(memberships)
}

/// An agent's user account: neither `All` nor groups, roles or guest kinds reach it.
fn agent_user<'b>(policy: &'b CompiledPolicy, id: IdRef<'_>) -> Match<'b> {
    let scope = &policy.users;
    if scope.include.is_empty() {
        return Match { holds: Truth::False, by: By::NoScope };
    }
    let side = |list: &'b UserList| {
        let all = list.all_agent_users.then_some((Truth::True, Entry::Word("AllAgentIdUsers")));
        all.into_iter().chain(find(&list.ids, id).map(|id| (Truth::True, Entry::Id(id))))
    };
    Match::of(side(&scope.include), side(&scope.exclude))
}

/// Where from.
pub fn location<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    let condition = &policy.locations;
    if !condition.is_configured {
        return Match::NOT_CONFIGURED;
    }
    let word = |is_all: bool| is_all.then_some((Truth::True, Entry::Word("All")));
    let entry = |location: &u16| (facts.locations.is_in(*location), Entry::Location(*location));
    Match::of(
        word(condition.everywhere).into_iter().chain(condition.include.iter().map(entry)),
        word(condition.nowhere).into_iter().chain(condition.exclude.iter().map(entry)),
    )
}

/// At which risk of the service principal.
pub fn service_principal_risk<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    listed(policy.service_principal_risk, facts.request.risk.service_principal)
}

/// What for: applications, user actions and authentication contexts are three ways to say it, and any of them will do.
/// Exclusions are about applications only.
fn resource<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    if facts.audiences.are_never_evaluated(facts.request.identity.kind) {
        return Match { holds: Truth::False, by: By::NeverEvaluated };
    }
    let apps = applications(policy, facts);
    let others = Match::of([user_action(policy, facts), context(policy, facts)].into_iter().flatten(), None);
    if others.holds > apps.holds { others } else { apps }
}

fn applications<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    let condition = &policy.resources;
    let requested = &facts.request.resource;
    if facts.audiences.is_empty() {
        return condition.covers_unsaid(requested.user_action.is_some(), requested.kind);
    }
    // Several resources: the policy applies when any of them is in scope and not exempt.
    let mut best = Match { holds: Truth::False, by: By::NothingIncluded };
    for (app_id, is_named) in facts.audiences.iter() {
        let attributes = condition.filter.as_ref().and_then(|_| facts.resource_attributes(app_id, is_named));
        let is_by_kind = condition.include.all_agents || condition.exclude.all_agents;
        let kind = if is_by_kind { facts.resource_kind(app_id, is_named) } else { None };
        let mut found = condition.covers(Some(app_id), kind, attributes);
        if !is_named {
            found.holds = found.holds & facts.audiences.has_directory();
        }
        if found.holds > best.holds || best.by == By::NothingIncluded {
            best = found;
        }
    }
    best
}

/// A request that names neither an action nor an application may be for any action.
fn user_action<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Option<(Truth, Entry<'b>)> {
    let actions = policy.resources.user_actions;
    let requested = &facts.request.resource;
    let entry = |truth: Truth| move |action: UserAction| (truth, Entry::Word(action.as_str()));
    match requested.user_action {
        Some(action) => Some(action).filter(|action| actions.contains(*action)).map(entry(Truth::True)),
        None if facts.audiences.is_empty() => actions.iter().next().map(entry(Truth::Unknown)),
        None => None,
    }
}

/// A context is asked for or it is not: a request that names none asks for none, unless it says nothing of its target.
fn context<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Option<(Truth, Entry<'b>)> {
    let contexts = &policy.resources.authentication_contexts;
    let requested = &facts.request.resource;
    match &requested.authentication_context {
        Some(asked) => {
            contexts.iter().find(|context| ***context == **asked).map(|context| (Truth::True, Entry::Text(context)))
        }
        None if facts.audiences.is_empty() && requested.user_action.is_none() => {
            contexts.first().map(|context| (Truth::Unknown, Entry::Text(context)))
        }
        None => None,
    }
}

/// A request without a device of its own comes from an unregistered one, whose attributes are all null.
fn device<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    let Some(filter) = &policy.device_filter else { return Match::NOT_CONFIGURED };
    let holds = match facts.request.own_device() {
        Some(device) => filter.rule.evaluate(device),
        None => filter.rule.evaluate(&Unregistered),
    };
    match filter.mode {
        FilterMode::Include => Match::of(Some((holds, Entry::Filter)), None),
        FilterMode::Exclude => Match::of(Some((Truth::True, Entry::Word("All"))), Some((holds, Entry::Filter))),
    }
}

fn flow<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    listed(policy.flows, facts.request.authentication_flow.unwrap_or(TransferMethod::None))
}
