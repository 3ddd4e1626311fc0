//! The delivery that carries a digest.
//!
//! The first delivery with a suppression key opens a window. When the window has closed, this delivery is sent and
//! reports the events of the suppressed later ones, too. Until then it waits in the ledger like a retry, so that it is
//! sent exactly once even after a crash.

use serde::{Deserialize, Serialize};

use crate::delivery::{DeliveryId, DigestWindow};

/// An open digest: its window, and the delivery that will report the collected events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestCarrier {
    /// The delivery whose event opened the window.
    pub carrier: DeliveryId,
    /// The time for which events are collected.
    #[serde(flatten)]
    pub window: DigestWindow,
}
