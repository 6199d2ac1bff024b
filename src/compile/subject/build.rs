//! Makes the masks of a [`Population`]: asks every policy about every word, and about everybody and everything it names.
//!
//! What a mask holds is the answer of the functions that decisions ask too, with all that only a request can know left
//! unknown.

use std::collections::BTreeMap;

use super::{AGENT_USER, Block, Entry, KINDS, Lists, Locations, Member, Population, Residual, Sides};
use crate::compile::guest;
use crate::compile::idmap::IdMap;
use crate::compile::policy::{CompiledPolicy, Grant, Slot, UserList};
use crate::compile::scope::STRANGER;
use crate::compile::words::{client_app, listed, platform};
use crate::model::request::Identity;
use crate::model::set::Word;
use crate::model::{FilterMode, GuestType, Id, IdRef, IdentityKind, ResourceKind, Truth};

/// A kind of resource that nobody said.
const UNSAID: Option<ResourceKind> = None;

/// Whom policies are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subjects {
    /// Users, agents' user accounts among them.
    Users,
    /// Agent identities.
    AgentIdentities,
}

impl Subjects {
    fn are_targeted_by(self, policy: &CompiledPolicy) -> bool {
        match self {
            Self::Users => !policy.users.include.is_empty(),
            Self::AgentIdentities => !policy.agents.is_empty(),
        }
    }

    /// Whether a policy includes and excludes a kind of subject, whoever it is.
    fn of_kind(self, policy: &CompiledPolicy, kind: usize) -> (Truth, Truth) {
        match self {
            Self::Users => (users_of_kind(&policy.users.include, kind), users_of_kind(&policy.users.exclude, kind)),
            Self::AgentIdentities => {
                let scope = &policy.agents;
                let by_rule = |mode| match &scope.filter {
                    Some(filter) if filter.mode == mode => Truth::Unknown,
                    _ => Truth::False,
                };
                (
                    Truth::from(scope.includes_all) | by_rule(FilterMode::Include),
                    Truth::from(scope.excludes_all) | by_rule(FilterMode::Exclude),
                )
            }
        }
    }

    /// Whether whom a policy covers depends on more than kind, ids, groups and roles.
    fn are_residual(self, policy: &CompiledPolicy) -> bool {
        match self {
            Self::Users => [&policy.users.include, &policy.users.exclude].into_iter().any(|list| {
                let depends_on_home = |guests: &crate::model::policy::Guests| {
                    guests.tenants.is_some() || guests.types.contains(GuestType::PersonalMicrosoftAccount)
                };
                list.guests.as_deref().is_some_and(depends_on_home)
            }),
            Self::AgentIdentities => policy.agents.filter.is_some(),
        }
    }

    /// The ids that a policy includes and excludes.
    fn ids(self, policy: &CompiledPolicy) -> [&[Id]; 2] {
        match self {
            Self::Users => [&policy.users.include.ids, &policy.users.exclude.ids],
            Self::AgentIdentities => [&policy.agents.include, &policy.agents.exclude],
        }
    }
}

fn users_of_kind(list: &UserList, kind: usize) -> Truth {
    if kind == AGENT_USER {
        return Truth::from(list.all_agent_users);
    }
    // Kinds of guest are asked for the kind and the home tenant alone, whoever it is.
    let mut identity = Identity::new(IdentityKind::User, IdRef::Text("anybody"));
    identity.guest_type = GuestType::ALL.get(kind).copied();
    let any_guest = if list.all_guests { guest::is_any(&identity) } else { Truth::False };
    let some_guests = list.guests.as_ref().map_or(Truth::False, |guests| guest::is_among(guests, &identity));
    Truth::from(list.all) | any_guest | some_guests
}

impl Population {
    /// Tabulates those of `policies`, which are in slot order, that are for `subjects`. Groups and roles are numbered below
    /// `directory_size`, locations below `locations`.
    ///
    /// Cost: linear in the text of the policies, and in policies times locations / 64.
    pub fn new(policies: &[CompiledPolicy], subjects: Subjects, directory_size: usize, locations: usize) -> Self {
        let is_broad = |policy: &CompiledPolicy| (0..KINDS).any(|kind| subjects.of_kind(policy, kind).0.is_possible());
        let (mut chosen, narrow): (Vec<_>, Vec<_>) = (0..)
            .zip(policies)
            .filter(|(_, policy)| subjects.are_targeted_by(policy))
            .partition(|(_, policy)| is_broad(policy));
        // WHY: a decision may note all of these, one after the other, and then does the same with one as with the last.
        chosen.sort_by_key(|(_, policy)| (matches!(policy.grant, Grant::Block), policy.is_report_only));
        let broad = chosen.len().div_ceil(64);
        chosen.extend(narrow);
        let mut population = Self { broad, ..Self::default() };
        population.blocks = chosen.chunks(64).map(|chunk| block(chunk, subjects)).collect();
        let member = |(slot, policy): &(Slot, &CompiledPolicy)| Member {
            slot: *slot,
            index: policy.index,
            residual: residual(policy, subjects),
        };
        population.policies = chosen.iter().map(member).collect();
        let names_personal = |policy: &CompiledPolicy| {
            policy.users.include.guests.as_deref().is_some_and(guest::names_personal_accounts)
        };
        population.personal =
            chosen.iter().filter(|(_, policy)| names_personal(policy)).map(|(slot, _)| *slot).collect();
        population.personal.sort_unstable();
        population.name_subjects(&chosen, subjects, directory_size);
        population.name_resources(&chosen);
        population.name_locations(&chosen, locations);
        population
    }

