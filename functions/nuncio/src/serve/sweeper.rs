//! The schedule on one machine: the sweep that AWS starts by the clock.

use std::time::Duration;

use jiff::SignedDuration;
use retention::Retention;

use super::shutdown::Shutdown;

const EVERY: Duration = Duration::from_secs(30);

/// How long one sweep may go on; the next one takes the rest.
const AT_MOST: SignedDuration = SignedDuration::from_secs(10);

/// Sweeps at once and then again and again.
pub(super) async fn run(retention: Retention, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        if let Err(error) = retention.sweep(AT_MOST).await {
            tracing::error!(%error, "the sweep failed; the next one tries again");
        }
        tokio::time::sleep(EVERY).await;
    }
}
