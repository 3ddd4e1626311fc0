//! The origin of an event that Nuncio produced itself; the loop guard relies on it.

use serde::{Deserialize, Serialize};

use crate::id::DeliveryId;

/// The origin of an event, stored as `{"policy": "name"}`, `{"delivery": "id"}`,
/// `{"detection": "name"}` or `"caller"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Producer {
    /// The policy of this name, by `ak_create_event` or by raising an exception.
    Policy(String),
    /// This delivery, by failing for good or by its mapping.
    Delivery(DeliveryId),
    /// The detection of this name, by firing or by being resolved.
    Detection(String),
    /// A caller, whose event resembles the events that version 0.1.0 produced.
    Caller,
}
