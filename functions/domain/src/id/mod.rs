//! Identifiers that several modules share: an event's pk and a delivery's id, which begins with that pk.
//!
//! Owns their forms as text and as bytes. Callers find them as `event::EventPk` and `delivery::DeliveryId`.

mod delivery_id;
mod event_pk;

pub use delivery_id::{DeliveryId, DeliveryIdError};
pub use event_pk::{EventPk, PkError};
