//! Text nobody should send, through the way every file of a bundle takes: bytes, text, document tree.
//!
//! Whatever comes, there is no panic; what is refused is refused with a place inside the file, and the two readings of
//! JSON agree. The suites are read from the corpus folder and skipped, with a line, where it is absent. Start with
//! [`read`], which asserts all of that of one file.

#![expect(clippy::unwrap_used, reason = "a test file: what cannot be read fails the test")]

#[path = "support/found.rs"]
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod found;

use std::fs;
use std::path::{Path, PathBuf};

use doorward::limits;
use doorward::text::{Diagnostics, Entry, Finding, Node, RawFile, Sources, Span, Value, decode, json, parse};

use found::corpus;

#[test]
fn json_suite_is_accepted_and_refused_as_it_says() {
    let Some(folder) = corpus("badinput/JSONTestSuite/test_parsing") else { return };
    let mut wrong = Vec::new();
    for path in files(&folder, "json") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_accepted = read(name, &fs::read(&path).unwrap()).is_ok();
        // Ours to refuse: RFC 8259 leaves it to the reader what two equal keys mean.
        let is_expected = name.starts_with("y_") && !name.starts_with("y_object_duplicated_key");
        if is_accepted != is_expected && !name.starts_with("i_") {
            wrong.push(name.to_owned());
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn json_transforms_end_without_panic() {
    let Some(folder) = corpus("badinput/JSONTestSuite/test_transform") else { return };
    for path in files(&folder, "json") {
        let _ = read("a.json", &fs::read(&path).unwrap());
        let _ = read("a.yaml", &fs::read(&path).unwrap());
    }
}

#[test]
fn published_exports_read_alike_as_json_and_as_yaml() {
    let Some(folder) = corpus("graph") else { return };
    let (mut read_as_json, mut read_as_both) = (0, 0);
    for path in files(&folder, "json") {
        let bytes = fs::read(&path).unwrap();
        if let Ok(tree) = read("a.json", &bytes) {
            read_as_json += 1;
            if let Ok(other) = read("a.yaml", &bytes) {
                read_as_both += 1;
                assert_eq!(tree, other, "{}", path.display());
            }
        }
    }
    assert!(read_as_json > 100 && read_as_both > 100, "{read_as_json} read as JSON, {read_as_both} as YAML too");
}

#[test]
fn yaml_suite_is_refused_where_it_says_and_read_as_its_json_elsewhere() {
    let Some(folder) = corpus("badinput/yaml-test-suite/src") else { return };
    let mut wrong = Vec::new();
    let mut agreed = 0;
    for path in files(&folder, "yaml") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let suite = read("suite.yaml", &fs::read(&path).unwrap()).unwrap();
        for (index, case) in suite.as_list().unwrap().iter().enumerate() {
            let Some(yaml) = case.member("yaml").and_then(|node| node.as_str()) else { continue };
            let outcome = read("case.yaml", unmasked(yaml).as_bytes());
            let must_fail = case.member("fail").is_some_and(|node| node.value == Value::Bool(true));
            let json = case.member("json").and_then(|node| node.as_str());
            let expected = json.and_then(|json| read("case.json", json.as_bytes()).ok());
            match (outcome, expected) {
                (Ok(_), _) if must_fail => wrong.push(format!("{name}/{index} is accepted")),
                (Ok(tree), Some(expected)) if tree != expected => wrong.push(format!("{name}/{index} differs")),
                (Ok(_), Some(_)) => agreed += 1,
                _ => {}
            }
        }
    }
    // The first closes a list at the indentation of its key, which YAML forbids and everybody writes. The second lists
    // the members of its JSON in another order than those of its YAML.
    assert_eq!(wrong, ["9C9N/0 is accepted", "RR7F/0 differs"]);
    assert!(agreed > 150, "{agreed} cases agreed");
}

#[test]
fn naughty_strings_come_back_unchanged() {
    let Some(folder) = corpus("badinput/blns") else { return };
    let bytes = fs::read(folder.join("blns.json")).unwrap();
    let expected: Vec<String> = serde_json::from_slice(&bytes).unwrap();
    let tree = read("blns.json", &bytes).unwrap();
    let strings: Vec<_> = tree.as_list().unwrap().iter().map(|node| node.as_str().unwrap()).collect();
    assert_eq!(strings, expected);
    for string in &expected {
        let quoted = serde_json::to_string(string).unwrap();
        let json = format!("{{\"value\": {quoted}}}");
        // YAML wants some characters escaped that JSON takes as they are.
        let escaped = |c: char| match c {
            '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => format!("\\u{:04x}", c as u32),
            _ => c.to_string(),
        };
        let yaml: String = json.chars().map(escaped).collect();
        for (name, text) in [("a.json", &json), ("a.yaml", &yaml)] {
            let tree = read(name, text.as_bytes()).unwrap();
            assert_eq!(tree.member("value").unwrap().as_str(), Some(string.as_str()), "{name}");
        }
        let is_plain = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}');
        if string.chars().all(is_plain) {
            let single = format!("value: '{}'\n", string.replace('\'', "''"));
            let tree = read("a.yaml", single.as_bytes()).unwrap_or_else(|told| panic!("{single}: {told:?}"));
            assert_eq!(tree.member("value").unwrap().as_str(), Some(string.as_str()));
        }
    }
}

