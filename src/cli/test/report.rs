//! Results for programs: JSON, JUnit, and the annotations of GitHub Actions.

use anyhow::Context;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::human::{self, Counts};
use super::{Run, coverage, mutation, why};
use crate::cli::{Stop, answer, github};
use crate::compile::CompiledBundle;
use crate::review::cases::{CaseOutcome, CaseResult, Difference};
use crate::text::Severity;

/// As JSON: counts, a member for each case, and the problems of the test files.
pub fn json(run: &Run<'_>) -> Result<String, Stop> {
    let bundle = &run.loaded.bundle;
    let counts = Counts::of(&run.report.results);
    let mut document = json!({
        "bundle": bundle.name(),
        "revision": bundle.revision(),
        "passed": counts.passed,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "cases": run.report.results.iter().map(|result| json_case(bundle, result)).collect::<Vec<_>>(),
        "findings": run.report.findings,
    });
    if let Value::Object(document) = &mut document {
        let coverage = run.coverage.as_ref().map(|it| ("coverage".to_owned(), coverage::json(bundle, it)));
        let mutation = run.mutation.as_ref().map(|it| ("mutation".to_owned(), mutation::json(it)));
        document.extend(coverage.into_iter().chain(mutation));
    }
    answer::json(&document)
}

fn json_case(bundle: &CompiledBundle, result: &CaseResult) -> Value {
    let mut case = json!({
        "file": result.file,
        "line": result.line,
        "name": result.name,
        "note": result.note,
        "tags": result.tags,
        "outcome": match result.outcome {
            CaseOutcome::Pass => "passed",
            CaseOutcome::Skipped { .. } => "skipped",
            CaseOutcome::Fail { .. } | CaseOutcome::Broken { .. } => "failed",
        },
    });
    let more = match &result.outcome {
        CaseOutcome::Pass => json!({}),
        CaseOutcome::Skipped { reason } => json!({ "reason": reason }),
        CaseOutcome::Broken { error } => json!({ "error": error.to_string() }),
        CaseOutcome::Fail { differences, trace } => json!({
            "differences": differences.iter().map(|difference| {
                let Difference { field, expected, actual } = difference;
                json!({ "field": field, "expected": expected, "actual": actual })
            }).collect::<Vec<_>>(),
            "why": plain(&why::told(bundle, trace)).lines().collect::<Vec<_>>(),
        }),
    };
    if let (Value::Object(case), Value::Object(more)) = (&mut case, more) {
        case.extend(more);
    }
    case
}

/// As workflow commands of GitHub Actions, which puts each beside its line, and then as for reading.
pub fn annotated(run: &Run<'_>) -> String {
    let bundle = &run.loaded.bundle;
    let mut text = String::new();
    for finding in &run.report.findings {
        text += &github::finding(&run.args.bundle, finding);
    }
    for result in &run.report.results {
        let level = match result.outcome {
            CaseOutcome::Pass => continue,
            CaseOutcome::Skipped { .. } => "notice",
            CaseOutcome::Fail { .. } | CaseOutcome::Broken { .. } => "error",
        };
        let told = plain(&human::case(bundle, result));
        let file = github::file(&run.args.bundle, &result.file);
        let told = told.split_once('\n').map_or(&*told, |(_, rest)| rest);
        text += &github::annotation(level, &file, (result.line, 0), &result.name, told);
    }
    let nothing = run.report.results.is_empty().then(|| human::nothing(run));
    for complaint in nothing.iter().chain(&run.complaints) {
        text += &github::error(complaint);
    }
    text + &human::report(run)
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// As a JUnit report.
pub fn junit(run: &Run<'_>) -> Result<String, Stop> {
    let (bundle, report) = (&run.loaded.bundle, &run.report);
    let mut document = quick_junit::Report::new(bundle.name());
    for file in report.results.chunk_by(|a, b| a.file == b.file) {
        let name = file.first().map_or("", |result| &*result.file);
        let mut suite = TestSuite::new(name);
        suite.add_test_cases(file.iter().map(|result| junit_case(bundle, result)));
        document.add_test_suite(suite);
    }
    let errors: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let mut complaints = Vec::new();
    if !errors.is_empty() {
        let all = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        complaints.push(("test files", "the test files have errors".to_owned(), all));
    } else if report.results.is_empty() {
        complaints.push(("test files", human::nothing(run), String::new()));
    }
    complaints.extend(run.complaints.iter().map(|complaint| ("thresholds", complaint.clone(), String::new())));
    if !complaints.is_empty() {
        // WHY: readers of JUnit look at cases only, so what is no case must look like one.
        let mut suite = TestSuite::new("tests");
        for (name, message, description) in complaints {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(message);
            status.set_description(description);
            suite.add_test_case(TestCase::new(name, status));
        }
        document.add_test_suite(suite);
    }
    Ok(document.to_string().context("cannot write JUnit")? + "\n")
}

fn junit_case(bundle: &CompiledBundle, result: &CaseResult) -> TestCase {
    let status = match &result.outcome {
        CaseOutcome::Pass => TestCaseStatus::success(),
        CaseOutcome::Skipped { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(&**reason);
            status
        }
        CaseOutcome::Broken { error } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(error.to_string());
            status
        }
        CaseOutcome::Fail { differences, .. } => {
            let told = |it: &Difference| format!("{}: expected {}, actual {}", it.field, it.expected, it.actual);
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(differences.iter().map(told).collect::<Vec<_>>().join("; "));
            status.set_description(plain(&human::case(bundle, result)));
            status
        }
    };
    let mut case = TestCase::new(result.name.clone(), status);
    case.set_classname(&*result.file);
    case
}
