//! Session controls: what a token comes with, when it comes at all.
//!
//! They never decide. The token service enforces them; doorward merges those of all applying policies and says which.
//! Source: Microsoft Graph `conditionalAccessSessionControls`, v1.0 and beta, read August 2026.

use super::vocabulary::{
    CloudAppSecurity, ContinuousAccessEvaluation, FrequencyFactors, FrequencyInterval, FrequencyUnit, PersistentBrowser,
};

/// Names of the session controls that doorward reads, as Graph has them.
pub const CONTROL_NAMES: [&str; 8] = [
    "signInFrequency",
    "persistentBrowser",
    "cloudAppSecurity",
    "continuousAccessEvaluation",
    "applicationEnforcedRestrictions",
    "disableResilienceDefaults",
    "secureSignInSession",
    "globalSecureAccessFilteringProfile",
];

/// Session controls of one policy, or of several merged; the default asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionControls {
    /// How often to sign in again.
    pub sign_in_frequency: Option<SignInFrequency>,
    /// Whether a browser stays signed in after it was closed.
    pub persistent_browser: Option<PersistentBrowser>,
    /// What a session proxy does.
    pub cloud_app_security: Option<CloudAppSecurity>,
    /// How continuous access evaluation is enforced.
    pub continuous_access_evaluation: Option<ContinuousAccessEvaluation>,
    /// Whether the application restricts the session by itself.
    pub application_enforced_restrictions: bool,
    /// Whether a session ends when it cannot be evaluated during an outage.
    pub disable_resilience_defaults: bool,
    /// Whether the session's tokens are bound to the device.
    pub secure_sign_in_session: bool,
}

/// How often to sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInFrequency {
    /// After which time; `None`: every time.
    pub period: Option<Period>,
    /// Which factors to repeat.
    pub factors: FrequencyFactors,
}

/// A time between sign-ins, as the policy writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// How many, at least one.
    pub value: u32,
    /// Of what.
    pub unit: FrequencyUnit,
}

impl SignInFrequency {
    /// Graph's word for whether there is a period.
    pub const fn interval(self) -> FrequencyInterval {
        match self.period {
            Some(_) => FrequencyInterval::TimeBased,
            None => FrequencyInterval::EveryTime,
        }
    }

    /// Hours between sign-ins; every time is none.
    pub fn hours(self) -> u64 {
        self.period.map_or(0, Period::hours)
    }
}

impl Period {
    /// How many hours it is.
    pub fn hours(self) -> u64 {
        let hours = match self.unit {
            FrequencyUnit::Hours => 1,
            FrequencyUnit::Days => 24,
        };
        u64::from(self.value) * hours
    }
}
