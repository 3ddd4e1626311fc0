//! Archives what has expired before it is deleted.
//!
//! Nothing is deleted that is not in a file on disk. A process that dies between the two archives the same events
//! again: they may stand in two files, and each line has its pk.

use std::sync::{Arc, Mutex, PoisonError};

use domain::ports::{Archive, Clock, Keeping, StoreError};
use domain::{Event, Timestamp};
use jiff::SignedDuration;

use crate::PURGE_AT_A_TIME;

/// Events of one file, at most.
const TO_A_FILE: usize = 5_000;

/// How long what expires is gathered before it gets a file, so that there are not thousands of small ones a day.
const GATHERED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Who archives.
#[derive(Clone)]
pub struct Archiver {
    archive: Arc<dyn Archive>,
    keeping: Arc<dyn Keeping>,
    /// When nothing was left the last time, in this process.
    emptied: Arc<Mutex<Option<Timestamp>>>,
}

impl Archiver {
    /// From that store into that archive.
    pub fn new(archive: Arc<dyn Archive>, keeping: Arc<dyn Keeping>) -> Self {
        Self { archive, keeping, emptied: Arc::default() }
    }

    /// Archives and deletes events that have expired, at most until `deadline`; says how many.
    pub(crate) async fn run(&self, clock: &dyn Clock, deadline: Timestamp) -> Result<usize, StoreError> {
        let mut archived = 0;
        loop {
            let now = clock.now();
            if now >= deadline || !self.is_due(now) {
                return Ok(archived);
            }
            let events = self.keeping.expired(now, TO_A_FILE).await?;
            if events.is_empty() {
                *self.emptied.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                return Ok(archived);
            }
            self.archive.put(&events, now).await?;
            archived += self.delete(&events, now).await?;
        }
    }

    async fn delete(&self, events: &[Event], now: Timestamp) -> Result<usize, StoreError> {
        let mut deleted = 0;
        for some in events.chunks(PURGE_AT_A_TIME) {
            let pks: Vec<_> = some.iter().map(|event| event.pk).collect();
            deleted += self.keeping.delete_expired(&pks, now).await?;
        }
        Ok(deleted)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let emptied = *self.emptied.lock().unwrap_or_else(PoisonError::into_inner);
        emptied.is_none_or(|emptied| now >= domain::time::later(emptied, GATHERED_FOR))
    }
}
