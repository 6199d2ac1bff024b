//! `schema`: the schemas that bundles are checked against, for editors and other tools.

use super::{Exit, Outcome};
use crate::compile::cedar;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward schema cedar")]
pub struct Args {
    /// Which schema.
    #[arg(value_enum)]
    kind: Kind,
}

/// A schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// What conditions in Cedar (`when`, and `.cedar` files) can see of a token request.
    Cedar,
}

/// Prints.
pub fn run(args: &Args) -> Outcome {
    let text = match args.kind {
        Kind::Cedar => cedar::SCHEMA,
    };
    Outcome { text: text.to_owned(), exit: Exit::Success }
}
