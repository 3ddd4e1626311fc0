//! Digest windows: what is collected until when, and which delivery carries it.
//!
//! The first delivery of a lane opens a window and carries, when it has closed, what the later ones would have
//! told of. It lies in the ledger like one that waits for another attempt, so that it is sent once, after a crash too.

use serde::{Deserialize, Serialize};

use crate::delivery::{DeliveryId, Span};

/// A window and the delivery that carries what is collected in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Whose event opened it.
    pub carrier: DeliveryId,
    /// When.
    #[serde(flatten)]
    pub span: Span,
}
