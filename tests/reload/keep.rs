//! What stays whatever happens: the last good bundle, its readers' view, and the loader itself.

use std::sync::Arc;
use std::time::Duration;

use super::harness::Harness;
use doorward::reload::{FirstLoadError, LoadResult, Stage, View};

#[test]
fn an_invalid_bundle_at_the_start_is_an_error_with_its_reason_and_a_good_one_mends_it() {
    let harness = Harness::start("", &[("a.yaml", "bad")]);
    match harness.loader.wait_first() {
        Err(FirstLoadError::Rejected(rejection)) => assert_eq!(rejection.message, "`a.yaml=bad` is invalid"),
        other => panic!("{other:?}"),
    }
    assert!(harness.active.load().is_none(), "no bundle, no answer");
    harness.write("a.yaml", "good");
    harness.expect("a.yaml=good");
    assert_eq!(harness.loader.wait_first(), Ok(()));
}

#[test]
fn an_invalid_bundle_leaves_the_last_good_one_in_force() {
    let harness = Harness::start("", &[("a.yaml", "1")]);
    harness.write("a.yaml", "bad");
    assert_eq!(harness.expect_rejected(Stage::Parse), "`a.yaml=bad` is invalid");
    assert_eq!(harness.says(), "a.yaml=1");
    assert!(harness.status.view().rejected.as_ref().unwrap().digest.is_some());
    harness.write("a.yaml", "2");
    harness.expect("a.yaml=2");
    assert_eq!(harness.status.view().rejected, None, "nothing is wrong any more");
}

#[test]
fn putting_the_good_files_back_ends_the_rejection() {
    let harness = Harness::start("", &[("a.yaml", "1")]);
    harness.write("a.yaml", "bad");
    harness.expect_rejected(Stage::Parse);
    harness.write("a.yaml", "1");
    let view = harness.expect_view("the end of the rejection", |view| view.rejected.is_none());
    assert_eq!(view.active.as_ref().unwrap().generation, 1);
}

#[test]
fn an_older_bundle_is_refused() {
    let harness = Harness::start("", &[("a.yaml", "sequence 7")]);
    harness.write("a.yaml", "sequence 6");
    let message = harness.expect_rejected(Stage::Rollback);
    assert_eq!(message, "sequence 6 is lower than 7, the active bundle's");
    assert_eq!(harness.says(), "a.yaml=sequence 7");
    harness.expect_loads(LoadResult::RejectedRollback, 1);
}

#[test]
fn two_contents_under_one_revision_are_shown_to_operators() {
    let harness = Harness::start("", &[("a.yaml", "revision 7 one")]);
    assert!(!harness.status.view().active.as_ref().unwrap().is_revision_reused);
    harness.write("a.yaml", "revision 7 two");
    let second = |view: &View| view.active.as_ref().is_some_and(|active| active.generation == 2);
    assert!(harness.expect_view("the second bundle", second).active.as_ref().unwrap().is_revision_reused);
    assert_eq!(harness.says(), "a.yaml=revision 7 two");
    harness.write("a.yaml", "revision 8 three");
    let third = |view: &View| view.active.as_ref().is_some_and(|active| active.generation == 3);
    assert!(!harness.expect_view("the third bundle", third).active.as_ref().unwrap().is_revision_reused);
}

#[test]
fn an_operator_who_asks_has_a_refused_bundle_tried_again() {
    let harness = Harness::start("", &[("a.yaml", "1")]);
    harness.write("a.yaml", "bad");
    harness.expect_loads(LoadResult::RejectedInvalid, 1);
    harness.loader.reload();
    harness.expect_loads(LoadResult::RejectedInvalid, 2);
}

#[test]
fn an_operator_who_asks_has_the_files_read_at_once() {
    let harness = Harness::start("", &[("a.yaml", "1")]);
    harness.loader.reload();
    harness.expect_loads(LoadResult::Unchanged, 1);
}

#[test]
fn a_compiler_that_fails_does_not_end_the_loader() {
    let harness = Harness::start("", &[("a.yaml", "1")]);
    harness.write("a.yaml", "panic");
    let message = harness.expect_rejected(Stage::Parse);
    assert_eq!(message, "the compiler failed, which is a bug of doorward: as the toy says");
    harness.write("a.yaml", "2");
    harness.expect("a.yaml=2");
}

#[test]
fn a_replaced_bundle_is_freed_by_the_loader_and_never_by_a_request() {
    let harness = Harness::start("", &[("a.yaml", "1")]);
    let request = harness.active.load_full().unwrap();
    harness.write("a.yaml", "2");
    harness.expect("a.yaml=2");
    assert_eq!(request.bundle.says, "a.yaml=1", "a request keeps what it began with");
    assert!(harness.freed_by.lock().unwrap().is_empty());
    let freed = Arc::downgrade(&request);
    drop(request);
    while freed.strong_count() > 0 {
        std::thread::yield_now();
    }
    // The bundle is dropped just after its count reached zero; stopping waits for that.
    let freed_by = Arc::clone(&harness.freed_by);
    harness.loader.stop();
    assert_eq!(*freed_by.lock().unwrap(), ["loader-work"]);
}

#[test]
fn a_stopped_loader_leaves_its_bundle_in_force_and_says_that_it_stopped() {
    let Harness { loader, active, status, folder, .. } = Harness::start("", &[("a.yaml", "1")]);
    loader.stop();
    assert!(status.view().has_stopped);
    assert_eq!(active.load().as_ref().unwrap().bundle.says, "a.yaml=1");
    drop(folder);
}

#[test]
fn requests_see_whole_bundles_in_order_while_they_are_replaced() {
    let harness = Harness::start("", &[("a.yaml", "v0"), ("b.yaml", "v0")]);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let active = Arc::clone(&harness.active);
    let reader = std::thread::spawn(move || {
        let mut last = 0;
        let mut seen = 0;
        while stopped.recv_timeout(Duration::ZERO) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let snapshot = active.load();
            let snapshot = snapshot.as_ref().unwrap();
            assert!(snapshot.generation >= last, "a request never sees an older bundle than the one before it");
            seen += usize::from(snapshot.generation > last);
            last = snapshot.generation;
        }
        seen
    });
    for version in 1..=20 {
        harness.write("a.yaml", &format!("v{version}"));
        harness.loader.reload();
        harness.expect(&format!("a.yaml=v{version} b.yaml=v0"));
    }
    drop(stop);
    assert!(reader.join().unwrap() > 1);
}
