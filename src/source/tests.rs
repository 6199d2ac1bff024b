//! Real folders and archives, the hostile ones included.
#![cfg(unix)]

use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn names(bundle: &RawBundle) -> Vec<&str> {
    bundle.files.iter().map(|file| &*file.name).collect()
}

fn read(path: &Path) -> Result<RawBundle, SourceError> {
    Source::new(path).read().map(|fetched| fetched.bundle)
}

/// The error as a person reads it, with its cause.
fn refusal(result: Result<RawBundle, SourceError>) -> String {
    let error = result.unwrap_err();
    match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[test]
fn files_of_sub_folders_are_named_from_the_root_and_sorted() {
    let bundle = folder(&[("b.yaml", "b"), ("a/z.json", "z"), ("a/b/c.cedar", "c"), ("a.yml", "a")]);
    let bundle = read(bundle.path()).unwrap();
    assert_eq!(names(&bundle), ["a.yml", "a/b/c.cedar", "a/z.json", "b.yaml"]);
    assert_eq!(bundle.files[2].bytes, b"z");
}

#[test]
fn hidden_names_and_prose_are_skipped_and_strange_files_are_listed_without_their_bytes() {
    let bundle = folder(&[
        ("a.yaml", "a"),
        (".git/config.yaml", "no"),
        (".a.yaml.swp", "no"),
        ("README.md", "no"),
        ("LICENSE", "no"),
        ("policy.ymal", "a misspelt name"),
    ]);
    let bundle = read(bundle.path()).unwrap();
    assert_eq!(names(&bundle), ["a.yaml", "policy.ymal"]);
    assert!(bundle.files[1].bytes.is_empty());
}

#[test]
fn the_digest_tells_names_and_contents_apart() {
    let digest = |files: &[(&str, &str)]| read(folder(files).path()).unwrap().digest;
    let one = digest(&[("a.yaml", "bc"), ("d.yaml", "e")]);
    assert_eq!(one, digest(&[("d.yaml", "e"), ("a.yaml", "bc")]));
    assert_ne!(one, digest(&[("a.yaml", "b"), ("d.yaml", "ce")]));
    assert_ne!(one, digest(&[("a.yaml", "bc"), ("dd.yaml", "e")]));
    assert_eq!(one.len(), 64);
}

#[test]
fn the_digest_is_the_documented_one() {
    let bundle = seal(vec![RawFile { name: "a".into(), bytes: b"xyz".to_vec() }]);
    // sha256 of 0100000000000000 61 0300000000000000 78797a
    assert_eq!(&*bundle.digest, "f0fdf6fba873faf5a8c506634564b0f0d4d980a7a78dbab7104a9a969b6ce27e");
}

#[test]
fn a_missing_or_empty_folder_is_no_bundle() {
    let empty = folder(&[("README.md", "nothing"), ("countries.mmdb", "data")]);
    assert!(matches!(read(empty.path()), Err(SourceError::Empty)));
    assert!(refusal(read(&empty.path().join("gone"))).starts_with("cannot read the bundle: No such file"));
    write(empty.path(), "export.json", "{}");
    assert!(matches!(read(&empty.path().join("export.json")), Err(SourceError::NotABundle)));
}

#[test]
fn a_kubernetes_volume_is_read_through_its_links() {
    let volume = folder(&[("..2026_08_01/a.yaml", "one"), ("..2026_08_01/tests/t.yaml", "two")]);
    symlink("..2026_08_01", volume.path().join("..data")).unwrap();
    symlink("..data/a.yaml", volume.path().join("a.yaml")).unwrap();
    symlink("..data/tests", volume.path().join("tests")).unwrap();
    let bundle = read(volume.path()).unwrap();
    assert_eq!(names(&bundle), ["a.yaml", "tests/t.yaml"]);
    assert_eq!(bundle.digest, read(folder(&[("a.yaml", "one"), ("tests/t.yaml", "two")]).path()).unwrap().digest);
}

#[test]
fn the_root_may_be_a_link_to_a_release() {
    let releases = folder(&[("releases/42/a.yaml", "a")]);
    symlink("releases/42", releases.path().join("current")).unwrap();
    let source = Source::new(releases.path().join("current"));
    let fetched = source.read().unwrap();
    let real = releases.path().canonicalize().unwrap();
    let watched = fetched.places.watched();
    assert!(watched.contains(&*real), "where `current` is swapped");
    assert!(watched.contains(&*real.join("releases")), "where `42` is replaced");
    assert!(watched.contains(&*real.join("releases/42")), "where files change");
    assert!(fetched.places.concern(&real.join("current")));
    assert!(!fetched.places.concern(&real.join("other")), "a neighbour is nobody's business");
}

#[test]
fn links_must_not_lead_out_of_the_bundle_or_in_circles() {
    let outside = folder(&[("secret.yaml", "s")]);
    let bundle = folder(&[("a/b/c.yaml", "c")]);
    let link = bundle.path().join("a/link.yaml");
    symlink(outside.path().join("secret.yaml"), &link).unwrap();
    assert_eq!(refusal(read(bundle.path())), "the link `a/link.yaml` leads out of the bundle");
    fs::remove_file(&link).unwrap();
    symlink("..", bundle.path().join("a/b/up")).unwrap();
    assert_eq!(refusal(read(bundle.path())), "the link `a/b/up` leads back to a folder around it");
    fs::remove_file(bundle.path().join("a/b/up")).unwrap();
    symlink("nowhere.yaml", &link).unwrap();
    assert!(refusal(read(bundle.path())).starts_with("cannot read `a/link.yaml`: No such file"));
}

#[test]
fn a_pipe_is_refused_and_never_opened() {
    let bundle = folder(&[("a.yaml", "a")]);
    let pipe = bundle.path().join("pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|made| made.success()), "mkfifo");
    let (done, outcome) = mpsc::channel();
    let path = bundle.path().to_owned();
    thread::spawn(move || done.send(refusal(read(&path))));
    let outcome = outcome.recv_timeout(Duration::from_secs(30)).expect("opening a pipe blocks");
    assert_eq!(outcome, "`pipe.yaml` is neither a file nor a folder");
}

#[test]
fn a_file_larger_than_its_kind_may_be_is_refused_unread() {
    let bundle = folder(&[("a.yaml", "a")]);
    let large = |name: &str, length: usize| {
        File::create(bundle.path().join(name)).unwrap().set_len(length as u64).unwrap();
    };
    large("notes.txt", limits::BUNDLE_BYTES_MAX * 2);
    assert!(read(bundle.path()).is_ok(), "of a strange file not a byte is read");
    large("b.json", limits::FILE_BYTES_MAX + 1);
    assert_eq!(refusal(read(bundle.path())), "`b.json` is larger than 67108864 bytes");
    fs::remove_file(bundle.path().join("b.json")).unwrap();
    for name in ["c.mmdb", "d.mmdb", "e.mmdb"] {
        large(name, limits::COUNTRY_DATABASE_BYTES_MAX);
    }
    assert!(matches!(read(bundle.path()), Err(SourceError::BundleTooLarge)));
}

#[test]
fn folders_deeper_than_the_limit_are_refused() {
    let deepest = vec!["f"; limits::BUNDLE_FOLDERS_DEEP_MAX].join("/");
    let bundle = folder(&[(&format!("{deepest}/a.yaml"), "a")]);
    assert!(read(bundle.path()).is_ok());
    write(bundle.path(), &format!("{deepest}/f/a.yaml"), "a");
    assert!(matches!(read(bundle.path()), Err(SourceError::TooDeep { .. })));
    let archive = archive(&[(&format!("{deepest}/f/a.yaml"), "a"), ("b.yaml", "b")]);
    assert!(matches!(unpack(&archive), Err(SourceError::TooDeep { .. })));
}

#[test]
fn more_files_than_the_limit_are_refused() {
    let bundle = tempfile::tempdir().unwrap();
    for index in 0..=limits::BUNDLE_FILES_MAX {
        File::create(bundle.path().join(format!("{index}.yaml"))).unwrap();
    }
    assert!(matches!(read(bundle.path()), Err(SourceError::TooManyFiles)));
}

#[test]
fn files_that_were_never_there_together_are_never_read_together() {
    let bundle = folder(&[("a.yaml", "0"), ("z.yaml", "0")]);
    for index in 0..2_000 {
        write(bundle.path(), &format!("m/{index}.yaml"), "what takes the reader a while");
    }
    let path = bundle.path().to_owned();
    let (stop, stopped) = mpsc::channel::<()>();
    let writer = thread::spawn(move || {
        let mut version = 0_u64;
        while stopped.recv_timeout(Duration::from_millis(15)) == Err(mpsc::RecvTimeoutError::Timeout) {
            for _ in 0..20 {
                version += 1;
                for name in ["a.yaml", "z.yaml"] {
                    fs::write(path.join(".next"), version.to_string()).unwrap();
                    fs::rename(path.join(".next"), path.join(name)).unwrap();
                }
            }
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 20 {
        let Ok(bundle) = read(bundle.path()) else { continue };
        let version = |file: &RawFile| String::from_utf8_lossy(&file.bytes).parse::<u64>().unwrap();
        let (a, z) = (version(&bundle.files[0]), version(&bundle.files[2_001]));
        assert!(a == z || a == z + 1, "{a} and {z} were never there together");
        seen.insert((a, z));
    }
    drop(stop);
    writer.join().unwrap();
}

#[test]
fn a_stamp_shows_a_rewrite_of_the_same_length_with_the_same_time() {
    let bundle = folder(&[("a.yaml", "a")]);
    let path = bundle.path().join("a.yaml");
    let source = Source::new(bundle.path());
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let before = source.look().stamp.unwrap();
    assert!(before.shows_same_as(&source.look().stamp.unwrap()));
    assert!(!before.is_certain(), "the file is too young for its times to prove anything");
    write(bundle.path(), "b.yaml.new", "b");
    fs::rename(bundle.path().join("b.yaml.new"), &path).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert!(!before.shows_same_as(&source.look().stamp.unwrap()));
}

#[test]
fn a_link_that_leads_elsewhere_is_a_swap_and_files_in_place_are_not() {
    let folder = folder(&[("old/a.yaml", "a"), ("old/b.yaml", "b"), ("new/a.yaml", "a")]);
    let link = folder.path().join("current");
    let stamp = || Source::new(&link).look().stamp.unwrap();
    symlink("old", &link).unwrap();
    let old = stamp();
    assert!(!stamp().is_swapped_since(&old));
    fs::remove_file(&link).unwrap();
    symlink("new", &link).unwrap();
    assert!(stamp().is_swapped_since(&old));
    assert!(stamp().lacks_files_of(&old));
    assert!(!old.lacks_files_of(&stamp()));
    fs::remove_file(&link).unwrap();
    write(&link, "a.yaml", "a");
    assert!(!stamp().is_swapped_since(&old), "a folder in the place of the link may be incomplete");
    let young = stamp().age();
    File::open(link.join("a.yaml")).unwrap().set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
    assert!(young < Duration::from_secs(60) && stamp().age() == Duration::ZERO);
}

// ---- archives ----

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    build(|builder| {
        for (name, text) in files {
            append(builder, name.as_bytes(), EntryType::Regular, text.as_bytes());
        }
    })
}

fn build(fill: impl FnOnce(&mut Builder<GzEncoder<Vec<u8>>>)) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    fill(&mut builder);
    builder.into_inner().unwrap().finish().unwrap()
}

/// Writes the name as it is; the builder's own methods refuse the names that these tests are about.
fn append(builder: &mut Builder<GzEncoder<Vec<u8>>>, name: &[u8], kind: EntryType, bytes: &[u8]) {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}

fn unpack(archive: &[u8]) -> Result<RawBundle, SourceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    fs::write(&path, archive).unwrap();
    read(&path)
}

#[test]
fn an_archive_of_a_folder_is_the_bundle_in_the_folder() {
    let files = [("policies/a.yaml", "a"), ("tests/t.yaml", "t"), ("README.md", "r"), ("x.ymal", "x")];
    let bundle = read(folder(&files).path()).unwrap();
    for prefix in ["", "./", "bundle/"] {
        let archive = build(|builder| {
            if !prefix.is_empty() {
                append(builder, prefix.as_bytes(), EntryType::Directory, b"");
            }
            append(builder, b"pax_global_header", EntryType::XGlobalHeader, b"");
            append(builder, b"._bundle", EntryType::Regular, b"what another system adds");
            for (name, text) in files {
                append(builder, format!("{prefix}{name}").as_bytes(), EntryType::Regular, text.as_bytes());
            }
        });
        assert_eq!(unpack(&archive).unwrap(), bundle, "{prefix}");
    }
}

#[test]
fn a_top_folder_that_was_not_archived_as_such_is_kept() {
    assert_eq!(names(&unpack(&archive(&[("./policies/a.yaml", "a")])).unwrap()), ["policies/a.yaml"]);
    assert_eq!(names(&unpack(&archive(&[("p/a.yaml", "a"), ("q/a.yaml", "a")])).unwrap()), ["p/a.yaml", "q/a.yaml"]);
}

#[test]
fn an_archive_entry_cannot_leave_the_bundle() {
    for name in ["../a.yaml", "a/../../b.yaml", "/etc/a.yaml", "a/.."] {
        let archive = archive(&[("a.yaml", "a"), (name, "evil")]);
        assert_eq!(refusal(unpack(&archive)), format!("the archive entry `{name}` lies outside of the bundle"));
    }
}

#[test]
fn an_archive_holds_files_and_folders_only() {
    for (kind, expected) in [
        (EntryType::Symlink, "`a.yaml` is a link, which an archive may not hold"),
        (EntryType::Link, "`a.yaml` is a link, which an archive may not hold"),
        (EntryType::Fifo, "`a.yaml` is neither a file nor a folder"),
        (EntryType::Char, "`a.yaml` is neither a file nor a folder"),
        (EntryType::Block, "`a.yaml` is neither a file nor a folder"),
        (EntryType::new(b'?'), "`a.yaml` is neither a file nor a folder"),
    ] {
        let archive = build(|builder| append(builder, b"a.yaml", kind, b""));
        assert_eq!(refusal(unpack(&archive)), expected);
    }
}

#[test]
fn an_archive_with_one_name_twice_is_refused() {
    let archive = archive(&[("a/b.yaml", "1"), ("a//./b.yaml", "2")]);
    assert_eq!(refusal(unpack(&archive)), "the archive holds `a/b.yaml` twice");
}

#[test]
fn a_damaged_archive_is_refused() {
    let text = "policy: ".repeat(5_000);
    let whole = archive(&[("a.yaml", &text), ("b.yaml", &text)]);
    assert!(unpack(&whole).is_ok());
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        assert!(refusal(unpack(&whole[..length])).starts_with("the archive is damaged: "), "{length}");
    }
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    assert!(refusal(unpack(&wrong)).starts_with("the archive is damaged: "), "checksum");
    assert!(refusal(unpack(b"no archive at all")).starts_with("the archive is damaged: "));
    let mut more = GzEncoder::new(Vec::new(), Compression::fast());
    more.write_all(b"something else").unwrap();
    let more = [whole, more.finish().unwrap()].concat();
    assert_eq!(refusal(unpack(&more)), "the archive is damaged: something follows its end");
}

#[test]
fn a_small_archive_cannot_become_large() {
    let zeros = vec![0; 1 << 20];
    let bomb = |name: &str, kind: EntryType, megabytes: usize| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size((megabytes << 20) as u64);
        header.set_cksum();
        encoder.write_all(header.as_bytes()).unwrap();
        for _ in 0..megabytes {
            encoder.write_all(&zeros).unwrap();
        }
        encoder.finish().unwrap()
    };
    let megabytes = ((limits::BUNDLE_BYTES_MAX + limits::ARCHIVE_OVERHEAD_BYTES_MAX) >> 20) + 1;
    assert!(matches!(unpack(&bomb("a.json", EntryType::Regular, 65)), Err(SourceError::FileTooLarge { .. })));
    assert!(matches!(unpack(&bomb("a.bin", EntryType::Regular, megabytes)), Err(SourceError::BundleTooLarge)));
    assert!(matches!(unpack(&bomb("a", EntryType::GNULongName, megabytes)), Err(SourceError::BundleTooLarge)));
}
