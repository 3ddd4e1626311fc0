//! Work that may take its time, done beside the thread that answers requests.

use std::panic::resume_unwind;

use jiff::SignedDuration;

/// When one request has gone through enough of the history; then there is the next.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_secs(10);

/// Does it, elsewhere if it `takes_time`.
pub(crate) async fn beside<T: Send + 'static>(takes_time: bool, work: impl FnOnce() -> T + Send + 'static) -> T {
    if !takes_time {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
