//! The tests that a bundle carries: cases in its `tests/` folder, each a token request and the answer it must get.
//!
//! ```yaml
//! defaults: { request: { network: { ipAddress: 203.0.113.9 } } }
//! cases:
//!   - name: payroll from the office
//!     note: The office is a trusted location.
//!     request: { identity: { type: servicePrincipal, id: 0f8fad5b-d9cb-469f-a165-70867728950e } }
//!     matrix: { risk.servicePrincipal: [none, low] }
//!     expect: { decision: allow, reason: no_policy_applies, policies: [] }
//! ```
//!
//! `defaults.request` is laid under every request of the file, object by object. A `matrix` multiplies its case: each
//! combination of values, put at these paths of the request, is a case of its own with the same expectation. `time`, of
//! the file or of a case, fixes the clock. [`fixture`] says what `fixtures` are. The decision is always compared,
//! `block` if the case does not say; the rest of `expect` (`reason`, `policies`, `reportOnly`, `unmetControls`,
//! `sessionControls`, `obligations`, `message`, and for single conditions `conditions`) only if it is there, lists as sets. A case with
//! a `skip`, the reason in words, is read but not asked. `tags` are for choosing.
//!
//! The command line and the acceptance of a new bundle both call [`run`], so an author's green run is the door's green
//! run. This module must not know terminals or report formats.

mod difference;
mod expectation;
mod fixture;
mod names;
mod read;
#[cfg(test)]
mod tests;

use super::request;
use crate::compile::CompiledBundle;
use crate::evaluate::{Evaluation, PolicyTrace, evaluate, trace};
use crate::limits;
use crate::model::TokenRequest;
use crate::model::decision::InputError;
use crate::text::{self, Diagnostics, Finding, Node, RawBundle, Severity, Sources};
use fixture::Fixtures;
use read::{Case, Document};

pub use difference::Difference;

/// Which cases are asked; the default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Those whose file or name contains this text.
    pub text: Option<String>,
    /// Those with one of these tags; empty: any.
    pub tags: Vec<String>,
}

/// How the tests of a bundle came out.
#[derive(Debug, Default)]
pub struct Report {
    /// The results, by file name, then as written, combinations of a matrix with the last value changing fastest.
    pub results: Vec<CaseResult>,
    /// The problems of the test files themselves. A case with an error has no result.
    pub findings: Vec<Finding>,
}

/// How one case came out.
#[derive(Debug)]
pub struct CaseResult {
    /// The test file, below the bundle's root.
    pub file: Box<str>,
    /// The line of the case's name, from 1.
    pub line: u32,
    /// The case's name, and for a matrix the values in brackets.
    pub name: String,
    /// The case's `note`.
    pub note: Option<Box<str>>,
    /// The case's `tags`.
    pub tags: Vec<Box<str>>,
    /// How it came out.
    pub outcome: CaseOutcome,
}

/// The possible results of a case.
#[derive(Debug)]
pub enum CaseOutcome {
    /// The answer is as expected.
    Pass,
    /// The answer differs.
    Fail {
        /// What differs, at least one.
        differences: Vec<Difference>,
        /// How the policies came out that the differences are about, in bundle order; empty past
        /// `limits::CASES_EXPLAINED_MAX` failures.
        trace: Vec<PolicyTrace>,
    },
    /// It was not asked.
    Skipped {
        /// Why, in the author's words.
        reason: Box<str>,
    },
    /// The request cannot be decided: its facts contradict each other or the bundle.
    Broken {
        /// What is wrong.
        error: InputError,
    },
}

impl Report {
    /// Whether the bundle may be used as far as its tests are concerned: no failure, nothing broken, no error.
    pub fn is_green(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
            && self.results.iter().all(|result| result.is_green())
    }
}

impl CaseResult {
    /// Whether the case passed or was skipped.
    pub const fn is_green(&self) -> bool {
        matches!(self.outcome, CaseOutcome::Pass | CaseOutcome::Skipped { .. })
    }
}

