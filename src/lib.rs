//! doorward: a conditional access decision point that runs beside a token service.
//!
//! Policies are bundles of files in the shapes of Microsoft Graph; a decision is allow or block, with the policies
//! that decided.

pub mod compile;
pub mod evaluate;
pub mod filter;
pub mod limits;
pub mod model;
#[cfg(feature = "serve")]
pub mod observe;
#[cfg(feature = "serve")]
pub mod reload;
pub mod review;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "serve")]
pub mod source;
pub mod text;
