//! A set of at most thirty-two members of a vocabulary, as bits.

use std::fmt;
use std::marker::PhantomData;

/// A member of a small closed vocabulary that Graph spells as text.
pub trait Word: Copy + Eq + fmt::Debug + 'static {
    /// Every member, in the order of Graph's documentation. At most thirty-two.
    const ALL: &'static [Self];

    /// Graph's spelling.
    fn as_str(self) -> &'static str;

    /// Position in [`Word::ALL`].
    fn index(self) -> usize;

    /// The member that is spelled `text`, in any case: the portal and some clients send `High` or `Android`.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text))
    }
}

/// A set of members of `T`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Set<T> {
    bits: u32,
    word: PhantomData<T>,
}

impl<T: Word> Set<T> {
    /// The empty set.
    pub const EMPTY: Self = Self { bits: 0, word: PhantomData };

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Whether `word` is in it.
    pub fn contains(self, word: T) -> bool {
        self.bits >> word.index() & 1 == 1
    }

    /// Adds `word`.
    pub fn insert(&mut self, word: T) {
        self.bits |= 1 << word.index();
    }

    /// The members, in the order of [`Word::ALL`].
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::ALL.iter().copied().filter(move |word| self.contains(*word))
    }

    /// Whether all its members are in `other`.
    pub const fn is_subset_of(self, other: Self) -> bool {
        self.bits & !other.bits == 0
    }

    /// How many members it has.
    pub const fn len(self) -> usize {
        self.bits.count_ones() as usize
    }
}

impl<T: Word> Default for Set<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<T: Word> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(words: I) -> Self {
        let mut set = Self::EMPTY;
        words.into_iter().for_each(|word| set.insert(word));
        set
    }
}

impl<T: Word> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
