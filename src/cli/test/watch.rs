//! `--watch`: the tests once, and again whenever a file of the bundle changes, until nobody reads any more.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use anyhow::Context;

use crate::cli::{Exit, Outcome, Stop, paint};
use crate::limits;
use crate::reload::watch::{Bell, Watch};
use crate::source::{Source, Stamp};

/// Prints what `once` says, now and after each change of the bundle at `path`. A bundle that cannot be tested is told,
/// and watched on: its author is about to mend it.
pub fn run(path: &Path, once: impl Fn() -> Result<Outcome, Stop>) -> Result<Outcome, Stop> {
    let source = Source::new(path);
    let (sender, changes) = channel();
    let bell = Bell::new(move || {
        // Its receiver lives as long as the loop below.
        let _ = sender.send(());
    });
    loop {
        bell.hear();
        let before = source.look();
        // WHY: watched before the files are read, or a change in between would show only at the next poll.
        let _watch = Watch::start(before.places, bell.clone()).context("cannot watch the bundle")?;
        let text = match once() {
            Ok(outcome) => outcome.text,
            Err(stop) => stop.message,
        };
        let hint = paint::styled(paint::FAINT, &format!("waiting for a change of {}", path.display()));
        let mut stdout = anstream::stdout();
        if writeln!(stdout, "{}{hint}", paint::harmless(&text)).and_then(|()| stdout.flush()).is_err() {
            // Nobody reads any more, or nothing can be written: either way there is nothing to wait for.
            return Ok(Outcome { text: String::new(), exit: Exit::Failure });
        }
        wait(&source, before.stamp.ok(), &changes);
    }
}

/// Until the files bear other marks than `before`, and hold still. Events get lost, so that a slow look backs them.
fn wait(source: &Source, before: Option<Stamp>, changes: &Receiver<()>) {
    let look = || source.look().stamp.ok();
    let is_same = |a: &Option<Stamp>, b: &Option<Stamp>| match (a, b) {
        (Some(a), Some(b)) => a.shows_same_as(b),
        (None, None) => true,
        _ => false,
    };
    let mut seen = look();
    while is_same(&seen, &before) {
        // An event or the poll: either way the files are looked at.
        let _ = changes.recv_timeout(limits::RELOAD_POLL);
        seen = look();
    }
    loop {
        thread::sleep(limits::RELOAD_SETTLE);
        let now = look();
        if is_same(&seen, &now) {
            return;
        }
        seen = now;
    }
}
