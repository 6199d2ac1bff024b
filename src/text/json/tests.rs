//! Both readings of JSON against each other, and what `parse_fast` alone does.

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, IgnoredAny};

use super::fast::parse_fast_within;
use super::*;
use crate::text::source::{SourceFile, Sources};

proptest! {
    #[test]
    fn both_readings_agree(text in json()) {
        let (node, _) = read(&text);
        let node = node.unwrap();
        prop_assert_eq!(without_spans(&node), parse_fast(&text, &mut ()).unwrap());
    }

    #[test]
    fn span_of_every_value_reads_as_that_value(text in json()) {
        check_spans(&text, &read(&text).0.unwrap())?;
    }

    #[test]
    fn damaged_text_is_refused_by_both_readings_or_by_none(text in json(), cut in any::<prop::sample::Index>()) {
        let mut damaged: Vec<char> = text.chars().collect();
        damaged.remove(cut.index(damaged.len()));
        let damaged: String = damaged.into_iter().collect();
        let (node, diagnostics) = read(&damaged);
        prop_assert_eq!(node.as_ref().map(without_spans), parse_fast(&damaged, &mut ()));
        prop_assert_eq!(node.is_none(), diagnostics.errors() > 0);
        for diagnostic in diagnostics.iter() {
            prop_assert!(damaged.get(diagnostic.span.start as usize..diagnostic.span.end as usize).is_some());
        }
    }
}

#[test]
fn numbers_are_whole_if_they_fit_and_are_written_so() {
    let values = |text| match read(text).0.unwrap().value {
        Value::List(nodes) => nodes.into_iter().map(|node| node.value).collect::<Vec<_>>(),
        value => panic!("{value:?}"),
    };
    assert_eq!(
        values("[0, -9223372036854775808, 9223372036854775807, 9223372036854775808, 1.0, 1e2]"),
        [
            Value::Integer(0),
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Float(9_223_372_036_854_775_808.0),
            Value::Float(1.0),
            Value::Float(100.0),
        ]
    );
}

#[test]
fn text_is_borrowed_unless_it_has_escapes() {
    let text = r#"{"plain": "a", "esc\u0061ped": "\n"}"#;
    for node in [read(text).0.unwrap(), parse_fast(text, &mut ()).unwrap()] {
        let [plain, escaped] = node.as_map().unwrap() else { panic!("two members") };
        assert!(matches!((&plain.key, &plain.node.value), (Cow::Borrowed(_), Value::String(Cow::Borrowed("a")))));
        assert_eq!((&*escaped.key, escaped.node.as_str()), ("escaped", Some("\n")));
    }
}

#[test]
fn deepest_allowed_nesting_is_read_and_one_more_is_not() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth| open.repeat(depth) + "0" + &close.repeat(depth);
        let (allowed, refused) = (nested(limits::DOCUMENT_DEPTH_MAX), nested(limits::DOCUMENT_DEPTH_MAX + 1));
        assert!(read(&allowed).0.is_some() && parse_fast(&allowed, &mut ()).is_some());
        assert!(read(&refused).0.is_none() && parse_fast(&refused, &mut ()).is_none());
        assert_eq!(rules_of(&refused), ["document-depth"]);
    }
}

#[test]
fn brackets_inside_text_are_no_nesting() {
    let text = format!("[{:?}, \"\\\"{}\"]", "[".repeat(200), "{".repeat(200));
    assert_eq!(read(&text).0.unwrap().as_list().unwrap().len(), 2);
}

