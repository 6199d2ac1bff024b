//! The identity condition: each kind of identity is in scope only through its own fields.
//!
//! Source: Entra documentation, Users, groups, agents, and workload identities in Conditional Access policies;
//! Conditional Access for workload identities; Conditional Access for agents; read August 2026.

use doorward::model::policy::{Conditions, Guests, PrincipalTarget, Scope, UserTarget, Users};
use doorward::model::{FilterMode, GuestType, Id, IdRef, IdentityKind, Truth};
use doorward::text::Spanned;

use super::rule::{self, Fact};
use super::{Case, fact};

/// How sign-in logs name the identity condition for this kind of identity.
pub fn name(case: &Case<'_>) -> &'static str {
    match case.request.identity.kind {
        IdentityKind::User | IdentityKind::AgentUser => "users",
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => "servicePrincipals",
        IdentityKind::AgentIdentity => "agentIdentities",
    }
}

/// Included and not excluded.
pub fn matches(case: &Case<'_>, conditions: &Conditions) -> Truth {
    match case.request.identity.kind {
        IdentityKind::User => {
            let users = &conditions.users;
            let included = is_named(case, &users.include)
                | is_member(&case.request.identity.groups, &users.include_groups)
                | is_member(&case.request.identity.roles, &users.include_roles)
                | is_guest(case, users.include_guests.as_ref());
            let excluded = is_named(case, &users.exclude)
                | is_member(&case.request.identity.groups, &users.exclude_groups)
                | is_member(&case.request.identity.roles, &users.exclude_roles)
                | is_guest(case, users.exclude_guests.as_ref());
            included & !excluded
        }
        IdentityKind::AgentUser => agent_user(case, &conditions.users),
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
            fact::is_eligible(case) & in_scope(case, &conditions.service_principals, is_principal)
        }
        IdentityKind::AgentIdentity => in_scope(case, &conditions.agent_identities, is_agent),
    }
}

fn is_named(case: &Case<'_>, targets: &[Spanned<UserTarget>]) -> Truth {
    any(targets, |target| match target {
        UserTarget::All => Truth::True,
        UserTarget::AllAgentUsers => Truth::False,
        UserTarget::Id(id) => (id.as_ref() == case.request.identity.id).into(),
        UserTarget::GuestsOrExternalUsers => match case.request.identity.guest_type {
            None => Truth::Unknown,
            Some(kind) => (kind != GuestType::None).into(),
        },
    })
}

/// Groups or roles: unknown memberships matter only to a policy that lists some.
fn is_member(memberships: &Option<Vec<IdRef<'_>>>, listed: &[Spanned<Id>]) -> Truth {
    any(listed, |id| match memberships {
        None => Truth::Unknown,
        Some(memberships) => memberships.contains(&id.as_ref()).into(),
    })
}

pub fn is_guest(case: &Case<'_>, guests: Option<&Guests>) -> Truth {
    let Some(guests) = guests else {
        return Truth::False;
    };
    let identity = &case.request.identity;
    let is_one = |kind: GuestType| match (kind, identity.guest_type) {
        (GuestType::PersonalMicrosoftAccount, _) => is_personal(case),
        // A personal account is an external user of no other kind.
        (GuestType::OtherExternalUser, Some(GuestType::PersonalMicrosoftAccount)) => Truth::True,
        (_, None) => Truth::Unknown,
        (kind, Some(actual)) => (kind == actual).into(),
    };
    let of_kind = guests.types.iter().map(is_one).fold(Truth::False, |any, one| any | one);
    let home = match identity.guest_type {
        Some(GuestType::PersonalMicrosoftAccount) => Some(consumers()),
        _ => identity.home_tenant.map(IdRef::to_owned),
    };
    let from_tenant = match &guests.tenants {
        None => Truth::True,
        // An internal guest is at home here, so no list of foreign tenants names its home.
        Some(_) if identity.guest_type == Some(GuestType::InternalGuest) => Truth::False,
        Some(tenants) => match home {
            None => Truth::Unknown,
            Some(home) => {
                let is_home = |tenant: &Id| fact::is_same(tenant.as_ref(), home.as_ref());
                tenants.iter().map(is_home).fold(Truth::False, |any, one| any | one)
            }
        },
    };
    of_kind & from_tenant
}

