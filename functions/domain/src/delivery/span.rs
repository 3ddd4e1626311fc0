//! When a digest's window opened and closes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rules_document::Digest;
use crate::time::{later, to_micros};

/// Who began to collect before the window closed has finished by then. One that stalls for longer may be listed
/// in two digests, but is never lost.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

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
