//! A delivery: one notification on its way to one recipient by one transport.
//!
//! Its ledger entry goes through these states; every change is one conditional write that names the
//! revision it changes, so that of two who try only one succeeds:
//!
//! ```text
//!            open (with a lease)
//!                 │
//!   ┌──────── Pending ────────┐           a lease that ran out may be taken over,
//!   │ delivered   │ failed    │ hopeless  so a crash between claim and close
//!   ▼             ▼           ▼           repeats that one attempt
//! Delivered   Retrying ──▶   Dead
//!                 └─ claim ─▶ Pending
//! ```
//!
//! What storm control keeps back is opened as Suppressed, closed; a digest's carrier as Retrying, due when its
//! window has closed. An operator can open Dead and Suppressed
//! entries again, as Retrying.

mod cause;
pub mod endpoint;
pub mod failure_event;
mod outcome;
pub mod retry;
mod span;

pub use crate::id::{DeliveryId, DeliveryIdError};
pub use cause::Cause;
pub use outcome::{Attribution, Class, Failure, MailStage, Outcome, Sign, retry_after};
pub use span::Span;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{Event, EventPk, MAX_AHEAD};
use crate::person::Person;
use crate::recipients::Recipient;
use crate::rules_document::{Rule, Severity};
use retry::Next;

/// How long a claim holds: longer than the slowest send, shorter than a queue's patience.
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Open; somebody is sending it, or was when they crashed.
    Pending,
    /// The receiver has it. Closed.
    Delivered,
    /// An attempt failed; the next is due at `next_at`.
    Retrying,
    /// Given up. Closed, until somebody redelivers it.
    Dead,
    /// Storm control held it back. Closed.
    Suppressed,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    #[serde(with = "crate::time::micros")]
    pub at: Timestamp,
    /// The receiver's status code, where it has such.
    pub status: Option<u16>,
    /// What went wrong; null when it was delivered.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// Who is sending it, and until when nobody else may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Until when.
    #[serde(with = "crate::time::micros")]
    pub until: Timestamp,
}

/// A ledger entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Stable over all attempts; the `webhook-id`.
    pub id: DeliveryId,
    /// Grows by one with each write. A write is refused unless it is the next one.
    pub revision: u64,
    /// The rule that asked for it.
    pub rule: String,
    /// The transport's name.
    pub transport: String,
    /// Who is told.
    pub recipient: Person,
    /// The rule's, when it was opened.
    pub severity: Severity,
    /// Where it stands.
    pub state: State,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// How many of them were made before an operator last opened it again.
    #[serde(default)]
    pub earlier_attempts: usize,
    /// When that was.
    #[serde(default, with = "crate::time::micros_option")]
    pub reopened: Option<Timestamp>,
    /// What kept it back, also after an operator sent it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Cause>,
    /// The window whose events it carries: a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Span>,
    /// While somebody is sending it.
    pub lease: Option<Lease>,
    /// When the next attempt is due.
    #[serde(with = "crate::time::micros_option")]
    pub next_at: Option<Timestamp>,
    /// When `next_at` was decided. Entries of 0.1.0 do not say.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::micros_option")]
    pub planned: Option<Timestamp>,
    /// When it was opened.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// When the entry is forgotten: with its event, but not within 31 days.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
}

/// Why a delivery cannot be claimed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclaimable {
    /// It is closed; nothing remains to do.
    Closed,
    /// Somebody else is sending it.
    Leased {
        /// Until then at most.
        until: Timestamp,
    },
    /// Its next attempt is not due.
    Waiting {
        /// Due then.
        until: Timestamp,
    },
}

/// The retry schedule takes 3 days and 4 hours; an entry must outlive it and the operator's holiday.
const SHORTEST_MEMORY: SignedDuration = SignedDuration::from_hours(31 * 24);

impl Delivery {
    /// A new entry, already claimed by whoever opens it.
    pub fn open(event: &Event, rule: &Rule, transport: &str, to: impl Into<Recipient>, now: Timestamp) -> Self {
        let now = crate::time::to_micros(now);
        let Recipient { person: recipient, is_additional } = to.into();
        let id = if is_additional {
            DeliveryId::of_additional(event.pk, &rule.name, transport, recipient.label(), &recipient.email)
        } else {
            DeliveryId::of(event.pk, &rule.name, transport, recipient.label())
        };
        Self {
            id,
            revision: 0,
            rule: rule.name.clone(),
            transport: transport.to_owned(),
            recipient,
            severity: rule.severity,
            state: State::Pending,
            attempts: Vec::new(),
            earlier_attempts: 0,
            suppressed: None,
            reopened: None,
            digest: None,
            lease: Some(Lease { until: crate::time::later(now, LEASE) }),
            next_at: None,
            planned: None,
            created: now,
            expires: event.expires.max(crate::time::later(now, SHORTEST_MEMORY)),
        }
    }

    /// Keeps a new entry back: it is closed without an attempt.
    pub fn keep_back(&mut self, cause: Cause) {
        self.state = State::Suppressed;
        self.suppressed = Some(cause);
        self.digest = None;
        self.lease = None;
        self.next_at = None;
        self.planned = None;
    }

