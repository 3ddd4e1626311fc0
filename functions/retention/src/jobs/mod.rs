//! The operator's jobs, advanced step by step until the time is up.
//!
//! Any number may run at once, here and elsewhere: whoever claims a job has it until its lease ends, every step is
//! harmless to repeat, and a step that somebody else has noted meanwhile is noted by nobody else. One kind of job, one
//! file.

mod erase;
mod restamp;

use std::sync::Arc;

use domain::Timestamp;
use domain::ports::{
    Archive, Clock, Configuration, Erasure, Holds, Inbox, Intake, Jobs, Keeping, Ledger, Mailbox, StoreError, Stores,
};
use domain::retention::job::{Job, Place, Report, State, Task};
use jiff::SignedDuration;

use erase::Erasing;
use restamp::Restamping;

/// What one step has found, and where the next goes on.
type Step = (Report, Option<Place>);

/// Who advances jobs.
#[derive(Clone)]
pub struct JobRunner {
    /// The jobs.
    pub jobs: Arc<dyn Jobs>,
    /// The events that they go over.
    pub keeping: Arc<dyn Keeping>,
    /// What must not go.
    pub holds: Arc<dyn Holds>,
    /// The deliveries that they go over.
    pub ledger: Arc<dyn Ledger>,
    /// The inboxes.
    pub inbox: Arc<dyn Inbox>,
    /// What takes away.
    pub erasure: Arc<dyn Erasure>,
    /// What was archived.
    pub archive: Option<Arc<dyn Archive>>,
    /// The mail that was written to files, on one machine.
    pub mailbox: Option<Arc<dyn Mailbox>>,
    /// Where their ends are told of.
    pub intake: Arc<dyn Intake>,
    /// How long that is kept.
    pub configuration: Arc<dyn Configuration>,
    /// The time.
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
        let Stores { jobs, keeping, holds, ledger, inbox, erasure, intake, .. } = stores.clone();
        Self { jobs, keeping, holds, ledger, inbox, erasure, archive, mailbox, intake, configuration, clock }
    }

    /// Advances what jobs there are, the oldest first, until `time` is up; says how many steps it made.
    ///
    /// # Errors
    /// When a store fails; what was done until then is done, and the job goes on another time.
    pub async fn advance(&self, time: SignedDuration) -> Result<usize, StoreError> {
        let deadline = domain::time::later(self.clock.now(), time);
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
                    // It holds up no other: what it needs may be away for long.
                    Err(error) => failed = failed.or(Some(error)),
                },
                _ => {}
            }
        }
        failed.map_or(Ok(steps), Err)
    }

    /// Advances a claimed job until it has ended, is taken over, or time is up.
    async fn run(&self, mut job: Job, deadline: Timestamp) -> Result<usize, StoreError> {
        let mut steps = 0;
        while job.state == State::Running {
            let Some(next) = self.advance_one(&job).await? else { return Ok(steps) };
            steps += 1;
            job = next;
            if job.state == State::Running && self.clock.now() >= deadline {
                self.jobs.replace(&job.released()).await?;
                return Ok(steps);
            }
        }
        self.tell(&job).await?;
        Ok(steps)
    }

    /// Makes one step and notes it; none if somebody else has taken the job over.
    async fn advance_one(&self, job: &Job) -> Result<Option<Job>, StoreError> {
        let next = match self.step(job).await {
            Ok((report, place)) => job.after(report, place, self.clock.now()),
            Err(StoreError::Corrupt(why)) => job.failed(why, self.clock.now()),
            Err(error) => {
                let left = if job.place == Place::Scrub { job.deferred(self.clock.now()) } else { job.released() };
                self.jobs.replace(&left).await?;
                return Err(error);
            }
        };
        Ok(self.jobs.replace(&next).await?.then_some(next))
    }

    async fn step(&self, job: &Job) -> Result<Step, StoreError> {
        match (&job.task, &job.place) {
            (Task::Restamp { retention }, Place::Events { before }) => {
                let all = Restamping { runner: self, retention, only_held: false, dry_run: job.dry_run };
                all.step(*before).await
            }
            (Task::Hold { retention }, Place::Events { before }) => {
                let held = Restamping { runner: self, retention, only_held: true, dry_run: job.dry_run };
                held.step(*before).await
            }
            (Task::Restamp { .. } | Task::Hold { .. }, _) => {
                Err(StoreError::Corrupt("the job has lost its place".to_owned()))
            }
            (Task::Erase { .. }, Place::Scrub) => {
                if !job.dry_run {
                    self.erasure.scrub().await?;
                }
                Ok((Report::default(), None))
            }
            (Task::Erase { subject: Some(subject), .. }, place) => {
                Erasing { runner: self, subject, dry_run: job.dry_run }.step(place).await
            }
            (Task::Erase { subject: None, .. }, _) => {
                Err(StoreError::Corrupt("the job does not know any more whose data goes".to_owned()))
            }
        }
    }

    /// Leaves an event that the job has ended. It is one event, however often this is done.
    async fn tell(&self, job: &Job) -> Result<(), StoreError> {
        let document = self.configuration.current().await?;
        let event = job.event(&document.document).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        if let Some(event) = event {
            self.intake.accept(&[Arc::new(event)]).await?;
        }
        self.jobs.replace(&job.told()).await?;
        tracing::info!(job = job.id, kind = job.task.kind(), state = ?job.state, counts = ?job.report.counts, "a job has ended");
        Ok(())
    }
}
