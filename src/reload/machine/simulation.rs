//! Thousands of seeded histories of a bundle of two files, in virtual time.
//!
//! A writer changes the files atomically, torn (one file long before the other), by truncating first, or in storms.
//! Events come late or never. Readings are slow and see the files one after the other; building takes time. Whatever
//! happens, what is published was on disk, whole and valid, at one instant, and the last state wins in bounded time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::*;

const SEEDS: u64 = 20_000;
/// Longest time between two steps of a reading or building, milliseconds.
const SLOW_MS: u64 = 700;

#[test]
fn every_history_ends_with_the_last_state_and_never_shows_one_that_was_not() {
    let mut published = 0;
    let mut rejected = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        world.run();
        published += world.published.len();
        rejected += world.rejections;
    }
    // The histories must be worth something: both ends of a load are common.
    assert!(published > 2 * SEEDS as usize, "{published}");
    assert!(rejected > SEEDS as usize, "{rejected}");
}

/// Versions of both files; zero is a truncated file.
type Files = [u64; 2];

struct World {
    seed: u64,
    random: Random,
    machine: Machine,
    now: u64,
    /// What happens when; equal times in the order of adding.
    plan: BTreeMap<(u64, u64), Happening>,
    planned: u64,
    files: Files,
    /// How often the files were written: what a stamp shows.
    writes: u64,
    written: u64,
    seen_on_disk: BTreeSet<Files>,
    /// One in so many events is lost; 1 loses all.
    loss: u64,
    operation: Option<Operation>,
    /// The last reading: the files and their stamp.
    read: Option<(Files, u64)>,
    published: Vec<Files>,
    rejections: usize,
    rejected: Option<String>,
    reads: u64,
    causes: u64,
}

#[derive(Clone, Copy)]
enum Happening {
    Write(usize, u64),
    Event,
    Asked,
    Progress,
}

enum Operation {
    Read { attempt: u32, stamp: u64, age: u64, first: Option<u64> },
    Build(Files),
}

/// A bundle is valid if its files belong together and it is not one of those that are wrong by themselves.
fn is_valid(files: Files) -> bool {
    files[0] == files[1] && files[0] != 0 && files[0] % 5 != 3
}

