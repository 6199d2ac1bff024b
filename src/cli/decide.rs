//! `decide`: one request, one answer, an exit code that a script can trust.

use std::path::PathBuf;

use super::answer::Format;
use super::request::RequestArgs;
use super::{Exit, Outcome, Stop, answer, load, paint};
use crate::compile::CompiledBundle;
use crate::evaluate::Evaluation;
use crate::model::{Decision, TokenRequest};
use crate::serve::wire::{self, Asked};

/// Arguments of `decide`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward decide policies/workload --id 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01 --ip 198.51.100.7

Ends with 0 for allow, 6 for block, 2 for a request that cannot be used.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// How to write the answer; as JSON it is that of the decision API.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    request: RequestArgs,
}

/// Decides.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let loaded = load::bundle(&args.bundle)?;
    args.request.ask(|document| {
        let evaluation = answer::decided(&loaded.bundle, &document.request)?;
        let text = match args.format {
            Format::Human => human(&loaded.bundle, &evaluation, &document.request),
            Format::Json => {
                let request_id = document.request_id.unwrap_or_default().to_owned();
                let asked = Asked::of(&document.request);
                answer::json(&wire::answer::answer(&loaded.bundle, &evaluation, asked, request_id))?
            }
        };
        let exit = match evaluation.decision() {
            Decision::Allow => Exit::Success,
            Decision::Block => Exit::Blocked,
        };
        Ok(Outcome { text, exit })
    })
}

fn human(bundle: &CompiledBundle, evaluation: &Evaluation, request: &TokenRequest<'_>) -> String {
    let text = answer::told(bundle, evaluation, request);
    let faint =
        format!("reason {}, bundle {} revision {}", evaluation.reason().as_str(), bundle.name(), bundle.revision());
    text + &format!("  {}\n", paint::styled(paint::FAINT, &faint))
}
