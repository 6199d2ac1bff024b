//! What a policy says of the token that it lets through, and what it obliges the caller to: doorward's own, beside Graph's
//! properties.
//!
//! Neither asks for anything before a token is issued. But a policy that has nothing else applies all the same, which where
//! the default is to block lets through what it covers; and a door that cannot pass on what is owed denies. Claims are lists, so that what several policies say of one claim is joined and never conflicts.
//! Rich authorization requests (RFC 9396) are left out on purpose: what a request asks for in them, only the application
//! that defined their type could compare with what a policy grants.
//!
//! Source: draft-gazitt-oauth-authzen-issuance; AuthZEN obligations profile; read August 2026.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::Spanned;

/// Names of claims that no policy states: whoever issues a token is the only one to say them, and `acrs` are the
/// authentication contexts that the request asked for.
pub const RESERVED_CLAIMS: [&str; 14] = [
    "iss",
    "iat",
    "jti",
    "sub",
    "aud",
    "exp",
    "nbf",
    "scope",
    "client_id",
    "cnf",
    "act",
    "authorization_details",
    "may_act",
    "acrs",
];
/// The claim that says which authentication contexts a token satisfies.
pub const ACRS: &str = "acrs";
/// The obligation to tell somebody.
pub const NOTIFICATION: &str = "notification";
/// The obligation to end sessions.
pub const SESSION_TERMINATION: &str = "session_termination";
/// The obligation to let somebody prove more; it follows from unmet controls, and no policy states it.
pub const STEP_UP: &str = "step-up";
/// Types of obligations that policies state by a name; all others are absolute URIs.
pub const OBLIGATION_TYPES: [&str; 2] = [NOTIFICATION, SESSION_TERMINATION];

/// What one policy says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shaping {
    /// How a token is shaped.
    pub token: TokenShape,
    /// What the caller is obliged to, in the order of the policy.
    pub obligations: Vec<StatedObligation>,
}

impl Shaping {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.token.is_empty() && self.obligations.is_empty()
    }
}

/// How a token is shaped; the default leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenShape {
    /// Longest life, seconds, from 1 to [`crate::limits::TOKEN_LIFETIME_SECONDS_MAX`].
    pub lifetime: Option<u32>,
    /// Claims by name, each with at least one value; none of [`RESERVED_CLAIMS`].
    pub claims: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
    /// Names out of `claims` without which the token must not be issued.
    pub critical: BTreeSet<Box<str>>,
}

impl TokenShape {
    /// Whether it leaves a token as it is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An obligation as a policy states it.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedObligation {
    /// Its id; `None`: made of the policy's id and the place in its list.
    pub id: Option<Spanned<Box<str>>>,
    /// Its type: one of [`OBLIGATION_TYPES`], or an absolute URI.
    pub kind: Box<str>,
    /// Its properties: an object as JSON, keys in order.
    pub properties: Box<str>,
}

/// An obligation as callers are told it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Obligation {
    /// Its id, which no other obligation of the bundle has.
    pub id: Box<str>,
    /// Its type.
    pub kind: Box<str>,
    /// Its properties: an object as JSON, keys in order.
    pub properties: Box<str>,
}
