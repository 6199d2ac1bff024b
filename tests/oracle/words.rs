//! What the engine merged, in the words of [`super::OracleAnswer::session`]. The one place here that knows the engine.

use doorward::evaluate::MergedSession;
use doorward::model::FrequencyFactors;
use doorward::model::set::Word;
use doorward::model::shaping::Obligation;

/// A merged session in the oracle's words.
pub fn session_in_words(session: MergedSession<'_>) -> Vec<String> {
    let controls = session.controls;
    let frequency = controls.sign_in_frequency.map(|frequency| {
        let is_both = frequency.factors == FrequencyFactors::PrimaryAndSecondary;
        format!("every {} hours, {}", frequency.hours(), if is_both { "both factors" } else { "second factor" })
    });
    let words = [
        controls.persistent_browser.map(Word::as_str),
        controls.cloud_app_security.map(Word::as_str),
        controls.continuous_access_evaluation.map(Word::as_str),
        controls.application_enforced_restrictions.then_some("restrictions"),
        controls.disable_resilience_defaults.then_some("no resilience"),
        controls.secure_sign_in_session.then_some("bound"),
    ];
    let words = words.into_iter().flatten().map(str::to_owned);
    let profiles = session.filtering_profiles.into_iter().map(|id| format!("profile {id}"));
    let mut lines: Vec<String> = frequency.into_iter().chain(words).chain(profiles).collect();
    lines.extend(session.token.lifetime.map(|seconds| format!("token lives {seconds} seconds")));
    for (name, values) in session.token.claims {
        lines.extend(values.into_iter().map(|value| format!("token has {value} in {name}")));
    }
    lines.extend(session.token.critical.into_iter().map(|name| format!("no token without {name}")));
    lines.extend(owed_in_words(&session.obligations));
    lines.sort();
    lines
}

/// Obligations in the oracle's words.
pub fn owed_in_words(obligations: &[&Obligation]) -> Vec<String> {
    let line = |owed: &&Obligation| format!("owed {}: {} {}", owed.id, owed.kind, owed.properties);
    let mut lines: Vec<String> = obligations.iter().map(line).collect();
    lines.sort();
    lines
}