impl Selection {
    fn has(&self, file: &str, name: &str, tags: &[&str]) -> bool {
        let is_named = |text: &String| file.contains(text.as_str()) || name.contains(text.as_str());
        let is_tagged = self.tags.is_empty() || self.tags.iter().any(|tag| tags.contains(&tag.as_str()));
        is_tagged && self.text.as_ref().is_none_or(is_named)
    }
}

/// Reads the test files of `raw` without asking anything, for a bundle that does not compile.
pub fn check(raw: &RawBundle) -> Vec<Finding> {
    let mut diagnostics = Diagnostics::default();
    let sources = decode(raw, &mut diagnostics);
    let documents = parse(&sources, &mut diagnostics);
    let fixtures = Fixtures::read(documents.iter().map(|document| &document.node), &mut diagnostics);
    read::cases(&documents, &fixtures, &mut diagnostics);
    diagnostics.findings(&sources)
}

/// As [`check`], and whether what the cases name is in `bundle`, which was compiled from `raw`.
pub fn check_against(bundle: &CompiledBundle, raw: &RawBundle) -> Vec<Finding> {
    each(bundle, raw, &Selection::default(), |_| {})
}

/// Asks `bundle`, which was compiled from `raw`, all cases of its `tests/` folder.
///
/// Errors: none; problems of the files are findings of the report.
/// Cost: at most `limits::CASES_MAX` decisions, and `limits::CASES_BYTES_MAX` of requests, one at a time.
pub fn run(bundle: &CompiledBundle, raw: &RawBundle) -> Report {
    run_selected(bundle, raw, &Selection::default())
}

/// As [`run`], but only the cases of `selection`; all are read.
pub fn run_selected(bundle: &CompiledBundle, raw: &RawBundle, selection: &Selection) -> Report {
    let mut runner = Runner { bundle, evaluation: Evaluation::default(), explained: 0 };
    let mut results = Vec::new();
    let findings = each(bundle, raw, selection, |asked| {
        results.push(CaseResult {
            file: asked.file.into(),
            line: asked.line,
            note: asked.case.note.map(Into::into),
            tags: asked.case.tags.iter().map(|tag| (*tag).into()).collect(),
            outcome: match asked.case.skip {
                Some(reason) => CaseOutcome::Skipped { reason: reason.into() },
                None => runner.ask(&asked).unwrap_or_else(|error| CaseOutcome::Broken { error }),
            },
            name: asked.name,
        });
    });
    Report { results, findings }
}

/// One request of a case.
pub(super) struct Asked<'a> {
    case: &'a Case<'a>,
    /// The test file.
    pub(super) file: &'a str,
    line: u32,
    /// The case's name, with the values of the matrix.
    pub(super) name: String,
    /// The request, or why it cannot be one.
    pub(super) request: Result<&'a TokenRequest<'a>, InputError>,
    /// The document of the request.
    pub(super) node: Option<&'a Node<'a>>,
}

impl Asked<'_> {
    /// Whether the case is asked at all.
    pub(super) const fn is_skipped(&self) -> bool {
        self.case.skip.is_some()
    }

    /// The line of the case's name, from 1.
    pub(super) const fn line(&self) -> u32 {
        self.line
    }

    /// Whether the answer of `bundle` is as expected.
    pub(super) fn passes(&self, bundle: &CompiledBundle, evaluation: &Evaluation, traces: &[PolicyTrace]) -> bool {
        difference::differences(bundle, &self.case.expected, evaluation, traces).is_empty()
    }

    /// Whether the expectation is about single conditions too, for which a trace is needed.
    pub(super) fn needs_trace(&self) -> bool {
        !self.case.expected.conditions.is_empty()
    }
}

