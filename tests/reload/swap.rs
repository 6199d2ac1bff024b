//! What deployments do: swap a link, swap a volume, replace an archive.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::harness::{Harness, write};
use doorward::reload::Stage;
use flate2::Compression;
use flate2::write::GzEncoder;

#[test]
fn a_swapped_link_to_a_release_is_followed_and_the_new_release_watched() {
    let folder = tempfile::tempdir().unwrap();
    for release in ["41", "42", "43"] {
        write(&folder.path().join("releases").join(release).join("a.yaml"), release);
    }
    symlink("releases/41", folder.path().join("current")).unwrap();
    let harness = Harness::start_in(folder, "current", Duration::from_secs(3600));
    harness.expect("a.yaml=41");
    symlink("releases/42", harness.path("next")).unwrap();
    fs::rename(harness.path("next"), harness.path("current")).unwrap();
    harness.expect("a.yaml=42");
    harness.write("releases/42/a.yaml", "42a");
    harness.expect("a.yaml=42a");
    // What `ln -sfn` does: for a moment there is no link.
    fs::remove_file(harness.path("current")).unwrap();
    symlink("releases/43", harness.path("current")).unwrap();
    harness.expect("a.yaml=43");
    harness.write("releases/43/b.yaml", "43b");
    harness.expect("a.yaml=43 b.yaml=43b");
}

#[test]
fn a_folder_swapped_for_another_is_loaded_and_watched() {
    let harness = Harness::start("bundle", &[("bundle/a.yaml", "1"), ("next/a.yaml", "2")]);
    fs::rename(harness.path("bundle"), harness.path("old")).unwrap();
    fs::rename(harness.path("next"), harness.path("bundle")).unwrap();
    harness.expect("a.yaml=2");
    harness.write("bundle/a.yaml", "3");
    harness.expect("a.yaml=3");
}

#[test]
fn a_folder_that_is_missing_at_first_is_loaded_when_it_comes() {
    let harness = Harness::start("not/yet/here", &[]);
    harness.expect_rejected(Stage::Read);
    assert!(harness.active.load().is_none());
    harness.write("not/yet/here/a.yaml", "1");
    harness.expect("a.yaml=1");
}

#[test]
fn a_folder_removed_with_its_parents_and_made_anew_is_watched_again() {
    let harness = Harness::start("x/y/bundle", &[("x/y/bundle/a.yaml", "1")]);
    fs::remove_dir_all(harness.path("x")).unwrap();
    harness.expect_rejected(Stage::Read);
    assert_eq!(harness.says(), "a.yaml=1", "the last good bundle stays");
    harness.write("x/y/bundle/a.yaml", "2");
    harness.expect("a.yaml=2");
    harness.write("x/y/bundle/a.yaml", "3");
    harness.expect("a.yaml=3");
}

/// One update of a ConfigMap volume, step by step as kubelet does it (Kubernetes source, `AtomicWriter.Write`, read
/// August 2026): a new hidden folder, a link to it renamed over `..data`, links for new names, stale links removed,
/// the old folder removed.
fn update_volume(volume: &Path, stamp: &str, files: &[(&str, &str)]) {
    let old = fs::read_link(volume.join("..data")).ok();
    for (name, text) in files {
        write(&volume.join(stamp).join(name), text);
    }
    symlink(stamp, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    for (name, _) in files {
        let first = name.split('/').next().unwrap();
        let _ = symlink(Path::new("..data").join(first), volume.join(first));
    }
    for entry in fs::read_dir(volume).unwrap() {
        let name = entry.unwrap().file_name();
        let is_stale = !files.iter().any(|(file, _)| Some(file.split('/').next().unwrap()) == name.to_str());
        if is_stale && !name.to_string_lossy().starts_with("..") {
            fs::remove_file(volume.join(name)).unwrap();
        }
    }
    if let Some(old) = old {
        fs::remove_dir_all(volume.join(old)).unwrap();
    }
}

#[test]
fn updates_of_a_kubernetes_volume_are_loaded_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    update_volume(folder.path(), "..2026_08_01_10_00_00.1", &[("a.yaml", "1"), ("b.yaml", "1")]);
    let harness = Harness::start_in(folder, "", Duration::from_secs(3600));
    harness.expect("a.yaml=1 b.yaml=1");
    update_volume(harness.folder.path(), "..2026_08_01_10_01_00.2", &[("a.yaml", "2"), ("b.yaml", "2")]);
    harness.expect("a.yaml=2 b.yaml=2");
    update_volume(harness.folder.path(), "..2026_08_01_10_02_00.3", &[("b.yaml", "3"), ("tests/c.yaml", "3")]);
    harness.expect("b.yaml=3 tests/c.yaml=3");
    update_volume(harness.folder.path(), "..2026_08_01_10_03_00.4", &[("b.yaml", "4"), ("tests/c.yaml", "4")]);
    harness.expect("b.yaml=4 tests/c.yaml=4");
}

#[test]
fn a_kubernetes_volume_never_shows_two_versions_at_once() {
    let folder = tempfile::tempdir().unwrap();
    update_volume(folder.path(), "..0", &[("a.yaml", "0"), ("b.yaml", "0")]);
    let harness = Harness::start_in(folder, "", Duration::from_secs(3600));
    for version in 1..100 {
        let text = version.to_string();
        update_volume(harness.folder.path(), &format!("..{version}"), &[("a.yaml", &text), ("b.yaml", &text)]);
        harness.loader.reload();
        let says = harness.says();
        let (a, b) = says.split_once(' ').unwrap();
        assert_eq!(a.replace("a.yaml", ""), b.replace("b.yaml", ""));
    }
    harness.expect("a.yaml=99 b.yaml=99");
}

#[test]
fn a_replaced_archive_is_loaded() {
    let archive = |text: &str| {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, "bundle/a.yaml", text.as_bytes()).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tgz");
    fs::write(&path, archive("1")).unwrap();
    let harness = Harness::start_in(folder, "bundle.tgz", Duration::from_secs(3600));
    harness.expect("a.yaml=1");
    fs::write(harness.path("next"), archive("2")).unwrap();
    fs::rename(harness.path("next"), &path).unwrap();
    harness.expect("a.yaml=2");
    fs::write(&path, archive("3")).unwrap();
    harness.expect("a.yaml=3");
    fs::write(&path, "cut short").unwrap();
    assert!(harness.expect_rejected(Stage::Read).starts_with("the archive is damaged: "));
    assert_eq!(harness.says(), "a.yaml=3");
}

#[test]
fn a_change_that_no_event_tells_of_is_found_by_the_poll() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("bundle/a.yaml"), "1");
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    // A write through another name of the file makes no event in the watched folder.
    fs::hard_link(folder.path().join("bundle/a.yaml"), folder.path().join("elsewhere/other")).unwrap();
    let harness = Harness::start_in(folder, "bundle", Duration::from_millis(100));
    harness.expect("a.yaml=1");
    harness.write("elsewhere/other", "2");
    harness.expect("a.yaml=2");
}

#[test]
fn a_quiet_folder_is_looked_at_but_not_read_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("a.yaml"), "1");
    let harness = Harness::start_in(folder, "", Duration::from_millis(20));
    let loads = harness.expect_quiet();
    for _ in 0..10 {
        harness.expect_look();
    }
    assert_eq!(harness.status.view().loads.total(), loads);
}
