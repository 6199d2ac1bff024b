//! Keeps one good snapshot active.
//!
//! [`Loader`] is one thread that owns everything about loading: it watches the source, reads and compiles, publishes
//! through [`Active`], writes [`Status`] and frees what it replaced. When to do what is decided by [`machine`], a pure
//! state machine without clock, files or threads. A request loads [`Active`] once and knows nothing of the rest; a bad
//! bundle changes [`Status`] and leaves [`Active`] alone. Start with [`machine`], then `work`.

mod accept;
mod gently;
mod in_force;
pub mod machine;
mod outcome;
mod priority;
mod sequence;
mod shelf;
mod snapshot;
mod status;
mod task;
pub(crate) mod watch;
mod work;

pub use accept::{accept, start, start_keeping, start_with_graph};
pub use in_force::InForce;
pub use outcome::{Built, Facts, LoadResult, Loaded, Rejection, Stage};
pub use sequence::KeptSequence;
pub use shelf::{GraphView, Reader, Shelf};
pub use snapshot::{Active, Snapshot};
pub use status::{ActiveBundle, Durations, LOAD_BUCKETS_MS, Loads, RejectedBundle, Status, Times, View};
pub use task::{FirstLoadError, Loader};
