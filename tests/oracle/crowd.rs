//! Scenes of many policies: so many for everybody, for groups and for agent identities that no mask of theirs is one word.
//!
//! A scene of [`super::generate`] made larger: most policies are given a scope of their own from a hundred groups, and
//! requests carry many of those.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use doorward::model::policy::{Conditions, Policy, PrincipalTarget, UserTarget, Users};
use doorward::model::set::Set;
use doorward::model::{GrantControl, Id, IdRef, IdentityKind, TokenRequest};

use super::generate::{Scene, bundle_of, placed};
use super::request::{self, Recipe};
use super::world::{AGENTS, BLUEPRINTS, GROUPS, ROLES, USERS};

/// More than three words of policies for all users, and two of policies for agent identities.
const POLICIES: usize = 460;

static CROWD: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..100).map(|number| format!("33333333-0000-0000-0001-{number:012}")).collect());

/// Whom a policy is for, in the place of what it was generated with.
#[derive(Debug, Clone)]
enum Cast {
    AsItIs,
    Everybody { but_users: Vec<&'static str>, but_groups: Vec<usize>, but_roles: Vec<&'static str> },
    Groups { groups: Vec<usize>, roles: Vec<&'static str>, but_groups: Vec<usize>, but_guests: bool },
    Agents { includes_all: bool, include: Vec<&'static str>, exclude: Vec<&'static str> },
}

/// A scene with `requests` requests.
pub fn crowded_scene(has_database: bool, requests: usize) -> impl Strategy<Value = Scene> {
    let asking = (request::recipe(), groups(0..=60), proptest::bool::weighted(0.85));
    (bundle_of(has_database, POLICIES..=POLICIES), vec(cast(), POLICIES), vec(asking, requests), any::<bool>())
        .prop_map(|(mut bundle, casts, asking, may_block)| {
            for (policy, cast) in bundle.policies.iter_mut().zip(casts) {
                play(policy, cast);
                if !may_block {
                    ask_for_mfa(policy);
                }
            }
            let request = |(recipe, groups, are_known): (Recipe, Vec<usize>, bool)| {
                let mut request: TokenRequest<'static> = recipe.request(&bundle);
                let known = GROUPS[..1].iter().copied().map(IdRef::new).chain(groups.iter().map(|group| guid(*group)));
                let is_user = request.identity.kind == IdentityKind::User;
                if is_user {
                    request.identity.groups = are_known.then(|| known.collect());
                }
                if !may_block {
                    request.satisfied.built_in = Set::default();
                }
                request
            };
            let requests = asking.into_iter().map(request).collect();
            Scene { bundle, requests }
        })
}

fn cast() -> impl Strategy<Value = Cast> {
    let agents = || vec(select(&[AGENTS[0], AGENTS[1], BLUEPRINTS[0], BLUEPRINTS[1]]), 0..3);
    prop_oneof![
        2 => Just(Cast::AsItIs),
        9 => (vec(select(&USERS), 0..2), groups(0..=3), subsequence(ROLES.to_vec(), 0..=1)).prop_map(
            |(but_users, but_groups, but_roles)| Cast::Everybody { but_users, but_groups, but_roles }
        ),
        5 => (groups(1..=3), subsequence(ROLES.to_vec(), 0..=1), groups(0..=2), any::<bool>()).prop_map(
            |(groups, roles, but_groups, but_guests)| Cast::Groups { groups, roles, but_groups, but_guests }
        ),
        5 => (any::<bool>(), agents(), agents())
            .prop_map(|(includes_all, include, exclude)| Cast::Agents { includes_all, include, exclude }),
    ]
}

fn groups(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..CROWD.len()).collect::<Vec<_>>(), count)
}

fn guid(group: usize) -> IdRef<'static> {
    IdRef::new(&CROWD[group])
}

fn play(policy: &mut Policy, cast: Cast) {
    let users = |ids: Vec<&str>| ids.into_iter().map(|id| placed(UserTarget::Id(Id::new(id)))).collect();
    let groups = |groups: Vec<usize>| groups.into_iter().map(|group| placed(guid(group).to_owned())).collect();
    let roles = |roles: Vec<&str>| roles.into_iter().map(|role| placed(Id::new(role))).collect();
    let before = std::mem::take(&mut policy.conditions);
    let nobody = Conditions {
        users: Users::default(),
        service_principals: Default::default(),
        agent_identities: Default::default(),
        ..before.clone()
    };
    policy.conditions = match cast {
        Cast::AsItIs => before,
        Cast::Everybody { but_users, but_groups, but_roles } => Conditions {
            users: Users {
                include: vec![placed(UserTarget::All)],
                exclude: users(but_users),
                exclude_groups: groups(but_groups),
                exclude_roles: roles(but_roles),
                ..Users::default()
            },
            ..nobody
        },
        Cast::Groups { groups: include, roles: held, but_groups, but_guests } => Conditions {
            users: Users {
                include_groups: groups(include),
                include_roles: roles(held),
                exclude: but_guests.then(|| placed(UserTarget::GuestsOrExternalUsers)).into_iter().collect(),
                exclude_groups: groups(but_groups),
                exclude_guests: before.users.exclude_guests,
                ..Users::default()
            },
            ..nobody
        },
        Cast::Agents { includes_all, include, exclude } => {
            let named = |ids: Vec<&'static str>| ids.into_iter().map(|id| placed(PrincipalTarget::Named(id.into())));
            let mut conditions = nobody;
            let scope = &mut conditions.agent_identities;
            scope.include.extend(includes_all.then(|| placed(PrincipalTarget::All)));
            scope.include.extend(named(include));
            scope.exclude.extend(named(exclude));
            scope.filter = before.agent_identities.filter;
            conditions
        }
    };
}

/// WHY: a policy that blocks hides all that ask for something; where none blocks each that applies is named.
fn ask_for_mfa(policy: &mut Policy) {
    if let Some(grant) = &mut policy.grant {
        grant.built_in = Set::from_iter([GrantControl::Mfa]);
        grant.authentication_strength = None;
    }
}
