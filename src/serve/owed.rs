//! What a door owes for an allow and cannot give: then it denies.
//!
//! A policy can let a token through under conditions that somebody else has to keep: a claim must be in it, it must not live
//! longer, somebody must be told. A door that cannot pass that on must not say yes, and [`Carries::takes`] is the one place that
//! says so, for all doors and for what they look ahead at.
//! The native decision API is no such door: it passes everything on, and its callers keep the conditions or deny.
//!
//! The decision log and the metrics of decisions have what was decided, which is an allow; that the door denied it is counted
//! beside these, and told at most once a second.
//!
//! Source: AuthZEN obligations profile, enforcement; draft-gazitt-oauth-authzen-issuance, `crit`; read August 2026.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;

use super::wire::oauth::OAuthError;
use super::wire::spelling::Spelling;
use super::wire::v1;
use crate::model::Decision;
use crate::observe::metrics::{Core, Surface};

/// Deny: the token must have a claim that nobody would see to.
pub const CRITICAL_CLAIMS: &str = "critical_claims_unsupported";
/// Deny: the token would live longer than policies let it.
pub const LIFETIME: &str = "lifetime_unsupported";
/// Deny: something is owed that nobody would hear of.
pub const OBLIGATIONS: &str = "obligations_unsupported";

/// What a door can pass on.
#[derive(Clone, Copy)]
pub struct Carries<'c> {
    /// Whether a token has a critical claim of this name, or none is issued.
    pub claim: &'c dyn Fn(&str) -> bool,
    /// Whether a token lives no longer than this, seconds; doors that leave the life of tokens to others say so of any.
    pub lifetime: &'c dyn Fn(u32) -> bool,
    /// Whether the caller hears of its obligations.
    pub obligations: bool,
}

impl Carries<'_> {
    /// For doors that answer yes or no, and of whose obligations nobody hears; `is_use`: about the use of a token, so that
    /// none is issued that a claim could be missing in.
    pub const fn yes_or_no(is_use: bool) -> Carries<'static> {
        Carries { claim: if is_use { &|_| true } else { &|_| false }, lifetime: &|_| true, obligations: false }
    }

    /// For callers that hear of everything; whether they see to claims, they say themselves.
    pub const fn of_caller(sees_to_claims: bool) -> Carries<'static> {
        Carries { obligations: true, ..Self::yes_or_no(sees_to_claims) }
    }

    /// Whether an allow can be passed on that comes with `token`, and that obliges to something if `is_owed`.
    ///
    /// # Errors
    /// The reason to deny.
    pub fn takes(self, token: Option<&v1::Token>, is_owed: bool) -> Result<(), &'static str> {
        if is_owed && !self.obligations {
            return Err(OBLIGATIONS);
        }
        let Some(token) = token else { return Ok(()) };
        if !token.critical_claims.iter().all(|name| (self.claim)(name)) {
            return Err(CRITICAL_CLAIMS);
        }
        token.lifetime_seconds.is_none_or(self.lifetime).then_some(()).ok_or(LIFETIME)
    }
}

/// The answer itself; or, of an allow with something that cannot be passed on, a block for that reason, which is counted in
/// `core`.
pub fn settled(
    answer: v1::DecideResponse,
    (core, surface): (&Core, Surface),
    carries: Carries<'_>,
) -> v1::DecideResponse {
    if answer.decision != Decision::Allow.number() {
        return answer;
    }
    let Err(reason) = carries.takes(answer.token.as_ref(), !answer.obligations.is_empty()) else {
        return answer;
    };
    core.undeliverable(surface);
    tell(surface, reason, &answer.request_id);
    v1::DecideResponse {
        decision: Decision::Block.number(),
        reason: reason.to_owned(),
        oauth_error: Some(OAuthError::BLOCK.to_message()),
        session_controls: None,
        token: None,
        obligations: Vec::new(),
        ..answer
    }
}

/// WHY not every time: a policy that no caller of a door can keep denies all of them.
fn tell(surface: Surface, reason: &str, request_id: &str) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = Timestamp::now().as_second().unsigned_abs();
    if LAST.swap(now, Relaxed) != now {
        let door = surface.as_str();
        tracing::warn!(
            door,
            reason,
            request_id,
            "what is allowed is denied: the door cannot pass on what is owed for it"
        );
    }
}
