//! Advances the operator's jobs step by step, one file per kind of job.
//!
//! Several runners may work concurrently. A runner claims a job until its lease ends; every step is safe to repeat; and
//! a step is saved by compare-and-swap, so that only one runner's result counts.

mod erase_groups;
mod erase_job;
mod restamp_job;

use std::sync::Arc;

use domain::Timestamp;
use domain::event::SerializedEvent;
use domain::ports::{
    Archive, Clock, Configuration, DetectionGroups, Documents, Erasure, EventExpiry, Holds, Inbox, Intake, Jobs,
    Ledger, Mailbox, ReceivedPage, StoreError, Stores,
};
use domain::retention::job::{Job, JobCursor, JobReport, JobState, JobTask};
use jiff::SignedDuration;

use erase_job::EraseJob;
use restamp_job::RestampJob;

/// The counts of one step, and the cursor of the next step; `None` after the last one.
type Step = (JobReport, Option<JobCursor>);

/// Counts the stored events that a job has to skip because they cannot be read.
fn count_unreadable(page: &ReceivedPage, report: &mut JobReport) {
    if page.unreadable > 0 {
        report.count("unreadable", page.unreadable);
    }
}

/// Runs the operators' jobs in steps, and stores the progress after each step.
#[derive(Clone)]
pub struct JobRunner {
    /// The stored jobs, each with its state and the cursor of its next step.
    pub jobs: Arc<dyn Jobs>,
    /// The stored events with their expiry.
    pub keeping: Arc<dyn EventExpiry>,
    /// The holds, which protect events from deletion.
    pub holds: Arc<dyn Holds>,
    /// The deliveries, from which erasures remove the data of the person.
    pub ledger: Arc<dyn Ledger>,
    /// The inboxes, in which erasures look for items to delete.
    pub inbox: Arc<dyn Inbox>,
    /// The groups of detections, in which erasures look for those of the person.
    pub groups: Arc<dyn DetectionGroups>,
    /// The rules documents of all versions, whose detections may have left groups.
    pub documents: Arc<dyn Documents>,
    /// Deletes the data of a person.
    pub erasure: Arc<dyn Erasure>,
    /// The archive; `None` if archiving is off.
    pub archive: Option<Arc<dyn Archive>>,
    /// The mailbox folder; `None` where mail is not written to files.
    pub mailbox: Option<Arc<dyn Mailbox>>,
    /// Stores the event about a finished job.
    pub intake: Arc<dyn Intake>,
    /// The rules document, for the retention of that event.
    pub configuration: Arc<dyn Configuration>,
    /// Dates the steps of jobs, and decides when the time of a call is over.
    pub clock: Arc<dyn Clock>,
}

impl JobRunner {
    /// Takes the store's ports from `stores`. `archive` and `mailbox` are those that erasures search.
    pub fn new(
        stores: &Stores,
        archive: Option<Arc<dyn Archive>>,
        mailbox: Option<Arc<dyn Mailbox>>,
        configuration: Arc<dyn Configuration>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let Stores { jobs, keeping, holds, ledger, inbox, groups, documents, erasure, intake, .. } = stores.clone();
        Self {
            jobs,
            keeping,
            holds,
            ledger,
            inbox,
            groups,
            documents,
            erasure,
            archive,
            mailbox,
            intake,
            configuration,
            clock,
        }
    }

    /// Advances all jobs, oldest first, for at most `time`. Returns the number of steps.
    ///
    /// # Errors
    /// If a store fails. The steps done until then remain, and the job continues with the next call.
    pub async fn advance(&self, time: SignedDuration) -> Result<usize, StoreError> {
        self.advance_until(domain::time::later(self.clock.now(), time)).await
    }

    /// Advances all jobs, oldest first, until `deadline`. Returns the number of steps.
    pub(crate) async fn advance_until(&self, deadline: Timestamp) -> Result<usize, StoreError> {
        let mut jobs = self.jobs.all().await?;
        jobs.sort_by(|one, other| one.id.cmp(&other.id));
        let (mut steps, mut failed) = (0, None);
        for job in jobs {
            let now = self.clock.now();
            if now >= deadline {
                break;
            }
            match job.claimed(now) {
                Some(claimed) if self.jobs.replace(&claimed).await? => match self.run(claimed, deadline).await {
                    Ok(made) => steps += made,
                    // Go on with the other jobs: the store that this one needs may be unavailable for long.
                    Err(error) => failed = failed.or(Some(error)),
                },
                _ => {}
            }
        }
        failed.map_or(Ok(steps), Err)
    }

    /// Advances a claimed job until it has finished, another runner has claimed it, or the deadline has passed.
    async fn run(&self, mut job: Job, deadline: Timestamp) -> Result<usize, StoreError> {
        let mut steps = 0;
        while job.state == JobState::Running {
            let Some(next) = self.advance_one(&job).await? else { return Ok(steps) };
            steps += 1;
            job = next;
            if job.state == JobState::Running && self.clock.now() >= deadline {
                self.jobs.replace(&job.released()).await?;
                return Ok(steps);
            }
        }
        self.announce(&job).await?;
        Ok(steps)
    }

    /// Makes one step and saves it. Returns `None` if another runner has claimed the job.
    async fn advance_one(&self, job: &Job) -> Result<Option<Job>, StoreError> {
        let next = match self.step(job).await {
            Ok((report, place)) => job.after(report, place, self.clock.now()),
            Err(StoreError::Corrupt(why)) => job.failed(why, self.clock.now()),
            Err(error) => {
                let deferred =
                    if job.cursor == JobCursor::Scrub { job.deferred(self.clock.now()) } else { job.released() };
                self.jobs.replace(&deferred).await?;
                return Err(error);
            }
        };
        Ok(self.jobs.replace(&next).await?.then_some(next))
    }

    async fn step(&self, job: &Job) -> Result<Step, StoreError> {
        match (&job.task, &job.cursor) {
            (JobTask::Restamp { retention }, JobCursor::Events { after }) => {
                let all =
                    RestampJob { runner: self, retention, only_held: false, dry_run: job.dry_run, asked: job.created };
                all.step(*after).await
            }
            (JobTask::Hold { retention }, JobCursor::Events { after }) => {
                let on_hold =
                    RestampJob { runner: self, retention, only_held: true, dry_run: job.dry_run, asked: job.created };
                on_hold.step(*after).await
            }
            (JobTask::Restamp { .. } | JobTask::Hold { .. }, _) => {
                Err(StoreError::Corrupt("the stored job has an invalid cursor".to_owned()))
            }
            (JobTask::Erase { .. }, JobCursor::Scrub) => {
                if !job.dry_run {
                    self.erasure.scrub().await?;
                }
                Ok((JobReport::default(), None))
            }
            (JobTask::Erase { subject: Some(subject), .. }, place) => {
                EraseJob { runner: self, subject, dry_run: job.dry_run }.step(place).await
            }
            (JobTask::Erase { subject: None, .. }, _) => Err(StoreError::Corrupt(
                "the stored job no longer names the person whose data is to be erased".to_owned(),
            )),
        }
    }

    /// Stores an event that the job has finished. The event's pk is deterministic: a second call stores no second
    /// event.
    async fn announce(&self, job: &Job) -> Result<(), StoreError> {
        let document = self.configuration.current().await?;
        let event = job.event(&document.document).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        if let Some(event) = event {
            self.intake.accept(&[SerializedEvent::from(Arc::new(event))]).await?;
        }
        self.jobs.replace(&job.reported()).await?;
        tracing::info!(job = job.id, kind = job.task.kind(), state = ?job.state, counts = ?job.report.counts, "job finished");
        Ok(())
    }
}
