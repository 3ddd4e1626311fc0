//! The filter of event lists, and what a list has covered.

use jiff::Timestamp;
use serde::Serialize;

use super::AddressRange;
use super::search::Search;
use crate::event::{ActionPattern, Event, EventPk, app_matches};
use crate::person::is_same_name;

/// Selects events. Every filter that is set must match.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventQuery {
    /// The action, or a pattern over actions.
    pub action: Option<ActionPattern>,
    /// The app, including apps below it.
    pub app: Option<String>,
    /// `user.username` or `context.username`, compared as [people](crate::person) are.
    pub username: Option<String>,
    /// The event's IP address, or a network that it lies in.
    pub client_ip: Option<AddressRange>,
    /// Created at or after this time.
    pub since: Option<Timestamp>,
    /// Created before this time.
    pub until: Option<Timestamp>,
    /// The type of the object that the event is about, as `app.model`.
    pub model: Option<String>,
    /// The key of that object, `context.model.pk`, as text.
    pub model_pk: Option<String>,
    /// A query or a plain text to search for.
    pub search: Option<Search>,
    /// Only events older than this one (the cursor).
    pub before: Option<EventPk>,
    /// The most events of a page.
    pub limit: usize,
    /// The most events to examine for one page; `None` for as many as the store can examine in about a second.
    pub examine: Option<usize>,
}

impl EventQuery {
    /// Whether the event matches all filters. Ignores the cursor and the limits.
    pub fn matches(&self, event: &Event) -> bool {
        self.action.as_ref().is_none_or(|pattern| pattern.matches(&event.action))
            && self.app.as_ref().is_none_or(|app| app_matches(app, &event.app))
            && self.username.as_ref().is_none_or(|name| {
                let usernames = [event.user_str("username"), event.context_str("username")];
                usernames.into_iter().flatten().any(|username| is_same_name(username, name))
            })
            && self.client_ip.is_none_or(|range| event.client_ip.is_some_and(|address| range.contains(address)))
            && self.since.is_none_or(|since| event.created >= since)
            && self.until.is_none_or(|until| event.created < until)
            && self.model.as_ref().is_none_or(|model| event.model().as_ref() == Some(model))
            && self.model_pk.as_ref().is_none_or(|pk| event.model_pk().as_ref() == Some(pk))
            && self.search.as_ref().is_none_or(|search| search.matches(event))
    }

    /// The range that a page has covered which examined `events` events; `last` is the last one, `None` if it found no
    /// more.
    pub fn searched(&self, events: usize, last: Option<EventPk>) -> Searched {
        Searched {
            from: last.map_or(self.since, |last| Some(last.instant())),
            until: [self.before.map(EventPk::instant), self.until].into_iter().flatten().min(),
            events,
        }
    }
}

/// The range of events that a page has covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Searched {
    /// The start of the range; null for the oldest stored event.
    #[serde(with = "crate::time::micros_option")]
    pub from: Option<Timestamp>,
    /// The end of the range; null for the newest event.
    #[serde(with = "crate::time::micros_option")]
    pub until: Option<Timestamp>,
    /// The number of events that were examined.
    pub events: usize,
}
