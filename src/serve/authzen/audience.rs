//! What audiences are left of a token that is asked about for several.
//!
//! A call has a gate for each audience, in an exchange one for each party. One that is refused does not refuse the others:
//! the first gate that is open names those that are left, and the token is good for no other. When nothing is refused,
//! nothing is said. Start with [`Audiences::left`].
//!
//! Source: draft-gazitt-oauth-authzen-issuance, `audience`; read August 2026.

use super::answer::Outcome;
use super::batch::Item;
use super::question::Question;
use crate::serve::gate::is_gate;

/// The audiences that the gates of a call are about, by the place of the item; `None` for what is no gate for one.
#[derive(Debug)]
pub struct Audiences(Vec<Option<String>>);

impl Audiences {
    /// Those of a call.
    pub fn of(items: &[Item]) -> Self {
        let is_for_one =
            |item: &&Question| is_gate(&item.action.name) && matches!(&*item.resource.kind, "audience" | "application");
        let audience = |item: &Item| item.as_ref().ok().filter(is_for_one).map(|gate| gate.resource.id.clone());
        Self(items.iter().map(audience).collect())
    }

    /// Those at all of whose gates `outcomes` have an allow, in the order of the call; `None` when there are not several, or
    /// all are left. A gate that was not asked about any more is not open. Cost: quadratic in the items, which are few.
    pub fn left(&self, outcomes: &[Outcome]) -> Option<Vec<&str>> {
        let mut all: Vec<&str> = Vec::new();
        for audience in self.0.iter().flatten() {
            if !all.contains(&audience.as_str()) {
                all.push(audience);
            }
        }
        let is_open = |audience: &&str| {
            let mut places = self.0.iter().enumerate().filter(|(_, of)| of.as_deref() == Some(*audience));
            places.all(|(place, _)| outcomes.get(place).is_some_and(|outcome| outcome.allows))
        };
        let left: Vec<_> = all.iter().copied().filter(is_open).collect();
        (all.len() > 1 && left.len() < all.len()).then_some(left)
    }
}
