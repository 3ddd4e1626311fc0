//! The ports by which events are read back: one by one, in lists, and counted.

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
    /// Newest first.
    pub results: Vec<Event>,
    /// Where the next page goes on; none on the last one. A page that has one need not be full: looking is bounded.
    pub next: Option<EventPk>,
    /// What was looked through for it.
    pub searched: Searched,
}

/// Which records go once they have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// Of every kind.
    All,
    /// Of every kind but events, which are archived first.
    AllButEvents,
}

/// The stored events.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// The event, unless it has expired.
    async fn get(&self, pk: EventPk, now: Timestamp) -> Result<Option<Event>, StoreError>;
    /// A page, newest first by pk; expired events are not in it.
    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<EventPage, StoreError>;
    /// How many events of the hours that begin from `since` on and before `until` have each value, in any order. Those
    /// that have expired may still count. None where the store has not counted them; then they are to be looked at.
    async fn counted(
        &self,
        _by: Dimension,
        _since: Timestamp,
        _until: Timestamp,
    ) -> Result<Option<Vec<(String, u64)>>, StoreError> {
        Ok(None)
    }
    /// Deletes up to `limit` expired records of these kinds; says how many it deleted.
    async fn purge(&self, what: Purge, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// How many events there were. A count is kept for [`crate::query::volume::KEPT`], longer than the events it counts.
#[async_trait]
pub trait Volume: Send + Sync {
    /// Every hour and action that has events, of the hours that begin from `since` on and before `until`; in any order.
    ///
    /// Exact for what arrived within its hour. What arrives later is counted at once, or once
    /// [`roll_up`](Self::roll_up) has found it.
    async fn hours(&self, since: Timestamp, until: Timestamp) -> Result<Vec<HourCount>, StoreError>;
    /// Brings counts up to date that are not kept as events come in: closes hours that are over, and recounts those for
    /// which an event arrived late. Does a bounded part of it; says how many hours it counted, 0 when nothing is left
    /// to do. Safe to repeat and to run in two places at once.
    async fn roll_up(&self, now: Timestamp) -> Result<usize, StoreError>;
}
