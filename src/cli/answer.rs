//! What a decision is, in one sentence for people and in the names of the decision API for programs.

use anyhow::Context;
use serde::Serialize;

use super::{Stop, aside, paint};
use crate::compile::{CompiledBundle, PolicyIndex};
use crate::evaluate::{Evaluation, evaluate};
use crate::model::decision::InputError;
use crate::model::{Reason, TokenRequest};
use crate::review::mistaken::{self, Mistaken};
use crate::serve::wire::Asked;
use crate::serve::wire::oauth::OAuthError;
use crate::text::plain;

/// How to write a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For reading.
    #[default]
    Human,
    /// For programs: one JSON document.
    Json,
}

/// Decides. A request that contradicts itself or the bundle cannot be used.
pub fn decided(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Result<Evaluation, Stop> {
    let mut evaluation = Evaluation::default();
    evaluate(bundle, request, &mut evaluation).map_err(|error| unusable(&error))?;
    if let Some(Mistaken { what, help }) = mistaken::identity(bundle, &request.identity) {
        aside::say(&format!("{} {what}; {help}\n", paint::doubt("warning:")));
    }
    Ok(evaluation)
}

/// A request whose facts cannot all be true.
pub fn unusable(error: &InputError) -> Stop {
    Stop::usage(format!("{} ({})", error, error.kind.as_str()))
}

/// The decision and what comes with it, a line each.
pub fn told(bundle: &CompiledBundle, evaluation: &Evaluation, request: &TokenRequest<'_>) -> String {
    let decision = evaluation.decision();
    let verdict = paint::decision(decision, decision.as_str());
    let mut text = format!("{verdict}: {}\n", sentence(bundle, evaluation));
    if let Some(reported) = report_only(bundle, evaluation) {
        text += &format!("  report-only: {reported}\n");
    }
    text + &beside(bundle, evaluation, request)
}

/// The decision in a sentence without a final period.
fn sentence(bundle: &CompiledBundle, evaluation: &Evaluation) -> String {
    let policies = named(bundle, evaluation.policies());
    let (applies, their) = match evaluation.policies().len() {
        1 => ("applies", "its"),
        _ => ("apply", "their"),
    };
    let controls: Vec<_> = evaluation.unmet(bundle).map(|control| control.name()).collect();
    match evaluation.reason() {
        Reason::BlockedByPolicy => format!("{policies} {applies}"),
        Reason::ControlsUnmet => {
            format!("{policies} {applies}, and {} is not satisfied", controls.join(", "))
        }
        Reason::ControlsMet => format!("{policies} {applies}, and {their} grant controls are satisfied"),
        Reason::NoPolicyApplies => "no enabled policy applies".to_owned(),
        Reason::DefaultDecision => "no enabled policy applies, and `defaultDecision` of the bundle is block".to_owned(),
    }
}

/// What report-only policies would have done, in a sentence without a final period; `None` when nothing.
fn report_only(bundle: &CompiledBundle, evaluation: &Evaluation) -> Option<String> {
    let reported = evaluation.report_only();
    (!reported.is_empty()).then(|| format!("{} would have blocked or asked for more", named(bundle, reported)))
}

/// What the token comes with, what is owed for the decision, and what to tell the person who asked and the OAuth client: a line each.
fn beside(bundle: &CompiledBundle, evaluation: &Evaluation, request: &TokenRequest<'_>) -> String {
    let words = evaluation.session(bundle).map(|session| session.words()).filter(|words| !words.is_empty());
    let session = words.map(|words| format!("  session: {}\n", plain(&words.join(", "))));
    let owed = evaluation.obligations(bundle).into_iter();
    let owed = owed.map(|owed| format!("  obligation: {}\n", plain(&format!("{} ({})", owed.kind, owed.id))));
    let owed = Some(owed.collect::<String>());
    let message = evaluation.message().map(|message| format!("  tell the user: {message}\n"));
    let error = OAuthError::of(bundle, evaluation, Asked::of(request)).map(|error| format!("  OAuth error: {error}\n"));
    [session, owed, message, error].into_iter().flatten().collect()
}

/// The first few by name, the others by number.
fn named(bundle: &CompiledBundle, policies: &[PolicyIndex]) -> String {
    const SHOWN: usize = 3;
    let name = |index: &PolicyIndex| format!("`{}`", plain(&bundle.policy(*index).display_name));
    let mut names: Vec<_> = policies.iter().take(SHOWN).map(name).collect();
    if policies.len() > SHOWN {
        names.push(format!("{} more", policies.len() - SHOWN));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// `value` as indented JSON with a final line break.
pub fn json(value: &impl Serialize) -> Result<String, Stop> {
    Ok(serde_json::to_string_pretty(value).context("cannot write JSON")? + "\n")
}
