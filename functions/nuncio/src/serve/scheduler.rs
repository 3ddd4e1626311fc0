//! The schedule on one machine: the retention sweep, which a schedule starts on AWS, and operators' jobs.
//!
//! A sweep and a job never run concurrently: events that a job erases from the store and the archive must not be on
//! their way from one to the other.

use std::sync::Arc;
use std::time::Duration;

use domain::message::{QueueMessage, QueuedWork};
use domain::ports::{ActiveRules, Configuration, StoreError};
use jiff::SignedDuration;
use retention::{JobRunner, MailboxPurge, Sweep};
use tokio::time::Instant;

use super::clock_watch::ClockWatch;
use super::shutdown::Shutdown;

/// The interval at which new jobs are looked for; short, because an operator waits for a job to begin.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long jobs run per poll. The other half of the time is for requests.
const JOB_SLICE: SignedDuration = SignedDuration::from_secs(1);

/// The number of polls from one sweep to the next.
const POLLS_PER_SWEEP: u32 = 30;

/// The most time that one sweep takes. The next one continues.
const MAX_SWEEP: SignedDuration = SignedDuration::from_secs(10);

/// Longer than any clock is wrong.
const FOR_EVER: SignedDuration = SignedDuration::from_hours(24 * 365 * 1000);

/// The tasks that run on the schedule.
pub(super) struct ScheduledTasks {
    pub(super) sweep: Sweep,
    pub(super) old_mails: MailboxPurge,
    pub(super) runner: JobRunner,
    pub(super) configuration: Arc<dyn Configuration>,
}

/// Sweeps at once and then periodically, and advances jobs in between. Ends soon after a shutdown is requested.
pub(super) async fn run(tasks: ScheduledTasks, shutdown: Shutdown) {
    let ScheduledTasks { sweep, old_mails, runner, configuration } = tasks;
    let mut activated = None;
    let mut watch = ClockWatch::default();
    // Used while the clock is not trusted: deletes nothing, not even what expired long ago.
    let cautious = Sweep { archiver: None, purge_grace: FOR_EVER, ..sweep.clone() };
    for poll in (0..POLLS_PER_SWEEP).cycle() {
        if shutdown.is_requested() {
            return;
        }
        let is_trusted = watch.is_trusted(Instant::now(), sweep.clock.now());
        if poll == 0 {
            let sweep = if is_trusted { &sweep } else { &cautious };
            if let Err(error) = sweep.run(MAX_SWEEP).await {
                tracing::error!(%error, "tasks of the sweep failed; the next one tries again");
            }
            if is_trusted && let Err(error) = old_mails.run().await {
                tracing::error!(%error, "old mails could not be deleted; the next sweep tries again");
            }
        }
        if is_trusted && let Err(error) = queue_detections(&sweep, &*configuration, &mut activated).await {
            tracing::error!(%error, "groups of detections that wait for an event could not be queued; the next poll tries again");
        }
        if let Err(error) = runner.advance(JOB_SLICE).await {
            tracing::error!(%error, "a step of a job failed and will be retried");
        }
        shutdown.sleep(POLL_INTERVAL).await;
    }
}

/// Queues what detections have to do without an event: their activation after a change of the rules document, and the
/// groups whose event is overdue. `activated` is the document whose detections were activated last.
async fn queue_detections(
    sweep: &Sweep,
    configuration: &dyn Configuration,
    activated: &mut Option<Arc<ActiveRules>>,
) -> Result<(), StoreError> {
    let active = configuration.current().await?;
    if activated.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &active)) {
        if active.document.detections().next().is_some() {
            sweep.queue.send(&[QueueMessage::new(QueuedWork::Groups(Vec::new()))], SignedDuration::ZERO).await?;
        }
        *activated = Some(active);
    }
    sweep.queue_due_groups().await.map(drop)
}
