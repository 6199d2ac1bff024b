//! How long an author waits: the commands, as they are typed, on a tenant of the largest usual size.
//!
//! 240 policies, half of them for workloads and half for people, and 195 named locations of 2,000 ranges each; the edited
//! tenant has one policy and one range less. Each command is a process of its own that reads its files, and its answer
//! is looked at. `DOORWARD_BENCH=quick` takes few ranges and one round, to see that it runs. Run it with
//! `cargo bench --bench authors`; start with [`main`].

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench that meets the unexpected must fail"
)]

#[expect(dead_code, reason = "written for other benches, which use more of it")]
mod policy_set;
#[expect(dead_code, reason = "written for other benches, which use more of it")]
mod report;
#[expect(dead_code, reason = "written for other benches, which use more of it")]
mod user_set;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use policy_set::{PolicySet, RangeText, Size};
use report::{Goal, Report, median, nanoseconds};
use user_set::{U240, UserSet, UserSize};

const LOCATIONS: usize = 195;
const RANGES: usize = 2_000;

fn main() {
    let is_quick = std::env::var("DOORWARD_BENCH").is_ok_and(|part| part == "quick");
    let (ranges, rounds) = if is_quick { (20, 1) } else { (RANGES, 9) };
    let folder = tempfile::tempdir().expect("a folder");
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    let mut set = PolicySet::new(Size::new("tenant", 120, LOCATIONS, LOCATIONS * ranges));
    write(&set, &before);
    set.policies.pop();
    set.locations[7].ranges.pop();
    write(&set, &after);
    let [before, after] = [&before, &after].map(|path| path.to_str().expect("a path in UTF-8"));

    let mut report = Report::default();
    for (name, arguments, told, most) in [
        ("check", &["check", before][..], "240 policies", 1_000.0),
        ("diff", &["diff", before, after], "newly allowed", 1_000.0),
        ("diff of what is the same", &["diff", before, before], "no decision changes", 1_000.0),
        ("gaps", &["gaps", before], "no policy applies", 5_000.0),
    ] {
        let times = (0..rounds).map(|_| time(arguments, told)).collect();
        let what = format!("{name}: 240 policies, {LOCATIONS} x {ranges} ranges");
        report.add(&what, median(times), "ms", Goal::AtMost(most));
    }
    report.print();
}

fn write(set: &PolicySet, folder: &Path) {
    let people = UserSet::among(UserSize { policies: 120, ..U240 }, set.locations.clone());
    fs::create_dir(folder).expect("a folder");
    let people = people.bundle().files.into_iter().filter(|file| &*file.name == "policies.json");
    let people = people.map(|file| ("people.json".to_owned(), file.bytes));
    let workloads = set.bundle(RangeText::Graph).files.into_iter().map(|file| (file.name.to_string(), file.bytes));
    for (name, bytes) in workloads.chain(people) {
        fs::write(folder.join(name), bytes).expect("a file");
    }
}

/// Milliseconds of one command.
fn time(arguments: &[&str], told: &str) -> f64 {
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_doorward")).args(arguments).output().expect("doorward runs");
    let took = start.elapsed();
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !text.contains(told) {
        panic!("{arguments:?}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    nanoseconds(took) / 1e6
}