    fn name_subjects(&mut self, chosen: &[(Slot, &CompiledPolicy)], subjects: Subjects, directory_size: usize) {
        let mut pairs: [Vec<(u32, u32)>; 6] = Default::default();
        let [by_id, not_id, by_group, not_group, by_role, not_role] = &mut pairs;
        for (place, (_, policy)) in (0u32..).zip(chosen) {
            for (ids, pairs) in subjects.ids(policy).into_iter().zip([&mut *by_id, &mut *not_id]) {
                pairs.extend(ids.iter().map(|id| (number(&mut self.ids, id.as_ref()), place)));
            }
            if subjects == Subjects::Users {
                let (include, exclude) = (&policy.users.include, &policy.users.exclude);
                by_group.extend(include.groups.iter().map(|group| (*group, place)));
                not_group.extend(exclude.groups.iter().map(|group| (*group, place)));
                by_role.extend(include.roles.iter().map(|role| (*role, place)));
                not_role.extend(exclude.roles.iter().map(|role| (*role, place)));
            }
        }
        let ids = self.ids.len();
        let [by_id, not_id, by_group, not_group, by_role, not_role] = pairs;
        let sides = |include, exclude, count| Sides { include: lists(include, count), exclude: lists(exclude, count) };
        self.by_id = sides(by_id, not_id, ids);
        self.by_group = sides(by_group, not_group, directory_size);
        self.by_role = sides(by_role, not_role, directory_size);
    }

    fn name_resources(&mut self, chosen: &[(Slot, &CompiledPolicy)]) {
        // Each application, block, and in it the policies that name the application and those that may cover it.
        let mut apps = BTreeMap::<(u32, u32), (u64, u64)>::new();
        let mut contexts = Vec::new();
        for (place, (_, policy)) in (0u32..).zip(chosen) {
            let condition = &policy.resources;
            let sides = [&condition.include, &condition.exclude];
            let named = sides
                .into_iter()
                .flat_map(|list| list.ids.iter().chain(list.suites.iter().flat_map(|(_, members)| members.iter())));
            for id in named {
                let app = number(&mut self.apps, id.as_ref());
                let (names, covers) = apps.entry((app, place / 64)).or_default();
                *names |= 1 << (place % 64);
                if condition.covers(Some(id.as_ref()), UNSAID, None).holds.is_possible() {
                    *covers |= 1 << (place % 64);
                }
            }
            for context in &condition.authentication_contexts {
                contexts.push((number(&mut self.contexts, IdRef::Text(context)), place));
            }
        }
        let mut by_app = Lists::default();
        for ((app, block), (names, covers)) in apps {
            while by_app.begin.len() <= app as usize {
                by_app.begin.push(length(&by_app.entries));
            }
            let others = self.blocks.get(block as usize).map_or(0, |block| block.other_app);
            by_app.entries.push(Entry { block, bits: others & !names | covers });
        }
        by_app.begin.push(length(&by_app.entries));
        self.by_app = by_app;
        self.by_context = lists(contexts, self.contexts.len());
    }

    fn name_locations(&mut self, chosen: &[(Slot, &CompiledPolicy)], locations: usize) {
        let blocks = self.blocks.len();
        let rows = || vec![0; locations * blocks];
        let mut tables = Locations { include: rows(), exclude: rows(), named: vec![0; locations.div_ceil(64)] };
        let set = |table: &mut [u64], at: usize, bit: usize| {
            if let Some(word) = table.get_mut(at) {
                *word |= 1 << bit;
            }
        };
        for (place, (_, policy)) in chosen.iter().enumerate().filter(|(_, (_, policy))| !policy.locations.nowhere) {
            let condition = &policy.locations;
            let lists = [(&condition.include, &mut tables.include), (&condition.exclude, &mut tables.exclude)];
            for (list, table) in lists {
                for location in list.iter().map(|location| usize::from(*location)) {
                    set(table, location * blocks + place / 64, place % 64);
                    set(&mut tables.named, location / 64, location % 64);
                }
            }
        }
        self.locations = tables;
    }
}

