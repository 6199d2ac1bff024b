//! Near misses: what an author probably meant by a name that does not exist.
//!
//! Must not know what the names are names of. Start with [`nearest`].

use crate::limits;

/// The entry of `known` that `wanted` is probably a slip of; `None` if none is near.
///
/// Equal but for case wins; else the fewest inserted, deleted, changed or swapped letters, at most a third of the
/// letters of `wanted` (one, for short words); the earlier entry of two. Cost: linear in `known`, a letter count for
/// most entries and an edit distance for those that pass it.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = Word::of(wanted)?;
    // A distance as large as this is too far; it falls with every better entry.
    let mut bound = (wanted.characters / 3).max(1) + 1;
    let mut nearest = None;
    for entry in known {
        let Some(word) = Word::of(entry) else { continue };
        if word.folded == wanted.folded {
            return Some(entry);
        }
        if wanted.least_distance(&word) < bound {
            let distance = strsim::osa_distance(&wanted.folded, &word.folded);
            // A word of which no letter is left is no slip of this one.
            if distance < bound && distance < wanted.characters {
                bound = distance;
                nearest = Some(entry);
            }
        }
    }
    nearest
}

/// A name without its case, and how often it has each letter.
struct Word {
    folded: String,
    characters: usize,
    letters: [u8; 32],
}

impl Word {
    /// `None` if it is longer than [`limits::SUGGESTION_CHARS_MAX`].
    fn of(name: &str) -> Option<Self> {
        // WHY: a character is at most four bytes, so that this bounds the work on absurd names too.
        if name.len() > 4 * limits::SUGGESTION_CHARS_MAX {
            return None;
        }
        let folded = name.to_lowercase();
        let mut letters = [0u8; 32];
        let mut characters = 0;
        for character in folded.chars() {
            characters += 1;
            if let Some(count) = letters.get_mut(character as usize % 32) {
                *count = count.saturating_add(1);
            }
        }
        (characters <= limits::SUGGESTION_CHARS_MAX).then_some(Self { folded, characters, letters })
    }

    /// At least so many edits are between the two: each adds one letter, takes one away, or both.
    fn least_distance(&self, other: &Self) -> usize {
        let (mut more, mut fewer) = (0, 0);
        for (mine, theirs) in self.letters.iter().zip(&other.letters) {
            more += usize::from(mine.saturating_sub(*theirs));
            fewer += usize::from(theirs.saturating_sub(*mine));
        }
        more.max(fewer)
    }
}
