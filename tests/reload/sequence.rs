//! The highest sequence in a file of its own: what happens when it cannot be written, and who else writes it.

use std::fs;
use std::time::Duration;

use doorward::reload::{KeptSequence, Stage, View};

use super::harness::{Harness, write};

fn is_lost(view: &View) -> bool {
    view.is_sequence_lost
}

/// A disk that was full when a bundle came into force: nobody tried again, and nobody but the log knew.
#[test]
fn a_sequence_that_could_not_be_kept_is_told_of_and_kept_as_soon_as_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let (state, away) = (folder.path().join("state"), folder.path().join("away"));
    let file = state.join("sequence");
    fs::create_dir(&state).unwrap();
    write(&folder.path().join("bundle/a.yaml"), "sequence 7");
    let harness = Harness::start_keeping(folder, "bundle", Duration::from_millis(20), &file);
    assert!(!is_lost(&harness.status.view()));
    assert_eq!(fs::read_to_string(&file).unwrap(), "7\n");

    fs::rename(&state, &away).unwrap();
    harness.write("bundle/a.yaml", "sequence 8");
    harness.expect("a.yaml=sequence 8");
    harness.expect_view("a lost sequence", is_lost);

    fs::rename(&away, &state).unwrap();
    harness.expect_view("the end of that", |view| !is_lost(view));
    assert_eq!(fs::read_to_string(&file).unwrap(), "8\n");

    let loads = harness.expect_quiet();
    fs::remove_dir_all(&state).unwrap();
    harness.expect_view("a lost sequence without a new bundle", is_lost);
    fs::create_dir(&state).unwrap();
    harness.expect_view("the end of that too", |view| !is_lost(view));
    assert_eq!(KeptSequence::open(&file).unwrap().highest(), Some(8));
    assert_eq!(harness.status.view().loads.total(), loads, "no load was needed");
}

/// An operator who mended the disk and asks for a load need not wait for the next look.
#[test]
fn each_load_keeps_what_was_lost_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/sequence");
    fs::create_dir(file.parent().unwrap()).unwrap();
    write(&folder.path().join("bundle/a.yaml"), "sequence 7");
    let harness = Harness::start_keeping(folder, "bundle", Duration::from_secs(3600), &file);
    fs::write(&file, "6\n").unwrap();
    harness.write("bundle/a.yaml", "sequence 6");
    harness.expect_rejected(Stage::Rollback);
    assert_eq!(fs::read_to_string(&file).unwrap(), "7\n");
}
