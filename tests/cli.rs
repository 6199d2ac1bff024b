//! The command line as people and scripts meet it: the binary itself, its output, its exit codes.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic, its helpers too")]

#[path = "cli/authzen_selftest.rs"]
mod authzen_selftest;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/decide.rs"]
mod decide;
#[path = "cli/diff.rs"]
mod diff;
#[path = "cli/export.rs"]
mod export;
#[path = "cli/fix.rs"]
mod fix;
#[path = "cli/fmt.rs"]
mod fmt;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/impact.rs"]
mod impact;
#[path = "cli/prove.rs"]
mod prove;
#[path = "cli/replay.rs"]
mod replay;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/serve.rs"]
mod serve;
#[path = "cli/sidecar.rs"]
mod sidecar;
#[path = "cli/suite.rs"]
mod suite;
#[allow(dead_code, clippy::indexing_slicing, reason = "shared with other tests; each uses a part")]
mod support;
