//! Jobs: operations over all stored events that an operator requests, in steps that each take seconds.
//!
//! Owns a job's states and the lease to advance it. A step runs first and is recorded afterwards, so it may run twice:
//! after a crash, or in two processes at once. Every step is therefore safe to repeat, and of two processes that record
//! it only one succeeds, because the write is conditional on the revision. Refuses to know how a step is done.
//!
//! ```text
//!   Running ── step, step, … ──▶ Done      both are reported once, by an event of action `retention_job`
//!      └───── cannot go on ────▶ Failed
//! ```

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::erasure::ErasureSubject;
use crate::delivery::DeliveryId;
use crate::detection::GroupId;
use crate::event::{Action, ActionError, Event, EventPk, Object};
use crate::rules_document::{Retention, RulesDocument};
use crate::time::{CLOCK_SKEW, has_passed, later, to_micros};

/// The length of a job's lease: longer than a step takes.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The longest delay of a job's start, which gives every process time to learn of a hold.
const LONGEST_START: SignedDuration = SignedDuration::from_mins(15);

/// How long a job that has ended is still listed.
const LISTED_AFTERWARDS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The most events, and the most files, that a report lists.
const MOST_NAMED: usize = 100;

const ACTION: &str = "retention_job";
const SOURCE: &str = "nuncio";

/// The operation of a job, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "parameters", rename_all = "lowercase")]
pub enum JobTask {
    /// Recalculates the expiry of every stored event after a change of the retention settings.
    Restamp {
        /// The settings that were in force when the job was requested.
        retention: Retention,
    },
    /// Applies the holds to stored events, and restores the expiry of events that no hold covers any more.
    Hold {
        /// The settings that were in force when the job was requested.
        retention: Retention,
    },
    /// Erases one person's data.
    Erase {
        /// The person; removed when the job ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<ErasureSubject>,
        /// Identifies the person without naming them; see [`ErasureSubject::hash`].
        person: String,
    },
}

impl JobTask {
    /// The task that erases this person's data.
    pub fn erase(subject: ErasureSubject) -> Self {
        Self::Erase { person: subject.hash(), subject: Some(subject) }
    }

    /// The task's name, as in `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Restamp { .. } => "restamp",
            Self::Hold { .. } => "hold",
            Self::Erase { .. } => "erase",
        }
    }
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Steps remain to be done.
    Running,
    /// All steps are done.
    Done,
    /// The job failed and will not continue.
    Failed,
}

/// The position in the list of all events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCursor {
    /// The last event that was listed.
    pub before: EventPk,
    /// The shard that the event is in; `None` in a store that lists the newest events first, as every store of 0.1.0 did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u16>,
}

/// The position of a job: what its next step works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobCursor {
    /// The events, in the order in which the store lists them.
    Events {
        /// The last one that is done; `None` at the beginning.
        #[serde(flatten)]
        after: Option<EventCursor>,
    },
    /// The deliveries, newest event first.
    Deliveries {
        /// This one and newer ones are done; `None` at the beginning.
        before: Option<DeliveryId>,
    },
    /// The rest of the person's inbox, and the queued messages about the person, in one step.
    Inbox,
    /// The groups of detections: those of the newest rules document, then those of the ones before it.
    Groups {
        /// The version of the rules document whose detections are next; `None` for the one in force.
        version: Option<u64>,
        /// The last group that is done; `None` at the beginning of a version.
        after: Option<GroupId>,
    },
    /// The archive's files, oldest first.
    Archive {
        /// This one and earlier ones are done; `None` at the beginning.
        after: Option<String>,
    },
    /// The mails that were written to files, in the order of their names.
    Mailbox {
        /// This one and earlier ones are done; `None` at the beginning.
        after: Option<String>,
    },
    /// Everything is deleted; remains in the store's files are overwritten next. The job no longer names the person.
    Scrub,
}

/// The result of a job, or of one step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobReport {
    /// Counts by name. A step that ran twice counts as the second run found it.
    pub counts: BTreeMap<String, u64>,
    /// The time of the oldest event that the job removes.
    #[serde(default, with = "crate::time::micros_option")]
    pub from: Option<Timestamp>,
    /// The time of the newest event that the job removes.
    #[serde(default, with = "crate::time::micros_option")]
    pub to: Option<Timestamp>,
    /// The first events that a hold kept from being removed.
    #[serde(default)]
    pub held: Vec<EventPk>,
    /// The first archive files that cannot be read, by their current names. They may still contain the person's data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
}

