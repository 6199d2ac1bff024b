//! `export`: a bundle in another language.

use std::path::PathBuf;

use super::{Exit, Outcome, Stop, load};
use crate::review::cedar;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward export policies/workload --format cedar

Cedar says when each policy applies. What it cannot say stands in comments.")]
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
}

/// Exports.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let loaded = load::bundle(&args.bundle)?;
    let text = match args.format {
        Format::Cedar => {
            let policies = cedar::policies(&loaded.bundle);
            policies.into_iter().map(|policy| policy.text).collect::<Vec<_>>().join("\n")
        }
    };
    Ok(Outcome { text, exit: Exit::Success })
}
