//! What the loader does: performs the actions of the state machine on real files, clocks and snapshots.
//!
//! No decision is taken here; whoever looks for one finds it in `machine`.

use std::any::Any;
use std::collections::VecDeque;
use std::error::Error;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::gently::Gently;
use super::machine::{Action, Input, Machine, Pace, Reading, Report};
use super::outcome::{Built, LoadResult, Loaded, Rejection, Stage};
use super::sequence::KeptSequence;
use super::snapshot::{Active, Retired, Snapshot};
use super::status::{ActiveBundle, Durations, RejectedBundle, Status, View};
use super::watch::{Bell, Watch};
use crate::limits;
use crate::source::{Look, Places, Source, SourceError, Stamp};
use crate::text::{Finding, RawBundle, Severity};

type Build<B> = Arc<dyn Fn(&RawBundle) -> Built<B> + Send + Sync>;

/// The machine and everything it acts upon.
pub(super) struct Work<B> {
    source: Source,
    started: Instant,
    gently: Gently,
    machine: Machine,
    kept: Option<KeptSequence>,
    active: Arc<Active<B>>,
    status: Arc<Status>,
    build: Build<B>,
    on_load: Box<dyn FnMut(&View) + Send>,
    bell: Bell,
    watch: Option<Watch>,
    is_blind: bool,
    /// The marks of the files at the last reading, unless it failed.
    stamp: Option<Stamp>,
    /// The marks of the last files that could be read.
    last: Option<Stamp>,
    /// The marks of the files in force.
    in_force: Option<Stamp>,
    generation: u64,
    retired: Retired<B>,
    load: Loading<B>,
}

/// What a load carries from one action to the next.
struct Loading<B> {
    raw: Option<RawBundle>,
    built: Option<(B, Vec<Finding>)>,
    published: Option<ActiveBundle>,
    durations: Durations,
}

impl<B: Loaded> Work<B> {
    pub(super) fn new(
        source: Source,
        pace: Pace,
        active: Arc<Active<B>>,
        status: Arc<Status>,
        bell: Bell,
        build: impl Fn(&RawBundle) -> Built<B> + Send + Sync + 'static,
        on_load: impl FnMut(&View) + Send + 'static,
    ) -> Self {
        Self {
            source,
            started: Instant::now(),
            gently: Gently::new(pace.patience),
            machine: Machine::new(pace, Duration::ZERO),
            kept: None,
            active,
            status,
            build: Arc::new(build),
            on_load: Box::new(on_load),
            bell,
            watch: None,
            is_blind: false,
            stamp: None,
            last: None,
            in_force: None,
            generation: 0,
            retired: Retired::new(),
            load: Loading::new(),
        }
    }

    /// Refuses sequences that `kept` says are too low, and keeps it up to date.
    pub(super) fn keeping(self, kept: Option<KeptSequence>) -> Self {
        let highest = kept.as_ref().and_then(KeptSequence::highest);
        Self { machine: self.machine.refuse_below(highest), kept, ..self }
    }

    /// How long to wait for a message before the next [`Input::Tick`].
    pub(super) fn wait(&self) -> Option<Duration> {
        let wait = self.machine.deadline().map(|deadline| deadline.saturating_sub(self.started.elapsed()));
        match wait {
            Some(wait) if !self.retired.is_empty() => Some(wait.min(limits::RELOAD_REAP)),
            wait => wait,
        }
    }