impl JobReport {
    /// Adds `more` to the count of this name.
    pub fn count(&mut self, name: &str, more: usize) {
        *self.counts.entry(name.to_owned()).or_default() += more as u64;
    }

    /// Counts an event that the job removes.
    pub fn count_removed(&mut self, name: &str, event: &Event) {
        self.count(name, 1);
        self.from = Some(self.from.map_or(event.created, |from| from.min(event.created)));
        self.to = Some(self.to.map_or(event.created, |to| to.max(event.created)));
    }

    /// Counts an event that a hold keeps from being removed.
    pub fn count_held(&mut self, name: &str, event: &Event) {
        self.count(name, 1);
        if self.held.len() < MOST_NAMED {
            self.held.push(event.pk);
        }
    }

    /// Counts an archive file that cannot be read.
    pub fn count_damaged(&mut self, file: String) {
        self.count("damaged", 1);
        if self.damaged.len() < MOST_NAMED {
            self.damaged.push(file);
        }
    }

    /// Adds the result of a further step.
    pub fn add(&mut self, other: Self) {
        for (name, more) in other.counts {
            *self.counts.entry(name).or_default() += more;
        }
        self.from = [self.from, other.from].into_iter().flatten().min();
        self.to = self.to.max(other.to);
        self.held.extend(other.held);
        self.held.truncate(MOST_NAMED);
        self.damaged.extend(other.damaged);
        self.damaged.truncate(MOST_NAMED);
    }
}

/// The stored record of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The id, a UUID. Ids sort by the times of creation.
    pub id: String,
    /// Incremented by every write, from 0. A write succeeds only if the stored revision is one less.
    pub revision: u64,
    /// The operation, stored as the keys `kind` and `parameters`.
    #[serde(flatten)]
    pub task: JobTask,
    /// Whether the job only counts what it would do.
    pub dry_run: bool,
    /// Whether the job is running, is done or has failed.
    pub state: JobState,
    /// The position of the next step.
    #[serde(rename = "place")]
    pub cursor: JobCursor,
    /// The result so far.
    pub report: JobReport,
    /// The cause of a failure.
    pub why: Option<String>,
    /// The user or token that requested it.
    pub by: String,
    /// When it was requested.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// The earliest time at which it begins.
    #[serde(with = "crate::time::micros")]
    pub starts: Timestamp,
    /// When the last step was recorded.
    #[serde(with = "crate::time::micros")]
    pub updated: Timestamp,
    /// When it completed or failed.
    #[serde(with = "crate::time::micros_option")]
    pub ended: Option<Timestamp>,
    /// When the lease of the process that advances it ends.
    #[serde(with = "crate::time::micros_option")]
    pub lease: Option<Timestamp>,
    /// Whether the event that reports its end is stored.
    #[serde(rename = "told")]
    pub is_reported: bool,
}

impl Job {
    /// A new job; `random` makes its id unique.
    pub fn new(task: JobTask, dry_run: bool, by: String, now: Timestamp, random: u128) -> Self {
        let now = to_micros(now);
        Self {
            id: EventPk::unnamed(now, random).to_string(),
            revision: 0,
            task,
            dry_run,
            state: JobState::Running,
            cursor: JobCursor::Events { after: None },
            report: JobReport::default(),
            why: None,
            by,
            created: now,
            starts: now,
            updated: now,
            ended: None,
            lease: None,
            is_reported: false,
        }
    }

    /// The next revision of the job, leased to the caller; `None` if nothing remains to do, it must not begin yet, or
    /// another process has the lease.
    pub fn claimed(&self, now: Timestamp) -> Option<Self> {
        let free = self.lease.is_none_or(|until| has_passed(until, LEASE + CLOCK_SKEW, now));
        (free && !self.is_reported && has_passed(self.starts, LONGEST_START, now))
            .then(|| Self { lease: Some(to_micros(later(now, LEASE))), ..self.next() })
    }

    /// The next revision of the job after a step; `next` is its new position, `None` if the job is done.
    pub fn after(&self, step: JobReport, next: Option<JobCursor>, now: Timestamp) -> Self {
        let mut after = Self { updated: to_micros(now), ..self.next() };
        after.report.add(step);
        match next {
            Some(place) => {
                if let (JobCursor::Scrub, JobTask::Erase { subject, .. }) = (&place, &mut after.task) {
                    // Written to the store once more, the name would outlive the step that overwrites it there.
                    *subject = None;
                }
                after.cursor = place;
                after.lease = Some(to_micros(later(now, LEASE)));
            }
            None => after.end(JobState::Done, now),
        }
        after
    }

