//! The policies that may apply to a user or an agent identity: the masks of all dimensions joined, block by block.
//!
//! Says nothing about what a condition means; `compile::subject` has the masks, and [`condition`] settles what they leave
//! open. Start with [`note_policies`].

use super::combine::Combination;
use super::condition;
use super::facts::Facts;
use crate::compile::{Block, Dimension, MaskEntry, Member, Population, SubjectWords, mask_of, ones};
use crate::limits;
use crate::model::IdentityKind;

/// Memory for masks and the rows that they are made of, to reuse.
#[derive(Debug, Default)]
pub struct SubjectScratch {
    /// For each block the policies that may cover the subject. INVARIANT: all zeros between decisions.
    standing: Vec<u64>,
    /// Blocks that are not broad and have such policies, none twice.
    touched: Vec<u32>,
    /// The applications of the request, by number.
    apps: Vec<u32>,
    /// Locations that contain the request, and those that may.
    inside: Vec<u32>,
    possible: Vec<u32>,
}

/// Notes every policy of `population` that may apply, in no order, none twice.
pub fn note_policies(
    population: &Population,
    facts: &Facts<'_>,
    scratch: &mut SubjectScratch,
    outcome: &mut Combination,
) {
    let (blocks, broad) = population.sizes();
    if blocks == 0 {
        return;
    }
    scratch.reserve(blocks);
    let words = SubjectWords::of(facts.request);
    scratch.cover(population, facts, &words, broad);
    let SubjectScratch { standing, touched, apps, inside, possible } = scratch;
    population.named_locations(facts.locations.inside(), inside);
    population.named_locations(facts.locations.possible(), possible);
    let target = Target::of(population, facts, apps);
    for number in (0..broad).chain(touched.iter().map(|number| *number as usize)) {
        let Some(covering) = standing.get_mut(number).map(std::mem::take) else { continue };
        let block = population.block(number);
        let mut rest = covering & block.matching(&words);
        if rest != 0 {
            rest &= target.policies(number, block) & population.placed(number, inside, possible);
        }
        let member = |bit: u32| population.policy(number * 64 + bit as usize);
        let open = rest & !block.settled();
        for bit in ones(open) {
            let Member { slot, residual, .. } = member(bit);
            if !condition::residual_may_apply(facts.bundle.slot(slot), facts, residual) {
                rest &= !(1 << bit);
            }
        }
        if rest != 0 {
            outcome.note_applying(|blocks, reported| ones(block.of_kind(rest, blocks, reported)).map(member));
        }
    }
    touched.clear();
}

impl SubjectScratch {
    /// All memory that a population can need is taken at its first decision.
    fn reserve(&mut self, blocks: usize) {
        if self.standing.len() < blocks {
            self.standing.resize(blocks, 0);
            self.touched.reserve(blocks);
            // The directory may stand beside the resources that are named.
            self.apps.reserve(limits::RESOURCES_MAX + 1);
        }
    }

    /// Fills `standing`: whom policies include by kind or by name, without those whom they certainly exclude by name.
    fn cover(&mut self, population: &Population, facts: &Facts<'_>, words: &SubjectWords, broad: usize) {
        let Self { standing, touched, .. } = self;
        for (number, word) in standing.iter_mut().enumerate().take(broad) {
            *word = population.block(number).included(words);
        }
        let identity = &facts.request.identity;
        let own = population.id(identity.id);
        population.include(Dimension::Id, Some(own.as_slice()), standing, touched);
        match identity.kind {
            IdentityKind::User => {
                let (groups, roles) = (facts.memberships.groups(), facts.memberships.roles());
                population.include(Dimension::Group, groups, standing, touched);
                population.include(Dimension::Role, roles, standing, touched);
                population.exclude(Dimension::Group, groups, standing);
                population.exclude(Dimension::Role, roles, standing);
            }
            IdentityKind::AgentIdentity => {
                let blueprint = identity.blueprint.map(|blueprint| population.id(blueprint));
                let blueprint = blueprint.as_ref().map(Option::as_slice);
                population.include(Dimension::Id, blueprint, standing, touched);
                population.exclude(Dimension::Id, blueprint, standing);
            }
            _ => {}
        }
        population.exclude(Dimension::Id, Some(own.as_slice()), standing);
    }
}

/// What a request is for, as far as policies name it.
struct Target<'s> {
    population: &'s Population,
    apps: &'s [u32],
    /// Of a request without an application: whether it says an action in its place.
    unsaid: Option<bool>,
    /// The row of user actions, if any may be meant.
    action: Option<Option<crate::model::UserAction>>,
    /// Policies for the authentication context that is asked for.
    context: &'s [MaskEntry],
    may_be_any_context: bool,
}

impl<'s> Target<'s> {
    fn of(population: &'s Population, facts: &Facts<'_>, apps: &'s mut Vec<u32>) -> Self {
        let resource = &facts.request.resource;
        apps.clear();
        apps.extend(facts.audiences.iter().map(|(app_id, _)| population.app(app_id)));
        let is_unsaid = facts.audiences.is_empty();
        let action = resource.user_action;
        Self {
            population,
            apps,
            unsaid: is_unsaid.then_some(action.is_some()),
            action: (action.is_some() || is_unsaid).then_some(action),
            context: resource.authentication_context.as_ref().map_or(&[], |asked| population.context(asked)),
            may_be_any_context: resource.authentication_context.is_none() && is_unsaid && action.is_none(),
        }
    }

    /// The policies of a block that may be for it.
    fn policies(&self, number: usize, block: &Block) -> u64 {
        let unsaid = self.unsaid.map_or(0, |is_action| block.without_app(is_action));
        let mut bits = self.apps.iter().fold(unsaid, |bits, app| bits | self.population.for_app(number, *app));
        bits |= self.action.map_or(0, |action| block.action(action));
        bits |= mask_of(self.context, number).unwrap_or(0);
        bits | if self.may_be_any_context { block.any_context() } else { 0 }
    }
}
