//! The ports that read events back: one event, lists, and counts.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::event::{Event, EventPk};
use crate::query::dimension::Dimension;
use crate::query::volume::HourCount;
use crate::query::{EventQuery, Searched};

/// One page of events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// The events, newest first.
    pub results: Vec<Event>,
    /// The cursor of the next page; `None` on the last page. A page with a cursor may hold fewer than `limit` events,
    /// even none, because each page examines a bounded number, and its [bytes](crate::query::PageBudget) are bounded
    /// too.
    pub next: Option<EventPk>,
    /// The range that the page has covered.
    pub searched: Searched,
}

/// Which kinds of expired records to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeScope {
    /// Every kind, events included; used where no archiver runs.
    All,
    /// Every kind except events, which the archiver archives first.
    AllButEvents,
}

/// Reads the stored events.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// The event of this pk; `None` if it does not exist or has expired.
    async fn get(&self, pk: EventPk, now: Timestamp) -> Result<Option<Event>, StoreError>;
    /// A page of the events that match the query, newest first by pk, without expired ones.
    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<EventPage, StoreError>;
    /// How many events have each value of the dimension, in any order, in the hours that begin in `since..until`.
    /// Expired events may be included. `None` if the store keeps no such counts; then read the events.
    async fn counted(
        &self,
        _by: Dimension,
        _since: Timestamp,
        _until: Timestamp,
    ) -> Result<Option<Vec<(String, u64)>>, StoreError> {
        Ok(None)
    }
    /// Deletes up to `limit` expired records of these kinds and returns how many. A store that deletes them by itself
    /// returns 0.
    async fn purge(&self, what: PurgeScope, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// Hourly counts of events. A count is kept for [`crate::query::volume::KEPT`], longer than the events.
#[async_trait]
pub trait Volume: Send + Sync {
    /// The count of every action in every hour that begins in `since..until`, without zeros, in any order.
    ///
    /// Exact for events that arrive within their hour. Later events are counted at once, or when
    /// [`roll_up`](Self::roll_up) finds them.
    async fn hours(&self, since: Timestamp, until: Timestamp) -> Result<VolumeCounts, StoreError>;
    /// Updates counts that the store does not maintain on arrival: closes finished hours and recounts hours that
    /// received late events. Examines a bounded number of events and stores how far it came, so that the next call
    /// continues there. Safe to repeat, to interrupt and to run concurrently.
    async fn roll_up(&self, now: Timestamp) -> Result<RollUp, StoreError>;
}

/// The result of [`Volume::hours`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeCounts {
    /// One count for each hour and action.
    pub hours: Vec<HourCount>,
    /// The time from which on every event is counted, because one call reads a bounded number of events. Of earlier
    /// hours, those that no [`Volume::roll_up`] has closed may be missing. `None` if the counts are complete.
    pub complete_since: Option<Timestamp>,
}

/// What one call of [`Volume::roll_up`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RollUp {
    /// Number of events counted.
    pub events: usize,
    /// Number of stored events that could not be read. They are missing in the counts.
    pub unreadable: usize,
    /// Whether another call would find more to count.
    pub has_more: bool,
}
