//! What authors and their editors do to files.

use std::fs::{self, File};
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::harness::Harness;
use doorward::limits;
use doorward::reload::{LoadResult, Stage};

fn one_file() -> Harness {
    let harness = Harness::start("", &[("a.yaml", "1")]);
    harness.expect("a.yaml=1");
    harness
}

#[test]
fn a_file_renamed_over_another_is_loaded() {
    let harness = one_file();
    harness.write(".a.yaml.tmp", "2");
    fs::rename(harness.path(".a.yaml.tmp"), harness.path("a.yaml")).unwrap();
    harness.expect("a.yaml=2");
}

#[test]
fn a_file_renamed_over_another_from_elsewhere_is_loaded() {
    let harness = Harness::start("bundle", &[("bundle/a.yaml", "1"), ("elsewhere/a.yaml", "2")]);
    fs::rename(harness.path("elsewhere/a.yaml"), harness.path("bundle/a.yaml")).unwrap();
    harness.expect("a.yaml=2");
}

#[test]
fn a_file_written_in_place_is_loaded_when_it_is_complete() {
    let harness = one_file();
    let mut file = File::create(harness.path("a.yaml")).unwrap();
    for part in ["2", "3", "4"] {
        file.write_all(part.as_bytes()).unwrap();
        file.sync_all().unwrap();
    }
    drop(file);
    harness.expect("a.yaml=234");
}

#[test]
fn a_file_saved_as_vim_does_is_loaded() {
    let harness = one_file();
    harness.write(".a.yaml.swp", "a swap file");
    harness.write("4913", "");
    fs::remove_file(harness.path("4913")).unwrap();
    fs::rename(harness.path("a.yaml"), harness.path("a.yaml~")).unwrap();
    harness.write("a.yaml", "2");
    fs::remove_file(harness.path("a.yaml~")).unwrap();
    fs::remove_file(harness.path(".a.yaml.swp")).unwrap();
    harness.expect("a.yaml=2");
}

#[test]
fn a_file_deleted_and_created_again_is_loaded() {
    let harness = one_file();
    fs::remove_file(harness.path("a.yaml")).unwrap();
    harness.expect_rejected(Stage::Read);
    harness.write("a.yaml", "2");
    harness.expect("a.yaml=2");
}

#[test]
fn a_deleted_file_is_no_longer_part_of_the_bundle() {
    let harness = Harness::start("", &[("a.yaml", "1"), ("b.yaml", "1")]);
    fs::remove_file(harness.path("b.yaml")).unwrap();
    harness.expect("a.yaml=1");
}

#[test]
fn files_of_a_new_folder_are_loaded_and_watched() {
    let harness = one_file();
    harness.write("new/deeper/b.yaml", "1");
    harness.expect("a.yaml=1 new/deeper/b.yaml=1");
    harness.write("new/deeper/b.yaml", "2");
    harness.expect("a.yaml=1 new/deeper/b.yaml=2");
    harness.write("new/deeper/still/c.yaml", "3");
    harness.expect("a.yaml=1 new/deeper/b.yaml=2 new/deeper/still/c.yaml=3");
    fs::remove_dir_all(harness.path("new")).unwrap();
    harness.expect("a.yaml=1");
}

#[test]
fn a_folder_moved_away_and_made_anew_is_still_watched() {
    let harness = Harness::start("", &[("a.yaml", "1"), ("f/b.yaml", "1")]);
    fs::rename(harness.path("f"), harness.path(".f")).unwrap();
    harness.expect("a.yaml=1");
    harness.write("f/b.yaml", "2");
    harness.expect("a.yaml=1 f/b.yaml=2");
    harness.write("f/b.yaml", "3");
    harness.expect("a.yaml=1 f/b.yaml=3");
}

