//! Properties: any text is answered without a panic, print and parse are inverse, and evaluation agrees with a second
//! evaluator that reads the documentation literally, on trees and facts of its own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::filter::*;
use crate::model::Truth;

/// A rule as the second evaluator knows it.
#[derive(Clone, Debug)]
enum Plain {
    Or(Box<Plain>, Box<Plain>),
    And(Box<Plain>, Box<Plain>),
    Not(Box<Plain>),
    Compare { attribute: &'static str, operator: &'static str, value: PlainValue },
}

#[derive(Clone, Debug)]
enum PlainValue {
    Null,
    Bool(bool),
    Text(String),
    List(Vec<String>),
}

#[derive(Clone, Debug)]
enum PlainFact {
    Unknown,
    Null,
    Bool(bool),
    Text(String),
    Texts(Vec<Cow<'static, str>>),
}

type PlainFacts = BTreeMap<&'static str, PlainFact>;

/// `None` is unknown.
fn plain_evaluate(rule: &Plain, facts: &PlainFacts) -> Option<bool> {
    match rule {
        Plain::Or(a, b) => match (plain_evaluate(a, facts), plain_evaluate(b, facts)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Plain::And(a, b) => match (plain_evaluate(a, facts), plain_evaluate(b, facts)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Plain::Not(a) => plain_evaluate(a, facts).map(|holds| !holds),
        Plain::Compare { attribute, operator, value } => {
            let holds = |operator: &str| match &facts[attribute] {
                PlainFact::Unknown => None,
                PlainFact::Null => Some(matches!(value, PlainValue::Null)),
                PlainFact::Bool(fact) => Some(matches!(value, PlainValue::Bool(value) if value == fact)),
                PlainFact::Text(fact) => Some(plain_compare(&fact.to_lowercase(), operator, value)),
                PlainFact::Texts(facts) if facts.is_empty() => Some(matches!(value, PlainValue::Null)),
                PlainFact::Texts(facts) => {
                    let operator = if operator == "contains" { "eq" } else { operator };
                    Some(facts.iter().any(|fact| plain_compare(&fact.to_lowercase(), operator, value)))
                }
            };
            match *operator {
                "ne" => holds("eq").map(|holds| !holds),
                "notStartsWith" => holds("startsWith").map(|holds| !holds),
                "notEndsWith" => holds("endsWith").map(|holds| !holds),
                "notContains" => holds("contains").map(|holds| !holds),
                "notIn" => holds("in").map(|holds| !holds),
                positive => holds(positive),
            }
        }
    }
}

fn plain_compare(fact: &str, operator: &str, value: &PlainValue) -> bool {
    match value {
        PlainValue::Null | PlainValue::Bool(_) => false,
        PlainValue::List(values) => values.iter().any(|value| value.to_lowercase() == fact),
        PlainValue::Text(value) => {
            let value = value.to_lowercase();
            match operator {
                "eq" => fact == value,
                "startsWith" => fact.starts_with(&value),
                "endsWith" => fact.ends_with(&value),
                "contains" => fact.contains(&value),
                other => panic!("{other}"),
            }
        }
    }
}

/// How a rule may be written: `style` bits choose case, hyphens, quotes and needless parentheses.
fn write(rule: &Plain, style: u32) -> String {
    let next = style.rotate_right(5) ^ 0x9e37_79b9;
    let word = |word: &str| {
        let word = if style & 1 == 0 { word.to_owned() } else { word.to_uppercase() };
        if style & 2 == 0 { format!("-{word}") } else { word }
    };
    let text = match rule {
        Plain::Or(a, b) => format!("({}){}({})", write(a, next), word("or"), write(b, next)),
        Plain::And(a, b) => {
            let side = |side: &Plain| match side {
                Plain::Or(..) => format!("({})", write(side, next)),
                _ => write(side, next),
            };
            format!("{} {} {}", side(a), word("and"), side(b))
        }
        Plain::Not(a) => format!("{} ({})", word("not"), write(a, next)),
        Plain::Compare { attribute, operator, value } => {
            let value = match value {
                PlainValue::Null => "null".to_owned(),
                PlainValue::Bool(value) if style & 4 == 0 => value.to_string(),
                PlainValue::Bool(value) => format!("\"{value}\""),
                PlainValue::Text(text) => quoted(text, style),
                PlainValue::List(texts) => {
                    let texts: Vec<_> = texts.iter().map(|text| quoted(text, style)).collect();
                    format!("[{}]", texts.join(" ,"))
                }
            };
            let attribute = if style & 8 == 0 { (*attribute).to_owned() } else { attribute.to_lowercase() };
            format!("{attribute}\n{} {value}", word(operator))
        }
    };
    if style & 16 == 0 { text } else { format!("( {text} )") }
}

fn quoted(text: &str, style: u32) -> String {
    if style & 4 == 0 && !text.contains('`') {
        format!("\"{}\"", text.replace('"', "`\""))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

impl Facts for PlainFacts {
    fn fact(&self, attribute: &Attribute) -> Fact<'_> {
        match &self[attribute.to_string().as_str()] {
            PlainFact::Unknown => Fact::Unknown,
            PlainFact::Null => Fact::Null,
            PlainFact::Bool(value) => Fact::Bool(*value),
            PlainFact::Text(text) => Fact::Text(text),
            PlainFact::Texts(texts) => Fact::Texts(texts),
        }
    }
}

const TEXT: &str = "device.model";
const ID: &str = "device.deviceId";
const CHOICE: &str = "device.trustType";
const BOOL: &str = "device.isCompliant";
const LIST: &str = "device.systemLabels";

// Few letters, so that texts meet; quotes, so that escapes are met.
fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[abAB\u{e4}\u{c4}'\"`]{0,4}").unwrap()
}

fn comparison() -> impl Strategy<Value = Plain> {
    let compare = |attribute, operator, value| Plain::Compare { attribute, operator, value };
    let equality = prop::sample::select(vec!["eq", "ne"]);
    let membership = prop::sample::select(vec!["in", "notIn"]);
    let part = prop::sample::select(vec![
        "eq",
        "ne",
        "startsWith",
        "notStartsWith",
        "endsWith",
        "notEndsWith",
        "contains",
        "notContains",
    ]);
    prop_oneof![
        (part, text()).prop_map(move |(operator, value)| compare(TEXT, operator, PlainValue::Text(value))),
        (membership, prop::collection::vec(text(), 1..4), prop::sample::select(vec![TEXT, ID]))
            .prop_map(move |(operator, values, attribute)| compare(attribute, operator, PlainValue::List(values))),
        (equality.clone(), prop::sample::select(vec![TEXT, ID, CHOICE, BOOL]))
            .prop_map(move |(operator, attribute)| compare(attribute, operator, PlainValue::Null)),
        (equality.clone(), any::<bool>()).prop_map(move |(operator, value)| compare(
            BOOL,
            operator,
            PlainValue::Bool(value)
        )),
        (equality, prop::sample::select(vec!["azuread", "ServerAD"])).prop_map(move |(operator, value)| compare(
            CHOICE,
            operator,
            PlainValue::Text(value.to_owned())
        )),
        (prop::sample::select(vec!["contains", "notContains"]), text()).prop_map(move |(operator, value)| compare(
            LIST,
            operator,
            PlainValue::Text(value)
        )),
    ]
}

fn rule() -> impl Strategy<Value = Plain> {
    comparison().prop_recursive(5, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Plain::Or(Box::new(a), Box::new(b))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Plain::And(Box::new(a), Box::new(b))),
            inner.prop_map(|a| Plain::Not(Box::new(a))),
        ]
    })
}

fn facts() -> impl Strategy<Value = PlainFacts> {
    let missing = || prop_oneof![Just(PlainFact::Unknown), Just(PlainFact::Null)];
    let list = prop::collection::vec(text().prop_map(Cow::Owned), 0..4).prop_map(PlainFact::Texts).boxed();
    let one = text().prop_map(PlainFact::Text).boxed();
    let trust = prop::sample::select(vec!["AzureAD", "serverad"]).prop_map(|text| PlainFact::Text(text.to_owned()));
    (
        prop_oneof![1 => missing(), 2 => one.clone(), 2 => list.clone()],
        prop_oneof![1 => missing(), 3 => one],
        prop_oneof![1 => missing(), 3 => trust],
        prop_oneof![1 => missing(), 2 => any::<bool>().prop_map(PlainFact::Bool)],
        prop_oneof![1 => missing(), 3 => list],
    )
        .prop_map(|(text, id, choice, bool, list)| {
            BTreeMap::from([(TEXT, text), (ID, id), (CHOICE, choice), (BOOL, bool), (LIST, list)])
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_agrees_with_a_literal_reading(rule in rule(), style: u32, facts in facts()) {
        let text = write(&rule, style);
        let parsed = parse(&text, Root::Device).map_err(|problems| TestCaseError::fail(format!("{text}: {problems:?}")))?;
        let expected = plain_evaluate(&rule, &facts).map_or(Truth::Unknown, Truth::from);
        prop_assert_eq!(parsed.evaluate(&facts), expected, "{}", text);
    }

    #[test]
    fn printing_and_parsing_are_inverse(rule in rule(), style: u32) {
        let parsed = parse(&write(&rule, style), Root::Device).unwrap();
        let printed = parsed.to_string();
        let again = parse(&printed, Root::Device).unwrap();
        prop_assert_eq!(again.to_string(), printed);
        prop_assert_eq!(again, parsed);
    }

    #[test]
    fn any_text_is_a_rule_or_has_problems_inside_it(text in any_text(), is_device: bool) {
        let root = if is_device { Root::Device } else { Root::CustomSecurityAttributes };
        match parse(&text, root) {
            Ok(rule) => prop_assert_eq!(parse(&rule.to_string(), root), Ok(rule)),
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(rules::ALL.contains(&problem.rule));
                    prop_assert!(text.get(problem.range).is_some());
                    prop_assert!(!problem.what.contains('\n'));
                }
            }
        }
    }
}

/// Words of the language in any order, and now and then any text at all.
fn any_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "device.model",
        "device.isCompliant",
        "device.",
        "CustomSecurityAttribute.A_B",
        "-eq",
        "-in",
        "-contains",
        "-and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        ",",
        "\"a\"",
        "'b'",
        "True",
        "null",
        "==",
        "&&",
        "!",
        "-",
        "\"",
        "'",
        "`",
        "\u{201c}",
        "\u{e9}",
        "3.5",
    ]);
    let words = prop::collection::vec((word, prop::sample::select(vec!["", " "])), 0..24)
        .prop_map(|words| words.into_iter().map(|(word, space)| format!("{word}{space}")).collect::<String>());
    prop_oneof![3 => words, 1 => any::<String>()]
}
