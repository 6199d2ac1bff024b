//! Who asks, cut into what the policies of two bundles tell apart.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::axis::{Axis, AxisBuilder, Meaning};
use super::crowd::Crowd;
use super::fact::{Fact, Who, Witness};
use super::maker::{Maker, is_catalogued, stranger_id};
use super::note::Note;
use super::universe::Universe;
use crate::compile::{CompiledBundle, CompiledFilter, PrincipalScope};
use crate::evaluate::probe::Probe;
use crate::model::set::Word;
use crate::model::{
    Condition, GuestType, Id, IdRef, IdentityKind, ServicePrincipal, ServicePrincipalType, SignInAudience,
    TokenRequest, Truth,
};

/// The axes of identity, and how many of them are about sides; for users in all ways in which memberships are known.
pub fn axes(maker: &mut Maker<'_, '_>, kind: IdentityKind, policies: &[u64]) -> Vec<(Vec<Rc<Axis>>, usize)> {
    match kind {
        IdentityKind::User => users(maker, policies),
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => {
            vec![(vec![Rc::new(named(maker, workloads, Condition::ServicePrincipals, policies))], 0)]
        }
        IdentityKind::AgentIdentity => {
            vec![(vec![Rc::new(named(maker, agents, Condition::AgentIdentities, policies))], 0)]
        }
        IdentityKind::AgentUser => vec![(vec![Rc::new(named(maker, agent_users, Condition::Users, policies))], 0)],
    }
}

/// An axis of which each atom is somebody.
fn named(
    maker: &mut Maker<'_, '_>,
    everybody: fn(&mut Maker<'_, '_>) -> Vec<Who>,
    condition: Condition,
    policies: &[u64],
) -> Axis {
    let mut builder = AxisBuilder::new(condition);
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
    let sides = maker.universe.sides;
    let ids: BTreeSet<_> = sides.iter().flat_map(|bundle| bundle.workloads().named()).collect();
    let tenants: BTreeSet<_> = sides.iter().filter_map(|bundle| bundle.identity().tenant_id.clone()).collect();
    let stated = stated(maker.universe, &tenants);
    let mut facts = Vec::new();
    for kind in [IdentityKind::ServicePrincipal, IdentityKind::ManagedIdentity] {
        let who = Who::new(kind, stranger_id(maker.universe, |id| ids.contains(id)));
        let with = |(owner_tenant, audience): &(Option<Id>, _)| Who {
            owner_tenant: owner_tenant.clone(),
            audience: *audience,
            ..who.clone()
        };
        facts.extend(stated.iter().map(with));
    }
    let filters: Vec<_> = maker.policies().filter_map(|policy| policy.workloads.filter.as_deref()).collect();
    let scopes: Vec<_> = maker.policies().map(|policy| &policy.workloads).collect();
    principals(maker, (ids, &scopes), &facts, &filters, ["service principals", "service principal filters"])
}

/// Every owner and audience that a request may state, those first that examples are best made of.
fn stated(universe: &Universe<'_>, tenants: &BTreeSet<Id>) -> Vec<(Option<Id>, Option<SignInAudience>)> {
    let foreign =
        foreign_tenants(universe, tenants.iter().any(|tenant| !tenant.as_ref().is_guid()), |id| tenants.contains(id));
    let elsewhere = foreign.first().cloned();
    let own = tenants.iter().cloned().map(Some);
    let mut stated: Vec<_> = own.clone().map(|tenant| (tenant, Some(SignInAudience::MyOrg))).collect();
    if stated.is_empty() {
        stated.push((elsewhere.clone(), Some(SignInAudience::MyOrg)));
    }
    stated.extend([(None, None), (elsewhere, Some(SignInAudience::MultipleOrgs))]);
    // WHY all: a tenant that one bundle names and the other does not, and what a catalogue leaves open, tell any apart.
    for owner in own.chain(foreign.into_iter().map(Some)).chain([None]) {
        for audience in [Some(SignInAudience::MyOrg), Some(SignInAudience::MultipleOrgs), None] {
            let one = (owner.clone(), audience);
            if !stated.contains(&one) {
                stated.push(one);
            }
        }
    }
    stated
}

