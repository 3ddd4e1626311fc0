//! What travels through the queue and what lies in the store, with its version.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventPk};
use crate::id::DeliveryId;

/// A queue message. Every variant that was ever written can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The first version.
    V1(Work),
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Evaluate these events.
    Events(Vec<Arc<Event>>),
    /// Evaluate these events, which are too large to travel.
    Stored(Vec<EventPk>),
    /// Try these deliveries again.
    Deliveries(Vec<DeliveryId>),
}

impl Message {
    /// In the newest version.
    pub fn new(work: Work) -> Self {
        Self::V1(work)
    }

    /// What there is to do, whatever the version.
    pub fn into_work(self) -> Work {
        match self {
            Self::V1(work) => work,
        }
    }
}

/// A stored record with its version. Every variant that was ever written can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record<T> {
    /// The first version.
    V1(T),
}

impl<T> Record<T> {
    /// In the newest version.
    pub fn new(content: T) -> Self {
        Self::V1(content)
    }

    /// The content, whatever the version.
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
        let message: Message = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), written);
        assert!(serde_json::from_str::<Message>(r#"{"v99":{}}"#).is_err());
    }
}
