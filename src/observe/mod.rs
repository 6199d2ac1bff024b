//! What can be known of a running server without disturbing it: counters, the decision log, events.
//!
//! Requests only ever add to what their own thread owns or try to put a record into a queue; everything slow (merging,
//! encoding, writing) happens on the reader's side. Start with [`metrics`], then [`log`].

pub mod log;
pub mod metrics;
pub mod trace;
