//! The fuzz targets on real inputs and mutations of them: the same claims, a bounded and repeatable part of the search.
//!
//! `tests/fuzz` holds the targets and runs them without an end; see `tests/fuzz/targets.rs`.
#![cfg(feature = "serve")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

#[path = "support/found.rs"]
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod found;
#[path = "fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

use doorward::limits;
use fastrand::Rng;

/// Largest input that is mutated: a larger one takes long and shows nothing new.
const BYTES_MAX: u64 = 16 << 10;
/// Pieces that mean something in one of the languages.
const WORDS: [&str; 44] = [
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "9223372036854775808",
    "\"\"",
    "''",
    "[]",
    "{}",
    "[",
    "}",
    "(",
    ")",
    ": ",
    "- ",
    "\n",
    "\t",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "|\n ",
    "#",
    "---\n",
    "%",
    "`",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{e9}",
    "\u{202e}",
    "All",
    "AllTrusted",
    "@odata.type",
    "-not ",
    " -and ",
    " -or ",
    "device.",
    "CustomSecurityAttribute.A_",
    "matrix",
    "enabled",
    "10.0.0.0/8",
    "::ffff:0:0/96",
];

#[test]
fn bundle_text_is_compiled_or_refused_with_a_place() {
    let mut seeds = files(&["policies"]);
    seeds.extend(published());
    run(targets::bundle, &seeds, 150);
}

#[test]
fn cases_are_asked_or_refused_with_a_place() {
    run(targets::cases, &files(&["policies/workload/tests", "tests/fuzz/seeds/request"]), 500);
}

#[test]
fn engine_and_oracle_agree_whatever_the_dice() {
    let mut rng = Rng::with_seed(1);
    let dice: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(32 * 200).collect();
    targets::decision(&dice);
}

#[test]
fn filter_rules_are_parsed_or_refused_and_print_as_themselves() {
    run(targets::filter, &files(&["tests/fuzz/seeds/filter"]), 8_000);
}

#[test]
fn request_bodies_are_refused_or_mean_the_same_in_json_and_protobuf() {
    run(targets::request, &files(&["tests/fuzz/seeds/request"]), 6_000);
}

/// What the two readers of requests once read in two ways: a list of mixed values, an OData annotation, `C7`, a blank
/// id. Then a test case passes with a request that the server refuses, or the other way round, and a bundle's green
/// run says nothing about the server.
#[test]
fn test_cases_and_server_read_the_same_requests() {
    let deep = |levels: usize| format!(r#""attributes":{}1{}"#, r#"{"a":"#.repeat(levels), "}".repeat(levels));
    for part in [
        r#""resource":{"authenticationContext":"C7"}"#,
        r#""resource":{"authenticationContext":"c07"}"#,
        r#""resource":{"authenticationContext":"c100"}"#,
        r#""resource":{"appIds":[" "]}"#,
        r#""resource":{"appIds":[""]}"#,
        r#""requestId":" ""#,
        r#""requestId":"""#,
        r#""requestId":"a\u0007""#,
        r#""device":{"physicalIds":[""],"model":""}"#,
        r#""device":{"physicalIds":[null]}"#,
        r#""satisfied":{"builtInControls":["block"]}"#,
        r#""satisfied":{"builtInControls":[null]}"#,
        r#""satisfied":{"termsOfUse":null}"#,
        r#""network":{"ipAddress":"fe80::1%1"}"#,
        r#""network":{"ipAddress":"010.0.0.1"}"#,
        r#""network":{"country":"zz"}"#,
        r#""clientApp":"all""#,
        r#""risk":{"signIn":"unknownFutureValue"}"#,
        r#""attributes":[]"#,
        &deep(limits::REQUEST_DEPTH_MAX),
        &deep(limits::REQUEST_DEPTH_MAX + 1),
    ] {
        targets::cases(format!(r#"{{"identity":{{"type":"user","id":"a"}},{part}}}"#).as_bytes());
    }
    for attributes in [
        "null",
        "{}",
        r#"{"A":null}"#,
        r#"{"A":[]}"#,
        r#"{"A":{"B":[]}}"#,
        r#"{"A":{"B":[1,2]}}"#,
        r#"{"A":{"B":[true]}}"#,
        r#"{"A":{"B":[1,"x"]}}"#,
        r#"{"A":{"B":[null]}}"#,
        r#"{"A":{"B":{}}}"#,
        r#"{"A":{"B":"x","b":"y"}}"#,
        r#"{"A":{"B@odata.type":{}},"A@odata.type":1}"#,
        r#"{"A":{"B@odata.bind":"x"}}"#,
        r#"{"A@odata.id":"x"}"#,
    ] {
        let identity = format!(r#"{{"type":"user","id":"a","customSecurityAttributes":{attributes}}}"#);
        targets::cases(format!(r#"{{"identity":{identity}}}"#).as_bytes());
    }
    let groups = vec![r#""g""#; limits::GROUPS_MAX + 1].join(",");
    let request = format!(r#"{{"identity":{{"type":"user","id":"a"}},"satisfied":{{"termsOfUse":[{groups}]}}}}"#);
    targets::cases(request.as_bytes());
}

/// Hands `target` the `seeds`, then `count` mutations of them, the same in every run.
fn run(target: fn(&[u8]), seeds: &[Vec<u8>], count: usize) {
    assert!(!seeds.is_empty(), "inputs to begin with");
    seeds.iter().for_each(|seed| target(seed));
    let mut rng = Rng::with_seed(count as u64);
    for _ in 0..count {
        target(&mutated(rng.choice(seeds).unwrap(), seeds, &mut rng));
    }
}

/// The contents of all files below folders of the project that are not too large, by name.
fn files(folders: &[&str]) -> Vec<Vec<u8>> {
    let mut contents = Vec::new();
    for folder in folders {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut contents);
    }
    contents
}

/// Policies and locations that others have published; none, and a line that says so, where they are absent.
fn published() -> Vec<Vec<u8>> {
    let mut contents = Vec::new();
    if let Some(folder) = found::corpus("graph") {
        collect(&folder, &mut contents);
    }
    contents
}

fn collect(folder: &Path, contents: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, contents);
        } else if path.metadata().unwrap().len() <= BYTES_MAX {
            contents.push(fs::read(path).unwrap());
        }
    }
}

/// `seed` with one to four changes.
fn mutated(seed: &[u8], others: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.usize(1..=4) {
        let start = rng.usize(..=bytes.len());
        let end = (start + rng.usize(..32)).min(bytes.len());
        match rng.u8(..7) {
            0 if start < bytes.len() => bytes[start] ^= 1 << rng.u8(..8),
            1 => drop(bytes.drain(start..end)),
            2 => insert(&mut bytes, start..start, rng.choice(WORDS).unwrap().as_bytes()),
            3 => insert(&mut bytes, start..end, rng.choice(WORDS).unwrap().as_bytes()),
            4 => {
                let piece = bytes[start..end].to_vec();
                insert(&mut bytes, start..start, &piece);
            }
            5 => {
                let other = rng.choice(others).unwrap();
                let from = rng.usize(..=other.len());
                let to = (from + rng.usize(..64)).min(other.len());
                insert(&mut bytes, start..end, &other[from..to]);
            }
            _ => insert(&mut bytes, start..start, &[rng.u8(..)]),
        }
    }
    bytes
}

fn insert(bytes: &mut Vec<u8>, place: std::ops::Range<usize>, piece: &[u8]) {
    bytes.splice(place, piece.iter().copied());
}
