//! From files to a bundle that may come into force, as the server goes it.
//!
//! `check` and `test` take the same steps one by one, because they show more of each than a loader needs: all compile
//! with [`compile::compile`], `check` examines the bundle's tests with [`cases::check`], `test` runs them with
//! [`cases::run`], and `check` proves the bundle's statements with [`analysis::prove`]. So what passes both is accepted
//! here, but for what only the loader knows: expiry and sequence.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::in_force::InForce;
use super::machine::Pace;
use super::outcome::{Built, Rejection, Stage};
use super::sequence::KeptSequence;
use super::shelf::GraphView;
use super::snapshot::Active;
use super::status::{Status, View};
use super::task::Loader;
use crate::compile::{self, CompiledBundle};
use crate::model::Bundle;
use crate::review::{analysis, cases};
use crate::source::Source;
use crate::text::{Finding, RawBundle, Severity};

/// Starts a loader of `source` that publishes through `active` and reports through `status`.
///
/// `on_load` is called on the loader's thread after each load, for metrics and health; it must not block.
///
/// # Errors
/// The system gives no thread.
pub fn start(
    source: Source,
    active: Arc<Active>,
    status: Arc<Status>,
    on_load: impl FnMut(&View) + Send + 'static,
) -> io::Result<Loader> {
    start_keeping(source, active, status, false, None, on_load)
}

/// As [`start`], and keeps each bundle in Graph's shape too.
///
/// # Errors
/// As [`start`].
pub fn start_with_graph(
    source: Source,
    active: Arc<Active>,
    status: Arc<Status>,
    on_load: impl FnMut(&View) + Send + 'static,
) -> io::Result<Loader> {
    start_keeping(source, active, status, true, None, on_load)
}

/// As [`start`] or, with `has_graph`, as [`start_with_graph`], and refuses a bundle whose sequence is lower than the one
/// that `kept` says, which it brings up to date.
///
/// # Errors
/// As [`start`].
pub fn start_keeping(
    source: Source,
    active: Arc<Active>,
    status: Arc<Status>,
    has_graph: bool,
    kept: Option<KeptSequence>,
    on_load: impl FnMut(&View) + Send + 'static,
) -> io::Result<Loader> {
    let build = move |raw: &RawBundle| accepted(raw, |model| has_graph.then(|| GraphView::new(model)));
    Loader::start(source, Pace::default(), active, status, kept, build, on_load)
}

/// Compiles a bundle, asks it its own tests, and proves its statements: what fails them never comes into force, and a
/// statement of which nobody knows whether it holds is not proved.
pub fn accept(raw: &RawBundle) -> Built<InForce> {
    accepted(raw, |_| None)
}

fn accepted(raw: &RawBundle, graph: impl Fn(&Bundle) -> Option<GraphView>) -> Built<InForce> {
    let started = Instant::now();
    let (compilation, graph) = compile::compile_and(raw, graph);
    let compile = started.elapsed();
    let Some(bundle) = compilation.bundle else {
        let mut findings = compilation.findings;
        findings.extend(cases::check(raw));
        let message = first_error(&findings, compilation.errors);
        return Built::rejected(Rejection { stage: Stage::Parse, message, findings }, compile, None);
    };
    let started = Instant::now();
    let report = cases::run(&bundle, raw);
    if report.is_green() {
        let unproved = unproved(&bundle, raw);
        let selftest = Some(started.elapsed());
        if let Some(rejection) = unproved {
            return Built::rejected(rejection, compile, selftest);
        }
        let mut warnings = compilation.findings;
        warnings.extend(report.findings);
        let bundle = InForce::new(bundle, graph);
        return Built { outcome: Ok(bundle), warnings, compile, selftest };
    }
    let selftest = Some(started.elapsed());
    let message = match report.results.iter().find(|result| !result.is_green()) {
        Some(case) => format!("{}:{}: the case `{}` does not pass", case.file, case.line, case.name),
        None => first_error(&report.findings, 1),
    };
    Built::rejected(Rejection { stage: Stage::Tests, message, findings: report.findings }, compile, selftest)
}

/// Why `bundle` is refused although its tests pass: a statement of `raw` is not proved.
fn unproved(bundle: &CompiledBundle, raw: &RawBundle) -> Option<Rejection> {
    let stated = compile::compile_stated(raw, &[])?;
    if stated.compilation.bundle.is_none() {
        let message = first_error(&stated.compilation.findings, stated.compilation.errors);
        return Some(Rejection { stage: Stage::Parse, message, findings: stated.compilation.findings });
    }
    match analysis::prove(bundle, stated).map(|proofs| proofs.findings()) {
        Ok(findings) if findings.is_empty() => None,
        Ok(findings) => {
            let message = first_error(&findings, findings.len());
            Some(Rejection { stage: Stage::Tests, message, findings })
        }
        Err(error) => Some(Rejection::new(Stage::Tests, error.to_string())),
    }
}

fn first_error(findings: &[Finding], errors: usize) -> String {
    match findings.iter().find(|finding| finding.severity == Severity::Error) {
        Some(first) if errors > 1 => format!("{errors} errors, the first: {}", first.what),
        Some(first) => first.what.clone(),
        None => "the bundle is invalid".to_owned(),
    }
}
