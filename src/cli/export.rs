//! `export`: a bundle in another language. What the other language cannot say goes to standard error.

use std::path::PathBuf;

use super::{Exit, Outcome, Stop, answer, aside, load, paint};
use crate::compile::{self, Mode};
use crate::review::cedar;
use crate::review::export::{self, Export, Weight};
use crate::text::{RawBundle, plain};

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward export policies/workload --format cedar

Cedar says when each policy applies. What it cannot say stands in comments.

Graph holds policies, named locations and authentication strengths, as one JSON object that is a bundle itself; \
create locations and strengths before the policies that name them. What Graph cannot hold is told on standard error. \
A policy with a condition that Graph has no word for (`when`, Cedar, personal accounts) is left out whole, never \
without that condition, and the exit code is 7; it is 7 too when a tenant would refuse the number of policies, \
locations or ranges. Names in the place of ids are told, and lose nothing.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Which language.
    #[arg(long, value_enum)]
    format: Format,
}

/// A language that bundles can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Every policy as a `forbid` of Cedar, for the schema that `doorward schema cedar` prints.
    Cedar,
    /// Policies, named locations and authentication strengths as Microsoft Graph writes them.
    Graph,
}

/// Exports.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let loaded = load::bundle(&args.bundle)?;
    match args.format {
        Format::Cedar => {
            let policies = cedar::policies(&loaded.bundle);
            let text = policies.into_iter().map(|policy| policy.text).collect::<Vec<_>>().join("\n");
            Ok(Outcome { text, exit: Exit::Success })
        }
        Format::Graph => graph(&loaded.raw),
    }
}

fn graph(raw: &RawBundle) -> Result<Outcome, Stop> {
    let reading = compile::read(raw, Mode::Spanned);
    let export = export::graph(&reading.bundle, &reading.diagnostics);
    aside::say(&notes(&export));
    let exit = if export.is_partial() { Exit::Partial } else { Exit::Success };
    Ok(Outcome { text: answer::json(&export.document)?, exit })
}

/// A line for each note, losses first.
fn notes(export: &Export) -> String {
    let mut notes: Vec<_> = export.notes.iter().collect();
    notes.sort_by_key(|note| note.weight);
    let line = |note: &&export::Note| {
        let label = match note.weight {
            Weight::Loss => paint::verdict(false, "not exported:"),
            Weight::Remark => paint::doubt("note:"),
        };
        format!("{label} {}: {}\n", plain(&note.about), plain(&note.what))
    };
    notes.iter().map(line).collect()
}
