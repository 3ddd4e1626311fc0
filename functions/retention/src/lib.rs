//! The scheduled tasks: queue due retries, count events per hour, archive and delete expired records, and advance the
//! operator's jobs, each by a bounded amount of work.
//!
//! All tasks are safe to repeat and to run concurrently. Readers never depend on the deletion: expired records are
//! invisible before they are deleted.

mod archiver;
mod jobs;
mod mailbox;

pub use archiver::Archiver;
pub use jobs::JobRunner;
pub use mailbox::MailboxPurge;

use std::sync::Arc;

use domain::Timestamp;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{Archive, Clock, DeadLetters, EventLog, Ledger, PurgeScope, StoreError, Stores, Volume, WorkQueue};
use jiff::SignedDuration;

/// Deliveries per queue message. A small number, so that a slow receiver does not hold up many other retries.
const MAX_PER_MESSAGE: usize = 25;

/// Due deliveries queued in one sweep; the next sweep takes the rest.
const DUE_BATCH: usize = 4_000;

/// Records deleted per transaction. A small number, so that the writes of ingestion do not wait for long.
const PURGE_BATCH: usize = 500;

/// Dead-letter messages redriven per hour; about ten seconds of requests.
const REDRIVE_BATCH: usize = 2000;

/// What one sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Number of expired records deleted.
    pub purged: usize,
    /// Number of deliveries queued because their next attempt is due.
    pub resent: usize,
    /// Number of messages moved from the dead letters back to the queue.
    pub redriven: usize,
    /// Number of hours whose events were counted.
    pub counted: usize,
    /// Number of expired events archived and deleted.
    pub archived: usize,
}

/// The recurring part of the scheduled tasks.
#[derive(Clone)]
pub struct Sweep {
    /// The events and other expiring records.
    pub log: Arc<dyn EventLog>,
    /// The event counts per hour.
    pub volume: Arc<dyn Volume>,
    /// The deliveries with their due times.
    pub ledger: Arc<dyn Ledger>,
    /// The queue for due deliveries.
    pub queue: Arc<dyn WorkQueue>,
    /// The messages that the queue has given up on.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Archives events before they are deleted; `None` if archiving is off.
    pub archiver: Option<Archiver>,
    /// Decides what has expired or is due, and when the time for one sweep is over.
    pub clock: Arc<dyn Clock>,
    /// How long after its expiry a record is left to the store's own TTL deletion, which costs less. Zero for a store
    /// without TTL.
    pub purge_grace: SignedDuration,
}

impl Sweep {
    /// Takes the store's ports from `stores`. Archives expired events if there is an archive.
    pub fn new(
        stores: &Stores,
        archive: Option<Arc<dyn Archive>>,
        clock: Arc<dyn Clock>,
        purge_grace: SignedDuration,
    ) -> Self {
        let Stores { log, volume, ledger, queue, dead_letters, keeping, .. } = stores.clone();
        let archiver = archive.map(|archive| Archiver::new(archive, keeping));
        Self { log, volume, ledger, queue, dead_letters, archiver, clock, purge_grace }
    }

    /// Queues due deliveries, redrives dead letters once an hour, counts completed hours, then archives and deletes expired
    /// records, for at most `time`.
    ///
    /// # Errors
    /// If the store or the queue fails. The work done until then remains.
    pub async fn run(&self, time: SignedDuration) -> Result<SweepReport, StoreError> {
        let deadline = domain::time::later(self.clock.now(), time);
        let resent = self.queue_due().await?;
        let redriven = self.redrive().await?;
        let counted = self.roll_up(deadline).await?;
        let archived = match &self.archiver {
            Some(archiver) => archiver.run(&*self.clock, deadline).await?,
            None => 0,
        };
        let purged = self.purge(deadline).await?;
        if resent + redriven + counted + archived + purged > 0 {
            tracing::info!(purged, archived, resent, redriven, counted, "swept");
        }
        Ok(SweepReport { purged, resent, redriven, counted, archived })
    }

    async fn redrive(&self) -> Result<usize, StoreError> {
        if !is_start_of_hour(self.clock.now()) {
            return Ok(0);
        }
        self.dead_letters.give_back(REDRIVE_BATCH).await
    }

    async fn roll_up(&self, deadline: Timestamp) -> Result<usize, StoreError> {
        let mut counted = 0;
        loop {
            let now = self.clock.now();
            let hours = self.volume.roll_up(now).await?;
            counted += hours;
            if hours == 0 || now >= deadline {
                return Ok(counted);
            }
        }
    }

    async fn queue_due(&self) -> Result<usize, StoreError> {
        let due = self.ledger.due(self.clock.now(), DUE_BATCH).await?;
        let messages: Vec<QueueMessage> =
            due.chunks(MAX_PER_MESSAGE).map(|ids| QueueMessage::new(QueuedWork::Deliveries(ids.to_vec()))).collect();
        if !messages.is_empty() {
            self.queue.send(&messages, SignedDuration::ZERO).await?;
        }
        Ok(due.len())
    }

    async fn purge(&self, deadline: Timestamp) -> Result<usize, StoreError> {
        let what = if self.archiver.is_some() { PurgeScope::AllButEvents } else { PurgeScope::All };
        let mut purged = 0;
        loop {
            let now = self.clock.now();
            let deleted = self.log.purge(what, domain::time::later(now, -self.purge_grace), PURGE_BATCH).await?;
            purged += deleted;
            if deleted < PURGE_BATCH || now >= deadline {
                return Ok(purged);
            }
        }
    }
}

/// Whether it is the first minute of an hour. Dead letters are redriven only then: operators get time to inspect them, and
/// a message that always fails costs little.
fn is_start_of_hour(now: Timestamp) -> bool {
    now.as_second().rem_euclid(3600) < 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_an_hour_lasts_one_minute() {
        let at = |time: &str| is_start_of_hour(format!("2026-01-02T{time}Z").parse().unwrap());
        assert_eq!(["02:59:59", "03:00:00", "03:00:59.9", "03:01:00"].map(at), [false, true, true, false]);
    }
}
