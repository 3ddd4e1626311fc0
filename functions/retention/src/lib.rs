//! The scheduled tasks: queue due retries and due groups of detections, archive expired events, count events per hour,
//! delete expired records, and advance the operator's jobs, each by a bounded amount of work.
//!
//! No task waits for another to succeed, and each leaves time for the following ones: it may use half of the time that
//! remains.
//!
//! All tasks are safe to repeat and to run concurrently. Readers never depend on the deletion: expired records are
//! invisible before they are deleted.
#![doc = include_str!("../README.md")]

mod archiver;
mod jobs;
mod mailbox;
mod queued;
mod report;

pub use archiver::Archiver;
pub use jobs::JobRunner;
pub use mailbox::MailboxPurge;
pub use queued::QueuedLately;
pub use report::{SweepError, SweepReport};

use std::sync::Arc;

use domain::Timestamp;
use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{
    Archive, Clock, DeadLetters, DetectionGroups, EventLog, Ledger, PurgeScope, StoreError, Stores, Volume, WorkQueue,
};
use jiff::SignedDuration;

/// Deliveries per queue message. A small number, so that a slow receiver does not hold up many other retries.
const MAX_PER_MESSAGE: usize = 25;

/// Due deliveries queued in one sweep: 1,000 per second for a sweep a minute, and a few seconds of requests. The next
/// sweep takes the rest.
const DUE_BATCH: usize = 60_000;

/// Due groups of detections queued in one sweep. The next sweep takes the rest.
const GROUP_BATCH: usize = 10_000;

/// Groups of detections per queue message.
const GROUPS_PER_MESSAGE: usize = 100;

/// Records deleted per transaction. A small number, so that the writes of ingestion do not wait for long.
const PURGE_BATCH: usize = 500;

/// Dead-letter messages redriven per hour; about ten seconds of requests.
const REDRIVE_BATCH: usize = 2000;

/// The recurring part of the scheduled tasks.
#[derive(Clone)]
pub struct Sweep {
    /// The events and other expiring records.
    pub log: Arc<dyn EventLog>,
    /// The event counts per hour.
    pub volume: Arc<dyn Volume>,
    /// The deliveries with their due times.
    pub ledger: Arc<dyn Ledger>,
    /// The groups of detections, of which some wait for an event until it is due.
    pub groups: Arc<dyn DetectionGroups>,
    /// The queue for due deliveries and groups.
    pub queue: Arc<dyn WorkQueue>,
    /// The messages that the queue has given up on.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Archives events before they are deleted; `None` if archiving is off.
    pub archiver: Option<Archiver>,
    /// Advances the operator's jobs as a part of the sweep; `None` if something else advances them.
    pub runner: Option<JobRunner>,
    /// Decides what has expired or is due, and when the time for one sweep is over.
    pub clock: Arc<dyn Clock>,
    /// How long after its expiry a record is deleted.
    pub purge_grace: SignedDuration,
    /// What this process has queued lately. Clones share it.
    pub queued: QueuedLately,
}

impl Sweep {
    /// Takes the store's ports from `stores`. Archives expired events if there is an archive.
    pub fn new(
        stores: &Stores,
        archive: Option<Arc<dyn Archive>>,
        clock: Arc<dyn Clock>,
        purge_grace: SignedDuration,
    ) -> Self {
        let Stores { log, volume, ledger, groups, queue, dead_letters, keeping, .. } = stores.clone();
        let queued = QueuedLately::default();
        let archiver = archive.map(|archive| Archiver::new(archive, keeping));
        Self { log, volume, ledger, groups, queue, dead_letters, archiver, runner: None, clock, purge_grace, queued }
    }

    /// The same, with the operator's jobs as a part of it.
    pub fn with_jobs(self, runner: JobRunner) -> Self {
        Self { runner: Some(runner), ..self }
    }

