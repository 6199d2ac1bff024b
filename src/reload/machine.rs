//! When to read, build and publish: the whole logic of reloading as a pure state machine.
//!
//! It knows no clock, file or thread. Whoever drives it passes `now` as time since any fixed start, performs the
//! returned actions in order, answers [`Action::Read`] and [`Action::Build`] with the input of the same name, and comes
//! back at [`Machine::deadline`]. So that a table and a simulation can test what a file system would take days to show.
//!
//! The rules:
//! - Changes settle first: files are read once they are quiet for [`Pace::settle`], or [`Pace::peek`] after the first
//!   change if they never are.
//! - A reading during a copy holds a part of the bundle, and every part may be valid. So a reading is built only if it is
//!   a swap: a link leads elsewhere, and what it leads to was complete before. Or if it is calm: no event for
//!   [`Pace::settle`], no file younger than that, none missing that the active bundle has. Any other reading is held
//!   until a second one, [`Pace::settle`] later, shows the very same files, [`Pace::settle_lacking`] later if files are
//!   missing. Files that do not hold still for [`Pace::settle_max`] are reported, and never activated.
//! - Events get lost: every [`Pace::poll`] the driver looks for changes without being told.
//! - One load at a time. Whatever changes during it causes exactly one more afterwards; the newest files win.
//! - Files with the digest of the active bundle end the load; so do files that were rejected before, unless an
//!   operator asks.
//! - A bundle is activated only if it has not expired and its sequence is not lower than the active one's. A bundle
//!   without a sequence is lower than any that has one, or removing the line would undo the protection.
//! - A failure leaves the active bundle untouched, and the same failure is new only once.
//! - That the active bundle is about to expire is told once, and that it has; it stays in force.
//!
//! What cannot be promised: a copy in place that pauses for longer than these times looks like one that is complete, and
//! what it has copied so far goes into force if it is valid. The same holds for a copy into a folder after a link leads
//! there. Whoever replaces more than one file does it safely by a swap: write a new folder, then rename a link over the
//! old link, as Kubernetes does with `..data`; or replace an archive by renaming.

#[cfg(test)]
mod copy;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

use super::outcome::{Facts, Rejection, Stage};
use crate::limits;

/// The times of reloading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Changes must be quiet for this long.
    pub settle: Duration,
    /// A reading that lacks files of the active bundle must hold still for this long.
    pub settle_lacking: Duration,
    /// Changes that never are quiet are read this long after the first.
    pub peek: Duration,
    /// Files that do not hold still are reported after this long.
    pub settle_max: Duration,
    /// How often to look for changes that no event told of.
    pub poll: Duration,
    /// How long the work of a load may give way to requests, before it is done all the same. The machine does not look at it.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle: limits::RELOAD_SETTLE,
            settle_lacking: limits::RELOAD_SETTLE_LACKING,
            peek: limits::RELOAD_PEEK,
            settle_max: limits::RELOAD_SETTLE_MAX,
            poll: limits::RELOAD_POLL,
            patience: limits::RELOAD_PATIENCE,
        }
    }
}

/// What the machine is told.
#[derive(Debug)]
pub enum Input {
    /// Some file may have changed.
    Changed,
    /// Time has passed.
    Tick,
    /// An operator asks for a load now (SIGHUP).
    Reload,
    /// [`Action::Read`] is done: what was read, or why nothing was.
    Read(Result<Reading, Rejection>),
    /// [`Action::Build`] is done: the built bundle, or why it is refused.
    Built(Result<Facts, Rejection>),
}

/// What the marks of files tell of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Digest of the files.
    pub digest: Box<str>,
    /// A link leads elsewhere since the last reading: the files were complete before they became visible.
    pub is_swapped: bool,
    /// A file of the active bundle is missing.
    pub is_lacking: bool,
    /// The files bear the marks of the last reading.
    pub is_same: bool,
    /// How long ago a file changed last.
    pub age: Duration,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Look whether files changed, without reading them, and say [`Input::Changed`] if so.
    Look,
    /// Read the files and answer with [`Input::Read`].
    Read,
    /// Build what was just read and answer with [`Input::Built`].
    Build,
    /// Make what was just built the active snapshot.
    Publish,
    /// A load came to its end.
    Report(Report),
    /// The active bundle will expire soon.
    WarnExpiring,
    /// The active bundle has expired just now. It stays in force.
    WarnExpired,
}

