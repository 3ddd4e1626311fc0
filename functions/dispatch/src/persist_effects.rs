//! Persists what expressions did: their events go to the intake, their log lines to the log.
//!
//! Refuses to know what the events look like; the domain builds them.

use std::collections::HashSet;
use std::sync::Arc;

use domain::Timestamp;
use domain::admission::mask::Masker;
use domain::event::{Event, SerializedEvent};
use domain::expression::{Effects, LogLine};
use domain::ports::StoreError;
use domain::rules_document::RulesDocument;

use crate::{DispatchPorts, trace};

/// Logs the lines and stores the events of these effects, each pair with the event that the expression ran for.
/// The events' pks are deterministic, so that a second call stores nothing new.
pub(crate) async fn persist(
    ports: &DispatchPorts,
    document: &RulesDocument,
    effects_by_event: Vec<(Arc<Event>, Vec<Effects>)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut events, mut seen) = (Vec::new(), HashSet::new());
    let pairs = effects_by_event.iter().flat_map(|(event, all)| all.iter().map(move |effects| (&**event, effects)));
    for (event, effects) in pairs {
        effects.log.iter().for_each(|line| log(line, event, document));
        for created in effects.events(event, document, now) {
            match created {
                Ok(created) if seen.insert(created.event.pk) => events.push(SerializedEvent::from(created)),
                Ok(_) => {}
                Err(rejection) => {
                    let trace_id = trace::id(Some(event));
                    tracing::warn!(pk = %event.pk, trace_id, reason = rejection.detail, "rejected an event that an expression created");
                }
            }
        }
    }
    if !events.is_empty() {
        ports.intake.accept(&events).await?;
        for event in &events {
            domain::log_accepted!(event.json());
        }
    }
    Ok(())
}

fn log(line: &LogLine, event: &Event, document: &RulesDocument) {
    // An expression may log any text, so that the line is masked like an event.
    let masker = Masker::new(&document.redact);
    let (mut text, mut fields) = (line.message.clone(), line.fields.clone());
    masker.mask_string(&mut text);
    masker.mask_object(&mut fields);
    let fields = serde_json::Value::Object(fields);
    let (pk, trace_id) = (event.pk, trace::id(Some(event)));
    match line.level.as_str() {
        "debug" => tracing::debug!(%pk, trace_id, text, %fields, "expression log"),
        "info" => tracing::info!(%pk, trace_id, text, %fields, "expression log"),
        "warning" => tracing::warn!(%pk, trace_id, text, %fields, "expression log"),
        _ => tracing::error!(%pk, trace_id, text, %fields, "expression log"),
    }
}
