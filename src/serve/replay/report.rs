//! What a replayed log comes to: counts, and the changes by identity, policy and location.
//!
//! Memory is bounded whatever the log is: groups beyond a bound are counted together.

use std::collections::HashMap;

use super::{Replayed, Verdict};
use crate::limits;

/// What a log came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Lines read, unreadable ones too.
    pub lines: u64,
    /// Decisions that stay, for the same reasons.
    pub same: u64,
    /// Decisions that stay, with another reason, other policies or other unmet controls.
    pub other_reasons: u64,
    /// Records of requests that were refused then and are now: there is no decision to compare.
    pub refused: u64,
    /// Decisions that change.
    pub changed: Counts,
    /// Lines that are no records.
    pub unreadable: u64,
    /// The first of them.
    pub unreadable_lines: Vec<Unreadable>,
    /// Changes by kind and id of the identity.
    pub by_identity: Groups,
    /// Changes by policy; one with several policies counts for each.
    pub by_policy: Groups,
    /// Changes by named location of the address; one in several counts for each.
    pub by_location: Groups,
}

/// A line that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its number, from 1.
    pub line: u64,
    /// Why it cannot be read.
    pub why: String,
}

/// Changes by what they lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To allow.
    pub newly_allowed: u64,
    /// From allow to block, or to a refusal: no token is issued then either.
    pub newly_blocked: u64,
    /// From block to a refusal, or the other way round.
    pub otherwise: u64,
}

impl Counts {
    /// All of them.
    pub const fn all(self) -> u64 {
        self.newly_allowed + self.newly_blocked + self.otherwise
    }

    const fn note(&mut self, before: Verdict, after: Verdict) {
        *match (before, after) {
            (_, Verdict::Allow) => &mut self.newly_allowed,
            (Verdict::Allow, Verdict::Block | Verdict::Error) => &mut self.newly_blocked,
            _ => &mut self.otherwise,
        } += 1;
    }
}

/// Changes of one identity, policy or location.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub counts: Counts,
    /// The number of the first line that changes, from 1.
    pub first_line: u64,
}

/// Changes by some key, at most `limits::REPLAY_GROUPS_MAX`.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    groups: HashMap<String, Group>,
}

/// What changes are counted under when there is no more room for keys.
const OTHERS: &str = "(others)";

impl Groups {
    /// Largest first, then by name.
    pub fn sorted(&self) -> Vec<(&str, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().map(|(name, group)| (name.as_str(), group)).collect();
        groups.sort_by_key(|(name, group)| (std::cmp::Reverse(group.counts.all()), *name));
        groups
    }

    fn note(&mut self, key: &str, line: u64, replayed: &Replayed) {
        let has_room = self.groups.len() < limits::REPLAY_GROUPS_MAX || self.groups.contains_key(key);
        let group = self.groups.entry(if has_room { key } else { OTHERS }.to_owned()).or_default();
        if group.first_line == 0 {
            group.first_line = line;
        }
        group.counts.note(replayed.before, replayed.after);
    }
}

impl Report {
    /// Records that have a decision, then or now.
    pub const fn compared(&self) -> u64 {
        self.lines - self.unreadable - self.refused
    }

    /// Counts what became of the next line.
    pub fn note(&mut self, outcome: Result<Replayed, String>) {
        self.lines += 1;
        let line = self.lines;
        let replayed = match outcome {
            Ok(replayed) => replayed,
            Err(why) => {
                self.unreadable += 1;
                if self.unreadable_lines.len() < limits::REPLAY_UNREADABLE_MAX {
                    self.unreadable_lines.push(Unreadable { line, why });
                }
                return;
            }
        };
        if replayed.before == Verdict::Error && replayed.after == Verdict::Error {
            self.refused += 1;
            return;
        }
        let Some(change) = &replayed.change else {
            *if replayed.is_same { &mut self.same } else { &mut self.other_reasons } += 1;
            return;
        };
        self.changed.note(replayed.before, replayed.after);
        self.by_identity.note(&change.identity, line, &replayed);
        for (groups, keys, nothing) in [
            (&mut self.by_policy, &change.policies, "(no policy)"),
            (&mut self.by_location, &change.locations, "(no named location)"),
        ] {
            keys.iter().for_each(|key| groups.note(key, line, &replayed));
            if keys.is_empty() {
                groups.note(nothing, line, &replayed);
            }
        }
    }
}