/// A personal Microsoft account: told by its kind, or by the tenant that all of them call home.
pub fn is_personal(case: &Case<'_>) -> Truth {
    let identity = &case.request.identity;
    if identity.kind != IdentityKind::User {
        return Truth::False;
    }
    match (identity.guest_type, identity.home_tenant) {
        (Some(GuestType::PersonalMicrosoftAccount), _) => Truth::True,
        (Some(GuestType::None | GuestType::InternalGuest), _) => Truth::False,
        (_, Some(home)) => fact::is_same(home, consumers().as_ref()),
        (_, None) => Truth::Unknown,
    }
}

/// The home tenant of personal accounts.
pub fn consumers() -> Id {
    Id::new("9188040d-6c67-4c5b-b112-36a304b66dad")
}

/// Agents' user accounts: as a whole or one by one, never through groups, roles, `All` or guest kinds.
fn agent_user(case: &Case<'_>, users: &Users) -> Truth {
    let listed = |targets: &[Spanned<UserTarget>]| {
        any(targets, |target| match target {
            UserTarget::AllAgentUsers => Truth::True,
            UserTarget::Id(id) => (id.as_ref() == case.request.identity.id).into(),
            UserTarget::All | UserTarget::GuestsOrExternalUsers => Truth::False,
        })
    };
    listed(&users.include) & !listed(&users.exclude)
}

fn in_scope(case: &Case<'_>, scope: &Scope<PrincipalTarget>, is_target: fn(&Case<'_>, &str) -> Truth) -> Truth {
    let listed = |targets: &[Spanned<PrincipalTarget>]| {
        any(targets, |target| match target {
            PrincipalTarget::All => Truth::True,
            PrincipalTarget::Named(name) => is_target(case, name),
        })
    };
    let by_filter = |mode: FilterMode| match &scope.filter {
        Some(filter) if filter.mode == mode => match fact::attributes(case) {
            None => Truth::Unknown,
            Some(attributes) => {
                rule::parse(&filter.rule.text).holds(&|property| Fact::attribute(attributes, property)).into()
            }
        },
        _ => Truth::False,
    };
    let included = listed(&scope.include) | by_filter(FilterMode::Include);
    let excluded = listed(&scope.exclude) | by_filter(FilterMode::Exclude);
    included & !excluded
}

fn is_principal(case: &Case<'_>, name: &str) -> Truth {
    (resolve(case, name).as_ref() == case.request.identity.id).into()
}

/// An agent identity is meant by its own id and by its blueprint's.
fn is_agent(case: &Case<'_>, name: &str) -> Truth {
    let id = resolve(case, name);
    let by_blueprint = match case.request.identity.blueprint {
        None => Truth::Unknown,
        Some(blueprint) => (blueprint == id.as_ref()).into(),
    };
    is_principal(case, name) | by_blueprint
}

/// The object id that an entry means: itself, or that of the catalogue's entry with this display name.
fn resolve(case: &Case<'_>, name: &str) -> Id {
    let id = Id::new(name);
    let principals = &case.bundle.principals;
    if principals.iter().any(|principal| principal.id.value == id) {
        return id;
    }
    let is_called = |text: &Spanned<Box<str>>| *text.value == *name;
    let called = principals.iter().find(|principal| principal.display_name.as_ref().is_some_and(is_called));
    called.map_or(id, |principal| principal.id.value.clone())
}

fn any<T>(items: &[Spanned<T>], holds: impl Fn(&T) -> Truth) -> Truth {
    items.iter().map(|item| holds(&item.value)).fold(Truth::False, |any, one| any | one)
}
