//! What an analysis did not enumerate, for people, and what that means for a proof.

use std::fmt;

/// Something that was not enumerated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    text: String,
    /// Whether a request may have been left out. Otherwise more requests were looked at than there are.
    pub leaves_out: bool,
}

impl Note {
    /// Requests of which some were not looked at.
    pub fn left_out(text: impl Into<String>) -> Self {
        Self { text: text.into(), leaves_out: true }
    }

    /// Requests that were looked at although some may not exist.
    pub fn added(text: impl Into<String>) -> Self {
        Self { text: text.into(), leaves_out: false }
    }

    /// The walk through `space` took too many steps.
    pub fn too_many_ways(space: &str) -> Self {
        Self::left_out(format!("{space}: their policies combine in too many ways"))
    }

    /// The walk through `space` found more than the `count` regions that are told.
    pub fn more_regions(space: &str, count: usize) -> Self {
        Self::left_out(format!("{space}: more regions than the {count} told"))
    }

    /// A region of `space` is about controls that too many combinations of methods satisfy to look at each.
    pub fn alike_controls(space: &str) -> Self {
        Self::left_out(format!("{space}: authentication strengths that too many combinations of methods satisfy"))
    }

    /// In words.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
