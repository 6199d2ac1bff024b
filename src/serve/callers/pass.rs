//! The name of the caller whose request a task works on, for whoever writes a record of it.
//!
//! WHY a task's own variable: the name concerns no door and no decision, and callers that are not authenticated, whose
//! requests must cost as little as possible, carry none.

use std::sync::Arc;

tokio::task_local! {
    static CALLER: Option<Arc<str>>;
}

/// Works on a request of `caller`.
pub async fn with<F: Future>(caller: Option<Arc<str>>, work: F) -> F::Output {
    CALLER.scope(caller, work).await
}

/// As [`with`], for work that does not wait.
pub fn with_sync<T>(caller: Option<Arc<str>>, work: impl FnOnce() -> T) -> T {
    CALLER.sync_scope(caller, work)
}

/// The caller of this task's request, if it is known.
pub fn caller() -> Option<Arc<str>> {
    CALLER.try_with(Clone::clone).ok().flatten()
}
