//! From a user or an agent identity to the policies that may apply, as masks.
//!
//! The policies of a population are numbered by *place*, sixty-four to a [`Block`]. For each dimension of a request there
//! is a mask of the policies whose condition may hold: whom they cover by kind alone, whom by name, the words of small
//! vocabularies, the application, the locations. A decision joins the masks of a block and looks at what is left. Blocks
//! of policies that name neither the caller nor everybody are never touched.
//!
//! A mask says what *may* hold: unknown includes are in it, and only certain excludes are not. What depends on more than
//! the tables know, such as a device filter, is [`Residual`], and is asked of the policies that are left. Start with
//! [`Population`]; `build` makes it.

use super::idmap::IdMap;
use super::location::{LocationSet, ones};
use super::policy::{PolicyIndex, Slot};
use crate::model::set::Word;
use crate::model::{
    ClientApp, GuestType, IdRef, IdentityKind, InsiderRiskLevel, Platform, RiskLevel, TokenRequest, TransferMethod,
    UserAction,
};

mod build;

#[cfg(test)]
mod tests;

pub use build::Subjects;

/// Kinds of subject: users by kind of guest, those of unknown kind, and agents' user accounts. Agent identities are of one
/// kind, the first.
const KINDS: usize = GuestType::ALL.len() + 2;
const UNKNOWN_GUEST: usize = GuestType::ALL.len();
const AGENT_USER: usize = GuestType::ALL.len() + 1;
const RISKS: usize = RiskLevel::ALL.len();

/// The policies that target users, or those that target agent identities.
#[derive(Debug, Default)]
pub struct Population {
    /// By place, those that cover somebody by kind alone first, and of these together what comes to the same.
    policies: Vec<Member>,
    blocks: Vec<Block>,
    /// Blocks from the first that have policies that cover somebody by kind alone.
    broad: usize,
    ids: IdMap<u32>,
    by_id: Sides,
    /// By number of the bundle's directory objects.
    by_group: Sides,
    by_role: Sides,
    apps: IdMap<u32>,
    /// What stands in the place of the mask of strangers.
    by_app: Lists,
    contexts: IdMap<u32>,
    by_context: Lists,
    locations: Locations,
    personal: Vec<Slot>,
}

/// A policy of a population.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its slot.
    pub slot: Slot,
    /// Which policy it is.
    pub index: PolicyIndex,
    /// What of it the tables do not settle.
    pub residual: Residual,
}

/// Sixty-four policies: a bit for each that may hold, by each word that a request can say, in the last place also by
/// none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Block {
    included: [u64; KINDS],
    /// Certainly excluded.
    excluded: [u64; KINDS],
    platform: [u64; Platform::ALL.len() + 1],
    client_app: [u64; ClientApp::ALL.len() + 1],
    sign_in_risk: [u64; RISKS],
    user_risk: [u64; RISKS],
    service_principal_risk: [u64; RISKS],
    agent_risk: [u64; RISKS],
    insider_risk: [u64; InsiderRiskLevel::ALL.len()],
    flow: [u64; TransferMethod::ALL.len()],
    /// An application that no policy of the block names.
    other_app: u64,
    /// A request that says neither application nor action, and one that says an action.
    unsaid_app: u64,
    no_app: u64,
    action: [u64; UserAction::ALL.len() + 1],
    any_context: u64,
    /// Policies that include everywhere.
    everywhere: u64,
    /// Policies of which the tables settle all.
    settled: u64,
    /// Policies that block.
    blocks: u64,
    /// Policies that are reported only.
    report_only: u64,
}

/// The words of a request, as rows of a [`Block`].
#[derive(Clone, Copy, Debug)]
pub struct Words {
    kind: usize,
    platform: usize,
    client_app: usize,
    sign_in_risk: usize,
    user_risk: usize,
    service_principal_risk: usize,
    agent_risk: usize,
    insider_risk: usize,
    flow: usize,
}

impl Words {
    /// The words of `request`.
    pub fn of(request: &TokenRequest<'_>) -> Self {
        let (identity, risk) = (&request.identity, &request.risk);
        Self {
            kind: match identity.kind {
                IdentityKind::User => identity.guest_type.map_or(UNKNOWN_GUEST, Word::index),
                IdentityKind::AgentUser => AGENT_USER,
                _ => 0,
            },
            platform: request.platform.map_or(Platform::ALL.len(), Word::index),
            client_app: request.client_app.map_or(ClientApp::ALL.len(), Word::index),
            sign_in_risk: risk.sign_in.index(),
            user_risk: risk.user.index(),
            service_principal_risk: risk.service_principal.index(),
            agent_risk: risk.agent.index(),
            insider_risk: risk.insider.index(),
            flow: request.authentication_flow.unwrap_or(TransferMethod::None).index(),
        }
    }
}

