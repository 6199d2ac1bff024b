//! Layouts: what they look like, what they keep, and what is not touched.

mod writer;

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::layout::{Laid, Left, layout};
use crate::limits;
use crate::text::{Diagnostics, RawFile, SourceFile, Sources, Value, parse, yaml};
use writer::Author;

fn raw(name: &str, bytes: impl Into<Vec<u8>>) -> RawFile {
    RawFile { name: name.into(), bytes: bytes.into() }
}

/// What the layout of `text` is; the same text where it is left.
fn laid(name: &str, text: &str) -> String {
    match layout(&raw(name, text)) {
        Laid::Same => text.to_owned(),
        Laid::Changed(after) => after,
        Laid::Left(why) => panic!("{why}: {text}"),
        Laid::Invalid(findings) => panic!("{findings:?}: {text}"),
    }
}

#[track_caller]
fn check(before: &str, after: &str) {
    assert_eq!(laid("a.yaml", before), after);
}

#[test]
fn space_is_where_it_belongs() {
    check("a:   1   # one\n", "a: 1 # one\n");
    check("a: 1   \n# c   \n\n\n\nb: 2", "a: 1\n# c\n\nb: 2\n");
    check("a:\n- x\n-   y\n", "a:\n  - x\n  - y\n");
    check("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n");
    check("a: {b: 1,c: [1,2,  3]}\n", "a: { b: 1, c: [1, 2, 3] }\n");
    check("a: [1,\n    2]\n", "a: [1, 2]\n");
    check("a: [\n    1, 2]\n", "a: [\n  1,\n  2\n]\n");
    check("\n\n# first\na: 1\n# last\n\n\n", "# first\na: 1\n# last\n");
    check("", "");
}

#[test]
fn what_is_long_gets_a_line_for_each_part() {
    let ids: Vec<_> = (0..4).map(|digit| format!("{digit}").repeat(36)).collect();
    let lines: String = ids.iter().map(|id| format!("  {id},\n")).collect();
    let lines = lines.trim_end_matches(",\n");
    check(&format!("a: [{}]\n", ids.join(", ")), &format!("a: [\n{lines}\n]\n"));
}

#[test]
fn quotes_stay_and_are_double() {
    check("a: 'no'\nb: \"0o7\"\nc: '1_000'\nd: \"~\"\n", "a: \"no\"\nb: \"0o7\"\nc: \"1_000\"\nd: \"~\"\n");
    check("a: 'say \"x\"'\nb: 'it''s'\n'c': 1\n", "a: 'say \"x\"'\nb: 'it''s'\n\"c\": 1\n");
    check("a: no\nb: 0o7\nc: 1_000\nd: ~\ne:\nf: 007\n", "a: no\nb: 0o7\nc: 1_000\nd: ~\ne:\nf: 007\n");
}

#[test]
fn texts_over_several_lines_say_the_same() {
    check("a: |\n    x   \n      y\n\n    z\nb: 1\n", "a: |\n  x   \n    y\n\n  z\nb: 1\n");
    check("a: >-\n     x\n     y\n", "a: >-\n  x\n  y\n");
    check("a: x\n     y\n", "a: x\n  y\n");
}

#[test]
fn anchors_and_tags_stay() {
    check("a:  &x  {b: 1}\nc:   *x\nd: !!str   5\n", "a: &x { b: 1 }\nc: *x\nd: !!str 5\n");
}

#[test]
fn the_kind_of_line_break_stays() {
    check("a:   1\r\nb: |\r\n    x\r\n", "a: 1\r\nb: |\r\n  x\r\n");
    assert_eq!(laid("a.json", "{\"a\":1}\r\n"), "{\r\n  \"a\": 1\r\n}\r\n");
}

#[test]
fn json_has_a_line_for_each_part_and_words_stay_as_they_are_spelt() {
    let before = r#"{"a":[],"b":{ },"c":[1.0,1e3,"\u00e9 , [\"\\"],"d":[[],[{}]],"e":{"f":null}}"#;
    insta::assert_snapshot!(laid("a.json", before));
    assert_eq!(laid("a.json", " 1 "), "1\n");
    assert_eq!(laid("a.json", "\"a b\""), "\"a b\"\n");
}