#[test]
fn a_file_that_becomes_readable_is_loaded() {
    use std::os::unix::fs::symlink;
    let harness = one_file();
    symlink("missing.yaml", harness.path("b.yaml")).unwrap();
    assert!(harness.expect_rejected(Stage::Read).contains("b.yaml"));
    harness.write("missing.yaml", "2");
    harness.expect("a.yaml=1 b.yaml=2 missing.yaml=2");
}

#[test]
fn touching_files_without_changing_them_changes_nothing() {
    let harness = one_file();
    harness.write("a.yaml", "1");
    harness.expect_loads(LoadResult::Unchanged, 1);
    assert_eq!(harness.active.load_full().unwrap().generation, 1);
}

#[test]
fn a_storm_of_writes_is_a_few_loads_and_ends_with_the_last() {
    let harness = one_file();
    let started = Instant::now();
    for version in 0..2_000 {
        harness.write("a.yaml", &format!("v{version}"));
    }
    let storm = started.elapsed();
    harness.expect("a.yaml=v1999");
    let loads = harness.status.view().loads.total();
    let most = 4 + 2 * storm.as_millis() / 50;
    assert!(u128::from(loads) <= most, "{loads} loads in a storm of {storm:?}");
}

#[test]
fn neighbours_of_the_bundle_cause_no_load() {
    let harness = Harness::start("bundle", &[("bundle/a.yaml", "1"), ("log", "")]);
    let started = Instant::now();
    // Longer than events may take to settle: if one of them counted, there would be a load by now.
    while started.elapsed() < 2 * limits::RELOAD_PEEK {
        harness.write("log", "a line");
        harness.write("temporary/a.yaml", "1");
    }
    assert_eq!(harness.status.view().loads.total(), 1);
    harness.write("bundle/a.yaml", "2");
    harness.expect("a.yaml=2");
}

/// Writes the files one after the other, as a copy over a slow line does.
fn copy_slowly(harness: &Harness, files: usize, text: &str) {
    for file in 0..files {
        harness.write(&format!("{file:03}.yaml"), text);
        assert_eq!(harness.active.load_full().unwrap().generation, 1, "a part is in force after {file} files");
        // WHY time must pass: the loader tells a copy that goes on from one that has ended by how long files are quiet,
        // and this is less than `limits::RELOAD_SETTLE`.
        thread::sleep(Duration::from_millis(20));
    }
}

fn many_files(text: &str) -> (Vec<(String, String)>, String) {
    let files: Vec<_> = (0..80).map(|file| (format!("{file:03}.yaml"), text.to_owned())).collect();
    let says: Vec<_> = files.iter().map(|(name, text)| format!("{name}={text}")).collect();
    (files, says.join(" "))
}

fn start_with_many() -> Harness {
    let (files, says) = many_files("old");
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let harness = Harness::start("", &files);
    harness.expect(&says);
    harness
}

#[test]
fn a_folder_that_is_wiped_and_slowly_copied_anew_is_in_force_only_when_complete() {
    let harness = start_with_many();
    for file in 0..80 {
        fs::remove_file(harness.path(&format!("{file:03}.yaml"))).unwrap();
    }
    copy_slowly(&harness, 80, "new");
    harness.expect(&many_files("new").1);
    assert_eq!(harness.active.load_full().unwrap().generation, 2);
}

#[test]
fn files_that_are_slowly_copied_over_others_are_in_force_only_when_complete() {
    let harness = start_with_many();
    copy_slowly(&harness, 80, "new");
    harness.expect(&many_files("new").1);
    assert_eq!(harness.active.load_full().unwrap().generation, 2);
}

#[test]
fn a_strange_file_that_is_written_all_the_time_keeps_no_bundle_from_loading() {
    let harness = one_file();
    harness.write("0.log", "a line");
    harness.expect("0.log= a.yaml=1");
    harness.write("a.yaml", "2");
    let started = Instant::now();
    while harness.says() != "0.log= a.yaml=2" {
        assert!(started.elapsed() < limits::RELOAD_SETTLE_MAX, "{:?}", harness.status.view());
        harness.write("0.log", &format!("{:?}", started.elapsed()));
    }
}
