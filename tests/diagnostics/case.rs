//! Bundles that break a rule, or come close to it: how they are written down in the YAML files beside this one.

use std::collections::BTreeMap;

use doorward::compile::rules;
use doorward::text::{RawBundle, Rule};
use serde::Deserialize;

use crate::written::raw;

/// A policy without a mistake, for bundles whose mistake is elsewhere.
pub const SOUND: (&str, &str) = (
    "sound.yaml",
    "displayName: Sound\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\n\
     grantControls: { builtInControls: [block] }\n",
);

/// A bundle that breaks a rule, or comes close to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The rule's id.
    pub rule: String,
    /// What the author did.
    pub note: String,
    /// Whether the rule is broken.
    pub told: bool,
    /// Whether it is told as a warning although it is an error elsewhere.
    #[serde(default)]
    pub is_warning: bool,
    /// Its files, text by name.
    pub files: BTreeMap<String, String>,
}

impl Case {
    pub fn rule(&self) -> &'static Rule {
        rules::ALL.iter().find(|rule| rule.id == self.rule).unwrap_or_else(|| panic!("no rule is {}", self.rule))
    }

    pub fn bundle(&self) -> RawBundle {
        raw(&self.files)
    }
}

/// Ways to break rules of shape, words and references.
pub fn cases() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("cases.yaml")).unwrap()
}

/// Ways to break rules about what policies mean, and to keep them narrowly.
pub fn lints() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("lints.yaml")).unwrap()
}
