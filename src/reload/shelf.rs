//! The policies and named locations of a bundle in Graph's shape, kept small until somebody asks.
//!
//! WHY kept at all: the compiled form has neither disabled policies nor the ranges as they were written, and the files
//! may have changed since. WHY compressed: objects of Graph mostly repeat each other, so that ten thousand policies are
//! less than a megabyte, a twentieth or so of their text. Only a server whose Graph door is open keeps them.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::Value;

use crate::compile::{self, Mode};
use crate::limits;
use crate::review::graph;
use crate::text::RawBundle;

/// A bundle in Graph's shape.
#[derive(Debug)]
pub struct GraphView {
    /// The policies, in bundle order; null for one that Graph would not list.
    pub policies: Shelf,
    /// The named locations, in bundle order.
    pub locations: Shelf,
}

impl GraphView {
    /// Renders the bundle of `raw`, which must be valid. Cost: reading it, and some ten times its size in compressing.
    pub fn new(raw: &RawBundle) -> Self {
        let bundle = compile::read(raw, Mode::Fast).bundle;
        Self {
            policies: Shelf::new(graph::policies(&bundle).map(Option::unwrap_or_default)),
            locations: Shelf::new(graph::locations(&bundle)),
        }
    }

    /// Memory, bytes.
    pub fn bytes(&self) -> usize {
        self.policies.bytes() + self.locations.bytes()
    }
}

/// A list of objects, compressed in blocks.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The id of each object, in the form of [`graph::canonical`]; empty for one that has none.
    ids: Vec<Box<str>>,
    blocks: Vec<Block>,
}

/// Some objects that follow each other: a JSON list, deflated.
#[derive(Debug)]
struct Block {
    /// Place of its first object.
    start: usize,
    bytes: Box<[u8]>,
}

impl Shelf {
    fn new(objects: impl Iterator<Item = Value>) -> Self {
        let mut shelf = Self::default();
        let (mut text, mut start) = (Vec::new(), 0);
        for (place, object) in objects.enumerate() {
            let id = object.get("id").and_then(Value::as_str).map(graph::canonical);
            shelf.ids.push(id.unwrap_or_default().into());
            text.push(if text.is_empty() { b'[' } else { b',' });
            // INVARIANT: a value has string keys, and a `Vec` takes every byte.
            let _ = serde_json::to_writer(&mut text, &object);
            if text.len() >= limits::GRAPH_BLOCK_BYTES {
                shelf.close(start, &mut text);
                start = place + 1;
            }
        }
        shelf.close(start, &mut text);
        shelf.blocks.shrink_to_fit();
        shelf
    }

    fn close(&mut self, start: usize, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        text.push(b']');
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        // INVARIANT: a `Vec` takes every byte.
        let _ = encoder.write_all(text);
        self.blocks.push(Block { start, bytes: encoder.finish().unwrap_or_default().into() });
        text.clear();
    }

    /// The place of the object with this id; of several the first. Cost: linear.
    pub fn find(&self, id: &str) -> Option<usize> {
        let id = graph::canonical(id);
        (!id.is_empty()).then(|| self.ids.iter().position(|known| **known == *id))?
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no place.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Reads objects; ascending places are cheapest.
    pub const fn reader(&self) -> Reader<'_> {
        Reader { shelf: self, block: usize::MAX, objects: Vec::new() }
    }

    fn bytes(&self) -> usize {
        let ids: usize = self.ids.iter().map(|id| id.len() + size_of::<Box<str>>()).sum();
        let blocks: usize = self.blocks.iter().map(|block| block.bytes.len() + size_of::<Block>()).sum();
        ids + blocks
    }
}

/// Takes objects from a shelf; keeps the block that it opened last.
#[derive(Debug)]
pub struct Reader<'s> {
    shelf: &'s Shelf,
    block: usize,
    objects: Vec<Value>,
}

impl Reader<'_> {
    /// The object at `place`, which is taken out of the open block: ask for each once. Null where there is none.
    pub fn take(&mut self, place: usize) -> Value {
        let block = self.shelf.blocks.partition_point(|block| block.start <= place).wrapping_sub(1);
        let Some(found) = self.shelf.blocks.get(block) else { return Value::Null };
        if block != self.block {
            self.objects = found.open();
            self.block = block;
        }
        self.objects.get_mut(place - found.start).map(Value::take).unwrap_or_default()
    }
}

impl Block {
    fn open(&self) -> Vec<Value> {
        let mut text = Vec::new();
        // INVARIANT: the bytes are what `Shelf::close` wrote.
        let _ = DeflateDecoder::new(&*self.bytes).read_to_end(&mut text);
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_put_on_a_shelf_is_found_by_place_and_by_id() {
        let id = |place: usize| format!("AAAAAAAA-0000-4000-8000-{place:012}");
        let object =
            |place: usize| if place == 3 { Value::Null } else { json!({"id": id(place), "x": "y".repeat(999)}) };
        let shelf = Shelf::new((0..500).map(object));
        assert!(shelf.blocks.len() > 1 && shelf.len() == 500);
        assert!(shelf.bytes() < 80 * 500, "{} bytes", shelf.bytes());
        let mut reader = shelf.reader();
        for place in (0..500).chain([7, 0]) {
            assert_eq!(reader.take(place), object(place));
        }
        assert_eq!(reader.take(500), Value::Null);
        assert_eq!(shelf.find(&id(499).to_lowercase()), Some(499));
        assert_eq!(shelf.find(&id(3)), None);
        assert_eq!(shelf.find(""), None);
        assert_eq!(Shelf::new(std::iter::empty()).reader().take(0), Value::Null);
    }
}
