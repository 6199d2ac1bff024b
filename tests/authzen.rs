//! The AuthZEN door as its callers meet it: a real server, asked over HTTP.
#![cfg(feature = "serve")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

#[path = "authzen/agreement.rs"]
mod agreement;
#[path = "authzen/batch.rs"]
mod batch;
#[path = "authzen/exchange.rs"]
mod exchange;
#[path = "authzen/facts.rs"]
mod facts;
#[path = "authzen/issuance.rs"]
mod issuance;
#[path = "authzen/metadata.rs"]
mod metadata;
#[path = "authzen/open_id.rs"]
mod open_id;
#[path = "authzen/search.rs"]
mod search;
#[path = "authzen/server.rs"]
mod server;
#[path = "authzen/shaping.rs"]
mod shaping;
#[path = "authzen/statuses.rs"]
mod statuses;
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod support;
#[path = "authzen/vectors.rs"]
mod vectors;
