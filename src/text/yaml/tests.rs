//! What plain scalars mean, where values stand, and what aliases may do.

use super::*;
use crate::text::source::{SourceFile, Sources};

#[test]
fn plain_scalars_mean_what_the_core_schema_says() {
    let text = |text: &'static str| Value::String(text.into());
    for (scalar, value) in [
        ("NO", text("NO")),
        ("no", text("no")),
        ("yes", text("yes")),
        ("off", text("off")),
        ("y", text("y")),
        ("true", Value::Bool(true)),
        ("False", Value::Bool(false)),
        ("tRUE", text("tRUE")),
        ("null", Value::Null),
        ("~", Value::Null),
        ("", Value::Null),
        ("nil", text("nil")),
        ("12", Value::Integer(12)),
        ("+12", Value::Integer(12)),
        ("-0", Value::Integer(0)),
        ("0", Value::Integer(0)),
        ("0o14", Value::Integer(12)),
        ("0xC", Value::Integer(12)),
        ("0b11", text("0b11")),
        ("0x", text("0x")),
        ("0o8", text("0o8")),
        ("-0x1", text("-0x1")),
        ("012", text("012")),
        ("-007", text("-007")),
        ("01.5", text("01.5")),
        ("1_000", text("1_000")),
        ("1,000", text("1,000")),
        ("9223372036854775808", Value::Float(9_223_372_036_854_775_808.0)),
        ("1.5", Value::Float(1.5)),
        ("-.5e1", Value::Float(-5.0)),
        ("5.", Value::Float(5.0)),
        ("1e3", Value::Float(1000.0)),
        ("1e", text("1e")),
        (".", text(".")),
        ("e5", text("e5")),
        ("inf", text("inf")),
        ("nan", text("nan")),
        ("1.2.3", text("1.2.3")),
        ("10.0.0.0/8", text("10.0.0.0/8")),
        ("2001:db8::/32", text("2001:db8::/32")),
        ("12:30:45", text("12:30:45")),
        ("2026-08-01", text("2026-08-01")),
        ("2026-08-01T10:00:00Z", text("2026-08-01T10:00:00Z")),
        ("'12'", text("12")),
        ("\"true\"", text("true")),
        ("!!str 12", text("12")),
        ("! 12", text("12")),
        ("!!int '12'", Value::Integer(12)),
        ("!!float 12", Value::Float(12.0)),
        ("!!null ''", Value::Null),
        ("!!bool 'true'", Value::Bool(true)),
        ("!<tag:yaml.org,2002:str> ~", text("~")),
        ("=", text("=")),
        ("a#b", text("a#b")),
        ("a b # c", text("a b")),
    ] {
        let document = format!("key: {scalar}\n");
        let node = read(&document).unwrap_or_else(|told| panic!("{scalar}: {told}"));
        assert_eq!(node.member("key").unwrap().value, value, "{scalar}");
    }
}

#[test]
fn nothing_is_null() {
    for text in ["", "\n\n", "# only this\n", "---\n", "---\n...\n", "null"] {
        assert_eq!(read(text).unwrap().value, Value::Null, "{text:?}");
    }
}

#[test]
fn values_stand_where_they_are_written() {
    let text =
        "a: &x\n  - one\n  - 'two'\n\n\nb: {c: [1, 2], d: *x}\n\"e\": |\n  long\n  text\nf:\n  g: h # i\n\n# j\n";
    let node = read(text).unwrap();
    let slice = |node: &Node<'_>| text[node.span.start as usize..node.span.end as usize].to_owned();
    let member = |path: &str| path.split('.').fold(&node, |node, key| node.member(key).unwrap());
    assert_eq!(slice(member("a")), "- one\n  - 'two'");
    assert_eq!(slice(&member("a").as_list().unwrap()[1]), "'two'");
    assert_eq!(slice(member("b")), "{c: [1, 2], d: *x}");
    assert_eq!(slice(member("b.c")), "[1, 2]");
    assert_eq!(slice(member("b.d")), "*x");
    assert_eq!(slice(&member("b.d").as_list().unwrap()[0]), "one");
    assert_eq!(slice(member("e")), "long\n  text\n");
    assert_eq!(slice(member("f")), "g: h");
    let keys: Vec<_> = node.as_map().unwrap().iter().map(|entry| entry.key_span).collect();
    assert_eq!(&text[keys[2].start as usize..keys[2].end as usize], "\"e\"");
}

