//! `test`: the cases that a bundle carries, asked of the engine that will serve it.
//!
//! No case at all is a failure: an empty `tests/` folder, or a filter that nothing passes, proves nothing.

mod human;
mod report;
mod watch;
mod why;

use std::path::PathBuf;

use super::load::{self, Loaded};
use super::{Exit, Outcome, Stop};
use crate::review::cases::{self, Report, Selection};

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
    /// Run the cases with this tag; may be repeated, any of them will do.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
    /// Why the run fails although no case does.
    complaints: Vec<String>,
}

/// Runs the tests.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    if args.watch { watch::run(&args.bundle, || once(args)) } else { once(args) }
}

fn once(args: &Args) -> Result<Outcome, Stop> {
    let loaded = load::bundle(&args.bundle)?;
    let selection = Selection { text: args.filter.clone(), tags: args.tag.clone() };
    let report = cases::run_selected(&loaded.bundle, &loaded.raw, &selection);
    let run = Run { args, loaded, report, complaints: Vec::new() };
    let text = match args.format {
        Format::Human => human::report(&run),
        Format::Json => report::json(&run)?,
        Format::Junit => report::junit(&run)?,
        Format::Github => report::github(&run),
    };
    let is_green = run.report.is_green() && !run.report.results.is_empty() && run.complaints.is_empty();
    Ok(Outcome { text, exit: if is_green { Exit::Success } else { Exit::TestsFailed } })
}
