//! Legal holds: events that are kept and stay readable until an operator ends the hold, whatever their retention.
//!
//! A held event's expiry is [`HOLD_EXPIRY`], so that code that goes by the expiry need not know of holds. Stores set it
//! on events that arrive while a hold is active. A job sets it on stored events when a hold begins, and restores their
//! own expiry when it ends. A hold thus covers all stored events once its job is done; events that expire before that
//! may be gone.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{ActionPattern, Event};
use crate::query::{AddressRange, EventQuery};

/// The expiry of a held event: the beginning of the year 9999.
pub const HOLD_EXPIRY: Timestamp = Timestamp::constant(253_370_764_800, 0);

/// Which events a hold covers. Every field that is set must match; at least one is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldFilter {
    /// The action, or a pattern over actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionPattern>,
    /// The app, including apps below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// `user.username` or `context.username`, compared as [people](crate::person) are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The event's IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<IpAddr>,
    /// Created at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Created before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl HoldFilter {
    /// Whether no field is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn matches(&self, event: &Event) -> bool {
        let query = EventQuery {
            action: self.action.clone(),
            app: self.app.clone(),
            username: self.username.clone(),
            client_ip: self.client_ip.map(AddressRange::from),
            since: self.since,
            until: self.until,
            ..EventQuery::default()
        };
        query.matches(event)
    }
}

/// The stored record of a hold, which stays after its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The id, a UUID. Ids sort by the times of creation.
    pub id: String,
    /// The events that it covers.
    pub filter: HoldFilter,
    /// Why the operator created the hold; never blank.
    pub reason: String,
    /// The user or token that created it.
    pub by: String,
    /// When it was created.
    #[serde(with = "crate::time::micros")]
    pub created: Timestamp,
    /// When it was ended; null while it is active.
    #[serde(default, with = "crate::time::micros_option")]
    pub ended: Option<Timestamp>,
    /// The user or token that ended it.
    #[serde(default)]
    pub ended_by: Option<String>,
    /// The job that applies it to stored events or, after its end, restores their expiry.
    pub job: String,
}

/// Whether an active hold covers the event.
pub fn is_held(holds: &[Hold], event: &Event) -> bool {
    holds.iter().any(|hold| hold.ended.is_none() && hold.filter.matches(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_is_far_away() {
        assert_eq!(HOLD_EXPIRY.to_string(), "9999-01-01T00:00:00Z");
        assert_eq!(crate::time::ttl_seconds(HOLD_EXPIRY), HOLD_EXPIRY.as_second());
    }

    #[test]
    fn a_filter_says_something() {
        assert!(serde_json::from_str::<HoldFilter>("{}").unwrap().is_empty());
        assert!(!serde_json::from_str::<HoldFilter>(r#"{"action":"model_*"}"#).unwrap().is_empty());
        assert!(serde_json::from_str::<HoldFilter>(r#"{"actoin":"login"}"#).is_err());
    }
}
