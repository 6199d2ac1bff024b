//! What would turn a decision around, in a sentence for people and as members for programs.

use serde::Serialize;

use super::paint;
use crate::compile::CompiledBundle;
use crate::model::{Decision, TokenRequest};
use crate::review::flip::{Deed, Fact, Flip, Searched};
use crate::text::plain;

/// An answer with the change beside its own members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained<'a, A> {
    #[serde(flatten)]
    answer: &'a A,
    smallest_change: Option<Change>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    smallest_change_cut: bool,
}

#[derive(Serialize)]
struct Change {
    decision: &'static str,
    facts: Vec<Member>,
}

#[derive(Serialize)]
struct Member {
    field: &'static str,
    deed: &'static str,
    value: String,
    before: Option<String>,
}

/// `answer`, and `smallestChange`: null when none was found, with `smallestChangeCut` when not all that there is was tried.
pub fn with_change<'a, A>(answer: &'a A, searched: Option<&Searched>, request: &TokenRequest<'_>) -> Explained<'a, A> {
    let member = |fact: &Fact| Member {
        field: fact.field(),
        deed: fact.deed().as_str(),
        value: fact.value(),
        before: fact.before(request),
    };
    let change =
        |flip: &Flip| Change { decision: flip.decision.as_str(), facts: flip.facts.iter().map(member).collect() };
    Explained {
        answer,
        smallest_change: searched.and_then(Searched::found).map(change),
        smallest_change_cut: searched == Some(&Searched::Cut),
    }
}

/// One line: what to change, or that nothing was found. `now` is what is decided without a change.
pub fn sentence(
    bundle: &CompiledBundle,
    searched: Option<&Searched>,
    now: Decision,
    request: &TokenRequest<'_>,
) -> String {
    let turned = match now {
        Decision::Allow => "block",
        Decision::Block => "allow",
    };
    let flip = match searched {
        Some(Searched::Found(flip)) => flip,
        Some(Searched::Cut) => {
            return format!(
                "smallest change to {turned}: none found; policies look at more than was tried, one fact or two at a time\n"
            );
        }
        Some(Searched::Nothing) | None => {
            return format!("smallest change to {turned}: none of one or two facts that policies look at\n");
        }
    };
    let facts: Vec<_> = flip.facts.iter().map(|fact| told(bundle, fact, request)).collect();
    format!("smallest change to {}: {}\n", paint::decision(flip.decision, turned), plain(&facts.join(" and ")))
}

fn told(bundle: &CompiledBundle, fact: &Fact, request: &TokenRequest<'_>) -> String {
    let (field, value) = (fact.field(), fact.value());
    match fact.deed() {
        Deed::Add => format!("`{value}` in {field}"),
        Deed::Remove => format!("`{value}` no longer in {field}"),
        Deed::Set => {
            let now = fact.before(request).unwrap_or_else(|| "not said".to_owned());
            format!("{field} {value}{} (now {now})", place(bundle, fact))
        }
    }
}

/// Where an address is, by the names of locations.
fn place(bundle: &CompiledBundle, fact: &Fact) -> String {
    let Fact::Address(address) = fact else { return String::new() };
    let table = bundle.location_table();
    let mut names = Vec::new();
    bundle.place(*address).locations.each(|location| {
        names.extend(table.names.get(usize::from(location)).map(|name| format!("`{name}`")));
    });
    if names.is_empty() { ", in no named location".to_owned() } else { format!(", in {}", names.join(" and ")) }
}
