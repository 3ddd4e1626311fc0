//! What other retention settings do to the expiry of an event that is stored already.

use jiff::{SignedDuration, Timestamp};

use crate::event::Event;
use crate::rules_document::Retention;

/// How exactly it is known when a stored event was received.
pub const RECEIVED_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// What a store notes of an event that it receives at `now`: that instant, or nothing where the event happened just
/// then. Most events cost nothing that way.
pub fn received_apart(created: Timestamp, now: Timestamp) -> Option<Timestamp> {
    (now.duration_since(created).abs() >= RECEIVED_WITHIN).then_some(now)
}

/// What other rules do to the expiry of a stored event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restamp {
    /// It stays.
    Same,
    /// It has passed already.
    Gone(Timestamp),
    /// It comes earlier.
    Earlier(Timestamp),
    /// It comes later.
    Later(Timestamp),
    /// It comes when no hold is left.
    Held(Timestamp),
}

impl Retention {
    /// What these rules make at `now` of the expiry of an event that was received then. One that would move by no
    /// more than `received` is known to stays: the same rules change nothing.
    pub fn restamp(&self, event: &Event, received: Timestamp, now: Timestamp) -> Restamp {
        let expires = crate::time::to_micros(self.expiry(&event.action, received));
        if expires.duration_since(event.expires).abs() <= RECEIVED_WITHIN {
            Restamp::Same
        } else if expires <= now {
            Restamp::Gone(expires)
        } else if expires < event.expires {
            Restamp::Earlier(expires)
        } else {
            Restamp::Later(expires)
        }
    }
}
