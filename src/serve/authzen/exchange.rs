//! Whose token is exchanged, and by whom, as everything that is asked about an exchange tells it.
//!
//! A caller asks about an exchange with two gates of the same action and resource: the first is for the subject of the
//! token, the second for the party that requests it. Each is decided by itself; a condition that is about the two of
//! them needs to see the other one. So both have the attributes [`NAMES`], and so have the scopes of the same resource,
//! which are judged alike whether the call asks about them or not. With any other number of parties they have none, and
//! who requests it is unknown. Nobody else says them: [`super::question`] takes them out of what callers say.
//!
//! Source: AuthZEN binding for OAuth 2.0 token exchange, requesting party gate tuple, read August 2026.

use prost_types::Value;
use prost_types::value::Kind;

use super::batch::Item;
use super::question::{Entity, Question};
use crate::serve::gate::is_gate;

/// The attributes that name the subject, and those that name the requesting party.
pub const NAMES: [[&str; 2]; 2] =
    [["exchange.subject.type", "exchange.subject.id"], ["exchange.party.type", "exchange.party.id"]];

/// Adds the attributes to the context of every gate and scope of an exchange. Cost: quadratic in the items, which are
/// few.
pub fn tell(items: &mut [Item]) {
    let parties: Vec<_> = items.iter().map(|item| item.as_ref().ok().and_then(|item| parties(items, item))).collect();
    for (item, parties) in items.iter_mut().zip(parties) {
        let (Ok(item), Some(parties)) = (item, parties) else { continue };
        for (names, entity) in NAMES.into_iter().zip(parties) {
            for (name, text) in names.into_iter().zip(entity) {
                item.context.insert(name.to_owned(), Value { kind: Some(Kind::StringValue(text)) });
            }
        }
    }
}

/// The two parties of the exchange that `item` belongs to, each by type and id. A scope belongs to every gate of its
/// resource.
fn parties(items: &[Item], item: &Question) -> Option<[[String; 2]; 2]> {
    let name = &item.action.name;
    let is_its = |gate: &&Question| {
        is_exchange(gate) && gate.resource.is(&item.resource) && (!is_gate(name) || gate.action.name == *name)
    };
    let gates = || items.iter().flatten().filter(is_its).map(|gate| &gate.subject);
    let subject = gates().next()?;
    let party = gates().find(|other| !other.is(subject))?;
    let are_two = gates().all(|other| other.is(subject) || other.is(party));
    are_two.then(|| [subject, party].map(|Entity { kind, id, .. }| [kind.clone(), id.clone()]))
}

/// Whether the question is a gate of an exchange.
pub fn is_exchange(question: &Question) -> bool {
    is_gate(&question.action.name) && question.action.name.ends_with(":token_exchange")
}
