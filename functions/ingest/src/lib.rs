//! Turns HTTP requests into stored and queued events.
//!
//! A request passes these stages, one file each, in the order that `route` lists: the authenticator (`api`); `format`,
//! `idempotency_key` and `trace` read the headers; `decode` reads the body; [`api::Acceptance`] masks, names, stores
//! and queues the events; `response` answers. Refuses to evaluate rules, and knows nothing of Lambda.
#![doc = include_str!("../README.md")]

mod decode;
mod format;
mod idempotency_key;
mod limits;
mod response;
mod route;
mod trace;

use domain::admission::{Draft, Rejection};
use domain::ports::StoreError;

use api::EventOutcome;

pub use limits::{MAX_BODY_BYTES, MAX_EVENTS};
pub use route::router;

/// The ingestion stage with the ports that it uses.
#[derive(Clone, Debug)]
pub struct Ingest {
    /// Masks, names, stores and queues the events.
    pub acceptance: api::Acceptance,
    /// Checks who may post events.
    pub authenticator: api::Authenticator,
    /// Limits the memory of all concurrent requests together.
    pub memory: api::MemoryBudget,
}

impl Ingest {
    /// Accepts events without HTTP; see [`api::Acceptance::accept`].
    ///
    /// # Errors
    /// If the store or the queue fails. No event may be considered stored then; accepting the same drafts again is
    /// safe.
    pub async fn accept(
        &self,
        drafts: Vec<Result<Draft, Rejection>>,
        key: Option<&str>,
    ) -> Result<Vec<EventOutcome>, StoreError> {
        let active = self.acceptance.configuration.current().await?;
        self.acceptance.accept(drafts, key, None, &active.document).await
    }
}
