//! How much of a product is built: all members of a crowd with all that requests may say of each, as far as that fits.
//!
//! A catalogue has many members that policies make the same of. Where the product of everybody and everything is too
//! large, one of each such kind stands for the others, which takes nothing away but names; where even that is too much,
//! some is left out, and told. Start with [`Crowd::fit`].

use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;

use foldhash::fast::RandomState;

use super::note::Note;
use crate::limits;

/// Members, and how much is said of each.
#[derive(Debug)]
pub struct Crowd<T> {
    /// The members that are looked at, and whether everything is said of each, or only that it is there.
    pub members: Vec<(T, bool)>,
    /// How many of the facts are said.
    pub facts: usize,
    /// How many of the sets of attributes are said of those of whom the catalogue knows none.
    pub attributes: usize,
}

impl<T> Crowd<T> {
    /// Fits `members` times `facts` times `attributes`, both more than 0, into `limits::ANALYSIS_ATOMS_MAX`. Policies
    /// make the same of members of one key; `is_known` tells of whom the catalogue knows the attributes. `of` is what
    /// the members are, in the plural.
    pub fn fit<K: Eq + Hash>(
        members: impl IntoIterator<Item = T>,
        (facts, attributes): (usize, usize),
        key: impl Fn(&T) -> K,
        is_known: impl Fn(&T) -> bool,
        of: &str,
        notes: &mut BTreeSet<Note>,
    ) -> Self {
        let mut members: Vec<_> = members.into_iter().map(|member| (member, true)).collect();
        let mut crowd = Self { members: Vec::new(), facts, attributes };
        if crowd.is_too_large(&members, &is_known) {
            let mut seen = HashSet::<K, RandomState>::default();
            members.iter_mut().for_each(|(member, says_all)| *says_all = seen.insert(key(member)));
            let what =
                format!("{of} that policies make the same of: what requests say of them is told of one of a kind");
            notes.extend((seen.len() < members.len()).then(|| Note::added(what)));
        }
        if crowd.is_too_large(&members, &is_known) {
            members.retain(|(_, says_all)| *says_all);
        }
        if attributes > 1 && crowd.is_too_large(&members, &is_known) {
            crowd.attributes = 1;
            notes.insert(Note::left_out(format!("attributes that requests state, for there are too many {of}")));
        }
        if crowd.is_too_large(&members, &is_known) {
            crowd.facts = facts.min(limits::ANALYSIS_ATOMS_MAX / members.len().max(1)).max(1);
            members.truncate(limits::ANALYSIS_ATOMS_MAX);
            notes.insert(Note::left_out(format!("some of what requests say, for there are too many {of}")));
        }
        crowd.members = members;
        crowd
    }

    fn is_too_large(&self, members: &[(T, bool)], is_known: &impl Fn(&T) -> bool) -> bool {
        let of_member = |(member, says_all): &(T, bool)| match says_all {
            true if is_known(member) => self.facts,
            true => self.facts.saturating_mul(self.attributes),
            false => 1,
        };
        members.iter().map(of_member).fold(0, usize::saturating_add) > limits::ANALYSIS_ATOMS_MAX
    }
}
