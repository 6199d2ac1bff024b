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

use crate::limits;
use crate::model::Bundle;
use crate::review::graph;

/// A bundle in Graph's shape.
#[derive(Debug)]
pub struct GraphView {
    /// The policies, in bundle order; null for one that Graph would not list.
    pub policies: Shelf,
    /// The named locations, in bundle order.
    pub locations: Shelf,
}

impl GraphView {
    /// Renders `bundle`. Cost: linear in it; more than that of compiling it.
    pub fn new(bundle: &Bundle) -> Self {
        Self {
            policies: Shelf::new(graph::policies(bundle).map(Option::unwrap_or_default)),
            locations: Shelf::new(graph::locations(bundle)),
        }
    }

    /// Memory, bytes.
    pub fn bytes(&self) -> usize {
        self.policies.bytes() + self.locations.bytes()
    }
}

/// A list of objects, compressed in blocks.
///
/// WHY texts and bytes in one piece each: thousands of small pieces that live long, made between millions that do not,
/// keep many times their size from being freed.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The ids of all objects, in the form of [`graph::canonical`]; empty for one that has none.
    ids: String,
    /// Where each id ends.
    id_ends: Vec<usize>,
    /// All blocks.
    bytes: Vec<u8>,
    blocks: Vec<Block>,
}

/// Some objects that follow each other: a JSON list, deflated.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Place of its first object.
    start: usize,
    /// Where its bytes end; they begin where the block before it ends.
    end: usize,
}

impl Shelf {
    fn new(objects: impl Iterator<Item = Value>) -> Self {
        let mut shelf = Self::default();
        let (mut text, mut start) = (Vec::new(), 0);
        for (place, object) in objects.enumerate() {
            let id = object.get("id").and_then(Value::as_str).map(graph::canonical);
            shelf.ids.push_str(&id.unwrap_or_default());
            shelf.id_ends.push(shelf.ids.len());
            text.push(if text.is_empty() { b'[' } else { b',' });
            // INVARIANT: a value has string keys, and a `Vec` takes every byte.
            let _ = serde_json::to_writer(&mut text, &object);
            if text.len() >= limits::GRAPH_BLOCK_BYTES {
                shelf.close(start, &mut text);
                start = place + 1;
            }
        }
        shelf.close(start, &mut text);
        shelf.bytes.shrink_to_fit();
        shelf
    }

    fn close(&mut self, start: usize, text: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        text.push(b']');
        let mut encoder = DeflateEncoder::new(&mut self.bytes, Compression::default());
        // INVARIANT: a `Vec` takes every byte.
        let _ = encoder.write_all(text);
        let _ = encoder.finish();
        self.blocks.push(Block { start, end: self.bytes.len() });
        text.clear();
    }

    /// The place of the object with this id; of several the first. Cost: linear.
    pub fn find(&self, id: &str) -> Option<usize> {
        let id = graph::canonical(id);
        let starts = std::iter::once(0).chain(self.id_ends.iter().copied());
        let mut ids = starts.zip(&self.id_ends).map(|(start, end)| self.ids.get(start..*end));
        (!id.is_empty()).then(|| ids.position(|known| known == Some(&id)))?
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.id_ends.len()
    }

    /// Whether there is no place.
    pub fn is_empty(&self) -> bool {
        self.id_ends.is_empty()
    }

    /// Reads objects; ascending places are cheapest.
    pub const fn reader(&self) -> Reader<'_> {
        Reader { shelf: self, block: usize::MAX, objects: Vec::new() }
    }

    /// The objects of block `index`.
    fn open(&self, index: usize) -> Vec<Value> {
        let end = |index: usize| self.blocks.get(index).map(|block| block.end);
        let start = index.checked_sub(1).and_then(end).unwrap_or(0);
        let bytes = end(index).and_then(|end| self.bytes.get(start..end)).unwrap_or_default();
        let mut text = Vec::new();
        // INVARIANT: the bytes are what `close` wrote.
        let _ = DeflateDecoder::new(bytes).read_to_end(&mut text);
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        self.ids.len()
            + self.id_ends.len() * size_of::<usize>()
            + self.bytes.len()
            + self.blocks.len() * size_of::<Block>()
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
            self.objects = self.shelf.open(block);
            self.block = block;
        }
        self.objects.get_mut(place - found.start).map(Value::take).unwrap_or_default()
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
