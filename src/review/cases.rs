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
//! combination of values, put at these paths of the request, is a case of its own with the same expectation. The
//! decision is always compared, `block` if the case does not say; the rest of `expect` (`reason`, `policies`,
//! `reportOnly`, `unmetControls`) only if it is there, lists as sets. A case with a `skip`, the reason in words, is
//! read but not asked.
//!
//! The command line and the acceptance of a new bundle both call [`run`], so an author's green run is the door's green
//! run. This module must not know terminals or report formats.

mod read;
#[cfg(test)]
mod tests;

use super::{request, rules};
use crate::compile::{CompiledBundle, PolicyHead, PolicyIndex};
use crate::evaluate::{Evaluation, PolicyTrace, evaluate, trace};
use crate::limits;
use crate::model::IdRef;
use crate::model::decision::InputError;
use crate::text::suggest::nearest;
use crate::text::{self, Diagnostic, Diagnostics, Finding, Node, RawBundle, Severity, Sources, Spanned};
use read::{Case, Document};

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
        /// How each policy came out, in bundle order; empty past `limits::CASES_EXPLAINED_MAX` failures.
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

/// One part of an answer that differs from what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The member of `expect`, for example `decision`.
    pub field: &'static str,
    /// What is expected; names in a list are separated by commas, `none` is an empty list.
    pub expected: String,
    /// What the answer says, in the same form.
    pub actual: String,
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

/// Reads the test files of `raw` without asking anything, for a bundle that does not compile.
pub fn check(raw: &RawBundle) -> Vec<Finding> {
    let mut diagnostics = Diagnostics::default();
    let sources = decode(raw, &mut diagnostics);
    let documents = parse(&sources, &mut diagnostics);
    read::cases(&documents, &mut diagnostics);
    diagnostics.findings(&sources)
}

/// Asks `bundle`, which was compiled from `raw`, all cases of its `tests/` folder.
///
/// Errors: none; problems of the files are findings of the report.
/// Cost: at most `limits::CASES_MAX` decisions, and `limits::CASES_BYTES_MAX` of requests, one at a time.
pub fn run(bundle: &CompiledBundle, raw: &RawBundle) -> Report {
    let mut diagnostics = Diagnostics::default();
    let sources = decode(raw, &mut diagnostics);
    let documents = parse(&sources, &mut diagnostics);
    let cases = read::cases(&documents, &mut diagnostics);
    let mut runner = Runner { bundle, sources: &sources, evaluation: Evaluation::default(), explained: 0 };
    let mut results = Vec::new();
    for case in &cases {
        runner.check_names(case, &mut diagnostics);
        let request = case.parts.request();
        results.extend((0..case.matrix.cells()).map(|cell| runner.result(case, &request, cell)));
    }
    Report { results, findings: diagnostics.findings(&sources) }
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
    sources: &'b Sources,
    evaluation: Evaluation,
    /// Failures explained so far.
    explained: usize,
}

impl Runner<'_> {
    /// Tells the policies that `case` names and the bundle does not have.
    fn check_names(&self, case: &Case<'_>, diagnostics: &mut Diagnostics) {
        let policies = self.bundle.policies();
        for name in [&case.expected.policies, &case.expected.report_only].into_iter().flatten().flatten() {
            if !policies.iter().any(|policy| is_called(policy, name.value)) {
                let what = format!("no policy is called `{}`", name.value);
                let names = policies.iter().flat_map(|policy| [&*policy.display_name, &*policy.id]);
                let diagnostic = Diagnostic::new(&rules::CASE_POLICY, name.span, what);
                diagnostics.push(match nearest(name.value, names) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic.help("name a policy of this bundle by its `displayName` or `id`"),
                });
            }
        }
    }

    fn result<'n>(&mut self, case: &Case<'n>, request: &Node<'n>, cell: usize) -> CaseResult {
        let span = case.name.span;
        CaseResult {
            file: self.sources.file(span.file).map_or("", |file| file.name()).into(),
            line: self.sources.position(span.file, span.start).map_or(0, |position| position.line),
            name: format!("{}{}", case.name.value, case.matrix.label(cell)),
            note: case.note.map(Into::into),
            outcome: match case.skip {
                Some(reason) => CaseOutcome::Skipped { reason: reason.into() },
                None => self.ask(case, request, cell).unwrap_or_else(|error| CaseOutcome::Broken { error }),
            },
        }
    }

    fn ask<'n>(&mut self, case: &Case<'n>, request: &Node<'n>, cell: usize) -> Result<CaseOutcome, InputError> {
        // WHY: every value of a matrix has been read once, but not every combination of them.
        let mut problems = Diagnostics::default();
        let node = case.matrix.lay(cell, request).map_err(|diagnostic| unreadable(&diagnostic.what))?;
        let Some(document) = request::read(&node, &mut problems) else {
            return Err(unreadable(problems.iter().next().map_or("", |problem| &problem.what)));
        };
        evaluate(self.bundle, &document.request, &mut self.evaluation)?;
        let differences = self.differences(case);
        if differences.is_empty() {
            return Ok(CaseOutcome::Pass);
        }
        let trace = if self.explained < limits::CASES_EXPLAINED_MAX {
            self.explained += 1;
            trace(self.bundle, &document.request)?
        } else {
            Vec::new()
        };
        Ok(CaseOutcome::Fail { differences, trace })
    }

    fn differences(&self, case: &Case<'_>) -> Vec<Difference> {
        let (expected, actual) = (&case.expected, &self.evaluation);
        let mut differences = Vec::new();
        let mut differ = |field, expected: String, actual: String| {
            differences.push(Difference { field, expected, actual });
        };
        if expected.decision != actual.decision() {
            differ("decision", expected.decision.as_str().to_owned(), actual.decision().as_str().to_owned());
        }
        if let Some(reason) = expected.reason.filter(|reason| *reason != actual.reason()) {
            differ("reason", reason.as_str().to_owned(), actual.reason().as_str().to_owned());
        }
        if let Some(wanted) = &expected.unmet_controls {
            let unmet: Vec<_> = actual.unmet(self.bundle).map(|control| control.name()).collect();
            let agree = unmet.iter().all(|name| wanted.contains(&name.as_str()))
                && wanted.iter().all(|name| unmet.iter().any(|unmet| unmet == name));
            if !agree {
                differ("unmetControls", list(wanted.iter().copied()), list(unmet.iter().map(String::as_str)));
            }
        }
        differences.extend(self.policies_differ("policies", expected.policies.as_deref(), actual.policies()));
        differences.extend(self.policies_differ("reportOnly", expected.report_only.as_deref(), actual.report_only()));
        differences
    }

    fn policies_differ(
        &self,
        field: &'static str,
        expected: Option<&[Spanned<&str>]>,
        actual: &[PolicyIndex],
    ) -> Option<Difference> {
        let expected = expected?;
        let actual: Vec<_> = actual.iter().map(|index| self.bundle.policy(*index)).collect();
        let agree = actual.iter().all(|policy| expected.iter().any(|name| is_called(policy, name.value)))
            && expected.iter().all(|name| actual.iter().any(|policy| is_called(policy, name.value)));
        (!agree).then(|| Difference {
            field,
            expected: list(expected.iter().map(|name| name.value)),
            actual: list(actual.iter().map(|policy| &*policy.display_name)),
        })
    }
}

fn is_called(policy: &PolicyHead, name: &str) -> bool {
    *policy.display_name == *name || IdRef::new(&policy.id) == IdRef::new(name)
}

fn unreadable(what: &str) -> InputError {
    InputError::invalid("request", format!("cannot be read: {what}"))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() { "none".to_owned() } else { names }
}
