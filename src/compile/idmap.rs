//! A map from ids to something small, with a seeded hash: ids come from outside.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::model::{Id, IdRef};

/// A map by [`IdRef`]. Look-ups of GUIDs hash 16 bytes and never allocate.
#[derive(Debug)]
pub struct IdMap<V> {
    guids: HashMap<u128, V, RandomState>,
    texts: HashMap<Box<str>, V, RandomState>,
}

impl<V> Default for IdMap<V> {
    fn default() -> Self {
        Self { guids: HashMap::default(), texts: HashMap::default() }
    }
}

impl<V> IdMap<V> {
    /// The value of `id`.
    #[inline]
    pub fn value(&self, id: IdRef<'_>) -> Option<&V> {
        match id {
            IdRef::Guid(guid) => self.guids.get(&guid),
            IdRef::Text(text) => self.value_of_text(text),
        }
    }

    /// WHY apart: nearly all ids are GUIDs, and their look-up is small enough to be a part of its callers.
    #[cold]
    fn value_of_text(&self, text: &str) -> Option<&V> {
        self.texts.get(text)
    }

    /// The value of `id`, made by `make` if there is none.
    pub fn entry(&mut self, id: IdRef<'_>, make: impl FnOnce() -> V) -> &mut V {
        match id {
            IdRef::Guid(guid) => self.guids.entry(guid).or_insert_with(make),
            IdRef::Text(text) => self.texts.entry(text.into()).or_insert_with(make),
        }
    }

    /// Every id, in no order.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        let texts = self.texts.keys().map(|text| Id::Text(text.clone()));
        self.guids.keys().map(|guid| Id::Guid(*guid)).chain(texts)
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.guids.len() + self.texts.len()
    }

    /// Memory of the tables, bytes, texts not counted.
    pub fn bytes(&self) -> usize {
        let slot = |key: usize| key + size_of::<V>() + 1;
        self.guids.capacity() * slot(16) * 8 / 7 + self.texts.capacity() * slot(16) * 8 / 7
    }

    /// Every value.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.guids.values_mut().chain(self.texts.values_mut())
    }
}
