//! The promise of live reload: bundles change under callers that never notice, and every answer is right for the
//! revision that it names.
//!
//! A real server, real connections that stay open over every change, and the two ways in which bundles are swapped in
//! practice: a link that is renamed, and a Kubernetes volume. Start with [`swap`].
#![cfg(feature = "serve")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

#[path = "live/bundle.rs"]
mod bundle;
#[path = "live/client.rs"]
mod client;
#[path = "live/refuse.rs"]
mod refuse;
#[path = "live/server.rs"]
mod server;
#[path = "live/signal.rs"]
mod signal;
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod support;
#[path = "live/swap.rs"]
mod swap;
