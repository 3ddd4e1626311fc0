//! What happens by the clock: due retries go back to the queue, hours that are over are counted, expired records are
//! deleted; and the operator's jobs, a bounded part at a time.
//!
//! All are safe to repeat and to run in two places at once. Deleting is not needed for correctness of
//! what readers see: expired records are invisible before they are deleted.

mod archiver;
mod jobs;
mod mailbox;

pub use archiver::Archiver;
pub use jobs::JobRunner;
pub use mailbox::MailboxPurge;

use std::sync::Arc;

use domain::Timestamp;
use domain::message::{Message, Work};
use domain::ports::{Archive, Clock, DeadLetters, EventLog, Ledger, Purge, StoreError, Stores, Volume, WorkQueue};
use jiff::SignedDuration;

/// Deliveries to one queue message: one slow receiver must not hold many others' retries.
const TO_A_MESSAGE: usize = 25;

/// Due deliveries looked at in one sweep; the next sweep takes the rest.
const DUE_AT_A_TIME: usize = 4_000;

/// Records deleted between two looks at the clock: small, so that ingestion is never held up.
const PURGE_AT_A_TIME: usize = 500;

/// Messages given back in an hour: some ten seconds of requests.
const GIVEN_BACK_AT_A_TIME: usize = 2000;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Expired records deleted.
    pub purged: usize,
    /// Deliveries sent back to the queue because their next attempt is due.
    pub resent: usize,
    /// Messages given back to the queue that it had given up on.
    pub given_back: usize,
    /// Hours of events counted.
    pub counted: usize,
    /// Expired events archived and deleted.
    pub archived: usize,
}

/// The scheduled work.
#[derive(Clone)]
pub struct Retention {
    /// What expires.
    pub log: Arc<dyn EventLog>,
    /// What is counted.
    pub volume: Arc<dyn Volume>,
    /// What falls due.
    pub ledger: Arc<dyn Ledger>,
    /// Where due deliveries go.
    pub queue: Arc<dyn WorkQueue>,
    /// What the queue has given up on.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// What archives events before they are deleted, where that is wished for.
    pub archiver: Option<Archiver>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long what has expired is left to the store's own expiry, where it has one that costs less.
    pub left_to_store: SignedDuration,
}

impl Retention {
    /// Takes the store's ports from `stores`. Archives expired events if there is an archive.
    pub fn new(
        stores: &Stores,
        archive: Option<Arc<dyn Archive>>,
        clock: Arc<dyn Clock>,
        left_to_store: SignedDuration,
    ) -> Self {
        let Stores { log, volume, ledger, queue, dead_letters, keeping, .. } = stores.clone();
        let archiver = archive.map(|archive| Archiver::new(archive, keeping));
        Self { log, volume, ledger, queue, dead_letters, archiver, clock, left_to_store }
    }

    /// Sends what is due, counts the hours that are over, then deletes what has expired, for at most `time`.
    ///
    /// # Errors
    /// When the store or the queue fails; what was done until then is done.
    pub async fn sweep(&self, time: SignedDuration) -> Result<Swept, StoreError> {
        let deadline = domain::time::later(self.clock.now(), time);
        let resent = self.resend().await?;
        let given_back = self.give_back().await?;
        let counted = self.count(deadline).await?;
        let archived = match &self.archiver {
            Some(archiver) => archiver.run(&*self.clock, deadline).await?,
            None => 0,
        };
        let purged = self.purge(deadline).await?;
        if resent + given_back + counted + archived + purged > 0 {
            tracing::info!(purged, archived, resent, given_back, counted, "swept");
        }
        Ok(Swept { purged, resent, given_back, counted, archived })
    }

    async fn give_back(&self) -> Result<usize, StoreError> {
        if !is_full_hour(self.clock.now()) {
            return Ok(0);
        }
        self.dead_letters.give_back(GIVEN_BACK_AT_A_TIME).await
    }

    async fn count(&self, deadline: Timestamp) -> Result<usize, StoreError> {
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

    async fn resend(&self) -> Result<usize, StoreError> {
        let due = self.ledger.due(self.clock.now(), DUE_AT_A_TIME).await?;
        let messages: Vec<Message> =
            due.chunks(TO_A_MESSAGE).map(|ids| Message::new(Work::Deliveries(ids.to_vec()))).collect();
        if !messages.is_empty() {
            self.queue.send(&messages, SignedDuration::ZERO).await?;
        }
        Ok(due.len())
    }

    async fn purge(&self, deadline: Timestamp) -> Result<usize, StoreError> {
        let what = if self.archiver.is_some() { Purge::AllButEvents } else { Purge::All };
        let mut purged = 0;
        loop {
            let now = self.clock.now();
            let deleted = self.log.purge(what, domain::time::later(now, -self.left_to_store), PURGE_AT_A_TIME).await?;
            purged += deleted;
            if deleted < PURGE_AT_A_TIME || now >= deadline {
                return Ok(purged);
            }
        }
    }
}

/// Whether it is the first minute of an hour. What the queue gave up on is given back then and not at once: that leaves
/// time to look at it, and what never succeeds costs little.
fn is_full_hour(now: Timestamp) -> bool {
    now.as_second().rem_euclid(3600) < 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_hour_has_one_minute() {
        let at = |time: &str| is_full_hour(format!("2026-01-02T{time}Z").parse().unwrap());
        assert_eq!(["02:59:59", "03:00:00", "03:00:59.9", "03:01:00"].map(at), [false, true, true, false]);
    }
}
