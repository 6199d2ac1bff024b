//! `test`: the cases that a bundle carries, asked of the engine that will serve it.
//!
//! No case at all is a failure: an empty `tests/` folder, or a filter that nothing passes, proves nothing.

mod coverage;
mod human;
mod mutation;
mod report;
mod watch;
mod why;

use std::path::PathBuf;

use super::load::{self, Loaded};
use super::{Exit, Outcome, Stop};
use crate::review::cases::{self, Report, Selection};
use crate::review::coverage::{Coverage, measure};
use crate::review::mutate::{Mutation, mutate};

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward test policies/workload --filter risk

Files below `tests/` hold cases: a request, and the answer that it must get. Without `expect` that is block. `doorward \
schema tests` has every field.

  cases:
    - name: a workload gets a token in the data centre
      request:
        identity: { type: servicePrincipal, id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02 }
        network: { ipAddress: 198.51.100.7 }
      expect: { decision: allow }
    - name: and nowhere else
      request: { identity: { type: servicePrincipal, id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02 } }
      matrix: { network.ipAddress: [203.0.113.9, 2001:db8:20::7] }
      expect: { decision: block, policies: [Block workloads outside trusted networks] }

Ends with 0 when every case passes or is skipped, with 4 when one fails, there is none, or less is covered than \
`--min-coverage` asks for.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Run the cases whose file or name contains this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run the cases with this tag; may be repeated, any of them will do.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show what the cases exercise: policies, conditions, named locations and risk levels, with a case for what they do
    /// not.
    #[arg(long)]
    coverage: bool,
    /// Fail when less than this is covered, per cent; implies `--coverage`.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Change the bundle a little, one thing at a time, and list the changes that no case notices: the tests that are
    /// missing.
    #[arg(long)]
    mutate: bool,
    /// Run again whenever the bundle changes.
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// For reading.
    #[default]
    Human,
    /// JSON.
    Json,
    /// A JUnit report.
    Junit,
    /// Annotations of GitHub Actions, and the results for reading.
    Github,
}

/// One run of the tests.
struct Run<'a> {
    args: &'a Args,
    loaded: Loaded,
    report: Report,
    coverage: Option<Coverage>,
    mutation: Option<Mutation>,
    /// Why the run fails although no case does.
    complaints: Vec<String>,
}

/// Runs the tests.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    if args.watch { watch::run(&args.bundle, || once(args)) } else { once(args) }
}

fn once(args: &Args) -> Result<Outcome, Stop> {
    let wants_coverage = args.coverage || args.min_coverage.is_some();
    let wants_model = wants_coverage || args.mutate;
    let (loaded, model) = load::bundle_and(&args.bundle, |model| wants_model.then(|| model.clone()))?;
    let selection = Selection { text: args.filter.clone(), tags: args.tag.clone() };
    let report = cases::run_selected(&loaded.bundle, &loaded.raw, &selection);
    let coverage = model.as_ref().filter(|_| wants_coverage);
    let coverage = coverage.map(|model| measure(&loaded.bundle, model, &loaded.raw, &selection));
    let mutation = model.as_ref().filter(|_| args.mutate);
    let mutation = mutation.map(|model| mutate(&loaded.bundle, model, &loaded.raw, &selection));
    let complaints = complaints(args, coverage.as_ref());
    let run = Run { args, loaded, report, coverage, mutation, complaints };
    let text = match args.format {
        Format::Human => human::report(&run),
        Format::Json => report::json(&run)?,
        Format::Junit => report::junit(&run)?,
        Format::Github => report::annotated(&run),
    };
    let is_green = run.report.is_green() && !run.report.results.is_empty() && run.complaints.is_empty();
    Ok(Outcome { text, exit: if is_green { Exit::Success } else { Exit::TestsFailed } })
}

/// Why the run fails although every case may pass.
fn complaints(args: &Args, coverage: Option<&Coverage>) -> Vec<String> {
    let too_little = args.min_coverage.zip(coverage).and_then(|(least, coverage)| {
        let percent = coverage.percent();
        (percent < least).then(|| format!("{percent} % is covered, and {least} % is the least"))
    });
    too_little.into_iter().collect()
}
