//! The ports by which events are read back: one by one, in lists, and counted.

use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Page, StoreError};
use crate::event::{ActionPattern, Event, EventPk};
use crate::volume::HourCount;

/// Which events to list. Every filter that is set must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventQuery {
    /// By action.
    pub action: Option<ActionPattern>,
    /// The app, or one below it.
    pub app: Option<String>,
    /// `user.username` or `context.username`.
    pub username: Option<String>,
    /// Where it came from.
    pub client_ip: Option<IpAddr>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
    /// Somewhere in the event's JSON, in any case.
    pub search: Option<String>,
    /// Only events older than this one (the cursor).
    pub before: Option<EventPk>,
    /// At most so many.
    pub limit: usize,
}

impl EventQuery {
    /// Whether all filters hold for the event, the cursor and the limit aside.
    pub fn admits(&self, event: &Event) -> bool {
        self.action.as_ref().is_none_or(|pattern| pattern.admits(&event.action))
            && self.app.as_ref().is_none_or(|app| app_admits(app, &event.app))
            && self.username.as_ref().is_none_or(|name| {
                event.user_str("username") == Some(name) || event.context_str("username") == Some(name)
            })
            && self.client_ip.is_none_or(|ip| event.client_ip == Some(ip))
            && self.since.is_none_or(|since| event.created >= since)
            && self.until.is_none_or(|until| event.created < until)
            && self.search.as_ref().is_none_or(|text| contains_ignoring_case(event, text))
    }
}

/// Whether `app` is `wanted` or lies below it, by dotted parts.
pub fn app_admits(wanted: &str, app: &str) -> bool {
    app.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn contains_ignoring_case(event: &Event, text: &str) -> bool {
    serde_json::to_string(event).is_ok_and(|json| json.to_lowercase().contains(&text.to_lowercase()))
}

/// The stored events.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// The event, unless it has expired.
    async fn get(&self, pk: EventPk, now: Timestamp) -> Result<Option<Event>, StoreError>;
    /// A page, newest first by pk; expired events are not in it.
    async fn list(&self, query: &EventQuery, now: Timestamp) -> Result<Page<Event, EventPk>, StoreError>;
    /// Deletes up to `limit` expired records of every kind; says how many it deleted.
    async fn purge(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// How many events there were. A count is kept for [`crate::volume::KEPT`], longer than the events it counts.
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
