//! What produced an event that no caller posted.

use serde::{Deserialize, Serialize};

use crate::id::DeliveryId;

/// What produced an event: `{"policy": "name"}`, `{"delivery": "id"}` or `"caller"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Producer {
    /// The policy of this name.
    Policy(String),
    /// This delivery.
    Delivery(DeliveryId),
    /// A caller, whose event looks like one that 0.1.0 produced.
    Caller,
}
