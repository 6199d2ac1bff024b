//! Who asks, cut into what the policies of two bundles tell apart.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::axis::{Axis, AxisBuilder, Meaning};
use super::fact::{Fact, Who, Witness};
use super::note::Note;
use super::space::{Maker, is_catalogued, stranger_id};
use super::universe::Universe;
use crate::compile::{CompiledBundle, CompiledFilter};
use crate::evaluate::probe::Probe;
use crate::limits;
use crate::model::set::Word;
use crate::model::{Attributes, GuestType, Id, IdRef, IdentityKind, SignInAudience, TokenRequest, Truth};

/// The axes of identity, and how many of them are about sides; for users in all ways in which memberships are known.
pub fn axes(maker: &mut Maker<'_, '_>, kind: IdentityKind, policies: &[u64]) -> Vec<(Vec<Rc<Axis>>, usize)> {
    match kind {
        IdentityKind::User => users(maker, policies),
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
            vec![(vec![Rc::new(named(maker, workloads, "servicePrincipals", policies))], 0)]
        }
        IdentityKind::AgentIdentity => vec![(vec![Rc::new(named(maker, agents, "agentIdentities", policies))], 0)],
        IdentityKind::AgentUser => vec![(vec![Rc::new(named(maker, agent_users, "users", policies))], 0)],
    }
}

/// An axis of which each atom is somebody.
fn named(
    maker: &mut Maker<'_, '_>,
    everybody: fn(&mut Maker<'_, '_>) -> Vec<Who>,
    name: &'static str,
    policies: &[u64],
) -> Axis {
    let mut builder = AxisBuilder::new(name);
    for who in everybody(maker) {
        let witness = Witness::new(who);
        let (keep, refused) = covering(maker.universe, &mut maker.probe, &witness.request());
        match refused {
            0 => {
                builder.add(Fact::Identity(Box::new(witness.who)), true, Meaning { keep, raise: maker.universe.none() })
            }
            // What neither bundle takes for a request is none.
            2 => {}
            _ => {
                let who = &witness.who.id;
                let what = format!("`{who}`, of whom the two catalogues say what cannot both be true");
                maker.notes.insert(Note::left_out(what));
            }
        }
    }
    builder.finish(policies, maker.universe.words)
}

/// The policies that may cover who asks, and how many of the bundles refuse the request.
pub fn covering(universe: &Universe<'_>, probe: &mut Probe, request: &TokenRequest<'_>) -> (Vec<u64>, usize) {
    let (mut keep, mut refused) = (universe.none(), 0);
    for (side, bundle) in universe.sides.iter().enumerate() {
        let add = |slot, holds| universe.add(&mut keep, side, slot, holds == Truth::True);
        refused += usize::from(probe.identity(bundle, request, add).is_err());
    }
    (keep, refused)
}

fn workloads(maker: &mut Maker<'_, '_>) -> Vec<Who> {
    let ids: BTreeSet<_> = maker.universe.sides.iter().flat_map(|bundle| bundle.workloads().named()).collect();
    let other = stranger_id(maker.universe, |id| ids.contains(id));
    let filters: Vec<_> = maker.policies().filter_map(|policy| policy.workloads.filter.as_deref()).collect();
    let attributes = attributes(maker, &filters, ids.len(), "service principal filters");
    let mut everybody = Vec::new();
    let tenants: BTreeSet<_> =
        maker.universe.sides.iter().filter_map(|bundle| bundle.identity().tenant_id.clone()).collect();
    let foreign = stranger_id(maker.universe, |id| tenants.contains(id));
    for (id, is_named) in std::iter::once((other, false)).chain(ids.into_iter().map(|id| (id, true))) {
        let sides = maker.universe.sides;
        for kind in [IdentityKind::ServicePrincipal, IdentityKind::ManagedIdentity] {
            let own = tenants.iter().map(|tenant| (Some(tenant.clone()), Some(SignInAudience::MyOrg)));
            let mut stated: Vec<_> = own.collect();
            if stated.is_empty() {
                stated.push((Some(foreign.clone()), Some(SignInAudience::MyOrg)));
            }
            // WHY: what the catalogue knows goes without saying, and what it does not may be said on its own.
            if sides.iter().any(|bundle| is_catalogued(bundle, &id)) {
                stated.extend(tenants.iter().map(|tenant| (Some(tenant.clone()), None)));
                stated.extend([(Some(foreign.clone()), None), (None, Some(SignInAudience::MyOrg))]);
                stated.push((None, Some(SignInAudience::MultipleOrgs)));
            }
            stated.extend([(None, None), (Some(foreign.clone()), Some(SignInAudience::MultipleOrgs))]);
            for (owner_tenant, audience) in stated {
                for attributes in stateable(&attributes, sides, &id) {
                    everybody.push(Who {
                        is_named,
                        owner_tenant: owner_tenant.clone(),
                        audience,
                        attributes: attributes.clone(),
                        ..Who::new(kind, id.clone())
                    });
                }
            }
        }
    }
    everybody
}