    /// Makes a new entry the carrier of a digest: it waits until the window has closed.
    pub fn carry(&mut self, span: Span) {
        self.state = State::Retrying;
        self.digest = Some(span);
        self.lease = None;
        self.next_at = Some(span.due());
        self.planned = Some(span.opened);
    }

    /// Whether it waits at `now` for the window that it carries to close.
    pub fn carries_at(&self, now: Timestamp) -> bool {
        self.state == State::Retrying && self.digest.is_some_and(|span| span.is_open(now))
    }

    /// The event it tells of; the first one of a digest.
    pub fn event(&self) -> EventPk {
        self.id.event()
    }

    /// Whether it goes to a further address of somebody who is notified at another; its id tells.
    pub fn is_to_additional_address(&self) -> bool {
        self.id != DeliveryId::of(self.event(), &self.rule, &self.transport, self.recipient.label())
    }

    /// Whether nothing remains to do.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Delivered | State::Dead | State::Suppressed)
    }

    /// When the schedule should look at it, for entries that wait for another attempt.
    pub fn due_at(&self) -> Option<Timestamp> {
        (self.state == State::Retrying).then_some(self.next_at).flatten()
    }

    /// When the next attempt is due, if that is still to come. An instant that was decided in the future, or is further
    /// ahead than any wait, was written by a clock that was wrong.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        if self.planned.is_some_and(|planned| crate::time::is_ahead(planned, now)) {
            return None;
        }
        let collects = |next: Timestamp| self.digest.is_some_and(|span| span.due() == next);
        self.next_at.filter(|next| match self.digest {
            Some(span) if collects(*next) => now < *next && !crate::time::is_ahead(span.opened, now),
            _ => !crate::time::has_passed(*next, retry::LONGEST_DELAY, now),
        })
    }

    /// The entry as claimed at `now`, to be written over this one.
    ///
    /// # Errors
    /// When it is closed, leased by somebody else, or not due.
    pub fn claim(&self, now: Timestamp) -> Result<Self, Unclaimable> {
        if self.is_closed() {
            return Err(Unclaimable::Closed);
        }
        let longest_lease = LEASE + crate::time::CLOCK_SKEW;
        if let Some(lease) = self.lease.filter(|lease| !crate::time::has_passed(lease.until, longest_lease, now)) {
            return Err(Unclaimable::Leased { until: lease.until });
        }
        if let Some(until) = self.waits_until(now) {
            return Err(Unclaimable::Waiting { until });
        }
        let lease = Lease { until: crate::time::later(crate::time::to_micros(now), LEASE) };
        Ok(Self {
            revision: self.revision + 1,
            state: State::Pending,
            lease: Some(lease),
            next_at: None,
            planned: None,
            ..self.clone()
        })
    }

    /// The entry after an attempt, to be written over this one.
    pub fn after(&self, attempt: Attempt, next: Next) -> Self {
        let mut after = Self { revision: self.revision + 1, lease: None, next_at: None, planned: None, ..self.clone() };
        let took = SignedDuration::from_millis(i64::try_from(attempt.ms).unwrap_or(i64::MAX));
        let ended = crate::time::later(attempt.at, took);
        after.attempts.push(attempt);
        match next {
            Next::Closed => after.state = State::Delivered,
            Next::Retry { at } => {
                after.state = State::Retrying;
                after.next_at = Some(crate::time::to_micros(at));
                after.planned = Some(ended);
            }
            Next::Dead => after.state = State::Dead,
        }
        after
    }

    /// The entry put off without an attempt, to be written over this one: its endpoint is busy.
    pub fn postponed(&self, until: Timestamp, now: Timestamp) -> Self {
        let [next_at, planned] = [until, now].map(|at| Some(crate::time::to_micros(at)));
        Self { revision: self.revision + 1, state: State::Retrying, lease: None, next_at, planned, ..self.clone() }
    }

    /// A dead or suppressed entry opened again by an operator, due at once; its attempts stay on record,
    /// and the retry schedule begins anew. Storm control is not asked again.
    ///
    /// # Errors
    /// Unless it is dead or suppressed.
    pub fn redelivered(&self, now: Timestamp) -> Result<Self, NotRedeliverable> {
        if !matches!(self.state, State::Dead | State::Suppressed) {
            return Err(NotRedeliverable(self.state));
        }
        let reopened = Some(crate::time::to_micros(now));
        Ok(Self { earlier_attempts: self.attempts.len(), reopened, ..self.postponed(now, now) })
    }

    /// How long it has been open, but no longer than its event can have been stored, since its digest's window closed, or an operator last opened it again.
    pub fn waited(&self, now: Timestamp) -> SignedDuration {
        let received = self.event().instant().saturating_sub(MAX_AHEAD).unwrap_or(self.created);
        let began = self.reopened.or(self.digest.map(|span| span.closes)).unwrap_or(self.created).max(received);
        now.duration_since(began).max(SignedDuration::ZERO)
    }

    /// Which attempt the next one is since it was last opened, from 1; the retry schedule goes by it.
    pub fn attempt_number(&self) -> usize {
        self.attempts.len().saturating_sub(self.earlier_attempts) + 1
    }
}

/// Only a dead or suppressed delivery can be redelivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only a dead or suppressed delivery can be redelivered; this one is {0:?}")]
pub struct NotRedeliverable(pub State);

#[cfg(test)]
mod tests;
