//! PagerDuty's v3 webhooks: `X-PagerDuty-Signature: v1=…`, several while a secret is changed.
//! <https://developer.pagerduty.com/docs/webhooks-overview>

use super::{InterpretedEvent, SourceRequest, Unmappable, body_signature};
use crate::rules_document::{SecretRef, Verification};

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    body_signature("x-pagerduty-signature", "v1=", secrets)
}

/// `pagerduty.<event type>`, named by the event's id.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let action = format!("pagerduty.{}", request.required(&["event", "event_type"])?);
    let event = InterpretedEvent::of(&action, request.object()?.clone())?
        .named(request.text(&["event", "id"]))
        .by(request.text(&["event", "agent", "summary"]))
        .at(request.payload.pointer("/event/occurred_at"));
    Ok(vec![event])
}
