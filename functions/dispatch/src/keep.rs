//! What expressions did, kept: events through the intake, log lines in the log.
//!
//! Owns no shape: what the events look like is the domain's.

use std::collections::HashSet;
use std::sync::Arc;

use domain::Timestamp;
use domain::admission::mask::Masker;
use domain::event::Event;
use domain::expression::{Effects, LogLine};
use domain::ports::StoreError;
use domain::rules_document::RulesDocument;

use crate::{Parts, trace};

/// Stores the events that these effects are; each belongs to the event that it came from. Doing it again
/// stores nothing new.
pub(crate) async fn all(
    parts: &Parts,
    document: &RulesDocument,
    left: Vec<(Arc<Event>, Vec<Effects>)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut events, mut lines, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (event, effects) in left.iter().flat_map(|(event, all)| all.iter().map(move |effects| (&**event, effects))) {
        effects.log.iter().for_each(|line| log(line, event, document));
        for made in effects.events(event, document, now) {
            match made {
                Ok(made) if seen.insert(made.event.pk) => {
                    lines.push(made.json);
                    events.push(Arc::new(made.event));
                }
                Ok(_) => {}
                Err(rejection) => {
                    let trace_id = trace::id(Some(event));
                    tracing::warn!(pk = %event.pk, trace_id, reason = rejection.detail, "an expression's event is not taken");
                }
            }
        }
    }
    if !events.is_empty() {
        parts.intake.accept(&events).await?;
        for event in lines {
            tracing::info!(target: "nuncio::event", event = event.as_str(), "event accepted");
        }
    }
    Ok(())
}

fn log(line: &LogLine, event: &Event, document: &RulesDocument) {
    let masker = Masker::new(&document.redact);
    let (mut text, mut fields) = (line.message.clone(), line.fields.clone());
    masker.mask_string(&mut text);
    masker.mask_object(&mut fields);
    let fields = serde_json::Value::Object(fields);
    let (pk, trace_id) = (event.pk, trace::id(Some(event)));
    match line.level.as_str() {
        "debug" => tracing::debug!(%pk, trace_id, text, %fields, "an expression says"),
        "info" => tracing::info!(%pk, trace_id, text, %fields, "an expression says"),
        "warning" => tracing::warn!(%pk, trace_id, text, %fields, "an expression says"),
        _ => tracing::error!(%pk, trace_id, text, %fields, "an expression says"),
    }
}
