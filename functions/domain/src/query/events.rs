//! Which events to list.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::search::Search;
use crate::event::{ActionPattern, Event, EventPk};
use crate::person::is_same_name;

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
            && self
                .client_ip
                .is_none_or(|ip| event.client_ip.is_some_and(|own| own.to_canonical() == ip.to_canonical()))
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
