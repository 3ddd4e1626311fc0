//! The ports by which events are read back: one by one, in lists, and counted.

use std::net::IpAddr;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::StoreError;
use crate::dimension::Dimension;
use crate::event::{ActionPattern, Event, EventPk};
use crate::person::is_same_name;
use crate::search::Search;
use crate::volume::HourCount;

/// Which events to list. Every filter that is set must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventQuery {
    /// By action.
    pub action: Option<ActionPattern>,
    /// The app, or one below it.
    pub app: Option<String>,
    /// `user.username` or `context.username`, compared as [people](crate::person) are.
    pub username: Option<String>,
    /// Where it came from.
    pub client_ip: Option<IpAddr>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
    /// The object the event is about, `app.model`.
    pub model: Option<String>,
    /// That object's key, `context.model.pk`, as text.
    pub model_pk: Option<String>,
    /// What is looked for.
    pub search: Option<Search>,
    /// Only events older than this one (the cursor).
    pub before: Option<EventPk>,
    /// At most so many.
    pub limit: usize,
    /// Look at no more than so many for one page; a store looks at no more than it can in about a second.
    pub examine: Option<usize>,
}

impl EventQuery {
    /// Whether all filters hold for the event, the cursor and the limit aside.
    pub fn admits(&self, event: &Event) -> bool {
        self.action.as_ref().is_none_or(|pattern| pattern.admits(&event.action))
            && self.app.as_ref().is_none_or(|app| app_admits(app, &event.app))
            && self.username.as_ref().is_none_or(|name| {
                let usernames = [event.user_str("username"), event.context_str("username")];
                usernames.into_iter().flatten().any(|username| is_same_name(username, name))
            })
            && self.client_ip.is_none_or(|ip| event.client_ip == Some(ip))
            && self.since.is_none_or(|since| event.created >= since)
            && self.until.is_none_or(|until| event.created < until)
            && self.model.as_ref().is_none_or(|model| event.model().as_ref() == Some(model))
            && self.model_pk.as_ref().is_none_or(|pk| event.model_pk().as_ref() == Some(pk))
            && self.search.as_ref().is_none_or(|search| search.admits(event))
    }

    /// What a page has covered that looked at `events` and stopped after `last`, or found no more.
    pub fn searched(&self, events: usize, last: Option<EventPk>) -> Searched {
        Searched {
            from: last.map_or(self.since, |last| Some(last.instant())),
            until: [self.before.map(EventPk::instant), self.until].into_iter().flatten().min(),
            events,
        }
    }
}

/// Whether `app` is `wanted` or lies below it, by dotted parts.
pub fn app_admits(wanted: &str, app: &str) -> bool {
    app.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

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

/// What was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Searched {
    /// Back to this time; null where everything was that is stored.
    #[serde(with = "crate::time::micros_option")]
    pub from: Option<Timestamp>,
    /// From this time on; null where from the newest event on.
    #[serde(with = "crate::time::micros_option")]
    pub until: Option<Timestamp>,
    /// So many events, of which some filters ruled out most.
    pub events: usize,
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
