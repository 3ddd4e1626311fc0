//! GitLab: `X-Gitlab-Token`, `object_kind`, `Idempotency-Key`.
//! <https://docs.gitlab.com/user/project/integrations/webhooks/>

use super::{InterpretedEvent, SourceRequest, Unmappable};
use crate::rules_document::{SecretRef, Verification};

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    Verification::Header { header: "x-gitlab-token".to_owned(), prefix: String::new(), tokens: secrets }
}

/// `gitlab.<kind>`, or `gitlab.<kind>.<action>` where the object has an action. System hooks have an `event_name`.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let kind = request.text(&["object_kind"]).map_or_else(|| request.required(&["event_name"]), Ok)?;
    let action = match request.text(&["object_attributes", "action"]) {
        Some(action) => format!("gitlab.{kind}.{action}"),
        None => format!("gitlab.{kind}"),
    };
    let user = request.text(&["user_username"]).or_else(|| request.text(&["user", "username"]));
    Ok(vec![InterpretedEvent::of(&action, request.object()?.clone())?.by(user)])
}
