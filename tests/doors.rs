//! The doors of gateways as these meet them: the binary with its settings file, recorded requests of real proxies, and,
//! where they are installed, the proxies themselves with the configurations of `deploy`.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic, its helpers too")]

#[path = "doors/check.rs"]
mod check;
#[path = "doors/envoy.rs"]
mod envoy;
#[path = "doors/evasion.rs"]
mod evasion;
#[path = "doors/forward.rs"]
mod forward;
#[path = "serve/issuer.rs"]
#[allow(dead_code, reason = "shared with another test, which uses all of it")]
mod issuer;
#[path = "doors/program.rs"]
mod program;
#[path = "doors/proxies.rs"]
mod proxies;
#[path = "doors/recipes.rs"]
mod recipes;
#[path = "doors/recordings.rs"]
mod recordings;
#[path = "doors/same.rs"]
mod same;
#[path = "doors/server.rs"]
mod server;
#[path = "doors/settings.rs"]
mod settings;
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod support;
#[path = "doors/tokens.rs"]
mod tokens;
