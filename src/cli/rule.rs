//! `check --explain`: the long form of a rule, and the list of all rules.

use super::{Exit, Outcome, Stop, paint};
use crate::review::rules;
use crate::text::{Block, Rule, Severity};

/// The long form of the rule `id`.
///
/// Errors: no rule has the id; the message names the nearest, or lists all.
pub fn explain(id: &str) -> Result<Outcome, Stop> {
    match rules::find(id) {
        Ok(rule) => Ok(Outcome { text: long_form(rule), exit: Exit::Success }),
        Err(Some(near)) => Err(Stop::usage(format!(
            "no rule is called `{id}`; did you mean `{near}`? `doorward check --explain` lists all"
        ))),
        Err(None) => Err(Stop::usage(format!("no rule is called `{id}`; these are all:\n{}", list().text.trim_end()))),
    }
}

/// Every rule: id, severity, and what it says.
pub fn list() -> Outcome {
    let width = rules::every().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in rules::every() {
        let severity = paint::severity(rule.severity, &paint::padded(name_of(rule.severity), "warning".len()));
        text += &format!("{}  {severity}  {}\n", paint::padded(rule.id, width), rule.why);
    }
    Outcome { text, exit: Exit::Success }
}

fn name_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn long_form(rule: &Rule) -> String {
    let tag = format!("{}[{}]", name_of(rule.severity), rule.id);
    let mut text = format!("{}: {}\n", paint::severity(rule.severity, &tag), rule.why);
    for section in rule.sections() {
        if !section.title.is_empty() {
            text += &format!("\n{}\n", paint::styled(paint::STRONG, section.title));
        }
        for block in section.blocks {
            text.push('\n');
            match block {
                Block::Text(paragraph) => text += &indented(paragraph, "  "),
                Block::File { name, text: "" } => text += &format!("  {name}: take the file out\n"),
                Block::File { name, text: content } => {
                    text += &format!("  {}\n", paint::styled(paint::FAINT, name));
                    text += &indented(content, "    ");
                }
            }
        }
    }
    text
}

fn indented(text: &str, indent: &str) -> String {
    text.lines().map(|line| format!("{indent}{line}").trim_end().to_owned() + "\n").collect()
}
