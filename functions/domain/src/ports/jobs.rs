//! The ports of the jobs that go over all that is stored.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Page, StoreError};
use crate::event::{Event, EventPk};
use crate::retention::hold::Hold;
use crate::retention::job::Job;

/// The jobs. Every write is conditional.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// All of them, in any order; those that ended long ago may be missing.
    async fn all(&self) -> Result<Vec<Job>, StoreError>;
    /// The one of that id.
    async fn get(&self, id: &str) -> Result<Option<Job>, StoreError>;
    /// Puts the job over the one of its id whose revision is smaller by one, or, with revision 0, where there is none;
    /// whether it did. The write is durable.
    async fn replace(&self, job: &Job) -> Result<bool, StoreError>;
}

/// What is kept whatever its retention.
#[async_trait]
pub trait Holds: Send + Sync {
    /// All of them, ended ones too, in any order, as last written.
    async fn all(&self) -> Result<Vec<Hold>, StoreError>;
    /// Stores one, over any of the same id.
    async fn put(&self, hold: &Hold) -> Result<(), StoreError>;
    /// How long after that some [`Intake`](super::Intake) may still not know it.
    fn known_within(&self) -> SignedDuration;
}

/// A stored event, and when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// As it is shown.
    pub event: Event,
    /// When it was received, to within [`crate::retention::RECEIVED_WITHIN`].
    pub received: Timestamp,
}

/// How long events are kept: the one thing about a stored event that may change. And what becomes of them afterwards,
/// where they are not simply [purged](super::EventLog::purge).
#[async_trait]
pub trait Keeping: Send + Sync {
    /// A page of the events that have not expired, newest first; it looks at no more than `limit`.
    async fn kept(
        &self,
        before: Option<EventPk>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Kept, EventPk>, StoreError>;
    /// Gives each event its expiry, unless it has expired or is not there; says how many it gave. From then on every
    /// reader finds this expiry, to the microsecond.
    async fn restamp(&self, expiries: &[(EventPk, Timestamp)], now: Timestamp) -> Result<usize, StoreError>;
    /// Events that have expired and were not yet [let go](Self::let_go), about `limit` at most and no more than fit into
    /// memory. What has expired within the last two hours may wait for another time.
    async fn expired(&self, now: Timestamp, limit: usize) -> Result<Expired, StoreError>;
    /// Takes note that these events are archived, so that they are not handed out again. Their room is given back now or
    /// later; an event that has not expired stays.
    async fn let_go(&self, expired: &Expired, now: Timestamp) -> Result<(), StoreError>;
}

/// What a look for expired events has found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expired {
    /// As they were shown last.
    pub events: Vec<Event>,
    /// Since when the first of them could have been handed out, in a store that knows.
    pub since: Option<Timestamp>,
    /// What was looked through for them, in the store's own words.
    pub passed: Vec<String>,
    /// Whether nothing else is left.
    pub is_last: bool,
}
