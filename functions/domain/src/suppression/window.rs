//! Digest windows: what is collected until when, and which delivery carries it.
//!
//! The first delivery of a lane opens a window and carries, when it has closed, what the later ones would have
//! told of. It lies in the ledger like one that waits for another attempt, so that it is sent once, after a crash too.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::delivery::DeliveryId;
use crate::document::Digest;
use crate::time::{later, to_micros};

/// Who began to collect before the window closed has finished by then. One that stalls for longer may be listed
/// in two digests, but is never lost.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

/// A window and the delivery that carries what is collected in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Whose event opened it.
    pub carrier: DeliveryId,
    /// When.
    #[serde(flatten)]
    pub span: Span,
}

/// When a window opened and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// With the first event.
    #[serde(with = "crate::time::micros")]
    pub opened: Timestamp,
    /// From then on another one opens.
    #[serde(with = "crate::time::micros")]
    pub closes: Timestamp,
}

impl Span {
    /// Of a window that opens at `now`.
    pub fn of(digest: &Digest, now: Timestamp) -> Self {
        let opened = to_micros(now);
        Self { opened, closes: later(opened, digest.window.duration()) }
    }

    /// Whether it takes another event. One that was opened by a clock that was wrong takes none.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.closes && !crate::time::is_ahead(self.opened, now)
    }

    /// When what was collected may be sent.
    pub fn due(&self) -> Timestamp {
        later(self.closes, GRACE)
    }
}
