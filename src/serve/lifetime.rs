//! How long a token may live, by the policies that let it be issued.
//!
//! The time after which somebody must sign in again is the longest that a token may live: one that lives longer would be
//! used without. A policy may say a shorter one. Which of all these is the least stands in every answer, so that all doors
//! and all callers tell the same. A sign-in for every token limits no life. Knows no protocol.

use super::wire::v1;

/// Longest life of a token, seconds; `None` when the policies say nothing of it.
pub fn ceiling(answer: &v1::DecideResponse) -> Option<u64> {
    answer.token.as_ref()?.lifetime_seconds.map(u64::from)
}
