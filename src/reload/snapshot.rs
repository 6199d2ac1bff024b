//! The one place through which requests see bundles. Nothing else in the project knows `arc_swap`.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;

use super::in_force::InForce;

/// A bundle in force.
#[derive(Debug)]
pub struct Snapshot<B = InForce> {
    /// The compiled bundle.
    pub bundle: B,
    /// When it came into force.
    pub activated: Timestamp,
    /// How many snapshots came into force since the start, this one included.
    pub generation: u64,
}

/// The snapshot in force, if there is one yet. Requests load it, only the loader replaces it.
#[derive(Debug)]
pub struct Active<B = InForce> {
    current: ArcSwapOption<Snapshot<B>>,
}

impl<B> Active<B> {
    /// Nothing in force: every request is answered with unavailable.
    pub const fn empty() -> Self {
        Self { current: ArcSwapOption::const_empty() }
    }

    /// The snapshot for one request or one batch: load once, use throughout. Do not keep it over an `await`.
    ///
    /// Cost: no lock, no shared counter.
    pub fn load(&self) -> impl Deref<Target = Option<Arc<Snapshot<B>>>> + use<B> {
        self.current.load()
    }

    /// The snapshot to keep for longer. Cost: a shared counter.
    pub fn load_full(&self) -> Option<Arc<Snapshot<B>>> {
        self.current.load_full()
    }

    /// Replaces the snapshot and gives the old one.
    pub(super) fn publish(&self, snapshot: Arc<Snapshot<B>>) -> Option<Arc<Snapshot<B>>> {
        self.current.swap(Some(snapshot))
    }
}

impl<B> Default for Active<B> {
    fn default() -> Self {
        Self::empty()
    }
}

/// Replaced snapshots that some request may still use.
///
/// WHY: whoever drops the last reference frees megabytes. That must be the loader, so it keeps one to each.
#[derive(Debug)]
pub(super) struct Retired<B> {
    snapshots: Vec<Arc<Snapshot<B>>>,
}

impl<B> Retired<B> {
    pub(super) const fn new() -> Self {
        Self { snapshots: Vec::new() }
    }

    pub(super) fn add(&mut self, snapshot: Arc<Snapshot<B>>) {
        self.snapshots.push(snapshot);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.snapshots.is_empty()
    }

    /// Gives what no request uses any more, to be freed. A count of one cannot rise again: nobody else has a reference to
    /// clone.
    pub(super) fn reap(&mut self) -> Vec<Arc<Snapshot<B>>> {
        self.snapshots.extract_if(.., |snapshot| Arc::strong_count(snapshot) == 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(bundle: u32) -> Arc<Snapshot<u32>> {
        Arc::new(Snapshot { bundle, activated: Timestamp::UNIX_EPOCH, generation: 1 })
    }

    #[test]
    fn a_replaced_snapshot_lives_until_its_last_request_ends() {
        let active = Active::empty();
        let mut retired = Retired::new();
        assert!(active.publish(snapshot(1)).is_none());
        let request = active.load();
        retired.add(active.publish(snapshot(2)).unwrap());
        assert!(retired.reap().is_empty());
        assert_eq!(request.as_ref().map(|snapshot| snapshot.bundle), Some(1));
        assert!(!retired.is_empty());
        drop(request);
        assert_eq!(retired.reap().len(), 1);
        assert!(retired.is_empty());
        assert_eq!(active.load_full().map(|snapshot| snapshot.bundle), Some(2));
    }
}
