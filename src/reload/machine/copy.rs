//! Thousands of seeded copies of a bundle of many files over another, in virtual time.
//!
//! Every set of files is valid, as any set of policies is. The folder is wiped first or written over in place, file by
//! file with pauses shorter than the settle time, some files with the content they have. Events come or are lost,
//! operators ask for loads in between. A part of the new bundle must never be in force.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::simulation::Random;
use super::*;

const SEEDS: u64 = 3_000;

#[test]
fn a_slow_copy_is_in_force_when_it_is_complete_and_never_before() {
    for seed in 0..SEEDS {
        let mut copy = Copy::new(seed);
        copy.run();
    }
}

/// Content by number of the file.
type Files = BTreeMap<u64, u64>;

struct Copy {
    seed: u64,
    random: Random,
    machine: Machine,
    now: u64,
    files: Files,
    writes: u64,
    written: u64,
    has_events: bool,
    read: Option<(Files, u64)>,
    active: Files,
    activations: u64,
}

impl Copy {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let count = 2 + random.below(150);
        Self {
            seed,
            has_events: random.below(3) > 0,
            machine: Machine::new(Pace::default(), Duration::ZERO),
            // Long after the files were written.
            now: 60_000,
            files: (0..count).map(|file| (file, 1)).collect(),
            writes: 0,
            written: 0,
            read: None,
            active: Files::new(),
            activations: 0,
            random,
        }
    }

    fn run(&mut self) {
        let old = self.files.clone();
        self.tell(Input::Tick);
        assert_eq!(self.active, old, "seed {}", self.seed);
        let new = self.next(&old);
        if self.random.below(2) == 0 {
            for file in old.into_keys() {
                self.files.remove(&file);
                self.pause();
            }
        }
        for (file, content) in &new {
            self.files.insert(*file, *content);
            self.written = self.now;
            self.pause();
            assert!(self.activations == 1 || *file == new.len() as u64 - 1, "seed {}: a part is in force", self.seed);
        }
        let pace = Pace::default();
        self.wait((pace.poll + 2 * pace.settle_lacking + pace.peek).as_millis() as u64);
        assert_eq!(self.active, new, "seed {}", self.seed);
        assert_eq!(self.activations, 2, "seed {}", self.seed);
    }

    /// At least as many files, the last of them new: the whole is another bundle than any part.
    fn next(&mut self, old: &Files) -> Files {
        let count = old.len() as u64 + self.random.below(3);
        let unchanged = self.random.below(4);
        (0..count)
            .map(|file| (file, if file + 1 < count && self.random.below(4) < unchanged { 1 } else { 2 }))
            .collect()
    }

    fn pause(&mut self) {
        self.writes += 1;
        if self.has_events {
            self.tell(Input::Changed);
        }
        if self.random.below(50) == 0 {
            self.tell(Input::Reload);
        }
        let settle = Pace::default().settle.as_millis() as u64;
        let pause = 1 + self.random.below(settle - 1);
        self.wait(pause);
    }

    fn wait(&mut self, time: u64) {
        let end = self.now + time;
        while let Some(at) = self.machine.deadline().map(|at| at.as_millis() as u64).filter(|at| *at < end) {
            self.now = at.max(self.now);
            self.tell(Input::Tick);
        }
        self.now = end;
    }

    /// Reading and building take no time, so that readings happen at every instant that the machine wants.
    fn tell(&mut self, input: Input) {
        for action in self.machine.handle(Duration::from_millis(self.now), Timestamp::UNIX_EPOCH, input) {
            match action {
                Action::Look => {
                    if self.read.as_ref().is_none_or(|(_, stamp)| *stamp != self.writes) {
                        self.tell(Input::Changed);
                    }
                }
                Action::Read => {
                    let reading = self.reading();
                    self.read = Some((self.files.clone(), self.writes));
                    self.tell(Input::Read(reading));
                }
                Action::Build => {
                    let facts = self.facts();
                    self.tell(Input::Built(Ok(facts)));
                }
                Action::Publish => {
                    self.active = self.files.clone();
                    self.activations += 1;
                }
                Action::Report(_) | Action::WarnExpiring | Action::WarnExpired => {}
            }
        }
    }

    fn reading(&self) -> Result<Reading, Rejection> {
        if self.files.is_empty() {
            return Err(Rejection::new(Stage::Read, "empty"));
        }
        Ok(Reading {
            digest: self.facts().digest,
            is_swapped: false,
            is_lacking: self.active.keys().any(|file| !self.files.contains_key(file)),
            is_same: self.read.as_ref().is_some_and(|(_, stamp)| *stamp == self.writes),
            age: Duration::from_millis(self.now - self.written),
        })
    }

    fn facts(&self) -> Facts {
        Facts {
            name: "bundle".into(),
            revision: "1".into(),
            digest: format!("{:?}", self.files).into(),
            sequence: None,
            expires: None,
            policies: self.files.len(),
            locations: 0,
            ranges: 0,
        }
    }
}
