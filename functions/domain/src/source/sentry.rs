//! Sentry's integration platform: `Sentry-Hook-Signature`, `Sentry-Hook-Resource`, `Request-ID`.
//! <https://docs.sentry.io/organization/integrations/integration-platform/webhooks/>

use super::{InterpretedEvent, SourceRequest, Unmappable, body_signature};
use crate::rules_document::{SecretRef, Verification};

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    body_signature("sentry-hook-signature", "", secrets)
}

/// `sentry.<resource>`, or `sentry.<resource>.<action>` where the payload has an action.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let resource = request.required_header("sentry-hook-resource")?;
    let action = match request.text(&["action"]) {
        Some(action) => format!("sentry.{resource}.{action}"),
        None => format!("sentry.{resource}"),
    };
    let user = (request.text(&["actor", "type"]) == Some("user")).then(|| request.text(&["actor", "name"])).flatten();
    Ok(vec![InterpretedEvent::of(&action, request.object()?.clone())?.by(user)])
}
