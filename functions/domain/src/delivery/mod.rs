//! A delivery: one notification to one recipient by one transport, and its ledger entry.
//!
//! The entry goes through these states. Every change is one conditional write on the entry's revision, so that of two
//! concurrent writers only one succeeds:
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
//! A suppressed delivery is created in the closed state Suppressed; the carrier of a digest as Retrying, due when its
//! window has closed. An operator can reopen Dead and Suppressed entries as Retrying.

mod digest_window;
pub mod endpoint;
pub mod failure_event;
mod outcome;
pub mod retry;
mod suppression_cause;

pub use crate::id::{DeliveryId, DeliveryIdError};
pub use digest_window::DigestWindow;
pub use outcome::{AttemptOutcome, Attribution, EndpointSignal, Failure, FailureClass, MailStage, retry_after};
pub use suppression_cause::SuppressionCause;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{Event, EventPk, MAX_AHEAD};
use crate::person::Person;
use crate::recipients::Recipient;
use crate::rules_document::{Rule, Severity};
use retry::NextStep;

/// The length of a lease: longer than the slowest attempt, shorter than the queue's visibility timeout.
pub const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// A dispatcher is sending it, or crashed while it did.
    Pending,
    /// The receiver accepted it. Closed.
    Delivered,
    /// It waits for an attempt, which is due at `next_at`.
    Retrying,
    /// It failed for good. Closed, until an operator redelivers it.
    Dead,
    /// A silence, mute window, throttle or digest suppressed it. Closed, until an operator redelivers it.
    Suppressed,
}

/// One attempt to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the attempt began.
    #[serde(with = "crate::time::micros")]
    pub at: Timestamp,
    /// The receiver's HTTP or SMTP status code, if it sent one.
    pub status: Option<u16>,
    /// The failure in words; null if the receiver accepted the message.
    pub error: Option<String>,
    /// The attempt's duration in milliseconds.
    pub ms: u64,
}

/// A dispatcher's exclusive right to send a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// When the lease ends; another dispatcher may then take over.
    #[serde(with = "crate::time::micros")]
    pub until: Timestamp,
}

/// A ledger entry: everything that is known of one delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The same on every attempt; sent as `webhook-id`.
    pub id: DeliveryId,
    /// Incremented by every write, from 0. A write succeeds only if the stored revision is one less.
    pub revision: u64,
    /// The name of the rule that fired.
    pub rule: String,
    /// The name of the transport.
    pub transport: String,
    /// The recipient, with the address that this delivery uses.
    pub recipient: Person,
    /// The rule's severity when the entry was created.
    pub severity: Severity,
    /// The current state, one of those in the diagram of this module.
    pub state: DeliveryState,
    /// All attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// How many of the attempts precede the last redelivery by an operator.
    #[serde(default)]
    pub earlier_attempts: usize,
    /// When an operator last redelivered it.
    #[serde(default, with = "crate::time::micros_option")]
    pub reopened: Option<Timestamp>,
    /// Why it was suppressed. Stays set when an operator redelivers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<SuppressionCause>,
    /// The window whose events it reports, if it is a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestWindow>,
    /// Set while a dispatcher is sending it.
    pub lease: Option<Lease>,
    /// When the next attempt is due, if one is.
    #[serde(with = "crate::time::micros_option")]
    pub next_at: Option<Timestamp>,
    /// When `next_at` was decided; `None` in entries of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::time::micros_option")]
    pub planned: Option<Timestamp>,
    /// When the entry was created.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// When the entry is deleted: with its event, but after 31 days at the earliest.
    #[serde(with = "crate::time::micros")]
    pub expires: Timestamp,
}

/// Why a delivery cannot be claimed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclaimable {
    /// The delivery is closed; no attempt is due.
    Closed,
    /// Another dispatcher is sending it.
    Leased {
        /// When the other dispatcher's lease ends.
        until: Timestamp,
    },
    /// The next attempt is not due yet.
    Waiting {
        /// When the attempt is due.
        until: Timestamp,
    },
}

/// The minimum age of a deleted entry. The retry schedule takes 3 days and 4 hours; the rest is time for the operator.
const SHORTEST_MEMORY: SignedDuration = SignedDuration::from_hours(31 * 24);

