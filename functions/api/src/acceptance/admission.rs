//! Turns drafts into events: masks them and assigns pk, time and expiry.
//!
//! Owns what the events of one request have in common: the time, the rules document, the idempotency key and the trace.

use domain::Timestamp;
use domain::admission::mask::Masker;
use domain::admission::{AdmissionContext, AdmittedEvent, Draft, Rejection};
use domain::ports::{Entropy, OriginLookup};
use domain::rules_document::RulesDocument;
use domain::trace::TraceParent;

/// Admits the drafts. A draft that is already rejected keeps its position. `key` names each event by its index.
pub(super) fn admit_all(
    drafts: Vec<Result<Draft, Rejection>>,
    key: Option<&str>,
    trace: Option<TraceParent>,
    document: &RulesDocument,
    now: Timestamp,
    entropy: &dyn Entropy,
    origins: &dyn OriginLookup,
) -> Vec<Result<AdmittedEvent, Rejection>> {
    let masker = Masker::new(&document.redact);
    let admission = |index| AdmissionContext {
        now,
        retention: &document.retention,
        masker: &masker,
        key: key.map(|key| (key, index)),
        trace,
        origins,
        random: entropy.bits(),
    };
    let admit = |(index, draft): (usize, Result<Draft, Rejection>)| draft?.admit(&admission(index));
    drafts.into_iter().enumerate().map(admit).collect()
}
