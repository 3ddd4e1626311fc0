//! The ports of the jobs that visit every stored event.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use crate::event::{Event, EventPk};
use crate::retention::hold::Hold;
use crate::retention::job::{EventCursor, Job};

/// The operators' jobs. Every write is conditional on the job's revision.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// All jobs, in any order. Jobs that ended long ago may be missing.
    async fn all(&self) -> Result<Vec<Job>, StoreError>;
    /// The job of this id; `None` if it does not exist.
    async fn get(&self, id: &str) -> Result<Option<Job>, StoreError>;
    /// Replaces the job if the stored revision is one less than its own; with revision 0, creates it if there is none.
    /// Returns whether it did. The write is durable.
    async fn replace(&self, job: &Job) -> Result<bool, StoreError>;
}

/// The legal holds, which keep events whatever their retention.
#[async_trait]
pub trait Holds: Send + Sync {
    /// All holds, also ended ones, in any order, as last written.
    async fn all(&self) -> Result<Vec<Hold>, StoreError>;
    /// Stores a hold and replaces any of the same id.
    async fn put(&self, hold: &Hold) -> Result<(), StoreError>;
    /// How long after [`put`](Self::put) an [`Intake`](super::Intake) may still not know the hold.
    fn known_within(&self) -> SignedDuration;
}

/// A stored event with the time it was received.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedEvent {
    /// The event as readers see it.
    pub event: Event,
    /// When the event was received, to within [`crate::retention::RECEIVED_WITHIN`].
    pub received: Timestamp,
}

/// One page of [`EventExpiry::list_received`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReceivedPage {
    /// The events, in the store's order.
    pub results: Vec<ReceivedEvent>,
    /// Number of stored events that could not be read. The page omits them.
    pub unreadable: usize,
    /// The cursor to pass as `after` for the next page; `None` on the last page.
    pub next: Option<EventCursor>,
}

/// The expiry of events, the one field of a stored event that may change, and the events that have expired, which are
/// archived where they are not simply [purged](super::EventLog::purge).
#[async_trait]
pub trait EventExpiry: Send + Sync {
    /// A page of the events that have not expired, newest days first, and within a day as reading them costs least.
    /// Examines at most `limit` events. The pages together have every event that is stored all the while, once.
    async fn list_received(
        &self,
        after: Option<EventCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ReceivedPage, StoreError>;
    /// Sets the expiry of each event, unless the event has expired or does not exist, and returns how many it set. From
    /// then on every reader finds this expiry, to the microsecond.
    async fn set_expiries(&self, expiries: &[(EventPk, Timestamp)], now: Timestamp) -> Result<usize, StoreError>;
    /// Expired events that are not yet [marked as archived](Self::mark_archived): about `limit` at most, and no more
    /// than fit into memory. May leave out events that expired within the last two hours.
    async fn expired(&self, now: Timestamp, limit: usize) -> Result<ExpiredEvents, StoreError>;
    /// Records that these events are archived, so that they are not returned again. Frees their space now or later. An
    /// event that has not expired stays.
    async fn mark_archived(&self, expired: &ExpiredEvents, now: Timestamp) -> Result<(), StoreError>;
}

/// The result of a search for expired events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExpiredEvents {
    /// The events as readers last saw them.
    pub events: Vec<Event>,
    /// Expiry of the oldest pending event, if the store knows it; drives the metric `ArchiveLag`.
    pub since: Option<Timestamp>,
    /// Opaque cursors of what was searched, for [`mark_archived`](EventExpiry::mark_archived).
    pub passed: Vec<String>,
    /// Whether no expired event is left.
    pub is_last: bool,
}
