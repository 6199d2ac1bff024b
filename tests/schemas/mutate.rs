//! A document changed in one place: what `check` takes an editor takes, and a name that nobody knows is told by both.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use doorward::compile;
use doorward::review::{cases, rules};
use doorward::source::seal;
use doorward::text::{RawFile, Severity};
use serde_json::{Value, json};

use super::found::corpus;
use super::{Schemas, files};

/// A step from a value to one within it.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// One change of one value. Not that of case: words are spelled in one way for editors, in any for bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Unknown(&'static str),
    Removed,
    Null,
    Emptied,
    Listed,
}

const CHANGES: [Change; 7] = [
    Change::Nothing,
    Change::Unknown("zzz"),
    Change::Unknown("zz@zz"),
    Change::Removed,
    Change::Null,
    Change::Emptied,
    Change::Listed,
];

/// Where every value of `document` is, the document itself first.
fn places(document: &Value) -> Vec<Vec<Step>> {
    let mut places = vec![Vec::new()];
    let mut below = |step: Step, value: &Value| {
        places.extend(self::places(value).into_iter().map(|rest| std::iter::once(step.clone()).chain(rest).collect()));
    };
    match value_of(document) {
        (Some(members), _) => members.iter().for_each(|(key, value)| below(Step::Key(key.clone()), value)),
        (_, Some(elements)) => elements.iter().enumerate().for_each(|(at, value)| below(Step::Index(at), value)),
        _ => {}
    }
    places
}

fn value_of(value: &Value) -> (Option<&serde_json::Map<String, Value>>, Option<&Vec<Value>>) {
    (value.as_object(), value.as_array())
}

fn at<'v>(value: &'v mut Value, place: &[Step]) -> &'v mut Value {
    place.iter().fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key).unwrap(),
        Step::Index(at) => value.get_mut(at).unwrap(),
    })
}

/// The document with a change at a place; `None` where there is nothing to change.
fn changed(document: &Value, place: &[Step], change: Change) -> Option<Value> {
    let mut document = document.clone();
    let value = at(&mut document, place);
    match change {
        Change::Nothing => place.is_empty().then_some(())?,
        Change::Unknown(name) => drop(value.as_object_mut()?.insert(name.to_owned(), json!("x"))),
        Change::Null => *value = Value::Null,
        Change::Emptied => *value = if value.is_array() { json!([]) } else { value.is_object().then(|| json!({}))? },
        Change::Listed => *value = json!([value.clone()]),
        Change::Removed => {
            let (last, above) = place.split_last()?;
            match (at(&mut document, above), last) {
                (Value::Object(members), Step::Key(key)) => drop(members.remove(key)),
                (Value::Array(elements), Step::Index(index)) => drop(elements.remove(*index)),
                _ => return None,
            }
        }
    }
    Some(document)
}

/// What `check` says of a bundle, by rule: errors, and what would be one if the policy were not disabled.
fn judged(files: &[RawFile]) -> BTreeMap<&'static str, usize> {
    let raw = seal(files.to_vec());
    let mut counts = BTreeMap::new();
    for finding in compile::compile(&raw).findings.into_iter().chain(cases::check(&raw)) {
        *counts.entry(finding.id).or_insert(0) += 1;
    }
    let is_error = |id: &str| rules::every().any(|rule| rule.id == id && rule.severity == Severity::Error);
    counts.retain(|id, _| is_error(id) || *id == "unknown-property");
    counts
}

/// A bundle, and which of its files are changed.
struct Set {
    name: String,
    files: Vec<RawFile>,
}

impl Set {
    fn of(folder: &Path) -> Self {
        let mut found = Vec::new();
        files(folder, "", &mut found);
        let raw = |(name, text): (String, String)| RawFile { name: name.into(), bytes: text.into_bytes() };
        Self { name: folder.display().to_string(), files: found.into_iter().map(raw).collect() }
    }
}

fn samples() -> Vec<Set> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["workload", "graph-export", "cedar", "authzen"].map(|name| Set::of(&root.join("policies").join(name))).into()
}

/// Every file that others have published, alone; none where they are not.
fn published() -> Vec<Set> {
    let Some(folder) = corpus("graph") else { return Vec::new() };
    let whole = Set::of(&folder);
    let alone = |file: RawFile| {
        let name = format!("{}/{}", whole.name, file.name);
        let file = RawFile { name: file.name.rsplit('/').next().unwrap().into(), bytes: file.bytes };
        Set { name, files: vec![file] }
    };
    whole.files.into_iter().map(alone).collect()
}

/// Holds a schema and `check` against each other, with every document of `sets` changed in every place, once for each
/// shape of place.
fn compare(sets: Vec<Set>) -> usize {
    let schemas = Schemas::new();
    let (mut seen, mut tried, mut told) = (HashSet::new(), 0, Vec::new());
    for Set { name: set, files } in sets {
        let before = judged(&files);
        for at in 0..files.len() {
            let (name, text) = (files[at].name.clone(), String::from_utf8_lossy(&files[at].bytes).into_owned());
            let Ok(document) = serde_saphyr::from_str::<Value>(text.trim_start_matches('\u{feff}')) else { continue };
            // A document that neither knows keeps to itself what else is wrong with it.
            let is_refused_already = schemas.complaint(&name, &text).is_some();
            let kind = std::ptr::from_ref(schemas.of(&name)) as usize;
            for place in
                places(&document).into_iter().filter(|place| place.is_empty() || seen.insert((kind, shape(place))))
            {
                for change in CHANGES {
                    let Some(document) = changed(&document, &place, change) else { continue };
                    let text = serde_json::to_string(&document).unwrap();
                    let mut bundle = files.clone();
                    bundle[at].bytes = text.clone().into_bytes();
                    let after = judged(&bundle);
                    let is_refused = after.iter().any(|(id, count)| before.get(id).is_none_or(|before| count > before));
                    let complaint = schemas.complaint(&name, &text);
                    let is_wrong = match change {
                        Change::Unknown(_) => !is_refused_already && is_refused != complaint.is_some(),
                        _ => after.is_empty() && complaint.is_some(),
                    };
                    // An empty file is no document to an editor.
                    if is_wrong && !document.is_null() {
                        let place = shape(&place);
                        told.push(format!("{set}/{name} {place}: {change:?}: {after:?}, schema {complaint:?}"));
                    }
                    tried += 1;
                }
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    tried
}

fn shape(place: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Index(_) => "[]".to_owned(),
    };
    place.iter().map(step).collect()
}

#[test]
fn what_a_bundle_may_say_an_editor_takes_and_a_name_that_nobody_knows_both_refuse() {
    let tried = compare(samples());
    assert!(tried > 500, "{tried}");
}

#[test]
fn what_others_have_published_an_editor_takes_as_check_does() {
    let sets = published();
    assert!(sets.is_empty() || compare(sets) > 500);
}
