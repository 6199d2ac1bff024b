//! Styles of terminal output, and findings in them. Printers take styles out where no terminal reads them.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};

use crate::model::Decision;
use crate::text::plain::{escaped, is_unprintable};
use crate::text::{Finding, Severity, plain};

/// What is said first and must be found again.
pub const STRONG: Style = Style::new().bold();
/// What is only there for the curious.
pub const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
const HELPFUL: Style = AnsiColor::Cyan.on_default();

/// `text`, without a style or break of its own, in `style`.
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", plain(text))
}

/// What the styles above are to a terminal; and a line break, as some files have it.
const SEQUENCES: [&str; 8] =
    ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[36m", "\r\n"];

/// A whole result with nothing in it that a terminal obeys but styles and breaks of lines, which [`plain`] has taken out of
/// names. What is taken out is spelled as in JSON, which `text` may be.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_obeyed = |character: char| is_unprintable(character) && !matches!(character, '\n' | '\t');
    let mut rest = text;
    let mut told = String::new();
    while let Some(at) = rest.find(is_obeyed) {
        let (before, from) = rest.split_at(at);
        told.push_str(before);
        let style = SEQUENCES.iter().find(|sequence| from.starts_with(**sequence));
        let length = match (style, from.chars().next()) {
            (Some(style), _) => {
                told.push_str(style);
                style.len()
            }
            (None, Some(character)) => {
                told += &escaped(character);
                character.len_utf8()
            }
            (None, None) => break,
        };
        rest = from.get(length..).unwrap_or_default();
    }
    if told.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(told + rest) }
}

/// What begins a complaint.
pub fn error_label() -> String {
    styled(BAD, "error:")
}

/// `text` in the colour of what is well or unwell.
pub fn verdict(is_good: bool, text: &str) -> String {
    styled(if is_good { GOOD } else { BAD }, text)
}

/// `text` in the colour of what is neither.
pub fn doubt(text: &str) -> String {
    styled(DOUBTFUL, text)
}

/// `text` in the colour of a decision.
pub fn decision(decision: Decision, text: &str) -> String {
    verdict(decision == Decision::Allow, text)
}

/// `text` in the colour of a severity.
pub fn severity(severity: Severity, text: &str) -> String {
    styled(severity_style(severity), text)
}

const fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Error => BAD,
        Severity::Warning => DOUBTFUL,
    }
}

/// A finding as its `Display` writes it, in colour.
pub fn finding(finding: &Finding) -> String {
    let tag = format!("{}[{}]", finding.severity, finding.id);
    let style = severity_style(finding.severity);
    let is_underline = |line: &str| line.starts_with(' ') && line.contains(" | ") && line.trim_end().ends_with('^');
    let mut is_tagged = false;
    let mut painted = String::new();
    for line in finding.to_string().lines() {
        if !is_tagged && line.contains(&tag) {
            is_tagged = true;
            painted += &line.replacen(&tag, &styled(style, &tag), 1);
        } else if let Some(help) = line.strip_prefix("  help:") {
            painted += &format!("  {}{help}", styled(HELPFUL, "help:"));
        } else if let Some(start) = line.find('^').filter(|_| is_underline(line)) {
            let (gutter, carets) = line.split_at(start);
            painted += &format!("{gutter}{}", styled(style, carets));
        } else {
            painted += line;
        }
        painted.push('\n');
    }
    painted
}

/// Findings, one after the other, with an empty line between.
pub fn findings<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> String {
    findings.into_iter().map(finding).collect::<Vec<_>>().join("\n")
}

/// `count` and `noun`, with an `s` for any count but one.
pub fn counted(count: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    };
    format!("{count} {}", if count == 1 { noun } else { &plural })
}

/// `text`, without a style or break of its own, with spaces up to `width` characters.
pub fn padded(text: &str, width: usize) -> String {
    let text = plain(text);
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}