    /// Hands one input to the machine and performs what follows from it, until nothing more does.
    pub(super) fn step(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for action in self.machine.handle(self.started.elapsed(), Timestamp::now(), input) {
                match action {
                    Action::Look => self.look(&mut inputs),
                    Action::Read => self.read(&mut inputs),
                    Action::Build => inputs.push_back(self.build()),
                    Action::Publish => self.publish(),
                    Action::Report(report) => self.report(report),
                    Action::WarnExpiring => self.warn_of_expiry(false),
                    Action::WarnExpired => self.warn_of_expiry(true),
                }
            }
        }
        for snapshot in self.retired.reap() {
            self.gently.leave(move || drop(snapshot));
        }
    }

    /// Does the heavy part of a load. WHY it does not always give way: until something is in force there is nobody to give
    /// way to, and everybody waits.
    fn gently<T: Send + 'static>(&mut self, job: impl Fn() -> T + Send + Sync + 'static) -> T {
        if self.generation == 0 { self.gently.run_first(job) } else { self.gently.run(job) }
    }

    fn look_at_source(&mut self) -> Look {
        let source = self.source.clone();
        self.gently(move || source.look())
    }

    fn look(&mut self, inputs: &mut VecDeque<Input>) {
        self.keep_sequence(None);
        let now = self.look_at_source().stamp.ok();
        let is_same = match (&self.stamp, &now) {
            (Some(then), Some(now)) => then.is_certain() && then.shows_same_as(now),
            _ => false,
        };
        if !is_same {
            inputs.push_back(Input::Changed);
        }
        let now = Timestamp::now();
        self.status.update(|view| {
            view.checked = Some(now);
            if is_same && view.active.is_some() && view.rejected.is_none() {
                view.confirmed = Some(now);
            }
        });
    }

    fn read(&mut self, inputs: &mut VecDeque<Input>) {
        self.load = Loading::new();
        let started = Instant::now();
        let source = self.source.clone();
        let fetched = self.gently(move || source.read());
        self.load.durations.fetch = Some(started.elapsed());
        let (outcome, places, stamp) = match fetched {
            Ok(fetched) => {
                let reading = self.reading(&fetched.bundle, &fetched.stamp);
                self.last = Some(fetched.stamp.clone());
                self.load.raw = Some(fetched.bundle);
                (Ok(reading), fetched.places, Some(fetched.stamp))
            }
            Err(error) => {
                let look = self.look_at_source();
                (Err(Rejection::new(Stage::Read, chain(&error))), look.places, look.stamp.ok())
            }
        };
        self.watch(places);
        // WHY: what changed between the reading and the watch has caused no event.
        if !is_same(&stamp, &self.look_at_source().stamp) {
            inputs.push_back(Input::Changed);
        }
        self.stamp = stamp.filter(|_| outcome.is_ok());
        inputs.push_back(Input::Read(outcome));
    }

    fn reading(&self, raw: &RawBundle, stamp: &Stamp) -> Reading {
        Reading {
            digest: raw.digest.clone(),
            is_swapped: self.last.as_ref().is_some_and(|last| stamp.is_swapped_since(last)),
            is_lacking: self.in_force.as_ref().is_some_and(|in_force| stamp.lacks_files_of(in_force)),
            is_same: self.last.as_ref().is_some_and(|last| last.shows_same_as(stamp)),
            age: stamp.age(),
        }
    }

    /// The old watch is dropped only when the new one stands.
    fn watch(&mut self, places: Places) {
        let watch = Watch::start(places, self.bell.clone());
        let trouble = watch.as_ref().map_or_else(Some, Watch::blind_spot);
        match trouble {
            Some(error) if !self.is_blind => {
                tracing::warn!(%error, "file events incomplete, changes may be seen only by the poll");
            }
            None if self.is_blind => tracing::info!("file events complete again"),
            _ => {}
        }
        self.is_blind = trouble.is_some();
        self.watch = watch.ok();
    }

    fn build(&mut self) -> Input {
        let outcome = match self.load.raw.take() {
            Some(raw) => self.build_from(raw),
            None => Err(Rejection::new(Stage::Read, "the files are gone")),
        };
        Input::Built(outcome)
    }

    fn build_from(&mut self, raw: RawBundle) -> Result<super::Facts, Rejection> {
        let build = Arc::clone(&self.build);
        let built = self.gently(move || {
            let started = Instant::now();
            // WHY: a bug in the compiler must not end the loader, or no later bundle would be looked at.
            let built = panic::catch_unwind(AssertUnwindSafe(|| build(&raw)));
            built.unwrap_or_else(|cause| failed(cause.as_ref(), started))
        });
        self.load.durations.compile = Some(built.compile);
        self.load.durations.selftest = built.selftest;
        let bundle = built.outcome?;
        let facts = bundle.facts();
        self.load.built = Some((bundle, built.warnings));
        Ok(facts)
    }

    fn publish(&mut self) {
        let Some((bundle, warnings)) = self.load.built.take() else { return };
        self.keep_sequence(bundle.facts().sequence);
        self.generation += 1;
        let activated = Timestamp::now();
        let facts = bundle.facts();
        let snapshot = Arc::new(Snapshot { bundle, activated, generation: self.generation });
        let started = Instant::now();
        let old = self.active.publish(snapshot);
        self.load.durations.swap = Some(started.elapsed());
        if let Some(old) = old {
            self.retired.add(old);
        }
        self.in_force = self.last.clone();
        self.load.published =
            Some(ActiveBundle { facts, activated, generation: self.generation, is_revision_reused: false, warnings });
    }

    fn report(&mut self, report: Report) {
        if !matches!(report, Report::Activated { .. }) {
            self.keep_sequence(None);
        }
        log(&report, &self.load.durations, self.source.path());
        let now = Timestamp::now();
        let Loading { durations, published, .. } = mem::replace(&mut self.load, Loading::new());
        let view = self.status.update(|view| {
            let result = match report {
                Report::Activated { is_revision_reused, .. } => {
                    view.active = published.map(|active| Arc::new(ActiveBundle { is_revision_reused, ..active }));
                    view.rejected = None;
                    LoadResult::Activated
                }
                Report::Unchanged { .. } => {
                    view.rejected = None;
                    LoadResult::Unchanged
                }
                Report::Rejected { rejection, digest, is_new } => {
                    let result = LoadResult::from(rejection.stage);
                    if is_new || view.rejected.is_none() {
                        view.rejected = Some(Arc::new(RejectedBundle { at: now, digest, rejection }));
                    }
                    result
                }
            };
            view.checked = Some(now);
            if matches!(result, LoadResult::Activated | LoadResult::Unchanged) {
                view.confirmed = Some(now);
            }
            view.loads.add(result, &durations);
        });
        (self.on_load)(&view);
    }
}

