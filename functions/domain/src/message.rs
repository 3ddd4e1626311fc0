//! The versioned envelopes of queue messages and stored records.
//!
//! Owns the promise that every version that was ever written can be read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventPk};
use crate::id::{DeliveryId, GroupId};

/// A message of the work queue. Every variant that was ever written can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueMessage {
    /// Version 1, the newest; written as `{"v1": …}`.
    V1(QueuedWork),
}

/// The work that a queue message asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueuedWork {
    /// Evaluate these events, which travel in the message.
    Events(Vec<Arc<Event>>),
    /// Evaluate these events, which the worker reads from the store: a single machine always sends pks, AWS only for
    /// events that are too large for a message.
    Stored(Vec<EventPk>),
    /// Retry these deliveries, which are due.
    Deliveries(Vec<DeliveryId>),
    /// Report the absence of events in these groups, which is due; and activate new detections. A single machine hands
    /// it out when every event that was queued before it has been evaluated.
    Groups(Vec<GroupId>),
}

impl QueueMessage {
    /// Wraps the value in the newest version.
    pub fn new(work: QueuedWork) -> Self {
        Self::V1(work)
    }

    /// The work, converted from any version.
    pub fn into_work(self) -> QueuedWork {
        match self {
            Self::V1(work) => work,
        }
    }
}

/// A stored record with its version. Every variant that was ever written can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Versioned<T> {
    /// Version 1, the newest; written as `{"v1": …}`.
    V1(T),
}

impl<T> Versioned<T> {
    /// What precedes the content's JSON in the record's JSON.
    pub const PREFIX: &'static str = "{\"v1\":";

    /// What follows the content's JSON in the record's JSON.
    pub const SUFFIX: &'static str = "}";

    /// Wraps the value in the newest version.
    pub fn new(content: T) -> Self {
        Self::V1(content)
    }

    /// The content, converted from any version.
    pub fn into_inner(self) -> T {
        match self {
            Self::V1(content) => content,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_stays_readable() {
        let written = r#"{"v1":{"stored":["018650dd-2c93-7f1e-8afe-ad5af90bf680"]}}"#;
        let message: QueueMessage = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), written);
        assert!(serde_json::from_str::<QueueMessage>(r#"{"v99":{}}"#).is_err());
    }

    #[test]
    fn prefix_and_suffix_make_the_record_of_its_contents_json() {
        let record = serde_json::to_string(&Versioned::new("content")).unwrap();
        assert_eq!(record, [Versioned::<()>::PREFIX, "\"content\"", Versioned::<()>::SUFFIX].concat());
    }
}
