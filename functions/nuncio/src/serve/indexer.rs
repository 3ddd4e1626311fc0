//! Fills the search index in the background, with low priority.

use std::time::Duration;

use embedded::Store;

use super::shutdown::Shutdown;

/// The pause once all events are indexed.
const IDLE_PAUSE: Duration = Duration::from_secs(2);

/// The pause between two batches, so that requests come first.
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// The pause while events arrive faster than they are indexed: indexing would only slow down storing them.
const BACKOFF: Duration = Duration::from_secs(2);

/// The pause after an error.
const FAILURE_BACKOFF: Duration = Duration::from_mins(1);

/// Indexes batch after batch until a shutdown is requested.
pub(super) async fn run(store: Store, shutdown: Shutdown) {
    let mut left = 0;
    while !shutdown.is_requested() {
        let before = left;
        let filled = store.fill_search_index().await;
        left = filled.as_ref().copied().unwrap_or_default();
        let wait = match filled {
            Ok(0) => IDLE_PAUSE,
            Ok(_) if left < before || before == 0 => BATCH_PAUSE,
            Ok(_) => BACKOFF,
            Err(error) => {
                tracing::error!(%error, "the search index cannot be filled; searches read the events themselves");
                FAILURE_BACKOFF
            }
        };
        shutdown.sleep(wait).await;
    }
}
