//! The Graph door as clients of Microsoft Graph meet it: What If, and the tenant read back.
#![cfg(feature = "serve")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

#[path = "graph/agreement.rs"]
mod agreement;
#[path = "graph/cases.rs"]
mod cases;
#[path = "graph/examples.rs"]
mod examples;
#[path = "graph/links.rs"]
mod links;
#[path = "oracle/mod.rs"]
#[allow(dead_code, reason = "the oracle's judges are for other tests")]
mod oracle;
#[path = "graph/refusals.rs"]
mod refusals;
#[path = "graph/render.rs"]
mod render;
#[path = "graph/sdk.rs"]
mod sdk;
#[path = "graph/server.rs"]
mod server;
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod support;
#[path = "graph/tenant.rs"]
mod tenant;