/// Hands every request of the selected cases of `raw` to `look`, skipped ones too, in order. The result is what is wrong
/// with the files.
pub(super) fn each(
    bundle: &CompiledBundle,
    raw: &RawBundle,
    selection: &Selection,
    mut look: impl FnMut(Asked<'_>),
) -> Vec<Finding> {
    let mut diagnostics = Diagnostics::default();
    let sources = decode(raw, &mut diagnostics);
    let documents = parse(&sources, &mut diagnostics);
    let fixtures = Fixtures::read(documents.iter().map(|document| &document.node), &mut diagnostics);
    let cases = read::cases(&documents, &fixtures, &mut diagnostics);
    let mut identities = names::Identities::default();
    for case in &cases {
        names::check_policies(bundle, case, &mut diagnostics);
        let span = case.name.span;
        let file = sources.file(span.file).map_or("", |file| file.name());
        let line = sources.position(span.file, span.start).map_or(0, |position| position.line);
        let request = case.parts.request();
        for cell in 0..case.matrix.cells() {
            let name = format!("{}{}", case.name.value, case.matrix.label(cell));
            if !selection.has(file, &name, &case.tags) {
                continue;
            }
            // WHY: every value of a matrix has been read once, but not every combination of them.
            let mut problems = Diagnostics::default();
            let node = case.lay(cell, &request).map_err(|diagnostic| unreadable(&diagnostic.what));
            let document = node.as_ref().map_err(Clone::clone).and_then(|node| {
                let what = |problems: &Diagnostics| problems.iter().next().map_or(String::new(), |it| it.what.clone());
                request::read(node, &mut problems).ok_or_else(|| unreadable(&what(&problems)))
            });
            let request = document.as_ref().map(|document| &document.request).map_err(Clone::clone);
            if let (Ok(request), Ok(node)) = (&request, &node) {
                identities.check(bundle, request, node, &mut diagnostics);
            }
            look(Asked { case, file, line, name, request, node: node.as_ref().ok() });
        }
    }
    diagnostics.findings(&sources)
}

/// The documents below `tests/`, decoded.
fn decode(raw: &RawBundle, diagnostics: &mut Diagnostics) -> Sources {
    let mut sources = Sources::default();
    for file in &raw.files {
        if file.name.starts_with("tests/") && text::Format::of(&file.name).is_some() {
            text::decode::read(file, &mut sources, diagnostics);
        }
    }
    sources
}

fn parse<'s>(sources: &'s Sources, diagnostics: &mut Diagnostics) -> Vec<Document<'s>> {
    let node = |file, diagnostics: &mut Diagnostics| text::parse(sources, file, diagnostics);
    sources.iter().filter_map(|(file, _)| Some(Document { node: node(file, diagnostics)? })).collect()
}

struct Runner<'b> {
    bundle: &'b CompiledBundle,
    evaluation: Evaluation,
    /// Failures explained so far.
    explained: usize,
}

impl Runner<'_> {
    fn ask(&mut self, asked: &Asked<'_>) -> Result<CaseOutcome, InputError> {
        let request = asked.request.clone()?;
        evaluate(self.bundle, request, &mut self.evaluation)?;
        let mut traces = if asked.needs_trace() { trace(self.bundle, request)? } else { Vec::new() };
        let expected = &asked.case.expected;
        let differences = difference::differences(self.bundle, expected, &self.evaluation, &traces);
        if differences.is_empty() {
            return Ok(CaseOutcome::Pass);
        }
        if self.explained == limits::CASES_EXPLAINED_MAX {
            return Ok(CaseOutcome::Fail { differences, trace: Vec::new() });
        }
        self.explained += 1;
        if traces.is_empty() {
            traces = trace(self.bundle, request)?;
        }
        let trace = difference::telling(self.bundle, expected, &self.evaluation, traces);
        Ok(CaseOutcome::Fail { differences, trace })
    }
}

fn unreadable(what: &str) -> InputError {
    InputError::invalid("request", format!("cannot be read: {what}"))
}
