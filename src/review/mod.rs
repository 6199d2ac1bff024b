//! What authors ask of whole bundles.
//!
//! - [`analysis`]: whole bundles compared, proved and searched for gaps, over all requests.
//! - [`cases`]: the tests that a bundle carries.
//! - [`cedar`]: policies in Cedar, for readers and other tools.
//! - [`coverage`]: what the tests of a bundle exercise, and cases for the rest.
//! - [`export`]: a bundle for Microsoft Graph, and what Graph cannot hold.
//! - [`flip`]: the smallest change of a request that turns its decision around.
//! - [`graph`]: policies and named locations as Microsoft Graph writes them.
//! - [`impact`]: what depends on a location or policy, or on an edit.
//! - [`mistaken`]: ids of requests that are probably no object ids.
//! - [`mutate`]: which mistakes the tests of a bundle would not notice.
//! - [`request`]: a token request written as a document.
//! - [`schema`]: JSON Schemas of a bundle's files, for editors.
//! - [`summary`]: what a bundle contains, counted.
//! - [`what_if`]: a request of Graph's What If.
//!
//! Asks `compile` and `evaluate` and decides nothing itself; knows no files and no terminal.

pub mod analysis;
pub mod cases;
pub mod cedar;
pub mod coverage;
pub mod export;
pub mod flip;
pub mod graph;
pub mod impact;
mod matrix;
mod members;
pub mod mistaken;
pub mod mutate;
mod paste;
pub mod request;
pub mod rules;
pub mod schema;
pub mod summary;
mod suppose;
#[cfg(test)]
mod tests;
pub mod what_if;
