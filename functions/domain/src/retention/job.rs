//! Jobs: what an operator asks to be done over all that is stored, in steps that each take seconds.
//!
//! Owns a job's life and who may advance it. A step is done first and noted afterwards, so it may be done twice: by
//! whoever takes over from a process that died, or by two at once. Every step is therefore harmless to repeat, and only
//! one of two that note it succeeds, as each names the revision it changes. Refuses to know how a step is done.
//!
//! ```text
//!   Running ── step, step, … ──▶ Done      both are told of once, by an event of action `retention_job`
//!      └───── cannot go on ────▶ Failed
//! ```

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::erasure::Subject;
use crate::delivery::DeliveryId;
use crate::event::{Action, ActionError, Event, EventPk, Object};
use crate::rules_document::{Retention, RulesDocument};
use crate::time::{CLOCK_SKEW, has_passed, later, to_micros};

/// How long whoever advances a job has it alone: longer than a step takes.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// No job is asked to start later than this: it waits until all that run know of a hold.
const LONGEST_START: SignedDuration = SignedDuration::from_mins(15);

/// How long a job that has ended is still listed.
const LISTED_AFTERWARDS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How many events a report names.
const MOST_NAMED: usize = 100;

const ACTION: &str = "retention_job";
const SOURCE: &str = "nuncio";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "parameters", rename_all = "lowercase")]
pub enum Task {
    /// Give every stored event the expiry that it would be given now.
    Restamp {
        /// As it was in force when the job was asked for.
        retention: Retention,
    },
    /// Bring the holds into force for what is stored, and give what none holds any more its own expiry again.
    Hold {
        /// As it was in force when the job was asked for.
        retention: Retention,
    },
    /// Remove one person's data.
    Erase {
        /// Whose; forgotten when the job has ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<Subject>,
        /// Stands for them: see [`Subject::hash`].
        person: String,
    },
}

impl Task {
    /// To remove this person's data.
    pub fn erase(subject: Subject) -> Self {
        Self::Erase { person: subject.hash(), subject: Some(subject) }
    }

    /// Its name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Restamp { .. } => "restamp",
            Self::Hold { .. } => "hold",
            Self::Erase { .. } => "erase",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Steps remain.
    Running,
    /// None remains.
    Done,
    /// It cannot go on.
    Failed,
}

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Among the events, newest first.
    Events {
        /// Those from this one on are done.
        before: Option<EventPk>,
    },
    /// Among the deliveries, newest event first.
    Deliveries {
        /// Those from this one on are done.
        before: Option<DeliveryId>,
    },
    /// At an inbox.
    Inbox,
    /// Among the archive's files, oldest first.
    Archive {
        /// Those up to this one are done.
        after: Option<String>,
    },
    /// Among the mails that were written to files, in the order of their names.
    Mailbox {
        /// Those up to this one are done.
        after: Option<String>,
    },
    /// Everything is deleted; what it left in the store's files remains. The job no longer knows whose data goes.
    Scrub,
}

/// What a job, or one step of it, has found and done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// How many, by name. A step that was done twice is counted as the second time found it.
    pub counts: BTreeMap<String, u64>,
    /// When the oldest of the events happened that go.
    #[serde(default, with = "crate::time::micros_option")]
    pub from: Option<Timestamp>,
    /// When the newest of them happened.
    #[serde(default, with = "crate::time::micros_option")]
    pub to: Option<Timestamp>,
    /// The first of the events that were to go and are held.
    #[serde(default)]
    pub held: Vec<EventPk>,
    /// The first of the archive's files that cannot be read, by the names they have now: they may still hold what was
    /// to go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
}

impl Report {
    /// Counts so many more of that name.
    pub fn count(&mut self, name: &str, more: usize) {
        *self.counts.entry(name.to_owned()).or_default() += more as u64;
    }

    /// Counts an event that goes.
    pub fn goes(&mut self, name: &str, event: &Event) {
        self.count(name, 1);
        self.from = Some(self.from.map_or(event.created, |from| from.min(event.created)));
        self.to = Some(self.to.map_or(event.created, |to| to.max(event.created)));
    }

    /// Counts an event that was to go and is held.
    pub fn stays(&mut self, name: &str, event: &Event) {
        self.count(name, 1);
        if self.held.len() < MOST_NAMED {
            self.held.push(event.pk);
        }
    }

    /// Counts a file of the archive that cannot be read.
    pub fn is_damaged(&mut self, file: String) {
        self.count("damaged", 1);
        if self.damaged.len() < MOST_NAMED {
            self.damaged.push(file);
        }
    }

