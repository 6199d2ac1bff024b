//! A test case as YAML to paste: a request, and what a bundle answers to it today.
//!
//! The author decides whether that answer is the one that is meant.

use std::fmt::Write;

use crate::compile::{CompiledBundle, PolicyIndex};
use crate::evaluate::Evaluation;
use crate::model::set::Word;
use crate::model::{Condition, Reason};
use crate::text::{Node, Value};

/// One case of a `cases` list, with its indentation and final line break. `conditions` are expected of single conditions:
/// policy, condition, and how it comes out.
pub fn case(
    name: &str,
    request: &Node<'_>,
    bundle: &CompiledBundle,
    answer: &Evaluation,
    conditions: &[(PolicyIndex, Condition, &str)],
) -> String {
    let mut yaml = format!("  - name: {}\n    request:\n", scalar(name));
    for entry in request.as_map().unwrap_or_default() {
        line(&mut yaml, 6, &entry.key, &flow(&entry.node));
    }
    yaml += "    expect:\n";
    let names = |policies: &[PolicyIndex]| {
        let names: Vec<_> = policies.iter().map(|index| scalar(policy_name(bundle, *index))).collect();
        format!("[{}]", names.join(", "))
    };
    let mut expect = |key: &str, value: &str| line(&mut yaml, 6, key, value);
    expect("decision", answer.decision().as_str());
    expect("reason", answer.reason().as_str());
    expect("policies", &names(answer.policies()));
    expect("reportOnly", &names(answer.report_only()));
    let list = |texts: Vec<String>| {
        let texts: Vec<_> = texts.iter().map(|text| scalar(text)).collect();
        format!("[{}]", texts.join(", "))
    };
    if answer.reason() == Reason::ControlsUnmet {
        expect("unmetControls", &list(answer.unmet(bundle).map(|control| control.name()).collect()));
    }
    if let Some(session) = answer.session(bundle) {
        expect("sessionControls", &list(session.words()));
    }
    let owed = answer.obligations(bundle);
    if !owed.is_empty() {
        expect("obligations", &list(owed.iter().map(|obligation| obligation.id.to_string()).collect()));
    }
    if !conditions.is_empty() {
        yaml += "      conditions:\n";
        for (policy, condition, holds) in conditions {
            line(
                &mut yaml,
                8,
                &scalar(policy_name(bundle, *policy)),
                &format!("{{ {}: {holds} }}", condition.as_str()),
            );
        }
    }
    yaml
}

/// The name of a policy, or its id where another one has the same name.
pub fn policy_name(bundle: &CompiledBundle, policy: PolicyIndex) -> &str {
    let head = bundle.policy(policy);
    let namesakes = bundle.policies().iter().filter(|other| other.display_name == head.display_name);
    if namesakes.count() > 1 { &head.id } else { &head.display_name }
}

fn line(yaml: &mut String, indent: usize, key: &str, value: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(yaml, "{:indent$}{key}: {value}", "");
}

/// A value in a line.
fn flow(node: &Node<'_>) -> String {
    match &node.value {
        Value::Null | Value::Packed(_) => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => scalar(text),
        Value::List(nodes) => format!("[{}]", nodes.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Map(entries) => {
            let members = entries.iter().map(|entry| format!("{}: {}", scalar(&entry.key), flow(&entry.node)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Text that YAML reads as that text: plain where that is safe beyond doubt, else quoted as in JSON, which YAML reads too.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let is_number = text.parse::<f64>().is_ok() || text.starts_with("0x") || text.starts_with("0o");
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text.chars().all(|it| it.is_ascii_alphanumeric() || " ._-/".contains(it));
    if is_plain && !is_word && !is_number {
        return text.to_owned();
    }
    // A text can always be written.
    let quoted = serde_json::to_string(text).unwrap_or_default();
    // WHY: YAML does not admit some characters that JSON does, or takes them for ends of lines; all have four digits.
    let is_foreign = |it: char| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let written = |it: char| if is_foreign(it) { format!("\\u{:04x}", u32::from(it)) } else { it.to_string() };
    quoted.chars().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Diagnostics, FileId, RawFile, Sources, decode, parse};

    #[test]
    fn any_text_is_read_back_as_the_same_text() {
        let texts = [
            "Freeze",
            "a: b",
            "- a",
            "#1",
            "yes",
            "NULL",
            "1e3",
            "0x1F",
            "12",
            "it's",
            "say \"no\"",
            "tab\there",
            " edge ",
            "",
            "[a]",
            "{a}",
            "2001:db8::1",
            "192.0.2.7",
            "a\nb",
            "é ü 漢",
            "5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02",
            "a\\b",
            "*x",
            "~",
            "2026-05-01T00:00:00Z",
            "\u{7f}\u{85}\u{2028}",
            "Infinity",
            ".5",
            "a #b",
            "1_000",
        ];
        for text in texts {
            let yaml = format!("- {}\n- {{ {}: 1 }}\n", scalar(text), scalar(text));
            let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
            let raw = RawFile { name: "a.yaml".into(), bytes: yaml.clone().into_bytes() };
            let file: FileId = decode::read(&raw, &mut sources, &mut diagnostics).unwrap();
            let node = parse(&sources, file, &mut diagnostics).unwrap_or_else(|| panic!("{yaml}"));
            let nodes = node.as_list().unwrap();
            assert_eq!(nodes[0].as_str(), Some(text), "{yaml}");
            assert_eq!(nodes[1].as_map().unwrap()[0].key, text, "{yaml}");
        }
    }
}