#[test]
fn what_cannot_be_laid_out_safely_is_left() {
    let utf16: Vec<_> = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!("a:\n{}b: 1\n", " ".repeat(60));
    for (name, bytes, why) in [
        ("a.json", utf16, Left::Encoding),
        ("a.yaml", b"\xEF\xBB\xBFa:   1\n".to_vec(), Left::Encoding),
        ("a.yaml", deep.into_bytes(), Left::Indentation),
        // Where pretty_yaml 0.6 takes `b` for an element, cuts a text, and moves a comment.
        ("a.yaml", b"a:\n-\nb: 1\n".to_vec(), Left::Meaning),
        ("a.yaml", b"a:   |+\n  x\n\n\n".to_vec(), Left::Meaning),
        ("a.yaml", b"? a\n# of b\n: b\n".to_vec(), Left::Comments),
    ] {
        assert!(matches!(layout(&raw(name, bytes)), Laid::Left(told) if told == why), "{why}");
    }
}

#[test]
fn what_is_no_document_is_told_as_everywhere() {
    for (name, text, rule) in [
        ("a.yaml", "a: [1\n", "yaml-syntax"),
        ("a.yaml", "a: 1\n---\nb: 2\n", "yaml-many-documents"),
        ("a.yaml", "a: 1\na: 2\n", "duplicate-key"),
        ("a.json", "{\"a\": 1,}", "json-syntax"),
        ("a.json", "{\"a\": 1, \"a\": 2}", "duplicate-key"),
    ] {
        let Laid::Invalid(findings) = layout(&raw(name, text)) else { panic!("{text}") };
        assert_eq!(findings.first().map(|finding| finding.id), Some(rule), "{text}");
    }
}

/// Asserts what must hold of any file; whether it was left.
fn sound(name: &str, text: &str) -> bool {
    let after = match layout(&raw(name, text)) {
        Laid::Same | Laid::Invalid(_) => return false,
        Laid::Left(_) => return true,
        Laid::Changed(after) => after,
    };
    let told = |text: &str| {
        let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
        let file = sources.add(SourceFile::new(name, text.to_owned()));
        let tree = parse(&sources, file, &mut diagnostics).map(|tree| plain(&tree.value));
        tree.unwrap_or_else(|| panic!("{:?}\n{text}", diagnostics.findings(&sources)))
    };
    assert_eq!(told(text), told(&after), "{text}");
    assert!(matches!(layout(&raw(name, after.clone())), Laid::Same), "laid out twice:\n{text}\nonce:\n{after}");
    true_comments(name, text, &after);
    false
}

/// Every comment is there, in order; found by another reader than the one that the layout asks.
fn true_comments(name: &str, before: &str, after: &str) {
    let lines = |text: &str| -> Vec<String> {
        let found = text.lines().filter_map(|line| line.split_once("# only"));
        found.map(|(_, comment)| comment.trim().to_owned()).collect()
    };
    assert_eq!(lines(before), lines(after), "{name}\n{before}\n{after}");
}

