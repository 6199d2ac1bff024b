//! The server as its callers meet it: real clients over TCP and Unix sockets, a real bundle, a real loader.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic, its helpers too")]

#[path = "serve/authority.rs"]
mod authority;
#[path = "serve/callers.rs"]
mod callers;
#[path = "serve/contract.rs"]
mod contract;
#[path = "serve/errors.rs"]
mod errors;
#[path = "serve/expiry.rs"]
mod expiry;
#[path = "serve/hooks.rs"]
mod hooks;
#[path = "serve/issuer.rs"]
mod issuer;
#[path = "serve/java.rs"]
mod java;
#[path = "serve/limits.rs"]
mod limits;
#[path = "serve/loader.rs"]
mod loader;
#[path = "serve/log.rs"]
mod log;
#[path = "serve/node.rs"]
mod node;
#[path = "serve/oauth.rs"]
mod oauth;
#[path = "serve/openapi.rs"]
mod openapi;
#[path = "serve/operators.rs"]
mod operators;
#[path = "serve/pieces.rs"]
mod pieces;
#[path = "serve/process.rs"]
mod process;
#[path = "serve/server.rs"]
mod server;
#[path = "serve/services.rs"]
mod services;
#[path = "serve/streams.rs"]
mod streams;
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod support;
#[path = "serve/tls.rs"]
mod tls;
#[path = "serve/tokens.rs"]
mod tokens;
#[path = "serve/wire.rs"]
mod wire;
