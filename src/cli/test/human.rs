//! Results for reading: what did not pass and why, then a line for each file.

use super::{Run, coverage, mutation, why};
use crate::cli::paint;
use crate::compile::CompiledBundle;
use crate::review::cases::{CaseOutcome, CaseResult};
use crate::text::{Severity, plain};

/// How many cases came out how.
#[derive(Default)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Counts {
    pub fn of<'r>(results: impl IntoIterator<Item = &'r CaseResult>) -> Self {
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

/// The results of `run`.
pub fn report(run: &Run<'_>) -> String {
    let report = &run.report;
    let mut text = String::new();
    for result in report.results.iter().filter(|result| !matches!(result.outcome, CaseOutcome::Pass)) {
        text += &case(&run.loaded.bundle, result);
    }
    text += &paint::findings(&report.findings);
    if !text.is_empty() {
        text.push('\n');
    }
    let files: Vec<_> = report.results.chunk_by(|a, b| a.file == b.file).collect();
    let name = |file: &[CaseResult]| file.first().map_or(String::new(), |result| result.file.to_string());
    for file in &files {
        text += &format!("{}: {}\n", plain(&name(file)), Counts::of(*file).told());
    }
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        text += &format!("{} in the test files\n", paint::verdict(false, &paint::counted(errors, "error")));
    } else if report.results.is_empty() {
        text += &format!("{} {}\n", paint::error_label(), nothing(run));
    }
    if !report.results.is_empty() {
        text += &format!("{}: {}\n", plain(&run.args.bundle.display().to_string()), Counts::of(&report.results).told());
    }
    text += &run.coverage.as_ref().map(|it| coverage::table(&run.loaded.bundle, it)).unwrap_or_default();
    text += &run.mutation.as_ref().map(mutation::list).unwrap_or_default();
    for complaint in &run.complaints {
        text += &format!("{} {complaint}\n", paint::error_label());
    }
    text
}

/// Why there is no result.
pub fn nothing(run: &Run<'_>) -> String {
    let chosen = [
        run.args.filter.as_ref().map(|text| format!("file or name contains `{text}`")),
        (!run.args.tag.is_empty()).then(|| format!("tag is `{}`", run.args.tag.join("` or `"))),
    ];
    let chosen: Vec<_> = chosen.into_iter().flatten().collect();
    if chosen.is_empty() {
        return "the bundle has no cases; put some into its `tests/` folder".to_owned();
    }
    format!("no case's {}", chosen.join(" and "))
}

/// A case that did not pass.
pub fn case(bundle: &CompiledBundle, result: &CaseResult) -> String {
    let place = format!("{}:{}: {}", plain(&result.file), result.line, plain(&result.name));
    let note = result.note.as_ref().map(|note| lines("note", note)).unwrap_or_default();
    match &result.outcome {
        CaseOutcome::Pass => String::new(),
        CaseOutcome::Skipped { reason } => {
            format!("{} {place}\n{}", paint::doubt("skipped"), lines("reason", reason))
        }
        CaseOutcome::Broken { error } => {
            let error = lines("the request cannot be decided", &error.to_string());
            format!("{} {place}\n{note}{error}", paint::verdict(false, "failed"))
        }
        CaseOutcome::Fail { differences, trace } => {
            let mut text = format!("{} {place}\n{note}", paint::verdict(false, "failed"));
            let width = differences.iter().map(|difference| difference.field.len()).max().unwrap_or(0);
            for difference in differences {
                let field = paint::padded(difference.field, width);
                text += &format!("  {field}  expected {}\n", plain(&difference.expected));
                text += &format!("  {}  actual   {}\n", paint::padded("", width), plain(&difference.actual));
            }
            for line in why::told(bundle, trace).lines() {
                text += &format!("    {line}\n");
            }
            text
        }
    }
}

/// What somebody wrote, which may have several lines. Each begins with `label`: programs that read along, such as the
/// runner of a workflow, take a line of its own for a command.
fn lines(label: &str, text: &str) -> String {
    text.trim().lines().map(|line| format!("  {label}: {}\n", plain(line))).collect()
}