    /// Queues due deliveries, redrives dead letters once an hour, archives expired events, counts completed hours, deletes
    /// expired records, then advances jobs, for at most `time`.
    ///
    /// # Errors
    /// If a task fails: the others are done all the same. The work done until then remains.
    pub async fn run(&self, time: SignedDuration) -> Result<SweepReport, SweepError> {
        let deadline = domain::time::later(self.clock.now(), time);
        let mut error = SweepError::default();
        let resent = error.collect("queue due deliveries", self.queue_due().await);
        error.collect("queue due groups of detections", self.queue_due_groups().await);
        let redriven = error.collect("redrive dead letters", self.redrive().await);
        let archived = match &self.archiver {
            Some(archiver) => error.collect("archive", archiver.run(&*self.clock, self.share(deadline)).await),
            None => 0,
        };
        let (counted, result) = self.roll_up(self.share(deadline)).await;
        error.collect("count hours", result);
        let purged = error.collect("delete expired records", self.purge(self.share(deadline)).await);
        // Last, because a job takes all the time that the others leave.
        let job_steps = match &self.runner {
            Some(runner) => error.collect("advance jobs", runner.advance_until(deadline).await),
            None => 0,
        };
        let report = SweepReport { purged, resent, redriven, counted, archived, job_steps };
        if report != SweepReport::default() {
            tracing::info!(purged, archived, resent, redriven, counted, job_steps, "swept");
        }
        if error.is_empty() { Ok(report) } else { Err(error) }
    }

    /// The end of a task's share: half of the time until `deadline`. What a task leaves of it, the following ones
    /// share.
    fn share(&self, deadline: Timestamp) -> Timestamp {
        let now = self.clock.now();
        domain::time::later(now, deadline.duration_since(now) / 2)
    }

    async fn redrive(&self) -> Result<usize, StoreError> {
        if !is_start_of_hour(self.clock.now()) {
            return Ok(0);
        }
        self.dead_letters.give_back(REDRIVE_BATCH).await
    }

    /// Returns the number of events counted, also if an error ended it.
    async fn roll_up(&self, deadline: Timestamp) -> (usize, Result<usize, StoreError>) {
        let mut counted = 0;
        loop {
            let part = match self.volume.roll_up(self.clock.now()).await {
                Ok(part) => part,
                Err(error) => return (counted, Err(error)),
            };
            counted += part.events;
            if !part.has_more || self.clock.now() >= deadline {
                return (counted, Ok(counted));
            }
        }
    }

    async fn queue_due(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due = self.queued.without_known(self.ledger.due(now, DUE_BATCH).await?, now);
        let ids: Vec<_> = due.iter().map(|due| due.id).collect();
        let messages: Vec<QueueMessage> =
            ids.chunks(MAX_PER_MESSAGE).map(|ids| QueueMessage::new(QueuedWork::Deliveries(ids.to_vec()))).collect();
        if !messages.is_empty() {
            self.queue.send(&messages, SignedDuration::ZERO).await?;
        }
        self.queued.remember(&due, now);
        Ok(due.len())
    }

    /// Queues the groups that wait for an event, once it is due and everything that was received before is evaluated.
    /// Returns how many.
    ///
    /// # Errors
    /// If the store or the queue fails; the next call tries again.
    pub async fn queue_due_groups(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let mut ids = self.groups.due(now, GROUP_BATCH).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        if let Some(oldest) = self.queue.backlog(now).await?.oldest {
            ids = self.groups.due(oldest.min(now), GROUP_BATCH).await?;
        }
        let messages: Vec<QueueMessage> =
            ids.chunks(GROUPS_PER_MESSAGE).map(|ids| QueueMessage::new(QueuedWork::Groups(ids.to_vec()))).collect();
        self.queue.send(&messages, SignedDuration::ZERO).await?;
        Ok(ids.len())
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

/// Whether it is the first minute of an hour. Dead letters are redriven only then: operators get time to inspect them,
/// and a message that always fails costs little.
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