/// How a load ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A new bundle is active.
    Activated {
        /// Its facts.
        facts: Facts,
        /// It bears the sequence of the bundle it replaces: two different bundles were given one number.
        is_sequence_reused: bool,
        /// It bears the revision of the bundle it replaces: answers do not tell the two apart.
        is_revision_reused: bool,
    },
    /// The files are those of the active bundle.
    Unchanged {
        /// A rejection stood until now: the files were put back to what is active.
        is_recovery: bool,
    },
    /// The newest files cannot be activated.
    Rejected {
        /// Why.
        rejection: Rejection,
        /// Digest of the files, if they could be read.
        digest: Option<Box<str>>,
        /// Nobody was told of this failure yet, or an operator asked again.
        is_new: bool,
    },
}

/// The state of reloading.
#[derive(Debug)]
pub struct Machine {
    pace: Pace,
    state: State,
    poll_at: Duration,
    active: Option<Facts>,
    /// The highest sequence that was in force, here or before.
    highest: Option<u64>,
    expiry: Option<Expiry>,
    held: Option<Held>,
    /// The newest bundle that was read and refused, until another is accepted.
    refused: Option<(Box<str>, Rejection)>,
    /// The failure that was reported last, until one load succeeds.
    reported: Option<(Option<Box<str>>, Rejection)>,
}

#[derive(Debug)]
enum State {
    Idle,
    Settling(Changes),
    Loading { step: Step, is_quiet: bool, is_asked: bool, next: Option<Changes> },
}

/// When the active bundle expires, and what was told of that.
#[derive(Debug)]
struct Expiry {
    at: Timestamp,
    /// From here on it is about to.
    soon: Timestamp,
    is_soon_told: bool,
    is_told: bool,
}

/// A reading that may be a part of a bundle, until the next one shows whether the files held still.
#[derive(Debug)]
struct Held {
    digest: Box<str>,
    since: Duration,
    /// When the first reading of a row that differed from each other was held.
    unsettled_since: Duration,
    is_asked: bool,
}

#[derive(Debug)]
enum Step {
    Reading,
    Building(Box<str>),
}

/// Changes that no load has seen.
#[derive(Clone, Copy, Debug)]
struct Changes {
    first: Duration,
    last: Duration,
    settle: Duration,
    is_asked: bool,
}

impl Machine {
    /// A machine without an active bundle, whose first deadline is `now`.
    pub fn new(pace: Pace, now: Duration) -> Self {
        Self {
            pace,
            state: State::Settling(Changes { first: now, last: now, settle: pace.settle, is_asked: true }),
            poll_at: now + pace.poll,
            active: None,
            highest: None,
            expiry: None,
            held: None,
            refused: None,
            reported: None,
        }
    }

    /// The same, where a bundle with the sequence `highest` was in force before.
    #[must_use]
    pub fn refuse_below(self, highest: Option<u64>) -> Self {
        Self { highest, ..self }
    }

