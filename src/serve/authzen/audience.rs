//! What audiences are left of a token that is asked about for several.
//!
//! A call has a gate for each audience, in an exchange one for each party. One that is refused does not refuse the others:
//! the first gate that is open names those that are left, and the token is good for no other. What policies say of it for
//! an audience that is not left holds for no token: none of that is told. When nothing is refused, nothing is said. Start
//! with [`Audiences::left`].
//!
//! Source: draft-gazitt-oauth-authzen-issuance, `audience`; read August 2026.

use super::answer::Outcome;
use super::batch::Item;
use super::question::Question;
use crate::serve::gate::is_gate;

/// The audiences that a call is about.
#[derive(Debug)]
pub struct Audiences {
    /// By the place of the item; `None` for what is about none.
    items: Vec<Option<Audience>>,
    /// Whether an item is no question: nobody knows which audience it was a gate for, if it was one, and it is not open.
    has_unread: bool,
}

/// What an item says of an audience.
#[derive(Debug)]
struct Audience {
    id: String,
    /// Whether the item is a gate for it; otherwise a scope.
    is_gate: bool,
}

impl Audiences {
    /// Those of a call.
    pub fn of(items: &[Item]) -> Self {
        let is_for_one = |item: &&Question| matches!(&*item.resource.kind, "audience" | "application");
        let audience = |item: &Question| Audience { id: item.resource.id.clone(), is_gate: is_gate(&item.action.name) };
        let of_item = |item: &Item| item.as_ref().ok().filter(is_for_one).map(audience);
        Self { items: items.iter().map(of_item).collect(), has_unread: items.iter().any(Result::is_err) }
    }

    /// Those at all of whose gates `outcomes` have an allow, in the order of the call; `None` when there are not several, or
    /// all are left, and all items could be read. Outcomes for the others shape no token any more. A gate that was not
    /// asked about any more is not open. Cost: quadratic in the items, which are few.
    pub fn left(&self, outcomes: &mut [Outcome]) -> Option<Vec<&str>> {
        let mut all: Vec<&str> = Vec::new();
        for (_, gate) in self.gates() {
            if !all.contains(&gate) {
                all.push(gate);
            }
        }
        let is_open = |audience: &&str| {
            let mut places = self.gates().filter(|(_, of)| of == audience);
            places.all(|(place, _)| outcomes.get(place).is_some_and(|outcome| outcome.allows))
        };
        let (left, shut): (Vec<_>, Vec<_>) = all.iter().copied().partition(is_open);
        let are_several = all.len() + usize::from(self.has_unread) > 1;
        if !are_several || (shut.is_empty() && !self.has_unread) {
            return None;
        }
        for (outcome, of) in outcomes.iter_mut().zip(&self.items) {
            outcome.shapes &= of.as_ref().is_none_or(|of| !shut.contains(&&*of.id));
        }
        Some(left)
    }

    /// Places and audiences of the gates.
    fn gates(&self) -> impl Iterator<Item = (usize, &str)> {
        let places = self.items.iter().enumerate();
        places.filter_map(|(place, of)| of.as_ref().filter(|of| of.is_gate).map(|of| (place, &*of.id)))
    }
}