fn digest(files: Files) -> Box<str> {
    format!("{}-{}", files[0], files[1]).into()
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let loss = [u64::MAX, 10, 3, 1][random.below(4) as usize];
        let files = [1, 1];
        let mut world = Self {
            seed,
            random,
            machine: Machine::new(Pace::default(), Duration::ZERO),
            now: 0,
            plan: BTreeMap::new(),
            planned: 0,
            files,
            writes: 0,
            written: 0,
            seen_on_disk: BTreeSet::from([files]),
            loss,
            operation: None,
            read: None,
            published: Vec::new(),
            rejections: 0,
            rejected: None,
            reads: 0,
            causes: 1,
        };
        world.plan_writes();
        world
    }

    fn plan_writes(&mut self) {
        let mut at = 0;
        for version in 2..2 + self.random.below(12) {
            // A storm, a busy author, or a quiet day.
            at += [self.random.below(30), self.random.below(600), self.random.below(15_000)]
                [self.random.below(3) as usize];
            for file in 0..2 {
                if self.random.below(3) == 0 {
                    self.add(at, Happening::Write(file, 0));
                    at += self.random.below(80);
                }
                self.add(at, Happening::Write(file, version));
                if file == 0 && self.random.below(2) == 0 {
                    at += self.random.below(900);
                }
            }
            if self.random.below(8) == 0 {
                let asked = at + self.random.below(1_000);
                self.add(asked, Happening::Asked);
            }
        }
    }

    fn add(&mut self, at: u64, happening: Happening) {
        self.planned += 1;
        self.plan.insert((at, self.planned), happening);
    }

    fn run(&mut self) {
        let last_write = self.plan.keys().last().map_or(0, |(at, _)| *at);
        let pace = Pace::default();
        let load = u64::from(limits::READ_ATTEMPTS_MAX) * 2 * SLOW_MS + SLOW_MS;
        let settled = last_write + 2 * load + (pace.poll + pace.peek + pace.settle).as_millis() as u64 + load;
        self.run_until(settled);
        self.check_end();
        let reads = self.reads;
        self.run_until(settled + 3 * pace.poll.as_millis() as u64);
        assert_eq!(self.reads, reads, "seed {}: quiet files are not read", self.seed);
    }

    fn run_until(&mut self, end: u64) {
        loop {
            let planned = self.plan.keys().next().map(|(at, _)| *at);
            let deadline = self.machine.deadline().map(|at| at.as_millis() as u64);
            let Some(next) = planned.into_iter().chain(deadline).min().filter(|next| *next <= end) else { break };
            self.now = next.max(self.now);
            if planned == Some(next) {
                let (_, happening) = self.plan.pop_first().unwrap();
                self.happen(happening);
            } else {
                self.tell(Input::Tick);
            }
        }
        self.now = end;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Write(file, version) => {
                self.files[file] = version;
                self.writes += 1;
                self.written = self.now;
                self.seen_on_disk.insert(self.files);
                if !(self.loss == 1 || self.loss != u64::MAX && self.random.below(self.loss) == 0) {
                    let delay = self.random.below(6);
                    self.add(self.now + delay, Happening::Event);
                }
            }
            Happening::Event => {
                self.causes += 1;
                self.tell(Input::Changed);
            }
            Happening::Asked => {
                self.causes += 1;
                self.tell(Input::Reload);
            }
            Happening::Progress => self.progress(),
        }
    }

    fn tell(&mut self, input: Input) {
        let is_read = matches!(input, Input::Read(Ok(_)));
        let actions = self.machine.handle(Duration::from_millis(self.now), Timestamp::UNIX_EPOCH, input);
        // A reading that is held is the cause of one more.
        self.causes += u64::from(is_read && actions.is_empty());
        for action in actions {
            match action {
                Action::Look => {
                    if self.read.is_none_or(|(_, stamp)| stamp != self.writes) {
                        self.causes += 1;
                        self.tell(Input::Changed);
                    }
                }
                Action::Read => {
                    self.reads += 1;
                    assert!(self.reads <= self.causes, "seed {}: a reading without a cause", self.seed);
                    self.begin(self.reading(1));
                }
                Action::Build => {
                    let (files, _) = self.read.unwrap();
                    self.begin(Operation::Build(files));
                }
                Action::Publish => self.publish(),
                Action::Report(report) => self.report(&report),
                Action::WarnExpiring | Action::WarnExpired => {}
            }
        }
    }

    fn begin(&mut self, operation: Operation) {
        assert!(self.operation.is_none(), "seed {}: two loads at once", self.seed);
        self.go_on(operation);
    }

    fn go_on(&mut self, operation: Operation) {
        self.operation = Some(operation);
        let slow = if self.random.below(10) == 0 { SLOW_MS } else { 20 };
        let delay = self.random.below(slow);
        self.add(self.now + delay, Happening::Progress);
    }

    fn reading(&self, attempt: u32) -> Operation {
        Operation::Read { attempt, stamp: self.writes, age: self.now - self.written, first: None }
    }

    fn progress(&mut self) {
        match self.operation.take().unwrap() {
            Operation::Read { attempt, stamp, age, first: None } => {
                self.go_on(Operation::Read { attempt, stamp, age, first: Some(self.files[0]) });
            }
            Operation::Read { stamp, age, first: Some(first), .. } if stamp == self.writes => {
                let files = [first, self.files[1]];
                let is_same = self.read.is_some_and(|(_, last)| last == stamp);
                self.read = Some((files, stamp));
                let age = Duration::from_millis(age);
                let reading = Reading { digest: digest(files), is_swapped: false, is_lacking: false, is_same, age };
                self.tell(Input::Read(Ok(reading)));
            }
            Operation::Read { attempt, .. } if attempt < limits::READ_ATTEMPTS_MAX => {
                self.go_on(self.reading(attempt + 1));
            }
            Operation::Read { .. } => {
                self.read = None;
                self.tell(Input::Read(Err(Rejection::new(Stage::Read, "unsettled"))));
            }
            Operation::Build(files) => {
                let outcome = if is_valid(files) { Ok(facts(files)) } else { Err(invalid(files)) };
                self.tell(Input::Built(outcome));
            }
        }
    }

    fn publish(&mut self) {
        let (files, _) = self.read.unwrap();
        assert!(is_valid(files), "seed {}: {files:?} is not valid", self.seed);
        assert!(self.seen_on_disk.contains(&files), "seed {}: {files:?} was never on disk", self.seed);
        if let Some(before) = self.published.last() {
            assert!(before < &files, "seed {}: {files:?} is older than {before:?}", self.seed);
        }
        self.published.push(files);
        self.rejected = None;
    }

    fn report(&mut self, report: &Report) {
        match report {
            Report::Activated { .. } => {}
            Report::Unchanged { .. } => self.rejected = None,
            Report::Rejected { rejection, .. } => {
                self.rejections += 1;
                self.rejected = Some(rejection.message.clone());
            }
        }
    }

    fn check_end(&self) {
        let seed = self.seed;
        assert!(self.operation.is_none(), "seed {seed}: still loading");
        if is_valid(self.files) {
            assert_eq!(self.published.last(), Some(&self.files), "seed {seed}: the last state is in force");
            assert_eq!(self.rejected, None, "seed {seed}: nothing is wrong any more");
        } else {
            assert_eq!(self.rejected, Some(invalid(self.files).message), "seed {seed}: the last state is refused");
        }
    }
}

fn invalid(files: Files) -> Rejection {
    Rejection::new(Stage::Parse, format!("{} is invalid", digest(files)))
}

fn facts(files: Files) -> Facts {
    Facts {
        name: "bundle".into(),
        revision: digest(files),
        digest: digest(files),
        sequence: Some(files[0]),
        expires: None,
        policies: 0,
        locations: 0,
        ranges: 0,
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
