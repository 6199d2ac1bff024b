//! File events, reduced to "something changed".
//!
//! Events are a hint, never the truth: they get lost, and a watch dies with its folder. So a watch is made anew after
//! every reading of the files, for the folders that reading found, and a poll backs it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::source::Places;

/// Watches until it is dropped.
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
    blind_spot: Option<notify::Error>,
}

/// "Something changed", said once until it is heard, so that a storm of events queues nothing.
#[derive(Clone)]
pub(crate) struct Bell {
    is_ringing: Arc<AtomicBool>,
    ring: Arc<dyn Fn() + Send + Sync>,
}

impl Watch {
    /// Rings `bell` whenever something happens at `places`. A folder that is gone by now is left out: whoever removed
    /// it changed another folder, or the next poll sees it.
    ///
    /// # Errors
    /// The system gives no watcher.
    pub(crate) fn start(places: Places, bell: Bell) -> notify::Result<Self> {
        let places = Arc::new(places);
        let concern = Arc::clone(&places);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(&event, &concern)) {
                bell.ring();
            }
        })?;
        let mut blind_spot = None;
        for folder in places.watched() {
            let watched = watcher.watch(folder, RecursiveMode::NonRecursive);
            blind_spot = blind_spot.or(watched.err().filter(|error| !is_missing(error, folder)));
        }
        Ok(Self { _watcher: watcher, blind_spot })
    }

    /// Why some folder is not watched: no permission to read it, or no watches left.
    pub(crate) fn blind_spot(&self) -> Option<&notify::Error> {
        self.blind_spot.as_ref()
    }
}

impl Bell {
    pub(crate) fn new(ring: impl Fn() + Send + Sync + 'static) -> Self {
        Self { is_ringing: Arc::default(), ring: Arc::new(ring) }
    }

    /// Must be called before the files are looked at, or a change in between is lost.
    pub(crate) fn hear(&self) {
        self.is_ringing.store(false, Ordering::SeqCst);
    }

    fn ring(&self) {
        if !self.is_ringing.swap(true, Ordering::SeqCst) {
            (self.ring)();
        }
    }
}

/// Reading files makes events too; those must not cause the next reading.
fn is_change(event: &Event, places: &Places) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return false,
        _ => {}
    }
    event.paths.is_empty() || event.paths.iter().any(|path| places.concern(path))
}

fn is_missing(error: &notify::Error, folder: &Path) -> bool {
    matches!(error.kind, notify::ErrorKind::PathNotFound) || !folder.exists()
}
