//! HTTP request to stored and queued events.
//!
//! Owns the whole way in, one stage a file: the authenticator (`api`), `format`, `key` and `trace` from the headers,
//! `decode` of the body, `admit`, `recall` of named events without a time, the intake, `answer`; `route` is their list. Refuses to evaluate anything, and knows no Lambda.

mod admit;
mod answer;
mod decode;
mod format;
mod key;
mod recall;
mod route;
mod trace;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use domain::EventPk;
use domain::admission::{Draft, Rejection};
use domain::ports::{Clock, Configuration, Entropy, Intake, Origins, StoreError};
use domain::rules_document::RulesDocument;
use domain::trace::TraceParent;

pub use route::{MAX_BODY_BYTES, MAX_EVENTS, router};

/// The way in, and what it stands on.
#[derive(Clone)]
pub struct Ingest {
    /// Where events go.
    pub intake: Arc<dyn Intake>,
    /// Says how long events are kept, what is masked, and how CloudEvents types become actions.
    pub configuration: Arc<dyn Configuration>,
    /// When events are received.
    pub clock: Arc<dyn Clock>,
    /// Tells unnamed events apart.
    pub entropy: Arc<dyn Entropy>,
    /// Knows where events come from.
    pub origins: Arc<dyn Origins>,
    /// Who may post.
    pub authenticator: api::Authenticator,
    /// What requests may take of it together.
    pub memory: api::MemoryBudget,
}

impl fmt::Debug for Ingest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ingest")
    }
}

/// What became of one event: the pk it is stored under, or why it is not taken.
pub type Verdict = Result<EventPk, Rejection>;

impl Ingest {
    /// Takes events without HTTP: masks, names, stores and queues them.
    ///
    /// A draft that is an error already keeps its place and comes back as it is; `key` names the events
    /// by their places, as the `Idempotency-Key` of a request does. On return every event with a pk
    /// among the verdicts is durable and queued.
    ///
    /// # Errors
    /// When the store or the queue fails. Nothing may be taken for stored then; accepting the same
    /// again is safe.
    pub async fn accept(
        &self,
        drafts: Vec<Result<Draft, Rejection>>,
        key: Option<&str>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let active = self.configuration.current().await?;
        self.take(drafts, key, None, &active.document).await
    }

    async fn take(
        &self,
        drafts: Vec<Result<Draft, Rejection>>,
        key: Option<&str>,
        trace: Option<TraceParent>,
        document: &RulesDocument,
    ) -> Result<Vec<Verdict>, StoreError> {
        let now = self.clock.now();
        let (entropy, origins) = (self.entropy.as_ref(), self.origins.as_ref());
        let mut admitted = admit::all(drafts, key, trace, document, now, entropy, origins);
        recall::pks(&mut admitted, self.intake.as_ref(), now).await?;
        let verdicts = admitted.iter().map(|one| one.as_ref().map(|one| one.event.pk).map_err(Clone::clone)).collect();

        let mut seen = HashSet::new();
        let (events, lines): (Vec<_>, Vec<_>) = admitted
            .into_iter()
            .flatten()
            .filter(|one| seen.insert(one.event.pk))
            .map(|one| (Arc::new(one.event), one.json))
            .unzip();
        if !events.is_empty() {
            self.intake.accept(&events).await?;
            for json in &lines {
                domain::log_accepted!(json.as_str());
            }
        }
        Ok(verdicts)
    }
}
