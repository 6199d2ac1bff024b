//! `fmt`: what it shows, what it writes, and what it leaves.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use super::run::{Run, bundle, doorward, write};

const UNTIDY: (&str, &str) = (
    "office.yaml",
    "# where people sit\ndisplayName:   Head Office   # since 2019\nipRanges:\n- 203.0.113.0/24\n-   '198.51.100.0/24'\n\n\n\nisTrusted: true",
);
const TIDY: &str = "# where people sit\ndisplayName: Head Office # since 2019\nipRanges:\n  - 203.0.113.0/24\n  - \"198.51.100.0/24\"\n\nisTrusted: true\n";

fn fmt(folder: &tempfile::TempDir, arguments: &[&str]) -> Run {
    let path = folder.path().to_str().unwrap();
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.replace("BUNDLE", path)).collect();
    let arguments: Vec<_> = ["fmt"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
    let mut run = doorward(&arguments);
    run.stdout = run.stdout.replace(path, "BUNDLE");
    run.stderr = run.stderr.replace(path, "BUNDLE");
    run
}

#[test]
fn the_samples_are_in_order() {
    let run = doorward(&["fmt", "--check", "policies"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.ends_with(" files in order\n") && run.stdout.lines().count() == 1, "{}", run.stdout);
}

#[test]
fn a_check_shows_what_would_change_and_writes_nothing() {
    let folder = bundle(&[UNTIDY, ("b.json", "{\"displayName\":\"B\",\n\"ipRanges\":[]}"), ("c.yaml", TIDY)]);
    let run = fmt(&folder, &["--check", "BUNDLE"]);
    insta::assert_snapshot!(run.told());
    assert_eq!(fs::read_to_string(folder.path().join(UNTIDY.0)).unwrap(), UNTIDY.1);
}

#[test]
fn files_are_written_once_and_then_in_order() {
    let folder = bundle(&[UNTIDY, ("notes.txt", "a:   1"), (".hidden.yaml", "a:   1")]);
    let path = folder.path().join(UNTIDY.0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    // Only root may; for everybody else the owner stays what it was.
    let _ = chown(&path, Some(1234), Some(1234));
    let owner = |path| fs::metadata(path).map(|metadata| (metadata.uid(), metadata.gid())).unwrap();
    let owner_before = owner(&path);
    assert_eq!(fmt(&folder, &["BUNDLE"]).told(), "exit 0\n--- stdout\nchanged: BUNDLE/office.yaml\n\n1 file changed\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), TIDY);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(owner(&path), owner_before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left behind");
    assert_eq!(fmt(&folder, &["--check", "BUNDLE"]).told(), "exit 0\n--- stdout\n1 file in order\n");
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "a:   1");
}

#[test]
fn a_link_stays_a_link_and_its_file_is_written_once() {
    let folder = bundle(&[("real/office.yaml", UNTIDY.1)]);
    let link = folder.path().join("link.yaml");
    symlink("real/office.yaml", &link).unwrap();
    let run = fmt(&folder, &["BUNDLE/link.yaml", "BUNDLE", "BUNDLE/real/office.yaml"]);
    assert_eq!(run.stdout, "changed: BUNDLE/link.yaml\n\n1 file changed\n");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(folder.path().join("real/office.yaml")).unwrap(), TIDY);
}

#[test]
fn a_file_with_a_mistake_is_told_and_left_and_the_others_are_written() {
    let folder = bundle(&[UNTIDY, ("broken.yaml", "a: [1\nb:   2\n")]);
    let run = fmt(&folder, &["BUNDLE"]);
    insta::assert_snapshot!(run.told());
    assert_eq!(fs::read_to_string(folder.path().join("broken.yaml")).unwrap(), "a: [1\nb:   2\n");
    assert_eq!(fs::read_to_string(folder.path().join(UNTIDY.0)).unwrap(), TIDY);
}

#[test]
fn what_cannot_be_laid_out_is_left_and_told() {
    let folder = bundle(&[("a.yaml", "a:\n-\nb:   1\n")]);
    let utf16: Vec<_> = "{\"value\":[]}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(folder.path().join("export.json"), &utf16).unwrap();
    for arguments in [&["BUNDLE"][..], &["--check", "BUNDLE"]] {
        assert_eq!(
            fmt(&folder, arguments).told(),
            "exit 0\n--- stdout\nleft as it is: BUNDLE/a.yaml: a new layout would change what it says\n\
             left as it is: BUNDLE/export.json: it is not plain UTF-8, as tools that export write it\n\n2 files left\n"
        );
    }
    assert_eq!(fs::read(folder.path().join("export.json")).unwrap(), utf16);
    assert_eq!(fs::read_to_string(folder.path().join("a.yaml")).unwrap(), "a:\n-\nb:   1\n");
}

#[test]
fn what_is_no_file_of_a_bundle_is_a_usage_error() {
    let folder = bundle(&[UNTIDY]);
    for name in ["bundle.tar.gz", "policy.cedar", "notes.txt"] {
        write(folder.path(), name, "x");
        let run = fmt(&folder, &[&format!("BUNDLE/{name}")]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{name}");
        assert!(run.stderr.contains("neither YAML nor JSON"), "{}", run.stderr);
    }
    assert_eq!(fmt(&folder, &[]).code, 2);
    assert_eq!(fmt(&folder, &["BUNDLE/nowhere.yaml"]).code, 1);
    assert_eq!(fs::read_to_string(folder.path().join(UNTIDY.0)).unwrap(), UNTIDY.1);
}
