//! A loader of toy bundles from a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use doorward::reload::machine::Pace;
use doorward::reload::{
    Active, Built, Facts, KeptSequence, LoadResult, Loaded, Loader, Rejection, Stage, Status, View,
};
use doorward::source::Source;
use doorward::text::RawBundle;
use tempfile::TempDir;

/// Far longer than anything here takes on the slowest machine; nothing waits for it that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// A loader, what it loads and what came of it.
pub struct Harness {
    pub folder: TempDir,
    pub loader: Loader,
    pub active: Arc<Active<Toy>>,
    pub status: Arc<Status>,
    /// The names of the threads that freed a bundle.
    pub freed_by: Arc<Mutex<Vec<String>>>,
}

/// What a toy bundle says: `name=content` for each file. One that says `bad` is invalid, `panic` breaks the compiler,
/// `sequence N` and `revision LABEL` are what they say.
pub struct Toy {
    pub says: String,
    digest: Box<str>,
    freed_by: Arc<Mutex<Vec<String>>>,
}

impl Harness {
    /// Loads the folder `below` of a new folder that holds `files`, with events only.
    pub fn start(below: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write(&folder.path().join(name), text);
        }
        Self::start_in(folder, below, Duration::from_secs(3600))
    }

    pub fn start_in(folder: TempDir, below: &str, poll: Duration) -> Self {
        Self::start_at(folder, below, Pace { poll, ..Pace::default() }, || {})
    }

    /// Calls `before` on the thread that builds, before each time.
    pub fn start_at(folder: TempDir, below: &str, pace: Pace, before: impl Fn() + Send + Sync + 'static) -> Self {
        Self::start_with(folder, below, pace, None, before)
    }

    /// Keeps the highest sequence in `file`.
    pub fn start_keeping(folder: TempDir, below: &str, poll: Duration, file: &Path) -> Self {
        let pace = Pace { poll, ..Pace::default() };
        Self::start_with(folder, below, pace, Some(KeptSequence::open(file).unwrap()), || {})
    }

    fn start_with(
        folder: TempDir,
        below: &str,
        pace: Pace,
        kept: Option<KeptSequence>,
        before: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let active = Arc::new(Active::empty());
        let status = Arc::new(Status::new());
        let freed_by = Arc::new(Mutex::new(Vec::new()));
        let freed = Arc::clone(&freed_by);
        let loader = Loader::start(
            Source::new(folder.path().join(below)),
            pace,
            Arc::clone(&active),
            Arc::clone(&status),
            kept,
            move |raw| {
                before();
                build(raw, &freed)
            },
            |_| {},
        );
        let loader = loader.unwrap();
        // Whatever comes of it: a test that begins before the first load has ended tests something else.
        let _ = loader.wait_first();
        Self { folder, loader, active, status, freed_by }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        write(&self.path(name), text);
    }

    /// Waits until the active bundle says this, and checks that requests see it too.
    #[track_caller]
    pub fn expect(&self, says: &str) {
        self.expect_view(&format!("`{says}` is in force"), |view| {
            view.active.as_ref().is_some_and(|active| &*active.facts.revision == says)
        });
        assert_eq!(self.says(), says);
    }

    /// Waits until the newest bundle is refused at this stage.
    #[track_caller]
    pub fn expect_rejected(&self, stage: Stage) -> String {
        let view = self.expect_view(&format!("a rejection at {stage}"), |view| {
            view.rejected.as_ref().is_some_and(|rejected| rejected.rejection.stage == stage)
        });
        view.rejected.as_ref().unwrap().rejection.message.clone()
    }

    /// Waits until so many loads came to this end.
    #[track_caller]
    pub fn expect_loads(&self, result: LoadResult, count: u64) {
        self.expect_view(&format!("{count} loads {}", result.as_str()), |view| view.loads.of(result) >= count);
    }

    /// Waits until looks cause no loads any more, and gives how many there were.
    pub fn expect_quiet(&self) -> u64 {
        // Until the files are old enough for their marks to prove something, each look is followed by a reading.
        self.expect_loads(LoadResult::Unchanged, 1);
        let mut loads = 0;
        while self.status.view().loads.total() > loads {
            loads = self.status.view().loads.total();
            for _ in 0..10 {
                self.expect_look();
            }
        }
        loads
    }

    /// Waits for a look at the files, or a load.
    pub fn expect_look(&self) {
        let before = self.status.view().checked;
        self.expect_view("a look", |view| view.checked > before);
    }

    #[track_caller]
    pub fn expect_view(&self, what: &str, is_wanted: impl Fn(&View) -> bool) -> Arc<View> {
        match self.status.wait_until(Instant::now() + PATIENCE, is_wanted) {
            Some(view) => view,
            None => panic!("{what} in vain: {:#?}", self.status.view()),
        }
    }

    /// What the active bundle says, as a request sees it.
    pub fn says(&self) -> String {
        self.active.load().as_ref().map(|snapshot| snapshot.bundle.says.clone()).unwrap_or_default()
    }
}

/// Writes a file, the way that is not atomic.
pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn build(raw: &RawBundle, freed_by: &Arc<Mutex<Vec<String>>>) -> Built<Toy> {
    let says: Vec<_> =
        raw.files.iter().map(|file| format!("{}={}", file.name, String::from_utf8_lossy(&file.bytes))).collect();
    let says = says.join(" ");
    assert!(!says.contains("panic"), "as the toy says");
    let outcome = if says.contains("bad") || says.ends_with('=') {
        Err(Rejection::new(Stage::Parse, format!("`{says}` is invalid")))
    } else {
        Ok(Toy { says, digest: raw.digest.clone(), freed_by: Arc::clone(freed_by) })
    };
    Built { outcome, warnings: Vec::new(), compile: Duration::ZERO, selftest: None }
}

impl Loaded for Toy {
    fn facts(&self) -> Facts {
        let sequence = self.says.split_once("sequence ").map(|(_, number)| number.parse().unwrap());
        let revision = self.says.split_once("revision ").and_then(|(_, label)| label.split(' ').next());
        Facts {
            name: "toy".into(),
            revision: revision.unwrap_or(&self.says).into(),
            digest: self.digest.clone(),
            sequence,
            expires: None,
            policies: 1,
            locations: 0,
            ranges: 0,
        }
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        if let Ok(mut freed_by) = self.freed_by.lock() {
            freed_by.push(thread::current().name().unwrap_or("unnamed").to_owned());
        }
    }
}
