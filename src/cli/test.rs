//! `test`: the cases that a bundle carries, asked of the engine that will serve it.
//!
//! No case at all is a failure: an empty `tests/` folder, or a filter that nothing passes, proves nothing.

use std::path::PathBuf;

use anyhow::Context;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Exit, Outcome, Stop, explain, load, paint};
use crate::compile::CompiledBundle;
use crate::review::cases::{self, CaseOutcome, CaseResult, Report};
use crate::text::Severity;

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward test policies/workload --filter risk

Ends with 0 when every case passes or is skipped, with 4 when one fails or there is none.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Run the cases whose file or name contains this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// For reading.
    #[default]
    Human,
    /// A JUnit report.
    Junit,
}

/// Runs the tests.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let loaded = load::bundle(&args.bundle)?;
    let mut report = cases::run(&loaded.bundle, &loaded.raw);
    if let Some(text) = &args.filter {
        report.results.retain(|result| result.file.contains(text.as_str()) || result.name.contains(text.as_str()));
    }
    let is_green = report.is_green() && !report.results.is_empty();
    let text = match args.format {
        Format::Human => human(&loaded.bundle, &report, args),
        Format::Junit => junit(&loaded.bundle, &report)?,
    };
    Ok(Outcome { text, exit: if is_green { Exit::Success } else { Exit::TestsFailed } })
}

/// How many cases came out how.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    fn of<'r>(results: impl Iterator<Item = &'r CaseResult>) -> Self {
        let mut counts = Self::default();
        for result in results {
            match result.outcome {
                CaseOutcome::Pass => counts.passed += 1,
                CaseOutcome::Skipped { .. } => counts.skipped += 1,
                CaseOutcome::Fail { .. } | CaseOutcome::Broken { .. } => counts.failed += 1,
            }
        }
        counts
    }

    fn told(&self) -> String {
        let mut parts = Vec::new();
        if self.passed > 0 || self.failed + self.skipped == 0 {
            parts.push(paint::verdict(true, &format!("{} passed", self.passed)));
        }
        if self.failed > 0 {
            parts.push(paint::verdict(false, &format!("{} failed", self.failed)));
        }
        if self.skipped > 0 {
            parts.push(paint::doubt(&format!("{} skipped", self.skipped)));
        }
        parts.join(", ")
    }
}

fn human(bundle: &CompiledBundle, report: &Report, args: &Args) -> String {
    let mut text = String::new();
    for result in report.results.iter().filter(|result| !matches!(result.outcome, CaseOutcome::Pass)) {
        text += &told(bundle, result);
    }
    text += &paint::findings(&report.findings);
    if !text.is_empty() {
        text.push('\n');
    }
    for file in report.results.chunk_by(|a, b| a.file == b.file) {
        let name = file.first().map_or("", |result| &*result.file);
        text += &format!("{name}: {}\n", Counts::of(file.iter()).told());
    }
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        text += &format!("{} in the test files\n", paint::verdict(false, &paint::counted(errors, "error")));
    } else if report.results.is_empty() {
        let why = match &args.filter {
            Some(filter) => format!("no case's file or name contains `{filter}`"),
            None => "the bundle has no cases; put some into its `tests/` folder".to_owned(),
        };
        text += &format!("{} {why}\n", paint::error_label());
    }
    if !report.results.is_empty() {
        text += &format!("{}: {}\n", args.bundle.display(), Counts::of(report.results.iter()).told());
    }
    text
}

/// A case that did not pass.
fn told(bundle: &CompiledBundle, result: &CaseResult) -> String {
    let CaseResult { file, line, name, note, outcome } = result;
    let place = format!("{file}:{line}: {name}");
    let note = note.as_ref().map(|note| format!("  note: {}\n", note.trim())).unwrap_or_default();
    match outcome {
        CaseOutcome::Pass => String::new(),
        CaseOutcome::Skipped { reason } => format!("{} {place}\n  reason: {reason}\n", paint::doubt("skipped")),
        CaseOutcome::Broken { error } => {
            format!("{} {place}\n{note}  the request cannot be decided: {error}\n", paint::verdict(false, "failed"))
        }
        CaseOutcome::Fail { differences, trace } => {
            let mut text = format!("{} {place}\n{note}", paint::verdict(false, "failed"));
            let width = differences.iter().map(|difference| difference.field.len()).max().unwrap_or(0);
            for difference in differences {
                let field = paint::padded(difference.field, width);
                text += &format!("  {field}  expected {}\n", difference.expected);
                text += &format!("  {}  actual   {}\n", paint::padded("", width), difference.actual);
            }
            for line in explain::policies(bundle, trace, false).lines() {
                text += &format!("    {line}\n");
            }
            text
        }
    }
}

fn junit(bundle: &CompiledBundle, report: &Report) -> Result<String, Stop> {
    let mut document = quick_junit::Report::new(bundle.name());
    for file in report.results.chunk_by(|a, b| a.file == b.file) {
        let name = file.first().map_or("", |result| &*result.file);
        let mut suite = TestSuite::new(name);
        suite.add_test_cases(file.iter().map(|result| junit_case(bundle, result)));
        document.add_test_suite(suite);
    }
    let errors: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    if !errors.is_empty() || report.results.is_empty() {
        // WHY: readers of JUnit look at cases only, so what is no case must look like one.
        let mut suite = TestSuite::new("tests");
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(if errors.is_empty() { "there are no cases" } else { "the test files have errors" });
        status.set_description(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        suite.add_test_case(TestCase::new("test files", status));
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
            let message = differences
                .iter()
                .map(|difference| {
                    let cases::Difference { field, expected, actual } = difference;
                    format!("{field}: expected {expected}, actual {actual}")
                })
                .collect::<Vec<_>>();
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(message.join("; "));
            status.set_description(anstream::adapter::strip_str(&told(bundle, result)).to_string());
            status
        }
    };
    let mut case = TestCase::new(result.name.clone(), status);
    case.set_classname(&*result.file);
    case
}