#[test]
fn hostile_files_are_refused_with_a_place() {
    let repeated = |part: &str, times: usize| part.repeat(times).into_bytes();
    for (note, name, bytes) in [
        ("brackets", "a.json", repeated("[", 1_000_000)),
        ("braces", "a.json", repeated("{\"a\":", 200_000)),
        ("closing brackets", "a.json", repeated("]", 1_000_000)),
        ("quotes", "a.json", repeated("\"", 1_000_000)),
        ("backslashes", "a.json", repeated("\"\\", 500_000)),
        ("open text", "a.json", [b"\"".to_vec(), repeated("x", 1_000_000)].concat()),
        ("open list", "a.json", [b"[".to_vec(), repeated("0,", 500_000)].concat()),
        ("digits", "a.json", repeated("9", 1_000_000)),
        ("letters", "a.json", repeated("x", 1_000_000)),
        ("line breaks", "a.json", repeated("\n", 1_000_000)),
        ("wide characters", "a.json", repeated("😀", 250_000)),
        ("NULs", "a.json", vec![0; 1_000_000]),
        ("not UTF-8", "a.json", vec![0xFF; 1_000_000]),
        ("half characters", "a.json", [b"\xff\xfe".to_vec(), vec![0xD8; 1_000_001]].concat()),
        ("cut character", "a.json", [repeated("x", 1_000_000), b"\xf0\x9f\x98".to_vec()].concat()),
        ("keys", "a.json", [b"{".to_vec(), repeated("\"a\":0,", 50_000), b"\"a\":0}".to_vec()].concat()),
        ("brackets", "a.yaml", repeated("[", 1_000_000)),
        ("braces", "a.yaml", repeated("{", 1_000_000)),
        ("dashes", "a.yaml", repeated("- ", 500_000)),
        ("question marks", "a.yaml", repeated("? ", 500_000)),
        ("colons", "a.yaml", repeated(": ", 500_000)),
        ("anchors", "a.yaml", repeated("&a ", 300_000)),
        ("aliases", "a.yaml", repeated("*a ", 300_000)),
        ("tags", "a.yaml", repeated("!a ", 300_000)),
        ("documents", "a.yaml", repeated("---\n", 200_000)),
        ("steps", "a.yaml", (0..1_000).flat_map(|step| format!("{}a:\n", " ".repeat(step)).into_bytes()).collect()),
        ("open quote", "a.yaml", repeated("\"x\n ", 200_000)),
        ("open flow", "a.yaml", [b"{".to_vec(), repeated("a, ", 100_000)].concat()),
        ("NULs", "a.yaml", vec![0; 1_000_000]),
        ("not UTF-8", "a.yaml", vec![0xFF; 1_000_000]),
        ("merge", "a.yaml", [b"a: &a {b: 1}\nc:\n".to_vec(), repeated("  <<: *a\n", 20_000)].concat()),
    ] {
        assert!(read(name, &bytes).is_err(), "{name}: {note}");
    }
}