    /// The next revision of the job as failed, with the cause.
    pub fn failed(&self, why: String, now: Timestamp) -> Self {
        let mut failed = Self { why: Some(why), updated: to_micros(now), ..self.next() };
        failed.end(JobState::Failed, now);
        failed
    }

    /// The next revision of the job without a lease, so that any process may continue it.
    pub fn released(&self) -> Self {
        Self { lease: None, ..self.next() }
    }

    /// The next revision of the job, to be continued after the length of a lease: its next step is expensive and has
    /// just failed, for lack of disk space for instance.
    pub fn deferred(&self, now: Timestamp) -> Self {
        Self { lease: Some(to_micros(later(now, LEASE))), ..self.next() }
    }

    /// The next revision of the job after its end was reported.
    pub fn reported(&self) -> Self {
        Self { is_reported: true, lease: None, ..self.next() }
    }

    fn next(&self) -> Self {
        Self { revision: self.revision + 1, ..self.clone() }
    }

    fn end(&mut self, state: JobState, now: Timestamp) {
        self.state = state;
        self.ended = Some(to_micros(now));
        if let JobTask::Erase { subject, .. } = &mut self.task {
            *subject = None;
        }
    }

    /// The time of the event that it has reached; `None` outside of events and deliveries.
    pub fn reached(&self) -> Option<Timestamp> {
        match &self.cursor {
            JobCursor::Events { after } => after.map(|after| after.before.instant()),
            JobCursor::Deliveries { before } => before.map(|before| before.event().instant()),
            JobCursor::Inbox
            | JobCursor::Groups { .. }
            | JobCursor::Archive { .. }
            | JobCursor::Mailbox { .. }
            | JobCursor::Scrub => None,
        }
    }

    /// When the job is deleted: 90 days after its end; `None` before that.
    pub fn expires(&self) -> Option<Timestamp> {
        self.ended.map(|ended| later(ended, LISTED_AFTERWARDS))
    }

    /// The event that reports the job's end; `None` while it runs. Its pk is derived from the job, so that it is one
    /// event however often it is built.
    ///
    /// An operator caused it, not a notification, so rules may notify of it.
    ///
    /// # Errors
    /// Never: the action is a constant and well-formed.
    pub fn event(&self, document: &RulesDocument) -> Result<Option<Event>, ActionError> {
        let Some(created) = self.ended else { return Ok(None) };
        let action = Action::parse(ACTION)?;
        Ok(Some(Event {
            pk: EventPk::named(created, &Sha256::digest(format!("{SOURCE} job {}", self.id)).into()),
            user: [("username".to_owned(), Value::from(self.by.clone()))].into_iter().collect(),
            expires: to_micros(document.retention.expiry(&action, created)),
            action,
            app: SOURCE.to_owned(),
            context: self.context(),
            client_ip: None,
            created,
            received: None,
            brand: Object::new(),
            id: Some(self.id.clone()),
            source: Some(SOURCE.to_owned()),
            traceparent: None,
            produced_by: None,
        }))
    }

    fn context(&self) -> Object {
        let (kind, dry) = (self.task.kind(), if self.dry_run { " (dry run)" } else { "" });
        let counts: Vec<_> = self.report.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let outcome = self.why.as_ref().map_or_else(|| counts.join(", "), |why| format!("failed: {why}"));
        let mut context = Object::new();
        context.insert("message".to_owned(), format!("The job {kind}{dry} has ended: {outcome}").into());
        context.insert("job".to_owned(), self.id.clone().into());
        context.insert("kind".to_owned(), kind.into());
        context.insert("dry_run".to_owned(), self.dry_run.into());
        context.insert("state".to_owned(), json!(self.state));
        if let JobTask::Erase { person, .. } = &self.task {
            context.insert("person".to_owned(), person.clone().into());
        }
        context.insert("counts".to_owned(), json!(self.report.counts));
        if !self.report.damaged.is_empty() {
            context.insert("damaged".to_owned(), json!(self.report.damaged));
        }
        context
    }
}

#[cfg(test)]
mod tests;
