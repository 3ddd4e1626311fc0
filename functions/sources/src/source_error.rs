//! The event that records a payload that became no event: one an hour and source.

use api::Acceptance;
use domain::Timestamp;
use domain::admission::Draft;
use domain::ports::StoreError;
use domain::rules_document::{EventSource, RulesDocument};
use serde_json::json;

/// Stores the event, unless this hour has one of the source.
pub(crate) async fn record(
    acceptance: &Acceptance,
    document: &RulesDocument,
    source: &EventSource,
    why: &str,
) -> Result<(), StoreError> {
    let seconds = acceptance.clock.now().as_second();
    let hour = Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(Timestamp::UNIX_EPOCH);
    let message = format!("The source {} sent a payload that became no event: {why}", source.name);
    let event = json!({
        "action": "source_error",
        "app": "nuncio.sources",
        "created": domain::time::format(hour),
        "context": { "source": source.name, "reason": why, "message": message },
    });
    let draft = Draft::from_value(event).map(|draft| Draft {
        id: Some(source.name.clone()),
        source: Some("nuncio.sources".to_owned()),
        is_named_alone: true,
        ..draft
    });
    acceptance.accept(vec![draft], None, None, document).await.map(drop)
}
