//! What there is to tell about loading: written by the loader alone, read by the status page, health and metrics.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::outcome::{Facts, LoadResult, Rejection};
use crate::text::Finding;

/// The state of loading, for any number of readers.
#[derive(Default)]
pub struct Status {
    view: Mutex<Arc<View>>,
    changed: Condvar,
}

/// The state of loading at one instant.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The bundle in force.
    pub active: Option<Arc<ActiveBundle>>,
    /// The newest bundle, if it is not the one in force: serving goes on, degraded.
    pub rejected: Option<Arc<RejectedBundle>>,
    /// When the source was last looked at.
    pub checked: Option<Timestamp>,
    /// When the source was last found to hold what is in force.
    pub confirmed: Option<Timestamp>,
    /// The highest sequence that was in force could not be written to its file, which is tried again at each look.
    pub is_sequence_lost: bool,
    /// What became of the loads.
    pub loads: Loads,
    /// The loader has ended; nothing will change any more.
    pub has_stopped: bool,
}

/// The bundle in force.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveBundle {
    /// What it is.
    pub facts: Facts,
    /// When it came into force.
    pub activated: Timestamp,
    /// How many bundles came into force since the start, this one included.
    pub generation: u64,
    /// The bundle before it bore the same revision with other files: answers do not tell the two apart.
    pub is_revision_reused: bool,
    /// What its authors were warned of.
    pub warnings: Vec<Finding>,
}

/// A bundle that is not in force.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedBundle {
    /// When it was refused first.
    pub at: Timestamp,
    /// Digest of its files, if they could be read.
    pub digest: Option<Box<str>>,
    /// Why.
    pub rejection: Rejection,
}

/// How many loads came to which end since the start, and how long their stages took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    counts: [u64; LoadResult::ALL.len()],
    times: [Times; Durations::STAGES.len()],
}

/// Upper bounds of the buckets of durations of loads, milliseconds.
pub const LOAD_BUCKETS_MS: [u64; 10] = [1, 5, 20, 50, 100, 250, 500, 1_000, 5_000, 30_000];

/// How long one stage of all loads took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How many took at most a bucket's bound and more than the one before; the last is the rest.
    pub counts: [u64; LOAD_BUCKETS_MS.len() + 1],
    /// All of them together.
    pub sum: Duration,
}

/// How long the stages of a load took; `None` for a stage it did not come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Reading the files.
    pub fetch: Option<Duration>,
    /// Reading and compiling the text.
    pub compile: Option<Duration>,
    /// The bundle's own tests.
    pub selftest: Option<Duration>,
    /// Putting the snapshot in force.
    pub swap: Option<Duration>,
}

impl Status {
    /// Nothing loaded, nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The state now. Cost: a short lock; meant for status pages and scrapes, not for requests.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.lock())
    }

    /// Waits until the state is as wanted; `None` if it is not by `deadline`.
    pub fn wait_until(&self, deadline: Instant, is_wanted: impl Fn(&View) -> bool) -> Option<Arc<View>> {
        let mut view = self.lock();
        while !is_wanted(&view) {
            let left = deadline.checked_duration_since(Instant::now())?;
            view = self.changed.wait_timeout(view, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(Arc::clone(&view))
    }

    /// Waits as long as it takes until the state is as wanted.
    pub fn wait(&self, is_wanted: impl Fn(&View) -> bool) -> Arc<View> {
        let view = self.lock();
        let view = self.changed.wait_while(view, |view| !is_wanted(view));
        Arc::clone(&view.unwrap_or_else(PoisonError::into_inner))
    }

    /// Only the loader writes, so nothing is lost between reading and writing.
    pub(super) fn update(&self, change: impl FnOnce(&mut View)) -> Arc<View> {
        let mut next = View::clone(&self.view());
        change(&mut next);
        let next = Arc::new(next);
        *self.lock() = Arc::clone(&next);
        self.changed.notify_all();
        next
    }

    fn lock(&self) -> MutexGuard<'_, Arc<View>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ActiveBundle {
    /// Whether it has expired, so that it would be refused if it came `now`. It stays in force all the same: old rules
    /// are better than none.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.facts.expires.is_some_and(|expires| expires <= now)
    }
}

impl Durations {
    /// The stages, in the order in which a load comes to them.
    const STAGES: [&'static str; 4] = ["fetch", "compile", "selftest", "swap"];
}

impl Times {
    fn add(&mut self, took: Duration) {
        let place = LOAD_BUCKETS_MS
            .iter()
            .position(|bound| took <= Duration::from_millis(*bound))
            .unwrap_or(LOAD_BUCKETS_MS.len());
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(took);
    }
}

impl Loads {
    /// How many loads ended so.
    pub fn of(&self, result: LoadResult) -> u64 {
        self.counts.get(result as usize).copied().unwrap_or(0)
    }

    /// All loads.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The stages by name, in the order in which a load comes to them, and how long they took.
    pub fn times(&self) -> impl Iterator<Item = (&'static str, &Times)> {
        Durations::STAGES.into_iter().zip(&self.times)
    }

    pub(super) fn add(&mut self, result: LoadResult, took: &Durations) {
        if let Some(count) = self.counts.get_mut(result as usize) {
            *count += 1;
        }
        let Durations { fetch, compile, selftest, swap } = took;
        for (times, took) in self.times.iter_mut().zip([fetch, compile, selftest, swap]) {
            took.iter().for_each(|took| times.add(*took));
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Status").field(&self.view()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_is_counted_apart() {
        let mut loads = Loads::default();
        for (index, result) in LoadResult::ALL.into_iter().enumerate() {
            for _ in 0..=index {
                loads.add(result, &Durations::default());
            }
        }
        for (index, result) in LoadResult::ALL.into_iter().enumerate() {
            assert_eq!(loads.of(result), index as u64 + 1, "{}", result.as_str());
        }
        assert_eq!(loads.total(), 21);
    }

    #[test]
    fn stages_are_timed_as_far_as_a_load_comes() {
        let mut loads = Loads::default();
        let fetch = Some(Duration::from_millis(5));
        loads.add(LoadResult::FetchError, &Durations { fetch, ..Durations::default() });
        let compile = Some(Duration::from_secs(60));
        loads.add(LoadResult::RejectedInvalid, &Durations { fetch, compile, ..Durations::default() });
        let told: Vec<_> = loads.times().map(|(stage, times)| (stage, times.counts, times.sum.as_millis())).collect();
        let (mut fetches, mut compiles, none) = ([0; 11], [0; 11], [0; 11]);
        (fetches[1], compiles[10]) = (2, 1);
        let expected =
            [("fetch", fetches, 10), ("compile", compiles, 60_000), ("selftest", none, 0), ("swap", none, 0)];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_bundle_has_expired_from_the_instant_that_it_names() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let bundle = |expires| ActiveBundle {
            facts: Facts {
                name: "bundle".into(),
                revision: "1".into(),
                digest: "d".into(),
                sequence: None,
                expires,
                policies: 0,
                locations: 0,
                ranges: 0,
            },
            activated: at(0),
            generation: 1,
            is_revision_reused: false,
            warnings: Vec::new(),
        };
        assert!(!bundle(Some(at(10))).has_expired(at(9)));
        assert!(bundle(Some(at(10))).has_expired(at(10)));
        assert!(!bundle(None).has_expired(at(10)));
    }
}