impl Block {
    /// Policies that include the kind of subject.
    pub fn included(&self, words: &Words) -> u64 {
        at(&self.included, words.kind)
    }

    /// Policies that do not certainly exclude the kind of subject and whose words match.
    pub fn matching(&self, words: &Words) -> u64 {
        !at(&self.excluded, words.kind)
            & at(&self.platform, words.platform)
            & at(&self.client_app, words.client_app)
            & at(&self.sign_in_risk, words.sign_in_risk)
            & at(&self.user_risk, words.user_risk)
            & at(&self.service_principal_risk, words.service_principal_risk)
            & at(&self.agent_risk, words.agent_risk)
            & at(&self.insider_risk, words.insider_risk)
            & at(&self.flow, words.flow)
    }

    /// Policies for user actions, by the action; `None`: for any.
    pub fn action(&self, action: Option<UserAction>) -> u64 {
        at(&self.action, action.map_or(UserAction::ALL.len(), Word::index))
    }

    /// Policies for any authentication context.
    pub const fn any_context(&self) -> u64 {
        self.any_context
    }

    /// Policies of which the tables settle all.
    pub const fn settled(&self) -> u64 {
        self.settled
    }

    /// Policies of `applying` that are enforced or `reported` and block or do not.
    pub const fn of_kind(&self, applying: u64, blocks: bool, reported: bool) -> u64 {
        let blocking = if blocks { self.blocks } else { !self.blocks };
        applying & blocking & if reported { self.report_only } else { !self.report_only }
    }

    /// Policies that a request without an application meets, which `is_action` or not.
    pub const fn without_app(&self, is_action: bool) -> u64 {
        if is_action { self.no_app } else { self.unsaid_app }
    }
}

fn at(row: &[u64], place: usize) -> u64 {
    row.get(place).copied().unwrap_or_default()
}

/// What of a policy the tables do not settle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residual(u8);

impl Residual {
    /// Whom it covers.
    pub const SUBJECT: Self = Self(1);
    /// Which applications.
    pub const RESOURCE: Self = Self(2);
    /// Which devices.
    pub const DEVICE: Self = Self(4);
    /// The condition in Cedar.
    pub const WHEN: Self = Self(8);

    /// Whether all is settled.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `part` is not settled.
    pub const fn has(self, part: Self) -> bool {
        self.0 & part.0 != 0
    }
}

/// Some policies of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    block: u32,
    bits: u64,
}

/// The policies that name each of many objects; entries of one are ascending by block.
#[derive(Debug, Default)]
struct Lists {
    begin: Vec<u32>,
    entries: Vec<Entry>,
}

impl Lists {
    fn of(&self, number: u32) -> &[Entry] {
        let number = number as usize;
        let range = self.begin.get(number).zip(self.begin.get(number + 1));
        range.and_then(|(begin, end)| self.entries.get(*begin as usize..*end as usize)).unwrap_or_default()
    }

    /// All that any object has.
    fn any(&self) -> &[Entry] {
        self.of(u32::try_from(self.begin.len().saturating_sub(2)).unwrap_or(u32::MAX))
    }

    fn bytes(&self) -> usize {
        size_of_val(self.begin.as_slice()) + size_of_val(self.entries.as_slice())
    }
}

/// The policies that include, and those that exclude, each of many objects.
#[derive(Debug, Default)]
struct Sides {
    include: Lists,
    exclude: Lists,
}

/// Objects that a subject is or belongs to; `None`: nobody said which.
pub type Named<'a> = Option<&'a [u32]>;

/// A dimension in which subjects are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// By an id of theirs.
    Id,
    /// By a group.
    Group,
    /// By a role.
    Role,
}

impl Population {
    /// The policy at `place`.
    #[expect(clippy::indexing_slicing, reason = "a mask has a bit for each policy of the population and no other")]
    pub fn policy(&self, place: usize) -> Member {
        self.policies[place]
    }

    /// How many blocks there are, and how many of those, from the first, cover somebody by kind alone.
    pub fn sizes(&self) -> (usize, usize) {
        (self.blocks.len(), self.broad)
    }

    /// The block of that number.
    #[expect(clippy::indexing_slicing, reason = "numbers of blocks are made by this population")]
    pub fn block(&self, number: usize) -> &Block {
        &self.blocks[number]
    }

