//! What authors ask of whole bundles.
//!
//! - [`cases`]: the tests that a bundle carries.
//! - [`cedar`]: policies in Cedar, for readers and other tools.
//! - [`request`]: a token request written as a document.
//!
//! Asks `compile` and `evaluate` and decides nothing itself; knows no files and no terminal.

pub mod cases;
pub mod cedar;
mod matrix;
mod members;
pub mod request;
pub mod rules;
