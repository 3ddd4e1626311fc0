//! Fills the search index behind the writes, while there is little else to do.

use std::time::Duration;

use embedded::Store;

use super::shutdown::Shutdown;

/// For what comes next, once all is read.
const UNTIL_NEXT: Duration = Duration::from_secs(2);

/// Between two parts, so that whoever posts or asks comes first.
const BREATH: Duration = Duration::from_millis(20);

/// While events come in faster than they are read.
const STEP_ASIDE: Duration = Duration::from_secs(2);

const AFTER_FAILURE: Duration = Duration::from_mins(1);

/// Reads part after part.
pub(super) async fn run(store: Store, shutdown: Shutdown) {
    let mut left = 0;
    while !shutdown.is_requested() {
        let before = left;
        let filled = store.fill_search_index().await;
        left = filled.as_ref().copied().unwrap_or_default();
        let wait = match filled {
            Ok(0) => UNTIL_NEXT,
            Ok(_) if left < before || before == 0 => BREATH,
            Ok(_) => STEP_ASIDE,
            Err(error) => {
                tracing::error!(%error, "the search index cannot be filled; searches read the events themselves");
                AFTER_FAILURE
            }
        };
        shutdown.sleep(wait).await;
    }
}
