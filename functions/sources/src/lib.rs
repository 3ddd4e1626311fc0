//! Turns the requests of other systems' webhooks into stored and queued events.
//!
//! A request passes these stages: `route` finds the source and reads the body; `verify` checks the signature over the
//! raw bytes; `domain::source` says what the payload means; [`api::Acceptance`] masks, names, stores and queues the
//! events. Refuses requests that are not signed, and never answers 2xx for a payload that becomes no event.
#![doc = include_str!("../README.md")]

mod route;
mod source_error;
mod verify;

use std::fmt;
use std::sync::Arc;

use domain::ports::Secrets;

pub use route::router;

/// The stage with the ports that it uses.
#[derive(Clone)]
pub struct Sources {
    /// Masks, names, stores and queues the events.
    pub acceptance: api::Acceptance,
    /// Resolves the sources' secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Limits the memory of all concurrent requests together.
    pub memory: api::MemoryBudget,
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sources")
    }
}
