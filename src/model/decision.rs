//! Decisions and why they were made.

use super::set::Word;
use super::vocabulary::GrantControl;

/// Whether a token may be issued or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It may.
    Allow,
    /// It may not.
    Block,
}

impl Decision {
    /// `allow` or `block`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
}

/// Why a decision is what it is: a stable id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Allow: no enabled policy applies.
    NoPolicyApplies,
    /// Allow: enabled policies apply and all their grant controls are satisfied.
    ControlsMet,
    /// Block: an enabled policy with `block` applies.
    BlockedByPolicy,
    /// Block: an enabled policy applies and grant controls are not satisfied.
    ControlsUnmet,
    /// Block: no enabled policy applies and the bundle's default decision is block.
    DefaultDecision,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::NoPolicyApplies, Self::ControlsMet, Self::BlockedByPolicy, Self::ControlsUnmet, Self::DefaultDecision];

    /// The stable id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPolicyApplies => "no_policy_applies",
            Self::ControlsMet => "controls_met",
            Self::BlockedByPolicy => "blocked_by_policy",
            Self::ControlsUnmet => "controls_unmet",
            Self::DefaultDecision => "default_decision",
        }
    }

    /// What a decision for this reason is.
    pub const fn decision(self) -> Decision {
        match self {
            Self::NoPolicyApplies | Self::ControlsMet => Decision::Allow,
            Self::BlockedByPolicy | Self::ControlsUnmet | Self::DefaultDecision => Decision::Block,
        }
    }
}

/// A grant control that a decision names, in Entra's prompting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control<'a> {
    /// A built-in control.
    BuiltIn(GrantControl),
    /// An authentication strength, by id.
    AuthenticationStrength(&'a str),
    /// An agreement, by id.
    TermsOfUse(&'a str),
    /// A custom control, by id.
    CustomFactor(&'a str),
}

impl Control<'_> {
    /// How answers name it: `mfa`, or kind and id as in `authenticationStrength:00000000-...`.
    pub fn name(&self) -> String {
        match self {
            Self::BuiltIn(control) => control.as_str().to_owned(),
            Self::AuthenticationStrength(id) => format!("authenticationStrength:{id}"),
            Self::TermsOfUse(id) => format!("termsOfUse:{id}"),
            Self::CustomFactor(id) => format!("customAuthenticationFactor:{id}"),
        }
    }
}

/// Why a request was refused before it was decided: a fact is present but cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct InputError {
    /// Stable id: `input_invalid` or `input_conflict`.
    pub kind: InputErrorKind,
    /// Path of the field in the request, for example `network.ipAddress`.
    pub field: String,
    /// What is wrong, completing a sentence that begins with the field's name; holds no request contents.
    pub problem: String,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputErrorKind {
    /// Present but not understood.
    Invalid,
    /// Two sources of one fact disagree.
    Conflict,
}

impl InputErrorKind {
    /// The stable id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "input_invalid",
            Self::Conflict => "input_conflict",
        }
    }
}

impl InputError {
    /// `field` is present but cannot be used.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { kind: InputErrorKind::Invalid, field: field.into(), problem: problem.into() }
    }

    /// `field` contradicts another source of the same fact.
    pub fn conflict(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { kind: InputErrorKind::Conflict, field: field.into(), problem: problem.into() }
    }
}
