//! `gaps`: which requests no policy applies to, and which policies do nothing.

use std::path::PathBuf;

use serde_json::json;

use super::answer::Format;
use super::{Exit, Outcome, Stop, answer, diff, load, paint};
use crate::compile::{CompiledBundle, PolicyIndex};
use crate::review::analysis::{self, Gaps};
use crate::text::plain;

/// Arguments of `gaps`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward gaps policies/workload

Ends with 0: a gap may be meant. A policy is idle when every decision would be the same without it; of two that are \
identical each is, so take out one at a time.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// How to write the gaps.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Looks for gaps.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let loaded = load::bundle(&args.bundle)?;
    let gaps = analysis::gaps(&loaded.bundle).map_err(|error| Stop::from(anyhow::Error::from(error)))?;
    let text = match args.format {
        Format::Human => human(&loaded.bundle, &gaps),
        Format::Json => answer::json(&body(&loaded.bundle, &gaps))?,
    };
    Ok(Outcome { text, exit: Exit::Success })
}

fn name(bundle: &CompiledBundle, index: PolicyIndex) -> &str {
    &bundle.policy(index).display_name
}

fn human(bundle: &CompiledBundle, gaps: &Gaps) -> String {
    let mut text = String::new();
    if gaps.open.is_empty() {
        text += &format!("{}\n\n", paint::verdict(true, "some policy applies to every request"));
    } else {
        let count = paint::counted(gaps.open.len(), "region");
        text += &format!("{} ({count})\n\n", paint::doubt("no policy applies"));
        for open in &gaps.open {
            text += &format!("  {}\n", paint::styled(paint::STRONG, open.subjects));
            let mut lines = diff::conditions(&open.facets);
            let example = open.witness.as_ref().map(|witness| witness.json().to_string());
            lines
                .push(("example".to_owned(), example.unwrap_or_else(|| "none can be made: this may be so".to_owned())));
            text += &diff::table(&lines);
        }
    }
    for index in &gaps.idle {
        text += &format!(
            "{} {}: every decision would be the same without it\n",
            paint::doubt("idle:"),
            plain(name(bundle, *index))
        );
    }
    for set in &gaps.identical {
        let names: Vec<_> = set.iter().map(|index| name(bundle, *index)).collect();
        text += &format!("{} {}\n", paint::doubt("identical:"), plain(&names.join(", ")));
    }
    for note in &gaps.notes {
        text += &format!("{} {note}\n", paint::doubt("not looked at:"));
    }
    text
}

fn body(bundle: &CompiledBundle, gaps: &Gaps) -> serde_json::Value {
    let names = |set: &[PolicyIndex]| set.iter().map(|index| name(bundle, *index)).collect::<Vec<_>>();
    let open = |open: &analysis::Open| {
        let conditions = diff::condition_bodies(&open.facets);
        json!({
            "subjects": open.subjects,
            "conditions": conditions,
            "example": open.witness.as_ref().map(|witness| witness.json()),
        })
    };
    json!({
        "schemaVersion": 1,
        "open": gaps.open.iter().map(open).collect::<Vec<_>>(),
        "idle": names(&gaps.idle),
        "identical": gaps.identical.iter().map(|set| names(set)).collect::<Vec<_>>(),
        "notLookedAt": gaps.notes.iter().map(analysis::Note::as_str).collect::<Vec<_>>(),
    })
}