/// What the tables do not settle.
fn residual(policy: &CompiledPolicy, subjects: Subjects) -> Residual {
    let parts = [
        (subjects.are_residual(policy), Residual::SUBJECT),
        (policy.resources.is_residual(), Residual::RESOURCE),
        (policy.device_filter.is_some(), Residual::DEVICE),
        (policy.when.is_some(), Residual::WHEN),
    ];
    Residual(parts.iter().filter(|(is_open, _)| *is_open).map(|(_, part)| part.0).sum())
}

fn block(policies: &[(Slot, &CompiledPolicy)], subjects: Subjects) -> Block {
    let mut block = Block::default();
    for (place, (_, policy)) in policies.iter().enumerate() {
        let bit = 1u64 << place;
        for kind in 0..KINDS {
            let (included, excluded) = subjects.of_kind(policy, kind);
            set(&mut block.included, kind, bit, included.is_possible());
            set(&mut block.excluded, kind, bit, excluded == Truth::True);
        }
        words(&mut block, policy, bit);
        let condition = &policy.resources;
        let one = |word: &mut u64, holds: bool| *word |= if holds { bit } else { 0 };
        one(&mut block.other_app, condition.covers(STRANGER, UNSAID, None).holds.is_possible());
        one(&mut block.unsaid_app, condition.covers_unsaid(false, UNSAID).holds.is_possible());
        one(&mut block.no_app, condition.covers_unsaid(true, UNSAID).holds.is_possible());
        one(&mut block.any_context, !condition.authentication_contexts.is_empty());
        one(&mut block.settled, residual(policy, subjects).is_empty());
        one(&mut block.blocks, matches!(policy.grant, Grant::Block));
        one(&mut block.report_only, policy.is_report_only);
        one(&mut block.everywhere, policy.locations.everywhere && !policy.locations.nowhere);
    }
    block
}

/// The conditions that list words.
fn words(block: &mut Block, policy: &CompiledPolicy, bit: u64) {
    fn each<T: Word>(row: &mut [u64], bit: u64, holds: impl Fn(Option<T>) -> bool) {
        let words = T::ALL.iter().copied().map(Some).chain([None]);
        words.zip(row).filter(|(word, _)| holds(*word)).for_each(|(_, place)| *place |= bit);
    }
    fn level<T: Word>(row: &mut [u64], bit: u64, levels: crate::model::Set<T>) {
        each::<T>(row, bit, |level| level.is_some_and(|level| listed(levels, level).holds.is_possible()));
    }
    each(&mut block.platform, bit, |word| platform(policy.platforms, word).holds.is_possible());
    each(&mut block.client_app, bit, |word| client_app(policy.client_apps, word).holds.is_possible());
    level(&mut block.sign_in_risk, bit, policy.sign_in_risk);
    level(&mut block.user_risk, bit, policy.user_risk);
    level(&mut block.service_principal_risk, bit, policy.service_principal_risk);
    level(&mut block.agent_risk, bit, policy.agent_risk);
    level(&mut block.insider_risk, bit, policy.insider_risk);
    level(&mut block.flow, bit, policy.flows);
    let actions = policy.resources.user_actions;
    each(&mut block.action, bit, |word| word.map_or(!actions.is_empty(), |word| actions.contains(word)));
}

fn set(row: &mut [u64], place: usize, bit: u64, holds: bool) {
    if let Some(word) = row.get_mut(place).filter(|_| holds) {
        *word |= bit;
    }
}

/// The number of `id`, from 0 in the order of coming.
fn number(numbers: &mut IdMap<u32>, id: IdRef<'_>) -> u32 {
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    *numbers.entry(id, || next)
}

/// The places of each of `count` objects, from pairs of object and place, and at last those of any.
fn lists(mut pairs: Vec<(u32, u32)>, count: usize) -> Lists {
    let any = u32::try_from(count).unwrap_or(u32::MAX);
    let places: Vec<_> = pairs.iter().map(|(_, place)| (any, *place)).collect();
    pairs.extend(places);
    pairs.sort_unstable();
    let mut lists = Lists::default();
    let mut last = None;
    for (object, place) in pairs {
        while lists.begin.len() <= object as usize {
            lists.begin.push(length(&lists.entries));
        }
        let (block, bit) = (place / 64, 1 << (place % 64));
        match lists.entries.last_mut().filter(|_| last == Some((object, block))) {
            Some(entry) => entry.bits |= bit,
            None => lists.entries.push(Entry { block, bits: bit }),
        }
        last = Some((object, block));
    }
    while lists.begin.len() < count + 2 {
        lists.begin.push(length(&lists.entries));
    }
    lists.entries.shrink_to_fit();
    lists
}

fn length(entries: &[Entry]) -> u32 {
    u32::try_from(entries.len()).unwrap_or(u32::MAX)
}
