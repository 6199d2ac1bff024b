//! What a load can come to: facts of an accepted bundle, or the reason of a rejection.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::text::Finding;

/// A compiled bundle as far as the loader must know it.
pub trait Loaded: Send + Sync + 'static {
    /// What is decided on and what the status shows.
    fn facts(&self) -> Facts;
}

/// What the loader decides on and the status shows of a compiled bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The bundle's name.
    pub name: Box<str>,
    /// Label of this version.
    pub revision: Box<str>,
    /// Digest of its files, lower-case hex.
    pub digest: Box<str>,
    /// Its sequence number, if it has one.
    pub sequence: Option<u64>,
    /// From this instant on it is refused.
    pub expires: Option<Timestamp>,
    /// How many policies it holds, disabled ones too.
    pub policies: usize,
    /// How many named locations it holds.
    pub locations: usize,
    /// How many address ranges its locations hold.
    pub ranges: usize,
}

/// What building a bundle came to, and how long it took.
#[derive(Debug)]
pub struct Built<B> {
    /// The compiled bundle, or why there is none.
    pub outcome: Result<B, Rejection>,
    /// What an accepted bundle will surprise with.
    pub warnings: Vec<Finding>,
    /// Time spent on reading and compiling its text.
    pub compile: Duration,
    /// Time spent on its own tests; `None` if it did not come to them.
    pub selftest: Option<Duration>,
}

impl<B> Built<B> {
    /// Nothing was built.
    pub fn rejected(rejection: Rejection, compile: Duration, selftest: Option<Duration>) -> Self {
        Self { outcome: Err(rejection), warnings: Vec::new(), compile, selftest }
    }
}

/// Why a bundle was not activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Where the load ended.
    pub stage: Stage,
    /// One line for a log.
    pub message: String,
    /// Every problem of the text, with file and line.
    pub findings: Vec<Finding>,
}

/// Where a load can end without a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The files could not be read.
    Read,
    /// The files do not make a valid bundle.
    Parse,
    /// The bundle fails its own tests.
    Tests,
    /// The bundle is older than the active one.
    Rollback,
    /// The bundle's `expires` has passed.
    Expired,
}

/// The result of one load, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoadResult {
    /// A new snapshot is active.
    Activated,
    /// The files are those of the active snapshot.
    Unchanged,
    /// The text is invalid, or the bundle has expired.
    RejectedInvalid,
    /// The bundle is older than the active one.
    RejectedRollback,
    /// The bundle fails its own tests.
    RejectedInvariant,
    /// The files could not be read.
    FetchError,
}

impl LoadResult {
    /// All results, in the order of declaration.
    pub const ALL: [Self; 6] = [
        Self::Activated,
        Self::Unchanged,
        Self::RejectedInvalid,
        Self::RejectedRollback,
        Self::RejectedInvariant,
        Self::FetchError,
    ];

    /// The value of the label `result`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::Unchanged => "unchanged",
            Self::RejectedInvalid => "rejected_invalid",
            Self::RejectedRollback => "rejected_rollback",
            Self::RejectedInvariant => "rejected_invariant",
            Self::FetchError => "fetch_error",
        }
    }
}

impl From<Stage> for LoadResult {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Read => Self::FetchError,
            Stage::Parse | Stage::Expired => Self::RejectedInvalid,
            Stage::Tests => Self::RejectedInvariant,
            Stage::Rollback => Self::RejectedRollback,
        }
    }
}

impl Stage {
    /// The stage in one word, as status and log show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Parse => "parse",
            Self::Tests => "tests",
            Self::Rollback => "rollback",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Rejection {
    /// A rejection without a place in the text.
    pub fn new(stage: Stage, message: impl Into<String>) -> Self {
        Self { stage, message: message.into(), findings: Vec::new() }
    }
}
