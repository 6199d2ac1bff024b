//! Who gives way to whom: nobody before something is in force, and nobody for ever.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use doorward::reload::machine::Pace;

use super::harness::{Harness, write};

const POLL: Duration = Duration::from_secs(3600);
/// Which thread this is, and whether Linux gives it only what nobody else wants.
fn turn() -> String {
    let thread = thread::current().name().unwrap_or("unnamed").to_owned();
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    // Field 41 is the scheduling policy (proc(5)); the second holds the name, in brackets. 5 is SCHED_IDLE.
    let policy = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(38));
    format!("{thread}{}", if policy == Some("5") { ", giving way" } else { "" })
}

/// A first bundle that was refused lowered the priority of the second, for which everybody waited.
#[test]
#[cfg(target_os = "linux")]
fn loads_give_way_only_when_something_is_in_force() {
    let built_by = Arc::new(Mutex::new(Vec::new()));
    let (folder, by) = (tempfile::tempdir().unwrap(), Arc::clone(&built_by));
    write(&folder.path().join("a.yaml"), "bad");
    let pace = Pace { poll: POLL, ..Pace::default() };
    let harness = Harness::start_at(folder, "", pace, move || by.lock().unwrap().push(turn()));
    harness.write("a.yaml", "1");
    harness.expect("a.yaml=1");
    harness.write("a.yaml", "2");
    harness.expect("a.yaml=2");
    let built_by = built_by.lock().unwrap();
    let (last, before) = built_by.split_last().unwrap();
    assert_eq!(last, "loader-work, giving way");
    assert!(before.len() >= 2 && before.iter().all(|turn| turn == "loader-work"), "{built_by:?}");
}

/// Other processes took all cores, and the operator believed that the new policies were in force.
#[test]
fn a_bundle_comes_into_force_although_the_thread_that_gives_way_gets_no_turn() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a.yaml"), "1");
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let pace = Pace { poll: POLL, patience: Duration::ZERO, ..Pace::default() };
    let is_busy = Arc::new(AtomicBool::new(false));
    let busy = Arc::clone(&is_busy);
    let harness = Harness::start_at(folder, "", pace, move || {
        if busy.load(Relaxed) && turn().starts_with("loader-work") {
            let _ = wait.lock().unwrap().recv();
        }
    });
    is_busy.store(true, Relaxed);
    for content in ["2", "3"] {
        harness.write("a.yaml", content);
        harness.expect(&format!("a.yaml={content}"));
    }
    harness.write("a.yaml", "bad");
    harness.expect_rejected(doorward::reload::Stage::Parse);
    assert_eq!(harness.says(), "a.yaml=3");
    drop(go_on);
}
