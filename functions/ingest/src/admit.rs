//! Drafts to events: masked, named, stamped.
//!
//! Owns what one request's events have in common: the instant, the document, the key, the trace.

use domain::Timestamp;
use domain::admission::mask::Masker;
use domain::admission::{Admission, Admitted, Draft, Rejection};
use domain::ports::{Entropy, Origins};
use domain::rules_document::RulesDocument;
use domain::trace::TraceParent;

pub(crate) fn all(
    drafts: Vec<Result<Draft, Rejection>>,
    key: Option<&str>,
    trace: Option<TraceParent>,
    document: &RulesDocument,
    now: Timestamp,
    entropy: &dyn Entropy,
    origins: &dyn Origins,
) -> Vec<Result<Admitted, Rejection>> {
    let masker = Masker::new(&document.redact);
    let admission = |place| Admission {
        now,
        retention: &document.retention,
        masker: &masker,
        key: key.map(|key| (key, place)),
        trace,
        origins,
        random: entropy.bits(),
    };
    let admit = |(place, draft): (usize, Result<Draft, Rejection>)| draft?.admit(&admission(place));
    drafts.into_iter().enumerate().map(admit).collect()
}