/// Attributes that somebody may state: what the catalogue knows goes without saying.
fn stateable<'a>(
    attributes: &'a [Option<Attributes<'static>>],
    sides: [&CompiledBundle; 2],
    id: &Id,
) -> &'a [Option<Attributes<'static>>] {
    let is_known = |bundle: &&CompiledBundle| {
        bundle.principal_of(id.as_ref()).is_some_and(|principal| principal.attributes.is_some())
    };
    if sides.iter().any(is_known) { attributes.get(..1).unwrap_or_default() } else { attributes }
}

fn attributes(
    maker: &mut Maker<'_, '_>,
    filters: &[&CompiledFilter],
    ids: usize,
    of: &str,
) -> Vec<Option<Attributes<'static>>> {
    let attributes = maker.attributes(filters, of);
    if attributes.len().saturating_mul(ids) <= limits::ANALYSIS_EXAMPLES_MAX {
        return attributes;
    }
    maker.notes.insert(Note::left_out("attributes that requests state, for there are too many service principals"));
    vec![None]
}

fn agents(maker: &mut Maker<'_, '_>) -> Vec<Who> {
    let mut ids: BTreeSet<Id> = BTreeSet::new();
    for policy in maker.policies() {
        ids.extend(policy.agents.include.iter().chain(&policy.agents.exclude).cloned());
    }
    ids.extend(maker.universe.sides.iter().flat_map(|bundle| bundle.catalogue()).map(|entry| entry.id.value.clone()));
    let other = stranger_id(maker.universe, |id| ids.contains(id));
    let filters: Vec<_> = maker.policies().filter_map(|policy| policy.agents.filter.as_deref()).collect();
    let attributes = attributes(maker, &filters, ids.len(), "agent filters");
    let mut blueprints = BTreeSet::new();
    for policy in maker.policies() {
        blueprints.extend(policy.agents.include.iter().chain(&policy.agents.exclude).cloned());
    }
    let other_blueprint = stranger_id(maker.universe, |id| blueprints.contains(id) || *id == other);
    let blueprints: Vec<_> =
        [Some(other_blueprint), None].into_iter().chain(blueprints.into_iter().map(Some)).collect();
    let mut everybody = Vec::new();
    for (id, is_named) in std::iter::once((other, false)).chain(ids.into_iter().map(|id| (id, true))) {
        for blueprint in &blueprints {
            for attributes in stateable(&attributes, maker.universe.sides, &id) {
                everybody.push(Who {
                    is_named,
                    blueprint: blueprint.clone(),
                    attributes: attributes.clone(),
                    ..Who::new(IdentityKind::AgentIdentity, id.clone())
                });
            }
        }
    }
    everybody
}

fn user_ids(maker: &Maker<'_, '_>) -> BTreeSet<Id> {
    let lists = maker.policies().flat_map(|policy| policy.users.include.ids.iter().chain(&policy.users.exclude.ids));
    lists.cloned().collect()
}

fn agent_users(maker: &mut Maker<'_, '_>) -> Vec<Who> {
    let ids = user_ids(maker);
    let other = Who {
        is_named: false,
        ..Who::new(IdentityKind::AgentUser, stranger_id(maker.universe, |id| ids.contains(id)))
    };
    let named = ids.into_iter().map(|id| Who::new(IdentityKind::AgentUser, id));
    std::iter::once(other).chain(named).collect()
}

fn users(maker: &mut Maker<'_, '_>, policies: &[u64]) -> Vec<(Vec<Rc<Axis>>, usize)> {
    let (mut groups, mut roles) = (BTreeSet::new(), BTreeSet::new());
    for bundle in maker.universe.sides {
        for policy in bundle.compiled() {
            for list in [&policy.users.include, &policy.users.exclude] {
                groups.extend(list.groups.iter().filter_map(|number| bundle.directory_name(*number)).cloned());
                roles.extend(list.roles.iter().filter_map(|number| bundle.directory_name(*number)).cloned());
            }
        }
    }
    let axes = |objects: &BTreeSet<Id>, fact: fn(Id, bool) -> Fact| -> Vec<_> {
        objects.iter().map(|object| Rc::new(membership(maker, object, fact, policies))).collect()
    };
    let (of_groups, of_roles) = (axes(&groups, Fact::Group), axes(&roles, Fact::Role));
    let knowledge = |is_empty: bool| if is_empty { &[true][..] } else { &[true, false] };
    let mut ways = Vec::new();
    for has_groups in knowledge(groups.is_empty()) {
        for has_roles in knowledge(roles.is_empty()) {
            let mut axes = vec![Rc::new(persons(maker, *has_groups, *has_roles, policies))];
            axes.extend(of_groups.iter().filter(|_| *has_groups).cloned());
            axes.extend(of_roles.iter().filter(|_| *has_roles).cloned());
            let sides = axes.len();
            ways.push((axes, sides));
        }
    }
    ways
}

