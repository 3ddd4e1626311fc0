//! Legal hold: events that are kept, and stay readable, until somebody ends it, whatever their retention.
//!
//! A held event's expiry is [`HELD`]: nothing that goes by expiries needs to know of holds. Stores stamp it on what
//! arrives while a hold is active; a job stamps what is there when one begins, and gives everything its own expiry again
//! when one ends. A hold is thus in force for all that is stored once its job is done, and what expires before that may
//! be gone.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{ActionPattern, Event};
use crate::query::EventQuery;

/// When a held event expires: at the beginning of the year 9999.
pub const HELD: Timestamp = Timestamp::constant(253_370_764_800, 0);

/// Which events are held. Every field that is set must hold; one at least is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldFilter {
    /// By action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionPattern>,
    /// The app, or one below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// `user.username` or `context.username`, compared as [people](crate::person) are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    /// Created at or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Created before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl HoldFilter {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn admits(&self, event: &Event) -> bool {
        let query = EventQuery {
            action: self.action.clone(),
            app: self.app.clone(),
            username: self.username.clone(),
            client_ip: self.client_ip.map(|address| address.to_canonical()),
            since: self.since,
            until: self.until,
            ..EventQuery::default()
        };
        query.admits(event)
    }
}

/// A hold. It stays on record after its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Time-ordered.
    pub id: String,
    /// What it holds.
    pub filter: HoldFilter,
    /// Why.
    pub reason: String,
    /// Who put it there.
    pub by: String,
    /// When.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// When it was ended; null while it is active.
    #[serde(default, with = "crate::time::micros_option")]
    pub ended: Option<Timestamp>,
    /// Who ended it.
    #[serde(default)]
    pub ended_by: Option<String>,
    /// The job that brings it into force, or undoes it.
    pub job: String,
}

/// Whether an active one of them holds the event.
pub fn holds(holds: &[Hold], event: &Event) -> bool {
    holds.iter().any(|hold| hold.ended.is_none() && hold.filter.admits(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_is_far_away() {
        assert_eq!(HELD.to_string(), "9999-01-01T00:00:00Z");
        assert_eq!(crate::time::ttl_seconds(HELD), HELD.as_second());
    }

    #[test]
    fn a_filter_says_something() {
        assert!(serde_json::from_str::<HoldFilter>("{}").unwrap().is_empty());
        assert!(!serde_json::from_str::<HoldFilter>(r#"{"action":"model_*"}"#).unwrap().is_empty());
        assert!(serde_json::from_str::<HoldFilter>(r#"{"actoin":"login"}"#).is_err());
    }
}
