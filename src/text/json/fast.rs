//! The fast reading: one pass, no places, borrowed text.
//!
//! Must not report: whoever gets `None` asks [`super::parse`] for the reason. Start with [`parse_fast`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits;
use crate::text::document::{self, Entry, Node, Value};
use crate::text::source::Span;

/// Takes parts out of the tree while it is read: a million address ranges need not become a million nodes first, nor ten
/// thousand policies one tree. `()` takes nothing. What was taken is void when [`parse_fast`] returns `None`.
pub trait Pack<'a> {
    /// Whether the values of members called `key` are taken, wherever they stand.
    fn wants(&self, key: &str) -> bool;

    /// Takes one such value; the tree gets [`Value::Packed`] with the returned index in its place. An error makes
    /// [`parse_fast`] return `None`. Nesting inside is bounded by serde_json's own limit; all else is up to the taker.
    fn take<D: Deserializer<'a>>(&mut self, deserializer: D) -> Result<usize, D::Error>;

    /// Takes an element of the document's list, which is the document itself or its member `value`, as it is read; the
    /// list then lacks it. `Some` gives it back.
    fn element(&mut self, node: Node<'a>) -> Option<Node<'a>>;
}

impl<'a> Pack<'a> for () {
    fn element(&mut self, node: Node<'a>) -> Option<Node<'a>> {
        Some(node)
    }

    fn wants(&self, _key: &str) -> bool {
        false
    }

    fn take<D: Deserializer<'a>>(&mut self, _deserializer: D) -> Result<usize, D::Error> {
        Err(D::Error::custom("nothing is taken"))
    }
}

/// The document that `text` states, without spans; `None` when anything is wrong with it, or when `pack` refused.
///
/// Where [`super::parse`] gives a tree this gives the same, but for spans and what `pack` took; where it does not, this
/// does not. Cost: one pass; text without escapes is borrowed.
pub fn parse_fast<'a, P: Pack<'a>>(text: &'a str, pack: &mut P) -> Option<Node<'a>> {
    parse_fast_within(limits::DOCUMENT_NODES_MAX, text, pack)
}

pub(super) fn parse_fast_within<'a, P: Pack<'a>>(nodes_max: usize, text: &'a str, pack: &mut P) -> Option<Node<'a>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = NodeSeed { pack, nodes_left: &mut { nodes_max }, depth: 0, is_document: true };
    let node = seed.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(node)
}

/// The scalar that `raw` states: the one place that decides what JSON scalars become.
pub(super) fn scalar(raw: &str) -> Result<Value<'_>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    let seed = NodeSeed { pack: &mut (), nodes_left: &mut 1, depth: 0, is_document: false };
    seed.deserialize(&mut deserializer).map(|node| node.value)
}

/// Reads one value `depth` levels below the root, of a document that may have `nodes_left` more.
struct NodeSeed<'p, P> {
    pack: &'p mut P,
    nodes_left: &'p mut usize,
    depth: usize,
    /// Whether the value, if it is a list, is the document's.
    is_document: bool,
}

impl<P> NodeSeed<'_, P> {
    fn child(&mut self, is_document: bool) -> NodeSeed<'_, P> {
        NodeSeed { pack: self.pack, nodes_left: self.nodes_left, depth: self.depth + 1, is_document }
    }

    fn count<E: Error>(&mut self) -> Result<(), E> {
        match self.nodes_left.checked_sub(1) {
            Some(nodes_left) => *self.nodes_left = nodes_left,
            None => return Err(E::custom("too many values")),
        }
        Ok(())
    }

    fn check_depth<E: Error>(&self) -> Result<(), E> {
        if self.depth >= limits::DOCUMENT_DEPTH_MAX {
            return Err(E::custom("nested too deep"));
        }
        Ok(())
    }
}

impl<'a, P: Pack<'a>> DeserializeSeed<'a> for NodeSeed<'_, P> {
    type Value = Node<'a>;

    fn deserialize<D: Deserializer<'a>>(mut self, deserializer: D) -> Result<Node<'a>, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self).map(Node::unplaced)
    }
}

impl<'a, P: Pack<'a>> Visitor<'a> for NodeSeed<'_, P> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'a>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'a>, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'a>, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'a>, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<Value<'a>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'a>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<Value<'a>, A::Error> {
        self.check_depth()?;
        let mut nodes = Vec::new();
        while let Some(node) = seq.next_element_seed(self.child(false))? {
            nodes.extend(if self.is_document { self.pack.element(node) } else { Some(node) });
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Value<'a>, A::Error> {
        self.check_depth()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            self.count()?;
            let node = if self.pack.wants(&key) {
                Node::unplaced(Value::Packed(map.next_value_seed(Taken(&mut *self.pack))?))
            } else {
                let is_list = self.is_document && self.depth == 0 && key == "value";
                map.next_value_seed(self.child(is_list))?
            };
            entries.push(Entry { key, key_span: Span::NONE, node });
        }
        if document::has_repeated_keys(&entries) {
            return Err(A::Error::custom("duplicate key"));
        }
        Ok(Value::Map(entries))
    }
}

/// Lets the pack take a value.
struct Taken<'p, P>(&'p mut P);

impl<'a, P: Pack<'a>> DeserializeSeed<'a> for Taken<'_, P> {
    type Value = usize;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<usize, D::Error> {
        self.0.take(deserializer)
    }
}

/// Reads a key, borrowed if it has no escapes.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