/// Tenants that `is_taken` does not know: an id, and a name if `with_name`. Neither can be compared with what is of the
/// other kind.
fn foreign_tenants(universe: &Universe<'_>, with_name: bool, is_taken: impl Fn(&Id) -> bool) -> Vec<Id> {
    let mut name = "elsewhere".to_owned();
    while is_taken(&Id::new(&name)) {
        name.push('!');
    }
    let id = stranger_id(universe, is_taken);
    std::iter::once(id).chain(with_name.then(|| Id::new(&name))).collect()
}

/// `ids` and a stranger, with all that `facts` and the rules of `filters` make of them. `of` names the members and the
/// filters.
fn principals(
    maker: &mut Maker<'_, '_>,
    (ids, scopes): (BTreeSet<Id>, &[&PrincipalScope]),
    facts: &[Who],
    filters: &[&CompiledFilter],
    of: [&str; 2],
) -> Vec<Who> {
    let sides = maker.universe.sides;
    let attributes = maker.attributes(filters, of[1]);
    let listed: HashSet<&Id, RandomState> =
        scopes.iter().flat_map(|scope| scope.include.iter().chain(&scope.exclude)).collect();
    let other = stranger_id(maker.universe, |id| ids.contains(id));
    let entry = |bundle: &CompiledBundle, id: &Id| {
        let entry = bundle.principal_of(id.as_ref())?;
        let attributes = entry.attributes.clone().filter(|_| !filters.is_empty());
        Some((entry.kind, entry.owner_tenant.clone(), entry.audience, attributes))
    };
    let key = |(id, _): &(Id, bool)| (listed.get(id).copied(), sides.map(|bundle| entry(bundle, id)));
    // What the catalogue knows goes without saying.
    let knows =
        |bundle: &&CompiledBundle, id: &Id| bundle.principal_of(id.as_ref()).is_some_and(|it| it.attributes.is_some());
    let is_known = |(id, _): &(Id, bool)| sides.iter().any(|bundle| knows(bundle, id));
    let members = std::iter::once((other, false)).chain(ids.into_iter().map(|id| (id, true)));
    // What only one catalogue says of owner, audience and attributes multiplies what is said.
    let ways = if maker.has_one_catalogue() { 1 } else { 8 };
    let size = (facts.len() * ways, attributes.len());
    let crowd = Crowd::fit(members, size, key, is_known, of[0], &mut maker.notes);
    let crowd = Crowd { facts: (crowd.facts / ways).max(1), ..crowd };
    let mut everybody = Vec::new();
    for (member, says_all) in crowd.members {
        let stateable = if is_known(&member) { 1 } else { crowd.attributes };
        let (id, is_named) = member;
        if !says_all {
            let kind = facts.first().map_or(IdentityKind::ServicePrincipal, |who| who.kind);
            everybody.push(Who::new(kind, id));
            continue;
        }
        for who in facts.iter().take(crowd.facts) {
            for attributes in attributes.iter().take(stateable).cloned() {
                everybody.push(Who { id: id.clone(), is_named, attributes, ..who.clone() });
            }
        }
        let whole = facts.iter().take(crowd.facts).map(|who| Who { id: id.clone(), is_named, ..who.clone() });
        everybody.extend(whole.flat_map(|who| disputed(sides, who, !filters.is_empty())));
    }
    everybody
}

/// `who` with what one catalogue says of them and the other does not: a request may say it to both, and only the other
/// learns something.
fn disputed(sides: [&CompiledBundle; 2], who: Who, has_filters: bool) -> Vec<Who> {
    fn of_one<T>(one: Option<T>, other: Option<T>) -> Vec<Option<T>> {
        match (one, other) {
            (said, None) | (None, said) if said.is_some() => vec![None, said],
            _ => vec![None],
        }
    }
    let [one, other] = sides.map(|bundle| bundle.principal_of(who.id.as_ref()));
    let owner = |entry: Option<&ServicePrincipal>| entry?.owner_tenant.clone();
    let attributes = |entry: Option<&ServicePrincipal>| entry?.attributes.clone().filter(|_| has_filters);
    let audiences = of_one(one.and_then(|entry| entry.audience), other.and_then(|entry| entry.audience));
    let mut all = Vec::new();
    for owner_tenant in of_one(owner(one), owner(other)) {
        for audience in &audiences {
            for attributes in of_one(attributes(one), attributes(other)) {
                if owner_tenant.is_some() || audience.is_some() || attributes.is_some() {
                    all.push(Who {
                        owner_tenant: owner_tenant.clone().or_else(|| who.owner_tenant.clone()),
                        audience: audience.or(who.audience),
                        attributes,
                        ..who.clone()
                    });
                }
            }
        }
    }
    all
}