#[test]
fn large_and_plain_files_are_read() {
    let long = "x".repeat(2_000_000);
    assert_eq!(read("a.json", format!("{long:?}").as_bytes()).unwrap().as_str(), Some(&*long));
    assert_eq!(read("a.yaml", long.as_bytes()).unwrap().as_str(), Some(&*long));
    let list = format!("[{}0]", "0, ".repeat(50_000));
    for name in ["a.json", "a.yaml"] {
        assert_eq!(read(name, list.as_bytes()).unwrap().as_list().unwrap().len(), 50_001);
    }
    for blank in [" ", "\n", "#\n"] {
        assert_eq!(read("a.yaml", blank.repeat(500_000).as_bytes()).unwrap().value, Value::Null);
    }
}

#[test]
fn every_byte_flipped_in_a_policy_is_read_or_refused_with_a_place() {
    let policy =
        "displayName: Bl\u{f6}ck\nstate: enabled\nconditions: {locations: {includeLocations: ['All', \"b\"]}}\n";
    for index in 0..policy.len() {
        for byte in [0, b'\t', b'\n', b'"', b'\'', b':', b'[', b'}', b'&', b'*', b'!', b'|', b'-', 0x80, 0xFF] {
            let mut bytes = policy.as_bytes().to_vec();
            bytes[index] = byte;
            let _ = read("a.yaml", &bytes);
            let _ = read("a.json", &bytes);
        }
    }
}

/// Reads one file. The tree comes without spans, so that trees can be compared; an error is what was told.
fn read(name: &str, bytes: &[u8]) -> Result<Node<'static>, Vec<Finding>> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let raw = RawFile { name: name.into(), bytes: bytes.to_vec() };
    let node = match decode::read(&raw, &mut sources, &mut diagnostics) {
        Some(file) => {
            let node = parse(&sources, file, &mut diagnostics).map(|node| without_spans(&node));
            let text = sources.file(file).unwrap().text();
            if name.ends_with(".json") {
                assert_eq!(json::parse_fast(text, &mut ()).map(|node| without_spans(&node)), node, "both readings");
            }
            node
        }
        None => None,
    };
    assert_eq!(node.is_none(), diagnostics.errors() > 0);
    for (id, source) in sources.iter() {
        let lines = source.text().split('\n').count();
        for diagnostic in diagnostics.iter() {
            assert_eq!(diagnostic.span.file, id);
            let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
            assert!(source.text().get(start..end).is_some(), "{diagnostic:?} lies in the file");
        }
        for finding in diagnostics.findings(&sources) {
            assert_eq!(finding.file, name);
            assert!((1..=lines).contains(&(finding.line as usize)) && finding.column > 0, "{finding}");
            let excerpt = finding.excerpt.unwrap();
            assert!(excerpt.text.chars().count() <= limits::EXCERPT_CHARS_MAX);
        }
    }
    node.ok_or_else(|| diagnostics.findings(&sources))
}

fn without_spans(node: &Node<'_>) -> Node<'static> {
    Node::unplaced(match &node.value {
        Value::Null => Value::Null,
        Value::Bool(value) => Value::Bool(*value),
        Value::Integer(value) => Value::Integer(*value),
        Value::Float(value) => Value::Float(*value),
        Value::String(text) => Value::String(text.clone().into_owned().into()),
        Value::List(nodes) => Value::List(nodes.iter().map(without_spans).collect()),
        Value::Map(entries) => Value::Map(entries.iter().map(entry_without_spans).collect()),
        Value::Packed(index) => Value::Packed(*index),
    })
}

fn entry_without_spans(entry: &Entry<'_>) -> Entry<'static> {
    Entry { key: entry.key.clone().into_owned().into(), key_span: Span::NONE, node: without_spans(&entry.node) }
}

/// A document of the YAML suite, whose invisible characters are written as visible ones.
fn unmasked(text: &str) -> String {
    let mut unmasked = text.replace('␣', " ").replace('←', "\r").replace('⇔', "\u{feff}").replace('↵', "");
    for tab in ["————»", "———»", "——»", "—»", "»"] {
        unmasked = unmasked.replace(tab, "\t");
    }
    match unmasked.strip_suffix("∎\n") {
        Some(without_end) => without_end.to_owned(),
        None => unmasked,
    }
}

/// Every file below `folder` with `extension`, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "files to read");
    found
}
