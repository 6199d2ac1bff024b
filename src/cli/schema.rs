//! `schema`: the schemas that bundles are checked against, for editors and other tools.

use super::{Exit, Outcome, Stop, answer};
use crate::compile::cedar;
use crate::review::schema;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward schema bundle

`bundle`, `settings` and `tests` are JSON Schemas (2020-12). An editor with a YAML language server takes them from a \
first line such as `# yaml-language-server: $schema=../bundle.schema.json`, or from its settings, for files that \
match `tests/**`, `bundle.yaml`, and all others, statements too. They know shapes and words; `doorward check` knows \
the rest.")]
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
    /// Files of policies, statements, named locations, service principals and authentication strengths.
    Bundle,
    /// `bundle.yaml`.
    Settings,
    /// Files of test cases, below `tests/`.
    Tests,
}

/// Prints.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let text = match args.kind {
        Kind::Cedar => cedar::SCHEMA.to_owned(),
        Kind::Bundle => answer::json(&schema::bundle())?,
        Kind::Settings => answer::json(&schema::settings())?,
        Kind::Tests => answer::json(&schema::tests())?,
    };
    Ok(Outcome { text, exit: Exit::Success })
}