fn agents(maker: &mut Maker<'_, '_>) -> Vec<Who> {
    let scopes: Vec<_> = maker.policies().map(|policy| &*policy.agents).collect();
    let named: BTreeSet<Id> =
        scopes.iter().flat_map(|scope| scope.include.iter().chain(&scope.exclude)).cloned().collect();
    let filters: Vec<_> = maker.policies().filter_map(|policy| policy.agents.filter.as_deref()).collect();
    let mut ids = named.clone();
    // What the catalogue has as another kind of principal is refused as an agent identity.
    let is_agent =
        |entry: &&ServicePrincipal| entry.kind.is_none_or(|kind| kind == ServicePrincipalType::ServiceIdentity);
    let catalogues = maker.universe.sides.iter().flat_map(|bundle| bundle.catalogue());
    ids.extend(catalogues.filter(is_agent).map(|entry| entry.id.value.clone()));
    let other = stranger_id(maker.universe, |id| ids.contains(id));
    let other_blueprint = stranger_id(maker.universe, |id| named.contains(id) || *id == other);
    let blueprints = [Some(other_blueprint), None].into_iter().chain(named.into_iter().map(Some));
    let who = Who::new(IdentityKind::AgentIdentity, other);
    let facts: Vec<_> = blueprints.map(|blueprint| Who { blueprint, ..who.clone() }).collect();
    principals(maker, (ids, &scopes), &facts, &filters, ["agent identities", "agent filters"])
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
        tenants.extend(foreign_tenants(maker.universe, true, |id| tenants.contains(id) || *id == other));
    }
    let homes: Vec<_> = std::iter::once(None).chain(tenants.into_iter().map(Some)).collect();
    let mut facts = Vec::new();
    for guest_type in &kinds {
        let of_kind = |home_tenant: &Option<Id>| Who {
            guest_type: *guest_type,
            home_tenant: home_tenant.clone(),
            has_groups,
            has_roles,
            ..Who::new(IdentityKind::User, other.clone())
        };
        facts.extend(homes.iter().map(of_kind));
    }
    let mut builder = AxisBuilder::new(Condition::Users);
    for who in accounts(maker, ids, &facts) {
        person(maker, who, policies, &mut builder);
    }
    builder.finish(policies, maker.universe.words)
}

/// The users `ids` and a stranger, with all that `facts` say.
fn accounts(maker: &mut Maker<'_, '_>, ids: BTreeSet<Id>, facts: &[Who]) -> Vec<Who> {
    let sides = maker.universe.sides;
    let mut lists = HashMap::<&Id, Vec<usize>, RandomState>::default();
    let both = maker.policies().flat_map(|policy| [&policy.users.include, &policy.users.exclude]);
    for (number, list) in both.enumerate() {
        list.ids.iter().for_each(|id| lists.entry(id).or_default().push(number));
    }
    let key = |(id, _): &(Id, bool)| (lists.get(id), sides.map(|bundle| is_catalogued(bundle, id)));
    let other = stranger_id(maker.universe, |id| ids.contains(id));
    let members = std::iter::once((other, false)).chain(ids.iter().map(|id| (id.clone(), true)));
    let crowd = Crowd::fit(members, (facts.len(), 1), key, |_| true, "users", &mut maker.notes);
    let mut everybody = Vec::new();
    for ((id, is_named), says_all) in crowd.members {
        let said = facts.iter().take(if says_all { crowd.facts } else { 1 });
        everybody.extend(said.map(|who| Who { id: id.clone(), is_named, ..who.clone() }));
    }
    everybody
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
            let what = format!("`{who}`, whom one of the bundles has as a service principal, or of another tenant");
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
    let mut builder = AxisBuilder::new(Condition::Users);
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