#[test]
fn spans_count_bytes_after_wide_characters() {
    let text = "é: 😀\nü: [ñ, x]\n";
    let node = read(text).unwrap();
    let span = node.member("ü").unwrap().as_list().unwrap()[1].span;
    assert_eq!(&text[span.start as usize..span.end as usize], "x");
}

#[test]
fn alias_repeats_the_latest_value_of_its_name() {
    let node = read("a: &x 1\nb: *x\nc: &x {d: &y e, f: *y}\ng: *x\n&k key: *k\n").unwrap();
    assert_eq!(node.member("b").unwrap().value, Value::Integer(1));
    assert_eq!(node.member("g").unwrap().value, node.member("c").unwrap().value);
    assert_eq!(node.member("g").unwrap().member("f").unwrap().as_str(), Some("e"));
    assert_eq!(node.member("key").unwrap().as_str(), Some("key"));
}

#[test]
fn quoted_merge_key_is_a_key_like_any_other() {
    assert_eq!(read("'<<': 1").unwrap().member("<<").unwrap().value, Value::Integer(1));
}

#[test]
fn aliases_multiply_up_to_a_limit() {
    let bomb = |levels: usize| {
        let level = |index: usize| format!("l{index}: &l{index} [{}]\n", format!("*l{},", index - 1).repeat(9));
        "l0: &l0 [x,x,x,x,x,x,x,x,x]\n".to_owned() + &(1..levels).map(level).collect::<String>()
    };
    assert!(read(&bomb(4)).is_ok());
    insta::assert_snapshot!(read(&bomb(9)).unwrap_err(), @"
    a.yaml:6:10: error[yaml-alias]: aliases repeat too much
     6 | l5: &l5 [*l4,*l4,*l4,*l4,*l4,*l4,*l4,*l4,*l4,]
       |          ^^^
      why: aliases repeat at most 100,000 values and 16 MiB of text, and no value contains itself
      help: write less with aliases, or split the file
    ");
}

#[test]
fn aliases_repeat_text_up_to_a_limit() {
    let text = |aliases: usize| format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1 << 20), "*a,".repeat(aliases));
    assert!(read(&text(15)).is_ok());
    assert!(read(&text(17)).unwrap_err().contains("yaml-alias"));
}

#[test]
fn anchor_on_a_large_value_does_no_harm_until_it_is_repeated() {
    let list = format!("a: &a [{}]\n", "0,".repeat(limits::ALIAS_NODES_MAX + 1));
    assert!(read(&list).is_ok());
    assert!(read(&(list + "b: *a\n")).unwrap_err().contains("yaml-alias"));
}

#[test]
fn aliases_do_not_nest_deeper_than_documents_may() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let text = |depth: usize| format!("a: &a {}\nb: [[*a]]\n", nested(depth));
    assert!(read(&text(limits::DOCUMENT_DEPTH_MAX - 3)).is_ok());
    assert!(read(&text(limits::DOCUMENT_DEPTH_MAX - 2)).unwrap_err().contains("document-depth"));
}

#[test]
fn deepest_allowed_nesting_is_read_and_one_more_is_not() {
    let flow = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let block = |depth: usize| "- ".repeat(depth) + "x";
    let both = |depth: usize| "- ".repeat(depth / 2) + &flow(depth - depth / 2);
    for nested in [&flow as &dyn Fn(usize) -> String, &block, &both] {
        assert!(read(&nested(limits::DOCUMENT_DEPTH_MAX)).is_ok());
        assert!(read(&nested(limits::DOCUMENT_DEPTH_MAX + 1)).unwrap_err().contains("document-depth"));
    }
}

#[test]
fn document_with_too_many_values_is_refused() {
    let text = "a: [1, 2]\nb: 3\n";
    let mut diagnostics = Diagnostics::default();
    assert!(parse_within(7, text, FileId(0), &mut diagnostics).is_some());
    assert!(parse_within(6, text, FileId(0), &mut diagnostics).is_none());
    let told: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.rule.id).collect();
    assert_eq!(told, ["document-size"]);
}

#[test]
fn plain_text_is_borrowed() {
    let node = read("key: some text\n").unwrap();
    assert!(matches!(node.member("key").unwrap().value, Value::String(Cow::Borrowed("some text"))));
}

/// The document, or what is told of the text.
fn read(text: &str) -> Result<Node<'_>, String> {
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let file = sources.add(SourceFile::new("a.yaml", text.to_owned()));
    match parse(text, file, &mut diagnostics) {
        Some(node) => Ok(node),
        None => Err(diagnostics.findings(&sources).iter().map(ToString::to_string).collect()),
    }
}
