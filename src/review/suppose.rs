//! Requests that could be asked of a bundle: those that its own names, ranges and words suggest, one fact at a time.
//!
//! The search for a request that reaches a goal goes from fact to fact: conditions of a policy look at different facts, so
//! that choosing each by itself finds most of what there is. What it does not find may exist all the same.
//! Start with [`Supposed::find`].

mod pool;

use std::borrow::Cow;

use super::request;
use crate::limits;
use crate::model::{Bundle, TokenRequest};
use crate::text::{Diagnostics, Entry, Node, Span, Value};

/// What requests can be made of.
#[derive(Debug)]
pub struct Supposed {
    /// Requests to begin with: one for each identity, then those of existing cases.
    starts: Vec<Node<'static>>,
    /// Paths of a request, each with the values that matter to the bundle.
    facts: Vec<(&'static str, Vec<Node<'static>>)>,
}

impl Supposed {
    /// What `bundle` suggests. `asked` are requests of existing cases: some facts, such as those that conditions in Cedar
    /// look at, are found nowhere else.
    pub fn of(bundle: &Bundle, asked: impl Iterator<Item = Node<'static>>) -> Self {
        let identities = pool::identities(bundle);
        let alone = |identity: &Node<'static>| put(object([]), "identity", identity.clone());
        let starts = identities.iter().map(alone).chain(asked.take(limits::SUPPOSED_STARTS_MAX)).collect();
        let mut facts = vec![("identity", identities)];
        facts.extend(pool::facts(bundle));
        Self { starts, facts }
    }

    /// A request that `distance` finds at the goal, which is 0; it says `None` of one that cannot be decided. The fewer
    /// facts a request needs the earlier it is found.
    ///
    /// Cost: at most a few rounds over all facts for each of the starts that are nearest.
    pub fn find(&self, distance: impl Fn(&TokenRequest<'_>) -> Option<usize>) -> Option<Node<'static>> {
        const NEAREST: usize = 8;
        let measured = |node: &Node<'static>| with_request(node, &distance).flatten();
        let mut starts: Vec<_> = self.starts.iter().filter_map(|node| Some((measured(node)?, node))).collect();
        starts.sort_by_key(|(distance, _)| *distance);
        starts.into_iter().take(NEAREST).find_map(|(distance, start)| self.climb(start.clone(), distance, &measured))
    }

    /// Requests that differ from `request` in one fact.
    pub fn neighbours(&self, request: &Node<'static>) -> impl Iterator<Item = Node<'static>> {
        let each = self.facts.iter().flat_map(|(path, values)| values.iter().map(move |value| (path, value)));
        each.map(|(path, value)| put(request.clone(), path, value.clone()))
    }

    fn climb(
        &self,
        mut request: Node<'static>,
        mut distance: usize,
        measured: &impl Fn(&Node<'static>) -> Option<usize>,
    ) -> Option<Node<'static>> {
        while distance > 0 {
            let before = distance;
            for (path, values) in &self.facts {
                for value in values {
                    let next = put(request.clone(), path, value.clone());
                    if let Some(nearer) = measured(&next).filter(|nearer| *nearer < distance) {
                        (request, distance) = (next, nearer);
                    }
                }
                if distance == 0 {
                    return Some(request);
                }
            }
            if distance == before {
                return None;
            }
        }
        Some(request)
    }
}

/// What `ask` says of the request that `node` writes; `None` when it is none.
pub fn with_request<T>(node: &Node<'_>, ask: impl FnOnce(&TokenRequest<'_>) -> T) -> Option<T> {
    let document = request::read(node, &mut Diagnostics::default())?;
    Some(ask(&document.request))
}

/// A copy of `node` that borrows nothing.
pub fn owned(node: &Node<'_>) -> Node<'static> {
    Node::unplaced(match &node.value {
        Value::Null | Value::Packed(_) => Value::Null,
        Value::Bool(flag) => Value::Bool(*flag),
        Value::Integer(number) => Value::Integer(*number),
        Value::Float(number) => Value::Float(*number),
        Value::String(text) => Value::String(Cow::Owned(text.clone().into_owned())),
        Value::List(nodes) => Value::List(nodes.iter().map(owned).collect()),
        Value::Map(entries) => {
            let member = |it: &Entry<'_>| entry(it.key.clone().into_owned(), owned(&it.node));
            Value::Map(entries.iter().map(member).collect())
        }
    })
}

/// Text.
pub fn text(text: impl Into<String>) -> Node<'static> {
    Node::unplaced(Value::String(Cow::Owned(text.into())))
}

/// A list of texts.
fn texts(all: impl IntoIterator<Item = String>) -> Node<'static> {
    Node::unplaced(Value::List(all.into_iter().map(text).collect()))
}

/// An object.
fn object<const N: usize>(members: [(&str, Node<'static>); N]) -> Node<'static> {
    Node::unplaced(Value::Map(members.into_iter().map(|(key, node)| entry(key.to_owned(), node)).collect()))
}

fn entry(key: String, node: Node<'static>) -> Entry<'static> {
    Entry { key: Cow::Owned(key), key_span: Span::NONE, node }
}

/// `request` with `value` at `path`. Only what suits a request is put into one, so nothing is ever in the way.
pub fn put(mut request: Node<'static>, path: &'static str, value: Node<'static>) -> Node<'static> {
    let _ = request.put(path, value, Span::NONE);
    request
}