    /// When to pass [`Input::Tick`] if nothing else happens before; `None` while a load runs.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Idle => Some(self.poll_at),
            State::Settling(changes) => Some(self.due(*changes)),
            State::Loading { .. } => None,
        }
    }

    /// Takes one input and gives the actions it causes, in order. `now` never decreases; `wall` is the time of day, which
    /// `expires` is held against.
    ///
    /// An answer to an action that was not asked for is ignored.
    #[must_use]
    pub fn handle(&mut self, now: Duration, wall: Timestamp, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Changed => self.note(now, false),
            Input::Reload => self.note(now, true),
            Input::Tick => {}
            Input::Read(outcome) => self.read(now, outcome, &mut actions),
            Input::Built(outcome) => self.built(now, outcome, wall, &mut actions),
        }
        self.advance(now, &mut actions);
        self.watch_expiry(wall, &mut actions);
        actions
    }

    fn due(&self, changes: Changes) -> Duration {
        if changes.is_asked {
            return changes.first;
        }
        (changes.last + changes.settle).min(changes.first + changes.settle.max(self.pace.peek))
    }

    fn note(&mut self, now: Duration, is_asked: bool) {
        let fresh = Changes { first: now, last: now, settle: self.pace.settle, is_asked };
        let merge = |known: Changes| Changes { last: now, is_asked: known.is_asked || is_asked, ..known };
        match &mut self.state {
            State::Idle => self.state = State::Settling(fresh),
            State::Settling(known) => *known = merge(*known),
            State::Loading { next, .. } => *next = Some(next.map_or(fresh, merge)),
        }
    }

    /// Starts what is due. Every input passes here, or a storm of events would keep the time from passing.
    fn advance(&mut self, now: Duration, actions: &mut Vec<Action>) {
        match &self.state {
            State::Settling(changes) if now >= self.due(*changes) => {
                let is_asked = changes.is_asked;
                let is_quiet = now >= changes.last + self.pace.settle || is_asked;
                self.state = State::Loading { step: Step::Reading, is_quiet, is_asked, next: None };
                actions.push(Action::Read);
            }
            State::Idle if now >= self.poll_at => {
                self.poll_at = now + self.pace.poll;
                actions.push(Action::Look);
            }
            _ => {}
        }
    }

    fn read(&mut self, now: Duration, outcome: Result<Reading, Rejection>, actions: &mut Vec<Action>) {
        let State::Loading { step: Step::Reading, is_quiet, is_asked, .. } = &mut self.state else { return };
        let held = self.held.take();
        *is_asked |= held.as_ref().is_some_and(|held| held.is_asked);
        let (is_quiet, is_asked) = (*is_quiet, *is_asked);
        let reading = match outcome {
            Ok(reading) => reading,
            Err(rejection) => {
                actions.push(self.reject(None, rejection, is_asked));
                return self.finish(now);
            }
        };
        if self.active.as_ref().is_some_and(|active| active.digest == reading.digest) {
            self.refused = None;
            let is_recovery = self.reported.take().is_some();
            actions.push(Action::Report(Report::Unchanged { is_recovery }));
            return self.finish(now);
        }
        let known = self.refused.as_ref().filter(|(refused, _)| *refused == reading.digest && !is_asked).cloned();
        if let Some((digest, rejection)) = known {
            actions.push(self.reject(Some(digest), rejection, false));
            return self.finish(now);
        }
        let settle = if reading.is_lacking { self.pace.settle_lacking } else { self.pace.settle };
        let is_calm = is_quiet && !reading.is_lacking && reading.age >= settle;
        let is_still = reading.is_same
            && held.as_ref().is_some_and(|held| held.digest == reading.digest && now >= held.since + settle);
        if reading.is_swapped || is_calm || is_still {
            if let State::Loading { step, .. } = &mut self.state {
                *step = Step::Building(reading.digest);
            }
            return actions.push(Action::Build);
        }
        self.hold(now, reading, held, is_asked, actions);
        self.finish(now);
        self.settle_held(now, settle);
    }

    /// Remembers a reading until the next one, and reports files that never hold still.
    fn hold(&mut self, now: Duration, reading: Reading, held: Option<Held>, is_asked: bool, actions: &mut Vec<Action>) {
        let since = match &held {
            Some(held) if reading.is_same && held.digest == reading.digest => held.since,
            _ => now,
        };
        let mut unsettled_since = held.map_or(now, |held| held.unsettled_since);
        if now >= unsettled_since + self.pace.settle_max {
            unsettled_since = now;
            let message = "the files keep changing; they are not activated before they hold still";
            actions.push(self.reject(None, Rejection::new(Stage::Read, message), is_asked));
        }
        self.held = Some(Held { digest: reading.digest, since, unsettled_since, is_asked });
    }

    /// The second reading comes without a cause of its own.
    fn settle_held(&mut self, now: Duration, settle: Duration) {
        let is_asked = matches!(&self.state, State::Settling(next) if next.is_asked);
        self.state = State::Settling(Changes { first: now, last: now, settle, is_asked });
    }

    fn built(&mut self, now: Duration, outcome: Result<Facts, Rejection>, wall: Timestamp, actions: &mut Vec<Action>) {
        let State::Loading { step: Step::Building(digest), is_asked, .. } = &self.state else { return };
        let (digest, is_asked) = (digest.clone(), *is_asked);
        match outcome.and_then(|facts| self.check(facts, wall)) {
            Ok(facts) => {
                let is_sequence_reused = facts.sequence.is_some()
                    && self.active.as_ref().is_some_and(|active| active.sequence == facts.sequence);
                let is_revision_reused = self.active.as_ref().is_some_and(|active| active.revision == facts.revision);
                self.active = Some(facts.clone());
                self.highest = self.highest.max(facts.sequence);
                self.expiry = facts.expires.map(|at| Expiry::new(at, wall));
                self.refused = None;
                self.reported = None;
                actions.push(Action::Publish);
                actions.push(Action::Report(Report::Activated { facts, is_sequence_reused, is_revision_reused }));
            }
            Err(rejection) => {
                self.refused = Some((digest.clone(), rejection.clone()));
                actions.push(self.reject(Some(digest), rejection, is_asked));
            }
        }
        self.finish(now);
    }

    /// Freshness: neither expired nor older than what is active.
    fn check(&self, facts: Facts, wall: Timestamp) -> Result<Facts, Rejection> {
        if let Some(expires) = facts.expires.filter(|expires| *expires <= wall) {
            return Err(Rejection::new(Stage::Expired, format!("the bundle expired at {expires}")));
        }
        let Some(highest) = self.highest else { return Ok(facts) };
        let is_active = self.active.as_ref().is_some_and(|active| active.sequence == Some(highest));
        let rollback = |message| Err(Rejection::new(Stage::Rollback, message));
        match (facts.sequence, is_active) {
            (Some(sequence), _) if sequence >= highest => Ok(facts),
            (Some(sequence), true) => {
                rollback(format!("sequence {sequence} is lower than {highest}, the active bundle's"))
            }
            (None, true) => rollback(format!("the bundle has no sequence, the active one has sequence {highest}")),
            (Some(sequence), false) => {
                rollback(format!("sequence {sequence} is lower than {highest}, which was in force before"))
            }
            (None, false) => {
                rollback(format!("the bundle has no sequence, one with sequence {highest} was in force before"))
            }
        }
    }

    fn watch_expiry(&mut self, wall: Timestamp, actions: &mut Vec<Action>) {
        let Some(expiry) = &mut self.expiry else { return };
        if expiry.at <= wall {
            if !std::mem::replace(&mut expiry.is_told, true) {
                actions.push(Action::WarnExpired);
            }
        } else if expiry.soon <= wall && !std::mem::replace(&mut expiry.is_soon_told, true) {
            actions.push(Action::WarnExpiring);
        }
    }

    fn reject(&mut self, digest: Option<Box<str>>, rejection: Rejection, is_asked: bool) -> Action {
        let failure = Some((digest.clone(), rejection.clone()));
        let is_new = is_asked || self.reported != failure;
        self.reported = failure;
        Action::Report(Report::Rejected { rejection, digest, is_new })
    }

    fn finish(&mut self, now: Duration) {
        let State::Loading { next, .. } = &self.state else { return };
        self.poll_at = now + self.pace.poll;
        self.state = next.map_or(State::Idle, State::Settling);
    }
}

impl Expiry {
    /// Of a bundle that comes into force at `wall`.
    fn new(at: Timestamp, wall: Timestamp) -> Self {
        let life = Duration::try_from(at.duration_since(wall)).unwrap_or(Duration::ZERO);
        let soon = at.checked_sub((life / 10).min(limits::EXPIRY_NOTICE_MAX)).unwrap_or(at);
        Self { at, soon, is_soon_told: false, is_told: false }
    }
}
