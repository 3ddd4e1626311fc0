//! CPU-bound work off the threads that serve requests.

use std::panic::resume_unwind;

/// Runs `work`: on a blocking thread if `is_slow`, otherwise right here. Panics if `work` panics.
pub(crate) async fn run_blocking_if<T: Send + 'static>(is_slow: bool, work: impl FnOnce() -> T + Send + 'static) -> T {
    if !is_slow {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
