//! GitHub: `X-Hub-Signature-256`, `X-GitHub-Event`, `X-GitHub-Delivery`.
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use super::{InterpretedEvent, SourceRequest, Unmappable, body_signature};
use crate::rules_document::{SecretRef, Verification};

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    body_signature("x-hub-signature-256", "sha256=", secrets)
}

/// `github.<event>`, or `github.<event>.<action>` where the payload has an action.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let event = request.required_header("x-github-event")?;
    let action = match request.text(&["action"]) {
        Some(action) => format!("github.{event}.{action}"),
        None => format!("github.{event}"),
    };
    Ok(vec![InterpretedEvent::of(&action, request.object()?.clone())?.by(request.text(&["sender", "login"]))])
}
