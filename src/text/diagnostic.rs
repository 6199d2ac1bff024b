//! Diagnostics as data: what is wrong, where, why, and how to mend it.
//!
//! A [`Diagnostic`] holds a span; a [`Finding`] is the same with the span resolved to file, line, column and an
//! excerpt, so that it outlives the sources. Terminal, JSON, status page and log all show findings.

use std::fmt;

use serde::Serialize;

use super::mend::{Fix, Mend};
use super::plain::is_unprintable;
use super::rule::Rule;
use super::source::{Sources, Span};
use crate::limits;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The bundle is refused.
    Error,
    /// The bundle is accepted, and something in it will surprise.
    Warning,
}

/// One problem at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind.
    pub rule: &'static Rule,
    /// How bad it is here: the rule's severity, or a warning where the object takes no part in decisions.
    pub severity: Severity,
    /// The text that is wrong.
    pub span: Span,
    /// What is wrong: a lowercase fragment, the author's words in backticks.
    pub what: String,
    /// What to do, if there is something to do.
    pub help: Option<String>,
    /// A second place that matters, and why it does.
    pub related: Option<(Span, String)>,
    /// What to write instead, where nothing else can have been meant.
    pub mend: Option<Box<Mend>>,
    /// Whether it stands in something that takes part in decisions, so that a level may make an error of it.
    pub(crate) takes_part: bool,
}

/// What a bundle makes of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It is not told.
    Allow,
    /// It is told.
    Warn,
    /// It refuses the bundle, unless it stands in a policy that takes no part.
    Error,
}

impl Diagnostic {
    /// A problem of kind `rule` at `span`.
    pub fn new(rule: &'static Rule, span: Span, what: impl Into<String>) -> Self {
        let (severity, what) = (rule.severity, what.into());
        Self { rule, severity, span, what, help: None, related: None, mend: None, takes_part: true }
    }

    /// Makes it a warning: it stands in an object that takes no part in decisions.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self.takes_part = false;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to write instead, if there is one thing only that can have been meant: [`super::mend`] says when.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<Option<Mend>>) -> Self {
        self.mend = mend.into().map(Box::new);
        self
    }

    /// Adds a second place, with what is there.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }
}

/// The problems of one bundle, at most [`limits::DIAGNOSTICS_MAX`] of them kept.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    /// What the bundle makes of warnings, by the id of the rule; none twice.
    levels: Vec<(&'static str, Level)>,
}

impl Diagnostics {
    /// Makes something else of the warnings of `rule`, kept ones too. A rule whose severity is an error is none, and
    /// stays.
    pub fn set_level(&mut self, rule: &'static Rule, level: Level) {
        if rule.severity != Severity::Warning {
            return;
        }
        self.levels.retain(|(id, _)| *id != rule.id);
        self.levels.push((rule.id, level));
        for kept in std::mem::take(&mut self.items) {
            *match kept.severity {
                Severity::Error => &mut self.errors,
                Severity::Warning => &mut self.warnings,
            } -= 1;
            self.push(kept);
        }
    }

    /// Adds one. Past the limit it is counted, not kept; an error then takes the place of a warning.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.push_first(diagnostic, 1);
    }

    /// As [`Diagnostics::push`], the first of `times` alike, of which the others are counted only.
    pub fn push_first(&mut self, mut diagnostic: Diagnostic, times: usize) {
        match self.levels.iter().find(|(id, _)| *id == diagnostic.rule.id) {
            Some((_, Level::Allow)) => return,
            Some((_, Level::Error)) if diagnostic.takes_part => diagnostic.severity = Severity::Error,
            _ => {}
        }
        let is_error = diagnostic.severity == Severity::Error;
        if is_error {
            self.errors += times;
        } else {
            self.warnings += times;
        }
        self.keep(diagnostic);
    }

    fn keep(&mut self, diagnostic: Diagnostic) {
        let is_error = diagnostic.severity == Severity::Error;
        if self.items.len() < limits::DIAGNOSTICS_MAX {
            self.items.push(diagnostic);
        } else if is_error && let Some(place) = self.items.iter_mut().rfind(|kept| kept.severity == Severity::Warning) {
            *place = diagnostic;
        }
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in others {
            self.push(diagnostic);
        }
    }

    /// An empty collection that makes of warnings what this one makes of them, for [`Diagnostics::append`].
    #[must_use]
    pub fn part(&self) -> Self {
        Self { levels: self.levels.clone(), ..Self::default() }
    }

    /// Adds what a [`Diagnostics::part`] of this collection has found, kept or not.
    pub fn append(&mut self, part: Self) {
        self.errors += part.errors;
        self.warnings += part.warnings;
        part.items.into_iter().for_each(|diagnostic| self.keep(diagnostic));
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.errors + self.warnings == 0
    }

    /// How many errors there are, kept or not.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings there are, kept or not.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// The kept ones, in the order of adding.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// Resolves the kept ones against `sources`: sorted by file, line and column, without duplicates.
    pub fn findings(&self, sources: &Sources) -> Vec<Finding> {
        let mut findings: Vec<_> = self.items.iter().map(|item| Finding::resolve(item, sources)).collect();
        findings.sort_by(|a, b| {
            (&a.file, a.line, a.column, a.id, &a.what).cmp(&(&b.file, b.line, b.column, b.id, &b.what))
        });
        findings.dedup();
        findings
    }
}

