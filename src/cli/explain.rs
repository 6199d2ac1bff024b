//! `explain`: one request, for each policy which conditions held and what decided them, and what would turn it around.

use std::path::PathBuf;

use super::answer::Format;
use super::request::RequestArgs;
use super::{Exit, Outcome, Stop, answer, condition, load, paint, turn};
use crate::compile::CompiledBundle;
use crate::evaluate::{Outcome as PolicyOutcome, PolicyTrace, WhatIf, trace, what_if};
use crate::model::set::Word;
use crate::model::{Bundle, State};
use crate::review::flip::{Mentions, flip};
use crate::review::what_if::suppose;
use crate::serve::wire::{self, Asked};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward explain policies/workload --id 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01 --ip 203.0.113.200

The last line is the smallest change of the request that turns the decision around: one fact that the policies look \
at, or two. It has been decided, so it is certain. Of who asks only groups, roles and the kind of guest are changed; \
attributes are not changed at all.

Ends with 0 whatever the decision is: the question was what leads to it.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Show every condition of every policy.
    #[arg(long)]
    all: bool,
    /// Tell what Entra's What If would: a policy whose condition needs what the request leaves out does not apply.
    #[arg(long, conflicts_with = "all")]
    what_if: bool,
    /// How to write the explanation.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    request: RequestArgs,
}

/// Explains.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    // What If asks for no change, so it needs no list of what policies look at.
    let look = |model: &Bundle| (!args.what_if).then(|| Mentions::of(model));
    let (loaded, mentions) = load::bundle_and(&args.bundle, look)?;
    let bundle = &loaded.bundle;
    args.request.ask(|document| {
        if args.what_if {
            let mut request = document.request.clone();
            suppose(&mut request, bundle);
            let results = what_if(bundle, &request).map_err(|error| answer::unusable(&error))?;
            let text = match args.format {
                Format::Json => {
                    answer::json(&results.iter().map(|result| supposed(bundle, result)).collect::<Vec<_>>())?
                }
                Format::Human => suppositions(bundle, &results),
            };
            return Ok(Outcome { text, exit: Exit::Success });
        }
        let evaluation = answer::decided(bundle, &document.request)?;
        let traces = trace(bundle, &document.request).map_err(|error| answer::unusable(&error))?;
        let flip = mentions.as_ref().and_then(|mentions| flip(bundle, &document.request, mentions));
        let text = match args.format {
            Format::Json => {
                let request_id = document.request_id.unwrap_or_default().to_owned();
                let mut body = wire::answer::answer(bundle, &evaluation, Asked::of(&document.request), request_id);
                body.trace = wire::answer::trace(bundle, traces);
                answer::json(&turn::with_change(&body, flip.as_ref(), &document.request))?
            }
            Format::Human => {
                let decision = evaluation.decision();
                let mut text = answer::told(bundle, &evaluation, &document.request);
                text += "\n";
                text += &policies(bundle, &traces, args.all);
                text + "\n" + &turn::sentence(bundle, flip.as_ref(), decision, &document.request)
            }
        };
        Ok(Outcome { text, exit: Exit::Success })
    })
}

/// One result of What If, in the names of Graph.
fn supposed(bundle: &CompiledBundle, result: &WhatIf) -> serde_json::Value {
    let head = bundle.policy(result.policy);
    serde_json::json!({
        "id": head.id,
        "displayName": head.display_name,
        "state": head.state.as_str(),
        "policyApplies": result.applies(),
        "analysisReasons": result.reason.as_str(),
    })
}

/// The policies that would apply, then the others with the first condition that does not hold.
fn suppositions(bundle: &CompiledBundle, results: &[WhatIf]) -> String {
    let (applying, others): (Vec<WhatIf>, Vec<WhatIf>) = results.iter().partition(|result| result.applies());
    let name = |result: &WhatIf| bundle.policy(result.policy).display_name.as_ref();
    let width = results.iter().map(|result| name(result).chars().count()).max().unwrap_or(0);
    let count = paint::counted(results.len(), "policy");
    let mut text = format!("{} of {count} would apply\n\n", applying.len());
    for result in applying.into_iter().chain(others) {
        let outcome = match (result.applies(), bundle.policy(result.policy).state) {
            (true, State::ReportOnly) => "applies, report-only".to_owned(),
            (true, _) => "applies".to_owned(),
            (false, _) => {
                let why = result.condition.map_or(result.reason.as_str(), Word::as_str);
                format!("does not apply  {}", paint::styled(paint::FAINT, why))
            }
        };
        text += &format!("{}  {outcome}\n", paint::padded(name(&result), width));
    }
    text
}

/// The policies that apply with their conditions, then the others in a line each. With `all`, conditions everywhere.
pub fn policies(bundle: &CompiledBundle, traces: &[PolicyTrace], all: bool) -> String {
    let mut text = String::new();
    let (mut applying, others): (Vec<_>, Vec<_>) = traces.iter().partition(|trace| trace.outcome.applies());
    // What decides comes first; the sort keeps bundle order otherwise.
    applying.sort_by_key(|trace| bundle.policy(trace.policy).state != State::Enabled);
    for trace in applying {
        text += &heading(bundle, trace);
        text += &condition::lines(trace, all);
    }
    let others: Vec<_> = others.into_iter().filter(|trace| all || trace.outcome != PolicyOutcome::NotEnabled).collect();
    if all {
        for trace in others {
            text += &heading(bundle, trace);
            text += &condition::lines(trace, all);
        }
        return text;
    }
    let name = |trace: &PolicyTrace| bundle.policy(trace.policy).display_name.as_ref();
    let width = others.iter().map(|trace| name(trace).chars().count()).max().unwrap_or(0);
    for trace in others {
        let why = condition::failing(trace).unwrap_or_default();
        text +=
            &format!("{}  does not apply  {}\n", paint::padded(name(trace), width), paint::styled(paint::FAINT, &why));
    }
    text
}

fn heading(bundle: &CompiledBundle, trace: &PolicyTrace) -> String {
    let head = bundle.policy(trace.policy);
    let state = match head.state {
        State::Enabled => "",
        State::ReportOnly => " (report-only)",
        State::Disabled => " (disabled)",
    };
    format!("{}{state}: {}\n", paint::styled(paint::STRONG, &head.display_name), outcome(trace))
}

/// How a policy came out, for people. `--format json` has Entra's own words for it.
fn outcome(trace: &PolicyTrace) -> String {
    let unmet = trace.unmet_controls.join(", ");
    let asks = |verb: &str, blocks: &str| if unmet.is_empty() { blocks.to_owned() } else { format!("{verb} {unmet}") };
    match trace.outcome {
        PolicyOutcome::Success => paint::verdict(true, "applies, its controls are satisfied"),
        PolicyOutcome::Failure => paint::verdict(false, &asks("asks for", "blocks")),
        PolicyOutcome::ReportOnlySuccess => "would apply, its controls are satisfied".to_owned(),
        PolicyOutcome::ReportOnlyFailure | PolicyOutcome::ReportOnlyInterrupted => {
            paint::doubt(&asks("would ask for", "would block"))
        }
        PolicyOutcome::NotApplied | PolicyOutcome::ReportOnlyNotApplied => "does not apply".to_owned(),
        PolicyOutcome::NotEnabled => "takes no part".to_owned(),
        PolicyOutcome::Unknown => "is left out".to_owned(),
    }
}
