//! Identifiers that several modules share: an event's pk, a delivery's id, which begins with that pk, and the ids of
//! detections and their groups.
//!
//! Owns their forms as text and as bytes. Callers find them as `event::EventPk`, `delivery::DeliveryId` and
//! `detection::GroupId`.

mod delivery_id;
mod event_pk;
mod group_id;
mod hex;

pub use delivery_id::{DeliveryId, DeliveryIdError};
pub use event_pk::{EventPk, PkError};
pub use group_id::{DetectionId, GroupId, GroupIdError};
