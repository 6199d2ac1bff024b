//! doorward: a conditional access decision point that runs beside a token service.
//!
//! Before a token is issued the caller asks "may this identity, from this network, at this risk, have this token?" and
//! gets allow or block with the policies that decided. Policies are bundles of files in the shapes of Microsoft Graph's
//! Conditional Access API.
//!
//! ```
//! use doorward::compile::compile;
//! use doorward::evaluate::{Evaluation, evaluate};
//! use doorward::model::request::{Identity, TokenRequest};
//! use doorward::model::{Decision, IdRef, IdentityKind};
//! use doorward::text::{RawBundle, RawFile};
//!
//! let policy = "
//! displayName: No workloads
//! state: enabled
//! conditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }
//! grantControls: { builtInControls: [block] }
//! ";
//! let file = RawFile { name: "policy.yaml".into(), bytes: policy.into() };
//! let bundle = compile(&RawBundle { files: vec![file], digest: "00".into() }).bundle.expect("no errors");
//!
//! let id = IdRef::new("5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01");
//! let request = TokenRequest::new(Identity::new(IdentityKind::ServicePrincipal, id));
//! let mut evaluation = Evaluation::default();
//! evaluate(&bundle, &request, &mut evaluation).expect("the request does not contradict itself");
//! assert_eq!(evaluation.decision(), Decision::Block);
//! ```
//!
//! # Where to start reading
//!
//! Data flows one way; read along it.
//!
//! 1. [`model`]: what a policy, a location, a token request and a decision *are*.
//! 2. [`text`]: files, places in them, diagnostics, one document tree for YAML and JSON.
//! 3. [`filter`]: the rule language of device, application and service principal filters.
//! 4. [`mod@compile`]: from documents to an immutable, fast form; every problem at once.
//! 5. [`mod@evaluate`]: one request against one compiled bundle. `condition` says what policies mean, `combine` how
//!    they become a decision.
//! 6. [`review`]: what authors ask of whole bundles, their tests above all.
//! 7. `source`, `reload`: where bundles come from, and how one good bundle stays in force.
//! 8. `serve`, `observe`: one request path, thin doors, counters and logs.
//! 9. `config`: the settings file of a server.
//! 10. `cli`: one file for each verb.
//!
//! [`limits`] has every bound.
//!
//! # What policies do not say
//!
//! A policy limits the life of a token and adds claims to it; it states no rich authorization requests
//! (`authorization_details`, RFC 9396). What such a request asks for, only the application that defined its type can compare
//! with what may be granted: a decision point that rewrote one could grant more than it meant.
//!
//! # What never happens
//!
//! - 1 to 6 are the core: they read no file, socket, environment variable or clock, log nothing, spawn and await nothing,
//!   and build with `--no-default-features`. What they need is a parameter.
//! - `evaluate` sees a compiled bundle and values, never YAML, JSON or protobuf. Deciding allocates nothing, unless
//!   a condition in Cedar must be asked because all others of its policy hold.
//! - A fact that is missing never turns a block into an allow.
//! - Only `evaluate::combine` orders outcomes. A report-only policy cannot reach the decision.
//! - Only `serve::wire` knows wire types; `model` derives no serde. Doors hold no decision logic.
//! - Only `reload` publishes a snapshot, and only it knows arc-swap. A bad bundle never replaces a good one.
//! - Inputs never panic the process: `unsafe` is forbidden, unwrap, expect, panic and indexing are denied, and each
//!   exception says why.
//! - Features add modules; enabling one never changes a decision.
//!
//! `tests/tidy.rs` holds what of this a compiler cannot.

#![forbid(unsafe_code)]

// WHY: what is shared with the tests beside the crate calls it by its name.
#[cfg(test)]
extern crate self as doorward;

#[cfg(feature = "serve")]
pub mod cli;
pub mod compile;
#[cfg(feature = "serve")]
pub mod config;
pub mod evaluate;
pub mod filter;
#[cfg(test)]
#[expect(dead_code, reason = "shared with the tests beside the crate; each uses a part")]
#[path = "../tests/support/found.rs"]
mod found;
pub mod limits;
pub mod model;
#[cfg(feature = "serve")]
pub mod observe;
#[cfg(feature = "serve")]
pub mod reload;
pub mod review;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "serve")]
pub mod source;
pub mod text;
#[cfg(test)]
#[path = "../tests/support/written.rs"]
mod written;