impl Delivery {
    /// A new entry, leased to the dispatcher that creates it.
    pub fn open(event: &Event, rule: &Rule, transport: &str, to: impl Into<Recipient>, now: Timestamp) -> Self {
        let now = crate::time::to_micros(now);
        let Recipient { person: recipient, is_additional } = to.into();
        let id = if is_additional {
            DeliveryId::for_additional_address(event.pk, &rule.name, transport, recipient.label(), &recipient.email)
        } else {
            DeliveryId::for_recipient(event.pk, &rule.name, transport, recipient.label())
        };
        Self {
            id,
            revision: 0,
            rule: rule.name.clone(),
            transport: transport.to_owned(),
            recipient,
            severity: rule.severity,
            state: DeliveryState::Pending,
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

    /// Closes a new entry without an attempt.
    pub fn suppress(&mut self, cause: SuppressionCause) {
        self.state = DeliveryState::Suppressed;
        self.suppressed = Some(cause);
        self.digest = None;
        self.lease = None;
        self.next_at = None;
        self.planned = None;
    }

    /// Makes a new entry the carrier of a digest: it becomes due when the window has closed.
    pub fn carry_digest(&mut self, window: DigestWindow) {
        self.state = DeliveryState::Retrying;
        self.digest = Some(window);
        self.lease = None;
        self.next_at = Some(window.due());
        self.planned = Some(window.opened);
    }

    /// Whether it is a digest whose window is still open at `now`.
    pub fn is_collecting_at(&self, now: Timestamp) -> bool {
        self.state == DeliveryState::Retrying && self.digest.is_some_and(|window| window.is_open(now))
    }

    /// The event that it notifies of; the first event of a digest.
    pub fn event(&self) -> EventPk {
        self.id.event()
    }

    /// Whether it goes to an additional address of the recipient. Derived from the id.
    pub fn is_to_additional_address(&self) -> bool {
        self.id != DeliveryId::for_recipient(self.event(), &self.rule, &self.transport, self.recipient.label())
    }

    /// Whether the state is final, unless an operator redelivers it.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, DeliveryState::Delivered | DeliveryState::Dead | DeliveryState::Suppressed)
    }

    /// When an entry in state Retrying is due; `None` in any other state.
    pub fn due_at(&self) -> Option<Timestamp> {
        (self.state == DeliveryState::Retrying).then_some(self.next_at).flatten()
    }

    /// When the next attempt is due, if that is after `now`. Ignores a time that was decided in the future or lies
    /// further ahead than any wait, because a wrong clock wrote it.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        if self.planned.is_some_and(|planned| crate::time::is_ahead(planned, now)) {
            return None;
        }
        let collects = |next: Timestamp| self.digest.is_some_and(|window| window.due() == next);
        self.next_at.filter(|next| match self.digest {
            Some(window) if collects(*next) => now < *next && !crate::time::is_ahead(window.opened, now),
            _ => !crate::time::has_passed(*next, retry::LONGEST_DELAY, now),
        })
    }

    /// The next revision of the entry, leased to the caller.
    ///
    /// # Errors
    /// If it is closed, leased to another dispatcher, or not due.
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
            state: DeliveryState::Pending,
            lease: Some(lease),
            next_at: None,
            planned: None,
            ..self.clone()
        })
    }

    /// The next revision of the entry after an attempt; `next` is what [`retry::next`] decided.
    pub fn after(&self, attempt: Attempt, next: NextStep) -> Self {
        let mut after = Self { revision: self.revision + 1, lease: None, next_at: None, planned: None, ..self.clone() };
        let took = SignedDuration::from_millis(i64::try_from(attempt.ms).unwrap_or(i64::MAX));
        let ended = crate::time::later(attempt.at, took);
        after.attempts.push(attempt);
        match next {
            NextStep::Closed => after.state = DeliveryState::Delivered,
            NextStep::Retry { at } => {
                after.state = DeliveryState::Retrying;
                after.next_at = Some(crate::time::to_micros(at));
                after.planned = Some(ended);
            }
            NextStep::Dead => after.state = DeliveryState::Dead,
        }
        after
    }

    /// The next revision of the entry, postponed without an attempt because the endpoint is paused or busy.
    pub fn postponed(&self, until: Timestamp, now: Timestamp) -> Self {
        let [next_at, planned] = [until, now].map(|at| Some(crate::time::to_micros(at)));
        Self {
            revision: self.revision + 1,
            state: DeliveryState::Retrying,
            lease: None,
            next_at,
            planned,
            ..self.clone()
        }
    }

    /// The next revision of a dead or suppressed entry that an operator redelivers: due at once. Its attempts stay on
    /// record, the retry schedule starts again, and nothing suppresses it again.
    ///
    /// # Errors
    /// If it is neither dead nor suppressed.
    pub fn redelivered(&self, now: Timestamp) -> Result<Self, NotRedeliverable> {
        if !matches!(self.state, DeliveryState::Dead | DeliveryState::Suppressed) {
            return Err(NotRedeliverable(self.state));
        }
        let reopened = Some(crate::time::to_micros(now));
        Ok(Self { earlier_attempts: self.attempts.len(), reopened, ..self.postponed(now, now) })
    }

    /// How long it has been due: since it was created, its digest's window closed, or an operator last redelivered it,
    /// but not since before its event can have been received.
    pub fn waited(&self, now: Timestamp) -> SignedDuration {
        let received = self.event().instant().saturating_sub(MAX_AHEAD).unwrap_or(self.created);
        let began = self.reopened.or(self.digest.map(|window| window.closes)).unwrap_or(self.created).max(received);
        now.duration_since(began).max(SignedDuration::ZERO)
    }

    /// The number of the next attempt in the retry schedule, from 1; counted since the last redelivery.
    pub fn attempt_number(&self) -> usize {
        self.attempts.len().saturating_sub(self.earlier_attempts) + 1
    }
}

/// The delivery is neither dead nor suppressed, so it cannot be redelivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only a dead or suppressed delivery can be redelivered; this one is {0:?}")]
pub struct NotRedeliverable(pub DeliveryState);

#[cfg(test)]
mod tests;
