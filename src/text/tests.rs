//! What every rule says, and that positions are right; `tests/badinput.rs` has the hostile half.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Diagnostics, RawFile, Sources, decode, parse, rules, suggest};
use crate::limits;

/// Mistakes, with what they are; the file name says which reader meets them.
const MISTAKES: &[(&str, &str, &[u8])] = &[
    ("comma before a brace, as in published snippets", "a.json", b"{\n  \"a\": 1,\n  \"b\": 2,\n}\n"),
    ("comma before a bracket", "a.json", b"[1, 2 , ]"),
    ("comment", "a.json", b"{\n  // why\n  \"a\": 1\n}"),
    ("comment after a value", "a.json", b"[1 # one\n]"),
    ("single quotes", "a.json", b"{'a': 1}"),
    ("bare key", "a.json", b"{a: 1}"),
    ("bare word", "a.json", b"{\"state\": enabled}"),
    ("python words", "a.json", b"[True]"),
    ("not a number", "a.json", b"[NaN]"),
    ("typographic quotes", "a.json", "[“a”]".as_bytes()),
    ("no comma", "a.json", b"{\"a\": 1\n \"b\": 2}"),
    ("no colon", "a.json", b"{\"a\" 1}"),
    ("equals sign", "a.json", b"{\"a\" = 1}"),
    ("no value", "a.json", b"{\"a\": }"),
    ("dots", "a.json", b"[1, ...]"),
    ("wrong bracket", "a.json", b"{\"a\": [1}"),
    ("nothing left to close", "a.json", b"{}\n}"),
    ("two values", "a.json", b"{\"a\":1}\n{\"b\":2}"),
    ("list not closed", "a.json", b"{\"a\": [1,\n 2"),
    ("object not closed", "a.json", b"{\"a\": 1"),
    ("text not closed", "a.json", b"[\"abc\n"),
    ("text not closed at the end", "a.json", b"[\"abc"),
    ("empty", "a.json", b" \n\n"),
    ("backslash", "a.json", br#"["C:\Windows"]"#),
    ("half a character", "a.json", br#"["\ud83d", "\udc00x"]"#),
    ("plus sign", "a.json", b"[+1]"),
    ("leading zero", "a.json", b"[012]"),
    ("byte order mark inside", "a.json", b"\xef\xbb\xbf[1,\xef\xbb\xbf2]"),
    ("NUL", "a.json", b"[\"a\0\"]"),
    ("number too large", "a.json", b"[1e999, -1e999]"),
    ("keys thrice", "a.json", b"{\"a\": 1, \"b\": {\"c\": 1, \"\\u0063\": 2},\n\"a\": 3, \"a\": 4}"),
    ("value after a colon in a value", "a.yaml", b"displayName: Block: all\n"),
    ("tab as indentation", "a.yaml", b"a:\n\t- b\n"),
    ("line that fits no other", "a.yaml", b"a:\n    b: 1\n  c: 2\n"),
    ("no colon", "a.yaml", b"a: 1\nb\nc: 2\n"),
    ("list entry without dash", "a.yaml", b"- a\nb: c\n"),
    ("bracket not closed", "a.yaml", b"a: [1, 2\nb: 3\n"),
    ("quote not closed", "a.yaml", b"a: \"b\nc: 1\n"),
    ("text after a quote", "a.yaml", b"a: \"b\" c\n"),
    ("backslash", "a.yaml", b"a: \"C:\\Windows\"\n"),
    ("at sign", "a.yaml", b"a: @odata\n"),
    ("star", "a.yaml", b"a: *.example.com\n"),
    ("wrong bracket", "a.yaml", b"a: [1}\n"),
    ("control character", "a.yaml", b"a: \"b\x1b[31m\"\n"),
    ("directive", "a.yaml", b"%YAML 1.1\n---\na: no\n"),
    ("second document", "a.yaml", b"a: 1\n---\nb: 2\n"),
    ("keys twice", "a.yaml", b"a: 1\nb: {c: 1, 'c': 2}\na: 3\n"),
    ("keys that are not text", "a.yaml", b"1: a\ntrue: b\nnull: c\n: d\n"),
    ("list as a key", "a.yaml", b"? [a]\n: b\n"),
    ("alias as a key", "a.yaml", b"a: &x b\n*x : c\n"),
    ("merge key", "a.yaml", b"a: &x {b: 1}\nc:\n  <<: *x\n"),
    ("unknown tags", "a.yaml", b"a: !secret b\nc: !!set {d: }\n"),
    ("tags that do not fit", "a.yaml", b"a: !!int b\nc: !!map [d]\n"),
    ("value inside itself", "a.yaml", b"a: &x [1, *x]\n"),
    ("infinity", "a.yaml", b"a: .inf\nb: 1e999\n"),
    ("neither", "a.toml", b"a = 1\n"),
    ("not UTF-8", "a.yaml", b"\xef\xbb\xbfa: \xc3\xa9\nb: K\xf6ln\n"),
    ("half of UTF-16", "a.json", b"\xff\xfe[\0\"\0\x00\xd8\"\0]\0"),
    ("odd UTF-16", "a.json", b"[\0]\0 "),
];

#[test]
fn mistakes_are_told_with_place_and_help() {
    let mut told = String::new();
    for (note, name, bytes) in MISTAKES {
        let findings = findings(name, bytes);
        assert!(!findings.is_empty(), "{note}: nothing was found");
        writeln!(told, "# {note}").unwrap();
        for finding in findings {
            writeln!(told, "{finding}").unwrap();
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn every_rule_has_a_mistake_that_breaks_it() {
    let deep = "[".repeat(limits::DOCUMENT_DEPTH_MAX + 1);
    let large = vec![b' '; limits::FILE_BYTES_MAX + 1];
    let bomb = format!("a: &a [{}]\nb: [{}]\n", "1,".repeat(1_000), "*a,".repeat(100));
    let mut broken: BTreeSet<_> = MISTAKES.iter().flat_map(|(_, name, bytes)| findings(name, bytes)).collect_ids();
    for (name, bytes) in [("a.json", deep.as_bytes()), ("a.json", &large), ("a.yaml", bomb.as_bytes())] {
        broken.extend(findings(name, bytes).into_iter().collect_ids());
    }
    // Tested with smaller limits by each reader.
    broken.insert(rules::DOCUMENT_SIZE.id);
    assert_eq!(broken, rules::ALL.iter().map(|rule| rule.id).collect());
}

#[test]
fn rules_are_sorted_and_read_as_ids() {
    assert!(rules::ALL.is_sorted_by(|a, b| a.id < b.id));
    for rule in rules::ALL {
        assert!(rule.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{}", rule.id);
        assert!(!rule.why.ends_with('.') && !rule.why.contains('\n'), "{}", rule.id);
    }
}

#[test]
fn file_that_is_too_large_is_named_without_a_line() {
    let large = vec![b'['; limits::FILE_BYTES_MAX + 1];
    let [finding] = &findings("a.json", &large)[..] else { panic!("one finding") };
    assert_eq!(
        finding.to_string(),
        "a.json: error[file-too-large]: the file is 67108865 bytes long\n  \
         why: a file of a bundle holds at most 64 MiB\n  help: split the file\n"
    );
}

#[test]
fn text_decodes_alike_from_every_encoding() {
    let text = "{\"name\": \"Zürich 😀\"}";
    let units = || text.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    let with = |mark: &[u8], rest: &[u8]| decode::decode(&[mark, rest].concat()).unwrap().into_owned();
    assert_eq!(with(b"", text.as_bytes()), text);
    assert_eq!(with(b"\xef\xbb\xbf", text.as_bytes()), text);
    for mark in [&b"\xff\xfe"[..], b""] {
        assert_eq!(with(mark, &little), text);
    }
    for mark in [&b"\xfe\xff"[..], b""] {
        assert_eq!(with(mark, &big), text);
    }
    assert_eq!(decode::decode(b"").unwrap(), "");
    assert_eq!(decode::decode(b"a\0").unwrap(), "a");
}

#[test]
fn only_one_byte_order_mark_is_taken_off() {
    assert_eq!(decode::decode("\u{feff}\u{feff}a".as_bytes()).unwrap(), "\u{feff}a");
}

#[test]
fn near_misses_are_found_and_far_ones_are_not() {
    let known = ["Head Office", "Branch Office", "All", "MFA Trusted IPs", "Zürich"];
    let nearest = |wanted| suggest::nearest(wanted, known);
    assert_eq!(nearest("Head Ofice"), Some("Head Office"));
    assert_eq!(nearest("head office"), Some("Head Office"));
    assert_eq!(nearest("Haed Office"), Some("Head Office"));
    assert_eq!(nearest("ZÜRICH"), Some("Zürich"));
    assert_eq!(nearest("Zurich"), Some("Zürich"));
    assert_eq!(nearest("al"), Some("All"));
    assert_eq!(nearest("Warehouse"), None);
    assert_eq!(nearest("x"), None);
    assert_eq!(nearest(""), None);
    assert_eq!(nearest(&"Head Office".repeat(1_000)), None);
}

#[test]
fn equal_but_for_case_beats_near_and_earlier_beats_later() {
    assert_eq!(suggest::nearest("office", ["offices", "Office"]), Some("Office"));
    assert_eq!(suggest::nearest("officex", ["officea", "officeb"]), Some("officea"));
}

#[test]
fn positions_agree_with_counting_from_the_start() {
    let text = format!("ab\n\nü😀c\r\n{}\n{}x\n\n", "é".repeat(5_000), "line\n".repeat(3_000));
    let mut sources = Sources::default();
    let file = sources.add(super::SourceFile::new("a.yaml", text.clone()));
    for (offset, _) in text.char_indices().step_by(7).chain([(text.len(), ' ')]) {
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        let position = sources.position(file, offset as u32).unwrap();
        assert_eq!((position.line as usize, position.column as usize), (line, column), "offset {offset}");
    }
    assert_eq!(sources.position(file, text.len() as u32 + 1), None);
    assert_eq!(sources.position(super::Span::NONE.file, 0), None);
}

#[test]
fn excerpt_of_a_long_line_is_a_window_around_the_place() {
    let text = format!("[{}oops,{}]", "10,".repeat(500), "20,".repeat(500));
    let [finding] = &findings("a.json", text.as_bytes())[..] else { panic!("one finding") };
    let excerpt = finding.excerpt.as_ref().unwrap();
    assert_eq!(excerpt.text.chars().count(), limits::EXCERPT_CHARS_MAX);
    let meant: String = excerpt.text.chars().skip(excerpt.start).take(excerpt.length).collect();
    assert_eq!((meant.as_str(), finding.column), ("oops", 1_502));
}

#[test]
fn messages_print_no_terminal_commands_and_no_novels() {
    let key = "\u{1b}]0;x\u{7}\u{202e}".to_owned() + &"k".repeat(2 * limits::MESSAGE_CHARS_MAX);
    let quoted = serde_json::to_string(&key).unwrap();
    let [finding] = &findings("a.json", format!("{{{quoted}: 1,\n{quoted}: 2}}").as_bytes())[..] else {
        panic!("one finding")
    };
    let shown = finding.to_string();
    assert!(!shown.chars().any(|character| character != '\n' && character.is_control()), "{shown:?}");
    assert!(finding.what.starts_with("the key `\\u{1b}]0;x\\u{7}\\u{202e}kkk"), "{}", finding.what);
    assert!(finding.what.chars().count() < limits::MESSAGE_CHARS_MAX + 100);
}

/// What reading `bytes`, a file called `name`, finds.
fn findings(name: &str, bytes: &[u8]) -> Vec<super::Finding> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let raw = RawFile { name: name.into(), bytes: bytes.to_vec() };
    if let Some(file) = decode::read(&raw, &mut sources, &mut diagnostics) {
        let node = parse(&sources, file, &mut diagnostics);
        assert_eq!(node.is_none(), diagnostics.errors() > 0);
    }
    diagnostics.findings(&sources)
}

trait Ids {
    fn collect_ids(self) -> BTreeSet<&'static str>;
}

impl<I: Iterator<Item = super::Finding>> Ids for I {
    fn collect_ids(self) -> BTreeSet<&'static str> {
        self.map(|finding| finding.id).collect()
    }
}