/// A diagnostic whose place is resolved; it needs no sources any more. Its JSON form is this struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable id of the rule.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// File below the bundle's root; empty when the bundle as a whole is meant.
    pub file: String,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 when the file as a whole is meant.
    pub column: u32,
    /// What is wrong.
    pub what: String,
    /// The rule that was broken.
    pub why: &'static str,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The source line, cut to [`limits::EXCERPT_CHARS_MAX`], and which characters of it are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// A second place that matters: `file:line:col: label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<String>,
    /// What `check --fix` would write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// A source line and the characters of it that are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The line, tabs as spaces, possibly cut at both ends.
    pub text: String,
    /// First character meant, from 0, in `text`.
    pub start: usize,
    /// How many characters are meant, at least 1.
    pub length: usize,
}

impl Finding {
    fn resolve(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let span = diagnostic.span;
        let position = sources.position(span.file, span.start);
        Self {
            id: diagnostic.rule.id,
            severity: diagnostic.severity,
            file: sources.file(span.file).map(|file| file.name().to_owned()).unwrap_or_default(),
            line: position.map_or(0, |position| position.line),
            column: position.map_or(0, |position| position.column),
            what: printable(&diagnostic.what),
            why: diagnostic.rule.why,
            help: diagnostic.help.as_deref().map(printable),
            excerpt: Excerpt::of(span, sources),
            related: diagnostic.related.as_ref().map(|(span, label)| place(*span, sources) + ": " + &printable(label)),
            fix: diagnostic.mend.as_ref().and_then(|mend| mend.fix(span, sources)),
        }
    }
}

impl Excerpt {
    /// WHY: a minified export is one line of megabytes, so only a window around the span is looked at.
    fn of(span: Span, sources: &Sources) -> Option<Self> {
        let text = sources.file(span.file)?.text();
        let (before, after) = text.split_at_checked(span.start as usize)?;
        let in_line = |character: &char| *character != '\n';
        let lead: Vec<char> = before.chars().rev().take(limits::EXCERPT_CHARS_MAX / 2).take_while(in_line).collect();
        let tail: Vec<char> = after.chars().take(limits::EXCERPT_CHARS_MAX - lead.len()).take_while(in_line).collect();
        let bytes_meant = span.end.saturating_sub(span.start) as usize;
        let chars_meant = after.char_indices().take(tail.len()).take_while(|(index, _)| *index < bytes_meant).count();
        let shown: String = lead
            .iter()
            .rev()
            .chain(&tail)
            .map(|character| if is_unprintable(*character) { ' ' } else { *character })
            .collect();
        Some(Self { text: shown.trim_end().to_owned(), start: lead.len(), length: chars_meant.max(1) })
    }
}

/// `message` on one line, safe to print, and cut to [`limits::MESSAGE_CHARS_MAX`].
///
/// WHY: messages quote what a file says, and a file may say terminal commands or a megabyte.
fn printable(message: &str) -> String {
    let mut printed = String::with_capacity(message.len().min(limits::MESSAGE_CHARS_MAX));
    for (index, character) in message.chars().enumerate() {
        if index == limits::MESSAGE_CHARS_MAX {
            printed.push('…');
            break;
        }
        if is_unprintable(character) {
            printed.extend(character.escape_default());
        } else {
            printed.push(character);
        }
    }
    printed
}

fn place(span: Span, sources: &Sources) -> String {
    let name = sources.file(span.file).map_or("", |file| file.name());
    match sources.position(span.file, span.start) {
        Some(position) => format!("{name}:{}:{}", position.line, position.column),
        None => name.to_owned(),
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// The finding as a person reads it: place, what, the source line with the span underlined, why, help.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
            if self.line > 0 {
                write!(f, "{}:{}:", self.line, self.column)?;
            }
            f.write_str(" ")?;
        }
        writeln!(f, "{}[{}]: {}", self.severity, self.id, self.what)?;
        if let Some(excerpt) = self.excerpt.as_ref().filter(|excerpt| !excerpt.text.trim().is_empty()) {
            let gutter = self.line.to_string();
            writeln!(f, " {gutter} | {}", excerpt.text)?;
            let pad = " ".repeat(gutter.len());
            writeln!(f, " {pad} | {}{}", " ".repeat(excerpt.start), "^".repeat(excerpt.length))?;
        }
        writeln!(f, "  why: {}", self.why)?;
        if let Some(help) = &self.help {
            writeln!(f, "  help: {help}")?;
        }
        if let Some(related) = &self.related {
            writeln!(f, "  see: {related}")?;
        }
        Ok(())
    }
}
