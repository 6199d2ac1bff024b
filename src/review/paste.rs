//! A test case as YAML to paste: a request, and what a bundle answers to it today.
//!
//! The author decides whether that answer is the one that is meant.

use std::fmt::Write;

use crate::compile::{CompiledBundle, PolicyIndex};
use crate::evaluate::Evaluation;
use crate::model::Reason;
use crate::text::{Node, Value};

/// One case of a `cases` list, with its indentation and final line break. `conditions` are expected of single conditions:
/// policy, condition, and how it comes out.
pub fn case(
    name: &str,
    request: &Node<'_>,
    bundle: &CompiledBundle,
    answer: &Evaluation,
    conditions: &[(PolicyIndex, &str, &str)],
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
    if !conditions.is_empty() {
        yaml += "      conditions:\n";
        for (policy, condition, holds) in conditions {
            line(&mut yaml, 8, &scalar(policy_name(bundle, *policy)), &format!("{{ {condition}: {holds} }}"));
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
    serde_json::to_string(text).unwrap_or_default()
}