    /// The number of a subject's id that some policy names.
    pub fn id(&self, id: IdRef<'_>) -> Option<u32> {
        self.ids.value(id).copied()
    }

    /// Adds the policies that may include what is named to `standing`; blocks beyond the broad ones that had none are
    /// pushed to `touched`.
    pub fn include(&self, dimension: Dimension, named: Named<'_>, standing: &mut [u64], touched: &mut Vec<u32>) {
        let lists = &self.sides(dimension).include;
        let mut add = |entries: &[Entry]| {
            for entry in entries {
                let Some(word) = standing.get_mut(entry.block as usize) else { continue };
                if *word == 0 && entry.block as usize >= self.broad {
                    touched.push(entry.block);
                }
                *word |= entry.bits;
            }
        };
        match named {
            Some(numbers) => numbers.iter().for_each(|number| add(lists.of(*number))),
            None => add(lists.any()),
        }
    }

    /// Takes the policies that certainly exclude what is named out of `standing`.
    pub fn exclude(&self, dimension: Dimension, named: Named<'_>, standing: &mut [u64]) {
        let lists = &self.sides(dimension).exclude;
        for entry in named.unwrap_or_default().iter().flat_map(|number| lists.of(*number)) {
            if let Some(word) = standing.get_mut(entry.block as usize) {
                *word &= !entry.bits;
            }
        }
    }

    fn sides(&self, dimension: Dimension) -> &Sides {
        match dimension {
            Dimension::Id => &self.by_id,
            Dimension::Group => &self.by_group,
            Dimension::Role => &self.by_role,
        }
    }

    /// The number of an application, which may be none that policies name.
    pub fn app(&self, app_id: IdRef<'_>) -> u32 {
        self.apps.value(app_id).copied().unwrap_or(u32::MAX)
    }

    /// Policies of a block that may cover the application of that number.
    pub fn for_app(&self, block: usize, app: u32) -> u64 {
        found(self.by_app.of(app), block).unwrap_or_else(|| self.block(block).other_app)
    }

    /// The policies for an authentication context.
    pub fn context(&self, context: &str) -> &[Entry] {
        let number = self.contexts.value(IdRef::Text(context));
        number.map_or(&[], |number| self.by_context.of(*number))
    }

    /// Policies of a block whose locations may match.
    pub fn placed(&self, block: usize, inside: &[u32], possible: &[u32]) -> u64 {
        let locations = &self.locations;
        let included = possible.iter().fold(self.block(block).everywhere, |bits, location| {
            bits | at(&locations.include, *location as usize * self.blocks.len() + block)
        });
        inside.iter().fold(included, |bits, location| {
            bits & !at(&locations.exclude, *location as usize * self.blocks.len() + block)
        })
    }

    /// Puts those of `locations` that policies name into `named`.
    pub fn named_locations(&self, locations: &LocationSet, named: &mut Vec<u32>) {
        named.clear();
        // All that any request can need, so that none but the first allocates.
        named.reserve(self.locations.named.len() * 64);
        for (first, (locations, known)) in (0..).step_by(64).zip(locations.iter().zip(&self.locations.named)) {
            named.extend(ones(locations & known).map(|bit| first + bit));
        }
    }

    /// Policies whose include side names personal accounts, ascending.
    pub fn naming_personal_accounts(&self) -> &[Slot] {
        &self.personal
    }

    /// Memory of the tables, bytes.
    pub fn bytes(&self) -> usize {
        let sides = [&self.by_id, &self.by_group, &self.by_role];
        size_of_val(self.policies.as_slice())
            + size_of_val(self.personal.as_slice())
            + size_of_val(self.blocks.as_slice())
            + [&self.ids, &self.apps, &self.contexts].into_iter().map(IdMap::bytes).sum::<usize>()
            + sides.into_iter().map(|sides| sides.include.bytes() + sides.exclude.bytes()).sum::<usize>()
            + self.by_app.bytes()
            + self.by_context.bytes()
            + (self.locations.include.len() + self.locations.exclude.len()) * 8
    }
}

/// The entry of a block.
pub fn found(entries: &[Entry], block: usize) -> Option<u64> {
    let place = entries.binary_search_by(|entry| (entry.block as usize).cmp(&block)).ok()?;
    entries.get(place).map(|entry| entry.bits)
}

/// Policies that include and exclude each location, a row of blocks each; policies that exclude everywhere are in none.
#[derive(Debug, Default)]
struct Locations {
    include: Vec<u64>,
    exclude: Vec<u64>,
    /// The locations that any of them names, as long as the sets of the bundle are.
    named: Vec<u64>,
}
