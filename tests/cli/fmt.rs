//! `fmt`: what it shows, what it writes, and what it leaves.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use super::run::{Run, bundle, doorward, mkfifo, write};

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

/// A pipe was opened and waited for until somebody wrote into it.
#[test]
fn what_is_neither_file_nor_folder_is_refused_at_once() {
    let folder = bundle(&[UNTIDY]);
    mkfifo(&folder.path().join("pipe.yaml"));
    symlink("/dev/zero", folder.path().join("endless.yaml")).unwrap();
    for name in ["pipe.yaml", "endless.yaml"] {
        let run = fmt(&folder, &["BUNDLE/office.yaml", &format!("BUNDLE/{name}")]);
        let told = format!("error: `BUNDLE/{name}`: it is neither a file nor a folder\n");
        assert_eq!((run.code, run.stdout.as_str(), run.stderr), (1, "", told));
    }
    assert_eq!(fs::read_to_string(folder.path().join(UNTIDY.0)).unwrap(), UNTIDY.1, "nothing is written before");
}

/// A file is put in the place of another, for which the other need not be writable: marks against writing were passed
/// over.
#[test]
fn a_read_only_file_stays_and_the_others_are_written() {
    let folder = bundle(&[UNTIDY, ("b.yaml", UNTIDY.1)]);
    let path = folder.path().join("b.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let run = fmt(&folder, &["BUNDLE"]);
    assert_eq!(
        run.told(),
        "exit 7\n--- stdout\nerror: `BUNDLE/b.yaml` cannot be written: it is read-only\nchanged: BUNDLE/office.yaml\n\n\
         1 file changed, 1 file not written\n"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), UNTIDY.1);
    assert_eq!(fmt(&folder, &["--check", "BUNDLE"]).code, 5, "a check may look at it");
}

/// The layout of 50 MB took minutes, and a hundred times as much memory.
#[test]
fn a_file_of_fifty_megabytes_is_left_at_once_and_its_size_is_the_reason() {
    let folder = bundle(&[]);
    let path = folder.path().join("large.yaml");
    let text = format!("# {}\n", "x".repeat(997)).repeat(50_000);
    fs::write(&path, &text).unwrap();
    let run = fmt(&folder, &["BUNDLE"]);
    assert_eq!(
        run.told(),
        "exit 0\n--- stdout\nleft as it is: BUNDLE/large.yaml: it is larger than 8 MiB\n\n1 file left\n"
    );
    assert_eq!(fs::metadata(&path).unwrap().len(), text.len() as u64);
    fs::write(&path, text.repeat(2)).unwrap();
    let run = fmt(&folder, &["BUNDLE/large.yaml"]);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("error[file-too-large]"), "{}", run.stdout);
}

#[test]
fn line_ends_stay_what_they_are() {
    let cases = [
        ("crlf.yaml", "a:   1\r\nb:\r\n- 2", "a: 1\r\nb:\r\n  - 2\r\n"),
        ("crlf.json", "{\"a\":1,\r\n\"b\":[2]}", "{\r\n  \"a\": 1,\r\n  \"b\": [\r\n    2\r\n  ]\r\n}\r\n"),
        ("lf.json", "{\"a\":1}", "{\n  \"a\": 1\n}\n"),
        ("mixed.yaml", "a:   1\nb: 2\r\n", "a: 1\r\nb: 2\r\n"),
        ("empty.yaml", "", ""),
        ("blank.yaml", "\n\n\n", ""),
        ("comment.yaml", "#  only\n\n\n\n# this", "#  only\n\n# this\n"),
    ];
    for (name, before, after) in cases {
        let folder = bundle(&[(name, before)]);
        assert_eq!(fmt(&folder, &["BUNDLE"]).code, 0, "{name}");
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), after, "{name}");
        assert_eq!(fmt(&folder, &["--check", "BUNDLE"]).told(), "exit 0\n--- stdout\n1 file in order\n", "{name}");
    }
}

/// A byte order mark and old line ends are the author's tool's; what cannot be laid out without losing them stays.
#[test]
fn what_other_tools_write_is_left_byte_for_byte() {
    let files = [
        ("bom.yaml", b"\xef\xbb\xbfa:   1\n".to_vec()),
        ("utf16.yaml", [0xfe, 0xff].into_iter().chain("a:   1\n".encode_utf16().flat_map(u16::to_be_bytes)).collect()),
        ("mac.yaml", b"a:   1\rb: 2\r".to_vec()),
    ];
    for (name, bytes) in files {
        let folder = bundle(&[]);
        fs::write(folder.path().join(name), &bytes).unwrap();
        let run = fmt(&folder, &["BUNDLE"]);
        assert!(run.code == 0 && run.stdout.starts_with("left as it is: "), "{name}: {}", run.told());
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), bytes, "{name}");
    }
}