/// Accounts, kinds of guest and home tenants; of memberships only that they are unknown.
fn persons(maker: &mut Maker<'_, '_>, has_groups: bool, has_roles: bool, policies: &[u64]) -> Axis {
    let ids = user_ids(maker);
    let other = stranger_id(maker.universe, |id| ids.contains(id));
    let lists = || maker.policies().flat_map(|policy| [&policy.users.include, &policy.users.exclude]);
    let has_guests = lists().any(|list| list.all_guests || list.guests.is_some());
    let mut tenants: BTreeSet<Id> =
        lists().filter_map(|list| list.guests.as_ref()?.tenants.as_ref()).flatten().cloned().collect();
    let kinds: Vec<_> = match has_guests {
        true => GuestType::ALL.iter().map(|kind| Some(*kind)).chain([None]).collect(),
        false => vec![Some(GuestType::None)],
    };
    if has_guests {
        tenants.insert(IdRef::PERSONAL_ACCOUNTS.to_owned());
        tenants.insert(stranger_id(maker.universe, |id| tenants.contains(id) || *id == other));
    }
    let homes: Vec<_> = std::iter::once(None).chain(tenants.into_iter().map(Some)).collect();
    let mut builder = AxisBuilder::new("users");
    for (id, is_named) in std::iter::once((other, false)).chain(ids.into_iter().map(|id| (id, true))) {
        for guest_type in &kinds {
            for home_tenant in &homes {
                let who = Who {
                    is_named,
                    guest_type: *guest_type,
                    home_tenant: home_tenant.clone(),
                    has_groups,
                    has_roles,
                    ..Who::new(IdentityKind::User, id.clone())
                };
                person(maker, who, policies, &mut builder);
            }
        }
    }
    builder.finish(policies, maker.universe.words)
}

fn person(maker: &mut Maker<'_, '_>, who: Who, policies: &[u64], builder: &mut AxisBuilder) {
    let witness = Witness::new(who);
    let (mut meaning, refused) = sides(maker.universe, &mut maker.probe, &witness.request());
    super::bits::restrict(&mut meaning.keep, policies);
    match refused {
        0 => builder.add(Fact::Identity(Box::new(witness.who)), true, meaning),
        2 => {}
        _ => {
            let who = &witness.who.id;
            let what = format!("`{who}`, whom one of the catalogues has as a service principal");
            maker.notes.insert(Note::left_out(what));
        }
    }
}

/// Which policies include and which do not exclude a user, and how many of the bundles refuse the request.
pub fn sides(universe: &Universe<'_>, probe: &mut Probe, request: &TokenRequest<'_>) -> (Meaning, usize) {
    let (mut meaning, mut refused) = (Meaning { keep: universe.none(), raise: universe.none() }, 0);
    for (side, bundle) in universe.sides.iter().enumerate() {
        let asked = probe.user_sides(bundle, request, |slot, include, exclude| {
            if include.is_possible() {
                universe.add(&mut meaning.raise, side, slot, include == Truth::True);
            }
            if exclude != Truth::True {
                universe.add(&mut meaning.keep, side, slot, exclude == Truth::False);
            }
        });
        refused += usize::from(asked.is_err());
    }
    (meaning, refused)
}

/// Whether a user is in a group or holds a role.
fn membership(maker: &Maker<'_, '_>, object: &Id, fact: fn(Id, bool) -> Fact, policies: &[u64]) -> Axis {
    let universe = maker.universe;
    let mut builder = AxisBuilder::new("users");
    builder.add(fact(object.clone(), false), true, Meaning { keep: policies.to_vec(), raise: universe.none() });
    let (mut raise, mut out) = (universe.none(), universe.none());
    let is_group = matches!(fact(object.clone(), true), Fact::Group(..));
    for (side, bundle) in universe.sides.iter().enumerate() {
        let Some(number) = bundle.directory_object(object.as_ref()) else { continue };
        for (slot, policy) in (0..).zip(bundle.compiled()) {
            let names = |list: &crate::compile::UserList| {
                let numbers = if is_group { &list.groups } else { &list.roles };
                numbers.contains(&number)
            };
            if names(&policy.users.include) {
                universe.add(&mut raise, side, slot, true);
            }
            if names(&policy.users.exclude) {
                universe.add(&mut out, side, slot, true);
            }
        }
    }
    let mut keep = policies.to_vec();
    super::bits::subtract(&mut keep, &out);
    builder.add(fact(object.clone(), true), true, Meaning { keep, raise });
    builder.finish(policies, universe.words)
}