/// A value without places, spelt out.
fn plain(value: &Value<'_>) -> String {
    match value {
        Value::List(nodes) => nodes.iter().fold(String::from("["), |told, node| told + &plain(&node.value) + ",") + "]",
        Value::Map(entries) => {
            let entry = |entry: &crate::text::Entry<'_>| format!("{:?}:{},", entry.key, plain(&entry.node.value));
            format!("{{{}}}", entries.iter().map(entry).collect::<String>())
        }
        other => format!("{other:?}"),
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
        "[\\[\\]{}:,\"\\\\ ]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(".{0,4}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_people_write_keeps_its_meaning_and_its_comments(seed in any::<u64>()) {
        let text = Author::write(seed);
        sound("a.yaml", &text);
        sound("a.yaml", &text.replace('\n', "\r\n"));
    }

    #[test]
    fn json_keeps_its_meaning(value in json(), is_pretty in any::<bool>()) {
        let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        prop_assert!(!sound("a.json", &text.unwrap()));
    }

    /// Whatever comes, there is no panic, and what is laid out is sound.
    #[test]
    fn a_slip_of_the_keyboard_does_no_harm(seed in any::<u64>(), at in any::<prop::sample::Index>(), slip in "[-:#,\\[\\]{}&*!|>'\"%@? \n\t\r~.a\u{a0}\u{2028}é]{1,2}") {
        let mut text = Author::write(seed);
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        if !places.is_empty() {
            text.insert_str(places[at.index(places.len())], &slip);
        }
        sound("a.yaml", &text);
    }
}

#[test]
fn what_nests_as_deep_as_may_be_is_laid_out() {
    let deep = limits::DOCUMENT_DEPTH_MAX - 1;
    let block: String = (0..29).map(|level| format!("{}a:\n", "  ".repeat(level))).collect();
    for text in [
        "[".repeat(deep) + "a" + &"]".repeat(deep),
        "{a: ".repeat(29) + "b" + &"}".repeat(29),
        "- ".repeat(29) + "a",
        block,
    ] {
        assert!(!sound("a.yaml", &text), "{text}");
    }
    let too_wide = "{a: ".repeat(deep) + "b" + &"}".repeat(deep);
    assert!(matches!(layout(&raw("a.yaml", too_wide)), Laid::Left(Left::Indentation)));
}

#[test]
fn hardly_anything_that_people_write_is_left() {
    let (mut read, mut left) = (0, Vec::new());
    for seed in 0..1_000 {
        let text = Author::write(seed);
        match layout(&raw("a.yaml", text.clone())) {
            Laid::Invalid(findings) => panic!("{seed}: {findings:?}\n{text}"),
            Laid::Left(why) => left.push(format!("# {seed}: {why}\n{text}")),
            _ => read += 1,
        }
    }
    assert!(left.len() < 20, "{} of {read}\n{}", left.len(), left[..3].join("\n"));
}

/// The files of `folder` of the corpus and below.
fn corpus(folder: &str) -> Option<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![crate::found::corpus(folder)?], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Some(files)
}

#[test]
fn files_of_others_keep_their_meaning_and_their_comments() {
    let Some(paths) = corpus("") else { return };
    let mut left = Vec::new();
    let mut seen = 0;
    for path in paths {
        let name = path.to_str().unwrap();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if crate::text::Format::of(name).is_some() && text.len() < 300_000 {
            seen += 1;
            if sound(name, &text) {
                left.push(name.to_owned());
            }
        }
    }
    assert!(seen > 0 && left.len() * 20 <= seen, "{} of {seen}: {left:#?}", left.len());
}

#[test]
fn every_corner_of_yaml_keeps_its_meaning_and_its_comments() {
    let Some(paths) = corpus("badinput/yaml-test-suite/src") else { return };
    let (mut seen, mut left) = (0, String::new());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let mut diagnostics = Diagnostics::default();
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("suite.yaml", text));
        let suite = parse(&sources, file, &mut diagnostics).unwrap();
        for case in suite.as_list().unwrap() {
            let Some(text) = case.member("yaml").and_then(|node| node.as_str()) else { continue };
            let text = text
                .replace('␣', " ")
                .replace('»', "\t")
                .replace(['—'], "")
                .replace('←', "\r")
                .replace('⇔', "\u{feff}")
                .replace('↵', "")
                .replace("∎\n", "");
            seen += 1;
            if sound("a.yaml", &text) {
                left += &format!("--- {}\n{text}\n", path.display());
            }
        }
    }
    assert!(seen > 0 && left.matches("--- /").count() * 10 <= seen, "{left}");
}

#[test]
fn comments_are_told_with_their_places() {
    let comments = yaml::comments("# a\nb: 1 # c\nd:\n  # e\n  - f # g\n  #h\n").unwrap();
    let told: Vec<_> = comments.iter().map(|it| (it.text.as_str(), it.after, it.is_trailing)).collect();
    assert_eq!(told, [("a", 0, false), ("c", 2, true), ("e", 3, false), ("g", 4, true), ("h", 4, false)]);
}
