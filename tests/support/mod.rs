//! What several tests need: doorward in this process and as a process of its own, clients of HTTP, and what lies outside
//! of the project.
//!
//! Each test takes a part of it. What only one test needs is in its own folder, beside the cases. Start with [`server`].

pub mod countries;
pub mod found;
#[cfg(feature = "serve")]
pub mod http;
#[cfg(feature = "serve")]
pub mod metadata;
#[cfg(feature = "serve")]
pub mod process;
#[cfg(feature = "serve")]
pub mod raw;
#[cfg(feature = "serve")]
pub mod server;
pub mod written;

use std::time::Duration;

/// Longest wait for what must happen, on a machine that has other things to do; nothing waits for it that works.
pub const PATIENCE: Duration = Duration::from_secs(120);
