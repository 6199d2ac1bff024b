//! How long a token may live, by the session controls of the policies that let it be issued.
//!
//! The time after which somebody must sign in again is the longest that a token may live: one that lives longer would be
//! used without. A sign-in for every token limits no life, and no other session control speaks of time. Knows no protocol.

use super::wire::v1;

/// Longest life of a token, seconds; `None` when the policies say nothing of it.
pub fn ceiling(answer: &v1::DecideResponse) -> Option<u64> {
    answer.session_controls.as_ref()?.token_lifetime_seconds.map(u64::from)
}
