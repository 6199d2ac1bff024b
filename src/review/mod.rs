//! What authors ask of whole bundles.
//!
//! - [`cases`]: the tests that a bundle carries.
//! - [`request`]: a token request written as a document.
//! - [`summary`]: what a bundle contains, counted.
//!
//! Asks `compile` and `evaluate` and decides nothing itself; knows no files and no terminal.

pub mod cases;
mod matrix;
mod members;
pub mod request;
pub mod rules;
pub mod summary;
