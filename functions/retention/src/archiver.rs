//! Archives what has expired before it is let go.
//!
//! Nothing is let go that is not in a durable file. A process that dies between the two archives the same events
//! again, and so do two that run at once: events may stand in two files, and each line has its pk.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Timestamp;
use domain::metric::{self, Metric, MetricBatch};
use domain::ports::{Archive, Clock, EventExpiry, StoreError};
use jiff::SignedDuration;

/// Events of one file, at most.
const TO_A_FILE: usize = 5_000;

/// How long what expires is gathered before it gets a file, so that there are not thousands of small ones a day.
const GATHERED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Who archives.
#[derive(Clone)]
pub struct Archiver {
    archive: Arc<dyn Archive>,
    keeping: Arc<dyn EventExpiry>,
    /// When nothing was left the last time, in this process.
    emptied: Arc<Mutex<Option<Timestamp>>>,
}

impl Archiver {
    /// From that store into that archive.
    pub fn new(archive: Arc<dyn Archive>, keeping: Arc<dyn EventExpiry>) -> Self {
        Self { archive, keeping, emptied: Arc::default() }
    }

    /// Archives events that have expired and lets them go, at most until `deadline`; says how many.
    pub(crate) async fn run(&self, clock: &dyn Clock, deadline: Timestamp) -> Result<usize, StoreError> {
        let mut archived = 0;
        loop {
            let now = clock.now();
            if now >= deadline || !self.is_due(now) {
                return Ok(archived);
            }
            let found = self.keeping.expired(now, TO_A_FILE).await?;
            // Counted before it is tried: an archive that refuses everything must show.
            tell_lag(found.since.map_or(SignedDuration::ZERO, |since| now.duration_since(since)));
            if !found.events.is_empty() {
                self.archive.put(&found.events, now).await?;
            }
            self.keeping.mark_archived(&found, now).await?;
            archived += found.events.len();
            if found.is_last {
                *self.emptied.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                return Ok(archived);
            }
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let emptied = *self.emptied.lock().unwrap_or_else(PoisonError::into_inner);
        emptied.is_none_or(|emptied| now >= domain::time::later(emptied, GATHERED_FOR))
    }
}

fn tell_lag(lag: SignedDuration) {
    let lag = usize::try_from(lag.as_millis()).unwrap_or(0);
    tracing::info!(target: metric::TARGET, tally = MetricBatch::default().with(Metric::ArchiveLag, lag).to_json(), "counted");
}
