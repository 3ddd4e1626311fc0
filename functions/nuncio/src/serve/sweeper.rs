//! The schedule on one machine: the sweep that AWS starts by the clock, and the operator's jobs.
//!
//! One after the other: what a job removes from the store and the archive is on its way into the archive nowhere else.

use std::time::Duration;

use jiff::SignedDuration;
use retention::{JobRunner, MailboxPurge, Sweep};
use tokio::time::Instant;

use super::clock_watch::ClockWatch;
use super::shutdown::Shutdown;

/// How often jobs are looked for: whoever asks for one waits for it.
const LOOK: Duration = Duration::from_secs(1);

/// How long jobs go on then: half of the time is left to who posts events.
const AT_A_TIME: SignedDuration = SignedDuration::from_secs(1);

/// A sweep comes after so many looks.
const LOOKS: u32 = 30;

/// How long one sweep may go on; the next one takes the rest.
const AT_MOST: SignedDuration = SignedDuration::from_secs(10);

/// Longer than any clock is wrong.
const FOR_EVER: SignedDuration = SignedDuration::from_hours(24 * 365 * 1000);

/// What is done by the schedule.
pub(super) struct Scheduled {
    pub(super) retention: Sweep,
    pub(super) old_mails: MailboxPurge,
    pub(super) runner: JobRunner,
}

/// Sweeps at once and then again and again, and advances jobs in between. Ends soon after a shutdown was requested.
pub(super) async fn run(scheduled: Scheduled, shutdown: Shutdown) {
    let Scheduled { retention, old_mails, runner } = scheduled;
    let mut watch = ClockWatch::default();
    // Deletes nothing: not even what expired long ago.
    let sparing = Sweep { archiver: None, purge_grace: FOR_EVER, ..retention.clone() };
    for look in (0..LOOKS).cycle() {
        if shutdown.is_requested() {
            return;
        }
        let is_believed = watch.is_believed(Instant::now(), retention.clock.now());
        if look == 0 {
            let sweep = if is_believed { &retention } else { &sparing };
            if let Err(error) = sweep.run(AT_MOST).await {
                tracing::error!(%error, "the sweep failed; the next one tries again");
            }
            if is_believed && let Err(error) = old_mails.run().await {
                tracing::error!(%error, "old mails cannot be deleted; the next sweep tries again");
            }
        }
        if let Err(error) = runner.advance(AT_A_TIME).await {
            tracing::error!(%error, "a job's step failed; it is tried again");
        }
        shutdown.sleep(LOOK).await;
    }
}
