//! The effect of changed retention settings on the expiry of a stored event.

use jiff::{SignedDuration, Timestamp};

use crate::event::Event;
use crate::rules_document::Retention;

/// The precision of the time at which a stored event was received.
pub const RECEIVED_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The reception time that a store records for an event: `now`, or `None` if the event happened just then, as most do.
pub fn received_apart(created: Timestamp, now: Timestamp) -> Option<Timestamp> {
    (now.duration_since(created).abs() >= RECEIVED_WITHIN).then_some(now)
}

/// The change of a stored event's expiry under other retention settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiryChange {
    /// The expiry stays the same, up to [`RECEIVED_WITHIN`].
    Same,
    /// The event expires at this time, which has passed already.
    Gone(Timestamp),
    /// The event expires earlier.
    Earlier(Timestamp),
    /// The event expires later.
    Later(Timestamp),
    /// A hold keeps the event.
    Held(Timestamp),
}

impl Retention {
    /// The change of the expiry of an event that was received at `received`. A change within [`RECEIVED_WITHIN`] is
    /// ignored, so that the same settings change nothing.
    pub fn restamp(&self, event: &Event, received: Timestamp, now: Timestamp) -> ExpiryChange {
        let expires = crate::time::to_micros(self.expiry(&event.action, received));
        if expires.duration_since(event.expires).abs() <= RECEIVED_WITHIN {
            ExpiryChange::Same
        } else if expires <= now {
            ExpiryChange::Gone(expires)
        } else if expires < event.expires {
            ExpiryChange::Earlier(expires)
        } else {
            ExpiryChange::Later(expires)
        }
    }
}
