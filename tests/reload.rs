//! The loader on real files, with real events: what editors, deployments and Kubernetes do to a folder.
//!
//! The bundles are toys, so that these tests are about loading alone: the revision of a bundle spells out its files.
//! Unless a test is about polling, the poll is an hour away, so that events alone must do.
#![cfg(all(feature = "serve", unix))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it must be")]

#[path = "reload/edit.rs"]
mod edit;
#[path = "reload/harness.rs"]
mod harness;
#[path = "reload/keep.rs"]
mod keep;
#[path = "reload/sequence.rs"]
mod sequence;
#[path = "reload/swap.rs"]
mod swap;
#[path = "reload/turn.rs"]
mod turn;
