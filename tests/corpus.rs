//! Policy sets that others have published: every document is read, or an error says precisely why not.
//!
//! The sets are read in place and are no part of the project; without them the tests say so and pass.
#![cfg(feature = "serve")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

#[path = "support/found.rs"]
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod found;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use doorward::compile::{self, Mode};
use doorward::review::cases;
use doorward::review::summary::Summary;
use doorward::source::{Source, seal};
use doorward::text::{Finding, RawBundle, RawFile, Severity};
use serde_json::Value;

use found::corpus;

#[test]
fn every_set_loads_or_says_what_keeps_it_from_loading() {
    let Some(sets) = sets() else { return };
    let mut told = String::new();
    for set in sets {
        let raw = Source::new(&set).read().unwrap().bundle;
        let compilation = compile::compile(&raw);
        assert_eq!(compilation.bundle.is_none(), compilation.errors > 0, "{}", set.display());
        let mut counts = BTreeMap::new();
        for finding in &compilation.findings {
            *counts.entry((finding.severity, finding.id)).or_insert(0) += 1;
            assert!(raw.files.iter().any(|file| *file.name == *finding.file), "{finding}");
            assert!(finding.line > 0 || finding.id == "unrecognised-file", "an author can go there: {finding}");
        }
        let name = set.file_name().unwrap().to_str().unwrap();
        let outcome = if compilation.bundle.is_some() { "loads" } else { "is refused" };
        writeln!(told, "{name} {outcome}: {}", accounted(&raw)).unwrap();
        for ((severity, id), count) in counts {
            writeln!(told, "  {severity} {id}: {count}").unwrap();
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_set_loads_as_it_is_beside_what_its_publisher_leaves_to_its_users() {
    let Some(sets) = sets() else { return };
    let companions: BTreeMap<String, BTreeMap<String, String>> =
        serde_saphyr::from_str(include_str!("corpus/companions.yaml")).unwrap();
    let (mut told, mut count, mut decided) = (String::new(), 0, 0);
    for set in sets {
        let name = set.file_name().unwrap().to_str().unwrap();
        let mut files = Source::new(&set).read().unwrap().bundle.files;
        let companion = companions.get(name).into_iter().flatten();
        files.extend(
            companion.map(|(name, text)| RawFile { name: name.as_str().into(), bytes: text.clone().into_bytes() }),
        );
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let raw = seal(files);
        let compilation = compile::compile(&raw);
        let is_error = |finding: &&Finding| finding.severity == Severity::Error;
        assert_eq!(compilation.findings.iter().find(is_error), None, "{name}");
        let report = cases::run(&compilation.bundle.unwrap(), &raw);
        assert!(report.is_green(), "{name}: {report:#?}");
        count += 1;
        decided += report.results.len();
        writeln!(told, "# {name}\n{}", Summary::of(&compile::read(&raw, Mode::Fast).bundle)).unwrap();
    }
    assert!(count >= 8 && decided >= 9, "{count} sets, {decided} decisions");
    insta::assert_snapshot!(told);
}

#[test]
fn every_set_is_summed_up_whether_it_loads_or_not() {
    let Some(sets) = sets() else { return };
    let mut told = String::new();
    for set in sets {
        let reading = compile::read(&Source::new(&set).read().unwrap().bundle, Mode::Fast);
        let summary = Summary::of(&reading.bundle);
        writeln!(told, "# {}\n{summary}", set.file_name().unwrap().to_str().unwrap()).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_file_alone_is_accounted_for() {
    let Some(sets) = sets() else { return };
    let (mut loaded, mut refused) = (0, 0);
    for set in sets {
        for file in Source::new(&set).read().unwrap().bundle.files {
            let name = format!("{}/{}", set.display(), file.name);
            let raw = seal(vec![RawFile { name: file.name.rsplit('/').next().unwrap().into(), bytes: file.bytes }]);
            let compilation = compile::compile(&raw);
            accounted(&raw);
            match compilation.bundle {
                Some(_) => loaded += 1,
                None => {
                    refused += 1;
                    let first =
                        compilation.findings.iter().find(|finding| finding.severity == Severity::Error).unwrap();
                    assert!(first.line > 0 && !first.what.is_empty(), "{name}: {first}");
                }
            }
        }
    }
    assert!(loaded > 20 && refused > 50, "{loaded} load, {refused} do not");
}

/// How many documents there are and what they became; asserts that no document is lost without an error.
fn accounted(raw: &RawBundle) -> String {
    let documents: usize = raw.files.iter().map(documents).sum();
    let reading = compile::read(raw, Mode::Spanned);
    let bundle = &reading.bundle;
    let (policies, locations, principals) = (bundle.policies.len(), bundle.locations.len(), bundle.principals.len());
    let read = policies + locations + principals + bundle.strengths.len();
    let lost = documents.checked_sub(read).expect("nothing is made up");
    assert!(lost <= reading.diagnostics.errors(), "{documents} documents, {read} read, {:?}", reading.diagnostics);
    format!(
        "{documents} documents, {policies} policies, {locations} locations, {principals} principals, {lost} refused"
    )
}

/// What an object of lists may hold.
const LISTS: [&str; 3] = ["policies", "namedLocations", "servicePrincipals"];

/// Documents of a file, counted without the project's own readers.
fn documents(file: &RawFile) -> usize {
    if !file.name.ends_with(".json") {
        return 0;
    }
    let text = match file.bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => {
            String::from_utf16(&rest.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect::<Vec<_>>())
                .unwrap()
        }
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    };
    match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Array(elements)) => elements.len(),
        Ok(Value::Object(members)) => match members.get("value").and_then(Value::as_array) {
            Some(elements) => elements.len(),
            None if members.keys().all(|key| LISTS.contains(&key.as_str())) => {
                members.values().filter_map(Value::as_array).map(Vec::len).sum()
            }
            None => 1,
        },
        _ => 1,
    }
}

fn sets() -> Option<Vec<PathBuf>> {
    let root = corpus("graph")?;
    let mut sets: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    sets.retain(|path| path.is_dir());
    sets.sort();
    Some(sets)
}