#[test]
fn document_with_too_many_values_is_refused_at_the_first_too_many() {
    let text = r#"{"a": [1, 2], "b": 3}"#;
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    let file = sources.add(SourceFile::new("a.json", text.to_owned()));
    let needed = 7;
    assert!(parse_within(needed, text, file, &mut diagnostics).is_some());
    assert!(parse_fast_within(needed, text, &mut ()).is_some());
    assert!(parse_within(needed - 1, text, file, &mut diagnostics).is_none());
    assert!(parse_fast_within(needed - 1, text, &mut ()).is_none());
    insta::assert_snapshot!(diagnostics.findings(&sources)[0], @r#"
    a.json:1:20: error[document-size]: the document has more than 6 values
     1 | {"a": [1, 2], "b": 3}
       |                    ^
      why: a document holds at most 8,000,000 values
      help: split the file
    "#);
}

#[test]
fn repeated_keys_are_found_in_small_and_large_objects_wherever_they_stand() {
    for members in [2, 16, 17, 300] {
        let keys: Vec<String> = (0..members).map(|index| format!("\"k{index}\": {index}")).collect();
        let unique = format!("{{{}}}", keys.join(","));
        assert!(read(&unique).0.is_some() && parse_fast(&unique, &mut ()).is_some());
        for repeated in [0, members / 2, members - 1] {
            let text = format!("[{{{},\"\\u006b{repeated}\": 0}}]", keys.join(","));
            assert!(parse_fast(&text, &mut ()).is_none());
            assert_eq!(rules_of(&text), ["duplicate-key"]);
        }
    }
}

#[test]
fn packed_values_are_taken_out_wherever_the_key_stands() {
    #[derive(Default)]
    struct Lengths(Vec<usize>);
    impl<'a> Pack<'a> for Lengths {
        fn element(&mut self, node: Node<'a>) -> Option<Node<'a>> {
            Some(node)
        }

        fn wants(&self, key: &str) -> bool {
            key == "ipRanges"
        }
        fn take<D: Deserializer<'a>>(&mut self, deserializer: D) -> Result<usize, D::Error> {
            self.0.push(Vec::<IgnoredAny>::deserialize(deserializer)?.len());
            Ok(self.0.len() - 1)
        }
    }
    let text = r#"{"value": [{"ipRanges": [{"a": 1}, 2]}, {"b": {"ip\u0052anges": []}, "c": 3}]}"#;
    let mut lengths = Lengths::default();
    let node = parse_fast(text, &mut lengths).unwrap();
    let list = node.member("value").unwrap().as_list().unwrap();
    assert_eq!(list[0].member("ipRanges").unwrap().value, Value::Packed(0));
    assert_eq!(list[1].member("b").unwrap().member("ipRanges").unwrap().value, Value::Packed(1));
    assert_eq!(list[1].member("c").unwrap().value, Value::Integer(3));
    assert_eq!(lengths.0, [2, 0]);
    // What the taker refuses has no fast reading.
    assert_eq!(parse_fast(r#"{"ipRanges": 1}"#, &mut lengths), None);
}

fn read(text: &str) -> (Option<Node<'_>>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let node = parse(text, FileId(0), &mut diagnostics);
    (node, diagnostics)
}

fn rules_of(text: &str) -> Vec<&'static str> {
    read(text).1.iter().map(|diagnostic| diagnostic.rule.id).collect()
}

fn without_spans<'a>(node: &Node<'a>) -> Node<'a> {
    Node::unplaced(match &node.value {
        Value::List(nodes) => Value::List(nodes.iter().map(without_spans).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry { key_span: Span::NONE, node: without_spans(&entry.node), key: entry.key.clone() })
                .collect(),
        ),
        value => value.clone(),
    })
}

fn check_spans(text: &str, node: &Node<'_>) -> Result<(), TestCaseError> {
    let slice = |span: Span| &text[span.start as usize..span.end as usize];
    prop_assert_eq!(Some(without_spans(node)), parse_fast(slice(node.span), &mut ()));
    for child in node.as_list().unwrap_or_default() {
        check_spans(text, child)?;
    }
    for entry in node.as_map().unwrap_or_default() {
        let key = parse_fast(slice(entry.key_span), &mut ()).unwrap();
        prop_assert_eq!(key.as_str(), Some(&*entry.key));
        check_spans(text, &entry.node)?;
    }
    Ok(())
}

/// JSON texts with all kinds of values, escapes and white space; keys of an object are unique.
fn json() -> impl Strategy<Value = String> {
    let gap = || prop::sample::select(vec!["", "", " ", "\n", "\t", "\r\n  "]);
    let text = || prop_oneof!["[a-z]{0,6}", "\\PC{0,6}"].prop_map(|text| serde_json::to_string(&text).unwrap());
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        text(),
        Just(r#""\u00e9\ud83d\ude00\n\/""#.to_owned()),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let value = (gap(), inner, gap()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
        let member = (text(), value.clone(), gap());
        prop_oneof![
            prop::collection::vec(value, 0..6).prop_map(|values| format!("[{}]", values.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|members| {
                let members: Vec<String> = members
                    .into_iter()
                    .enumerate()
                    .map(|(index, (key, value, gap))| {
                        // The index keeps keys apart; the key's own opening quote gives way to it.
                        format!("{gap}\"{index} {}{gap}:{value}", &key[1..])
                    })
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}
