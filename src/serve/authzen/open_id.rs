//! What a token has beside its OpenID scopes.
//!
//! Each scope of a call is decided as if the token were left with it alone. `openid` and its like alone are a request for
//! the directory; beside a scope of the application they are a part of that request. So they are decided last, together
//! with the scopes that the token is sure to be left with, and alone when there is none: [`OpenId::beside`] says which. The
//! other baseline scopes, such as `User.Read`, are permissions of their own, and stay alone. Nothing here decides.
//!
//! Source: Entra documentation, Conditional Access: Target resources, "New Conditional Access behavior when an all
//! resources policy has a resource exclusion"; draft-gazitt-oauth-authzen-issuance; both read August 2026.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::Outcome;
use super::batch::Item;
use super::question::Question;
use crate::evaluate::is_open_id;
use crate::serve::gate::is_gate;

/// The items of a call about a token with OpenID scopes, in order; none of another one, or when one of them is no question:
/// nobody knows then which scope it refuses.
#[derive(Debug, Default)]
pub struct OpenId(Vec<Said>);

/// What an item is about.
#[derive(Debug)]
struct Said {
    /// Its action.
    name: String,
    /// The place of the first item with the same resource.
    resource: usize,
    /// The place of the first item that asks the same but for the action.
    question: usize,
}

impl OpenId {
    /// Those of a call. Cost: quadratic in the items, which are few, when one of them is an OpenID scope.
    pub fn of(items: &[Item]) -> Self {
        let all: Vec<&Question> = items.iter().flatten().collect();
        // Without a gate in front, names of actions are no scopes.
        let has_gate = all.first().is_some_and(|first| is_gate(&first.action.name));
        if !has_gate || all.len() < items.len() || !all.iter().any(|item| is_open_id(&item.action.name)) {
            return Self::default();
        }
        let place = |is_same: &dyn Fn(&Question) -> bool| all.iter().position(|item| is_same(item)).unwrap_or_default();
        let said = |this: &&Question| Said {
            name: this.action.name.clone(),
            resource: place(&|item| item.resource.is(&this.resource)),
            question: place(&|item| {
                item.resource == this.resource && item.subject == this.subject && item.context == this.context
            }),
        };
        Self(all.iter().map(said).collect())
    }

    /// Whether the item at `place` is an OpenID scope.
    pub fn is_one(&self, place: usize) -> bool {
        self.0.get(place).is_some_and(|said| is_open_id(&said.name))
    }

    /// The scopes that the token is sure to be left with beside the OpenID scope at `place`, sorted; none of another item.
    /// They are asked for in the same circumstances. Wherever the call asks for a scope of that name, at an audience that is
    /// left, it is allowed, and nothing is owed for it that is not owed for a gate there: who cannot give that must leave the
    /// scope out. What `outcomes`, by place, do not have is not allowed, and an audience may be left whose gates they do not
    /// have. Cost: linear in the items, but for looking up.
    pub fn beside(&self, place: usize, outcomes: &BTreeMap<usize, Outcome>) -> Vec<String> {
        let Some(this) = self.0.get(place).filter(|this| is_open_id(&this.name)) else { return Vec::new() };
        let each = || self.0.iter().enumerate();
        let (mut shut, mut open_later, mut told) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (place, gate) in each().filter(|(_, said)| is_gate(&said.name)) {
            match outcomes.get(&place) {
                Some(outcome) if outcome.allows => told.extend(outcome.owed.iter().map(|id| (gate.resource, id))),
                Some(_) => drop(shut.insert(gate.resource)),
                None => drop(open_later.insert(gate.resource)),
            }
        }
        let is_scope = |said: &Said| !is_gate(&said.name) && !is_open_id(&said.name) && !shut.contains(&said.resource);
        let scopes = || each().filter(|(_, said)| is_scope(said));
        let is_sure = |place: &usize, at: usize| {
            let allowed = outcomes.get(place).filter(|outcome| outcome.allows && !open_later.contains(&at));
            allowed.is_some_and(|outcome| outcome.owed.iter().all(|id| told.contains(&(at, id))))
        };
        let unsure = scopes().filter(|(place, said)| !is_sure(place, said.resource));
        let unsure: BTreeSet<_> = unsure.map(|(_, said)| &said.name).collect();
        let same = scopes().filter(|(_, said)| said.question == this.question && !unsure.contains(&said.name));
        same.map(|(_, said)| said.name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }
}
