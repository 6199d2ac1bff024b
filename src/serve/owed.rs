//! What a door owes for an allow and cannot give: then it denies.
//!
//! A policy can let a token through under conditions that somebody else has to keep: a claim must be in it, it must not live
//! longer, somebody must be told. A door that cannot pass that on must not say yes, and [`settled`] is the one place that says so, for all doors.
//! The native decision API is no such door: it passes everything on, and its callers keep the conditions or deny.
//!
//! The decision log and the metrics of decisions have what was decided, which is an allow; that the door denied it is counted
//! beside these, and told at most once a second.
//!
//! Source: AuthZEN obligations profile, enforcement; draft-gazitt-oauth-authzen-issuance, `crit`; read August 2026.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;

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
    /// For doors that answer yes or no about the use of a token: none is issued, and of obligations nobody hears.
    pub const USE: Carries<'static> = Carries { claim: &|_| true, lifetime: &|_| true, obligations: false };
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
    let critical = answer.token.iter().flat_map(|token| &token.critical_claims);
    let reason = if !carries.obligations && !answer.obligations.is_empty() {
        OBLIGATIONS
    } else if !critical.into_iter().all(|name| (carries.claim)(name)) {
        CRITICAL_CLAIMS
    } else if answer
        .token
        .as_ref()
        .and_then(|token| token.lifetime_seconds)
        .is_some_and(|most| !(carries.lifetime)(most))
    {
        LIFETIME
    } else {
        return answer;
    };
    core.undeliverable(surface);
    tell(surface, reason, &answer.request_id);
    v1::DecideResponse {
        decision: Decision::Block.number(),
        reason: reason.to_owned(),
        oauth_error: Some(v1::OAuthError {
            error: "invalid_grant".to_owned(),
            error_description: "AADSTS53003: Access has been blocked by Conditional Access policies.".to_owned(),
            error_codes: vec![53003],
            suberror: "message_only".to_owned(),
            claims: String::new(),
        }),
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