    /// Adds another's.
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

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Time-ordered.
    pub id: String,
    /// Grows by one with each write. A write is refused unless it is the next one.
    pub revision: u64,
    /// What is to be done.
    #[serde(flatten)]
    pub task: Task,
    /// Whether it only counts what would be done.
    pub dry_run: bool,
    /// Where it stands.
    pub state: State,
    /// How far it has come.
    pub place: Place,
    /// What it has found and done so far.
    pub report: Report,
    /// Why it failed.
    pub why: Option<String>,
    /// Who asked for it.
    pub by: String,
    /// When that was.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// It begins then at the earliest.
    #[serde(with = "crate::time::micros")]
    pub starts: Timestamp,
    /// When the last step was noted.
    #[serde(with = "crate::time::micros")]
    pub updated: Timestamp,
    /// When it was done or failed.
    #[serde(with = "crate::time::micros_option")]
    pub ended: Option<Timestamp>,
    /// Until then somebody has it alone.
    #[serde(with = "crate::time::micros_option")]
    pub lease: Option<Timestamp>,
    /// Whether the event log tells of its end.
    pub told: bool,
}

impl Job {
    /// A new one. `random` is chance, for its id.
    pub fn new(task: Task, dry_run: bool, by: String, now: Timestamp, random: u128) -> Self {
        let now = to_micros(now);
        Self {
            id: EventPk::unnamed(now, random).to_string(),
            revision: 0,
            task,
            dry_run,
            state: State::Running,
            place: Place::Events { before: None },
            report: Report::default(),
            why: None,
            by,
            created: now,
            starts: now,
            updated: now,
            ended: None,
            lease: None,
            told: false,
        }
    }

    /// The job as taken by somebody, to be written over this one; none if nothing remains to do, or another has it.
    pub fn claimed(&self, now: Timestamp) -> Option<Self> {
        let free = self.lease.is_none_or(|until| has_passed(until, LEASE + CLOCK_SKEW, now));
        (free && !self.told && has_passed(self.starts, LONGEST_START, now))
            .then(|| Self { lease: Some(to_micros(later(now, LEASE))), ..self.next() })
    }

    /// The job after a step that found this, to be written over this one. Without a place to go on from it is done.
    pub fn after(&self, step: Report, next: Option<Place>, now: Timestamp) -> Self {
        let mut after = Self { updated: to_micros(now), ..self.next() };
        after.report.add(step);
        match next {
            Some(place) => {
                if let (Place::Scrub, Task::Erase { subject, .. }) = (&place, &mut after.task) {
                    // Written to the store once more, the name would outlive the step that overwrites it there.
                    *subject = None;
                }
                after.place = place;
                after.lease = Some(to_micros(later(now, LEASE)));
            }
            None => after.end(State::Done, now),
        }
        after
    }

    /// The job as given up, to be written over this one.
    pub fn failed(&self, why: String, now: Timestamp) -> Self {
        let mut failed = Self { why: Some(why), updated: to_micros(now), ..self.next() };
        failed.end(State::Failed, now);
        failed
    }

    /// The job as left for whoever comes next, to be written over this one.
    pub fn released(&self) -> Self {
        Self { lease: None, ..self.next() }
    }

    /// The job as left for the length of a lease, to be written over this one: its next step costs much, and has just
    /// failed, for want of room on the disk for instance.
    pub fn deferred(&self, now: Timestamp) -> Self {
        Self { lease: Some(to_micros(later(now, LEASE))), ..self.next() }
    }

    /// The job as told of, to be written over this one.
    pub fn told(&self) -> Self {
        Self { told: true, lease: None, ..self.next() }
    }

    fn next(&self) -> Self {
        Self { revision: self.revision + 1, ..self.clone() }
    }

    fn end(&mut self, state: State, now: Timestamp) {
        self.state = state;
        self.ended = Some(to_micros(now));
        if let Task::Erase { subject, .. } = &mut self.task {
            *subject = None;
        }
    }

    /// How far back it has come.
    pub fn reached(&self) -> Option<Timestamp> {
        match &self.place {
            Place::Events { before } => before.map(EventPk::instant),
            Place::Deliveries { before } => before.map(|before| before.event().instant()),
            Place::Inbox | Place::Archive { .. } | Place::Mailbox { .. } | Place::Scrub => None,
        }
    }

    /// When it is forgotten.
    pub fn expires(&self) -> Option<Timestamp> {
        self.ended.map(|ended| later(ended, LISTED_AFTERWARDS))
    }

    /// The event that tells of its end; none before that. However often it is made, it is one event.
    ///
    /// It comes of an operator's wish, not of a notification, so rules may tell people of it.
    ///
    /// # Errors
    /// Never, as the action is well-formed.
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
        if let Task::Erase { person, .. } = &self.task {
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
