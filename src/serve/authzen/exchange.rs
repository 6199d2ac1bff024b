//! Whose token is exchanged, and by whom, as both gates of an exchange tell it together.
//!
//! A caller asks about an exchange with two gates of the same action and resource: the first is for the subject of the
//! token, the second for the party that requests it. Each is decided by itself; a condition that is about the two of
//! them needs to see the other one. So both have the attributes [`SUBJECT`] and [`PARTY`]. With any other number of
//! parties they have none, and who requests it is unknown.
//!
//! Source: AuthZEN binding for OAuth 2.0 token exchange, requesting party gate tuple, read August 2026.

use prost_types::Value;
use prost_types::value::Kind;

use super::batch::Item;
use super::question::{Entity, Question};
use super::request::is_gate;

/// The attributes that name the subject.
const SUBJECT: [&str; 2] = ["exchange.subject.type", "exchange.subject.id"];
/// The attributes that name the requesting party.
const PARTY: [&str; 2] = ["exchange.party.type", "exchange.party.id"];

/// Adds the attributes to the context of every gate of an exchange. Cost: quadratic in the gates, which are few.
pub fn tell(items: &mut [Item]) {
    let parties: Vec<_> = items.iter().map(|item| item.as_ref().ok().and_then(|gate| parties(items, gate))).collect();
    for (item, parties) in items.iter_mut().zip(parties) {
        let (Ok(gate), Some([subject, party])) = (item, parties) else { continue };
        for (names, entity) in [(SUBJECT, subject), (PARTY, party)] {
            for (name, text) in names.into_iter().zip(entity) {
                gate.context.insert(name.to_owned(), Value { kind: Some(Kind::StringValue(text)) });
            }
        }
    }
}

/// The two parties of the exchange that `gate` is one of, each by type and id.
fn parties(items: &[Item], gate: &Question) -> Option<[[String; 2]; 2]> {
    let is_exchange = is_gate(&gate.action.name) && gate.action.name.ends_with(":token_exchange");
    let is_same = |other: &&Question| {
        other.action.name == gate.action.name
            && other.resource.kind == gate.resource.kind
            && other.resource.id == gate.resource.id
    };
    let is = |one: &Entity, other: &Entity| one.kind == other.kind && one.id == other.id;
    let gates = || items.iter().flatten().filter(|_| is_exchange).filter(is_same).map(|gate| &gate.subject);
    let subject = gates().next()?;
    let party = gates().find(|other| !is(other, subject))?;
    let are_two = gates().all(|other| is(other, subject) || is(other, party));
    are_two.then(|| [subject, party].map(|entity| [entity.kind.clone(), entity.id.clone()]))
}
