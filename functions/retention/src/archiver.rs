//! Moves expired events to the archive before they are deleted.
//!
//! An event is deleted only after it is in a durable file. If a process crashes in between, or if two run at once, the
//! same events are archived twice; each line of a file carries the event's pk, so that readers can drop duplicates.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::metric::{self, Metric, MetricBatch};
use domain::ports::{Archive, Clock, EventExpiry, StoreError};
use jiff::SignedDuration;

/// The maximum number of events in one file.
const MAX_PER_FILE: usize = 5_000;

/// How long expired events are collected before the next file is written, to avoid thousands of small files a day.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// Moves expired events to the archive. Clones share their state.
#[derive(Clone)]
pub struct Archiver {
    archive: Arc<dyn Archive>,
    keeping: Arc<dyn EventExpiry>,
    /// When this process last found no more expired events.
    completed: Arc<Mutex<Option<Timestamp>>>,
}

impl Archiver {
    /// An archiver that moves events from the store behind `keeping` to `archive`.
    pub fn new(archive: Arc<dyn Archive>, keeping: Arc<dyn EventExpiry>) -> Self {
        Self { archive, keeping, completed: Arc::default() }
    }

    /// Archives expired events and deletes them, one file after the other, until `deadline`. Returns the number of
    /// events.
    pub(crate) async fn run(&self, clock: &dyn Clock, deadline: Timestamp) -> Result<usize, StoreError> {
        let mut archived = 0;
        loop {
            let now = clock.now();
            if now >= deadline || !self.is_due(now) {
                return Ok(archived);
            }
            let found = self.keeping.expired(now, MAX_PER_FILE).await?;
            // Measured before the attempt, so that the lag also grows while the archive refuses every file.
            log_lag(found.since.map_or(SignedDuration::ZERO, |since| now.duration_since(since)));
            if !found.events.is_empty() {
                self.archive.put(&found.events, now).await?;
            }
            self.keeping.mark_archived(&found, now).await?;
            archived += found.events.len();
            if found.is_last {
                *self.completed.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                return Ok(archived);
            }
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let completed = *self.completed.lock().unwrap_or_else(PoisonError::into_inner);
        completed.is_none_or(|completed| now >= domain::time::later(completed, MIN_INTERVAL))
    }
}

fn log_lag(lag: SignedDuration) {
    let lag = usize::try_from(lag.as_millis()).unwrap_or(0);
    tracing::info!(target: metric::TARGET, metrics = MetricBatch::default().with(Metric::ArchiveLag, lag).to_json(), "counted");
}
