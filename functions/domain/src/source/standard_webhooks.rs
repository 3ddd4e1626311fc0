//! Standard Webhooks: `type`, `timestamp` and `data`, as the specification recommends them.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use super::{InterpretedEvent, SourceRequest, TOLERANCE, Unmappable, payload};
use crate::rules_document::{SecretRef, Verification};

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    Verification::StandardWebhooks { tolerance: TOLERANCE, secrets }
}

/// The action is `type`. A payload without one is the context of an event like that of any other sender.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let Some(action) = request.text(&["type"]) else { return payload::as_context(request) };
    let event = InterpretedEvent::of(action, request.object()?.clone())?;
    Ok(vec![event.at(request.payload.get("timestamp"))])
}