impl<B> Work<B> {
    /// Keeps `sequence`, of a bundle that comes into force, and what could not be kept before.
    ///
    /// WHY before the bundle is in force: if the process ends between the two, the next one refuses nothing that it should
    /// take. WHY the bundle comes into force although this fails: what it closes must not wait for a full disk.
    fn keep_sequence(&mut self, sequence: Option<u64>) {
        let Some(kept) = &mut self.kept else { return };
        let outcome = kept.keep(sequence);
        let highest = kept.highest();
        let (was_failing, is_failing) = (self.status.view().is_sequence_lost, outcome.is_err());
        match outcome {
            Err(error) if !was_failing || sequence.is_some() => {
                tracing::error!(
                    %error,
                    sequence = highest,
                    "sequence not kept, an older bundle would come into force after a restart"
                );
            }
            Err(error) => tracing::debug!(%error, sequence = highest, "sequence still not kept"),
            Ok(()) if was_failing => tracing::info!(sequence = highest, "sequence kept again"),
            Ok(()) => {}
        }
        if was_failing != is_failing {
            self.status.update(|view| view.is_sequence_lost = is_failing);
        }
    }

    fn warn_of_expiry(&self, has_expired: bool) {
        let view = self.status.view();
        let Some(active) = &view.active else { return };
        let source = self.source.path().display();
        let (revision, expires) = (&*active.facts.revision, active.facts.expires.map(tracing::field::display));
        if has_expired {
            tracing::warn!(
                %source, revision, expires,
                "bundle in force has expired, it stays in force until another is activated, and a restart refuses it"
            );
        } else {
            tracing::warn!(%source, revision, expires, "bundle in force will expire soon");
        }
    }
}

impl<B> Loading<B> {
    fn new() -> Self {
        Self { raw: None, built: None, published: None, durations: Durations::default() }
    }
}

fn is_same(then: &Option<Stamp>, now: &Result<Stamp, SourceError>) -> bool {
    match (then, now) {
        (Some(then), Ok(now)) => then.shows_same_as(now),
        (None, Err(_)) => true,
        _ => false,
    }
}

fn failed<B>(cause: &(dyn Any + Send), started: Instant) -> Built<B> {
    let cause = match (cause.downcast_ref::<&str>(), cause.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "unknown",
    };
    let message = format!("the compiler failed, which is a bug of doorward: {cause}");
    Built {
        outcome: Err(Rejection::new(Stage::Parse, message)),
        warnings: Vec::new(),
        compile: started.elapsed(),
        selftest: None,
    }
}

/// One event per fact; what is not new is told to those who debug only.
fn log(report: &Report, durations: &Durations, source: &Path) {
    let source = source.display();
    match report {
        Report::Activated { facts, is_sequence_reused, is_revision_reused } => {
            tracing::info!(
                %source,
                bundle = &*facts.name,
                revision = &*facts.revision,
                digest = &*facts.digest,
                sequence = facts.sequence,
                policies = facts.policies,
                locations = facts.locations,
                ranges = facts.ranges,
                fetch_ms = durations.fetch.map(milliseconds),
                compile_ms = durations.compile.map(milliseconds),
                selftest_ms = durations.selftest.map(milliseconds),
                "bundle activated"
            );
            if *is_sequence_reused {
                tracing::warn!(
                    %source,
                    revision = &*facts.revision,
                    sequence = facts.sequence,
                    "bundle differs from the one before and bears its sequence"
                );
            }
            if *is_revision_reused {
                tracing::warn!(
                    %source,
                    revision = &*facts.revision,
                    digest = &*facts.digest,
                    "bundle differs from the one before and bears its revision"
                );
            }
        }
        Report::Unchanged { is_recovery: true } => tracing::info!(%source, "bundle files are those in force again"),
        Report::Unchanged { is_recovery: false } => tracing::debug!(%source, "bundle unchanged"),
        Report::Rejected { rejection, digest, is_new: true } => {
            let place = rejection.findings.iter().find(|finding| finding.severity == Severity::Error);
            tracing::error!(
                %source,
                stage = rejection.stage.as_str(),
                digest = digest.as_deref(),
                reason = rejection.message,
                rule = place.map(|finding| finding.id),
                file = place.map(|finding| finding.file.as_str()),
                line = place.map(|finding| finding.line),
                findings = rejection.findings.len(),
                "bundle rejected"
            );
        }
        Report::Rejected { rejection, is_new: false, .. } => {
            tracing::debug!(%source, stage = rejection.stage.as_str(), reason = rejection.message, "bundle still rejected");
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line = format!("{line}: {inner}");
        cause = inner.source();
    }
    line
}
