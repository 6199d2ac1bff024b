//! Session controls of several policies as one, and with them what shapes a token and what callers owe for it.
//!
//! Each control is the strictest that any policy asks for, so that the session satisfies all of them; claims and
//! obligations are those of all policies. Report-only policies never get here. Source: Entra documentation, Conditional Access session controls, read August 2026.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::CompiledSession;
use crate::model::SessionControls;
use crate::model::session::SignInFrequency;
use crate::model::set::Word;
use crate::model::shaping::{Obligation, TokenShape};

/// What a token comes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedSession<'b> {
    /// The controls that can be merged into one.
    pub controls: SessionControls,
    /// Ids of Global Secure Access filtering profiles, ascending, none twice. Which of them wins is for Global Secure
    /// Access to say.
    pub filtering_profiles: Vec<&'b str>,
    /// How the token is shaped.
    pub token: MergedToken<'b>,
    /// What callers owe for the token, by id, none twice.
    pub obligations: Vec<&'b Obligation>,
}

/// How a token is shaped; the default leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedToken<'b> {
    /// Longest life, seconds.
    pub lifetime: Option<u32>,
    /// Claims by name, each with at least one value.
    pub claims: BTreeMap<&'b str, BTreeSet<&'b str>>,
    /// Names out of `claims` without which the token must not be issued.
    pub critical: BTreeSet<&'b str>,
}

impl<'b> MergedToken<'b> {
    fn add(&mut self, shape: &'b TokenShape) {
        self.lifetime = both(self.lifetime, shape.lifetime, u32::min);
        for (name, values) in &shape.claims {
            self.claims.entry(name).or_default().extend(values.iter().map(|value| &**value));
        }
        self.critical.extend(shape.critical.iter().map(|name| &**name));
    }

    /// Whether it leaves a token as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A text for the lifetime and for each claim, as [`MergedSession::words`].
    fn words(&self) -> impl Iterator<Item = String> {
        let lifetime = self.lifetime.map(|seconds| format!("tokenLifetime {seconds} seconds"));
        let claims = self.claims.iter().map(|(name, values)| {
            let critical = if self.critical.contains(name) { "criticalTokenClaim" } else { "tokenClaim" };
            // WHY JSON: a value may have commas in it, and claims of two values must not read like claims of one.
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            format!("{critical} {name} [{}]", values.join(","))
        });
        lifetime.into_iter().chain(claims)
    }
}

/// `text` as JSON (RFC 8259, section 7).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\u{1f}' => quoted += &format!("\\u{:04x}", u32::from(character)),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// `obligations` by id, none twice.
pub(super) fn owed<'b>(obligations: impl Iterator<Item = &'b Obligation>) -> Vec<&'b Obligation> {
    let mut owed: Vec<_> = obligations.collect();
    owed.sort_unstable();
    owed.dedup();
    owed
}

impl<'b> MergedSession<'b> {
    /// Merges; `None` when there is nothing. Cost: linear; allocates for filtering profiles, claims and obligations only.
    pub(super) fn of(sessions: impl Iterator<Item = &'b CompiledSession>) -> Option<Self> {
        let mut merged: Option<Self> = None;
        for session in sessions {
            let whole = merged.get_or_insert_with(|| Self {
                controls: SessionControls::default(),
                filtering_profiles: Vec::new(),
                token: MergedToken::default(),
                obligations: Vec::new(),
            });
            whole.controls = merge(whole.controls, session.controls);
            whole.filtering_profiles.extend(session.filtering_profile.as_deref());
            if let Some(shaping) = &session.shaping {
                whole.token.add(&shaping.token);
                whole.obligations.extend(&shaping.obligations);
            }
        }
        if let Some(merged) = &mut merged {
            merged.filtering_profiles.sort_unstable();
            merged.filtering_profiles.dedup();
            merged.obligations = owed(std::mem::take(&mut merged.obligations).into_iter());
        }
        merged
    }

    /// Whether any of Graph's session controls is asked for.
    pub fn has_controls(&self) -> bool {
        self.controls != SessionControls::default() || !self.filtering_profiles.is_empty()
    }

    /// A text for each control, in a fixed order: its name in Graph and what it is set to, as in
    /// `signInFrequency 4 hours`; then one for the lifetime and for each claim of the token, as in
    /// `tokenClaim ca_tags ["medium-risk"]`, its values in order as JSON. Obligations are not among them.
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
        words.into_iter().flatten().chain(profiles).chain(self.token.words()).collect()
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
