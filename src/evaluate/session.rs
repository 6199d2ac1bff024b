//! Session controls of several policies as one.
//!
//! Each is the strictest that any policy asks for, so that the session satisfies all of them. Report-only policies
//! never get here. Source: Entra documentation, Conditional Access session controls, read August 2026.

use crate::compile::CompiledSession;
use crate::model::SessionControls;
use crate::model::session::SignInFrequency;
use crate::model::set::Word;

/// What a token comes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedSession<'b> {
    /// The controls that can be merged into one.
    pub controls: SessionControls,
    /// Ids of Global Secure Access filtering profiles, ascending, none twice. Which of them wins is for Global Secure
    /// Access to say.
    pub filtering_profiles: Vec<&'b str>,
}

impl<'b> MergedSession<'b> {
    /// Merges; `None` when there is nothing. Cost: linear; allocates for filtering profiles only.
    pub(super) fn of(sessions: impl Iterator<Item = &'b CompiledSession>) -> Option<Self> {
        let mut merged: Option<Self> = None;
        for session in sessions {
            let whole = merged
                .get_or_insert_with(|| Self { controls: SessionControls::default(), filtering_profiles: Vec::new() });
            whole.controls = merge(whole.controls, session.controls);
            whole.filtering_profiles.extend(session.filtering_profile.as_deref());
        }
        if let Some(merged) = &mut merged {
            merged.filtering_profiles.sort_unstable();
            merged.filtering_profiles.dedup();
        }
        merged
    }

    /// A text for each control, in a fixed order: its name in Graph and what it is set to, as in
    /// `signInFrequency 4 hours`.
    pub fn words(&self) -> Vec<String> {
        let controls = self.controls;
        let frequency = controls.sign_in_frequency.map(|frequency| match frequency.period {
            Some(period) => format!("signInFrequency {} {}", period.value, period.unit.as_str()),
            None => format!("signInFrequency {}", frequency.interval().as_str()),
        });
        let named = |name: &str, word: Option<&'static str>| word.map(|word| format!("{name} {word}"));
        let on = |name: &str, is_on: bool| is_on.then(|| name.to_owned());
        let words = [
            frequency,
            named("persistentBrowser", controls.persistent_browser.map(Word::as_str)),
            named("cloudAppSecurity", controls.cloud_app_security.map(Word::as_str)),
            named("continuousAccessEvaluation", controls.continuous_access_evaluation.map(Word::as_str)),
            on("applicationEnforcedRestrictions", controls.application_enforced_restrictions),
            on("disableResilienceDefaults", controls.disable_resilience_defaults),
            on("secureSignInSession", controls.secure_sign_in_session),
        ];
        let profiles = self.filtering_profiles.iter().map(|id| format!("globalSecureAccessFilteringProfile {id}"));
        words.into_iter().flatten().chain(profiles).collect()
    }
}

fn merge(one: SessionControls, other: SessionControls) -> SessionControls {
    SessionControls {
        sign_in_frequency: both(one.sign_in_frequency, other.sign_in_frequency, more_often),
        persistent_browser: stricter(one.persistent_browser, other.persistent_browser),
        cloud_app_security: stricter(one.cloud_app_security, other.cloud_app_security),
        continuous_access_evaluation: stricter(one.continuous_access_evaluation, other.continuous_access_evaluation),
        application_enforced_restrictions: one.application_enforced_restrictions
            || other.application_enforced_restrictions,
        disable_resilience_defaults: one.disable_resilience_defaults || other.disable_resilience_defaults,
        secure_sign_in_session: one.secure_sign_in_session || other.secure_sign_in_session,
    }
}

/// The shorter time, of equal ones that in hours; and both factors if either asks for both.
fn more_often(one: SignInFrequency, other: SignInFrequency) -> SignInFrequency {
    let length = |frequency: SignInFrequency| (frequency.hours(), frequency.period.map(|period| period.unit.index()));
    let shorter = if length(other) < length(one) { other } else { one };
    let factors = if other.factors.index() > one.factors.index() { other.factors } else { one.factors };
    SignInFrequency { factors, ..shorter }
}

/// The later word of a vocabulary that lists the weaker demand first.
fn stricter<T: Word>(one: Option<T>, other: Option<T>) -> Option<T> {
    both(one, other, |one, other| if other.index() > one.index() { other } else { one })
}

fn both<T>(one: Option<T>, other: Option<T>, merge: impl Fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(merge(one, other)),
        (one, other) => one.or(other),
    }
}
