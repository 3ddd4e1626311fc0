//! The way from drafts to stored and queued events, which all functions take that accept events over HTTP.

mod admission;
mod known_pks;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use domain::EventPk;
use domain::admission::{Draft, Rejection};
use domain::event::SerializedEvent;
use domain::ports::{Clock, Configuration, Entropy, Intake, OriginLookup, StoreError};
use domain::rules_document::RulesDocument;
use domain::trace::TraceParent;

/// Accepts events: masks, names, stores and queues them.
#[derive(Clone)]
pub struct Acceptance {
    /// Stores and queues events.
    pub intake: Arc<dyn Intake>,
    /// The rules document: retention and masking.
    pub configuration: Arc<dyn Configuration>,
    /// The time at which events are received.
    pub clock: Arc<dyn Clock>,
    /// The random bits in the pks of unnamed events.
    pub entropy: Arc<dyn Entropy>,
    /// Resolves client addresses to locations.
    pub origins: Arc<dyn OriginLookup>,
}

impl fmt::Debug for Acceptance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Acceptance")
    }
}

/// The outcome of one event: the pk under which it is stored, or why it was rejected.
pub type EventOutcome = Result<EventPk, Rejection>;

impl Acceptance {
    /// Accepts events. The outcomes are in the order of `drafts`; a draft that is already rejected is returned as it is.
    ///
    /// `key` names the events by their index, like the `Idempotency-Key` of a request. On return, every event with a pk
    /// among the outcomes is durable and queued.
    ///
    /// # Errors
    /// If the store or the queue fails. No event may be considered stored then; accepting the same drafts again is
    /// safe.
    pub async fn accept(
        &self,
        drafts: Vec<Result<Draft, Rejection>>,
        key: Option<&str>,
        trace: Option<TraceParent>,
        document: &RulesDocument,
    ) -> Result<Vec<EventOutcome>, StoreError> {
        let now = self.clock.now();
        let (entropy, origins) = (self.entropy.as_ref(), self.origins.as_ref());
        let mut admitted = admission::admit_all(drafts, key, trace, document, now, entropy, origins);
        known_pks::reuse_known_pks(&mut admitted, self.intake.as_ref(), now).await?;
        let outcomes = admitted.iter().map(|one| one.as_ref().map(|one| one.event.pk).map_err(Clone::clone)).collect();

        let mut seen = HashSet::new();
        let events: Vec<_> =
            admitted.into_iter().flatten().filter(|one| seen.insert(one.event.pk)).map(SerializedEvent::from).collect();
        if !events.is_empty() {
            self.intake.accept(&events).await?;
            for event in &events {
                domain::log_accepted!(event.json());
            }
        }
        Ok(outcomes)
    }
}
