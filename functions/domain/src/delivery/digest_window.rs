//! The window in which a digest collects events.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rules_document::DigestSettings;
use crate::time::{later, to_micros};

/// A dispatcher that adds an event just before the window closes has finished after this time. If it stalls for longer,
/// the event may appear in two digests, but is never lost.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

/// The time from a digest's first event until it stops collecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestWindow {
    /// The time of the first event.
    #[serde(with = "crate::time::micros")]
    pub opened: Timestamp,
    /// From this time on, an event opens another window.
    #[serde(with = "crate::time::micros")]
    pub closes: Timestamp,
}

impl DigestWindow {
    /// The window that opens at `now`.
    pub fn opening_at(digest: &DigestSettings, now: Timestamp) -> Self {
        let opened = to_micros(now);
        Self { opened, closes: later(opened, digest.window.duration()) }
    }

    /// Whether the window collects another event at `now`. `false` if a wrong clock opened it in the future.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.closes && !crate::time::is_ahead(self.opened, now)
    }

    /// When the digest may be sent: shortly after the window closes.
    pub fn due(&self) -> Timestamp {
        later(self.closes, GRACE)
    }
}
